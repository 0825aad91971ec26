"""A stack at the scanner, on SANE's own drivers: each side is kept before the next, whatever happens in between."""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pipeline.errors import Tampered, UsageError
from pipeline.files import write_whole
from scanners import isolated
from scanners.device import DeviceInfo, DeviceOption, Ready, Side, Wish
from scanners.feeding import Watcher, pull
from scanners.isolated import IsolatedDevice, need_driver
from scanners.sane_choice import pick_mode, pick_resolution, pick_source
from scanners.stack_folder import Job, StackFolder
from scanners.trouble import DeviceError, Trouble
from tests.home_in_use import until
from tests.scanner_in_use import configured, feeder, job, lay_down, needs_sane, picture, remote_scanner


@pytest.fixture(autouse=True)
def drivers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in configured(tmp_path / "sane").items():
        monkeypatch.setenv(name, value)


def on_the_glass(tray: Path, numbers: list[int]) -> Watcher:
    """A person who lays these sheets down, one after the other."""
    left = list(numbers)

    def another(count: int) -> bool:
        if left:
            lay_down(tray, picture(left.pop(0)))
            return True
        return False

    return Watcher(on_side=lambda number, path: None, another=another)


ALONE = Watcher(on_side=lambda number, path: None, another=lambda count: False)


def device(seconds: float = 20.0) -> IsolatedDevice:
    return IsolatedDevice(seconds=seconds)


def same_as(stack: StackFolder, numbers: list[int]) -> bool:
    """Whether the stack's sides are these sheets in this order, pixel for pixel."""
    sides = [np.array(Image.open(side.path)) for side in stack.wanted()]
    return len(sides) == len(numbers) and all(
        np.array_equal(side, picture(number)) for side, number in zip(sides, numbers, strict=True)
    )


@needs_sane
def test_drivers_and_their_options_are_listed() -> None:
    scanner = device()
    assert {"pnm:0", "test:0"} <= {item.name for item in scanner.list()}
    scanner.open(Wish(device="test:0", source="adf", resolution=75))
    offered = {option.name: option for option in scanner.options()}
    assert offered["source"].choices == ("Flatbed", "Automatic Document Feeder")
    assert offered["resolution"].value == 75 and offered["resolution"].between == (1, 1200, 1)
    assert offered["br-x"].value == 200, "A4 is 210 mm wide, this device 200"
    scanner.close()


@needs_sane
@pytest.mark.parametrize(
    ("switch", "trouble", "code"),
    [
        ("status_jammed", Trouble.JAM, 1),
        ("status_coveropen", Trouble.COVER, 1),
        ("status_nodocs", Trouble.EMPTY, 1),
        ("status_eof", Trouble.CUT, 1),
        ("status_ioerror", Trouble.IO, 4),
        ("status_nomem", Trouble.MEMORY, 4),
        ("status_accessdenied", Trouble.DENIED, 4),
    ],
)
def test_every_error_of_the_device_keeps_the_sides_and_the_stack_goes_on(
    tmp_path: Path, switch: str, trouble: Trouble, code: int
) -> None:
    tray = tmp_path / "tray.ppm"
    stack = StackFolder.begin(tmp_path / "scan", job(tray, sheets=4))
    first = pull(device(), stack, on_the_glass(tray, [1, 2]))
    assert first is not None and first.trouble is Trouble.COUNT
    stack.say(job(tray, sheets=4, status="yes", **{switch: "yes"}))
    broken = pull(device(), stack, on_the_glass(tray, [3, 4]))
    assert broken is not None and (broken.trouble, broken.trouble.exit_code) == (trouble, code)
    assert broken.vi and str(broken) and same_as(stack, [1, 2])
    (stack,) = StackFolder.all(tmp_path / "scan")
    stack.say(job(tray, sheets=4))
    assert pull(device(), stack, on_the_glass(tray, [3, 4])) is None
    assert same_as(stack, [1, 2, 3, 4])


@needs_sane
def test_trouble_in_the_middle_of_a_run_keeps_what_came_before(tmp_path: Path) -> None:
    tray = tmp_path / "tray.ppm"
    stack = StackFolder.begin(tmp_path / "scan", job(tray))
    lay_down(tray, picture(1))

    def another(count: int) -> bool:
        if count == 1:
            lay_down(tray, picture(2))
        elif count == 2:
            tray.unlink()
        return True

    broken = pull(device(), stack, Watcher(on_side=lambda n, p: None, another=another))
    assert broken is not None and same_as(stack, [1, 2])


