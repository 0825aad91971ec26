"""One child process behind one pipe: work that may hang, crash or take all memory is done there, one task at a time.

Each child has a pipe of its own and shares no lock with its siblings: whatever is killed, whenever, the caller is told,
and nothing that was handed over is lost without a word. (A pool whose workers share one pipe loses a task when a worker
is killed between taking it and saying so.)
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import queue
import resource
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeVar

logger = logging.getLogger("sohoa.child")
T = TypeVar("T")
os.environ.setdefault(
    "OPENBLAS_NUM_THREADS", "1"
)  # a child has one core; numpy's threads would wait for each other, busily
SAMPLED = 0.2
"""Seconds between two looks at how much memory a child under work holds."""
START_SECONDS = 120.0
"""A child that has not begun by then never will."""
_READY = "ready"


class ChildLost(Exception):
    """The child ended under its work. `code` is its exit code (negative: the signal), `peak` its most address space."""

    def __init__(self, code: int | None, peak: int) -> None:
        super().__init__(f"child ended with {code}, {peak >> 20} MB at its most")
        self.code = code
        self.peak = peak


class Child:
    """A process started when first needed, and again when it is lost or has done `tasks` pieces of work.

    `run` is for one thread at a time; `end` may be called from any.

    Args:
        begin: called in the child before its first work, for limits and imports.
        memory: bytes of address space.
    """

    def __init__(self, begin: Callable[[], None], *, memory: int, tasks: int) -> None:
        self._begin, self._memory, self._tasks = begin, memory, tasks
        self._lock = threading.Lock()
        self._ended = False
        self._process: multiprocessing.process.BaseProcess | None = None
        self._pipe: Connection | None = None
        self._done = 0

    def run(self, work: Callable[..., T], *args: Any, seconds: float) -> T:
        """`work(*args)`, both picklable, in the child; raises what it raises, TimeoutError and ChildLost."""
        pipe = self._handed_over((work, args))
        peak, limit = 0, time.monotonic() + seconds
        while not pipe.poll(max(0.0, min(SAMPLED, limit - time.monotonic()))):
            peak = max(peak, self._peak())
            if time.monotonic() >= limit:
                self._lose()
                raise TimeoutError(f"not done within {seconds:.0f} s")
        try:
            well, answer = pipe.recv()
        except (EOFError, OSError) as error:
            raise ChildLost(self._lose(), peak) from error
        self._done += 1
        if self._done >= self._tasks:
            self._lose()
        if not well:
            raise answer
        found: T = answer
        return found

    def end(self) -> None:
        """Kill it; work under way raises ChildLost, and so does work after it."""
        self._ended = True
        self._lose()

    def _handed_over(self, work: object) -> Connection:
        """The pipe to the child that took the work; one that died while it was idle is replaced first."""
        for _ in range(2):
            pipe = self._ready()
            try:
                pipe.send(work)
                return pipe
            except OSError:
                self._lose()
        raise ChildLost(None, 0)

    def _ready(self) -> Connection:
        with self._lock:
            if self._process is not None and self._pipe is not None:
                if self._process.is_alive():
                    return self._pipe
                logger.warning("a child ended while it was idle; another one is started")
        self._lose()
        pipe = self._start()
        try:
            if pipe.poll(START_SECONDS) and pipe.recv() == _READY:
                return pipe
        except (EOFError, OSError):
            pass
        raise ChildLost(self._lose(), 0)

    def _start(self) -> Connection:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(
            target=_serve,
            args=(theirs, self._begin, os.getpid(), self._memory),
            name="sohoa-child",
            daemon=True,
        )
        with self._lock:
            if self._ended:
                raise ChildLost(None, 0)
            process.start()
            theirs.close()  # else the pipe would not end with the child
            self._process, self._pipe, self._done = process, ours, 0
        return ours

    def _lose(self) -> int | None:
        """End the process, if there is one; its exit code."""
        with self._lock:
            process, self._process = self._process, None
            pipe, self._pipe = self._pipe, None
        if process is None:
            return None
        process.kill()
        process.join(5)
        if pipe is not None and not self._ended:  # at the end another thread may still wait on it
            pipe.close()
        return process.exitcode

    def _peak(self) -> int:
        """The most address space that it had so far, in bytes; 0 where the kernel does not tell."""
        process = self._process
        with contextlib.suppress(OSError, ValueError, IndexError, AttributeError):
            status = Path(f"/proc/{process.pid}/status").read_text("ascii")  # type: ignore[union-attr]
            return int(status.split("VmPeak:")[1].split()[0]) << 10
        return 0


class Children:
    """A few children, each lent to one caller at a time."""

    def __init__(self, begin: Callable[[], None], *, count: int, memory: int, tasks: int) -> None:
        self._all = [Child(begin, memory=memory, tasks=tasks) for _ in range(count)]
        self._free: queue.LifoQueue[Child] = queue.LifoQueue()  # the last used is the one already begun
        for child in reversed(self._all):
            self._free.put(child)

    @contextmanager
    def one(self) -> Iterator[Child]:
        """A child of one's own, waited for when all are at work."""
        child = self._free.get()
        try:
            yield child
        finally:
            self._free.put(child)

    def end(self) -> None:
        """Kill them all."""
        for child in self._all:
            child.end()


def _serve(pipe: Connection, begin: Callable[[], None], parent: int, memory: int) -> None:
    """The life of a child: limits first, then one piece of work after the other until the pipe ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    begin()
    pipe.send(_READY)
    while True:
        try:
            work, args = pipe.recv()
        except (EOFError, OSError):
            return
        try:
            answer: tuple[bool, Any] = (True, work(*args))
        except Exception as error:
            error.add_note("in the child:\n" + "".join(traceback.format_exception(error)))
            answer = (False, error)
        try:
            pipe.send(answer)
        except OSError:
            return
        except Exception as error:  # no pickle of it can be made
            pipe.send((False, RuntimeError(f"{type(answer[1]).__name__}: {answer[1]} ({error})")))


def _watch(parent: int) -> None:
    """A child never outlives its parent. PDEATHSIG alone would not do: it follows a thread, and may come too late."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)
