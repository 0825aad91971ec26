"""Coloured evidence on a page: red seals and blue ink, as boxes that no signature may cover."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from ocr.components import components
from ocr.shrink import shrunk
from pipeline.model import Box, Region, RegionKind

Pixels = npt.NDArray[np.uint8]
WORK_DPI = 50.0


def find_regions(pixels: Pixels, dpi: float, box_dpi: float) -> tuple[Region, ...]:
    """Red seals and blue pen ink of a picture at `dpi`; boxes are in pixels at `box_dpi`."""
    scale = min(1.0, WORK_DPI / dpi)
    small = shrunk(pixels, scale)
    hue, saturation, value = (c.astype(np.int16) for c in cv2.split(cv2.cvtColor(small, cv2.COLOR_RGB2HSV)))
    vivid = (saturation > 70) & (value > 50)
    masks = {
        RegionKind.RED_SEAL: vivid & ((hue < 12) | (hue > 165)),
        RegionKind.BLUE_INK: vivid & (hue > 95) & (hue < 140),
    }
    found: list[Region] = []
    scale *= dpi / box_dpi
    for kind, mask in masks.items():
        joined = cv2.dilate(mask.astype(np.uint8), np.ones((7, 7), np.uint8))
        _, facts = components(joined)
        for row in facts[1:]:
            left, top, width, height, area = (int(v) for v in row)
            if area > 120 and min(width, height) > 8:
                found.append(
                    Region(
                        kind=kind,
                        box=Box(
                            left=round(left / scale),
                            top=round(top / scale),
                            right=round((left + width) / scale),
                            bottom=round((top + height) / scale),
                        ),
                    )
                )
    return tuple(found)
