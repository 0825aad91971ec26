"""Settings in, what keeps dossiers and lets them go out: the schedule of terms, locks and holds, disposals."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Engine as Database

import config
from config.settings import Settings
from pipeline.classify.types import TypeCatalogue
from pipeline.model import SignatureRole
from pipeline.paths import HomePaths
from pipeline.procedures.retention import RetentionSchedule
from storage.archive import Archive
from storage.disposal import Disposals
from storage.dossiers import Dossiers
from storage.keeper import Keeper
from storage.keeping import COMPLIANCE, GOVERNANCE
from storage.locking import LockingBucket
from storage.s3 import Endpoint
from storage.seaweedfs import EmbeddedStore

YEAR = timedelta(days=365)


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """`lock` is the term of locks in demo mode. `turn` is held while a disposal is carried through."""

    schedule: RetentionSchedule
    keeper: Keeper
    disposals: Disposals
    production: bool
    lock: timedelta
    turn: threading.Lock = field(default_factory=threading.Lock)

    @property
    def mode(self) -> str:
        return COMPLIANCE if self.production else GOVERNANCE


def open_keeping(
    paths: HomePaths,
    settings: Settings,
    database: Database,
    archive: Archive,
    dossiers: Dossiers,
    types: TypeCatalogue,
    sign: Callable[[bytes, SignatureRole], bytes],
    store: EmbeddedStore | None,
    endpoint: Endpoint,
    lock: timedelta,
) -> Keeping:
    """What keeps and disposes. Raises UsageError for a schedule that does not hold."""
    production, agency = settings.mode == "production", settings.agency.code
    own = settings.storage.retention_file
    schedule = RetentionSchedule.load(own or Path(config.__path__[0]) / "retention.toml", types.types.keys())
    strong = _remover(settings, store, endpoint)
    disposals = Disposals(
        database,
        archive,
        dossiers,
        LockingBucket(strong),
        sign=sign,
        agency=agency,
        mode=COMPLIANCE if production else GOVERNANCE,
        certificate_lock=schedule.certificate_years * YEAR if production else lock,
        forget_sides=lambda digests: forget_sides(paths.work, digests),
    )
    return Keeping(
        schedule=schedule,
        # to make a lock stricter takes more than the writer may
        keeper=Keeper(database, LockingBucket(strong if production else endpoint), agency=agency),
        disposals=disposals,
        production=production,
        lock=lock,
    )


def forget_sides(work: Path, digests: set[str]) -> None:
    """Results of reading sides of these originals: their words must not outlive what was disposed of."""
    wanted = [digest.encode() for digest in sorted(digests)]
    for path in (work / "pages").glob("*/*.json") if wanted else ():
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            continue
        if any(digest in content for digest in wanted):
            path.unlink(missing_ok=True)


def _remover(settings: Settings, store: EmbeddedStore | None, endpoint: Endpoint) -> Endpoint:
    """The identity that may delete: of the home's own store its administrator, else the one of the settings."""
    if store is not None:
        return store.endpoint("admin")
    key, secret = settings.s3.disposal_access_key, settings.s3.disposal_secret_key
    if not key or not secret:
        return endpoint  # an office may have given its only key the right; else the store refuses, with its reason
    return replace(endpoint, access_key=key, secret_key=secret.get_secret_value())
