"""`sohoa fixity`, and the small slice of it that the clock asks for each hour."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

from config.settings import Settings
from pipeline.errors import UsageError
from pipeline.home.copy_desk import damaged_copies
from pipeline.home.ledger_desk import judge
from pipeline.home.server import Progress
from pipeline.paths import HomePaths
from pipeline.wire import Parts
from storage.findings import Finding, Kind
from storage.fixity import Fixity, Run
from storage.repair import Repair

HOUR = timedelta(hours=1)
SYSTEM = "system"


class FixityDesk:
    """One scrub at a time."""

    def __init__(self, parts: Parts, paths: HomePaths, settings: Settings) -> None:
        self._parts = parts
        self._hourly = settings.fixity.hourly_objects
        self._fixity = Fixity(
            parts.records.database,
            parts.bucket_once,
            mb_per_second=settings.fixity.mb_per_second,
            agency=settings.agency.code,
            busy=lambda: bool(parts.records.batches.running()),
        )
        self._repair = Repair(
            parts.versioned,
            parts.second,
            parts.records.ledger,
            lock=timedelta(days=settings.storage.lock_days_demo),
            agency=settings.agency.code,
            scratch=paths.work / "repair",
        )
        self._one = threading.Lock()

    def run(self, arguments: dict[str, Any], actor: str, progress: Progress) -> dict[str, Any]:
        """A pass from the cursor to its end with ledger and second copy, or a sample; healed when asked for."""
        size, seed = arguments.get("sample"), arguments.get("seed")
        if seed is not None and not size:
            raise UsageError("--seed goes with --sample", vi="--seed chỉ dùng cùng --sample")
        with self._one:
            if size:
                run = self._fixity.sample(int(size), seed=seed, actor=actor, progress=progress)
            else:
                run = self._fixity.scrub(actor=actor, progress=progress)
                broken = [
                    Finding(kind=Kind.LEDGER, key="ledger", detail=problem)
                    for problem in judge(self._parts)["problems"]
                ]
                broken += damaged_copies(self._parts)
                self._fixity.note(broken, actor)
                run.findings += broken
            if arguments.get("repair"):
                run.findings = self._repair.run(
                    run.findings,
                    actor=actor,
                    progress=lambda done, total: progress({"stage": "repair", "done": done, "total": total}),
                )
        return _document(run)

    def slice(self) -> None:
        """The hour's part of a pass; nothing when it is off, not due, or somebody scrubs already."""
        if self._hourly and self._fixity.due(HOUR) and self._one.acquire(blocking=False):
            try:
                self._fixity.scrub(actor=SYSTEM, limit=self._hourly)
            finally:
                self._one.release()


def _document(run: Run) -> dict[str, Any]:
    return {
        "ok": all(finding.repaired for finding in run.findings),
        "resumed": run.resumed,
        "complete": run.complete,
        "checked": run.checked,
        "bytes": run.size,
        "population": run.population,
        "seed": run.seed,
        "statement": run.statement,
        "findings": [finding.to_json() for finding in run.findings],
    }
