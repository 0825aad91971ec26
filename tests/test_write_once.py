"""A server that takes If-None-Match and ignores it: found at start, and on one the database puts writers in line."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine

from config.sections import S3
from config.settings import Settings
from pipeline.errors import Unavailable, UsageError
from pipeline.model import Document
from pipeline.paths import HomePaths
from pipeline.wire import open_store
from storage import s3
from storage.archive import Archive
from storage.database import open_database
from storage.manifest import check_chain, decode
from storage.s3 import AlreadyThere, Bucket, Endpoint
from storage.seaweedfs import EmbeddedStore
from storage.write_once import turns
from tests.papers import of_text
from tests.repository import keep
from tests.test_storage_s3 import digest, new_key, put

DOSSIER = "H26.19-261125-0001"


@pytest.fixture
def ignoring(store: EmbeddedStore, own_bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> Endpoint:
    """The real store, told nothing of the condition: what it does then is what such a server does."""
    headers = s3._headers

    def without(*values: object) -> s3._Headers:
        return {k: v for k, v in headers(*values).items() if k != "If-None-Match"}  # type: ignore[arg-type]

    monkeypatch.setattr(s3, "_headers", without)
    return replace(store.endpoint("admin"), bucket=own_bucket.name)


def versions(bucket: Bucket, key: str) -> int:
    return sum(one.key == key for one in bucket.versions(key))


def test_a_store_that_ignores_the_condition_is_told_from_one_that_keeps_it(
    own_bucket: Bucket, ignoring: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not Bucket(ignoring).keeps_conditions()
    key = new_key()
    put(Bucket(ignoring), key, b"first")
    put(Bucket(ignoring), key, b"second")
    assert own_bucket.read(key) == b"second", "so it is that a manifest would be lost"
    monkeypatch.undo()
    assert own_bucket.keeps_conditions() and own_bucket.keeps_conditions()
    assert versions(own_bucket, s3.ONCE) == 2, "asking leaves nothing behind where it is kept"


def test_a_home_does_not_start_on_one_unless_its_database_puts_writers_in_line(
    ignoring: Endpoint, tmp_path: Path, database: Engine
) -> None:
    s3_settings = {
        "endpoint": f"http://{ignoring.host}",
        "access_key": ignoring.access_key,
        "secret_key": ignoring.secret_key,
        "bucket": ignoring.bucket,
    }
    paths = HomePaths(tmp_path)
    with pytest.raises(UsageError, match=r"If-None-Match.*write_once"):
        open_store(paths, Settings(s3=S3.model_validate(s3_settings)), database)
    settings = Settings(s3=S3.model_validate({**s3_settings, "write_once": "database"}))
    _, endpoint = open_store(paths, settings, database)
    key = new_key()
    put(Bucket(endpoint), key, b"first")
    with pytest.raises(AlreadyThere):
        put(Bucket(endpoint), key, b"second")


def test_of_many_writers_in_line_exactly_one_wins(ignoring: Endpoint, any_database: Engine) -> None:
    """Each with a connection of its own, as hosts have, where the database is a server."""
    shared = turns(any_database)
    postgres = any_database.dialect.name == "postgresql"
    engines = [open_database(any_database.url) for _ in range(4)] if postgres else []
    hosts = [turns(engine) for engine in engines] or [shared] * 4
    for _ in range(3):
        wins: list[bytes] = []
        key, start = new_key(), threading.Barrier(4)

        def write(
            number: int, key: str = key, start: threading.Barrier = start, wins: list[bytes] = wins
        ) -> None:
            content = f"writer {number}".encode()
            start.wait()
            try:
                put(Bucket(replace(ignoring, turn=hosts[number])), key, content)
                wins.append(content)
            except AlreadyThere:
                pass

        threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(wins) == 1
        assert Bucket(ignoring).read(key) == wins[0] and versions(Bucket(ignoring), key) == 1
    for engine in engines:
        engine.dispose()


def test_papers_stored_at_once_keep_each_others_places_in_the_manifest(
    ignoring: Endpoint, any_database: Engine, document: Document, tmp_path: Path
) -> None:
    bucket = Bucket(replace(ignoring, turn=turns(any_database)))
    archive, start = Archive(bucket), threading.Barrier(3)
    names = [f"d_{number}" for number in range(3)]

    def store_one(name: str) -> None:
        folder = tmp_path / name
        folder.mkdir()
        own = of_text(document, name, f"giấy {name}", dossier=DOSSIER)
        page = replace(own.pages[0], page=replace(own.pages[0].page, id=f"p_{name}"))
        own = replace(own, batch=f"b_{name}", pages=(page,), paper=replace(own.paper, pages=(0,)))
        start.wait()
        keep(any_database, archive, own, name.encode(), folder)

    threads = [threading.Thread(target=store_one, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    manifests = list(archive.manifests(DOSSIER))
    assert len(manifests) == 3 and check_chain(manifests) == []
    assert {e.document for e in decode(manifests[-1][1], manifests[-1][0]).entries} == set(names)


def test_a_write_that_was_given_up_and_comes_late_is_found(
    ignoring: Endpoint, database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its sender died; the server carries it out between our look and our own write's end."""
    bucket, key = Bucket(replace(ignoring, turn=turns(database))), new_key()
    really: Callable[..., str | None] = bucket._put

    def late(key: str, data: memoryview, headers: s3._Headers) -> str | None:
        version = really(key, data, headers)
        put(Bucket(ignoring), key, b"late and other")
        return version

    monkeypatch.setattr(bucket, "_put", late)
    with pytest.raises(Unavailable, match="came late"):
        put(bucket, key, b"ours")
    monkeypatch.undo()
    with pytest.raises(AlreadyThere):
        put(bucket, key, b"ours")
    assert bucket.hash(key) == digest(b"late and other"), "the next try goes on from there"
