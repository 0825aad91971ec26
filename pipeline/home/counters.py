"""Which dossier a counter is at: bound by a person, until changed, ended, or idle. Kept with its past.

Files are taken seconds after they appear, and by then the next citizen's code may be in. So a stack belongs to what
was bound when it appeared; one that lies across a change belongs to nobody, and a person decides.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from pipeline.files import write_whole

CHANGE_SECONDS = 1.0
"""A file this close after a change from one dossier to another may still be of the one before."""
KEPT = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """From `since` on (seconds of the epoch) the counter was at `dossier`; None: at none. `used`: the last file.

    `request`: the scan request of that dossier that its files answer.
    """

    dossier: str | None
    since: float
    used: float
    actor: str
    request: str | None = None

    def ends(self, idle: float) -> float:
        return max(self.since, self.used) + idle


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """Whose a stack is. `doubtful`: it lies across a change, so not even the counter's default may speak for it."""

    dossier: str | None = None
    until: datetime | None = None
    doubtful: bool = False
    request: str | None = None


class Counters:
    """Bindings as files, one a counter."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def bind(
        self, name: str, dossier: str | None, *, actor: str, now: float, request: str | None = None
    ) -> None:
        """From now on the counter is at this dossier, or at none."""
        new = Binding(dossier=dossier, since=now, used=now, actor=actor, request=request)
        self._write(name, [*self._past(name), new])

    def used(self, name: str, at: float) -> None:
        """A file of the bound dossier appeared: idle time begins anew."""
        past = self._past(name)
        for index in reversed(range(len(past))):
            if past[index].since <= at:
                past[index] = replace(past[index], used=max(past[index].used, at))
                self._write(name, past)
                return

    def current(self, name: str, *, now: float, idle: float) -> Ruling:
        """What holds for the files that come next."""
        last = next(reversed(self._past(name)), None)
        if last is None or last.dossier is None or now > last.ends(idle):
            return Ruling()
        return Ruling(
            dossier=last.dossier, until=datetime.fromtimestamp(last.ends(idle), UTC), request=last.request
        )

    def ruling(self, name: str, *, first: float, last: float, idle: float) -> Ruling:
        """What held while a stack appeared, between `first` and `last`."""
        past = self._past(name)
        begun, ended = _at(past, first), _at(past, last)
        if ended is None:
            return Ruling()
        before = next((item for item in reversed(past) if item.since < ended.since), None)
        changed = before is not None and before.dossier not in (None, ended.dossier)
        live = before is not None and ended.since <= before.ends(idle)
        meanwhile = {item.dossier for item in past if first < item.since <= last}
        if meanwhile - {begun.dossier if begun else None}:
            return Ruling(doubtful=True)
        if changed and live and first - ended.since < CHANGE_SECONDS:
            return Ruling(doubtful=True)
        if ended.dossier is None or first > ended.ends(idle):
            return Ruling()
        # across a change from one request to another of the same dossier the dossier is sure, the request is not
        near = live and first - ended.since < CHANGE_SECONDS
        same = before is not None and before.dossier == ended.dossier
        other = begun is not ended or (
            near and same and before is not None and before.request != ended.request
        )
        return Ruling(
            dossier=ended.dossier,
            until=datetime.fromtimestamp(ended.ends(idle), UTC),
            request=None if other else ended.request,
        )

    def _past(self, name: str) -> list[Binding]:
        path = self._path(name)
        return [Binding(**item) for item in json.loads(path.read_text("utf-8"))] if path.exists() else []

    def _write(self, name: str, past: list[Binding]) -> None:
        content = json.dumps([asdict(item) for item in past[-KEPT:]], ensure_ascii=False)
        write_whole(self._path(name), content.encode(), "application/json")

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.json"


def _at(past: list[Binding], moment: float) -> Binding | None:
    return next((item for item in reversed(past) if item.since <= moment), None)
