"""The home renews by itself what falls due: evidence of the signed days in bulk, then documents, a few at a time."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime, timedelta

from config.settings import Settings
from pipeline.home.succession_desk import SuccessionDesk
from pipeline.wire import Parts
from signing.evidence_token import proves_until
from storage.renewals import Renewals

logger = logging.getLogger("sohoa.home")
AT_ONCE = 50
"""Documents that one round looks at, and renews at most, so that the other duties get their turn."""
GAIN = timedelta(days=1)
"""What a renewal must add: by an authority whose certificate ends as soon, another time-stamp proves no longer."""
PROBE = bytes(32)
SYSTEM = "system"


class RenewalWatch:
    """Goes on where it was stopped: what is due is in the calendar, what was renewed no longer is."""

    def __init__(self, parts: Parts, settings: Settings, desk: SuccessionDesk) -> None:
        self._parts = parts
        self._desk = desk
        self._days = timedelta(days=settings.signing.renew_days)
        self._pause = settings.signing.renew_hours * 3600
        self._renewals = Renewals(parts.records.database)
        self._refused: dict[str, str] = {}
        self._next = 0.0

    def run(self) -> None:
        """One round. Raises Unavailable while the time-stamp authority is down: the next round tries again."""
        if self._pause == 0 or time.monotonic() < self._next:
            return
        more = self._desk.learn(AT_ONCE)
        before = datetime.now(UTC) + self._days
        if self._due(before):
            reach = proves_until(self._parts.signing.signer.evidence_stamper().stamp(PROBE, "sha256"))
            before = min(before, reach - GAIN)
            wanted = self._due(before)
            done = self._desk.follow_calendar(before, wanted[:AT_ONCE], SYSTEM)
            self._refused |= {one["document"]: one["ends"] for one in done["refused"]}
            for one in done["failed"]:
                logger.warning("evidence is not renewed: %s", one)
            more = more or len(wanted) > AT_ONCE or any(one["retry"] for one in done["failed"])
        if not more:
            self._next = time.monotonic() + self._pause

    def _due(self, before: datetime) -> list[tuple[str, str]]:
        """Days' evidence (as an empty name) and documents, but those that wait for a person."""
        found = [("", one.ends or "") for one in self._parts.evidence.due(before, SYSTEM)]
        found += [
            (name, ends) for name, _, ends in self._renewals.due(before) if self._refused.get(name) != ends
        ]
        return found
