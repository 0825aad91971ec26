"""Dust on a black and white page: lone pixels of a copier's noise, left out of the access copy, never of the record.

Group 4 spends a dozen bits on each, a tenth of a noisy page. A speck is dust only when it is tinier than any printed
dot and no ink at all stands around it: tone marks, full stops, decimal points and dots of a faint letter have company,
and the dots of a leader have it on their line.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]

LARGEST = 3.0
"""Pixels at 200 dpi; a full stop of 12 points has ten, the finest dot that a copier still prints whole has four."""
AROUND = 0.06
"""Inches on every side in which there is nothing else; a tone mark stands within 0.05 of its letter."""
BESIDE = (0.01, 0.22)
"""Inches over and under, and to both sides: dots of a leader stand up to a fifth of an inch apart."""


def without_dust(black: Mask, dpi: float) -> Mask:
    """A copy of the mask, (height, width), without specks that stand wholly alone."""
    ink = black.astype(np.uint8)
    _, labels, facts, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    area = facts[:, cv2.CC_STAT_AREA]
    tiny = area <= max(1.0, LARGEST * (dpi / 200.0) ** 2)
    tiny[0] = False
    if not tiny.any():
        return black.copy()
    where = np.flatnonzero(tiny.astype(np.uint8)[labels])
    speck = labels.reshape(-1)[where]
    alone = tiny
    for down, across in ((AROUND, AROUND), BESIDE):
        size = (2 * round(across * dpi) + 1, 2 * round(down * dpi) + 1)
        near = cv2.boxFilter(ink, cv2.CV_32F, size, normalize=False, borderType=cv2.BORDER_CONSTANT)
        company = near.reshape(-1)[where] > area[speck] + 0.5
        alone[speck[company]] = False
    out = black.copy()
    out.reshape(-1)[where[alone[speck]]] = False
    return out
