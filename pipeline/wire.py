"""The only file that knows both settings and adapters: settings in, working parts out."""

from __future__ import annotations

import hashlib
import os
import socket
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.x509 import Certificate, load_der_x509_certificate
from sqlalchemy import Engine as Database

import config
from config.sections import S3
from config.sections import SecondCopy as CopySettings
from config.settings import Settings
from pipeline.casework import Casework
from pipeline.classify.type_model import TypeModel, read_model
from pipeline.classify.types import TypeCatalogue
from pipeline.engine import Engine
from pipeline.errors import UsageError
from pipeline.grammar.receipt_codes import ReceiptForm
from pipeline.model import Level, SignatureRole
from pipeline.page_pool import PagePool
from pipeline.paths import HomePaths
from pipeline.raster.limits import RasterLimits
from pipeline.stages import RealStages
from pipeline.wire_casework import open_casework
from pipeline.wire_keeping import Keeping, open_keeping
from pipeline.wire_signing import SigningParts, open_signing
from pipeline.wire_store import store_process
from signing.conditions import Conditions
from signing.demo_pki import DemoPki
from signing.evidence_token import digest_until, proves_until
from signing.isolation import IsolatedVerifier
from signing.policy import levels_from
from signing.reading_shelf import ReadingShelf
from signing.signer import Signer
from signing.trust import TrustStore
from storage.amendments import Amendments
from storage.archive import Archive
from storage.awaiting import Awaiting
from storage.batches import Batches
from storage.catalogue import Catalogue
from storage.database import open_database, parse_url, sqlite_url
from storage.decisions import Decisions
from storage.homes import Homes, Terms
from storage.learned import Learned
from storage.ledger import Ledger
from storage.lights import Lights
from storage.locking import LockingBucket
from storage.owner_papers import OwnerKeys
from storage.page_changes import PageChanges
from storage.root_evidence import RootEvidence
from storage.roots import Roots
from storage.s3 import Bucket, Endpoint
from storage.scan_requests import ScanRequests
from storage.search import Search
from storage.seaweedfs import EmbeddedStore
from storage.seaweedfs_process import StoreProcess
from storage.second_copy import SecondCopy
from storage.second_place import BucketPlace, FolderPlace, SecondPlace
from storage.segments import Segments
from storage.succession import Succession
from storage.versions import VersionedBucket
from storage.write_once import turns


@dataclass(frozen=True, slots=True)
class Records:
    """What is known: enough to answer `find` and `status`."""

    database: Database
    batches: Batches
    decisions: Decisions
    catalogue: Catalogue
    search: Search
    ledger: Ledger
    requests: ScanRequests

    def describe(self) -> str:
        return self.database.url.get_backend_name()


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that works."""

    records: Records
    store: EmbeddedStore | None
    archive: Archive
    amendments: Amendments
    pool: PagePool
    engine: Engine
    signer: Signer
    signing: SigningParts
    verifier: IsolatedVerifier
    limits: RasterLimits
    types: TypeCatalogue
    segments: Segments
    roots: Roots
    bucket_once: Bucket
    versioned: VersionedBucket
    second: SecondCopy | None
    store_name: str
    awaiting: Awaiting
    lights: Lights
    succession: Succession
    casework: Casework
    evidence: RootEvidence
    keeping: Keeping
    page_changes: PageChanges
    readings: ReadingShelf
    homes: Homes

    def describe_store(self) -> str:
        return self.store_name

    def trusted(self) -> list[Certificate]:
        """Root certificates that this home believes."""
        return [load_der_x509_certificate(one) for one in self.verifier.trust.anchors]

    def self_test(self) -> str:
        """Sign something small; the names of who signs."""
        return self.signer.self_test()

    def close(self) -> None:
        """End the children; the engine's threads end with the process, their work resumes next time."""
        self.pool.close()
        self.verifier.close()
        self.signer.close()
        if self.store is not None:
            self.store.stop()


def open_records(paths: HomePaths, settings: Settings) -> Records:
    """The database. Raises Unavailable, and UsageError in a home that is only half restored."""
    if paths.restoring.exists():
        raise UsageError(
            "this home is half restored; run the same `sohoa restore` again",
            vi="Thư mục này mới khôi phục dở; hãy chạy lại lệnh `sohoa restore` đó",
        )
    database = open_database(database_url(paths, settings))
    return Records(
        database,
        Batches(database, home=home_id(paths)),
        Decisions(database),
        Catalogue(database),
        Search(database),
        Ledger(database),
        ScanRequests(database),
    )


