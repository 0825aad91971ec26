"""One run of a backup: what a home holds, at one moment, into a backup folder, while the home goes on working.

The order keeps it consistent. With the ledger's publication held still, the database is copied (SQLite's own backup;
from PostgreSQL in one transaction that sees one state, into the same form) and the ledger's objects in the bucket are
listed; then everything else in the bucket. What the database speaks of was in the bucket before it, so the copy of the
bucket is never behind the copy of the database.
"""

from __future__ import annotations

import json
import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from pipeline.errors import SohoaError, Tampered, Unavailable
from storage.s3 import Version
from storage.vault import Content, Vault
from storage.versions import Lock, VersionedBucket

AT_ONCE = 4
TOGETHER = 64
LEDGER = ("l/", "x/")
PROBE = "s/probe"
LEFT_OUT = {
    "run": "khóa, nhật ký của tiến trình nền (the process's lock and log)",
    "store": "kho nội bộ: nội dung sao lưu từng đối tượng, chìa khóa làm mới (the store's own files and keys)",
    "work": "kết quả trung gian, làm lại được (intermediate results)",
    "home.id": "tên riêng của thư mục này (the home's own name)",
    "restoring.json": "dấu của một lần khôi phục (mark of a restore)",
}
OTHER_KEYS = (
    "không thuộc bộ khóa demo: khóa thật và mã PIN không bao giờ được sao lưu (real keys and PINs never are)"
)
DEMO_KEYS = "demo"

Progress = Callable[[dict[str, Any]], None]


@dataclass(slots=True)
class Outcome:
    """What a run holds; `unreadable` are versions that the store lists and cannot give back."""

    set: str = ""
    files: int = 0
    objects: int = 0
    size: int = 0
    new_parts: int = 0
    new_bytes: int = 0
    unreadable: list[str] = field(default_factory=list)
    left_out: list[dict[str, str]] = field(default_factory=list)


class Backup:
    """Writes one set. `scratch` is an empty folder for what it needs on the way.

    `copy_database` writes one consistent state as an SQLite file; `database` is the file in use, None on a server.
    """

    def __init__(
        self,
        vault: Vault,
        bucket: VersionedBucket,
        *,
        home: Path,
        database: Path | None,
        copy_database: Callable[[Path], None],
        scratch: Path,
        held_still: AbstractContextManager[Any],
        progress: Progress,
    ) -> None:
        self._vault = vault
        self._bucket = bucket
        self._home = home
        self._database = database
        self._copy_database = copy_database
        self._scratch = scratch
        self._held_still = held_still
        self._progress = progress
        self._outcome = Outcome()

    def run(self, about: dict[str, Any]) -> Outcome:
        """Copy what is new, list everything. Raises Unavailable; running it again goes on where it was."""
        outcome, lines = self._outcome, self._scratch / "items.jsonl"
        previous = self._vault.sets()[-1:]
        with closing(sqlite3.connect(self._scratch / "index.sqlite3", check_same_thread=False)) as index:
            _prepare(index)
            if previous:
                self._remember(index, self._vault.read_set(previous[0]))
            moment = datetime.now(UTC)
            snapshot = self._scratch / "snapshot.sqlite3"
            with self._held_still:
                self._copy_database(snapshot)
                for prefix in LEDGER:
                    _list(index, self._bucket.versions(prefix))
            _list(index, (v for v in self._bucket.versions("") if not v.key.startswith((*LEDGER, PROBE))))
            with lines.open("w", encoding="utf-8") as out:
                self._files(out, snapshot)
                self._objects(out, index)
        outcome.set = self._vault.write_set(
            {
                **about,
                "moment": moment.isoformat(),
                "home": str(self._home),
                "bucket": self._bucket.name,
                "previous": previous[0] if previous else None,
                "files": outcome.files,
                "objects": outcome.objects,
                "bytes": outcome.size,
                "unreadable": len(outcome.unreadable),
            },
            lines,
        )
        outcome.new_parts, outcome.new_bytes = self._vault.written.parts, self._vault.written.size
        return outcome

    def _remember(self, index: sqlite3.Connection, run: dict[str, Any]) -> None:
        """What the run before has of the bucket: a version never changes, so it need not be read again."""
        rows = (
            (one["key"], one["version_id"], json.dumps(one))
            for one in self._vault.items(run)
            if one["kind"] == "object"
        )
        index.executemany("insert or ignore into known values (?, ?, ?)", rows)

    def _files(self, out: IO[str], snapshot: Path) -> None:
        content = self._vault.put_file(snapshot)
        there = self._database
        place = str(there.relative_to(self._home)) if there and there.is_relative_to(self._home) else ""
        self._write(out, {"kind": "database", "path": place, **content.to_json()}, content.size)
        for path in _walk(self._home, self._home):
            name = str(path.relative_to(self._home))
            if (reason := _left_out(path, self._home, self._database)) is not None:
                self._outcome.left_out.append({"path": name, "reason": reason})
                out.write(json.dumps({"kind": "left_out", "path": name, "reason": reason}) + "\n")
                continue
            try:
                mode = stat.S_IMODE(path.stat().st_mode)
                content = self._vault.put_file(path)
            except FileNotFoundError:
                continue  # its batch came to its end just now
            self._write(out, {"kind": "file", "path": name, "mode": mode, **content.to_json()}, content.size)
            self._outcome.files += 1

    def _objects(self, out: IO[str], index: sqlite3.Connection) -> None:
        """Every version, oldest first at each key, a few at once."""
        (total,) = index.execute("select count(*) from version").fetchone()
        rows = index.execute(
            "select v.key, v.version_id, v.latest, v.deleted, v.modified, k.item from version v"
            " left join known k on k.key = v.key and k.version_id = v.version_id"
            " order by v.key, v.latest, v.modified, v.rank desc"
        )
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="backup") as threads:
            while group := rows.fetchmany(TOGETHER):
                for item, size in threads.map(self._object, group):
                    self._write(out, item, size)
                    self._outcome.objects += 1
                    if item["kind"] == "unreadable":
                        self._outcome.unreadable.append(f"{item['key']} ({item['version_id']})")
                self._progress({"stage": "backup", "done": self._outcome.objects, "total": total})

    def _object(self, row: tuple[str, str, int, int, str, str | None]) -> tuple[dict[str, Any], int]:
        key, version_id, latest, deleted, modified, known = row
        item: dict[str, Any] = {
            "kind": "marker" if deleted else "object",
            "key": key,
            "version_id": version_id,
            "latest": bool(latest),
            "modified": modified,
        }
        if deleted:
            return item, 0
        if known:
            earlier = json.loads(known)
            lock = self._bucket.lock_of(key, version_id)
            if lock is not None and self._vault.has(content := Content.of(earlier)):
                return {**earlier, **item, "lock": lock.to_json()}, content.size
        try:
            return self._copy(item)
        except Unavailable:
            self._bucket.probe()  # raises when the store is down; else it is this object
        except Tampered:
            return {**item, "kind": "unreadable"}, 0
        try:
            return self._copy(item)
        except SohoaError:
            return {**item, "kind": "unreadable"}, 0

    def _copy(self, item: dict[str, Any]) -> tuple[dict[str, Any], int]:
        with self._bucket.reading(item["key"], item["version_id"]) as found:
            content = self._vault.put(found.blocks)
            lock, media_type = found.lock, found.media_type
        return {**item, **content.to_json(), "media_type": media_type, "lock": lock.to_json()}, content.size

    def _write(self, out: IO[str], item: dict[str, Any], size: int) -> None:
        out.write(json.dumps(item, ensure_ascii=False) + "\n")
        self._outcome.size += size


