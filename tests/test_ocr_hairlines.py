"""Print with hairlines is darkened before it is read; other print, and noise, is not."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import ImageFont

from ocr.hairlines import has_hairs, thicken_hairs
from ocr.prepare import prepare_tilted
from samples import sheet as paper
from samples.sheet import Sheet

SERIF = Path("/usr/share/fonts/truetype/liberation2/LiberationSerif-{}.ttf")
HAIRLINE = Path("/usr/share/fonts/truetype/noto/NotoSerifDisplay-{}.ttf")
TEXT = "Ủy ban nhân dân xã Hạ Hòa xác nhận nội dung hồ sơ số 4482/TNHS là đúng quy định, HẸN TRẢ KẾT QUẢ."


def page(face: Path, monkeypatch: pytest.MonkeyPatch) -> Sheet:
    """Twelve lines in this face."""
    monkeypatch.setattr(
        paper,
        "font",
        lambda points, style="Regular": ImageFont.truetype(
            str(face).format(style), round(points * paper.DPI / 72)
        ),
    )
    sheet = Sheet()
    for _ in range(12):
        sheet.paragraph(TEXT)
    return sheet


def scanned(sheet: Sheet) -> np.ndarray:
    """At 300 dpi, as an office scanner gives it."""
    picture = np.array(sheet.picture)
    picture = cv2.resize(picture, None, fx=1.5, fy=1.5, interpolation=cv2.INTER_CUBIC)
    return cv2.GaussianBlur(picture, (0, 0), 0.8)


def test_hairlines_are_seen_and_darkened_and_paper_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    grey = scanned(page(HAIRLINE, monkeypatch))[:, :, 0]
    assert has_hairs(grey)
    dark = thicken_hairs(grey)
    assert (dark <= grey).all() and float(np.median(dark)) > 235
    assert np.array_equal(
        prepare_tilted(scanned(page(HAIRLINE, monkeypatch)), 300, bitonal=False) < 128, dark < 128
    )


def test_ordinary_print_and_empty_paper_stay_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    for pixels in (scanned(page(SERIF, monkeypatch)), np.full((3500, 2480, 3), 250, np.uint8)):
        grey = np.ascontiguousarray(pixels[:, :, 0])
        assert thicken_hairs(grey) is grey


def test_the_grain_of_a_copy_is_no_hairline(monkeypatch: pytest.MonkeyPatch) -> None:
    copy = np.array(page(SERIF, monkeypatch).picture).astype(np.float32) * 0.6 + 80
    copy += np.random.default_rng(5).normal(0, 9, copy.shape[:2])[:, :, None]
    specks = np.random.default_rng(6).random(copy.shape[:2])
    copy[specks < 0.002] = 20
    pixels = np.clip(copy, 0, 255).astype(np.uint8)
    monkeypatch.setattr("ocr.prepare.thicken_hairs", lambda grey: pytest.fail("asked on a noisy page"))
    prepare_tilted(pixels, 200, bitonal=False)
