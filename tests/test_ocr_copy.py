"""A page is read at the resolution its print asks for; what is cut out lies where the page has it; lost lines return."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw

from ocr.copy import Copy
from ocr.engine import Engine
from ocr.layout import scaled, scaled_lines
from ocr.missed import find_missed, read_missed
from ocr.reader import PageReader, default_engine
from pipeline.model import Box
from samples.sheet import font

TEXT = "Căn cứ Luật Đất đai và đề nghị của Trưởng phòng, bên B đồng ý nhận chuyển nhượng thửa đất số 118"


@cache
def engine() -> Engine:
    return default_engine()


def page(points: float, lines: int = 12) -> npt.NDArray[np.uint8]:
    """A sheet, 300 dpi, of print so many points high (the sheet's font is made for 200)."""
    sheet = Image.new("L", (2480, 1700), 255)
    face = font(points * 1.5)
    for n in range(lines):
        ImageDraw.Draw(sheet).text((200, 150 + n * 110), TEXT, font=face, fill=20)
    return cv2.GaussianBlur(np.array(sheet), (0, 0), 0.8).astype(np.uint8)


@pytest.mark.parametrize(("points", "dpi"), [(13, 200.0), (10, 200.0), (7, 300.0)])
def test_usual_print_is_read_coarser_and_small_print_is_not(points: float, dpi: float) -> None:
    assert Copy(tilted=page(points), skew=0.0, dpi=300.0).reading_dpi == dpi


@pytest.mark.parametrize(("scanned", "dpi"), [(200.0, 200.0), (150.0, 150.0), (400.0, 200.0)])
def test_a_page_is_never_enlarged(scanned: float, dpi: float) -> None:
    grey = page(13)
    tilted = cv2.resize(grey, None, fx=scanned / 300, fy=scanned / 300, interpolation=cv2.INTER_AREA)
    copy = Copy(tilted=tilted.astype(np.uint8), skew=0.4, dpi=scanned)
    assert copy.reading_dpi == dpi
    assert abs(copy.page().shape[1] - copy.shape[1] * dpi / scanned) <= 1


@pytest.mark.parametrize("bitonal", [False, True])
def test_the_coarse_page_lies_over_the_parts(bitonal: bool) -> None:
    copy = Copy(tilted=page(13), skew=1.3, dpi=300.0, bitonal=bitonal)
    window = Box(left=300, top=300, right=1500, bottom=900)
    part = cv2.resize(copy.part(window), (800, 400), interpolation=cv2.INTER_AREA).astype(np.int16)
    seen = copy.page()[200:600, 200:1000].astype(np.int16)
    moved = np.abs(part - np.roll(seen, 1, axis=1)).mean()
    assert np.abs(part - seen).mean() < 0.5 * moved


def test_words_of_a_coarse_reading_stand_on_the_scan() -> None:
    grey = page(13)
    scan = np.repeat(grey[:, :, None], 3, axis=2)
    reading = PageReader(engine()).read(scan, dpi=300.0, bitonal=False, turn=0)
    assert (reading.width, reading.height) == (2480, 1700)
    first = reading.lines[0].words[0]
    assert first.text == "Căn"
    assert abs(first.box.left - 200) < 12 and 150 < first.box.top < first.box.bottom < 230


def test_a_line_the_engine_passed_over_is_read_and_put_in_its_place() -> None:
    copy = Copy(tilted=page(13, 5), skew=0.0, dpi=300.0)
    image = copy.page()
    whole = engine().read_page(image, dpi=200.0)
    assert len(whole) == 5
    assert find_missed(image, 200.0, whole) == ()
    lost = (*whole[:2], *whole[3:])
    (strip,) = find_missed(image, 200.0, lost)
    there = scaled_lines(lost, 1.5)
    found = read_missed(engine(), copy, (scaled(strip, 1.5),), there)
    assert [line.text for line in found] == [TEXT] * 5
    assert [line.box.top for line in found] == sorted(line.box.top for line in found)


@pytest.mark.parametrize("tail", ["Hóa", "ở"])
def test_the_last_word_of_a_paragraph_alone_in_its_line_is_not_lost(tail: str) -> None:
    sheet = Image.fromarray(page(13, 4))
    pen, face = ImageDraw.Draw(sheet), font(13 * 1.5)
    pen.text((200, 150 + 4 * 110), tail, font=face, fill=20)
    after = TEXT.removesuffix(" số 118")
    pen.text((320, 150 + 5 * 110), after, font=face, fill=20)  # a new paragraph, farther in
    copy = Copy(tilted=np.array(sheet), skew=0.0, dpi=300.0)
    whole = engine().read_page(copy.page(), dpi=200.0)
    lost = tuple(line for line in whole if len(line.words) > 1)
    strips = find_missed(copy.page(), 200.0, lost)
    found = read_missed(
        engine(), copy, tuple(scaled(strip, 1.5) for strip in strips), scaled_lines(lost, 1.5)
    )
    read = [line.text for line in found]
    assert read == [TEXT] * 4 + [tail] * (len(tail) > 1) + [after], "one sign may be anything"


def test_scrawl_is_not_print() -> None:
    grey = page(13, 2)
    canvas = grey.copy()
    dice = np.random.default_rng(4)
    for left in range(300, 1300, 80):
        points = dice.integers((left, 900), (left + 50, 950), size=(4, 2)).astype(np.int32)
        cv2.polylines(canvas, [points], False, 20, 4)
    copy = Copy(tilted=canvas, skew=0.0, dpi=300.0)
    lines = engine().read_page(grey, dpi=300.0)
    strips = find_missed(canvas, 300.0, lines)
    assert strips
    assert read_missed(engine(), copy, strips, lines) == lines
