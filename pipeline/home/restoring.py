"""`sohoa restore`: a home made from a backup, with the empty home to itself; a killed one goes on where it was."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from config.settings import load
from pipeline.errors import Unavailable, UsageError
from pipeline.files import sync_folder, write_whole
from pipeline.home.claim import claim
from pipeline.paths import HomePaths
from pipeline.wire import database_url, open_store, sqlite_file
from storage.database import open_database, sqlite_url, writing
from storage.homes import forget_homes
from storage.ledger import Ledger
from storage.restore import Restore
from storage.transfer import put_in_place
from storage.vault import Vault
from storage.versions import VersionedBucket


def restore(
    paths: HomePaths,
    folder: Path,
    *,
    chosen: str | None,
    actor: str,
    progress: Callable[[dict[str, Any]], None],
) -> dict[str, Any]:
    """Fill an empty home. Raises UsageError for one that is not empty, a wrong key or no backup; Tampered."""
    here = load(paths.root)
    vault = Vault.open(folder, here.backup.key_file)
    run = vault.read_set(chosen)
    mark = {"backup": vault.id, "set": run["id"]}
    _check_empty(paths, mark)
    paths.make()
    held = claim(paths)
    if held is None:
        raise Unavailable("another command holds the home; try again", vi="Lệnh khác đang dùng; hãy thử lại")
    with held:
        write_whole(paths.restoring, json.dumps(mark).encode(), "application/json")
        work = Restore(vault, run, paths.root, paths.work / "restore", progress)
        work.files()
        settings = load(paths.root)  # now those of the old home, under those of the environment
        target = sqlite_file(paths, settings) or paths.database
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        store, endpoint = open_store(paths, settings)
        try:
            if store is not None:
                endpoint = store.endpoint("admin")
            place = f"{settings.s3.endpoint or 'embedded'} {endpoint.bucket}"
            work.objects(VersionedBucket(endpoint), place=place)
        finally:
            if store is not None:
                store.stop()
        part = work.database(target, bucket=endpoint.bucket)
        database = open_database(sqlite_url(part))
        try:
            with writing(database) as connection:
                forget_homes(connection)
            Ledger(database).note(
                act="restore", actor=actor, agency=settings.agency.code, objects=[], details=mark
            )
            with database.connect() as connection:
                connection.exec_driver_sql("pragma wal_checkpoint(truncate)")
        finally:
            database.dispose()
        for suffix in ("-wal", "-shm"):
            part.with_name(part.name + suffix).unlink(missing_ok=True)
        if sqlite_file(paths, settings) is None:
            server = open_database(database_url(paths, settings))
            try:
                put_in_place(part, server)
            finally:
                server.dispose()
            part.unlink()
        else:
            part.replace(target)
        sync_folder(target.parent)
        shutil.rmtree(paths.work / "restore", ignore_errors=True)
        paths.restoring.unlink()
    return {"home": str(paths.root), "path": str(folder), **asdict(work.outcome)}


def _check_empty(paths: HomePaths, mark: dict[str, Any]) -> None:
    """Raises UsageError when the home holds anything but a begun restore of this very set."""
    if paths.restoring.exists():
        try:
            begun = json.loads(paths.restoring.read_text("utf-8"))
        except ValueError:
            begun = None
        if begun == mark:
            return
        raise UsageError(
            f"{paths.root} is half restored from another backup or set; name an empty home",
            vi=f"{paths.root} đang khôi phục dở từ bản khác; hãy chọn thư mục trống",
        )
    if paths.root.exists() and any(paths.root.iterdir()):
        raise UsageError(
            f"{paths.root} is not empty; a restore needs an empty home: sohoa --home NEW restore …",
            vi=f"{paths.root} không trống; chỉ khôi phục vào thư mục trống: sohoa --home MỚI restore …",
        )
