"""A watched folder: local disks by events, network shares by polling, and a full look either way.

Events only hurry the next look; a lost one costs the time until the periodic look, never a file. A
stack is taken when all its files are complete and it has been quiet, or at once when `.done` appears.
"""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer
from watchdog.observers.polling import PollingObserver

from pipeline.errors import UsageError
from pipeline.files import held_alone
from scanners.stability import StabilityTracker, looks_finished

FULL_LOOK_SECONDS = 2.0
PARTIAL = (".part", ".tmp", ".crdownload", ".filepart")
DONE = ".done"


@dataclass(frozen=True, slots=True, kw_only=True)
class HotFolder:
    """One folder and how to watch it. `quiet`, `stuck` are in seconds; `polling` is for SMB and NFS."""

    path: Path
    quiet: float = 3.0
    polling: bool = False
    stuck: float = 600.0


def check_apart(watched: Path, others: Iterable[Path]) -> None:
    """Refuse a watched folder that holds, or lies in, the home or the program: it would feed on itself."""
    here = watched.resolve()
    for other in others:
        there = other.resolve()
        if here == there or here.is_relative_to(there) or there.is_relative_to(here):
            raise UsageError(
                f"the watched folder {here} overlaps {there}; watch a folder of its own",
                vi=f"Thư mục theo dõi {here} trùng với {there}; hãy dùng thư mục riêng",
            )


@contextmanager
def watched_alone(path: Path) -> Iterator[None]:
    """Hold a folder while it is watched: two watchers might each take half of a stack. Raises UsageError.

    A share that knows no locks is watched without one; the home takes each file once all the same.
    """
    busy = UsageError(
        f"another command watches {path}; stop that one first",
        vi=f"Một lệnh khác đang theo dõi {path}; hãy dừng lệnh đó trước",
    )
    with held_alone(os.open(path, os.O_RDONLY | os.O_DIRECTORY), busy, locks_needed=False):
        yield


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """Files of one folder that are complete and were not handed over before.

    `ages` are the seconds since its first and its last file appeared: whose papers they are was true then.
    """

    folder: Path
    files: tuple[Path, ...]
    ages: tuple[float, float] = field(default=(0.0, 0.0), compare=False)


def look(folder: HotFolder, tracker: StabilityTracker, now: float) -> tuple[Stack, ...]:
    """One full look: every stack below the folder (and the folder itself) that is complete now."""
    ready: list[Stack] = []
    present: set[Path] = set()
    for stack in _stacks(folder.path):
        try:
            found = _files(stack)
            partial = [path for path in stack.iterdir() if path.suffix.lower() in PARTIAL]
        except OSError:  # the folder went away, or the share does not answer now
            continue
        present.update(found)
        files = [path for path in found if not tracker.is_taken(path, *_facts(path))]
        for path in partial:
            tracker.look_at_partial(path, *_facts(path), now)
        present.update(partial)
        if not files and not partial:
            tracker.nothing_in(stack)
        if not files or not _complete(files, partial, stack, tracker, now):
            continue
        whole = tuple(path for path in files if not tracker.is_stuck(path, now) or _finished(path))
        if whole:
            ages = [_age(path, tracker, now) for path in whole]
            begun = now - tracker.begun(stack, now)
            ready.append(Stack(folder=stack, files=whole, ages=(max(*ages, begun), min(ages))))
    tracker.forget(present)
    return tuple(ready)


def _age(path: Path, tracker: StabilityTracker, now: float) -> float:
    """Seconds since a file appeared; one that was there before the first look is as old as its last change."""
    try:
        changed = time.time() - path.lstat().st_ctime
    except OSError:
        changed = 0.0
    return max(now - tracker.first_seen(path, now), changed)


def _facts(path: Path) -> tuple[int, int]:
    """Size and modification time; of a file that just went away, what no file has."""
    try:
        facts = path.lstat()
    except OSError:
        return -1, -1
    return facts.st_size, facts.st_mtime_ns


def _stacks(root: Path) -> list[Path]:
    below = [
        p for p in sorted(root.rglob("*")) if p.is_dir() and not p.is_symlink() and not p.name.startswith(".")
    ]
    return [root, *below]


def _files(stack: Path) -> list[Path]:
    return [
        path
        for path in sorted(stack.iterdir())
        if not path.name.startswith((".", "~$"))
        and path.suffix.lower() not in PARTIAL
        and path.name != "Thumbs.db"
        and not path.is_dir()
        and path.suffix.lower() != DONE
        and path.name.lower() != DONE
    ]


def _complete(
    files: list[Path], partial: list[Path], stack: Path, tracker: StabilityTracker, now: float
) -> bool:
    quiet = True
    for path in files:
        try:
            facts = path.lstat()
        except FileNotFoundError:
            return False
        if not stat.S_ISREG(facts.st_mode):
            continue  # refused later, visibly
        quiet = tracker.look(path, facts.st_size, facts.st_mtime_ns, now) and quiet
    if (stack / DONE).exists():
        return True
    waiting = [path for path in [*files, *partial] if not tracker.is_stuck(path, now)]
    return quiet and all(path in files and _finished(path) for path in waiting)


def _finished(path: Path) -> bool:
    try:
        return not stat.S_ISREG(path.lstat().st_mode) or looks_finished(path)
    except OSError:
        return False


class Watch:
    """Looks at a folder until stopped and hands over each complete stack once."""

    def __init__(
        self,
        folder: HotFolder,
        take: Callable[[Stack], bool],
        after_look: Callable[[], None] = lambda: None,
        on_stuck: Callable[[tuple[Path, ...]], None] = lambda paths: None,
    ) -> None:
        self._folder = folder
        self._take = take
        self._after_look = after_look
        self._on_stuck = on_stuck
        self._stuck: tuple[Path, ...] = ()
        self._tracker = StabilityTracker(folder.quiet, folder.stuck)
        self._stirred = threading.Event()
        self._stop = threading.Event()

    @property
    def stopped(self) -> bool:
        return self._stop.is_set()

    def stop(self) -> None:
        self._stop.set()
        self._stirred.set()

    def once(self) -> bool:
        """One look; whether anything is still growing or was not taken."""
        now = time.monotonic()
        for stack in look(self._folder, self._tracker, now):
            if self._take(stack):
                for path in stack.files:
                    self._tracker.mark_taken(path, *_facts(path))
        stuck = self._tracker.stuck(now)
        if stuck != self._stuck:
            self._stuck = stuck
            self._on_stuck(stuck)
        self._after_look()
        return self._tracker.waiting(now)

    def run(self) -> None:
        """Watch until `stop`; a stack that `take` could not take is offered again at the next look."""
        observer = PollingObserver(timeout=1) if self._folder.polling else Observer()
        observer.schedule(_Stir(self._stirred), str(self._folder.path), recursive=True)
        observer.start()
        try:
            while not self._stop.is_set():
                self.once()
                self._stirred.wait(min(FULL_LOOK_SECONDS, max(0.2, self._folder.quiet / 2)))
                self._stirred.clear()
        finally:
            observer.stop()
            observer.join(timeout=5)


class _Stir(FileSystemEventHandler):
    def __init__(self, stirred: threading.Event) -> None:
        self._stirred = stirred

    def on_any_event(self, event: FileSystemEvent) -> None:
        if event.event_type in ("created", "modified", "moved", "closed"):
            self._stirred.set()
