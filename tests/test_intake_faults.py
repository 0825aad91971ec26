"""Intake under attack: killed at random, raced by a second watcher, out of room, flooded. Conservation holds each time."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.home_in_use import BRISK, SCANS, Home, kill, pids, until
from tests.test_hotfolder_proofs import small

SAFE = {"stored", "blank", "separator"}


def watch(home: Home, hot: Path) -> subprocess.Popen[str]:
    return home.start("watch", "--folder", str(hot), "--json")


def end(child: subprocess.Popen[str]) -> None:
    child.send_signal(signal.SIGTERM)
    child.communicate(timeout=90)


def pages(home: Home) -> list[tuple[str, str, str]]:
    """File name, state and digest of every side that the home knows; nothing before there is a database."""
    try:
        with closing(sqlite3.connect(f"file:{home.paths.database}?mode=ro", uri=True)) as database:
            found = database.execute("select source, state, source_sha256 from page")
            return [(Path(source).name, state, digest) for source, state, digest in found]
    except sqlite3.OperationalError:
        return []


def conserved(home: Home, hot: Path, given: set[str]) -> None:
    """Everything given is one side of one batch; what left the folder is safe."""
    known = Counter(name for name, _, _ in pages(home))
    assert not [name for name, count in known.items() if count > 1], "taken twice"
    assert set(known) <= given
    gone = given - {path.name for path in hot.iterdir()}
    safe = {name for name, state, _ in pages(home) if state in SAFE}
    assert gone <= safe, f"left the folder unsafe: {sorted(gone - safe)[:5]}"


def drop(hot: Path, number: int) -> str:
    name = f"{number:06d}.png"
    (hot / f"{name}.part").write_bytes(small(number))
    (hot / f"{name}.part").rename(hot / name)
    return name


def strike(home: Home, hot: Path, dice: random.Random) -> bool:
    """kill -9 of the home, the store, a reader or the watcher; whether it struck anything alive."""
    victims = {
        "home": pids(f"pipeline.home {home.root}"),
        "store": pids(f"weed -logdir={home.root}"),
        "watch": [pid for pid in pids(f"watch --folder {hot}")],
    }
    chosen = victims[dice.choice(["home", "home", "store", "watch", "watch"])]
    for pid in chosen:
        with contextlib.suppress(ProcessLookupError):
            kill(pid)
    return bool(chosen)


@pytest.mark.parametrize(
    ("kills", "longest"),
    [(3, 3.0), pytest.param(200, 5.0, marks=pytest.mark.slow)],
    ids=["few", "two-hundred"],
)
def test_kills_at_random_moments_of_intake_lose_and_double_nothing(
    tmp_path: Path, kills: int, longest: float
) -> None:
    home, hot, dice = (
        Home(tmp_path / "h", {"SOHOA_WATCH_QUIET": "0.2"}),
        tmp_path / "hot",
        random.Random(kills),
    )
    hot.mkdir()
    given: set[str] = set()
    child, struck = watch(home, hot), 0
    try:
        while struck < kills:
            given |= {drop(hot, len(given) + n) for n in range(dice.randint(1, 6))}
            time.sleep(dice.uniform(0.05, longest))
            struck += strike(home, hot, dice)
            conserved(home, hot, given)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.communicate(timeout=0.2)  # one that was just struck is gone by now
                child = watch(home, hot)
        assert until(lambda: not list(hot.iterdir()), 240), (
            sorted(hot.iterdir())[:5],
            home.run("status").document,
        )
        conserved(home, hot, given)
        assert {name for name, _, _ in pages(home)} == given, "lost"
    finally:
        end(child)
        home.run("down")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    place = Home(tmp_path_factory.mktemp("home") / "h", {"SOHOA_WATCH_QUIET": "0.3"})
    yield place
    place.run("down")


@pytest.mark.slow
def test_two_watchers_that_know_nothing_of_each_other_do_not_double(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a share that knows no locks: both offer the folder's files to the home at once, in differing stacks."""
    from pipeline.commands.session import Session
    from pipeline.paths import HomePaths

    for name, value in {**BRISK, **home.settings}.items():
        monkeypatch.setenv(name, value)
    home.run("status")  # the process is up
    names = [str(tmp_path / drop(tmp_path, number)) for number in range(20)]
    session = Session(HomePaths(home.root))
    taken: list[dict[str, object]] = []

    def take(files: list[str]) -> None:
        request = {
            "folder": str(tmp_path),
            "files": files,
            "dossier": None,
            "counter": None,
            "ages": [9.0, 9.0],
        }
        taken.append(session.call("take", request, quiet=True))

    rivals = [
        threading.Thread(target=take, args=(part,)) for part in (names, names[:12], names[5:], names[::2])
    ]
    for rival in rivals:
        rival.start()
    for rival in rivals:
        rival.join(60)
    assert len(taken) == len(rivals)
    wanted = {Path(name).name for name in names}
    assert until(lambda: {name for name, _, _ in pages(home)} >= wanted, 60)
    time.sleep(1)
    counts = Counter(name for name, _, _ in pages(home) if name in wanted)
    assert counts == dict.fromkeys(wanted, 1)
    gone = [str(tmp_path / "da-di.png")]
    take(gone)  # of a watcher that died while it waited; the file is stored and has left
    assert taken[-1]["batches"] == [] and "da-di.png" not in {name for name, _, _ in pages(home)}