@needs_sane
def test_a_side_is_whole_and_hashed_before_the_next_sheet_is_asked_for(tmp_path: Path) -> None:
    tray = tmp_path / "tray.ppm"
    stack = StackFolder.begin(tmp_path / "scan", job(tray))
    seen: list[bool] = []

    def another(count: int) -> bool:
        seen.append(same_as(stack, list(range(1, count + 1))))
        lay_down(tray, picture(count + 1))
        return count < 3

    assert pull(device(), stack, Watcher(on_side=lambda n, p: None, another=another)) is None
    assert seen == [True] * 4


@needs_sane
def test_a_feeder_that_ends_early_does_not_look_finished(tmp_path: Path) -> None:
    stack = StackFolder.begin(tmp_path / "scan", feeder(sheets=20))
    ended = pull(device(), stack, ALONE)
    assert ended is not None and ended.trouble is Trouble.COUNT and len(stack.wanted()) == 10
    assert pull(device(), stack, ALONE) is None
    assert len(stack.wanted()) == 20


@needs_sane
@pytest.mark.parametrize(
    ("status", "trouble"),
    [
        ("JAMMED", Trouble.JAM),
        ("COVER_OPEN", Trouble.COVER),
        ("IO_ERROR", Trouble.IO),
        ("DEVICE_BUSY", Trouble.BUSY),
    ],
)
def test_a_read_error_of_a_feeder_is_told(tmp_path: Path, status: str, trouble: Trouble) -> None:
    stack = StackFolder.begin(tmp_path / "scan", feeder(read_return_value=f"SANE_STATUS_{status}"))
    broken = pull(device(), stack, ALONE)
    assert broken is not None and broken.trouble is trouble and stack.sides() == []


@needs_sane
def test_a_driver_that_hangs_is_ended_and_the_sides_stay(tmp_path: Path) -> None:
    stack = StackFolder.begin(tmp_path / "scan", feeder())
    assert pull(device(), stack, ALONE) is None
    slow = feeder(read_delay="yes", read_delay_duration="200000")
    stack.say(replace(slow, wish=replace(slow.wish, resolution=600)))
    scanner, started = device(seconds=1.0), time.monotonic()
    hung = pull(scanner, stack, ALONE)
    assert hung is not None and hung.trouble is Trouble.HUNG and hung.trouble.exit_code == 4
    assert time.monotonic() - started < 15 and len(stack.wanted()) == 10


@needs_sane
def test_a_driver_that_crashes_takes_nothing_with_it(tmp_path: Path) -> None:
    tray = tmp_path / "tray.ppm"
    stack = StackFolder.begin(tmp_path / "scan", job(tray, sheets=3))
    scanner = device()

    def another(count: int) -> bool:
        lay_down(tray, picture(count + 1))
        if count == 2:
            assert scanner._child is not None
            os.kill(scanner._child.pid, signal.SIGSEGV)
        return True

    crashed = pull(scanner, stack, Watcher(on_side=lambda n, p: None, another=another))
    assert crashed is not None and crashed.trouble is Trouble.CRASHED and same_as(stack, [1, 2])
    assert pull(device(), stack, on_the_glass(tray, [3])) is None and same_as(stack, [1, 2, 3])


@needs_sane
@pytest.mark.parametrize("name", ["khong-co:0", "pnm:9"])
def test_an_unplugged_device_is_told_as_such(tmp_path: Path, name: str) -> None:
    stack = StackFolder.begin(tmp_path / "scan", Job(wish=Wish(device=name)))
    gone = pull(device(), stack, ALONE)
    assert gone is not None and gone.trouble is Trouble.GONE


@needs_sane
@pytest.mark.parametrize(
    "wish", [{"resolution": 2400}, {"mode": "Lineart"}, {"duplex": True}, {"options": {"la": "1"}}]
)
def test_what_a_device_cannot_do_is_refused_before_paper_moves(tmp_path: Path, wish: dict[str, Any]) -> None:
    stack = StackFolder.begin(tmp_path / "scan", Job(wish=Wish(device="test:0", source="adf", **wish)))
    refused = pull(device(), stack, ALONE)
    assert refused is not None and refused.trouble is Trouble.REFUSED and stack.sides() == []
    assert refused.trouble.exit_code == 2 and "máy này" in refused.vi


