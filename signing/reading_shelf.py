"""Readings of stored papers, one file each by the SHA-256 of the paper: a cache, which may be lost at any time."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from pipeline.files import write_whole
from signing.isolation import Kept
from signing.reading import MOST

_KIND = "application/octet-stream"


class ReadingShelf:
    """The shelf of a home. It decides nothing: a reading tells its digest and rules, which the child checks."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, sha256: str, kept: Kept) -> None:
        """Keep a reading."""
        write_whole(self._place(sha256), kept.reading, _KIND)

    def get(self, sha256: str) -> tuple[bytes, datetime] | None:
        """A reading and when it was made; None when there is none."""
        place = self._place(sha256)
        found = self._bytes(place)
        try:
            return (found, datetime.fromtimestamp(place.stat().st_mtime, UTC)) if found is not None else None
        except OSError:
            return None

    def forget(self, sha256: str) -> None:
        """Let a reading go: its paper was disposed of."""
        self._place(sha256).unlink(missing_ok=True)

    def _place(self, sha256: str) -> Path:
        if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
            raise ValueError("no SHA-256")
        return self._folder / sha256[:2] / sha256

    def _bytes(self, place: Path) -> bytes | None:
        try:
            return place.read_bytes() if place.stat().st_size <= MOST else None
        except OSError:
            return None
