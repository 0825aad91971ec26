"""Pixels with their resolution, the same in both directions."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.raster.limits import RasterLimits
from pipeline.raster.sheet_size import resolution_of

Pixels = npt.NDArray[np.uint8]
FINEST = 500.0
"""Dots an inch from which a picture is halved: the archive keeps 200 and print is read at 300 at most, but an A4 sheet
of 600 takes 100 MB a copy. The file that was scanned is kept as it is, beside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Raster:
    """`pixels` is (height, width, 3), RGB; `dpi` holds for both directions.

    `true_size` is False when `dpi` is an estimate; `bitonal` is True when the original has one bit a pixel. `fine`,
    (height, width), grey, is such an original on its own grid where `pixels` is a reduction of it, else None.
    """

    pixels: Pixels
    dpi: float
    true_size: bool
    bitonal: bool
    fine: Pixels | None = None

    @property
    def fine_dpi(self) -> float:
        """Of the finest picture there is."""
        return self.dpi * self.fine.shape[1] / self.pixels.shape[1] if self.fine is not None else self.dpi


def reduction(dpi: float) -> int:
    """How many pixels of a picture become one, each way: 1, 2, 4 or 8. A power of two is what JPEG decoders do."""
    return next((step for step in (1, 2, 4) if dpi / step < FINEST), 8)


def sized(pixels: Pixels, across: float, down: float, *, limits: RasterLimits, bitonal: bool) -> Raster:
    """A raster at one resolution, from what the file states (0 for nothing).

    Where the two directions differ by more than 2 % (fax), the coarser one is brought up to the finer. The picture
    comes out below `FINEST`; the archive keeps a bitonal one as fine as it was scanned, so that goes along.
    """
    height, width = pixels.shape[:2]
    found = resolution_of(width, height, across, down)
    dpi, fine = max(found.across, found.down), None
    if min(found.across, found.down) < 0.98 * dpi:
        wide, high = width * dpi / found.across, height * dpi / found.down
        shrink = min(1.0, (limits.max_pixels / (wide * high)) ** 0.5)
        size = (max(1, round(wide * shrink)), max(1, round(high * shrink)))
        way = cv2.INTER_NEAREST if bitonal else cv2.INTER_LINEAR
        pixels = cv2.resize(pixels, size, interpolation=way).astype(np.uint8, copy=False)
        dpi *= shrink
    elif (step := reduction(dpi)) > 1:
        fine = pixels[:, :, 0].copy() if bitonal else None
        size = (max(1, width // step), max(1, height // step))
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
        dpi /= step
    return Raster(pixels=pixels, dpi=dpi, true_size=found.stated, bitonal=bitonal, fine=fine)
