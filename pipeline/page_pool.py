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
import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from pipeline.child import Child, ChildLost
from pipeline.errors import Rejected, SohoaError
from pipeline.model import SourceFile
from pipeline.raster.inspect import FileSides, refused, sides_of
from pipeline.raster.limits import RasterLimits

logger = logging.getLogger("sohoa.pages")
_PR_SET_PDEATHSIG = 1
_MEGABYTE = 1 << 20
_TASKS = 500
"""Pages after which a child is replaced, against what libraries leak."""
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

    Lower `priority` goes first (0: counter, 10: back-file). A child is handed one task at a time, so that urgent work
    waits for one page, not for a shelf.
    """

    def __init__(self, *, workers: int, seconds: float, memory_mb: int) -> None:
        self._seconds = seconds
        self._waiting: list[tuple[int, int, _Task]] = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._closed = False
        self._under_way: dict[str, Future[Any]] = {}
        memory = memory_mb * _MEGABYTE
        self._children = [Child(_begin_child, memory=memory, tasks=_TASKS) for _ in range(workers)]
        self._threads = [
            threading.Thread(target=self._serve, args=(child,), name="sohoa-pages", daemon=True)
            for child in self._children
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, work: Callable[..., Any], *args: Any, priority: int = 10) -> Future[Any]:
        """Run `work(*args)` in a child; both must be picklable."""
        future: Future[Any] = Future()
        with self._changed:
            self._line_up(_Task(priority, work, args, future))
        return future

    def submit_once(
        self, key: str, work: Callable[..., Any], *args: Any, priority: int = 10
    ) -> tuple[Future[Any], bool]:
        """Like `submit`, but join the same work (`key`) when it is under way; whether it was joined."""
        with self._changed:
            joined = self._under_way.get(key)
            if joined is not None:
                return joined, True
            future: Future[Any] = Future()
            self._under_way[key] = future
            self._line_up(_Task(priority, work, args, future))
        future.add_done_callback(lambda _: self._under_way.pop(key, None))
        return future, False

    def _line_up(self, task: _Task) -> None:
        """Behind what is as urgent; the caller holds the lock."""
        heapq.heappush(self._waiting, (task.priority, next(self._order), task))
        self._changed.notify()

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
        for _ in self._children:
            self.submit(_imports, priority=-1)

    def close(self) -> None:
        """End the children at once; unfinished work is not answered: it is done again by recovery."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for child in self._children:
            child.end()
        for thread in self._threads:
            thread.join(timeout=10)

    def _serve(self, child: Child) -> None:
        """One thread a child: the most urgent task, then the next."""
        while (task := self._next()) is not None:
            if not task.died and not task.future.set_running_or_notify_cancel():
                continue  # nobody waits for it any more
            try:
                found = child.run(task.work, *task.args, seconds=self._seconds)
            except ChildLost as lost:
                self._lost(task, lost)
            except BaseException as error:
                task.future.set_exception(_explained(error, self._seconds))
            else:
                task.future.set_result(found)

    def _next(self) -> _Task | None:
        """The most urgent task; None when the pool is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            return None if self._closed else heapq.heappop(self._waiting)[-1]

    def _lost(self, task: _Task, lost: ChildLost) -> None:
        task.died += 1
        with self._changed:
            if self._closed:
                return
            again = task.died < TRIES
            if again:
                self._line_up(task)
        if again:
            logger.warning("a reader ended under its work (%s); it is begun once more", lost)
        else:
            task.future.set_exception(_explained(lost, self._seconds))


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
    if isinstance(error, ChildLost | MemoryError):
        return Rejected(
            "reading this took too much memory or crashed the reader",
            vi="Trang hoặc tệp này quá lớn hoặc bị hỏng, trình đọc không xử lý được",
        )
    return error


def _begin_child() -> None:
    """One core a child, and the kernel ends it with the thread that started it: sooner than it would notice itself."""
    os.environ["OMP_THREAD_LIMIT"] = "1"
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _imports() -> None:
    from pipeline import page_job

    page_job.reader()
