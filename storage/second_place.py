"""Where the second copy lies (a seam): a mounted folder, or a bucket of an S3 server under other administration."""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Protocol

from pipeline.errors import Tampered, Unavailable, UsageError
from pipeline.files import chunks, hash_file, write_whole
from pipeline.model import Sha256
from storage.locking import LockingBucket
from storage.s3 import AlreadyThere, Bucket
from storage.versions import Lock

OCTETS = "application/octet-stream"
MARK = "sohoa-copy.json"
CONTRACT = "copy-1"


class SecondPlace(Protocol):
    """Keeps objects under their keys. Every verb raises Unavailable while the place cannot be reached."""

    def describe(self) -> str:
        """Its name for people."""
        ...

    def ready(self, *, first: bool) -> None:
        """Check that it is the place it was; `first` when nothing was ever copied there."""
        ...

    def hash(self, key: str) -> Sha256 | None:
        """SHA-256 of what it gives back now, None when it has nothing there."""
        ...

    def put(self, key: str, content: Path, sha256: Sha256, *, instead: bool) -> None:
        """Keep a file; one with other bytes is overwritten only `instead`. Raises Tampered when one is in the way."""
        ...

    def fetch(self, key: str, sha256: Sha256, into: Path) -> None:
        """The object into a file. Raises Tampered when it is missing or other bytes."""
        ...

    def retain(self, key: str, *, until: datetime | None, mode: str, hold: bool) -> bool:
        """Keep what is there at least until then, and set or lift its legal hold; whether anything changed.

        Raises UsageError when our key there may not. A place without locks changes nothing.
        """
        ...

    def remove(self, key: str) -> None:
        """Take away what a certificate of disposal names. Raises UsageError when the place does not let us."""
        ...


class FolderPlace:
    """A mounted folder. A mark in it tells the disk from the empty mount point that is left when it is not mounted."""

    def __init__(self, folder: Path, *, bucket: str) -> None:
        self._folder = folder
        self._bucket = bucket

    def describe(self) -> str:
        return str(self._folder)

    def ready(self, *, first: bool) -> None:
        mark = self._folder / MARK
        try:
            if mark.exists():
                found = json.loads(mark.read_text("utf-8"))
                if (found.get("contract"), found.get("bucket")) != (CONTRACT, self._bucket):
                    raise UsageError(
                        f"{self._folder} holds the copy of another repository",
                        vi=f"{self._folder} là bản sao của kho khác; hãy chọn thư mục khác",
                    )
                return
            if not first or not self._folder.is_dir():
                raise Unavailable(
                    f"{self._folder} is not there or not mounted; mount the disk of the second copy",
                    vi=f"{self._folder} chưa được gắn; hãy gắn ổ đĩa của bản sao thứ hai",
                )
            if any(self._folder.iterdir()):
                raise UsageError(
                    f"{self._folder} is not empty; copy.folder needs an empty folder",
                    vi=f"{self._folder} không trống; bản sao thứ hai cần thư mục trống",
                )
            content = {"contract": CONTRACT, "bucket": self._bucket, "created": datetime.now(UTC).isoformat()}
            write_whole(mark, json.dumps(content, indent=1).encode(), "application/json")
        except (OSError, ValueError) as error:
            raise _gone(self._folder) from error

    def hash(self, key: str) -> Sha256 | None:
        try:
            return hash_file(self._path(key))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _gone(self._folder) from error

    def put(self, key: str, content: Path, sha256: Sha256, *, instead: bool) -> None:
        path = self._path(key)
        if path.exists() and not instead and self.hash(key) != sha256:
            raise _in_the_way(key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with content.open("rb") as stream:
                write_whole(path, chunks(stream), OCTETS)
            path.chmod(0o400)
        except OSError as error:
            raise _gone(self._folder) from error

    def fetch(self, key: str, sha256: Sha256, into: Path) -> None:
        if self.hash(key) != sha256:
            raise Tampered(f"the second copy has not the recorded bytes of {key}")
        shutil.copyfile(self._path(key), into)

    def retain(self, key: str, *, until: datetime | None, mode: str, hold: bool) -> bool:
        return False  # whoever runs the disk may remove a file; a disposal is all that makes us do so

    def remove(self, key: str) -> None:
        try:
            self._path(key).unlink(missing_ok=True)
        except OSError as error:
            raise _gone(self._folder) from error

    def _path(self, key: str) -> Path:
        parts = PurePosixPath(key).parts
        if not parts or key.startswith("/") or ".." in parts:
            raise Tampered(f"{key[:80]!r} cannot be a file's name")
        return self._folder.joinpath(*parts)


class BucketPlace:
    """A bucket of another server; objects are locked there as long as they are at first here."""

    def __init__(self, bucket: LockingBucket, *, name: str, lock: timedelta) -> None:
        self._bucket = bucket
        self._name = name
        self._lock = lock

    def describe(self) -> str:
        return f"{self._name}/{self._bucket.name}"

    def ready(self, *, first: bool) -> None:
        if first:
            self._bucket.ready_for_records()

    def hash(self, key: str) -> Sha256 | None:
        return self._bucket.hash(key)

    def put(self, key: str, content: Path, sha256: Sha256, *, instead: bool) -> None:
        until = datetime.now(UTC) + max(self._lock, timedelta(days=1))
        if self._bucket.stat(key) is None:  # asked first: not every server keeps the condition of `put_new`
            with suppress(AlreadyThere):
                self._bucket.put_new(key, content, sha256=sha256, media_type=OCTETS, lock_until=until)
                return
        if self._bucket.hash(key) == sha256:
            return
        if not instead:
            raise _in_the_way(key)
        self._bucket.put_version(
            key, content, sha256=sha256, media_type=OCTETS, lock=Lock(mode="GOVERNANCE", until=until)
        )

    def fetch(self, key: str, sha256: Sha256, into: Path) -> None:
        Bucket.fetch(self._bucket, key, sha256, into)

    def retain(self, key: str, *, until: datetime | None, mode: str, hold: bool) -> bool:
        changed = False
        for one in list(self._bucket.versions(key)):
            if one.key == key and not one.deleted:
                changed |= self._bucket.put_hold(key, one.version_id, hold)
                if until is not None:
                    changed |= self._bucket.extend(
                        key, one.version_id, until=until, mode=mode, now=datetime.now(UTC)
                    )
        return changed

    def remove(self, key: str) -> None:
        for one in list(self._bucket.versions(key)):
            if one.key == key:
                self._bucket.delete(key, version_id=one.version_id)


def _gone(folder: Path) -> Unavailable:
    return Unavailable(
        f"the second copy in {folder} cannot be read or written; is the disk mounted and has it room?",
        vi=f"Không đọc ghi được bản sao thứ hai ở {folder}; hãy xem ổ đĩa đã gắn và còn chỗ chưa",
    )


def _in_the_way(key: str) -> Tampered:
    return Tampered(
        f"the second copy holds other bytes at {key} than the repository",
        vi=f"Bản sao thứ hai có nội dung khác ở {key}",
    )
