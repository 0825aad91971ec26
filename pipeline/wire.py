"""The only file that knows both settings and adapters: settings in, working parts out."""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.x509 import Certificate, load_der_x509_certificate
from sqlalchemy import Engine as Database

import config
from config.settings import Settings
from pipeline.classify.types import TypeCatalogue
from pipeline.engine import Engine
from pipeline.errors import UsageError
from pipeline.grammar.receipt_codes import ReceiptForm
from pipeline.model import Level, SignatureRole
from pipeline.page_pool import PagePool
from pipeline.paths import HomePaths
from pipeline.raster.limits import RasterLimits
from pipeline.stages import RealStages
from signing.demo_pki import DemoPki, ensure_demo_pki
from signing.evidence import Trust
from signing.isolation import IsolatedVerifier
from signing.keys import from_pem
from signing.pades import PadesSigner
from signing.signer import Signer
from signing.templates import Templates
from signing.timestamp import demo_authority, http_authority
from signing.trust import TrustStore
from storage.archive import Archive
from storage.batches import Batches
from storage.catalogue import Catalogue
from storage.database import open_database, sqlite_url
from storage.decisions import Decisions
from storage.ledger import Ledger
from storage.roots import Roots
from storage.s3 import Bucket, Endpoint
from storage.search import Search
from storage.seaweedfs import EmbeddedStore
from storage.segments import Segments


@dataclass(frozen=True, slots=True)
class Records:
    """What is known: enough to answer `find` and `status`."""

    database: Database
    batches: Batches
    decisions: Decisions
    catalogue: Catalogue
    search: Search
    ledger: Ledger

    def describe(self) -> str:
        return self.database.url.get_backend_name()


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that works."""

    records: Records
    store: EmbeddedStore | None
    archive: Archive
    pool: PagePool
    engine: Engine
    signer: Signer
    verifier: IsolatedVerifier
    limits: RasterLimits
    types: TypeCatalogue
    segments: Segments
    roots: Roots
    trust: TrustStore
    bucket_once: Bucket
    store_name: str

    def describe_store(self) -> str:
        return self.store_name

    def trusted(self) -> list[Certificate]:
        """Root certificates that this home believes."""
        return [load_der_x509_certificate(one) for one in self.trust.anchors]

    def self_test(self) -> str:
        """Sign something small; the names of who signs."""
        return self.signer.self_test()

    def close(self) -> None:
        """End the children; the engine's threads end with the process, their work resumes next time."""
        self.pool.close()
        self.verifier.close()
        if self.store is not None:
            self.store.stop()


def open_records(paths: HomePaths, settings: Settings) -> Records:
    """The database. Raises Unavailable."""
    database = open_database(database_url(paths, settings))
    return Records(
        database,
        Batches(database),
        Decisions(database),
        Catalogue(database),
        Search(database),
        Ledger(database),
    )


