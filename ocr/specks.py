"""Dust, scanner noise and the grain of photocopies: taken off the reading copy before anything smears it.

A full stop or the dot under `ạ` at 12 points is about 0.1 em across: some 10 pixels at 200 dpi. A speck counts
as dirt when it is one pixel, or at most half a dot, or up to a dot and a half but far from every letter.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from ocr.components import components

Pixels = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]

IMPULSE = 40
"""Grey levels by which a lone pixel differs from all eight neighbours."""
FAINT = 18
"""Grey levels below the paper from which a mark counts: a higher bar cuts pale hooks and tone marks loose."""
HALF_DOT, DOT_AND_HALF = 5.0, 14.0
SMALLEST_MARK = 2.0
"""Areas in pixels at 200 dpi."""
MARK_INCHES = 0.05
"""How far over or under its letter a tone mark stands."""
_NEIGHBOURS = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], np.uint8)


def lone_pixels(grey: Pixels) -> Mask:
    """Pixels darker or lighter than all their neighbours by `IMPULSE`; strokes and dots are never one pixel."""
    darkest, lightest = cv2.erode(grey, _NEIGHBOURS), cv2.dilate(grey, _NEIGHBOURS)
    apart = cv2.max(cv2.subtract(darkest, grey), cv2.subtract(grey, lightest))
    return np.asarray(apart > IMPULSE, np.bool_)


def remove_lone_pixels(grey: Pixels) -> Pixels:
    """Lone pixels take the middle value of their neighbourhood; every other pixel stays as it is."""
    lone = lone_pixels(grey).view(np.uint8)
    return cv2.copyTo(cv2.medianBlur(grey, 3), lone, grey.copy()).astype(np.uint8, copy=False)


def is_two_toned(grey: Pixels) -> bool:
    """Whether a page is black and white only: a photocopy or fax, also when it was saved as JPEG."""
    sample = grey[::3, ::3]
    return float(((sample > 50) & (sample < 205)).mean()) < 0.02


def speck_mask(grey: Pixels, dpi: float, *, two_toned: bool) -> tuple[Mask, Pixels]:
    """What is dirt by size and place, (height, width), and the paper's tone around each pixel."""
    if two_toned:
        paper = np.full_like(grey, 255)
        ink = (grey < 128).astype(np.uint8)
    else:
        size = max(15, int(dpi * 0.2)) | 1
        paper = cv2.blur(grey, (size, size)).astype(np.uint8, copy=False)
        ink = (cv2.subtract(paper, grey) > FAINT).astype(np.uint8)
    labels, facts = components(ink)
    area = facts[:, cv2.CC_STAT_AREA]
    longest = np.maximum(facts[:, cv2.CC_STAT_WIDTH], facts[:, cv2.CC_STAT_HEIGHT])
    letter = longest >= 0.04 * dpi
    scale = (dpi / 200.0) ** 2
    small = area <= max(1.0, DOT_AND_HALF * scale)
    letter[0] = small[0] = False
    # One pass over the page tells both; only the pixels of small marks are looked at after it.
    kinds = (letter | (small << 1)).astype(np.uint8)[labels]
    letters = kinds & np.uint8(1)
    where = np.flatnonzero(kinds & 2)
    mark_of = labels.reshape(-1)[where].astype(np.intp)
    reach = int(0.05 * dpi) * 2 + 1
    beside = _touched(letters, (reach, reach), where, mark_of, area.size)
    dirt = (area <= max(1.0, HALF_DOT * scale)) | (small & ~beside & ~letter)
    if two_toned:
        # A grave or a hook, thresholded by a copier, may be three pixels: over or under a letter it is let be.
        rise = int(MARK_INCHES * dpi) * 2 + 1
        mark = _touched(letters, (rise, 7), where, mark_of, area.size)
        dirt &= ~(mark & (area > max(1.0, SMALLEST_MARK * scale)))
    specks = np.zeros_like(ink)
    specks.reshape(-1)[where[dirt[mark_of]]] = 1
    halo = cv2.dilate(specks, np.ones((3, 3), np.uint8))
    return (halo > 0) & ((ink == 0) | (specks > 0)), paper


def _touched(
    letters: Pixels, around: tuple[int, int], where: Places, mark_of: Places, count: int
) -> npt.NDArray[np.bool_]:
    """Which marks reach into the `around` (down, across) of a letter; `where` are pixels of marks, flat."""
    near = cv2.dilate(letters, np.ones(around, np.uint8)).reshape(-1)
    found = np.zeros(count, dtype=bool)
    found[mark_of[near[where] > 0]] = True
    return found


def remove_specks(grey: Pixels, dpi: float, *, two_toned: bool) -> Pixels:
    """Specks take the paper's tone."""
    specks, paper = speck_mask(grey, dpi, two_toned=two_toned)
    lighter = cv2.max(paper, grey)
    return cv2.copyTo(lighter, specks.view(np.uint8), grey.copy()).astype(np.uint8, copy=False)
