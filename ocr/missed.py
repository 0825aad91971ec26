"""Print that the engine passed over: whole lines are lost now and then where an underline or a fold touches them.

What ink of the size of print lies outside every word is cut out as a strip and read as one line. Only what is then
read surely is taken: a signature, a stain or the lettering of a seal is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from ocr.components import components
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
TAIL, TAIL_PARTS = 0.2, 1
"""The same of the last word of a paragraph, alone in its line: it begins where other lines do."""
MARGIN, FLUSH = 0.06, 3
"""Inches by which lines that begin alike may differ, and how many of them make an edge."""
INDENT = 0.7
"""Inches by which the paragraph below such a word may begin farther in."""
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
    labels, facts = components(ink)
    height, width = facts[:, cv2.CC_STAT_HEIGHT] / work, facts[:, cv2.CC_STAT_WIDTH] / work
    letter = (height >= LETTER[0]) & (height <= LETTER[1]) & (width <= 4 * LETTER[1])
    letter[0] = False
    pieces = letter[labels].astype(np.uint8)
    joined = cv2.dilate(pieces, np.ones((1, round(SPACE * work)), np.uint8))
    _, strips = components(joined)
    grown = round(SPACE * work) // 2
    edges = np.array([line.box.left * scale for line in lines if len(line.words) > 1])
    found = []
    for left, top, wide, high, _ in strips[1:].tolist():
        if not STRIP[0] * work <= high <= STRIP[1] * work:
            continue
        flush = np.count_nonzero(np.abs(edges - left - grown) < MARGIN * work) >= FLUSH
        if wide - 2 * grown * flush < (TAIL if flush else SHORTEST) * work:
            continue
        parts, _ = cv2.connectedComponents(pieces[top : top + high, left : left + wide])
        if parts > (TAIL_PARTS if flush else PARTS) + 1:
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
        text = "".join(word.text for word in words)
        if len(text) < 4 and not (len(text) > 1 and text.isalpha()):
            continue
        if sum(word.confidence * len(word.text) for word in words) < SURE * len(text):
            continue
        line = moved(Line(words=words, box=around(words), block=0), place.left, place.top)
        at = place_of(out, replace(line.box, right=line.box.right + round(INDENT * copy.dpi)))
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
