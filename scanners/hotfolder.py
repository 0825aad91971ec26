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
REST = 4.0
"""A folder rests for so many times the time that looking at it took."""
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
            listed = _listed(stack)
        except OSError:  # the folder went away, or the share does not answer now
            continue
        present.update(listed.files, listed.partial)
        files = [path for path, facts in listed.files.items() if not tracker.is_taken(path, *_size(facts))]
        for path, facts in listed.partial.items():
            tracker.look_at_partial(path, *_size(facts), now)
        if not files and not listed.partial:
            tracker.nothing_in(stack)
        if not files or not _complete(files, listed, tracker, now):
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
        return _size(path.lstat())
    except OSError:
        return _size(None)


def _size(facts: os.stat_result | None) -> tuple[int, int]:
    return (facts.st_size, facts.st_mtime_ns) if facts else (-1, -1)


def _stacks(root: Path) -> list[Path]:
    """The folder and those below it; links are not followed, hidden ones are passed over."""
    found = []
    for folder, below, _ in os.walk(root):
        below[:] = [name for name in below if not name.startswith(".")]
        here = Path(folder)
        found += [path for name in below if not (path := here / name).is_symlink()]
    return [root, *sorted(found)]


@dataclass(frozen=True, slots=True)
class _Listed:
    """What lies in one folder, in order of name, listed once; of what went away meanwhile there are no facts."""

    files: dict[Path, os.stat_result | None]
    partial: dict[Path, os.stat_result | None]
    done: bool


def _listed(stack: Path) -> _Listed:
    """Raises OSError when the folder cannot be listed."""
    files: dict[Path, os.stat_result | None] = {}
    partial: dict[Path, os.stat_result | None] = {}
    done = False
    with os.scandir(stack) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            path, name = stack / entry.name, entry.name
            suffix = path.suffix.lower()
            done = done or name == DONE
            if suffix in PARTIAL:
                partial[path] = _facts_of(entry)
            elif (
                not name.startswith((".", "~$"))
                and name != "Thumbs.db"
                and DONE not in (suffix, name.lower())
                and not entry.is_dir()
            ):
                files[path] = _facts_of(entry)
    return _Listed(files, partial, done)


def _facts_of(entry: os.DirEntry[str]) -> os.stat_result | None:
    try:
        return entry.stat(follow_symlinks=False)
    except OSError:
        return None


def _complete(files: list[Path], listed: _Listed, tracker: StabilityTracker, now: float) -> bool:
    quiet = True
    for path in files:
        facts = listed.files[path]
        if facts is None:
            return False
        if not stat.S_ISREG(facts.st_mode):
            continue  # refused later, visibly
        quiet = tracker.look(path, *_size(facts), now) and quiet
    if listed.done:
        return True
    if not quiet:
        return False
    waiting = [path for path in files if not tracker.is_stuck(path, now)]
    half = [path for path in listed.partial if not tracker.is_stuck(path, now)]
    return not half and all(_finished(path) for path in waiting)


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
        self._looked_seconds = 0.0

    @property
    def stopped(self) -> bool:
        return self._stop.is_set()

    def stop(self) -> None:
        self._stop.set()
        self._stirred.set()

    def once(self) -> bool:
        """One look; whether anything is still growing or was not taken."""
        now = time.monotonic()
        ready = look(self._folder, self._tracker, now)
        self._looked_seconds = time.monotonic() - now
        for stack in ready:
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
                # Thousands of files stir all the time: looking at them must not keep a core busy.
                self._stop.wait(min(REST * self._looked_seconds, FULL_LOOK_SECONDS))
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
