"""What the home does by the clock: try again what waits, look that nothing is forgotten."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from pipeline.errors import SohoaError

logger = logging.getLogger("sohoa.schedule")


@dataclass
class Job:
    """A named duty every `period` seconds; `due` is on the monotonic clock."""

    name: str
    period: float
    work: Callable[[], None]
    due: float = 0.0


class Schedule:
    """Runs due jobs one after another in its own thread; a failing job is logged and tried next time."""

    def __init__(self, jobs: list[Job]) -> None:
        self._jobs = jobs
        self._busy = threading.Lock()

    def tick(self, now: float) -> None:
        """Start what is due; returns at once, and skips while an earlier round still runs."""
        due = [job for job in self._jobs if job.due <= now]
        if due and self._busy.acquire(blocking=False):
            threading.Thread(target=self._round, args=(due, now), name="schedule", daemon=True).start()

    def _round(self, due: list[Job], now: float) -> None:
        try:
            for job in due:
                job.due = now + job.period
                try:
                    job.work()
                except SohoaError as error:
                    logger.warning("%s: %s", job.name, error)
                except Exception:
                    logger.exception("%s failed", job.name)
        finally:
            self._busy.release()