@needs_sane
def test_a_scanner_on_the_network_scans_and_a_cut_line_keeps_the_sides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = f"127.{os.getpid() % 250 + 1}.7.9"
    environment = configured(tmp_path / "client", "net")
    (tmp_path / "client" / "net.conf").write_text(f"connect_timeout = 5\n{host}\n")
    monkeypatch.setenv("SANE_CONFIG_DIR", environment["SANE_CONFIG_DIR"])
    if not Path("/usr/sbin/saned").exists():
        pytest.skip("saned is not installed (Debian: sane-utils)")
    remote = Wish(device=f"net:{host}:test:0", source="adf", resolution=30, paper="A6", format="png")
    stack = StackFolder.begin(tmp_path / "scan", Job(wish=remote, sheets=10))
    with remote_scanner(tmp_path / "server", host) as server:
        assert until(lambda: answers(host), 10)
        assert remote.device in {item.name for item in device().list()}

        def cut(number: int, path: Path) -> None:
            if number == 3:
                end_tree(server.pid)

        broken = pull(device(), stack, Watcher(on_side=cut, another=lambda count: False))
    assert broken is not None and broken.trouble.exit_code == 4 and len(stack.wanted()) == 3
    with remote_scanner(tmp_path / "server", host):
        assert until(lambda: answers(host), 10)
        assert pull(device(), stack, ALONE) is None
    assert len(stack.wanted()) == 13


def answers(host: str) -> bool:
    with socket.socket() as link:
        return link.connect_ex((host, 6566)) == 0


def end_tree(pid: int) -> None:
    """Pull the cable: the server and the child that serves the connection are gone at once."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for one in [*map(int, children), pid]:
        os.kill(one, signal.SIGKILL)


class Duplex:
    """A duplex feeder with trouble at given sides, as no driver of SANE simulates it: sheets, and where it stops."""

    def __init__(self, sheets: int, stops: list[int]) -> None:
        self.tray = [(sheet, side) for sheet in range(sheets) for side in "AB"]
        self.stops = stops
        self.pulled = 0

    def list(self) -> tuple[DeviceInfo, ...]:
        return ()

    def open(self, wish: Wish) -> Ready:
        return Ready(feeds=True, duplex=True, resolution=300, mode="Color")

    def options(self) -> tuple[DeviceOption, ...]:
        return ()

    def next_page(self, path: Path, image_format: str) -> Side | None:
        if not self.tray:
            return None
        self.pulled += 1
        if self.pulled in self.stops:
            sheet = self.tray[0][0]  # the person puts the whole sheet back on top
            self.tray = [(n, side) for n in range(sheet, self.tray[-1][0] + 1) for side in "AB"]
            raise DeviceError(Trouble.JAM)
        blob = write_whole(path, "{}{}".format(*self.tray.pop(0)).encode(), "image/jpeg")
        return Side(path=path, sha256=blob.sha256, size=blob.size, width=1, height=1)

    def close(self) -> None:
        return None


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 6), st.lists(st.integers(1, 14), max_size=5, unique=True))
def test_a_duplex_stack_resumes_at_the_right_sheet_wherever_it_jams(
    tmp_path_factory: pytest.TempPathFactory, sheets: int, stops: list[int]
) -> None:
    place = tmp_path_factory.mktemp("scan")
    StackFolder.begin(place, Job(wish=Wish(device="x", duplex=True), sheets=sheets))
    scanner, captured = Duplex(sheets, stops), 0
    for _ in range(len(stops) + 1):
        (stack,) = StackFolder.all(place)
        trouble = pull(scanner, stack, ALONE)
        if trouble is None:
            break
        assert trouble.trouble is Trouble.JAM
    assert trouble is None
    content = [side.path.read_bytes().decode() for side in stack.wanted()]
    assert content == [f"{sheet}{side}" for sheet in range(sheets) for side in "AB"]
    captured = len(stack.sides())
    assert captured == len(content) + sum(side.set_aside is not None for side in stack.sides())
    stack.hand_over()
    assert StackFolder.all(place) == []
    assert len(list(place.glob("*/0*.jpg"))) == captured - len(content), "set aside, yet gone"
    shutil.rmtree(place)


LAY_AND_SCAN = """
import sys
from pathlib import Path
from scanners.feeding import Watcher, pull
from scanners.isolated import IsolatedDevice
from scanners.stack_folder import StackFolder
from tests.scanner_in_use import lay_down, picture

(stack,) = StackFolder.all(Path(sys.argv[1]))
tray = Path(stack.job.wish.options["filename"])

