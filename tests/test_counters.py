"""Whose papers are they: a counter's dossier at the moment a file appears, never a guess across a change."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.home.counters import Counters
from scanners.hotfolder import HotFolder, look
from scanners.stability import StabilityTracker
from tests.home_in_use import SCANS, Home, kill, until

DECISION = SCANS / "chong-2" / "scan-01.jpg"
ONE, TWO = "H38.20-261002-0007", "H38.20-261002-0008"
IDLE = 900.0


@pytest.fixture
def counters(tmp_path: Path) -> Counters:
    return Counters(tmp_path / "counters")


def test_a_file_belongs_to_the_dossier_that_was_bound_when_it_appeared(counters: Counters) -> None:
    counters.bind("q", ONE, actor="a", now=1000)
    counters.bind("q", TWO, actor="a", now=1100)
    assert counters.ruling("q", first=1050, last=1060, idle=IDLE).dossier == ONE
    assert counters.ruling("q", first=1150, last=1160, idle=IDLE).dossier == TWO
    assert counters.current("q", now=1100, idle=IDLE).dossier == TWO
    assert counters.current("q", now=2001, idle=IDLE).dossier is None
    assert counters.ruling("khac", first=1150, last=1160, idle=IDLE).dossier is None


@pytest.mark.parametrize(("first", "last"), [(1099.9, 1100.5), (1090, 1190), (1100.2, 1105), (900, 1050)])
def test_a_stack_across_a_change_is_nobodys(counters: Counters, first: float, last: float) -> None:
    counters.bind("q", ONE, actor="a", now=1000)
    counters.bind("q", TWO, actor="a", now=1100)
    found = counters.ruling("q", first=first, last=last, idle=IDLE)
    assert found.dossier is None and found.doubtful


def test_a_stack_that_lies_across_a_change_and_back_is_nobodys(counters: Counters) -> None:
    for moment, code in ((1000, ONE), (1100, TWO), (1110, ONE)):
        counters.bind("q", code, actor="a", now=moment)
    assert counters.ruling("q", first=1090, last=1190, idle=IDLE).doubtful
    assert counters.ruling("q", first=1150, last=1190, idle=IDLE).dossier == ONE


def test_a_binding_ends_when_idle_and_each_file_prolongs_it(counters: Counters) -> None:
    counters.bind("q", ONE, actor="a", now=1000)
    assert counters.ruling("q", first=1901, last=1901, idle=IDLE).dossier is None
    counters.used("q", 1800)
    assert counters.ruling("q", first=2600, last=2600, idle=IDLE).dossier == ONE
    assert not counters.ruling("q", first=2701, last=2701, idle=IDLE).doubtful


def test_clearing_ends_it_and_binding_again_needs_no_pause(counters: Counters) -> None:
    counters.bind("q", ONE, actor="a", now=1000)
    counters.bind("q", None, actor="a", now=1010)
    assert counters.ruling("q", first=1020, last=1020, idle=IDLE).dossier is None
    counters.bind("q", TWO, actor="a", now=1030)
    assert counters.ruling("q", first=1030.1, last=1031, idle=IDLE).dossier == TWO


def test_a_request_holds_for_files_that_are_surely_its_own(counters: Counters) -> None:
    counters.bind("q", ONE, actor="a", now=1000, request="YC-1")
    counters.bind("q", ONE, actor="a", now=1100, request="YC-2")
    counters.bind("q", TWO, actor="a", now=1200)

    def found(first: float, last: float) -> tuple[str | None, str | None]:
        ruling = counters.ruling("q", first=first, last=last, idle=IDLE)
        return ruling.dossier, ruling.request

    assert found(1050, 1060) == (ONE, "YC-1") and found(1150, 1160) == (ONE, "YC-2")
    assert found(1090, 1150) == (ONE, None), "the dossier is sure, the request is not"
    assert found(1100.5, 1101) == (ONE, None), "the last sheet of the one before may still be coming"
    assert found(1250, 1260) == (TWO, None)
    assert counters.current("q", now=1250, idle=IDLE).request is None


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 1000), st.sampled_from([ONE, TWO, None])), min_size=1, max_size=8),
    st.floats(0, 1000),
    st.floats(0, 50),
)
def test_no_stack_is_ever_given_to_a_dossier_that_was_not_bound_all_along(
    tmp_path_factory: pytest.TempPathFactory,
    changes: list[tuple[float, str | None]],
    first: float,
    length: float,
) -> None:
    counters, changes = Counters(tmp_path_factory.mktemp("c")), sorted(changes, key=lambda item: item[0])
    for moment, code in changes:
        counters.bind("q", code, actor="a", now=moment)
    found = counters.ruling("q", first=first, last=first + length, idle=IDLE).dossier
    if found is not None:
        held = [code for moment, code in changes if moment <= first][-1:]
        held += [code for moment, code in changes if first < moment <= first + length]
        assert set(held) == {found}


def test_a_stack_is_as_old_as_its_first_half_written_file(tmp_path: Path) -> None:
    tracker, folder = StabilityTracker(3), HotFolder(path=tmp_path, quiet=3)
    (tmp_path / "a.jpg.part").write_bytes(DECISION.read_bytes())
    look(folder, tracker, 100)
    look(folder, tracker, 130)
    (tmp_path / "a.jpg.part").rename(tmp_path / "a.jpg")
    look(folder, tracker, 140)
    (stack,) = look(folder, tracker, 143)
    assert stack.ages[0] == pytest.approx(43, abs=1)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Home, Path]]:
    """A home with two counters, watched."""
    place = tmp_path_factory.mktemp("quay")
    for name in ("1", "2"):
        (place / name).mkdir()
    home = Home(place / "h", {"SOHOA_WATCH_QUIET": "0.5"})
    home.paths.make()
    home.paths.settings.write_text(
        f'[counter.quay-1]\nfolder = "{place / "1"}"\noperator = "lan"\nidle_minutes = 5\n'
        f'[counter.quay-2]\nfolder = "{place / "2"}"\ndossier = "{TWO}"\n'
    )
    watch = home.start("watch", "--json")
    yield home, place
    watch.send_signal(signal.SIGTERM)
    watch.communicate(timeout=60)
    home.run("down")


def drop(folder: Path, name: str, mark: bytes) -> Path:
    """A scan that no other has the bytes of: what stands behind the end of a JPEG does not count."""
    file = folder / name
    file.with_suffix(".part").write_bytes(DECISION.read_bytes() + mark + b"\xff\xd9")
    file.with_suffix(".part").rename(file)
    return file


def rows(home: Home, query: str, *values: str) -> list[tuple[Any, ...]]:
    """What the database holds; nothing before there is one."""
    try:
        with closing(sqlite3.connect(f"file:{home.paths.database}?mode=ro", uri=True)) as database:
            return list(database.execute(query, values))
    except sqlite3.OperationalError:
        return []


def whose(home: Home, file: Path) -> list[tuple[Any, ...]]:
    """Dossier and operator of each batch that holds a file."""
    return rows(
        home,
        "select distinct batch.dossier, batch.actor from batch join page on page.batch = batch.id "
        "where page.source = ?",
        str(file),
    )


def test_files_of_a_counter_go_to_the_dossier_it_is_bound_to(desk: tuple[Home, Path]) -> None:
    home, place = desk
    bound = home.run("counter", "quay-1", "--dossier", f"https://dichvucong.gov.vn/tra-cuu?ma={ONE}&x=1")
    assert bound.code == 0 and bound.document["dossier"] == ONE and bound.document["bound"]
    time.sleep(0.5)
    first = drop(place / "1", "a.jpg", b"1")
    other = drop(place / "2", "a.jpg", b"2")
    assert until(lambda: bool(whose(home, first)) and bool(whose(home, other)), 90)
    assert whose(home, first) == [(ONE, "lan")]
    assert [code for code, _ in whose(home, other)] == [TWO], "the counter's default"
    lanes = rows(
        home, "select distinct json_extract(intake, '$.lane') from batch where source like ?", f"{place}%"
    )
    assert lanes == [("counter",)], "a citizen waits: before the back-file"
    changed = home.run("counter", "quay-1", "--dossier", TWO).document
    assert changed["bound"] and changed["dossier"] == TWO and changed["until"]
    time.sleep(1.5)
    second = drop(place / "1", "b.jpg", b"3")
    assert until(lambda: bool(whose(home, second)), 60) and whose(home, second) == [(TWO, "lan")]
    assert home.run("counter", "quay-1", "--clear").document["bound"] is False
    time.sleep(1.5)
    third = drop(place / "1", "c.jpg", b"4")
    assert until(lambda: bool(whose(home, third)), 60) and whose(home, third) == [(None, "lan")]


def test_wrong_use_of_counters_is_told(desk: tuple[Home, Path]) -> None:
    home, place = desk
    assert home.run("counter", "quay-9").code == 2
    assert home.run("counter", "quay-1", "--dossier", "không có mã").code == 2
    assert home.run("counter", "quay-1", "--dossier", ONE, "--clear").code == 2
    again = home.run("watch", "--folder", str(place / "1"))
    assert again.code == 2 and "đang theo dõi" in again.log


def test_a_watcher_that_is_killed_takes_nothing_twice(tmp_path: Path, desk: tuple[Home, Path]) -> None:
    home, _ = desk
    hot = tmp_path / "hot"
    hot.mkdir()
    watch = home.start("watch", "--folder", str(hot), "--dossier", ONE, "--json")
    first = drop(hot, "a.jpg", b"5")
    (hot / "hong.pdf").write_text("không phải PDF")  # stays in the folder for good
    assert until(lambda: bool(whose(home, first)), 60)
    kill(watch.pid)
    watch.communicate()
    second = drop(hot, "b.jpg", b"6")
    watch = home.start("watch", "--folder", str(hot), "--dossier", ONE, "--json")
    assert until(lambda: bool(whose(home, second)) and [p.name for p in hot.iterdir()] == ["hong.pdf"], 90)
    stop(watch)
    for name in ("a.jpg", "b.jpg", "hong.pdf"):
        assert len(whose(home, hot / name)) == 1, name
    held = rows(home, "select source, count(*) from page where source like ? group by source", f"{hot}%")
    assert {Path(source).name: count for source, count in held} == {"a.jpg": 1, "b.jpg": 1, "hong.pdf": 1}


def stop(watch: subprocess.Popen[str]) -> None:
    watch.send_signal(signal.SIGTERM)
    watch.communicate(timeout=60)
