"""What the home does by the clock: try again what waits, look that nothing is forgotten."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from pipeline.errors import SohoaError

logger = logging.getLogger("sohoa.schedule")


Turns = Callable[[str], AbstractContextManager[bool]]


@dataclass
class Job:
    """A named duty every `period` seconds; `due` is on the monotonic clock.

    One that is for the whole database, not for this home, has its `turn`: a round is left out while another home
    has the turn of that name.
    """

    name: str
    period: float
    work: Callable[[], None]
    turn: str = ""
    due: float = 0.0


class Schedule:
    """Runs due jobs one after another in its own thread; a failing job is logged and tried next time."""

    def __init__(self, jobs: list[Job], turns: Turns) -> None:
        self._jobs = jobs
        self._turns = turns
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
                    if not job.turn:
                        job.work()
                        continue
                    with self._turns(job.turn) as ours:
                        if ours:
                            job.work()
                except SohoaError as error:
                    logger.warning("%s: %s", job.name, error)
                except Exception:
                    logger.exception("%s failed", job.name)
        finally:
            self._busy.release()
