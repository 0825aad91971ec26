"""Locks in a real store: longer, never shorter; COMPLIANCE holds against the administrator; late papers get the same term."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from pipeline.errors import UsageError
from pipeline.model import Document
from storage import layout
from storage.archive import Archive
from storage.database import open_database, sqlite_url
from storage.dossiers import Dossiers
from storage.keeper import Keeper
from storage.keeping import COMPLIANCE, GOVERNANCE, Hold, Retention
from storage.ledger import Ledger
from storage.locking import LockingBucket
from storage.manifest import digest
from storage.rebuild import Rebuilder
from storage.s3 import Bucket
from storage.seaweedfs import EmbeddedStore
from storage.segments import Segments
from storage.versions import Lock
from tests.repository import LOCK, Repository, keep

DAY = date(2026, 11, 25)


def spare_as(store: EmbeddedStore, role: str) -> LockingBucket:
    return LockingBucket(replace(store.endpoint(role), bucket="spare"))


def test_a_lock_grows_and_never_shrinks_and_compliance_holds_against_the_administrator(
    store: EmbeddedStore, own_bucket: Bucket
) -> None:
    bucket, key = spare_as(store, "admin"), "d/00/00/x/c/a"
    put = bucket.put_new(key, b"a", sha256=digest(b"a"), media_type="text/plain", lock_until=None)
    version = put.version_id or ""
    now = datetime.now(UTC).replace(microsecond=0)
    soon, later = now + timedelta(seconds=4), now + timedelta(seconds=6)

    def extend(until: datetime, mode: str) -> bool:
        return bucket.extend(key, version, until=until, mode=mode, now=now)

    assert extend(later, GOVERNANCE) and not extend(soon, GOVERNANCE) and not extend(later, GOVERNANCE)
    assert bucket.lock_of(key, version) == Lock(mode=GOVERNANCE, until=later)
    assert extend(soon, COMPLIANCE), "a stricter mode, with the later end"
    assert not extend(soon, GOVERNANCE), "never a weaker one"
    assert bucket.lock_of(key, version) == Lock(mode=COMPLIANCE, until=later)
    with pytest.raises(UsageError):
        bucket.remove_version(key, version)
    assert not extend(now - timedelta(days=1), GOVERNANCE)
    time.sleep(max(0.0, (later - datetime.now(UTC)).total_seconds() + 1))
    bucket.remove_version(key, version)
    bucket.remove_version(key, version)
    assert bucket.read(key, version_id=version) is None


def test_the_writer_sets_locks_and_holds_and_removes_nothing(bucket: Bucket, store: EmbeddedStore) -> None:
    writer, key = LockingBucket(store.endpoint("writer")), "d/00/00/y/c/a"
    put = writer.put_new(key, b"a", sha256=digest(b"a"), media_type="text/plain", lock_until=None)
    version = put.version_id or ""
    now = datetime.now(UTC)
    assert writer.extend(key, version, until=now + timedelta(seconds=3), mode=GOVERNANCE, now=now)
    assert writer.put_hold(key, version, True) and not writer.put_hold(key, version, True)
    assert writer.put_hold(key, version, False) and not writer.put_hold(key, version, False)
    with pytest.raises(UsageError):
        writer.remove_version(key, version)


def test_a_term_reaches_every_object_and_a_late_paper_too(
    repository: Repository, store: EmbeddedStore, database: Engine, document: Document, tmp_path: Path
) -> None:
    code = str(document.paper.dossier)
    dossiers = Dossiers(database, repository.bucket, lock=LOCK)
    keeper = Keeper(database, spare_as(store, "admin"), agency="H26")
    term = datetime.now(UTC).replace(microsecond=0) + timedelta(days=9)
    retention = Retention(
        term="t",
        name="n",
        source="s",
        checked=False,
        closed=DAY,
        until=None,
        mode=GOVERNANCE,
        lock_until=term,
    )

    def decide(**values: object) -> None:
        dossiers.change(
            code,
            lambda last: replace(last, **values),  # type: ignore[arg-type]
            act="dossier_state",
            actor="nhung",
            agency="H26",
        )

    def ends(prefix: str) -> list[datetime | None]:
        bucket = spare_as(store, "admin")
        found = [bucket.lock_of(one.key, one.version_id) for one in bucket.versions(f"{prefix}/")]
        return [lock.until if lock else None for lock in found]

    assert list(keeper.due()) == []
    decide(retention=retention)
    assert list(keeper.due()) == [code]
    keeper.run()
    assert list(keeper.due()) == [] and keeper.applied(code).done
    mine = ends(layout.dossier_folder(code))
    assert len(mine) == keeper.applied(code).objects > 6 and set(mine) == {term}
    assert term not in ends(layout.dossier_folder("H26/2"))
    Keeper(database, spare_as(store, "admin"), agency="H26").apply(code)
    entries = [e.body for e in Ledger(database).entries() if '"retain"' in e.body]
    assert len(entries) == 1, "a second round changes nothing and says nothing"

    keep(database, Archive(repository.bucket), document, b"one signed a third time", tmp_path)
    assert list(keeper.due()) == [code]
    keeper.run()
    assert set(ends(layout.dossier_folder(code))) == {term} and len(ends(layout.dossier_folder(code))) > len(
        mine
    )
    decide(hold=Hold(reason="r", by="b", at=datetime.now(UTC)))
    keeper.run()
    anew = open_database(sqlite_url(tmp_path / "anew.sqlite3"))
    Segments(database, repository.bucket, lock=LOCK).publish()
    assert Rebuilder(repository.bucket, anew, lambda event: None).run().problems == []
    back = Dossiers(anew, repository.bucket, lock=LOCK).record(code)
    assert back == dossiers.record(code) and back.hold is not None, "term and hold, from the bucket alone"
    assert list(Keeper(anew, spare_as(store, "admin"), agency="H26").due()) == [code]
    anew.dispose()
    decide(hold=None)
    keeper.run()
    bucket = spare_as(store, "admin")
    locks = [bucket.lock_of(o.key, o.version_id) for o in bucket.versions(f"{layout.dossier_folder(code)}/")]
    assert not any(lock and lock.hold for lock in locks)
