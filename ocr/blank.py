"""Blank sides told from faint ones. What shines through from the other side, holes and borders are no content."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from ocr.colour import chroma
from ocr.components import components
from ocr.shrink import shrunk
from ocr.skew import reduced

Pixels = npt.NDArray[np.uint8]
WORK_DPI = 100.0


LETTERS = 6
STROKES = 100
"""Pixels of pen stroke, one inch: a short note in joined hand is few marks, but long ones."""
HOLE = 0.11
"""Inches; a solid blob at least so wide is a punch hole, a clip or a corner, not writing."""


@dataclass(frozen=True, slots=True)
class BlankVerdict:
    """`marks` counts letter-sized marks of strong contrast inside the margins, `strokes` their lengths in sum."""

    blank: bool
    marks: int
    strokes: int


def is_blank(pixels: Pixels, dpi: float) -> BlankVerdict:
    """Whether a side holds nothing a person would miss. Unsure means not blank, so that a person looks."""
    colour = _reduced_colour(pixels, dpi)
    grey = reduced(pixels, dpi, WORK_DPI)
    # The paper's tone must not follow a punch hole, which is a quarter of an inch wide.
    paper = cv2.medianBlur(cv2.erode(cv2.dilate(grey, np.ones((31, 31))), np.ones((31, 31))), 5)
    depth = paper.astype(np.int16) - grey.astype(np.int16)
    edge = round(0.28 * WORK_DPI)
    inner = np.zeros_like(depth, dtype=bool)
    inner[edge:-edge, edge:-edge] = True
    strong = ((depth > 70) & inner).astype(np.uint8)
    _, facts = components(strong)
    height, width, area = (facts[1:, k] for k in (cv2.CC_STAT_HEIGHT, cv2.CC_STAT_WIDTH, cv2.CC_STAT_AREA))
    solid = (np.minimum(height, width) >= HOLE * WORK_DPI) & (area > 0.65 * height * width)
    longest = np.maximum(height, width)
    # The edge of a tilted sheet or a shadow runs across the page; a stroke of the pen does not.
    mark = (area >= 6) & (longest >= 4) & (longest <= 3.0 * WORK_DPI) & ~solid
    letters, strokes = int((mark & (height >= 4)).sum()), int(longest[mark].sum())
    saturated = (chroma(colour) > 70) & inner
    empty = letters < LETTERS and strokes < STROKES and float(saturated.mean()) < 0.0008
    return BlankVerdict(blank=empty, marks=letters, strokes=strokes)


def _reduced_colour(pixels: Pixels, dpi: float) -> Pixels:
    if dpi <= WORK_DPI * 1.1:
        return pixels
    return shrunk(pixels, WORK_DPI / dpi)
