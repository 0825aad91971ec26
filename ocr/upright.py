"""Which way a sheet lies. Sideways shows in the profile of its ink; upside down only in what can be read."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from ocr.skew import REDUCED_DPI, InkPoints, sharpness

Pixels = npt.NDArray[np.uint8]
_TURNS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}


def is_sideways(points: InkPoints) -> bool:
    """Whether text lines run up and down: the profile across is much sharper than the one down."""
    if not points.telling:
        return False
    standing = points.turned(90)
    angles = [float(a) for a in np.arange(-4, 4.1, 0.5)]
    return max(sharpness(standing, a) for a in angles) > 1.6 * max(sharpness(points, a) for a in angles)


def head_up_share(points: InkPoints, skew: float) -> float:
    """Evidence that Latin text stands upright: above 0.5 for upright, below for upside down.

    In upright Vietnamese most marks that stick out of the x-height band, ascenders and diacritics, stick out
    upwards; the share of ink above the densest band of each line over that below it tells.
    """
    if not points.telling:
        return 0.5
    level = points.levels(skew)
    profile = np.bincount(np.round(level - level.min()).astype(np.int64)).astype(np.float64)
    above = below = 0.0
    reach = max(3, round(REDUCED_DPI * 0.07))
    peak = np.percentile(profile[profile > 0], 85) if (profile > 0).any() else 0
    for row in range(reach, profile.size - reach):
        if profile[row] >= peak and profile[row] == profile[row - 2 : row + 3].max():
            above += profile[row - reach : row - 2].sum()
            below += profile[row + 3 : row + reach + 1].sum()
    return above / (above + below) if above + below else 0.5


def certain(points: InkPoints, share: float) -> bool:
    """Whether `head_up_share` may be believed: enough text, and clearly upright.

    Upright pages lie near 0.54, down to 0.50 on photocopies; the same upside down mirror that around 0.5, so
    below 0.525 both happen. An upside-down page is rare, and a second look at it costs little.
    """
    return points.down.size >= 8000 and share >= 0.525


def densest_band(points: InkPoints, inches: float) -> tuple[float, float]:
    """Upper and lower end, as shares of the height, of the band with most ink on it."""
    counts = np.bincount(points.down.astype(np.int64), minlength=points.height).astype(np.float64)
    size = min(points.height, round(inches * REDUCED_DPI))
    sums = np.convolve(counts, np.ones(size), mode="valid")
    start = int(sums.argmax())
    return start / points.height, (start + size) / points.height


def apply_turn(pixels: Pixels, degrees: int) -> Pixels:
    """The page turned clockwise by 0, 90, 180 or 270 degrees."""
    return (
        pixels
        if degrees == 0
        else np.ascontiguousarray(cv2.rotate(pixels, _TURNS[degrees])).astype(np.uint8, copy=False)
    )