def another(count):  # the person looks at what is kept and lays down the sheet after it
    lay_down(tray, picture(count + 1))
    return True

trouble = pull(IsolatedDevice(seconds=20), stack, Watcher(on_side=lambda n, p: None, another=another))
sys.exit(0 if trouble is None else 9)
"""


def killed_again_and_again(folder: Path, *, sheets: int, kills: int) -> tuple[StackFolder, int]:
    """Scan a stack whose process is killed at random moments; how many kills struck it alive."""
    stack = StackFolder.begin(folder / "scan", job(folder / "tray.ppm", sheets=sheets))
    dice, struck = random.Random(sheets), 0
    for attempt in range(kills + 1):
        child = subprocess.Popen(
            [sys.executable, "-c", LAY_AND_SCAN, str(folder / "scan")], cwd=Path(__file__).parents[1]
        )
        try:
            assert child.wait(None if attempt == kills else dice.uniform(0.15, 0.7)) == 0
            break
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
            struck += 1
    return stack, struck


@needs_sane
@pytest.mark.parametrize(
    ("sheets", "kills"), [(60, 8), pytest.param(900, 200, marks=pytest.mark.slow)], ids=["few", "many"]
)
def test_kills_at_any_moment_lose_and_double_no_side(tmp_path: Path, sheets: int, kills: int) -> None:
    stack, struck = killed_again_and_again(tmp_path, sheets=sheets, kills=kills)
    assert struck >= min(3, kills), "the stack was done before anything was killed"
    assert same_as(stack, list(range(1, sheets + 1)))
    assert all(side.set_aside is None for side in stack.sides())


def test_a_side_without_its_note_is_a_side_and_a_changed_one_is_not_passed_on(tmp_path: Path) -> None:
    stack = StackFolder.begin(tmp_path, Job(wish=Wish(device="x")))
    path = stack.next_path()
    blob = write_whole(path, b"one", "image/jpeg")  # killed before the note was written
    assert [side.sha256 for side in stack.wanted()] == [blob.sha256]
    assert stack.next_path() != path
    stack.keep(Side(path=path, sha256=blob.sha256, size=3, width=1, height=1))
    path.write_bytes(b"two")
    with pytest.raises(Tampered):
        stack.wanted()


def test_a_stack_is_held_by_one_command(tmp_path: Path) -> None:
    stack = StackFolder.begin(tmp_path, Job(wish=Wish(device="x")))
    with stack.held(), pytest.raises(UsageError), StackFolder(stack.folder, stack.job).held():
        pass
    with stack.held():
        pass


def test_without_the_library_the_remedy_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolated.importlib.util, "find_spec", lambda name: None)  # type: ignore[attr-defined]
    with pytest.raises(UsageError, match="make scanner") as told:
        need_driver()
    assert "make scanner" in told.value.vi


SOURCES = ("Flatbed", "ADF Front", "ADF Back", "ADF Duplex")


@pytest.mark.parametrize(
    ("choices", "wanted", "duplex", "found"),
    [
        (SOURCES, "auto", False, "ADF Front"),
        (SOURCES, "auto", True, "ADF Duplex"),
        (SOURCES, "flatbed", False, "Flatbed"),
        (SOURCES, "adf back", False, "ADF Back"),
        (("Normal", "Automatic Document Feeder(left aligned,Duplex)"), "adf", True,
         "Automatic Document Feeder(left aligned,Duplex)"),
        (("ADF", "ADF Duplex"), "adf", True, "ADF Duplex"),
        (("ADF", "ADF Duplex"), "adf", False, "ADF"),
        ((), "adf", True, None),
    ],
)  # fmt: skip
def test_sources_are_found_under_the_drivers_own_words(
    choices: tuple[str, ...], wanted: str, duplex: bool, found: str | None
) -> None:
    assert pick_source(choices, wanted, duplex=duplex) == found


def test_a_resolution_is_never_coarser_than_asked_for() -> None:
    assert pick_resolution([100, 200, 400], 300) == 400
    assert pick_resolution((50, 600, 1), 300) == 300
    for offered in ([100, 200], (50, 200, 1)):
        with pytest.raises(DeviceError):
            pick_resolution(offered, 300)


def test_modes_are_found_under_the_drivers_own_words() -> None:
    assert pick_mode(("Lineart", "True Gray", "24bit Color[Fast]"), "Color") == "24bit Color[Fast]"
    with pytest.raises(DeviceError):
        pick_mode(("Gray",), "Color")
