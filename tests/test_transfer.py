"""A PostgreSQL database as a file and back: the same rows, words and numbers, taken while others write."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select

from pipeline.errors import UsageError
from pipeline.model import Document
from storage.database import open_database, reading, writing
from storage.ledger import Ledger
from storage.migrate import everything
from storage.review_tables import ruling
from storage.s3 import Bucket
from storage.schema import ledger
from storage.search import Search
from storage.transfer import put_in_place, snapshot
from tests.repository import Repository, fill


def rows(engine: Engine) -> dict[str, list[tuple[Any, ...]]]:
    with reading(engine) as connection:
        return {
            table.name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
            for table in everything().sorted_tables
        }


@pytest.fixture
def full(
    new_postgres: Callable[[], str], own_bucket: Bucket, document: Document, tmp_path: Path
) -> Repository:
    engine = open_database(new_postgres())
    filled = fill(engine, own_bucket, document, tmp_path)
    with writing(engine) as connection:
        body = {
            "batch": "b_other",
            "act": "settle",
            "page": 0,
            "body": "{}",
            "actor": "k",
            "at": "2026",
            "undone": False,
        }
        connection.execute(ruling.insert(), body)
    return filled


def test_what_is_copied_and_put_back_is_the_same(
    full: Repository, new_postgres: Callable[[], str], tmp_path: Path
) -> None:
    file, target = tmp_path / "snapshot.sqlite3", open_database(new_postgres())
    snapshot(full.database, file)
    assert not list(tmp_path.glob("snapshot.sqlite3-*")), "one whole file"
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("pragma integrity_check").fetchone() == ("ok",)
    put_in_place(file, target)
    assert rows(target) == rows(full.database)
    assert rows(target)["ledger"] and rows(target)["held_object"]
    for query in ("hợp đồng", "hop dong thue nha", "b*"):
        assert Search(target).find(query)["results"] == Search(full.database).find(query)["results"]
    assert Ledger(target).verify().ok
    with writing(target) as connection:
        body = {
            "batch": "b_other",
            "act": "settle",
            "page": 0,
            "body": "{}",
            "actor": "k",
            "at": "2026",
            "undone": False,
        }
        connection.execute(ruling.insert(), body)
        assert connection.execute(select(func.count(func.distinct(ruling.c.seq)))).scalar() == 2
    with pytest.raises(UsageError, match="holds records already"):
        put_in_place(file, target)
    target.dispose()
    full.database.dispose()


def test_a_copy_taken_while_others_write_is_one_state(full: Repository, tmp_path: Path) -> None:
    going = threading.Event()

    def write() -> None:
        while not going.is_set():
            Ledger(full.database).note(act="view", actor="a", agency="H26", objects=["d_1"])

    writer = threading.Thread(target=write)
    writer.start()
    try:
        snapshot(full.database, tmp_path / "s.sqlite3")
    finally:
        going.set()
        writer.join()
    copy = open_database(f"sqlite:///{tmp_path / 's.sqlite3'}")
    assert Ledger(copy).verify().ok
    with reading(copy) as old, reading(full.database) as new:
        count = select(func.count()).select_from(ledger)
        assert 0 < old.execute(count).scalar_one() < new.execute(count).scalar_one()
    copy.dispose()
    full.database.dispose()
