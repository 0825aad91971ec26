"""One database's content into another of either kind, in one transaction: what a backup of PostgreSQL holds is SQLite.

The durable engine's checkpoints stay behind: batches that were open begin their attempt anew, which every stage allows.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Table, func, select, text
from sqlalchemy.exc import SQLAlchemyError

from pipeline.errors import Unavailable, UsageError
from storage.database import is_postgres, open_database, reading, sqlite_url, writing
from storage.migrate import everything
from storage.schema import ledger
from storage.words import Words
from storage.words_postgres import PostgresWords
from storage.words_sqlite import SqliteWords

AT_ONCE = 500
_WORDS = {
    "sqlite": "select r.number, w.document, w.exact from words_row r join document_words w on w.rowid = r.number"
    " order by r.number",
    "postgresql": "select number, document, exact from document_words order by number",
}


def snapshot(source: Engine, file: Path) -> None:
    """One consistent state of a PostgreSQL database as an SQLite file, taken while others write. Raises Unavailable."""
    target = open_database(sqlite_url(file))
    try:
        with reading(source) as connection:
            connection = connection.execution_options(isolation_level="REPEATABLE READ")
            _fill(connection, target)
    except SQLAlchemyError as error:
        raise Unavailable(
            f"the database cannot be copied: {type(error).__name__}", vi="Không sao chép được cơ sở dữ liệu"
        ) from error
    finally:
        target.dispose()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("pragma wal_checkpoint(truncate)")
        connection.execute("pragma journal_mode=delete")


def put_in_place(file: Path, target: Engine) -> None:
    """The content of an SQLite file into an empty database; the same again changes nothing.

    Raises UsageError when the database holds other records.
    """
    source = open_database(sqlite_url(file))
    try:
        with reading(source) as old, reading(target) as new:
            head = old.execute(_head()).first()
            there = new.execute(_head()).first()
        if there is not None:
            if head and _restored(head) and _restored(there) and head[:2] == there[:2]:
                return  # an earlier try was killed right behind this
            raise UsageError(
                "the database holds records already; name an empty one: SOHOA_DATABASE_URL",
                vi="Cơ sở dữ liệu đã có dữ liệu; hãy chọn cơ sở dữ liệu trống: SOHOA_DATABASE_URL",
            )
        with reading(source) as connection:
            _fill(connection, target)
    finally:
        source.dispose()


def _head() -> Any:
    query = select(ledger.c.seq, ledger.c.previous, ledger.c.body)
    return query.order_by(ledger.c.seq.desc()).limit(1)


def _restored(entry: Any) -> bool:
    """Whether an entry says that a restore was made; each try notes it anew, behind the same entry."""
    return bool(json.loads(entry.body)["act"] == "restore")


def _fill(source: Connection, target: Engine) -> None:
    words: Words = PostgresWords() if is_postgres(target) else SqliteWords()
    with writing(target) as connection:
        for table in everything().sorted_tables:
            keys = list(table.primary_key.columns)
            rows = source.execution_options(yield_per=AT_ONCE).execute(select(table).order_by(*keys))
            for part in rows.partitions():
                connection.execute(table.insert(), [dict(row._mapping) for row in part])
            if is_postgres(target):
                _count_on(connection, table)
        rows = source.execution_options(yield_per=AT_ONCE).execute(text(_WORDS[source.dialect.name]))
        for row in rows:
            words.put(connection, row.document, row.exact, row.number)


def _count_on(connection: Connection, table: Table) -> None:
    """Numbers that the database gives out itself go on behind the highest one."""
    column = table.autoincrement_column
    if column is None:
        return
    found = connection.execute(
        text("select pg_get_serial_sequence(:t, :c)"), {"t": table.name, "c": column.name}
    ).scalar()
    highest = connection.execute(select(func.max(column))).scalar()
    if found and highest:
        connection.execute(text("select setval(cast(:s as regclass), :n)"), {"s": found, "n": highest})
