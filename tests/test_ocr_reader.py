"""Whole sides read with the real engine: way up, tilt, codes, order, photocopies."""

from __future__ import annotations

from collections import Counter
from functools import cache

import cv2
import numpy as np
import pytest

from ocr.reader import PageReader, Reading, default_engine
from ocr.skew import find_skew, ink_points, straighten
from ocr.upright import is_sideways
from pipeline.model import Verdict
from samples.make import decision, receipt
from samples.sheet import DPI, Sheet

CODE = "000.12.08.H44-260907-0101"


@cache
def reader() -> PageReader:
    return PageReader(default_engine())


@cache
def letter() -> Sheet:
    return decision()[0]


@cache
def slip() -> Sheet:
    return receipt(
        CODE, "Thanh Ba", "1182", "ngày 07 tháng 9 năm 2026", "bà Hoàng Thị Mận", "Đăng ký biến động", ["Đơn"]
    )


def missing(sheet: Sheet, reading: Reading) -> float:
    """Share of printed words that are not in the text, order aside."""
    truth = Counter(" ".join(sheet.lines).split())
    read = Counter(word.text for line in reading.lines for word in line.words)
    return sum((truth - read).values()) / sum(truth.values())


def photocopy(sheet: Sheet, skew: float, seed: int) -> np.ndarray:
    """Thresholded, specked, with a black border, as one bit a pixel in RGB."""
    dice = np.random.default_rng(seed)
    grey = np.array(sheet.scanned(seed=seed, skew=skew))[:, :, 1]
    copy = np.where(cv2.GaussianBlur(grey, (0, 0), 0.7) < 150, 0, 255).astype(np.uint8)
    copy[dice.random(copy.shape) < 0.002] = 0
    copy[:, :18] = 0
    return np.repeat(copy[:, :, None], 3, axis=2)


@pytest.mark.parametrize("turn", [90, 180])
def test_turned_and_tilted_sheet(turn: int) -> None:
    pixels = np.array(letter().scanned(seed=4, skew=-2.6, turn=turn))
    reading = reader().read(pixels, dpi=DPI, bitonal=False)
    assert reading.verdict is Verdict.CONTENT
    assert reading.turn == turn
    assert abs(reading.skew + 2.6) < 0.1
    assert missing(letter(), reading) < 0.02


def test_code_and_numbers_of_a_receipt() -> None:
    reading = reader().read(np.array(slip().scanned(seed=2, skew=0.8)), dpi=DPI, bitonal=False)
    text = "\n".join(line.text for line in reading.lines)
    assert CODE in text and "1182/TNHS" in text
    assert [code.text for code in reading.barcodes] == [CODE]
    assert text.count(f"Mã hồ sơ: {CODE}") == 1


def test_tilted_photocopy_with_specks() -> None:
    reading = reader().read(photocopy(letter(), 3.2, 5), dpi=DPI, bitonal=True)
    assert missing(letter(), reading) < 0.08
    read = sum(len(line.words) for line in reading.lines)
    assert read <= 1.02 * len(" ".join(letter().lines).split())


def test_upside_down_photocopy() -> None:
    copy = np.ascontiguousarray(photocopy(letter(), -1.0, 6)[::-1, ::-1])
    reading = reader().read(copy, dpi=DPI, bitonal=True)
    assert reading.turn == 180
    assert missing(letter(), reading) < 0.08


def test_letterhead_is_not_interleaved_and_boxes_lie_on_print() -> None:
    reading = reader().read(np.array(letter().scanned(seed=4, skew=1.5)), dpi=DPI, bitonal=False)
    lines = [line.text for line in reading.lines]
    assert lines.index("Số: 318/QĐ-UBND") < lines.index("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM")
    for line in reading.lines:
        for word in line.words:
            patch = reading.picture[word.box.top : word.box.bottom, word.box.left : word.box.right]
            assert patch.min() < 120


@pytest.mark.parametrize("degrees", [-4.0, -0.3, 0.0, 0.07, 2.2, 4.0])
def test_skew_to_a_tenth_of_a_degree(degrees: float) -> None:
    pixels = np.array(letter().scanned(seed=1, skew=degrees))
    found = find_skew(ink_points(pixels, DPI))
    assert abs(found - degrees) < 0.1
    assert abs(find_skew(ink_points(straighten(pixels, found), DPI))) < 0.1


def test_sideways_is_seen_on_half_a_sheet() -> None:
    half = np.array(letter().scanned(seed=1, skew=1.0))[: DPI * 6]
    assert not is_sideways(ink_points(half, DPI))
    assert is_sideways(ink_points(np.ascontiguousarray(np.rot90(half)), DPI))
