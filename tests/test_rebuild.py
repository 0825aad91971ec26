"""The catalogue from a bucket that somebody has been at: what is covered or hidden comes back, what is lost is named."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from pipeline.model import Document, StoredDocument
from pipeline.records import dump
from pipeline.sidecar import sidecar_of
from storage.archive import Archive
from storage.batches import Batches
from storage.catalogue import Catalogue
from storage.database import open_database, reading, sqlite_url
from storage.ledger import Ledger
from storage.rebuild import Rebuilder, Rebuilt
from storage.s3 import Bucket
from storage.search import Search
from storage.segments import Segments
from tests.papers import make_intake, of_text, with_bytes

LOCK = timedelta(days=1)
TABLES = {
    "document": "select * from document order by id",
    "held_object": "select * from held_object order by document, version, role, key",
    "ledger": "select * from ledger order by seq",
    "words": "select * from document_words order by rowid",
    "page": "select batch, idx, source, source_sha256, turn, confidence, text from page order by batch, idx",
}
WORKING = {"roles", "staged_key", "staged_sha256", "reason", "version_id"}


@dataclass
class Repository:
    """A bucket with two dossiers, and the database that kept them."""

    bucket: Bucket
    database: Engine
    stored: list[StoredDocument]
    folder: Path

    def rows(self, database: Engine) -> dict[str, list[dict[str, Any]]]:
        with reading(database) as connection:
            return {
                name: [
                    {k: v for k, v in row._mapping.items() if k not in WORKING}
                    for row in connection.execute(text(query))
                ]
                for name, query in TABLES.items()
            }

    def rebuild(self) -> tuple[Rebuilt, Engine]:
        made = open_database(sqlite_url(self.folder / "anew.sqlite3"))
        return Rebuilder(self.bucket, made, lambda event: None).run(), made


def keep(
    database: Engine, archive: Archive, document: Document, content: bytes, folder: Path
) -> StoredDocument:
    batches = Batches(database)
    batches.open(make_intake(document))
    batches.set_pages(document.batch, [page.page for page in document.pages])
    batches.record_read(document.pages)
    batches.open_document(document)
    signed = with_bytes(document, content, folder)
    until = datetime.now(UTC) + LOCK
    stored = archive.store(signed, sidecar=dump(sidecar_of(signed)), lock_until=until)
    Catalogue(database).commit(stored)
    return stored


@pytest.fixture
def repository(database: Engine, own_bucket: Bucket, document: Document, tmp_path: Path) -> Repository:
    archive = Archive(own_bucket)
    other = replace(of_text(document, "d_other", "hợp đồng thuê nhà", dossier="H26/2"), batch="b_other")
    (only,) = other.pages
    other = replace(other, pages=(replace(only, page=replace(only.page, id="p_other")),))
    stored = [
        keep(database, archive, document, b"one", tmp_path),
        keep(database, archive, other, b"two", tmp_path),
        keep(database, archive, document, b"one signed anew", tmp_path),
    ]
    Segments(database, own_bucket, lock=LOCK).publish()
    return Repository(own_bucket, database, stored, tmp_path)


def test_an_untouched_bucket_gives_the_same_rows(repository: Repository) -> None:
    outcome, made = repository.rebuild()
    assert (outcome.documents, outcome.dossiers, outcome.problems, outcome.unstored) == (2, 2, [], [])
    assert repository.rows(made) == repository.rows(repository.database)
    assert Ledger(made).verify().ok
    for query in ("thue nha", "thuê nhà", "chứng nhận"):
        assert Search(made).find(query) == Search(repository.database).find(query)
        assert len(Search(made).find(query)["results"]) == 1
    made.dispose()


def test_what_somebody_put_over_or_hid_does_not_count(repository: Repository) -> None:
    client, bucket = repository.bucket._client, repository.bucket
    first = repository.stored[0]
    client.remove_object(bucket.name, first.manifest.key)
    client.put_object(bucket.name, repository.stored[2].manifest.key, io.BytesIO(b"{}"), 2)
    client.put_object(bucket.name, first.sidecar.key, io.BytesIO(b"{}"), 2)
    client.remove_object(bucket.name, next(bucket.keys("l/")))
    outcome, made = repository.rebuild()
    assert outcome.problems == []
    assert repository.rows(made) == repository.rows(repository.database)
    made.dispose()


def test_what_is_gone_for_good_is_named_and_the_rest_comes_back(repository: Repository) -> None:
    lost = repository.stored[1].sidecar
    version = next(iter(repository.bucket.versions(lost.key))).version_id
    client = repository.bucket._client
    from minio.deleteobjects import DeleteObject

    gone = client.remove_objects(
        repository.bucket.name, [DeleteObject(lost.key, version)], bypass_governance_mode=True
    )
    assert not list(gone)
    outcome, made = repository.rebuild()
    assert outcome.documents == 1 and len(outcome.problems) == 1 and "d_other" in outcome.problems[0]
    assert Ledger(made).verify().ok
    made.dispose()


def test_originals_without_a_stored_paper_are_told(repository: Repository, document: Document) -> None:
    Archive(repository.bucket).land(
        make_intake(replace(document, batch="b_waiting")), lock_until=datetime.now(UTC) + LOCK
    )
    outcome, made = repository.rebuild()
    assert outcome.unstored == ["b_waiting"]
    made.dispose()