def open_work(
    paths: HomePaths, settings: Settings, records: Records, *, launched: StoreProcess | None = None
) -> Parts:
    """Keys, workers, store, engine, in this order; what a dead process left is resumed. Raises Unavailable.

    `launched` is the home's own store where it was spawned already; it is waited for.
    """
    signing = open_signing(paths, settings)
    signer, production = signing.signer, settings.mode == "production"
    homes = Homes(records.database, home_id(paths))
    homes.join(_terms(paths, settings))
    pool = PagePool(
        workers=settings.limits.workers or os.cpu_count() or 1,
        seconds=settings.limits.page_seconds,
        memory_mb=settings.limits.page_memory_mb,
    )
    pool.warm()
    store, endpoint = open_store(paths, settings, records.database, launched=launched)
    bucket, bucket_once = Bucket(endpoint), Bucket(endpoint, patient=False)
    lock = settings.provisional_lock
    if records.ledger.is_empty() and next(bucket.keys("l/"), None) is not None:
        pool.close()
        if store is not None:
            store.stop()
        raise UsageError(
            "the database is empty, but the bucket holds records of earlier days; run `sohoa rebuild`",
            vi="Cơ sở dữ liệu trống nhưng kho đã có hồ sơ; hãy chạy `sohoa rebuild` để dựng lại danh mục",
        )
    archive = Archive(bucket, once=bucket_once, locking=bool(lock))
    verifier = IsolatedVerifier(trust_of(paths, settings), conditions=asking(settings))
    limits = RasterLimits(
        max_pixels=settings.limits.max_megapixels * 1_000_000, max_pages=settings.limits.max_pages
    )
    types = TypeCatalogue.load(Path(config.__path__[0]) / "document_types.toml")
    awaiting = Awaiting(records.database)
    second = second_copy(paths, settings, records, archive, bucket_once, lock)
    lights = Lights(
        records.database,
        production=production,
        levels=levels_from(settings.signing.counter_level or Level.T),
        copy=second,
        waived_by=settings.storage.second_copy_waived_by,
    )
    casework = open_casework(paths, settings, records.database, records.requests, bucket, types, lock)
    stages = RealStages(
        batches=records.batches,
        decisions=records.decisions,
        awaiting=awaiting,
        lights=lights,
        catalogue=records.catalogue,
        archive=archive,
        signer=signer,
        pool=pool,
        types=types,
        limits=limits,
        work=paths.work,
        lock=lock,
        judge_incoming=verifier.judge_incoming,
        unknown_dossier=casework.why_unknown,
        asked=casework.requests.asked,
        receipts=receipt_forms(settings),
        opinion=second_opinion(records.database),
    )
    engine = Engine(records.database.url, executor=home_id(paths), stages=stages, work=paths.work, at_once=2)
    engine.launch()
    for batch, attempt in records.batches.running():
        urgent = records.batches.intake(batch).urgent
        engine.start(batch, attempt, priority=1 if urgent else 10)
    name = "SeaweedFS (nội bộ)" if store else str(settings.s3.endpoint)
    segments = Segments(records.database, bucket, lock=lock)
    roots = Roots(
        records.database,
        bucket,
        segments,
        sign=lambda content: signer.attest(content, SignatureRole.AGENCY),
        agency=settings.agency.code,
        lock=lock,
    )
    return Parts(
        records,
        store,
        archive,
        Amendments(records.database, archive, signer.attest, signer.roles),
        pool,
        engine,
        signer,
        signing,
        verifier,
        limits,
        types,
        segments,
        roots,
        bucket_once,
        VersionedBucket(endpoint),
        second,
        name,
        awaiting,
        lights,
        Succession(records.database, bucket, lock=lock),
        casework,
        RootEvidence(
            records.database,
            bucket,
            signing.signer.evidence_stamper(),
            proves_until=proves_until,
            digest_until=digest_until,
            agency=settings.agency.code,
            lock=lock,
        ),
        open_keeping(
            paths,
            settings,
            records.database,
            archive,
            casework.dossiers,
            types,
            signer.attest,
            store,
            endpoint,
            lock,
        ),
        PageChanges(records.database, archive, lock=lock),
        ReadingShelf(paths.work / "readings"),
        homes,
    )


def _terms(paths: HomePaths, settings: Settings) -> Terms:
    """What this home works with, as the other homes of its database are to know it."""
    root = DemoPki(folder=paths.keys / "demo").certificate("root")
    demo = settings.mode == "demo" and root.exists()
    return Terms(
        host=socket.gethostname(),
        agency=settings.agency.code,
        mode=settings.mode,
        store=f"{settings.s3.endpoint or paths.store} {settings.s3.bucket}",
        person_key=OwnerKeys(paths.person_key).fingerprint(),
        demo_root=hashlib.sha256(root.read_bytes()).hexdigest() if demo else None,
    )


