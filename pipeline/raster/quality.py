"""Is a sheet worth keeping as it was scanned? Asked while the citizen is still there, so that it can be scanned again.

An alarm never holds a page: what can be read goes on. The limits lie well off what good pages show, so that an alarm is
worth a look. Measured on 122 sheets (clean, office, back-file, ten real papers): paper brightness 196 to 255, sharpness
0.245 to 0.50, no text at any rim; blurred until Tesseract lost words (3 px at 200 dpi): below 0.20.
"""

from __future__ import annotations

from enum import StrEnum

import cv2
import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
Grey = npt.NDArray[np.uint8]

DARKEST_PAPER = 140
LEAST_SHARP = 0.20
LEAST_CONTRAST = 80
LEAST_DPI = 200.0
"""Thông tư 05/2025/TT-BNV Điều 8: at least 200 dpi for administrative papers."""
SLACK_DPI = 5.0
CUT_MARKS = 4
"""So many marks of the size of letters that end at one rim are a cut line of text, not dust."""
LARGEST_MM, LEAST_MM = 460.0, 40.0
PAPER_SLACK_MM = 3.0


BLACKEST = 60
"""A side hardly any of whose points is brighter shows no paper."""


class Alarm(StrEnum):
    """What is wrong with a side; the value is the sentence to show."""

    DARK = "ảnh quá tối (too dark)"
    CLIPPED = "chữ bị cắt ở mép ảnh (the page runs out of the frame)"
    BLURRED = "ảnh bị nhòe (blurred)"
    COARSE = "độ phân giải dưới 200 dpi (resolution below 200 dpi)"
    SIZE = "khổ giấy không đúng (wrong page size)"


def alarms(
    pixels: Pixels,
    *,
    dpi: float,
    stated: bool = True,
    blank: bool = False,
    paper: tuple[float, float] | None = None,
) -> tuple[Alarm, ...]:
    """What speaks for scanning a side again. `paper` is the size that was asked for in mm, width and height.

    `stated` is False when the file names no resolution, so its size on paper is not known.
    """
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.uint8, copy=False)
    sample = grey[::4, ::4]
    brightness, ink = (float(value) for value in np.percentile(sample, (90, 1)))
    found = [Alarm.DARK] if brightness < DARKEST_PAPER else []
    if stated and dpi < LEAST_DPI - SLACK_DPI:
        found.append(Alarm.COARSE)
    if stated and _odd_size(grey.shape[1] / dpi * 25.4, grey.shape[0] / dpi * 25.4, paper):
        found.append(Alarm.SIZE)
    if blank or brightness - ink < LEAST_CONTRAST:
        return tuple(found)
    if _sharpness(grey, dpi, brightness - ink) < LEAST_SHARP:
        found.append(Alarm.BLURRED)
    if _cut_marks(grey, dpi, (brightness + ink) / 2) >= CUT_MARKS:
        found.append(Alarm.CLIPPED)
    return tuple(found)


def is_black(pixels: Pixels) -> bool:
    """Whether nothing but black came: a closed lid over no sheet, a dead lamp. Asked of sides without a mark."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    return float(np.percentile(grey[::4, ::4], 99)) < BLACKEST


def rescan(found: tuple[Alarm, ...]) -> str | None:
    """The sentence for a person; None when nothing is wrong."""
    return f"Nên quét lại: {'; '.join(found)}" if found else None


def _odd_size(width: float, height: float, paper: tuple[float, float] | None) -> bool:
    """In mm. A file of unknown paper is odd only beyond what offices scan."""
    if paper is None:
        return max(width, height) > LARGEST_MM or min(width, height) < LEAST_MM
    return any(abs(is_ - want) > PAPER_SLACK_MM for is_, want in zip((width, height), paper, strict=True))


def _sharpness(grey: Grey, dpi: float, contrast: float) -> float:
    """How steep edges of ink are, in three bands of the page: about 0.5 for a hard step, 1.0 where there is no ink."""
    height = grey.shape[0]
    bands = [grey[start : start + height // 9] for start in (height // 9, 4 * height // 9, 7 * height // 9)]
    scale = 200.0 / dpi
    window = np.ones((9, 9), np.uint8)
    ratios = []
    for band in bands:
        if scale < 0.95:
            band = cv2.resize(band, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(np.uint8)
        if band.size == 0:
            continue
        span = cv2.subtract(cv2.dilate(band, window), cv2.erode(band, window))
        across, down = (np.abs(cv2.Sobel(band, cv2.CV_16S, x, 1 - x, ksize=3)) for x in (1, 0))
        slope = cv2.dilate(cv2.max(across, down), window)  # eight times the levels a pixel
        inked = span > max(40.0, 0.3 * contrast)
        ratios.append(slope[inked] / np.float32(8) / span[inked])
    every = np.concatenate(ratios) if ratios else np.empty(0)
    # A stamp's rim or a few specks say nothing of the letters.
    return float(np.median(every)) if every.size > 2000 else 1.0


def _cut_marks(grey: Grey, dpi: float, threshold: float) -> int:
    """Marks of the size of letters that end at a rim of the picture; the most that any rim has."""
    scale = min(1.0, 150.0 / dpi)
    depth = round(60 / scale)
    rims = (grey[:depth], grey[-depth:][::-1], grey[:, :depth].T, grey[:, -depth:].T[::-1])
    small = (
        cv2.resize(np.ascontiguousarray(rim), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        for rim in rims
    )
    return max(_touching(rim.astype(np.uint8, copy=False), threshold) for rim in small)


def _touching(rim: Grey, threshold: float) -> int:
    """Marks that begin in the first two rows."""
    _, _, stats, _ = cv2.connectedComponentsWithStats((rim < threshold).astype(np.uint8), connectivity=8)
    longest = np.maximum(stats[1:, cv2.CC_STAT_WIDTH], stats[1:, cv2.CC_STAT_HEIGHT])
    letters = (longest >= 4) & (longest <= 40) & (stats[1:, cv2.CC_STAT_AREA] >= 10)
    return int(np.sum(letters & (stats[1:, cv2.CC_STAT_TOP] <= 1)))
