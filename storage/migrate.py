"""The database's schema by numbered revisions (Alembic), brought up when it is opened, under the write lock.

How to add a table or column: write it in `storage/NAME_tables.py` on the one `metadata`, run `make migration
NAME=what_it_is_for`, read the file that this makes in `storage/migrations/versions`, commit both.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, MetaData, text

import storage
from pipeline.errors import UsageError
from storage import migrations
from storage.schema import metadata

_OWN_DDL = ("document_words", "words_row", "alembic_version", "sqlite_", "dbos_")
"""Beginnings of names of tables that stand in no metadata: made by a revision's own statements, or by libraries."""


def bring_up(connection: Connection, schema: str, *, until: str = "head") -> None:
    """Bring a database to the newest revision, or to `until`; older ones too. Raises UsageError."""
    postgres = connection.dialect.name == "postgresql"
    if postgres:
        _prepare_postgres(connection, schema)
    config = _config(connection)
    scripts = ScriptDirectory.from_config(config)
    known = {one.revision for one in scripts.walk_revisions()}
    there = set(MigrationContext.configure(connection).get_current_heads())
    if there - known:
        raise UsageError(
            f"this database is of a newer version of sohoa (revision {', '.join(sorted(there - known))}); "
            "install that version or a later one",
            vi="Cơ sở dữ liệu này do phiên bản sohoa mới hơn tạo ra; hãy cài phiên bản đó hoặc mới hơn",
        )
    if there == set(scripts.get_heads()):
        return
    command.upgrade(config, until)
    if postgres:
        _plain_text(connection)


def everything() -> MetaData:
    """The metadata with every module of tables loaded."""
    for module in pkgutil.iter_modules(storage.__path__):
        if module.name.endswith("_tables"):
            importlib.import_module(f"storage.{module.name}")
    return metadata


def differences(engine: Engine) -> list[Any]:
    """What the tables in the code have and an upgraded database has not, or the other way about."""
    with engine.connect() as connection:
        return list(compare_metadata(MigrationContext.configure(connection, opts=comparing()), everything()))


def comparing() -> dict[str, Any]:
    """How tables are compared: a length in the code is for the reader, both databases keep any text."""
    return {"include_name": _is_ours, "compare_type": _other_kind, "render_as_batch": True}


def add_revision(name: str) -> str:
    """Write the next revision from the difference between the code and the revisions so far; its path."""
    from storage.database import open_database, sqlite_url, writing

    with tempfile.TemporaryDirectory() as folder:
        engine = open_database(sqlite_url(Path(folder) / "empty.sqlite3"))
        with writing(engine) as connection:
            config = _config(connection)
            number = len(list(ScriptDirectory.from_config(config).walk_revisions())) + 1
            made = command.revision(config, name, autogenerate=True, rev_id=f"{number:04d}")
        engine.dispose()
    assert made is not None and not isinstance(made, list)
    return str(made.path)


def _is_ours(name: str | None, kind: str, parents: Any) -> bool:
    return kind != "table" or not (name or "").startswith(_OWN_DDL)


def _other_kind(context: Any, found: Any, stated: Any, kind: Any, wanted: Any) -> bool | None:
    if issubclass(kind.python_type, str) and issubclass(wanted.python_type, str):
        return False
    return None


def _config(connection: Connection) -> Config:
    config = Config(stdout=sys.stderr)
    config.set_main_option("script_location", migrations.__path__[0].replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _prepare_postgres(connection: Connection, schema: str) -> None:
    encoding = connection.execute(text("show server_encoding")).scalar_one()
    if encoding != "UTF8":
        raise UsageError(
            f"the database's encoding is {encoding}; make one with: createdb -T template0 -E UTF8 sohoa",
            vi=f"Bảng mã của cơ sở dữ liệu là {encoding}; hãy tạo bằng: createdb -T template0 -E UTF8 sohoa",
        )
    there = connection.execute(text("select 1 from pg_namespace where nspname = :s"), {"s": schema}).scalar()
    if there is None:
        connection.exec_driver_sql(f'create schema "{schema}"')


def _plain_text(connection: Connection) -> None:
    """Text without a length and in the order of its bytes, whatever the server's locale: as SQLite has it."""
    columns = connection.execute(
        text(
            "select table_name, column_name from information_schema.columns c join information_schema.tables t "
            "using (table_schema, table_name) where table_schema = current_schema() "
            "and table_type = 'BASE TABLE' and data_type in ('text', 'character varying') "
            "and collation_name is distinct from 'C'"
        )
    ).all()
    for table, column in columns:
        connection.exec_driver_sql(f'alter table "{table}" alter column "{column}" type text collate "C"')


if __name__ == "__main__":
    try:
        print(add_revision(sys.argv[1]))  # noqa: T201
    except (IndexError, CommandError) as problem:
        sys.exit(f"make migration NAME=what_it_is_for: {problem}")
