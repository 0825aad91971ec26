"""A watched folder: local disks by events, network shares by polling, and a full look either way.

Events only hurry the next look; a lost one costs the time until the periodic look, never a file. A
stack is taken when all its files are complete and it has been quiet, or at once when `.done` appears.
"""

from __future__ import annotations

import stat
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer
from watchdog.observers.polling import PollingObserver

from pipeline.errors import UsageError
from scanners.stability import StabilityTracker, looks_finished

FULL_LOOK_SECONDS = 2.0
PARTIAL = (".part", ".tmp", ".crdownload", ".filepart")
DONE = ".done"


@dataclass(frozen=True, slots=True, kw_only=True)
class HotFolder:
    """One folder and how to watch it. `quiet` is in seconds; `polling` is for SMB and NFS."""

    path: Path
    quiet: float = 3.0
    polling: bool = False


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """Files of one folder that are complete and were not handed over before."""

    folder: Path
    files: tuple[Path, ...]


def look(folder: HotFolder, tracker: StabilityTracker, now: float) -> tuple[Stack, ...]:
    """One full look: every stack below the folder (and the folder itself) that is complete now."""
    ready: list[Stack] = []
    present: set[Path] = set()
    for stack in _stacks(folder.path):
        found = _files(stack)
        present.update(found)
        files = [path for path in found if not tracker.is_taken(path, *_facts(path))]
        if files and _complete(files, stack, tracker, now):
            ready.append(Stack(folder=stack, files=tuple(files)))
    tracker.forget(present)
    return tuple(ready)


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


def _complete(files: list[Path], stack: Path, tracker: StabilityTracker, now: float) -> bool:
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
    unfinished = any(p.suffix.lower() in PARTIAL for p in stack.iterdir())
    return quiet and not unfinished and all(_finished(path) for path in files)


def _finished(path: Path) -> bool:
    try:
        return not stat.S_ISREG(path.lstat().st_mode) or looks_finished(path)
    except OSError:
        return False


class Watch:
    """Looks at a folder until stopped and hands over each complete stack once."""

    def __init__(
        self, folder: HotFolder, take: Callable[[Stack], bool], after_look: Callable[[], None] = lambda: None
    ) -> None:
        self._folder = folder
        self._take = take
        self._after_look = after_look
        self._tracker = StabilityTracker(folder.quiet)
        self._stirred = threading.Event()
        self._stop = threading.Event()

    def stop(self) -> None:
        self._stop.set()
        self._stirred.set()

    def once(self) -> bool:
        """One look; whether anything is still growing or was not taken."""
        for stack in look(self._folder, self._tracker, time.monotonic()):
            if self._take(stack):
                for path in stack.files:
                    self._tracker.mark_taken(path, *_facts(path))
        self._after_look()
        return self._tracker.waiting()

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
