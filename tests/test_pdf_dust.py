"""What the access copy of a black and white page leaves out: lone specks, and never a pixel of print."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from pipeline.pdf.bitonal import group4
from pipeline.pdf.dust import AROUND, without_dust
from tests.papers import FONT

WORDS = (
    "Điều 1. Ủy ban nhân dân xã; số: 1.234,56 đ",
    "Họ tên: ...................... ngày . . . . . .",
    "ậ ị ỡ ự ẹ : ; i j",
)
SIZES = (7, 8, 10, 13)


def print_of(dpi: int, level: int) -> np.ndarray:
    """A sheet of lines in small and usual sizes, black where it is darker than `level`."""
    sheet = Image.new("L", (round(8.2 * dpi), round(4 * dpi)), 255)
    pen, down = ImageDraw.Draw(sheet), round(0.4 * dpi)
    for points in SIZES:
        face = ImageFont.truetype(str(FONT), round(points * dpi / 72))
        for text in WORDS:
            pen.text((dpi // 2, down), text, font=face, fill=20)
            down += round(points * 1.6 * dpi / 72)
    return np.asarray(cv2.GaussianBlur(np.asarray(sheet), (0, 0), 0.6) < level)


def specked(printed: np.ndarray, seed: int, count: int) -> np.ndarray:
    dice = np.random.default_rng(seed)
    out = printed.copy()
    down, across = (dice.integers(0, side - 2, count) for side in printed.shape)
    out[down, across] = True
    out[down[::2], across[::2] + 1] = True
    return out


@pytest.mark.parametrize("dpi", [200, 300, 400])
@pytest.mark.parametrize("level", [110, 150, 190])
def test_print_keeps_every_pixel(dpi: int, level: int) -> None:
    printed = print_of(dpi, level)
    assert np.array_equal(without_dust(printed, dpi), printed)


@pytest.mark.parametrize("seed", range(6))
def test_of_a_specked_page_only_what_stands_alone_goes(seed: int) -> None:
    printed = print_of(200, 150)
    page = specked(printed, seed, 700)
    clean = without_dust(page, 200)
    assert not (clean & ~page).any()  # nothing is added
    assert not (printed & ~clean).any()  # every pixel of print is there
    reach = 2 * round(AROUND * 200) + 1
    gone = page & ~clean
    near = cv2.dilate(printed.astype(np.uint8), np.ones((reach, reach), np.uint8)) > 0
    assert gone.any()
    assert not (gone & near).any()
    assert len(group4(clean)) < len(group4(page))


def test_a_leader_of_the_faintest_dots_stays() -> None:
    page = np.zeros((400, 1600), np.bool_)
    page[200:202, 100:1500:40] = True  # two pixels each, a fifth of an inch apart
    page[60, 800] = True
    clean = without_dust(page, 200)
    assert clean[200:202].sum() == page[200:202].sum()
    assert not clean[60, 800]
