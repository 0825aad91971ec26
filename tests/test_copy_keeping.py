"""Term and hold stand on the second copy too, on what is copied later as well, and lifting a hold lifts it there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from pipeline.model import Document
from storage import layout
from storage.archive import Archive
from storage.dossiers import Dossiers
from storage.keeping import GOVERNANCE, Hold, Retention
from storage.ledger import Ledger
from storage.locking import LockingBucket
from storage.s3 import Endpoint
from storage.seaweedfs import EmbeddedStore
from storage.second_copy import SecondCopy
from storage.second_place import BucketPlace
from storage.versions import Lock
from tests.repository import LOCK, Repository, keep

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    """A server under other administration."""
    store = EmbeddedStore.at(tmp_path_factory.mktemp("elsewhere"), bucket="copy")
    store.start()
    yield store.endpoint("writer")
    store.stop(0.1)


def test_terms_and_holds_are_carried_over(
    repository: Repository, database: Engine, document: Document, elsewhere: Endpoint, tmp_path: Path
) -> None:
    code = str(document.paper.dossier)
    place = BucketPlace(LockingBucket(elsewhere, patient=False), name="http://elsewhere", lock=LOCK)
    copy = SecondCopy(
        database, Archive(repository.bucket), repository.bucket, place, tmp_path / "copying", agency="H26"
    )
    dossiers = Dossiers(database, repository.bucket, lock=LOCK)
    term = datetime.now(UTC).replace(microsecond=0) + timedelta(days=9)
    retention = Retention(
        term="t", name="n", source="s", checked=False, closed=date(2026, 11, 25), until=None, mode=GOVERNANCE,
        lock_until=term,
    )  # fmt: skip

    def decide(**values: object) -> None:
        dossiers.change(
            code,
            lambda last: replace(last, **values),  # type: ignore[arg-type]
            act="dossier_state",
            actor="nhung",
            agency="H26",
        )

    def locks(folder: str) -> list[Lock]:
        there = LockingBucket(elsewhere)
        found = [there.lock_of(one.key, one.version_id) for one in there.versions(f"{folder}/")]
        return [one for one in found if one is not None]

    mine, other = layout.dossier_folder(code), layout.dossier_folder("H26/2")
    copy.work()
    assert locks(mine) and not any(lock.until == term or lock.hold for lock in locks(mine))
    decide(retention=retention)
    copy.work()
    first = locks(mine)
    assert {(lock.until, lock.hold) for lock in first} == {(term, False)}
    assert len(first) == len(list(repository.bucket.keys(f"{mine}/"))), (
        "the dossier's own record is there too"
    )
    assert all(lock.until != term for lock in locks(other))
    decide(hold=Hold(reason="r", by="b", at=datetime.now(UTC)))
    keep(database, Archive(repository.bucket), document, b"one signed a third time", tmp_path)
    copy.work()
    assert len(locks(mine)) > len(first)
    assert {(lock.until, lock.hold) for lock in locks(mine)} == {(term, True)}
    decide(hold=None)
    copy.work()
    assert {(lock.until, lock.hold) for lock in locks(mine)} == {(term, False)}
    told = [entry.body for entry in Ledger(database).entries() if '"retain_copy"' in entry.body]
    assert len(told) == 3 and copy.state().trouble is None
    copy.work()
    assert len([e for e in Ledger(database).entries() if '"retain_copy"' in e.body]) == 3, (
        "nothing new, nothing said"
    )
