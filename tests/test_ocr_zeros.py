"""Noughts with a dot or a stroke: made plain by their shape; every other sign stays as printed."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw, ImageFont

from ocr.reader import PageReader, default_engine
from ocr.zeros import marked_zeros, plain_zeros
from samples.sheet import DPI, Sheet

Pixels = npt.NDArray[np.uint8]
FONTS = Path("/usr/share/fonts/truetype/liberation2")
DOTTED = FONTS / "LiberationMono-Regular.ttf"
"""Liberation Mono has a dot in its zero."""
OTHERS = "123456789 BDOQC a€e@ ộồổgqpdb8B%&"


def printed(
    text: str, *, face: str = "Mono-Regular", size: int = 38, blur: float = 0.7, noise: float = 4.0
) -> Pixels:
    """A line as a scanner gives it."""
    font = ImageFont.truetype(str(FONTS / f"Liberation{face}.ttf"), size)
    sheet = Image.new("L", (round(font.getlength(text)) + 40, size * 2), 242)
    ImageDraw.Draw(sheet).text((20, size // 3), text, font=font, fill=25)
    grey = cv2.GaussianBlur(np.asarray(sheet, np.float32), (0, 0), blur)
    noisy = grey + np.random.default_rng(7).normal(0, noise, grey.shape)
    return np.asarray(np.clip(noisy, 0, 255), np.uint8)


def struck(count: int, size: int, rise: float) -> Pixels:
    """Noughts drawn as an oval with a stroke across, as many code faces have them; `rise` is how steep it is."""
    wide, high, pen = size, round(size * 1.5), max(3, size // 6)
    sheet = np.full((high * 2, count * wide * 2), 240, np.uint8)
    for n in range(count):
        x, y = wide + 2 * n * wide, high
        cv2.ellipse(sheet, (x, y), (wide // 2, high // 2), 0, 0, 360, 25, pen, cv2.LINE_AA)
        across, up = wide // 2, round(rise * high / 2)
        cv2.line(sheet, (x - across, y + up), (x + across, y - up), 25, max(2, pen - 1), cv2.LINE_AA)
    return np.asarray(cv2.GaussianBlur(sheet, (0, 0), 0.6), np.uint8)


@pytest.mark.parametrize("face", ["Mono-Regular", "Mono-Bold"])
@pytest.mark.parametrize("size", [30, 44])
def test_the_dot_in_a_zero_is_seen_and_taken_off(face: str, size: int) -> None:
    before = printed("1000", face=face, size=size)
    after = plain_zeros(before)
    assert marked_zeros(before) == 3 and marked_zeros(after) == 0
    assert (after >= before).all(), "ink goes, none comes"


@pytest.mark.parametrize("rise", [0.35, 0.6])
@pytest.mark.parametrize("size", [18, 28])
def test_a_stroke_through_a_zero_is_taken_off(size: int, rise: float) -> None:
    before = struck(4, size, rise)
    after = plain_zeros(before)
    assert marked_zeros(before) == 4 and marked_zeros(after) == 0
    holes = cv2.connectedComponents((after > 128).astype(np.uint8))[0] - 2  # the background and the paper
    assert holes == 4, "each has one hole now"


@pytest.mark.parametrize(
    "face", ["Mono-Regular", "Mono-Bold", "Serif-Bold", "Serif-Regular", "Sans-Regular", "Sans-Bold"]
)
@pytest.mark.parametrize("size", [30, 44])
@pytest.mark.parametrize("noise", [0.0, 9.0])
def test_no_other_sign_is_touched(face: str, size: int, noise: float) -> None:
    signs = OTHERS if face.startswith("Mono") else OTHERS + " 000"
    before = printed(signs, face=face, size=size, noise=noise)
    assert np.array_equal(plain_zeros(before), before)


def test_a_page_with_dotted_zeros_is_read_without_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "samples.sheet.font",
        lambda points, style="Regular": ImageFont.truetype(str(DOTTED), round(0.9 * points * DPI / 72)),
    )
    sheet = Sheet()
    numbers = ["000.08.06.H44-260908-0060", "02080960", "0908606080", "600.980.000"]
    for number in numbers:
        sheet.line(f"Theo giấy tờ số {number} đã nộp")
    reading = PageReader(default_engine()).read(
        np.array(sheet.scanned(seed=3, skew=0.7)), dpi=DPI, bitonal=False
    )
    text = " ".join(line.text for line in reading.lines)
    assert [number for number in numbers if number not in text] == []
