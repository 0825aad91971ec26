"""A catalogue made anew on PostgreSQL beside the one in use, and put in its place; the old one keeps another name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import URL, Connection, create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from pipeline.errors import Unavailable
from storage.database import ENGINE_SCHEMA, SCHEMA

REBUILDING = f"{SCHEMA}_rebuilding"


def has_content(url: URL) -> bool:
    """Whether the catalogue in use holds records. Raises Unavailable."""
    with _connected(url) as connection:
        return any(
            connection.exec_driver_sql(f'select 1 from "{SCHEMA}"."{table}" limit 1').first()
            for table in ("ledger", "document", "batch")
            if _there(connection, f'"{SCHEMA}"."{table}"')
        )


def clear(url: URL) -> None:
    """Remove what a rebuild that was killed has left. Raises Unavailable."""
    with _connected(url) as connection:
        connection.exec_driver_sql(f'drop schema if exists "{REBUILDING}" cascade')


def swap(url: URL, suffix: str) -> str | None:
    """Put the new catalogue in place, in one transaction; the name of the old one, None when there was none.

    The engine's checkpoints go aside with it: they speak of attempts that the new catalogue does not know.
    """
    aside = None
    with _connected(url) as connection:
        for schema in (SCHEMA, ENGINE_SCHEMA):
            if connection.execute(
                text("select 1 from pg_namespace where nspname = :s"), {"s": schema}
            ).scalar():
                name = f"{schema}_{suffix}".lower()
                connection.exec_driver_sql(f'alter schema "{schema}" rename to "{name}"')
                aside = name if schema == SCHEMA else aside
        connection.exec_driver_sql(f'alter schema "{REBUILDING}" rename to "{SCHEMA}"')
    return aside


def _there(connection: Connection, table: str) -> bool:
    return connection.execute(text("select to_regclass(:t)"), {"t": table}).scalar() is not None


@contextmanager
def _connected(url: URL) -> Iterator[Connection]:
    engine = create_engine(url, connect_args={"connect_timeout": 10})
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql("set local lock_timeout to '30s'")
            yield connection
    except SQLAlchemyError as error:
        raise Unavailable(
            f"the database does not answer: {getattr(error, 'orig', error)}", vi="Cơ sở dữ liệu không trả lời"
        ) from error
    finally:
        engine.dispose()
