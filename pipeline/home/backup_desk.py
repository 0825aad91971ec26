"""`sohoa backup` inside the home's process: one run at a time, on the ledger before and after."""

from __future__ import annotations

import shutil
import threading
import time
import uuid
from dataclasses import asdict
from pathlib import Path
from typing import Any

from config.settings import Settings
from pipeline.errors import UsageError
from pipeline.home.server import Progress
from pipeline.paths import HomePaths
from pipeline.wire import Parts, sqlite_file
from storage.backup import Backup, copy_sqlite
from storage.transfer import snapshot
from storage.vault import Vault

_ONE = threading.Lock()


class BackupDesk:
    """Copies the home while it works."""

    def __init__(self, parts: Parts, paths: HomePaths, settings: Settings) -> None:
        self._parts = parts
        self._paths = paths
        self._settings = settings

    def run(self, arguments: dict[str, Any], actor: str, progress: Progress) -> dict[str, Any]:
        """One set more. Raises UsageError for a place or key that will not do, Unavailable to try again."""
        folder = Path(str(arguments["path"]))
        self._check_place(folder)
        started = time.monotonic()
        with _ONE:
            vault = self._vault(folder)
            with vault.alone():
                self._note("backup", actor, {"backup": vault.id, "encrypted": vault.seal.encrypts})
                outcome = self._copy(vault, progress)
        found = asdict(outcome)
        told = {name: found[name] for name in ("set", "files", "objects", "size", "new_bytes")}
        self._note("backup_done", actor, {"backup": vault.id, **told, "unreadable": len(outcome.unreadable)})
        return {
            "path": str(folder),
            "encrypted": vault.seal.encrypts,
            **found,
            "seconds": round(time.monotonic() - started, 2),
        }

    def _copy(self, vault: Vault, progress: Progress) -> Any:
        work = self._paths.work / "backup"
        shutil.rmtree(work, ignore_errors=True)  # of a run that was killed
        scratch = work / uuid.uuid4().hex
        scratch.mkdir(parents=True, mode=0o700)
        try:
            self._parts.segments.publish()
            file = sqlite_file(self._paths, self._settings)
            database = self._parts.records.database

            def copy_database(into: Path) -> None:
                if file is None:
                    snapshot(database, into)
                else:
                    copy_sqlite(file, into)

            return Backup(
                vault,
                self._parts.versioned,
                home=self._paths.root,
                database=file,
                copy_database=copy_database,
                scratch=scratch,
                held_still=self._parts.segments.held_still,
                progress=progress,
            ).run({"agency": self._settings.agency.code})
        finally:
            shutil.rmtree(work, ignore_errors=True)

    def _vault(self, folder: Path) -> Vault:
        key = self._settings.backup.key_file
        if not Vault.is_one(folder):
            if key is None and self._settings.mode == "production":
                raise UsageError(
                    "a backup must be encrypted; set SOHOA_BACKUP_KEY_FILE",
                    vi="Bản sao lưu phải được mã hóa; hãy đặt SOHOA_BACKUP_KEY_FILE",
                )
            return Vault.make(folder, key)
        vault = Vault.open(folder, key)
        if not vault.seal.encrypts and (key is not None or self._settings.mode == "production"):
            raise UsageError(
                f"{folder} is a plain backup; name an empty folder for an encrypted one",
                vi=f"{folder} là bản sao lưu không mã hóa; hãy chọn thư mục trống để sao lưu có mã hóa",
            )
        return vault

    def _check_place(self, folder: Path) -> None:
        if folder.resolve().is_relative_to(self._paths.root.resolve()):
            raise UsageError(
                "a backup cannot lie in the home that it is of",
                vi="Không thể đặt bản sao lưu ngay trong thư mục dữ liệu",
            )
        key = self._settings.backup.key_file
        if key is not None and key.resolve().is_relative_to(folder.resolve()):
            raise UsageError(
                f"the key {key} lies in the backup itself; keep it elsewhere",
                vi=f"Khóa {key} nằm ngay trong bản sao lưu; hãy để nơi khác",
            )

    def _note(self, act: str, actor: str, details: dict[str, Any]) -> None:
        self._parts.records.ledger.note(
            act=act, actor=actor, agency=self._settings.agency.code, objects=[], details=details
        )
