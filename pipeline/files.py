"""Files appear whole: written under a temporary name, flushed, hashed on the way, renamed."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from pipeline.errors import DiskFull, SohoaError
from pipeline.model import Blob, Sha256

CHUNK = 1 << 20


def hash_file(path: Path) -> Sha256:
    """SHA-256 of a file, read in chunks."""
    with path.open("rb") as stream:
        return Sha256(hashlib.file_digest(stream, "sha256").hexdigest())


def chunks(stream: BinaryIO) -> Iterable[bytes]:
    while block := stream.read(CHUNK):
        yield block


def need_room(folder: Path, keep_free: int) -> None:
    """Raise DiskFull when the disk that holds `folder` has less than `keep_free` bytes left."""
    if shutil.disk_usage(folder).free < keep_free:
        raise DiskFull(
            f"hardly any room left on the disk that holds {folder}; free some space, then go on",
            vi="Ổ đĩa sắp đầy, chưa nhận thêm; hãy giải phóng dung lượng rồi làm tiếp",
        )


def write_whole(path: Path, content: bytes | Iterable[bytes], media_type: str) -> Blob:
    """Write `content` to `path` so that a crash leaves either nothing or all of it (fsync, rename).

    Raises DiskFull when there is no room; nothing is left behind then.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".part-")
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as out:
            for block in [content] if isinstance(content, bytes) else content:
                out.write(block)
                digest.update(block)
                size += len(block)
            out.flush()
            os.fsync(out.fileno())
        part.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        part.unlink(missing_ok=True)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(
                f"no room left on the disk that holds {path.parent}; free some space, work goes on by itself",
                vi="Ổ đĩa đã đầy; hãy giải phóng dung lượng, công việc sẽ tự tiếp tục",
            ) from error
        raise
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return Blob(path=path, sha256=Sha256(digest.hexdigest()), size=size, media_type=media_type)


@contextmanager
def held_alone(handle: int, busy: SohoaError, *, locks_needed: bool = True) -> Iterator[None]:
    """Hold an open file or folder for this process and close it in the end. Raises `busy` when another holds it.

    A file system that knows no locks raises OSError, or is passed over when `locks_needed` is False.
    """
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise busy from None
    except OSError:
        if locks_needed:
            os.close(handle)
            raise
    try:
        yield
    finally:
        os.close(handle)


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def blob_of(path: Path, media_type: str) -> Blob:
    """Describe a file that is already whole."""
    return Blob(path=path, sha256=hash_file(path), size=path.stat().st_size, media_type=media_type)
