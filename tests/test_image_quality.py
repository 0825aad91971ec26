"""Dark, cut, blurred, coarse, wrongly sized: told at once, never held; and good pages raise no alarm."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from pipeline.raster.quality import Alarm, Pixels, alarms, is_black, rescan
from tests.home_in_use import SCANS, Home, until
from tests.scanner_in_use import PNM, configured, needs_sane, start_scan

PAGES = sorted(SCANS.glob("*/*.jpg"))
PAGE = SCANS / "chong-2" / "scan-01.jpg"
CODE = "H38.20-261002-0011"


def pixels(path: Path) -> Pixels:
    return np.array(Image.open(path).convert("RGB"))


def blurred(page: Pixels, sigma: float) -> Pixels:
    return cv2.GaussianBlur(page, (0, 0), sigma).astype(np.uint8)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_good_pages_raise_no_alarm_and_stay_quiet_when_merely_worn(path: Path) -> None:
    page = pixels(path)
    assert alarms(page, dpi=200) == ()
    noisy = page.astype(np.float32) * 0.85 + np.random.default_rng(1).normal(0, 8, page.shape)
    assert alarms(blurred(np.clip(noisy, 0, 255).astype(np.uint8), 1.2), dpi=200) == ()


@pytest.mark.parametrize("turn", range(4))
def test_what_a_person_would_scan_again_is_named_however_the_sheet_lies(turn: int) -> None:
    page = np.ascontiguousarray(np.rot90(pixels(PAGE), turn))
    cut = np.ascontiguousarray(np.rot90(pixels(PAGE)[:, :1240], turn))
    assert alarms((page * 0.45).astype(np.uint8), dpi=200) == (Alarm.DARK,)
    assert alarms(blurred(page, 4), dpi=200) == (Alarm.BLURRED,)
    assert alarms(cut, dpi=200) == (Alarm.CLIPPED,)


def test_a_side_without_light_is_black_and_dark_paper_is_not() -> None:
    black = np.random.default_rng(1).integers(0, 30, (400, 300, 3)).astype(np.uint8)
    assert is_black(black)
    black[:40] = 90  # a strip of paper
    assert not is_black(black) and not is_black(np.full((400, 300, 3), 120, np.uint8))


def test_resolution_and_size_are_judged_only_where_they_are_known() -> None:
    page = pixels(PAGE)
    small = cv2.resize(page, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA).astype(np.uint8)
    assert alarms(small, dpi=100) == (Alarm.COARSE,) and alarms(small, dpi=100, stated=False) == ()
    assert alarms(page, dpi=200, paper=(210, 297)) == ()
    assert alarms(page, dpi=200, paper=(148, 210)) == (Alarm.SIZE,)
    assert alarms(page, dpi=72, stated=False) == () and Alarm.SIZE in alarms(page, dpi=72)
    assert alarms(np.full((2339, 1654, 3), 250, np.uint8), dpi=200, blank=True) == ()
    assert rescan(()) is None and "quá tối" in str(rescan((Alarm.DARK,)))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    folder = tmp_path_factory.mktemp("home")
    place = Home(folder / "h", {**configured(folder / "sane"), "SOHOA_WATCH_QUIET": "0.3"})
    yield place
    place.run("down")


@pytest.mark.slow
def test_a_watched_folder_asks_for_a_rescan_and_stores_the_page_all_the_same(
    home: Home, tmp_path: Path
) -> None:
    hot = tmp_path / "hot"
    hot.mkdir()
    Image.fromarray((pixels(PAGE) * 0.5).astype(np.uint8)).save(tmp_path / "a.jpg", dpi=(200, 200))
    watch = home.start("watch", "--folder", str(hot), "--dossier", CODE)
    try:
        (tmp_path / "a.jpg").rename(hot / "a.jpg")
        assert until(lambda: not list(hot.iterdir()), 90), "a page that can be read is not held"
    finally:
        watch.send_signal(signal.SIGTERM)
        _, log = watch.communicate(timeout=60)
    assert log.count("Nên quét lại: ảnh quá tối") == 1 and str(hot / "a.jpg") in log
    (batch,) = home.run("status", "--all").document["batches"]
    assert batch["pages"][0]["state"] == "stored" and "quá tối" in batch["pages"][0]["reason"]
    assert batch["state"] == "done" and "1 mặt nên quét lại" in batch["reason"]


@pytest.mark.slow
@needs_sane
def test_the_scanner_tells_it_beside_the_sheet(home: Home, tmp_path: Path) -> None:
    tray = tmp_path / "tray.ppm"
    Image.fromarray(blurred(pixels(PAGE), 4)).save(tray, "PPM")
    words = ["--device", PNM, "--resolution", "200", "--option", f"filename={tray}", "--sheets", "2"]
    _, log = start_scan(home, *words).communicate(timeout=90)
    assert "Mặt 1: Nên quét lại: ảnh bị nhòe" in log
    (stack,) = [b for b in home.run("status").document["batches"] if b["id"].startswith("scan-")]
    assert "nhòe" in stack["pages"][0]["reason"] and stack["pages"][0]["state"] == "queued"
    out, _ = start_scan(home, "--finish", "--json").communicate(timeout=90)
    (batch,) = json.loads(out)["batches"]
    assert "nhòe" in batch["pages"][0]["reason"]
