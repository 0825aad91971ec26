"""Untrusted page work in child processes with limits on time and memory, counter work first.

Each child watches its parent: when the home's process is killed, no child outlives it. A task that runs
too long or takes too much memory loses its process; the page is set aside, the rest goes on. A child that is
killed may have been killed by anybody: its page is begun once more before it is blamed.
"""

from __future__ import annotations

import ctypes
import heapq
import itertools
import logging
import multiprocessing
import os
import resource
import signal
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, TimeoutError
from dataclasses import dataclass
from functools import partial
from typing import Any

from pebble import ProcessExpired, ProcessPool

from pipeline.errors import Rejected, SohoaError, Unavailable
from pipeline.model import SourceFile
from pipeline.raster.inspect import FileSides, refused, sides_of
from pipeline.raster.limits import RasterLimits

logger = logging.getLogger("sohoa.pages")
_PR_SET_PDEATHSIG = 1
_MEGABYTE = 1 << 20


TRIES = 2
"""Children that a page may lose before it is set aside."""


@dataclass(slots=True)
class _Task:
    """Work that waits for a child; `died` counts the children that ended under it."""

    priority: int
    work: Callable[..., Any]
    args: tuple[Any, ...]
    future: Future[Any]
    died: int = 0


class PagePool:
    """A pool of child processes; `submit` returns a Future whose errors are SohoaErrors.

    Lower `priority` goes first (0: counter, 10: back-file). At most two tasks a worker are handed to the
    pool at a time, so that urgent work waits for one page, not for a shelf.
    """

    def __init__(self, *, workers: int, seconds: float, memory_mb: int) -> None:
        self._seconds = seconds
        self._slots = workers + 1
        self._waiting: list[tuple[int, int, _Task]] = []
        self._order = itertools.count()
        self._lock = threading.Lock()
        self._mending = threading.Lock()
        self._closed = False
        self._running = 0
        self._under_way: dict[str, Future[Any]] = {}
        self._workers, self._memory_mb = workers, memory_mb
        self._pool = self._children()

    def _children(self) -> ProcessPool:
        return ProcessPool(
            max_workers=self._workers,
            max_tasks=500,
            initializer=_begin_child,
            initargs=(os.getpid(), self._memory_mb),
            context=multiprocessing.get_context("spawn"),
        )

    def submit(self, work: Callable[..., Any], *args: Any, priority: int = 10) -> Future[Any]:
        """Run `work(*args)` in a child; both must be picklable."""
        future: Future[Any] = Future()
        with self._lock:
            self._line_up(_Task(priority, work, args, future))
        self._feed()
        return future

    def submit_once(
        self, key: str, work: Callable[..., Any], *args: Any, priority: int = 10
    ) -> tuple[Future[Any], bool]:
        """Like `submit`, but join the same work (`key`) when it is under way; whether it was joined."""
        with self._lock:
            joined = self._under_way.get(key)
            if joined is not None:
                return joined, True
            future: Future[Any] = Future()
            self._under_way[key] = future
            self._line_up(_Task(priority, work, args, future))
        future.add_done_callback(lambda _: self._under_way.pop(key, None))
        self._feed()
        return future, False

    def _line_up(self, task: _Task) -> None:
        """Behind what is as urgent; the caller holds the lock."""
        heapq.heappush(self._waiting, (task.priority, next(self._order), task))

    def look_into(
        self, files: Sequence[SourceFile], limits: RasterLimits, *, priority: int
    ) -> list[FileSides]:
        """The sides of each file; one that is too heavy to look into is set aside alone.

        Before any page of the same urgency is read: a look takes milliseconds, and the next stack's pages are lined up
        by it while those of the stack before are still being read.
        """
        tasks = [self.submit(sides_of, file, limits, priority=priority - 1) for file in files]
        return [_sides_or_reason(task) for task in tasks]

    def warm(self) -> None:
        """Start the children now, so that the first page does not pay for it."""
        for _ in range(self._slots - 1):
            self.submit(_imports, priority=-1)

    def close(self) -> None:
        """End the children at once; unfinished work is done again by recovery."""
        self._closed = True
        self._pool.stop()
        self._pool.join(timeout=10)

    def _feed(self) -> None:
        with self._lock:
            ready = []
            while self._waiting and self._running < self._slots:
                ready.append(heapq.heappop(self._waiting))
                self._running += 1
        for _, _, task in ready:
            self._schedule(task)

    def _schedule(self, task: _Task) -> None:
        """Hand a task to the children; a pool that broke because an idle child died is replaced first."""
        with self._mending:
            try:
                under_way = self._pool.schedule(task.work, args=task.args, timeout=self._seconds)
            except RuntimeError as error:
                if self._closed:
                    task.future.set_exception(
                        Unavailable("the readers are closing", vi="Trình đọc đang dừng")
                    )
                    return
                logger.warning("the readers' pool broke (%s); new children are started", error)
                self._pool.stop()
                self._pool = self._children()
                under_way = self._pool.schedule(task.work, args=task.args, timeout=self._seconds)
        under_way.add_done_callback(partial(self._finish, task))

    def _finish(self, task: _Task, done: Future[Any]) -> None:
        error = None if done.cancelled() else done.exception()
        task.died += isinstance(error, ProcessExpired)
        again = isinstance(error, ProcessExpired) and task.died < TRIES and not self._closed
        with self._lock:
            self._running -= 1
            if again:
                self._line_up(task)
        if again:
            logger.warning("a reader ended under its work (%s); it is begun once more", error)
        elif done.cancelled():
            task.future.cancel()
        elif error is None:
            task.future.set_result(done.result())
        else:
            task.future.set_exception(_explained(error, self._seconds))
        self._feed()


def _sides_or_reason(task: Future[FileSides]) -> FileSides:
    try:
        return task.result()
    except Rejected as error:
        return refused(error)


def _explained(error: BaseException, seconds: float) -> BaseException:
    if isinstance(error, SohoaError):
        return error
    if isinstance(error, TimeoutError):
        return Rejected(
            f"reading this took more than {seconds:.0f} s and was stopped",
            vi=f"Xử lý quá {seconds:.0f} giây nên đã dừng",
        )
    if isinstance(error, ProcessExpired | MemoryError):
        return Rejected(
            "reading this took too much memory or crashed the reader",
            vi="Trang hoặc tệp này quá lớn hoặc bị hỏng, trình đọc không xử lý được",
        )
    return error


def _begin_child(parent: int, memory_mb: int) -> None:
    """Limits of a child: it dies with its parent, and cannot take the machine's memory."""
    os.environ["OMP_THREAD_LIMIT"] = "1"
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    threading.Thread(target=_watch_parent, args=(parent,), daemon=True).start()
    limit = memory_mb * _MEGABYTE
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _watch_parent(parent: int) -> None:
    # PDEATHSIG follows the *thread* that forked, and is lost when the parent died before prctl.
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def _imports() -> None:
    from pipeline import page_job

    page_job.reader()
