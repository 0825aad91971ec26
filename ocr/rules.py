"""Ruling lines of tables and forms: lifted off the reading copy, so that cells are not read as bars and brackets."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
LONG_INCHES = 0.45
"""Shortest rule; the tallest capital of a title is 0.2 inch."""
THICK_INCHES = 0.03


def remove_rules(grey: Pixels, dpi: float) -> Pixels:
    """A copy of a straightened page without its long thin straight lines."""
    ink = (grey < 160).astype(np.uint8)
    long, thick = max(20, int(LONG_INCHES * dpi)), max(3, int(THICK_INCHES * dpi))
    rules = np.zeros_like(ink)
    for size, across in (((1, long), (thick, 1)), ((long, 1), (1, thick))):
        kernel = np.ones(size, np.uint8)
        lines = cv2.morphologyEx(ink, cv2.MORPH_OPEN, kernel)
        if not lines.any():
            continue
        # What is thicker than a rule is a black border or a filled cell, left to others.
        solid = cv2.morphologyEx(lines, cv2.MORPH_OPEN, np.ones(across, np.uint8))
        rules |= lines & ~solid
    if not rules.any():
        return grey
    out = grey.copy()
    out[cv2.dilate(rules, np.ones((3, 3), np.uint8)) > 0] = 255
    return out
