"""Coloured ink: how colourful pixels are, and its dropping out of the copy that is read.

Channel by channel: numpy's own reduction over three channels is thirty times slower.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from ocr.components import components
from ocr.shrink import shrunk

Pixels = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.uint8]
VIVID = 50
"""Grey levels between the strongest and the weakest channel from which a pixel counts as coloured ink."""
DARK = 110
"""Grey below which a pixel without colour is print."""
WORK_DPI = 100.0
SEAL_INCHES = (0.6, 3.0)
"""Coloured ink that is so wide and so high is a seal or a stamp, with a signature: print is lower, a frame larger."""
CROSSED = 12
"""Pixels of print at 100 dpi, within a piece of coloured ink, from which it lies across print: a stroke of a letter."""


def red_of(pixels: Pixels) -> Pixels:
    """The red channel, (height, width) of RGB, of its own: in it the ink of seals is palest."""
    return cv2.extractChannel(pixels, 0).astype(np.uint8, copy=False)


def chroma(pixels: Pixels) -> Pixels:
    """Grey levels between the strongest and the weakest channel; (height, width) of RGB."""
    return _Inks.of(pixels).chroma


@dataclass(frozen=True, slots=True, kw_only=True)
class _Inks:
    """The channels of a page, each (height, width), and its strongest channel: parting them is most of the work."""

    red: Pixels
    blue: Pixels
    brightest: Pixels
    chroma: Pixels

    @staticmethod
    def of(pixels: Pixels) -> _Inks:
        red, green, blue = cv2.split(pixels)
        top, low = cv2.max(cv2.max(red, green), blue), cv2.min(cv2.min(red, green), blue)
        return _Inks(
            red=red.astype(np.uint8, copy=False),
            blue=blue.astype(np.uint8, copy=False),
            brightest=top.astype(np.uint8, copy=False),
            chroma=cv2.subtract(top, low).astype(np.uint8, copy=False),
        )

    def vivid(self) -> Mask:
        return cv2.threshold(self.chroma, VIVID, 255, cv2.THRESH_BINARY)[1].astype(np.uint8, copy=False)

    def faded(self, vivid: Mask) -> Pixels:
        return cv2.copyTo(self.brightest, vivid, self.red.copy()).astype(np.uint8, copy=False)


def fade_colour(pixels: Pixels) -> Pixels:
    """A grey copy, (height, width) of RGB: red and blue become lighter, black stays.

    Vivid pixels take their brightest channel.
    """
    inks = _Inks.of(pixels)
    return inks.faded(inks.vivid())


def drop_colour(pixels: Pixels, dpi: float, paper: float) -> Pixels:
    """The same without seals, and without what lies across print, which become as light as the `paper`.

    Left grey they take letters with them. Other coloured ink stays grey, for it may be print itself.
    """
    inks = _Inks.of(pixels)
    vivid = inks.vivid()
    grey = inks.faded(vivid)
    across = cv2.bitwise_and(vivid, _across_print(grey, vivid, dpi))
    left, top, wide, high = cv2.boundingRect(across)
    if not wide:
        return grey
    place = np.s_[top : top + high, left : left + wide]
    reddish = cv2.compare(inks.red[place], inks.blue[place], cv2.CMP_GT)
    lighter = grey[place]
    for hue in (reddish, cv2.bitwise_not(reddish)):  # two inks, each with its own tone
        mask = cv2.bitwise_and(across[place], hue)
        tones = inks.brightest[place][mask > 0]
        if tones.size:
            gain = paper / max(1.0, float(np.percentile(tones, 30)))
            lighter[:] = cv2.copyTo(cv2.convertScaleAbs(lighter, alpha=max(1.0, gain)), mask, lighter.copy())
    return grey


def _across_print(grey: Pixels, vivid: Mask, dpi: float) -> Mask:
    """Where the coloured ink lies that is a seal or crosses print, 255, a little widened; of the page's size."""
    scale = min(1.0, WORK_DPI / dpi)
    inked = cv2.dilate((shrunk(vivid, scale) > 60).astype(np.uint8), np.ones((3, 3), np.uint8))
    print_ = (shrunk(grey, scale) < DARK) & (shrunk(vivid, scale) < 200)
    labels, facts = components(inked)
    crossed = np.bincount(labels[print_], minlength=len(facts)) >= CROSSED
    least, most = (inches * dpi * scale for inches in SEAL_INCHES)
    left, top, wide, high = (facts[:, n] for n in range(4))
    seal = (np.minimum(wide, high) >= least) & (np.maximum(wide, high) <= most)
    chosen = crossed | seal
    for n in np.flatnonzero(seal[1:]) + 1:  # its star and its letters stand apart from its ring
        across = (left >= left[n]) & (left + wide <= left[n] + wide[n])
        chosen |= across & (top >= top[n]) & (top + high <= top[n] + high[n])
    chosen[0] = False
    mask = np.where(chosen[labels], np.uint8(255), np.uint8(0))
    size = (grey.shape[1], grey.shape[0])
    return cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST).astype(np.uint8, copy=False)
