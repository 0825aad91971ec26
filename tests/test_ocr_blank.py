"""Blank sides against faint and short ones."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from ocr.blank import is_blank
from samples.sheet import DPI, HEIGHT, LEFT, WIDTH, Sheet


def sheet_pixels(sheet: Sheet, seed: int = 1) -> np.ndarray:
    return np.array(sheet.scanned(seed=seed))


def printed() -> Sheet:
    sheet = Sheet()
    for _ in range(12):
        sheet.paragraph("Kết quả giải quyết được trả bằng bản điện tử có giá trị pháp lý như bản giấy.")
    return sheet


def bleed(strength: float) -> np.ndarray:
    """An empty side through which the print of the other side shines, mirrored and soft."""
    other = cv2.GaussianBlur(sheet_pixels(printed())[:, ::-1], (0, 0), 2).astype(np.float32) / 255
    return (sheet_pixels(Sheet()) * (1 - strength * (1 - other))).astype(np.uint8)


def holes() -> np.ndarray:
    pixels = sheet_pixels(Sheet())
    for y in (HEIGHT // 2 - 300, HEIGHT // 2 + 300):
        cv2.circle(pixels, (round(0.45 * DPI), y), round(0.12 * DPI), (20, 20, 20), -1)
    return pixels


def mirrored_imprint() -> np.ndarray:
    sheet = Sheet()
    sheet.seal(900, 1500, "ỦY BAN NHÂN DÂN XÃ BÁT XÁT")
    mark = sheet_pixels(sheet)[:, ::-1].astype(np.float32)
    return (0.25 * mark + 0.75 * sheet_pixels(Sheet())).astype(np.uint8)


def bordered() -> np.ndarray:
    pixels = sheet_pixels(Sheet())
    pixels[:, :40] = 12
    return pixels


@pytest.mark.parametrize(
    "pixels",
    [sheet_pixels(Sheet()), bleed(0.2), holes(), mirrored_imprint(), bordered()],
    ids=["empty", "bleed", "holes", "imprint", "border"],
)
def test_nothing_a_person_would_miss(pixels: np.ndarray) -> None:
    assert is_blank(pixels, DPI).blank


def note() -> np.ndarray:
    """Three joined words in black pen: few marks, long ones."""
    pixels = sheet_pixels(Sheet())
    for word in range(3):
        t = np.arange(26)
        points = np.stack(
            [500 + 140 * word + 4 * t, 900 + 16 * np.sin(1.3 * t + word) * np.cos(t / 3)], axis=1
        )
        cv2.polylines(pixels, [points.astype(np.int32)], False, (60, 60, 60), 3, cv2.LINE_AA)
    return pixels


def one_line() -> np.ndarray:
    sheet = Sheet()
    sheet.line("Đã kiểm tra", x=LEFT, y=900)
    return sheet_pixels(sheet)


def one_seal() -> np.ndarray:
    sheet = Sheet()
    sheet.seal(WIDTH // 2, 1500, "BỆNH VIỆN PHỤ SẢN HẢI PHÒNG")
    return sheet_pixels(sheet)


def one_signature() -> np.ndarray:
    sheet = Sheet()
    sheet.signature(WIDTH // 2, 1500, 7)
    return sheet_pixels(sheet)


@pytest.mark.parametrize(
    "pixels",
    [note(), one_line(), one_seal(), one_signature(), sheet_pixels(printed())],
    ids=["note", "line", "seal", "signature", "print"],
)
def test_little_is_not_nothing(pixels: np.ndarray) -> None:
    assert not is_blank(pixels, DPI).blank