def check(vault: Vault, run: dict[str, Any], progress: Progress) -> list[str]:
    """Read and hash everything that a run names; what does not hold, an item a line."""
    problems: list[str] = []
    total, done = run["files"] + run["objects"], 0
    for item in vault.items(run):
        if "parts" in item:
            try:
                for _ in vault.read(Content.of(item)):
                    pass
            except Tampered as error:
                problems.append(f"{item.get('key') or item['path']}: {error.both}")
            done += 1
            progress({"stage": "backup_check", "done": done, "total": total})
    return problems


def lock_in(item: dict[str, Any]) -> Lock:
    """The lock that an object of a list had."""
    return Lock.of(item.get("lock") or {})


def _prepare(index: sqlite3.Connection) -> None:
    index.executescript(
        "pragma journal_mode=off; pragma synchronous=off;"
        "create table version (key text, version_id text, latest int, deleted int, modified text,"
        " rank integer primary key);"
        "create table known (key text, version_id text, item text, primary key (key, version_id)) without rowid;"
    )


def _list(index: sqlite3.Connection, versions: Iterator[Version]) -> None:
    rows = ((v.key, v.version_id, v.latest, v.deleted, v.modified.isoformat()) for v in versions)
    index.executemany(
        "insert into version (key, version_id, latest, deleted, modified) values (?, ?, ?, ?, ?)", rows
    )


def copy_sqlite(source: Path, target: Path) -> None:
    """One consistent state, taken while others write."""
    try:
        with (
            closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True, timeout=30)) as old,
            closing(sqlite3.connect(target)) as new,
        ):
            old.backup(new)
            new.execute("pragma journal_mode=delete")
    except sqlite3.Error as error:
        raise Unavailable(
            f"the database cannot be copied: {error}", vi=f"Không sao chép được cơ sở dữ liệu: {error}"
        ) from error


def _walk(folder: Path, home: Path) -> Iterator[Path]:
    """Files below a folder in order of name; folders that are left out are named and not entered."""
    for entry in sorted(os.scandir(folder), key=lambda one: one.name):
        path = Path(entry.path)
        closed = (folder == home and path.name in LEFT_OUT) or (
            folder == home / "keys" and path.name != DEMO_KEYS
        )
        if entry.is_dir(follow_symlinks=False) and not closed:
            yield from _walk(path, home)
        else:
            yield path


def _left_out(path: Path, home: Path, database: Path | None) -> str | None:
    """Why something of the home is not in a backup, None when it is."""
    first = path.relative_to(home).parts[0]
    if first in LEFT_OUT:
        return LEFT_OUT[first]
    if first == "keys" and DEMO_KEYS not in path.relative_to(home).parts[1:2]:
        return OTHER_KEYS
    if database and path.parent == database.parent and path.name.startswith(database.name):
        return "được sao bằng lệnh sao lưu của SQLite, hoặc bản cũ để riêng (copied by SQLite itself, or set aside)"
    if path.is_symlink() or not path.is_file():
        return "không phải tệp thường (no plain file)"
    if path.name.startswith(".part-"):
        return "tệp viết dở (half a file)"
    return None


__all__ = ["Backup", "Outcome", "check", "copy_sqlite", "lock_in"]
