"""What the home answers: one method a verb, each small, the rules live below."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from config.settings import Settings
from pipeline.errors import SohoaError, Unavailable, UsageError
from pipeline.home.backup_desk import BackupDesk
from pipeline.home.case_desk import CaseDesk
from pipeline.home.case_sweep import CaseSweep
from pipeline.home.copy_desk import CopyDesk
from pipeline.home.counter_desk import CounterDesk
from pipeline.home.doctor import probes_alone
from pipeline.home.download_desk import DownloadDesk
from pipeline.home.export_desk import ExportDesk
from pipeline.home.fixity_desk import FixityDesk
from pipeline.home.import_desk import ImportDesk
from pipeline.home.inquiry import Inquiry
from pipeline.home.intake_desk import IntakeDesk
from pipeline.home.keeping_desk import KeepingDesk
from pipeline.home.learning_desk import LearningDesk
from pipeline.home.ledger_desk import LedgerDesk
from pipeline.home.link_desk import LinkDesk
from pipeline.home.page_change_desk import PageChangeDesk
from pipeline.home.person_desk import PersonDesk
from pipeline.home.procedure_desk import import_procedures
from pipeline.home.registry_desk import RegistryDesk
from pipeline.home.renewal_watch import RenewalWatch
from pipeline.home.request_desk import RequestDesk
from pipeline.home.review_desk import ReviewDesk
from pipeline.home.schedule import Job, Schedule
from pipeline.home.server import Progress
from pipeline.home.signing_desk import SigningDesk
from pipeline.home.stats_desk import StatsDesk
from pipeline.home.succession_desk import SuccessionDesk
from pipeline.home.trust_desk import TrustDesk
from pipeline.paths import HomePaths, fingerprint
from pipeline.wire import Parts, Records
from storage.following import follow

logger = logging.getLogger("sohoa.home")
READY_SECONDS = 60.0
PASSING_SECONDS = 15.0
"""How long a request waits while a dependency does not come up, before it says so."""
RETRY_SECONDS = 60.0
MEND_SECONDS = 10.0
PUBLISH_SECONDS = 20.0
"""The ledger's entries are in the bucket within a minute, also when one try fails."""
SEAL_SECONDS = 300.0
SCRUB_SECONDS = 60.0
COPY_SECONDS = 2.0
"""A citizen waits for the copy: only then the light may turn green."""
ONCE_SECONDS = float("inf")
EXTEND_SECONDS = 15.0
"""How soon the agency's signature and the level follow the officer's signature of a counter's paper."""
SWEEP_SECONDS = 5.0
KEEP_SECONDS = 5.0
"""How soon a term that was set at closure is in the store."""
DELIVER_SECONDS = 1.0
SYSTEM = "system"


