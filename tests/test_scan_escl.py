"""A scanner on the network (eSCL, as AirPrint devices speak it) through Debian's `sane-airscan`: a feeder and its troubles."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scanners.device import Wish
from scanners.feeding import Watcher, pull
from scanners.isolated import IsolatedDevice
from scanners.stack_folder import Job, StackFolder
from scanners.trouble import Trouble
from tests.escl_scanner import Feeder, escl_scanner
from tests.home_in_use import SCANS, Home
from tests.scanner_in_use import needs_sane, start_scan

pytestmark = needs_sane
DEVICE = "airscan:e0:Quầy 1"
CODE = "H38.20-261002-0051"


@pytest.fixture
def feeder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Feeder]:
    with escl_scanner(tmp_path / "sane") as (made, environment):
        monkeypatch.setenv("SANE_CONFIG_DIR", environment["SANE_CONFIG_DIR"])
        yield made


def shades(folder: Path, count: int) -> list[Path]:
    """Sheets that are told apart by how dark they are."""
    paths = [folder / f"to-{number}.png" for number in range(count)]
    for number, path in enumerate(paths):
        Image.new("RGB", (210, 297), (20 * number + 20,) * 3).save(path)
    return paths


def order(stack: StackFolder) -> list[int]:
    return [round((float(np.array(Image.open(side.path)).mean()) - 20) / 20) for side, _ in stack.in_order()]


def begun(folder: Path, *, sheets: int | None = None, duplex: bool = False) -> StackFolder:
    wish = Wish(device=DEVICE, source="adf", duplex=duplex, resolution=100, paper="A4", format="png")
    return StackFolder.begin(folder / "scan", Job(wish=wish, sheets=sheets))


def scan(stack: StackFolder) -> Trouble | None:
    found = pull(
        IsolatedDevice(seconds=30), stack, Watcher(on_side=lambda n, p: None, another=lambda n: True)
    )
    return found.trouble if found else None


def test_a_stack_is_scanned_to_its_end_as_asked_for(tmp_path: Path, feeder: Feeder) -> None:
    feeder.load(shades(tmp_path, 4))
    feeder.busy = 2
    stack = begun(tmp_path, sheets=4)
    assert scan(stack) is None and order(stack) == [0, 1, 2, 3]
    assert Image.open(stack.in_order()[0][0].path).size == pytest.approx((827, 1169), abs=6), "A4 at 100 dpi"
    assert "RGB24" in feeder.asked[0] and ">Feeder<" in feeder.asked[0]


@pytest.mark.parametrize(
    ("state", "trouble"),
    [("ScannerAdfJam", Trouble.JAM), ("ScannerAdfDoorOpen", Trouble.COVER)],
)
def test_trouble_in_the_middle_keeps_the_sides_and_goes_on_at_the_right_sheet(
    tmp_path: Path, feeder: Feeder, state: str, trouble: Trouble
) -> None:
    sheets = shades(tmp_path, 5)
    feeder.load(sheets)
    feeder.trouble = {2: state}
    stack = begun(tmp_path, sheets=5)
    assert scan(stack) is trouble and order(stack) == [0, 1]
    assert scan(stack) is trouble and order(stack) == [0, 1], "nobody has taken the sheet out yet"
    feeder.clear()
    feeder.load(sheets[2:])  # the jammed sheet is put back on top
    assert scan(stack) is None and order(stack) == [0, 1, 2, 3, 4]


def test_both_sides_of_a_sheet_that_jams_come_again(tmp_path: Path, feeder: Feeder) -> None:
    sides = shades(tmp_path, 6)
    feeder.load(sides)
    feeder.trouble = {3: "ScannerAdfJam"}
    stack = begun(tmp_path, sheets=3, duplex=True)
    assert scan(stack) is Trouble.JAM
    feeder.clear()
    feeder.load(sides[2:])
    assert scan(stack) is None and order(stack) == [0, 1, 2, 3, 4, 5]
    assert [role for _, role in stack.in_order()] == ["front", "back"] * 3


def test_an_empty_feeder_and_one_that_ends_early_do_not_look_finished(tmp_path: Path, feeder: Feeder) -> None:
    stack = begun(tmp_path, sheets=3)
    assert scan(stack) is Trouble.EMPTY and order(stack) == []
    sheets = shades(tmp_path, 3)
    feeder.load(sheets[:2])
    assert scan(stack) is Trouble.COUNT and order(stack) == [0, 1]
    feeder.load(sheets[2:])
    assert scan(stack) is None and order(stack) == [0, 1, 2]


def test_a_line_cut_in_the_middle_of_a_sheet_keeps_what_is_whole(tmp_path: Path, feeder: Feeder) -> None:
    sheets = shades(tmp_path, 3)
    feeder.load(sheets)
    feeder.cut = 1
    stack = begun(tmp_path, sheets=3)
    assert scan(stack) in (Trouble.IO, Trouble.CUT) and order(stack) == [0]
    feeder.load(sheets[1:])
    assert scan(stack) is None and order(stack) == [0, 1, 2]


@pytest.mark.slow
def test_the_commands_list_the_scanner_and_scan_a_dossier_from_its_feeder(tmp_path: Path) -> None:
    """Three sheets, told from each other by what is read on them; the second one jams."""
    sheets = [SCANS / "chong-2" / f"scan-0{number}.jpg" for number in (1, 2, 3)]
    with escl_scanner(tmp_path / "sane") as (feeder, environment):
        home = Home(tmp_path / "h", environment)
        listed = home.run("devices").document["devices"]
        assert [item["name"] for item in listed] == [DEVICE]
        offered = {item["name"]: item for item in home.run("devices", DEVICE).document["options"]}
        assert offered["source"]["choices"] == ["ADF", "ADF Duplex"]
        feeder.load(sheets)
        feeder.trouble = {1: "ScannerAdfJam"}
        words = ["--device", DEVICE, "--source", "adf", "--resolution", "200", "--json"]
        jammed = start_scan(home, *words, "--dossier", CODE, "--sheets", "3")
        out, log = jammed.communicate(timeout=120)
        (stack,) = json.loads(out)["batches"]
        assert jammed.returncode == 1 and len(stack["pages"]) == 1 and "Kẹt giấy" in log
        feeder.clear()
        feeder.load(sheets[1:])
        resumed = start_scan(home, "--resume", "--json")
        try:
            out, log = resumed.communicate(timeout=240)
            document = json.loads(out)
        finally:
            home.run("down")
    (batch,) = document["batches"]
    assert resumed.returncode == 0 and batch["state"] == "done" and batch["expected_sides"] == 3, log
    assert [page["state"] for page in batch["pages"]] == ["stored"] * 3
    assert document["seconds_from_last_sheet"] > 0
    for page, words_on_it in zip(
        batch["pages"], ("CẤP GIẤY PHÉP XÂY DỰNG", "QUYẾT ĐỊNH", "Nơi nhận"), strict=True
    ):
        assert words_on_it in page["text"], page["index"]
