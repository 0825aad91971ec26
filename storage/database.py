"""Opening the database: SQLite in the home by default, another by URL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from pipeline.errors import Unavailable, UsageError
from storage import copy_tables as copy_tables
from storage.schema import SQLITE_ONLY, metadata


def sqlite_url(path: Path) -> str:
    """URL of the home's own database."""
    return f"sqlite:///{path}"


def open_database(url: str) -> Engine:
    """An engine with every table in place. Raises Unavailable when the database does not answer."""
    if not make_url(url).drivername.startswith("sqlite"):
        raise UsageError(
            "only SQLite is supported by this version; unset database.url",
            vi="Phiên bản này chỉ hỗ trợ SQLite; hãy bỏ cấu hình database.url",
        )
    engine = create_engine(url, connect_args={"timeout": 30, "check_same_thread": False})
    event.listen(engine, "connect", _prepare_sqlite)
    try:
        with writing(engine) as connection:
            metadata.create_all(connection)
            for statement in SQLITE_ONLY:
                connection.exec_driver_sql(statement)
    except SQLAlchemyError as error:
        raise Unavailable("the database does not open", vi="Không mở được cơ sở dữ liệu") from error
    return engine


def _prepare_sqlite(connection: Any, record: Any) -> None:
    connection.isolation_level = None  # transactions begin where `writing` says so, and at once
    for pragma in ("journal_mode=wal", "synchronous=full", "foreign_keys=on", "busy_timeout=30000"):
        connection.execute(f"pragma {pragma}")


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One transaction. Raises Unavailable when the database is locked too long or its disk is full."""
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("begin immediate")
            yield connection
            connection.commit()
    except OperationalError as error:
        raise Unavailable(
            f"the database cannot write: {error.orig}", vi="Cơ sở dữ liệu tạm không ghi được"
        ) from error


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection for reading, outside the write lock. Raises Unavailable when the database does not answer."""
    try:
        with engine.connect() as connection:
            yield connection
    except OperationalError as error:
        raise Unavailable(
            f"the database cannot be read: {error.orig}", vi="Cơ sở dữ liệu tạm không đọc được"
        ) from error
