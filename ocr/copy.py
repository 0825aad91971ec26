"""The prepared copy of a page: read as a whole at the resolution its print asks for, looked at again at the scan's own.

The engine scales every line to the same height. On 300 dpi scans of print of 10 points and more the page at 200 dpi
reads as well as at 300, in two thirds of the time (docs/decisions/0003-ocr-engine.md); small print keeps 300.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
import numpy.typing as npt

from ocr.components import components
from ocr.shrink import shrunk
from ocr.skew import straighten, straighten_to
from pipeline.model import Box

Pixels = npt.NDArray[np.uint8]
COARSE, FINE = 200.0, 300.0
"""Dots an inch at which a page is read: of usual print, and of small print."""
SMALL = 0.058
"""Inches; height of small letters such as `x` of about nine points."""
LEAST_LETTERS = 60
_WORK_DPI = 150.0


@dataclass(frozen=True, kw_only=True)
class Copy:
    """A grey page prepared for reading, upright, `tilted` by `skew` degrees as yet; boxes are of the straight page."""

    tilted: Pixels
    skew: float
    dpi: float
    bitonal: bool = False

    @property
    def shape(self) -> tuple[int, int]:
        return self.tilted.shape[0], self.tilted.shape[1]

    def part(self, window: Box) -> Pixels:
        """A part of the straight page at the scan's resolution; `window` lies inside it."""
        return straighten(self.tilted, self.skew, window)

    def inside(self, box: Box, margin: int = 0) -> Box:
        """The box with a margin around it, as far as the page reaches."""
        height, width = self.shape
        return Box(
            left=max(0, box.left - margin),
            top=max(0, box.top - margin),
            right=min(width, box.right + margin),
            bottom=min(height, box.bottom + margin),
        )

    @cached_property
    def reading_dpi(self) -> float:
        """The resolution at which the page is read; the scan's own where that is little more."""
        target = FINE if self.dpi > 1.1 * COARSE and small_print(self.tilted, self.dpi) else COARSE
        return target if self.dpi > 1.1 * target else self.dpi

    def page(self) -> Pixels:
        """The straight page at `reading_dpi`."""
        scale = self.reading_dpi / self.dpi
        if scale == 1.0:
            return straighten(self.tilted, self.skew)
        if scale >= 0.6 and not self.bitonal:
            return straighten_to(self.tilted, self.skew, scale)
        # Hard edges, and more than a few pixels in one, are averaged first: the turn looks at four by four only.
        return straighten(shrunk(self.tilted, scale), self.skew)


def small_print(grey: Pixels, dpi: float) -> bool:
    """Whether a fifth or more of a page's letters are smaller than `SMALL`, tone marks and dots left out."""
    small = shrunk(grey, min(1.0, _WORK_DPI / dpi))
    work = min(dpi, _WORK_DPI)
    paper = cv2.blur(small, (37, 37))
    ink = cv2.threshold(cv2.subtract(paper, small), 40, 255, cv2.THRESH_BINARY)[1]
    _, facts = components(ink)
    height, width = facts[1:, cv2.CC_STAT_HEIGHT] / work, facts[1:, cv2.CC_STAT_WIDTH] / work
    letters = height[(height >= 0.035) & (height <= 0.25) & (width >= 0.02) & (width <= 0.3)]
    return letters.size >= LEAST_LETTERS and float(np.percentile(letters, 20)) < SMALL
