"""The second copy in the home: what the clock does for it, and what others are told of it."""

from __future__ import annotations

import threading
from typing import Any

from config.settings import Settings
from pipeline.errors import Unavailable
from pipeline.wire import Parts
from storage.findings import Finding, Kind

MINUTES = 60


class CopyDesk:
    """One copying at a time."""

    def __init__(self, parts: Parts, settings: Settings) -> None:
        self._second = parts.second
        self._lights = parts.lights
        self._hourly = settings.fixity.hourly_objects
        self._one = threading.Lock()

    def work(self) -> None:
        """Copy what is due, and turn green at once what waited for it; nothing when no second place is set."""
        if self._second is not None and self._one.acquire(blocking=False):
            try:
                if self._second.work():
                    self._lights.look()
            finally:
                self._one.release()

    def look_again(self) -> None:
        """The minute's share of the hourly scrub, of the copies."""
        if self._second is not None and self._hourly:
            self._second.check(max(1, self._hourly // MINUTES))

    def acknowledged(self, document: str) -> bool | None:
        """Whether the second place gave back every object of a document; None when there is no second place."""
        return self._second.acknowledged(document) if self._second is not None else None


def damaged_copies(parts: Parts) -> list[Finding]:
    """Every copy read again; those that are not as recorded (they are copied again at once by the clock)."""
    if parts.second is None:
        return []
    try:
        bad = parts.second.check()
    except Unavailable as error:
        return [Finding(kind=Kind.COPY, key=parts.second.state().place, detail=error.both)]
    return [Finding(kind=Kind.COPY, key=key, expected=sha256) for key, sha256 in bad]


def told(parts: Parts | None) -> dict[str, Any] | None:
    """State and lag for `sohoa status`, None without a second place or before the store is up."""
    return parts.second.state().to_json() if parts is not None and parts.second is not None else None
