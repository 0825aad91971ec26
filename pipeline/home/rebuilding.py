"""`sohoa rebuild`: with the home to itself, a new database beside the old one, put in place when it is whole."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import URL

from config.settings import Settings
from pipeline.errors import Unavailable, UsageError
from pipeline.files import sync_folder
from pipeline.home.claim import claim, holder
from pipeline.home.client import call
from pipeline.paths import HomePaths
from pipeline.wire import database_url, home_id, open_store
from storage import postgres_beside as beside
from storage.database import SCHEMA, is_postgres, open_database, parse_url, sqlite_url
from storage.homes import Homes
from storage.ledger import Ledger
from storage.rebuild import NOT_REBUILT, Rebuilder, Rebuilt
from storage.s3 import Bucket

STOP_SECONDS = 60.0
BESIDE = ("", "-wal", "-shm")


def rebuild(
    paths: HomePaths,
    settings: Settings,
    *,
    actor: str,
    fresh: bool,
    progress: Callable[[dict[str, Any]], None],
) -> dict[str, Any]:
    """Make the database anew from the bucket. Raises UsageError when one with content stands there and not `fresh`."""
    paths.make()
    url = parse_url(database_url(paths, settings))
    if url.get_backend_name() == "postgresql":
        return _on_server(url, paths, settings, actor, fresh, progress)
    target = Path(str(url.database))
    if _has_content(target) and not fresh:
        raise UsageError(
            f"{target} holds a catalogue; `sohoa rebuild --fresh` moves it aside and makes it anew",
            vi=f"{target} đang có dữ liệu; dùng `sohoa rebuild --fresh` để cất tệp cũ và dựng lại",
        )
    with _alone(paths):
        part = target.with_name(f"{target.name}.rebuilding")
        _remove(part)
        outcome = _fill(sqlite_url(part), paths, settings, actor, progress)
        aside = _move_aside(target)
        part.replace(target)
        sync_folder(target.parent)
    return {**asdict(outcome), "aside": str(aside) if aside else None, "not_rebuilt": list(NOT_REBUILT)}


def _on_server(
    url: URL,
    paths: HomePaths,
    settings: Settings,
    actor: str,
    fresh: bool,
    progress: Callable[[dict[str, Any]], None],
) -> dict[str, Any]:
    """The same on PostgreSQL: the new catalogue grows in a schema of its own, which then takes the old one's name."""
    if not fresh and beside.has_content(url):
        raise UsageError(
            "the database holds a catalogue; `sohoa rebuild --fresh` moves it aside and makes it anew",
            vi="Cơ sở dữ liệu đang có dữ liệu; dùng `sohoa rebuild --fresh` để cất phần cũ và dựng lại",
        )
    with _alone(paths):
        _no_other_home(url, paths)
        beside.clear(url)
        outcome = _fill(url, paths, settings, actor, progress, schema=beside.REBUILDING)
        aside = beside.swap(url, f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}_old")
    return {**asdict(outcome), "aside": aside, "not_rebuilt": list(NOT_REBUILT)}


def _no_other_home(url: URL, paths: HomePaths) -> None:
    """Raises UsageError while another host works in the catalogue that is to be replaced."""
    if not beside.has_content(url):
        return
    database = open_database(url)
    try:
        others = Homes(database, home_id(paths)).others()
    finally:
        database.dispose()
    if others:
        raise UsageError(
            f"homes on {', '.join(others)} work on this database; run `sohoa down` there first",
            vi=f"Máy {', '.join(others)} đang dùng cơ sở dữ liệu này; hãy chạy `sohoa down` ở đó trước",
        )


@contextmanager
def _alone(paths: HomePaths) -> Iterator[None]:
    """With the home's process stopped and its lock held. Raises Unavailable."""
    call(paths, "down", {}, start=False)
    deadline = time.monotonic() + STOP_SECONDS
    while holder(paths) is not None and time.monotonic() < deadline:
        time.sleep(0.05)
    held = claim(paths)
    if held is None:
        raise Unavailable("another command holds the home; try again", vi="Lệnh khác đang dùng; hãy thử lại")
    with held:
        yield


def _fill(
    url: str | URL,
    paths: HomePaths,
    settings: Settings,
    actor: str,
    progress: Callable[[dict[str, Any]], None],
    *,
    schema: str = SCHEMA,
) -> Rebuilt:
    store, endpoint = open_store(paths, settings)
    database = open_database(url, schema=schema)
    try:
        outcome = Rebuilder(Bucket(endpoint), database, progress).run()
        Ledger(database).note(
            act="rebuild",
            actor=actor,
            agency=settings.agency.code,
            objects=[],
            details={"documents": outcome.documents, "problems": len(outcome.problems)},
        )
        if not is_postgres(database):
            with database.connect() as connection:
                connection.exec_driver_sql("pragma wal_checkpoint(truncate)")
    finally:
        database.dispose()
        if store is not None:
            store.stop()
    return outcome


def _has_content(path: Path) -> bool:
    """Whether a database holds records; one that cannot be read counts as one that does."""
    if not path.exists() or path.stat().st_size == 0:
        return False
    try:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
            tables = {row[0] for row in connection.execute("select name from sqlite_master")}
            return any(
                connection.execute(f"select 1 from {name} limit 1").fetchone()
                for name in ("ledger", "document", "batch")
                if name in tables
            )
    except sqlite3.Error:
        return True


def _move_aside(path: Path) -> Path | None:
    """The old database under another name, with its journal; None when there was none."""
    if not path.exists():
        _remove(path)  # a journal without its database belongs to nothing
        return None
    aside = path.with_name(f"{path.name}.{datetime.now(UTC):%Y%m%dT%H%M%SZ}.old")
    for suffix in BESIDE:
        beside = path.with_name(path.name + suffix)
        if beside.exists():
            beside.replace(aside.with_name(aside.name + suffix))
    return aside


def _remove(path: Path) -> None:
    for suffix in BESIDE:
        path.with_name(path.name + suffix).unlink(missing_ok=True)
