"""A set of a backup made into a home again: files, every version of every object in its order and lock, the database.

All of it may be repeated: a restore that was killed goes on when it is started again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import groupby, islice
from pathlib import Path, PurePosixPath
from typing import Any

from pipeline.errors import Tampered, UsageError
from pipeline.files import write_whole
from pipeline.model import Intake
from pipeline.records import dump, load
from storage.backup import PROBE, lock_in
from storage.vault import Content, Vault
from storage.versions import VersionedBucket

AT_ONCE = 4
TOGETHER = 64
OCTETS = "application/octet-stream"
Progress = Callable[[dict[str, Any]], None]


@dataclass(slots=True)
class Restored:
    """What came back; `unreadable` was lost when the backup was made, `unhidden` are delete markers we may not set."""

    set: str
    moment: str
    files: int = 0
    objects: int = 0
    unreadable: list[str] = field(default_factory=list)
    unhidden: list[str] = field(default_factory=list)


class Restore:
    """Fills one empty home from one set. `scratch` lies in that home and outlives a kill."""

    def __init__(
        self, vault: Vault, run: dict[str, Any], home: Path, scratch: Path, progress: Progress
    ) -> None:
        self._vault = vault
        self._run = run
        self._home = home
        self._scratch = scratch
        self._progress = progress
        self.outcome = Restored(set=run["id"], moment=run["moment"])

    def files(self) -> None:
        """The home's own files, private as they were."""
        for item in self._vault.items(self._run):
            if item["kind"] == "file":
                target = self._inside(item["path"])
                for folder in reversed([p for p in target.parents if p.is_relative_to(self._home)]):
                    folder.mkdir(mode=0o700, exist_ok=True)
                write_whole(target, self._vault.read(Content.of(item)), OCTETS)
                target.chmod(int(item["mode"]) & 0o700)
                self.outcome.files += 1

    def objects(self, bucket: VersionedBucket, *, place: str) -> None:
        """Every version. `place` names the bucket, so that a killed restore goes on in the same one only.

        Raises UsageError when the bucket is another's, Tampered when it gives back other bytes.
        """
        begun = self._scratch / "place"
        resumed = begun.exists() and begun.read_text("utf-8") == place
        if not resumed and any(not one.startswith(PROBE) for one in islice(bucket.keys(""), 3)):
            raise UsageError(
                f"the bucket {bucket.name} holds objects already; name an empty one: SOHOA_S3_BUCKET",
                vi=f"Bucket {bucket.name} đã có nội dung; hãy chọn bucket trống: SOHOA_S3_BUCKET",
            )
        self._scratch.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_whole(begun, place.encode(), OCTETS)
        with (
            closing(sqlite3.connect(self._scratch / "restored.sqlite3")) as index,
            ThreadPoolExecutor(AT_ONCE, thread_name_prefix="restore") as threads,
        ):
            index.execute(
                "create table if not exists restored (key text, sha256 text, version_id text,"
                " primary key (key, sha256))"
            )
            groups = self._by_key()
            while together := list(islice(groups, TOGETHER)):
                for made in threads.map(lambda group: self._key(bucket, group, resumed), together):
                    self.outcome.objects += len(made)
                    index.executemany("insert or replace into restored values (?, ?, ?)", made)
                index.commit()
                total = self._run["objects"]
                self._progress({"stage": "restore", "done": self.outcome.objects, "total": total})

    def database(self, target: Path, *, bucket: str) -> Path:
        """The database beside its place, with the new version ids and folders; the caller renames it."""
        item = next(one for one in self._vault.items(self._run) if one["kind"] == "database")
        part = target.with_name(f"{target.name}.restoring")
        write_whole(part, self._vault.read(Content.of(item)), OCTETS)
        part.chmod(0o600)
        with closing(sqlite3.connect(part)) as connection:
            (state,) = connection.execute("pragma quick_check").fetchone()
            if state != "ok":
                raise Tampered(f"the database of the backup is damaged: {state}")
            connection.execute("attach ? as done", (str(self._scratch / "restored.sqlite3"),))
            connection.execute(
                "update document set bucket = ?, version_id = (select version_id from done.restored r"
                " where r.key = document.key and r.sha256 = document.pdf_sha256) where key is not null",
                (bucket,),
            )
            self._move_spool(connection)
            connection.commit()
        return part

    def _by_key(self) -> Iterator[list[dict[str, Any]]]:
        wanted = (one for one in self._vault.items(self._run) if "key" in one)
        for _, group in groupby(wanted, key=lambda one: one["key"]):
            yield list(group)

    def _key(
        self, bucket: VersionedBucket, group: list[dict[str, Any]], resumed: bool
    ) -> list[tuple[str, str, str | None]]:
        """All versions at one key, oldest first; those that an earlier try has put there are only checked."""
        key = group[0]["key"]
        there = [one for one in bucket.versions(key) if one.key == key] if resumed else []
        there.sort(key=lambda one: (one.latest, one.modified))
        made: list[tuple[str, str, str | None]] = []
        for item in group:
            if item["kind"] == "unreadable":
                self.outcome.unreadable.append(f"{key} ({item['version_id']})")
                continue
            earlier = there.pop(0) if there else None
            if item["kind"] == "marker":
                if earlier is None and not self._hide(bucket, key):
                    self.outcome.unhidden.append(key)
                continue
            version_id = earlier.version_id if earlier else self._put(bucket, item)
            if bucket.hash(key, version_id=version_id) != item["sha256"]:
                raise Tampered(
                    f"{key}: the store gives back other bytes than were restored; begin again with an empty home",
                    vi=f"Kho trả về nội dung khác ở {key}; hãy khôi phục lại vào thư mục trống",
                )
            made.append((key, item["sha256"], version_id))
        return made

    def _put(self, bucket: VersionedBucket, item: dict[str, Any]) -> str | None:
        content = Content.of(item)
        if len(content.parts) <= 1:
            whole: bytes | Path = b"".join(self._vault.read(content))
        else:
            name = f"{content.sha256}.{PurePosixPath(item['version_id']).name}"
            whole = write_whole(self._scratch / name, self._vault.read(content), OCTETS).path
        try:
            return bucket.put_version(
                item["key"], whole, sha256=content.sha256, media_type=item["media_type"], lock=lock_in(item)
            )
        finally:
            if isinstance(whole, Path):
                whole.unlink(missing_ok=True)

    @staticmethod
    def _hide(bucket: VersionedBucket, key: str) -> bool:
        try:
            bucket.hide(key)
        except UsageError:
            return False
        return True

    def _move_spool(self, connection: sqlite3.Connection) -> None:
        """Open batches name their files by where the old home was."""
        old, new = Path(self._run["home"]), self._home
        if old == new:
            return
        query = "select id, intake from batch where state <> 'done'"
        for identity, text in connection.execute(query).fetchall():
            moved = _moved(load(Intake, text.encode()), old, new)
            connection.execute("update batch set intake = ? where id = ?", (dump(moved).decode(), identity))

    def _inside(self, name: str) -> Path:
        parts = PurePosixPath(name).parts
        if not parts or PurePosixPath(name).is_absolute() or ".." in parts:
            raise Tampered(f"the backup names a file outside the home: {name[:80]!r}")
        return self._home.joinpath(*parts)


def _moved(intake: Intake, old: Path, new: Path) -> Intake:
    files = tuple(
        replace(file, blob=replace(file.blob, path=new / file.blob.path.relative_to(old)))
        if file.blob.path.is_relative_to(old)
        else file
        for file in intake.files
    )
    return replace(intake, files=files)
