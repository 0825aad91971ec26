"""Print that the engine passed over: whole lines are lost now and then where an underline or a fold touches them.

What ink of the size of print lies outside every word is cut out as a strip and read as one line. Only what is then
read surely is taken: a signature, a stain or the lettering of a seal is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from ocr.copy import Copy, Pixels
from ocr.engine import Engine
from ocr.layout import around, moved, scaled, tidy
from ocr.skew import ink_mask, reduced
from pipeline.model import Box, Line

WORK_DPI = 100.0
LETTER, STRIP = (0.04, 0.3), (0.06, 0.35)
"""Inches; least and greatest height of a letter or a word, and of a line of them."""
SHORTEST, PARTS = 0.8, 3
"""Inches, and pieces of ink, of the shortest strip that is looked at."""
SPACE = 0.2
"""Inches across which pieces belong to one strip."""
MOST = 3
"""Strips read on one page, the longest: some 20 ms each."""
SURE = 0.88
"""Mean raw confidence from which a strip is print."""


def find_missed(image: Pixels, dpi: float, lines: Sequence[Line]) -> tuple[Box, ...]:
    """Strips of print outside every word, longest first; `image` is the straight page, boxes are in its pixels."""
    small = reduced(image, dpi, WORK_DPI)
    scale = small.shape[1] / image.shape[1]
    work = dpi * scale
    ink = ink_mask(small, work).astype(np.uint8)
    for word in (word for line in lines for word in line.words):
        box = scaled(word.box, scale)
        ink[max(0, box.top - 2) : box.bottom + 3, max(0, box.left - 2) : box.right + 3] = 0
    _, labels, facts, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    height, width = facts[:, cv2.CC_STAT_HEIGHT] / work, facts[:, cv2.CC_STAT_WIDTH] / work
    letter = (height >= LETTER[0]) & (height <= LETTER[1]) & (width <= 4 * LETTER[1])
    letter[0] = False
    pieces = letter[labels].astype(np.uint8)
    joined = cv2.dilate(pieces, np.ones((1, round(SPACE * work)), np.uint8))
    count, _, strips, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    found = []
    for left, top, wide, high, _ in strips[1:count].tolist():
        if wide < SHORTEST * work or not STRIP[0] * work <= high <= STRIP[1] * work:
            continue
        parts, _ = cv2.connectedComponents(pieces[top : top + high, left : left + wide])
        if parts > PARTS:
            found.append(Box(left=left, top=top, right=left + wide, bottom=top + high))
    longest = sorted(found, key=lambda box: box.left - box.right)[:MOST]
    return tuple(scaled(box, 1 / scale) for box in longest)


def read_missed(engine: Engine, copy: Copy, strips: Sequence[Box], lines: Sequence[Line]) -> tuple[Line, ...]:
    """Lines with those put in that the strips hold; strips and lines in pixels of the page."""
    out = list(lines)
    border = round(0.05 * copy.dpi)
    for strip in strips:
        place = copy.inside(strip, border)
        read = tidy(engine.read_block(copy.part(place), dpi=copy.dpi, one_line=True))
        words = tuple(word for line in read for word in line.words)
        signs = sum(len(word.text) for word in words)
        if signs < 4 or sum(word.confidence * len(word.text) for word in words) < SURE * signs:
            continue
        line = moved(Line(words=words, box=around(words), block=0), place.left, place.top)
        at = place_of(out, line.box)
        out.insert(at, replace(line, block=out[max(0, at - 1)].block if out else 0))
    return tuple(out)


def place_of(lines: Sequence[Line], box: Box) -> int:
    """Before the first line of the same column that stands lower, else at the end."""
    middle = (box.top + box.bottom) / 2
    below = (
        n
        for n, line in enumerate(lines)
        if line.box.top > middle and line.box.left < box.right and box.left < line.box.right
    )
    return next(below, len(lines))