@contextmanager
def rival(home: Home, hot: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A second watcher of the same folder, as on a share that knows no locks: its looks and its stacks are its own."""
    from pipeline.commands.session import Session
    from pipeline.paths import HomePaths
    from scanners.hotfolder import HotFolder, Stack, Watch

    for name, value in {**BRISK, **home.settings}.items():
        monkeypatch.setenv(name, value)
    session = Session(HomePaths(home.root))

    def take(stack: Stack) -> bool:
        request = {"folder": str(stack.folder), "files": [str(path) for path in stack.files]}
        session.call("take", {**request, "dossier": None, "counter": None, "ages": [9.0, 9.0]}, quiet=True)
        return True

    second = Watch(HotFolder(path=hot, quiet=0.7), take)
    thread = threading.Thread(target=second.run)
    thread.start()
    try:
        yield
    finally:
        second.stop()
        thread.join(120)


def flooded(home: Home, hot: Path, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Drop so many files at once before two watchers; each is taken once and leaves."""
    hot.mkdir()
    given = {f"tep-{number:06d}.png" for number in range(count)}
    child = watch(home, hot)
    try:
        with rival(home, hot, monkeypatch):
            for number, name in enumerate(sorted(given)):
                (hot / name).write_bytes(small(number))
            assert until(lambda: not list(hot.iterdir()), 60 + count / 4)
    finally:
        end(child)
    known = [(name, state) for name, state, _ in pages(home) if name.startswith("tep-")]
    assert Counter(known) == {(name, "blank"): 1 for name in given}


@pytest.mark.slow
def test_three_hundred_files_dropped_at_once_are_each_stored_once_and_leave(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flooded(home, tmp_path / "hot", 300, monkeypatch)


@pytest.mark.slow
def test_ten_thousand_files_dropped_at_once_are_each_stored_once_and_leave(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path / "h", {"SOHOA_WATCH_QUIET": "1"})
    try:
        flooded(home, tmp_path / "hot", 10_000, monkeypatch)
    finally:
        home.run("down")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("needs root to mount a small disk")
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=300m", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting is not allowed here")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


@pytest.mark.slow
def test_a_full_disk_pauses_the_watched_folder_and_room_resumes_it(small_disk: Path, tmp_path: Path) -> None:
    home, hot = (
        Home(small_disk / "h", {"SOHOA_WATCH_QUIET": "0.3", "SOHOA_LIMITS_FREE_DISK_MB": "40"}),
        tmp_path / "hot",
    )
    hot.mkdir()
    home.run("status")
    stuffing = small_disk / "day"
    stuffing.write_bytes(bytes(max(0, shutil.disk_usage(small_disk).free - (20 << 20))))
    scan = SCANS / "chong-2" / "scan-01.jpg"
    child = home.start("watch", "--folder", str(hot))
    try:
        shutil.copy(scan, hot / "a.jpg")
        time.sleep(5)
        assert (hot / "a.jpg").exists() and pages(home) == [], "nothing is taken without room"
        stuffing.unlink()
        assert until(lambda: [state for _, state, _ in pages(home)] not in ([], ["working"]), 90)
        assert [name for name, _, _ in pages(home)] == ["a.jpg"]
    finally:
        child.send_signal(signal.SIGTERM)
        _, log = child.communicate(timeout=90)
        home.run("down")
    assert "Ổ đĩa sắp đầy" in log
