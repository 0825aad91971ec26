"""Print whose thin strokes are hairs: the leg of `A`, the bar of `H`, the slash of a number are lost.

The engine parts ink from paper by one bar, and hairs of a third of a pixel do not reach it. On such a page all greys
are darkened; the paper stays white. Ordinary print is let be.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
HAIRS = 0.02
"""Share of a page's ink that is pale with nothing dark beside it: 0.037 and more where strokes are hairs, 0.008 at most
on other clean and office pages of twelve typefaces."""
PALE, DARK = 0.25, 0.65
"""Of the way from paper to ink: from where a pixel is ink at all, and from where it is dark."""
DARKER = 2.0
"""Exponent of the tones. Words missing on a hairline page: 14 of 202 to 3, on a light sans 9 of 204 to 5."""
STRIPES = (0.1, 0.22, 0.34)
STRIPE = 0.05
"""Where in the height of a page its strokes are looked at, and how much of it each time."""
LEAST_INK = 3000


def thicken_hairs(grey: Pixels) -> Pixels:
    """The page with its hairs dark enough to be read; any other page itself. Paper is white already."""
    if not has_hairs(grey):
        return grey
    tones = (255 * (np.arange(256) / 255.0) ** DARKER).astype(np.uint8)
    return cv2.LUT(grey, tones).astype(np.uint8, copy=False)


def has_hairs(grey: Pixels) -> bool:
    """Whether a good part of the ink of a page is thin, pale strokes."""
    height = grey.shape[0]
    rows = np.vstack([grey[int(at * height) : int((at + STRIPE) * height)] for at in STRIPES])
    level, _ = cv2.threshold(rows, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    if level < 1:
        return False
    black = _mask(rows <= level)
    if cv2.countNonZero(black) < LEAST_INK:
        return False
    dark, paper = cv2.mean(rows, black)[0], cv2.mean(rows, cv2.bitwise_not(black))[0]
    ink = _mask(rows < paper - PALE * (paper - dark))
    core = _mask(rows < paper - DARK * (paper - dark))
    beside = cv2.dilate(core, np.ones((3, 3), np.uint8))
    pale = cv2.bitwise_and(ink, cv2.bitwise_not(beside))
    return cv2.countNonZero(pale) > HAIRS * cv2.countNonZero(ink)


def _mask(where: npt.NDArray[np.bool_]) -> Pixels:
    return where.view(np.uint8) * np.uint8(255)
