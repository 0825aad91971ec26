"""Two hosts on one bucket and one PostgreSQL write the same dossier at once: both survive, in one order."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from storage import layout
from storage.archive import Archive
from storage.database import open_database, reading
from storage.dossier_record import DossierRecord, Marked, check_records
from storage.dossiers import Dossiers
from storage.fixity import Fixity
from storage.ledger import Ledger
from storage.manifest import check_chain, decode
from storage.s3 import Bucket, Endpoint
from storage.schema import document as documents
from storage.seaweedfs import EmbeddedStore
from storage.write_once import turns
from tests.papers import make_document, of_text
from tests.repository import LOCK, keep

DOSSIER = "H26.19-261125-0001"
EACH = 4


def host(name: str, endpoint: Endpoint, url: str, folder: Path, start: object, in_line: bool) -> None:
    """One host: an operating-system process with its own connections to store and database."""
    database = open_database(url)
    bucket = Bucket(replace(endpoint, turn=turns(database)) if in_line else endpoint)
    archive, dossiers = Archive(bucket), Dossiers(database, bucket, lock=LOCK)
    folder.mkdir()
    base = make_document(folder)
    start.wait(60)  # type: ignore[attr-defined]
    for number in range(EACH):
        own = of_text(base, f"d_{name}{number}", f"giấy {name} {number}", dossier=DOSSIER)
        page = replace(own.pages[0], page=replace(own.pages[0].page, id=f"p_{name}{number}"))
        own = replace(own, batch=f"b_{name}{number}", pages=(page,), paper=replace(own.paper, pages=(0,)))
        keep(database, archive, own, f"{name} {number}".encode(), folder)
        mark = Marked(component=f"{name}.{number}", kind="shown", by=name, at=datetime.now(UTC))

        def edit(last: DossierRecord, mark: Marked = mark) -> DossierRecord:
            return last.with_mark(mark)

        dossiers.change(DOSSIER, edit, act="dossier_mark", actor=name, agency="H26")
    database.dispose()


@pytest.mark.slow
def test_both_survive_in_order(
    store: EmbeddedStore, own_bucket: Bucket, new_postgres: Callable[[], str], tmp_path: Path
) -> None:
    endpoint = replace(store.endpoint("admin"), bucket=own_bucket.name)
    both_survive_in_order(endpoint, new_postgres(), tmp_path, in_line=False)


def both_survive_in_order(endpoint: Endpoint, url: str, tmp_path: Path, *, in_line: bool) -> None:
    """Also for a store of another make; `in_line`: one where the database puts the writers of a key in line."""
    spawn = multiprocessing.get_context("spawn")
    start, own_bucket = spawn.Barrier(2), Bucket(endpoint)
    hosts = [
        spawn.Process(target=host, args=(name, endpoint, url, tmp_path / name, start, in_line))
        for name in ("a", "b")
    ]
    for one in hosts:
        one.start()
    for one in hosts:
        one.join(120)
    assert [one.exitcode for one in hosts] == [0, 0]

    everybody = {f"d_{name}{number}" for name in ("a", "b") for number in range(EACH)}
    manifests = list(Archive(own_bucket).manifests(DOSSIER))
    assert len(manifests) == 2 * EACH and check_chain(manifests) == []
    newest = decode(manifests[-1][1], manifests[-1][0])
    assert {entry.document for entry in newest.entries} == everybody
    order = ["".join(sorted({e.document for e in decode(c, k).entries})) for k, c in manifests]
    assert order == sorted(order, key=len), "each generation holds all that the one before held, and one more"

    keys = sorted(own_bucket.keys(f"{layout.dossier_folder(DOSSIER)}/h/"))
    records = [(key, own_bucket.read(key) or b"") for key in keys]
    assert len(records) == 2 * EACH and check_records(records) == []
    database = open_database(url)
    record = Dossiers(database, own_bucket, lock=LOCK).record(DOSSIER)
    assert {mark.component for mark in record.marks} == {
        f"{n}.{number}" for n in ("a", "b") for number in range(EACH)
    }
    with reading(database) as connection:
        stored = connection.execute(documents.select().where(documents.c.state == "stored")).all()
    assert {row.id for row in stored} == everybody
    assert sorted(row.generation for row in stored) == list(range(1, 2 * EACH + 1))
    assert Ledger(database).verify().ok
    run = Fixity(database, own_bucket, mb_per_second=1000, agency="H26", busy=lambda: False).scrub(actor="a")
    assert run.findings == []
    database.dispose()
