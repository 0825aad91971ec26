"""The catalogue from a bucket that somebody has been at: what is covered or hidden comes back, what is lost is named."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, text

from pipeline.model import Document
from storage.archive import Archive
from storage.database import open_database, reading, sqlite_url
from storage.ledger import Ledger
from storage.rebuild import Rebuilder, Rebuilt
from storage.search import Search
from tests.papers import make_intake
from tests.repository import LOCK, Repository

TABLES = {
    "document": "select * from document order by id",
    "held_object": "select * from held_object order by document, version, role, key",
    "ledger": "select * from ledger order by seq",
    "words": "select * from document_words order by rowid",
    "page": "select batch, idx, source, source_sha256, turn, confidence, text from page order by batch, idx",
}
WORKING = {"roles", "staged_key", "staged_sha256", "reason", "version_id"}


def rows(database: Engine) -> dict[str, list[dict[str, Any]]]:
    with reading(database) as connection:
        return {
            name: [
                {k: v for k, v in row._mapping.items() if k not in WORKING}
                for row in connection.execute(text(query))
            ]
            for name, query in TABLES.items()
        }


def rebuild(repository: Repository) -> tuple[Rebuilt, Engine]:
    made = open_database(sqlite_url(repository.folder / "anew.sqlite3"))
    return Rebuilder(repository.bucket, made, lambda event: None).run(), made


def test_an_untouched_bucket_gives_the_same_rows(repository: Repository) -> None:
    outcome, made = rebuild(repository)
    assert (outcome.documents, outcome.dossiers, outcome.problems, outcome.unstored) == (2, 2, [], [])
    assert rows(made) == rows(repository.database)
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
    outcome, made = rebuild(repository)
    assert outcome.problems == []
    assert rows(made) == rows(repository.database)
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
    outcome, made = rebuild(repository)
    assert outcome.documents == 1 and len(outcome.problems) == 1 and "d_other" in outcome.problems[0]
    assert Ledger(made).verify().ok
    made.dispose()


def test_originals_without_a_stored_paper_are_told(repository: Repository, document: Document) -> None:
    Archive(repository.bucket).land(
        make_intake(replace(document, batch="b_waiting")), lock_until=datetime.now(UTC) + LOCK
    )
    outcome, made = rebuild(repository)
    assert outcome.unstored == ["b_waiting"]
    made.dispose()
