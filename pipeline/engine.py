"""The durable engine: DBOS Transact behind a few verbs; the only file that knows it.

Why DBOS: docs/decisions/0002-durable-engine.md. A workflow's id is `{batch}.{attempt}`: a crash resumes
the same attempt, `retry` starts the next one, and every stage is safe to repeat. The executor id belongs
to the home, not to the process, so that a restart resumes at once instead of waiting for a lease to run
out; the home's lock guarantees that there is only one such process.
"""

from __future__ import annotations

import hashlib
import sqlite3
import time
import typing
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from dbos import DBOS, DBOSConfig, SetEnqueueOptions, SetWorkflowID, WorkflowStatus
from sqlalchemy import URL, event
from sqlalchemy.pool import Pool

from pipeline.files import write_whole
from pipeline.flow import Stages, process
from pipeline.records import dump, load

T = TypeVar("T")

FLOW_CONTRACT = "flow-1"
"""Changed only when the order of steps changes; work in flight belongs to the contract it began under."""

QUEUE, COUNTER_QUEUE = "batches", "counter"
"""A counter's stack has places of its own: it waits for no shelf of days that is under way."""
URGENT = 1
PAPERS_AT_ONCE = 3
POLL_SECONDS = 0.2
"""Between two looks into a queue. Each takes some 4 ms of CPU, all day: at a tenth of a second two queues took 8 % of a
core from the readers."""


SUBSECONDS = (3, 42)
"""SQLite from which `unixepoch('subsec')` is known."""


def _tell_subseconds(connection: object, _: object) -> None:
    """DBOS takes it for known from Python 3.12 on, but that Python may stand on Debian 12's SQLite 3.40."""
    if isinstance(connection, sqlite3.Connection):
        connection.create_function("unixepoch", 1, lambda asked: time.time() if asked == "subsec" else None)


class Engine:
    """Runs batches durably. One per process."""

    def __init__(self, database: URL, *, executor: str, stages: Stages, work: Path, at_once: int) -> None:
        if sqlite3.sqlite_version_info < SUBSECONDS:
            event.listen(Pool, "connect", _tell_subseconds)
        self._work = work
        self._at_once = at_once
        self._alive: set[str] = set()
        # Homes of one database: what one has queued or left half done, another one's engine does not see.
        own = f"-{executor}" if database.get_backend_name() == "postgresql" else ""
        self._name, self._queue, self._counter_queue = f"sohoa{own}", f"{QUEUE}{own}", f"{COUNTER_QUEUE}{own}"
        DBOS(
            config=DBOSConfig(
                name=self._name,
                system_database_url=database.render_as_string(hide_password=False),
                executor_id=executor,
                application_version=f"{FLOW_CONTRACT}{own}",  # one name, one version: so the engine has it
                log_level="ERROR",
                notification_listener_polling_interval_sec=0.2,
                max_executor_threads=32,
            )
        )

        @DBOS.workflow(name="process")
        def run_process(batch: str) -> None:
            name = str(DBOS.workflow_id)
            self._alive.add(name)
            try:
                process(batch, stages, self)
            finally:
                self._alive.discard(name)

        self._process = run_process

    def launch(self) -> None:
        """Start executing; batches that a dead process left are resumed at once."""
        DBOS.listen_queues([self._queue, self._counter_queue])
        DBOS.launch()
        for queue in (self._queue, self._counter_queue):
            DBOS.register_queue(queue, worker_concurrency=self._at_once, polling_interval_sec=POLL_SECONDS)

    def start(self, batch: str, attempt: int, *, priority: int) -> None:
        """Queue a batch durably; queueing the same attempt again changes nothing. Priority 1 (URGENT) goes first."""
        if self.knows(batch, attempt):
            return
        queue = self._counter_queue if priority <= URGENT else self._queue
        with SetWorkflowID(f"{batch}.{attempt}"), SetEnqueueOptions(priority=priority):
            DBOS.enqueue_workflow(queue, self._process, batch)

    def knows(self, batch: str, attempt: int) -> bool:
        """Whether an attempt was ever queued, whatever became of it."""
        return _workflow(batch, attempt) is not None

    def failure(self, batch: str, attempt: int) -> str | None:
        """Why an attempt ended in an error that no stage foresaw, or None."""
        found = _workflow(batch, attempt)
        if found and found.status in ("ERROR", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"):
            return str(found.error or found.status)
        return None

    def lives(self, batch: str, attempt: int) -> bool:
        """Whether an attempt is queued or being worked on in this process.

        The engine forgets an attempt whose checkpoint could not be written (a full disk): it stays PENDING with
        nobody at work on it. One that was queued under another name of this home is nobody's either.
        """
        if f"{batch}.{attempt}" in self._alive:
            return True
        found = _workflow(batch, attempt)
        return found is not None and found.status == "ENQUEUED" and found.application_name == self._name

    def close(self) -> None:
        """Stop executing; what is unfinished resumes at the next launch."""
        DBOS.destroy()

    def step(self, work: Callable[..., T], *args: Any) -> T:
        """Run a stage once. Its record goes to a file named by its digest; the checkpoint holds the digest."""
        fresh: list[T] = []

        def run() -> str:
            outcome = work(*args)
            fresh.append(outcome)
            content = dump(outcome)
            digest = hashlib.sha256(content).hexdigest()
            if not self._path(digest).exists():
                write_whole(self._path(digest), content, "application/json")
            return digest

        digest = DBOS.run_step({"name": work.__name__}, run)
        if fresh:
            return fresh[0]
        kind = typing.get_type_hints(work)["return"]
        return typing.cast(T, load(kind, self._path(digest).read_bytes()))

    def each(self, work: Callable[[T], None], items: Sequence[T]) -> None:
        """One checkpoint for all items; after a crash those that are done are passed over by the stages."""

        def run() -> int:
            with ThreadPoolExecutor(PAPERS_AT_ONCE, thread_name_prefix="paper") as threads:
                for done in [threads.submit(work, item) for item in items]:
                    done.result()
            return len(items)

        DBOS.run_step({"name": "each"}, run)

    def _path(self, digest: str) -> Path:
        return self._work / "steps" / digest[:2] / f"{digest}.json"


def _workflow(batch: str, attempt: int) -> WorkflowStatus | None:
    """What the engine has on record of an attempt."""
    return next(iter(DBOS.list_workflows(workflow_ids=[f"{batch}.{attempt}"])), None)