def second_opinion(database: Database) -> Callable[[datetime], TypeModel | None]:
    """The model that was in use at a time; each is read once."""
    learned = Learned(database)
    read = cache(lambda version: read_model(learned.content(version)))

    def asked(at: datetime) -> TypeModel | None:
        version = learned.in_use(at)
        return read(version) if version else None

    return asked


def trust_of(paths: HomePaths, settings: Settings) -> TrustStore:
    """What an administrator put into the home's folder, and in demo mode the demo root."""
    root = DemoPki(folder=paths.keys / "demo").certificate("root")
    return TrustStore.of(paths.trust, demo_root=root if settings.mode == "demo" and root.exists() else None)


def asking(settings: Settings) -> Conditions:
    """Whether and how servers are asked for revocation data."""
    verification = settings.verification
    return Conditions(
        online=verification.online, timeout=verification.timeout, hosts=tuple(verification.hosts)
    )


def receipt_forms(settings: Settings) -> tuple[ReceiptForm, ...]:
    """How receipts of this site write their codes, in the order of the settings."""
    return tuple(ReceiptForm(**form.model_dump()) for form in settings.receipt.values())


def open_store(
    paths: HomePaths,
    settings: Settings,
    database: Database | None = None,
    *,
    launched: StoreProcess | None = None,
) -> tuple[EmbeddedStore | None, Endpoint]:
    """The home's own store, started, or the one of the settings; and how the writer reaches it.

    `database` is that of the home, for stores where it puts the writers in line. Raises UsageError for a store on
    which two writers could overwrite each other.
    """
    if settings.s3.endpoint:
        endpoint = external_endpoint(settings)
        bucket = Bucket(endpoint, patient=False)
        bucket.ready_for_records()
        if settings.s3.write_once == "database":
            return None, replace(endpoint, turn=turns(database)) if database else endpoint
        if not bucket.keeps_conditions():
            raise UsageError(
                f"the store at {endpoint.host} ignores If-None-Match, so that of two writers one would overwrite the "
                "other's manifest; use a store that keeps it, or, when all homes on this bucket have one database, "
                'set s3.write_once = "database"',
                vi=f"Kho S3 {endpoint.host} bỏ qua điều kiện ghi một lần (If-None-Match) nên bản kê có thể bị ghi đè; "
                "hãy dùng kho có hỗ trợ, hoặc khi bucket này chỉ dùng với một cơ sở dữ liệu, đặt "
                's3.write_once = "database"',
            )
        return None, endpoint
    store = EmbeddedStore(launched or store_process(paths, settings))
    store.start()
    return store, store.endpoint()


def second_copy(
    paths: HomePaths,
    settings: Settings,
    records: Records,
    archive: Archive,
    bucket: Bucket,
    lock: timedelta,
) -> SecondCopy | None:
    """The second copy of the settings, None when none is set."""
    to = settings.second_copy
    if to.folder:
        place: SecondPlace = FolderPlace(to.folder, bucket=settings.s3.bucket)
    elif to.endpoint:
        there = LockingBucket(_endpoint(to, "second_copy.endpoint"), patient=False)
        place = BucketPlace(there, name=to.endpoint, lock=lock)
    else:
        return None
    return SecondCopy(
        records.database, archive, bucket, place, paths.work / "copy", agency=settings.agency.code
    )


def database_url(paths: HomePaths, settings: Settings) -> str:
    """The URL of the settings, else SQLite in the home."""
    return settings.database.url.get_secret_value() if settings.database.url else sqlite_url(paths.database)


def sqlite_file(paths: HomePaths, settings: Settings) -> Path | None:
    """The file of an SQLite database, None when a server keeps it."""
    url = parse_url(database_url(paths, settings))
    return None if url.get_backend_name() == "postgresql" else Path(str(url.database))


def external_endpoint(settings: Settings) -> Endpoint:
    """The S3 endpoint of the settings."""
    return _endpoint(settings.s3, "s3.endpoint")


def _endpoint(s3: S3 | CopySettings, name: str) -> Endpoint:
    assert s3.endpoint and s3.access_key and s3.secret_key  # the settings have been checked
    parts = urlsplit(s3.endpoint if "//" in s3.endpoint else f"https://{s3.endpoint}")
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise UsageError(f"{name} {s3.endpoint!r} is no http or https address")
    return Endpoint(
        host=parts.netloc,
        secure=parts.scheme == "https",
        access_key=s3.access_key,
        secret_key=s3.secret_key.get_secret_value(),
        region=s3.region,
        bucket=s3.bucket,
        timeout=s3.timeout,
    )


def home_id(paths: HomePaths) -> str:
    """The home's own name, made once: the executor id of whoever holds its lock."""
    mark = paths.root / "home.id"
    if not mark.exists():
        part = mark.with_suffix(".part")
        part.write_text(f"home-{uuid.uuid4().hex}")
        part.replace(mark)
    return mark.read_text().strip()
