"""The copy that is read: seals and ink dropped, background flattened, specks gone. Chosen by what the page is.

Never a blanket chain: what helps a stained photocopy hurts a clean page. The archive picture is not touched.
Everything that looks at single pixels runs before the page is straightened: turning a picture smears specks and
the hard edges of a photocopy, and then nothing tells them from dots and thin strokes any more.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from ocr.borders import remove_borders
from ocr.colour import chroma, drop_colour, red_of
from ocr.hairlines import thicken_hairs
from ocr.seals import remove_seals
from ocr.shrink import shrunk
from ocr.skew import straighten
from ocr.specks import is_two_toned, lone_pixels, remove_lone_pixels, remove_specks

Pixels = npt.NDArray[np.uint8]
NOISY = 2e-5
"""Share of lone pixels. Clean and office scans lie near 1e-6, stained and copied ones above 1e-4."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFacts:
    """What chooses the preparation.

    `noise`: share of pixels that differ from all their neighbours; `unevenness`: spread of paper brightness in
    grey levels; `paper`: its usual brightness; `colour`: share of vivid pixels; `two_toned`: black and white only.
    """

    noise: float
    unevenness: float
    paper: float
    colour: float
    two_toned: bool

    @property
    def noisy(self) -> bool:
        return self.noise > NOISY

    @property
    def tinted(self) -> bool:
        return self.unevenness > 18 or self.paper < 235


def measure(pixels: Pixels) -> PageFacts:
    """Facts of a page, RGB as scanned. Noise is counted in three bands, a third of the page."""
    red = red_of(pixels)
    height = red.shape[0]
    bands = [red[start : start + height // 9] for start in (height // 9, 4 * height // 9, 7 * height // 9)]
    noise = float(np.mean([lone_pixels(band).mean() for band in bands]))
    tiles = cv2.resize(np.ascontiguousarray(red[::3, ::3]), (12, 16), interpolation=cv2.INTER_AREA)
    return PageFacts(
        noise=noise,
        unevenness=float(np.percentile(tiles, 90) - np.percentile(tiles, 20)),
        paper=float(np.percentile(red[::7, ::7], 80)),
        colour=float((chroma(np.ascontiguousarray(pixels[::4, ::4])) > 60).mean()),
        two_toned=is_two_toned(red),
    )


def prepare(pixels: Pixels, dpi: float, skew: float, *, bitonal: bool) -> Pixels:
    """A grey copy for reading, (height, width), of an upright page that is still tilted by `skew` degrees.

    It lies exactly over `straighten(pixels, skew)`, so that boxes found on one hold on the other.
    """
    return straighten(prepare_tilted(pixels, dpi, bitonal=bitonal), skew)


def prepare_tilted(pixels: Pixels, dpi: float, *, bitonal: bool) -> Pixels:
    """The same on the scan's own grid, before it is straightened."""
    facts = measure(pixels)
    grey = drop_colour(pixels, dpi, facts.paper) if facts.colour > 0.0005 else red_of(pixels)
    if facts.noisy:
        grey = _clean(grey, dpi, two_toned=bitonal or facts.two_toned)
    if facts.noisy or facts.tinted:
        grey = flatten(grey, dpi)
    grey = remove_seals(remove_borders(grey, dpi), dpi)
    # Grain at the edges of noisy pages is as pale as hairs: there nothing tells one from the other.
    return grey if facts.noisy else thicken_hairs(grey)


def _clean(grey: Pixels, dpi: float, *, two_toned: bool) -> Pixels:
    grey = remove_specks(remove_lone_pixels(grey), dpi, two_toned=two_toned)
    if two_toned:
        # The engine learned from grey print; stairs at the edges of a copy read as tone marks.
        grey = cv2.GaussianBlur(grey, (0, 0), 0.7 * dpi / 200).astype(np.uint8, copy=False)
    return grey


def flatten(grey: Pixels, dpi: float) -> Pixels:
    """Divide by the paper's own brightness, so that shade and tint become white."""
    scale = min(1.0, 60.0 / dpi)
    small = shrunk(grey, scale)
    paper = cv2.medianBlur(cv2.dilate(small, np.ones((5, 5), np.uint8)), 21)
    full = cv2.resize(paper, (grey.shape[1], grey.shape[0]), interpolation=cv2.INTER_LINEAR)
    return cv2.divide(grey, np.maximum(full, 1).astype(np.uint8), scale=245).astype(np.uint8, copy=False)
