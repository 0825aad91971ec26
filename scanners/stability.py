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
    """A file as it looked: size in bytes, modification time in ns, since when, and when first (monotonic seconds)."""

    size: int
    modified_ns: int
    since: float
    first: float


class StabilityTracker:
    """Remembers what was seen: when it has been quiet for `quiet` seconds, and what is not whole after `stuck`."""

    def __init__(self, quiet: float, stuck: float = 600.0) -> None:
        self._quiet = quiet
        self._stuck = stuck
        self._seen: dict[Path, Seen] = {}
        self._taken: dict[Path, tuple[int, int]] = {}
        self._partial: set[Path] = set()
        self._begun: dict[Path, float] = {}

    def look(self, path: Path, size: int, modified_ns: int, now: float) -> bool:
        """Record a look at a file; True when it has not changed for long enough."""
        seen = self._seen.get(path)
        if seen is None or (seen.size, seen.modified_ns) != (size, modified_ns):
            self._seen[path] = Seen(size, modified_ns, now, seen.first if seen else now)
            return False
        return now - seen.since >= self._quiet

    def mark_taken(self, path: Path, size: int, modified_ns: int) -> None:
        """Remember that a file was handed over as it is now; when it changes, it is a new file."""
        self._taken[path] = (size, modified_ns)
        self._seen.pop(path, None)
        self._begun.pop(path.parent, None)

    def is_taken(self, path: Path, size: int, modified_ns: int) -> bool:
        """Whether a file was handed over as it is now."""
        return self._taken.get(path) == (size, modified_ns)

    def first_seen(self, path: Path, now: float) -> float:
        """When a file that is not handed over was seen first; `now` for one that never was."""
        seen = self._seen.get(path)
        return seen.first if seen else now

    def is_stuck(self, path: Path, now: float) -> bool:
        """Whether a file has not changed for so long that it holds nothing else up any more."""
        seen = self._seen.get(path)
        return seen is not None and now - seen.since >= self._stuck

    def stuck(self, now: float) -> tuple[Path, ...]:
        """Files that are long quiet and still not handed over: somebody has to look."""
        return tuple(sorted(path for path in self._seen if self.is_stuck(path, now)))

    def look_at_partial(self, path: Path, size: int, modified_ns: int, now: float) -> None:
        """Record a look at a file that is being written under another name; the stack of its folder has begun."""
        self.look(path, size, modified_ns, now)
        self._partial.add(path)
        if not self.is_stuck(path, now):
            self._begun.setdefault(path.parent, now)

    def begun(self, folder: Path, now: float) -> float:
        """When the stack that is under way in a folder began, by the files that are, or were, half written."""
        return self._begun.get(folder, now)

    def nothing_in(self, folder: Path) -> None:
        """Forget a stack that came to nothing."""
        self._begun.pop(folder, None)

    def waiting(self, now: float) -> bool:
        """Whether files were seen that are not handed over yet, stuck ones left out."""
        return any(not self.is_stuck(path, now) for path in self._seen if path not in self._partial)

    def forget(self, present: set[Path]) -> None:
        """Drop what is no longer in the folder."""
        self._seen = {path: seen for path, seen in self._seen.items() if path in present}
        self._taken = {path: facts for path, facts in self._taken.items() if path in present}
        self._partial &= present


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
