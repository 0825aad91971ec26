"""Black borders of a copier or an open scanner lid: once a page is straightened they would be read as dashes."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from ocr.components import components
from ocr.shrink import shrunk

Pixels = npt.NDArray[np.uint8]
WORK_DPI = 50.0
BLACK = 110
LONG_INCHES, REACH_INCHES = 1.2, 0.7
"""A border runs at least so far along the edge, and is looked for no deeper into the page."""


def remove_borders(grey: Pixels, dpi: float) -> Pixels:
    """A copy in which dark strips that touch the edge of the picture, and hold no print, are white."""
    scale = min(1.0, WORK_DPI / dpi)
    small = shrunk(grey, scale)
    work = dpi * scale
    dark = (small < BLACK).astype(np.uint8)
    reach = round(REACH_INCHES * work)
    dark[reach:-reach, reach:-reach] = 0
    labels, facts = components(dark)
    left, top = facts[:, cv2.CC_STAT_LEFT], facts[:, cv2.CC_STAT_TOP]
    right, bottom = left + facts[:, cv2.CC_STAT_WIDTH], top + facts[:, cv2.CC_STAT_HEIGHT]
    edge = (left <= 1) | (top <= 1) | (right >= small.shape[1] - 1) | (bottom >= small.shape[0] - 1)
    long = np.maximum(right - left, bottom - top) >= LONG_INCHES * work
    border = edge & long
    border[0] = False
    if not border.any():
        return grey
    strips = cv2.dilate(border[labels].astype(np.uint8), np.ones((3, 3), np.uint8))
    mask = cv2.resize(strips, (grey.shape[1], grey.shape[0]), interpolation=cv2.INTER_NEAREST)
    out = grey.copy()
    out[mask > 0] = 255
    return out
