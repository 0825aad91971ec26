"""Blank sides told from faint ones. What shines through from the other side, holes and borders are no content."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from ocr.skew import reduced

Pixels = npt.NDArray[np.uint8]
WORK_DPI = 100.0


@dataclass(frozen=True, slots=True)
class BlankVerdict:
    """`marks` counts letter-sized marks of strong contrast inside the margins."""

    blank: bool
    marks: int


def is_blank(pixels: Pixels, dpi: float) -> BlankVerdict:
    """Whether a side holds nothing a person would miss. Unsure means not blank, so that a person looks."""
    colour = _reduced_colour(pixels, dpi)
    grey = reduced(pixels, dpi, WORK_DPI)
    paper = cv2.medianBlur(cv2.erode(cv2.dilate(grey, np.ones((15, 15))), np.ones((15, 15))), 5)
    depth = paper.astype(np.int16) - grey.astype(np.int16)
    edge = round(0.28 * WORK_DPI)
    inner = np.zeros_like(depth, dtype=bool)
    inner[edge:-edge, edge:-edge] = True
    strong = ((depth > 70) & inner).astype(np.uint8)
    count, _, facts, _ = cv2.connectedComponentsWithStats(strong, connectivity=8)
    height, width, area = (facts[1:, k] for k in (cv2.CC_STAT_HEIGHT, cv2.CC_STAT_WIDTH, cv2.CC_STAT_AREA))
    letters = int(((area >= 6) & (height >= 4) & (height <= 60) & (width <= 120)).sum()) if count > 1 else 0
    saturated = (colour.max(axis=2).astype(np.int16) - colour.min(axis=2) > 70) & inner
    return BlankVerdict(blank=letters < 6 and saturated.mean() < 0.0008, marks=letters)


def _reduced_colour(pixels: Pixels, dpi: float) -> Pixels:
    if dpi <= WORK_DPI * 1.1:
        return pixels
    scale = WORK_DPI / dpi
    return cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(
        np.uint8, copy=False
    )