class Service:
    """Answers requests as soon as the part that they need is up; says why when it is not."""

    def __init__(self, paths: HomePaths, settings: Settings, stop: threading.Event) -> None:
        self._paths = paths
        self._settings = settings
        self._stop = stop
        self._records: Records | None = None
        self._parts: Parts | None = None
        self._reason: SohoaError | None = None
        self._since = 0.0
        self._changed = threading.Condition()
        self._schedules: list[Schedule] = []
        self._fixity: FixityDesk | None = None
        self._links: LinkDesk | None = None
        self.last_work = time.monotonic()
        self._verbs: dict[str, Callable[[dict[str, Any], str, Progress], Any]] = {
            "ping": lambda arguments, actor, progress: {"ready": self._parts is not None},
            "down": self._down,
            "ingest": lambda a, actor, p: self._desk().ingest(a, actor, p),
            "import": lambda a, actor, p: ImportDesk(self._need_parts(), self._settings, self._desk()).run(
                a, actor, p
            ),
            "take": lambda a, actor, p: self._desk().take(a, actor, p),
            "stack": lambda a, actor, p: self._desk().stack(a, actor, p),
            "read_ahead": lambda a, actor, p: self._desk().read_ahead(a, actor, p),
            "counter": lambda a, actor, p: self._counter_desk().counter(a, actor, p),
            "follow": lambda a, actor, p: follow(self._need_records().database, a["batches"]),
            "release": lambda a, actor, p: self._desk().release(a, actor, p),
            "retry": lambda a, actor, p: self._desk().retry(a, actor, p),
            "review": lambda a, actor, p: self._review().review(a, actor, p),
            "repage": lambda a, actor, p: PageChangeDesk(
                self._need_parts(), self._paths, self._settings
            ).repage(a, actor, p),
            "status": lambda a, actor, p: self._ask().status(a, actor),
            "find": lambda a, actor, p: self._ask().find(a, actor),
            "dossier": lambda a, actor, p: CaseDesk(self._need_parts(), self._paths, self._settings).dossier(
                a, actor
            ),
            "hold": lambda a, actor, p: KeepingDesk(self._need_parts(), self._settings).hold(a, actor),
            "retention": lambda a, actor, p: KeepingDesk(self._need_parts(), self._settings).retention(
                a, actor
            ),
            "procedure_import": lambda a, actor, p: import_procedures(
                self._need_parts(), self._paths, self._settings, a, actor
            ),
            "requests": lambda a, actor, p: RequestDesk(
                self._need_parts(), self._paths, self._settings
            ).answer(a, actor),
            "registry": lambda a, actor, p: self._registry().answer(a, actor),
            "get": lambda a, actor, p: DownloadDesk(self._need_parts(), self._paths, self._settings).get(
                a, actor, p
            ),
            "verify": lambda a, actor, p: self._ask(work=True).verify(a, actor, p),
            "ledger_verify": lambda a, actor, p: self._ledger_desk().verify(a, actor),
            "ledger_export": lambda a, actor, p: self._ledger_desk().export(a, actor),
            "ledger_prove": lambda a, actor, p: self._ledger_desk().prove(a, actor),
            "export": lambda a, actor, p: ExportDesk(self._need_parts(), self._paths, self._settings).run(
                a, actor, p
            ),
            "backup": lambda a, actor, p: BackupDesk(self._need_parts(), self._paths, self._settings).run(
                a, actor, p
            ),
            "stats": lambda a, actor, p: StatsDesk(self._need_records(), self._settings).run(a, actor),
            "fixity": self._scrub,
            "sign_unlock": lambda a, actor, p: self._signing().unlock(a, actor, p),
            "sign_export": lambda a, actor, p: self._signing().export(a, actor, p),
            "sign_link": lambda a, actor, p: self._link_desk().issue(a, actor, p),
            "sign_import": lambda a, actor, p: self._signing().bring_back(a, actor, p),
            "resign": lambda a, actor, p: self._succession().resign(a, actor, p),
            "renew": lambda a, actor, p: self._succession().renew(a, actor, p),
            "renew_due": lambda a, actor, p: self._succession().due(a, actor, p),
            "trust": lambda a, actor, p: TrustDesk(self._need_parts(), self._paths, self._settings).run(
                a, actor
            ),
            "person": lambda a, actor, p: PersonDesk(self._need_parts(), self._paths, self._settings).view(
                a, actor
            ),
            "learn": lambda a, actor, p: LearningDesk(self._need_parts(), self._settings).run(a, actor, p),
            "doctor": lambda a, actor, p: self._doctor(actor),
        }

    def answer(self, verb: str, arguments: dict[str, Any], actor: str, progress: Progress) -> Any:
        """Answer one request; raises SohoaError with the sentence to show."""
        work = self._verbs.get(verb)
        if work is None:
            raise UsageError(
                f"the home's process knows no verb {verb}; is it of an older version? `sohoa down`"
            )
        return work(arguments, actor, progress)

    def records_ready(self, records: Records) -> None:
        with self._changed:
            self._records = records
            self._changed.notify_all()

    def work_ready(self, parts: Parts) -> None:
        with self._changed:
            self._parts, self._reason = parts, None
            desk = IntakeDesk(parts, self._paths, self._settings)
            ledger = LedgerDesk(parts, self._settings, self._paths)
            copy = CopyDesk(parts, self._settings)
            signing = SigningDesk(parts, self._paths, self._settings)
            self._fixity = FixityDesk(parts, self._paths, self._settings)
            self._links = LinkDesk(parts, self._paths, self._settings, signing)

            def finish_amendments() -> None:
                parts.amendments.finish_all()
                PageChangeDesk(parts, self._paths, self._settings).finish_all()

            self._note(parts.records, "start", SYSTEM, {"settings": fingerprint(self._paths)})
            self._schedules = [
                Schedule(
                    [
                        Job("mend", MEND_SECONDS, desk.mend_forgotten),
                        Job("retry", RETRY_SECONDS, desk.retry_waiting),
                        Job("amend", RETRY_SECONDS, finish_amendments),
                    ]
                ),
                Schedule(
                    [
                        Job("links", ONCE_SECONDS, self._links.resume),
                        Job("keys", ONCE_SECONDS, signing.test_keys),
                        Job("extend", EXTEND_SECONDS, signing.extend),
                        Job("lights", EXTEND_SECONDS, signing.look_at_lights),
                    ]
                ),
                Schedule(
                    [Job("renew", RETRY_SECONDS, RenewalWatch(parts, self._settings, self._succession()).run)]
                ),
                Schedule([Job("publish", PUBLISH_SECONDS, ledger.publish)]),
                Schedule([Job("seal", SEAL_SECONDS, ledger.seal)]),
                Schedule([Job("scrub", SCRUB_SECONDS, self._fixity.slice)]),
                Schedule(
                    [Job("copy", COPY_SECONDS, copy.work), Job("recheck", SCRUB_SECONDS, copy.look_again)]
                ),
                Schedule([Job("sweep", SWEEP_SECONDS, CaseSweep(parts, self._paths, self._settings).run)]),
                Schedule(
                    [
                        Job("keep", KEEP_SECONDS, parts.keeping.keeper.run),
                        Job("dispose", RETRY_SECONDS, KeepingDesk(parts, self._settings).finish),
                    ]
                ),
                Schedule([Job("pull", self._settings.registry.pull_seconds, self._registry().pull)]),
                Schedule([Job("deliver", DELIVER_SECONDS, self._registry().deliver)]),
            ]
            self._changed.notify_all()

    def not_ready(self, reason: SohoaError) -> None:
        with self._changed:
            if self._reason is None:
                self._since = time.monotonic()
            self._reason = reason
            self._changed.notify_all()

    def on_schedule(self, now: float) -> None:
        """Run what is due; called by the main loop twice a second."""
        for schedule in self._schedules:
            schedule.tick(now)

    def awaited(self) -> bool:
        """Whether a program elsewhere may still come for a paper or bring one, so that the process must be here."""
        return self._links is not None and self._links.awaited()

    def farewell(self) -> None:
        """Before the store stops: what the ledger has learned goes to the bucket."""
        if self._links is not None:
            self._links.close()
        if self._parts is not None:
            try:
                self._parts.segments.publish()
            except SohoaError as error:  # the next start sends it
                logger.warning("the ledger's last entries are not in the bucket yet: %s", error)

    def at_work(self) -> bool:
        """Whether a batch is in the works, so that the process must not idle out."""
        if self._parts is None:
            return True
        working = bool(self._parts.records.batches.running())
        working = working or self._parts.casework.outbox.pending()
        working = working or any(one.valid for one in self._parts.signing.held.values())
        if working:
            self.last_work = time.monotonic()
        return working

    def _desk(self) -> IntakeDesk:
        return IntakeDesk(self._need_parts(), self._paths, self._settings)

    def _counter_desk(self) -> CounterDesk:
        return CounterDesk(
            self._need_records().ledger,
            self._need_records().requests,
            lambda: self._need_parts().casework.requests,
            self._paths,
            self._settings,
        )

    def _review(self) -> ReviewDesk:
        return ReviewDesk(self._need_parts(), self._desk(), self._paths, self._settings)

    def _signing(self) -> SigningDesk:
        return SigningDesk(self._need_parts(), self._paths, self._settings)

    def _link_desk(self) -> LinkDesk:
        self._need_parts()
        assert self._links is not None  # set together with the parts
        return self._links

    def _succession(self) -> SuccessionDesk:
        return SuccessionDesk(self._need_parts(), self._paths, self._settings)

    def _registry(self) -> RegistryDesk:
        return RegistryDesk(self._need_parts(), self._paths, self._settings, self._desk())

    def _ledger_desk(self) -> LedgerDesk:
        return LedgerDesk(self._need_parts(), self._settings, self._paths)

    def _ask(self, *, work: bool = False) -> Inquiry:
        if work:
            parts = self._need_parts()
            return Inquiry(parts.records, parts, self._paths, self._settings)
        return Inquiry(self._need_records(), self._parts, self._paths, self._settings)

    def _doctor(self, actor: str) -> dict[str, Any]:
        try:
            return self._ask(work=True).doctor(actor)
        except SohoaError as error:
            return {"probes": probes_alone(self._paths, self._settings, error)}

    def _need_records(self) -> Records:
        with self._changed:
            self._await(lambda: self._records is not None)
            if self._records is None:
                raise self._reason or Unavailable("the database is not open yet; try again")
            return self._records

    def _need_parts(self) -> Parts:
        with self._changed:
            self._await(lambda: self._parts is not None)
            if self._parts is None:
                raise self._reason or Unavailable("the store is not up yet; try again")
            return self._parts

    def _await(self, ready: Callable[[], bool]) -> None:
        """Wait for a part; a passing trouble gets a moment to mend itself, a lasting one is told at once."""
        deadline = time.monotonic() + READY_SECONDS
        while not ready() and (left := deadline - time.monotonic()) > 0:
            if self._reason is not None:
                if not self._reason.retry or self._stop.is_set():
                    return
                deadline = min(deadline, self._since + PASSING_SECONDS)
                left = deadline - time.monotonic()
            self._changed.wait(max(0.0, min(left, 1.0)))

    def _scrub(self, arguments: dict[str, Any], actor: str, progress: Progress) -> dict[str, Any]:
        self._need_parts()
        assert self._fixity is not None  # set together with the parts
        return self._fixity.run(arguments, actor, progress)

    def _down(self, arguments: dict[str, Any], actor: str, progress: Progress) -> dict[str, Any]:
        if self._records is not None and self._parts is not None:
            try:
                self._note(self._records, "stop", actor, {})
            except SohoaError as error:  # stopping must be possible with a database that is locked or full
                logger.warning("the stop is not on the ledger: %s", error)
        self._stop.set()
        return {"stopped": True}

    def _note(self, records: Records, act: str, actor: str, details: dict[str, Any]) -> None:
        records.ledger.note(
            act=act, actor=actor, agency=self._settings.agency.code, objects=[], details=details
        )


def absolute(text: object) -> Path:
    """A path from a request; the client has made it absolute against its own folder."""
    path = Path(str(text))
    if not path.is_absolute():
        raise UsageError(f"{path} must be an absolute path")
    return path
