"""The copy that is read: seals and ink dropped, background flattened, specks gone. Chosen by what the page is.

Never a blanket chain: what helps a stained photocopy hurts a clean page. The archive picture is not touched.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class PageFacts:
    """`noise`: share of isolated specks; `unevenness`: spread of paper brightness; `colour`: share of vivid pixels."""

    noise: float
    unevenness: float
    colour: float


def measure(pixels: Pixels) -> PageFacts:
    """Facts that choose the preparation, from a sample of the page."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    soft = cv2.medianBlur(grey, 3)
    noise = float((cv2.absdiff(grey, soft)[::3, ::3] > 40).mean())
    tiles = cv2.resize(grey, (12, 16), interpolation=cv2.INTER_AREA)
    spread = float(np.percentile(tiles, 90) - np.percentile(tiles, 20))
    small = pixels[::4, ::4].astype(np.int16)
    colour = float((small.max(axis=2) - small.min(axis=2) > 60).mean())
    return PageFacts(noise, spread, colour)


def prepare(pixels: Pixels, dpi: float, *, bitonal: bool) -> Pixels:
    """A grey copy for reading, (height, width), of the same size as `pixels`."""
    facts = measure(pixels)
    grey = drop_colour(pixels) if facts.colour > 0.0005 else pixels[:, :, 0].copy()
    if bitonal or facts.noise > 0.012:
        grey = cv2.medianBlur(grey, 3).astype(np.uint8, copy=False)
    if facts.unevenness > 18 or facts.noise > 0.004:
        grey = flatten(grey, dpi)
    return grey


def drop_colour(pixels: Pixels) -> Pixels:
    """Red and blue fade towards paper, black stays: vivid pixels take their brightest channel."""
    top = pixels.max(axis=2)
    low = pixels.min(axis=2)
    vivid = (top.astype(np.int16) - low) > 50
    return np.where(vivid, top, pixels[:, :, 0]).astype(np.uint8)


def flatten(grey: Pixels, dpi: float) -> Pixels:
    """Divide by the paper's own brightness, so that shade and tint become white."""
    scale = min(1.0, 60.0 / dpi)
    small = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    paper = cv2.medianBlur(cv2.dilate(small, np.ones((5, 5), np.uint8)), 21)
    full = cv2.resize(paper, (grey.shape[1], grey.shape[0]), interpolation=cv2.INTER_LINEAR)
    return cv2.divide(grey, np.maximum(full, 1).astype(np.uint8), scale=245).astype(np.uint8, copy=False)
