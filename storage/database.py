"""Opening the database: SQLite in the home by default, PostgreSQL by URL. What differs between them is told here.

On both, one transaction writes at a time: SQLite has no other way, on PostgreSQL a lock of ours sees to it, also
between hosts. The ledger is a chain, so writers would queue in any case; and what was looked up inside a `writing`
block still holds when it commits. Text is compared byte by byte on both.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import (
    ArgumentError,
    InterfaceError,
    OperationalError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as NoConnection

from pipeline.errors import SohoaError, Unavailable, UsageError

__all__ = [
    "ENGINE_SCHEMA",
    "SCHEMA",
    "insert",
    "is_postgres",
    "open_database",
    "parse_url",
    "reading",
    "sqlite_url",
    "writing",
]
# `insert` has the on_conflict clauses, which both databases write alike; new tables use it from here.

SCHEMA = "sohoa"
"""Schema of our tables on PostgreSQL, so that a rebuilt catalogue takes the old one's place by its name."""
ENGINE_SCHEMA = "dbos"
"""Schema of the durable engine's tables on PostgreSQL."""
WAIT_SECONDS = 30
_DOWN = (OperationalError, InterfaceError, NoConnection)


def sqlite_url(path: Path) -> str:
    """URL of the home's own database."""
    return f"sqlite:///{path}"


def parse_url(url: str) -> URL:
    """The URL with the driver that we use. Raises UsageError for any other kind of database."""
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except (ArgumentError, ValueError):
        backend = ""
    if backend == "sqlite":
        return parsed.set(drivername="sqlite")
    if backend in ("postgresql", "postgres") and parsed.database:
        return parsed.set(drivername="postgresql+psycopg")
    raise UsageError(
        "database.url must read postgresql://USER:PASSWORD@HOST:PORT/DATABASE; without it SQLite in the home is used",
        vi="database.url phải có dạng postgresql://USER:PASSWORD@HOST:PORT/DATABASE; để trống: SQLite trong HOME",
    )


def is_postgres(engine: Engine) -> bool:
    return engine.dialect.name == "postgresql"


def open_database(url: str | URL, *, schema: str = SCHEMA) -> Engine:
    """An engine with every table in place, of the newest revision. `schema` matters on PostgreSQL only.

    Raises Unavailable when the database does not answer, UsageError when it is of no use or of a newer version.
    """
    parsed = url if isinstance(url, URL) else parse_url(url)
    if parsed.get_backend_name() == "sqlite":
        engine = create_engine(parsed, connect_args={"timeout": WAIT_SECONDS, "check_same_thread": False})
        event.listen(engine, "connect", _prepare_sqlite)
    else:
        engine = _postgres(parsed, schema)
    from storage.migrate import bring_up  # alembic is loaded only by who opens a database

    try:
        with writing(engine) as connection:
            bring_up(connection, schema)
    except SQLAlchemyError as error:
        engine.dispose()
        raise Unavailable(
            f"the database does not open: {_first_line(error)}", vi="Không mở được cơ sở dữ liệu"
        ) from error
    except SohoaError:
        engine.dispose()
        raise
    return engine


def _postgres(url: URL, schema: str) -> Engine:
    engine = create_engine(
        url,
        pool_size=8,
        max_overflow=24,
        pool_timeout=WAIT_SECONDS,
        pool_pre_ping=True,
        connect_args={"connect_timeout": 10, "application_name": "sohoa"},
    )

    def prepare(connection: Any, record: Any) -> None:
        connection.autocommit = True
        connection.execute(f'set search_path to "{schema}"')
        connection.execute(f"set lock_timeout to '{WAIT_SECONDS}s'")
        connection.execute("set timezone to 'UTC'")
        # Our queries take milliseconds; compiling one takes a hundred, and is begun on the planner's guess of its rows.
        connection.execute("set jit to off")
        connection.execute("set client_encoding to 'UTF8'")
        connection.autocommit = False

    event.listen(engine, "connect", prepare, insert=True)
    event.listen(engine, "before_cursor_execute", _without_nul, retval=True)
    return engine


def _prepare_sqlite(connection: Any, record: Any) -> None:
    connection.isolation_level = None  # transactions begin where `writing` says so, and at once
    for pragma in (
        "journal_mode=wal",
        "synchronous=full",
        "foreign_keys=on",
        f"busy_timeout={WAIT_SECONDS}000",
    ):
        connection.execute(f"pragma {pragma}")


def _without_nul(
    connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool
) -> tuple[str, Any]:
    """PostgreSQL keeps no NUL in text; OCR and PDF metadata may hold one, so it becomes the replacement sign."""

    def clean(values: Any) -> Any:
        if isinstance(values, dict):
            return {
                name: value.replace("\0", "\ufffd") if isinstance(value, str) else value
                for name, value in values.items()
            }
        return values

    return statement, [clean(one) for one in parameters] if many else clean(parameters)


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One transaction, alone. Raises Unavailable when the database is locked too long or its disk is full."""
    try:
        with engine.connect() as connection:
            if is_postgres(engine):
                connection.execute(
                    text("select pg_advisory_xact_lock(7305, hashtext(current_setting('search_path')))")
                )
            else:
                connection.exec_driver_sql("begin immediate")
            yield connection
            connection.commit()
    except _DOWN as error:
        raise Unavailable(
            f"the database cannot write: {_first_line(error)}", vi="Cơ sở dữ liệu tạm không ghi được"
        ) from error


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection for reading, outside the write lock. Raises Unavailable when the database does not answer."""
    try:
        with engine.connect() as connection:
            yield connection
    except _DOWN as error:
        raise Unavailable(
            f"the database cannot be read: {_first_line(error)}", vi="Cơ sở dữ liệu tạm không đọc được"
        ) from error


def _first_line(error: Exception) -> str:
    """What the driver says, without the statement and its values."""
    told = str(getattr(error, "orig", None) or error).strip()
    return told.splitlines()[0] if told else type(error).__name__