def open_work(paths: HomePaths, settings: Settings, records: Records) -> Parts:
    """Store, keys, workers, engine, in this order; what a dead process left is resumed. Raises Unavailable."""
    if settings.mode == "production":
        raise UsageError(
            "production mode needs keys of a real authority, which this version cannot take yet; use mode demo",
            vi="Chế độ chính thức cần khóa thật, phiên bản này chưa nhận; hãy dùng chế độ demo",
        )
    pool = PagePool(
        workers=settings.limits.workers or os.cpu_count() or 1,
        seconds=settings.limits.page_seconds,
        memory_mb=settings.limits.page_memory_mb,
    )
    pool.warm()
    store, endpoint = open_store(paths, settings)
    bucket, bucket_once = Bucket(endpoint), Bucket(endpoint, patient=False)
    lock = timedelta(days=settings.storage.lock_days_demo)
    if records.ledger.is_empty() and next(bucket.keys("l/"), None) is not None:
        pool.close()
        if store is not None:
            store.stop()
        raise UsageError(
            "the database is empty, but the bucket holds records of earlier days; run `sohoa rebuild`",
            vi="Cơ sở dữ liệu trống nhưng kho đã có hồ sơ; hãy chạy `sohoa rebuild` để dựng lại danh mục",
        )
    archive = Archive(bucket, once=bucket_once)
    pki = ensure_demo_pki(paths.keys / "demo", agency=settings.agency.name, officer=settings.agency.officer)
    signer = pades_signer(settings, pki)
    trust = TrustStore.of(paths.trust, demo_root=pki.certificate("root"))
    verifier = IsolatedVerifier(trust)
    limits = RasterLimits(
        max_pixels=settings.limits.max_megapixels * 1_000_000, max_pages=settings.limits.max_pages
    )
    types = TypeCatalogue.load(Path(config.__path__[0]) / "document_types.toml")
    stages = RealStages(
        batches=records.batches,
        decisions=records.decisions,
        catalogue=records.catalogue,
        archive=archive,
        signer=signer,
        pool=pool,
        types=types,
        limits=limits,
        work=paths.work,
        lock=lock,
        judge_incoming=verifier.judge_incoming,
        receipts=receipt_forms(settings),
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
        pool,
        engine,
        signer,
        verifier,
        limits,
        types,
        segments,
        roots,
        trust,
        bucket_once,
        name,
    )


def receipt_forms(settings: Settings) -> tuple[ReceiptForm, ...]:
    """How receipts of this site write their codes, in the order of the settings."""
    return tuple(ReceiptForm(**form.model_dump()) for form in settings.receipt.values())


def open_store(paths: HomePaths, settings: Settings) -> tuple[EmbeddedStore | None, Endpoint]:
    """The home's own store, started, or the one of the settings; and how the writer reaches it."""
    if settings.s3.endpoint:
        endpoint = external_endpoint(settings)
        Bucket(endpoint, patient=False).ready_for_records()
        return None, endpoint
    store = EmbeddedStore(paths.store, bucket=settings.s3.bucket)
    store.start()
    return store, store.endpoint()


def database_url(paths: HomePaths, settings: Settings) -> str:
    """The URL of the settings, else SQLite in the home."""
    return settings.database.url.get_secret_value() if settings.database.url else sqlite_url(paths.database)


def pades_signer(settings: Settings, pki: DemoPki) -> PadesSigner:
    """The two-role signer over the demo keys."""
    root = pki.certificate("root")
    url = settings.signing.tsa_url
    return PadesSigner(
        officer=from_pem(pki.certificate("officer"), pki.key("officer"), (root,)),
        agency=from_pem(pki.certificate("agency"), pki.key("agency"), (root,)),
        agency_name=settings.agency.name,
        officer_name=settings.agency.officer,
        trust=Trust(roots=(root,), crls=(pki.crl,), refresh=pki.refresh),
        timestamper=http_authority(url, timeout=settings.signing.tsa_timeout) if url else demo_authority(pki),
        level=Level(settings.signing.level),
        demo=True,
        templates=Templates.load(),
    )


def external_endpoint(settings: Settings) -> Endpoint:
    """The S3 endpoint of the settings."""
    s3 = settings.s3
    assert s3.endpoint and s3.access_key and s3.secret_key  # settings.load has checked
    parts = urlsplit(s3.endpoint if "//" in s3.endpoint else f"https://{s3.endpoint}")
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise UsageError(f"s3.endpoint {s3.endpoint!r} is no http or https address")
    return Endpoint(
        host=parts.netloc,
        secure=parts.scheme == "https",
        access_key=s3.access_key,
        secret_key=s3.secret_key.get_secret_value(),
        region=s3.region,
        bucket=s3.bucket,
    )


def home_id(paths: HomePaths) -> str:
    """The home's own name, made once: the executor id of whoever holds its lock."""
    mark = paths.root / "home.id"
    if not mark.exists():
        part = mark.with_suffix(".part")
        part.write_text(f"home-{uuid.uuid4().hex}")
        part.replace(mark)
    return mark.read_text().strip()
