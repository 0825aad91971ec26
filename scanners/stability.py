"""When is a dropped file complete? A pure rule over what was seen, the clock handed in.

An event says that something moved, never that the scan is finished: network copies pause, scanners open
and close a file several times. A file is complete when its size and time have not changed for a while,
and its own structure says that it ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

JPEG_END = b"\xff\xd9"
TAIL = 2048


@dataclass(frozen=True, slots=True)
class Seen:
    """A file as it looked: size in bytes, modification time in ns, and since when (monotonic seconds)."""

    size: int
    modified_ns: int
    since: float


class StabilityTracker:
    """Remembers what was seen and tells when it has been quiet for `quiet` seconds."""

    def __init__(self, quiet: float) -> None:
        self._quiet = quiet
        self._seen: dict[Path, Seen] = {}
        self._taken: dict[Path, tuple[int, int]] = {}

    def look(self, path: Path, size: int, modified_ns: int, now: float) -> bool:
        """Record a look at a file; True when it has not changed for long enough."""
        seen = self._seen.get(path)
        if seen is None or (seen.size, seen.modified_ns) != (size, modified_ns):
            self._seen[path] = Seen(size, modified_ns, now)
            return False
        return now - seen.since >= self._quiet

    def mark_taken(self, path: Path, size: int, modified_ns: int) -> None:
        """Remember that a file was handed over as it is now; when it changes, it is a new file."""
        self._taken[path] = (size, modified_ns)
        self._seen.pop(path, None)

    def is_taken(self, path: Path, size: int, modified_ns: int) -> bool:
        """Whether a file was handed over as it is now."""
        return self._taken.get(path) == (size, modified_ns)

    def waiting(self) -> bool:
        """Whether files were seen that are not handed over yet."""
        return bool(self._seen)

    def forget(self, present: set[Path]) -> None:
        """Drop what is no longer in the folder."""
        self._seen = {path: seen for path, seen in self._seen.items() if path in present}
        self._taken = {path: facts for path, facts in self._taken.items() if path in present}


def looks_finished(path: Path) -> bool:
    """Whether the file's own structure says that it is whole.

    JPEG: an end marker near the end; PNG: IEND; PDF: %%EOF in the last 2 KB; TIFF: its first directory lies
    inside the file. Other kinds have no such mark and count as finished.
    """
    with path.open("rb") as stream:
        head = stream.read(16)
        size = stream.seek(0, 2)
        stream.seek(max(0, size - TAIL))
        tail = stream.read()
        if head.startswith(b"\xff\xd8"):
            return JPEG_END in tail
        if head.startswith(b"\x89PNG"):
            return b"IEND" in tail
        if head.startswith(b"%PDF"):
            return b"%%EOF" in tail
        if head[:4] in (b"II*\0", b"MM\0*"):
            return _tiff_whole(stream, head, size)
    return size > 0


def _tiff_whole(stream: BinaryIO, head: bytes, size: int) -> bool:
    order = "little" if head[:2] == b"II" else "big"
    offset = int.from_bytes(head[4:8], order)  # type: ignore[arg-type]
    if not 8 <= offset <= size - 2:
        return False
    stream.seek(offset)
    entries = int.from_bytes(stream.read(2), order)  # type: ignore[arg-type]
    return offset + 2 + entries * 12 + 4 <= size
