"""Titles printed in red: on certificates and cards they are lost with the seals that are taken off before reading.

Only rows of letters are read, cut out with their colour; what is then read surely, in capitals, is a title. The
lettering of a seal runs in an arc, and what a digital signature writes on a page is not in capitals.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import cv2
import numpy as np

from ocr.components import components
from ocr.confidence import calibrate
from ocr.copy import Pixels
from ocr.engine import Engine
from ocr.layout import around, moved, scaled, tidy
from ocr.missed import place_of
from ocr.phrases import mend
from ocr.shrink import shrunk
from pipeline.model import Box, Line

WORK_DPI = 100.0
LETTER, ROW = (0.05, 0.35), (0.06, 0.45)
"""Inches; least and greatest height of a capital, and of a row of them with their marks."""
SHORTEST, PARTS = 0.7, 6
"""Inches, and pieces of ink, of the shortest row."""
SPACE = 0.16
HEAD = 0.7
"""Share of the page in which titles stand."""
MOST = 4
VIVID = 60
SURE, CAPITALS, SIGNS = 0.8, 0.9, 8
"""Mean raw confidence, share of capitals, and letters that a title has at least."""


def read_coloured(
    engine: Engine,
    part: Callable[[Box], Pixels],
    picture: Pixels,
    scale: float,
    dpi: float,
    lines: Sequence[Line],
) -> tuple[Line, ...]:
    """Lines with titles in red put in.

    `picture` is the straight page, RGB, `scale` times as large as the page at `dpi` that `part` cuts from; lines are
    in pixels of the latter.
    """
    out = list(lines)
    for row in _rows(picture, scale, dpi):
        border = round(0.04 * dpi)
        place = Box(
            left=max(0, row.left - border),
            top=max(0, row.top - border),
            right=min(round(picture.shape[1] / scale), row.right + border),
            bottom=min(round(picture.shape[0] / scale), row.bottom + border),
        )
        green = cv2.split(part(place))[1]
        read = tidy(engine.read_block(green.astype(np.uint8, copy=False), dpi=dpi, one_line=True))
        words = tuple(word for line in read for word in line.words)
        text = "".join(sign for word in words for sign in word.text if sign.isalpha())
        total = sum(len(word.text) for word in words)
        sure = sum(word.confidence * len(word.text) for word in words) >= SURE * total
        if len(text) < SIGNS or not sure or sum(map(str.isupper, text)) < CAPITALS * len(text):
            continue
        line = moved(Line(words=words, box=around(words), block=0), place.left, place.top)
        out = [other for other in out if not _inside(other.box, line.box)]
        at = place_of(out, line.box)
        (line,) = mend(calibrate((line,)))
        out.insert(at, replace(line, block=out[max(0, at - 1)].block if out else 0))
    return tuple(out)


def _rows(picture: Pixels, scale: float, dpi: float) -> list[Box]:
    """Rows of red letters, longest first, in pixels of the page at `dpi`."""
    smaller = min(1.0, WORK_DPI / (dpi * scale))
    small = shrunk(picture, smaller)
    work = dpi * scale * smaller
    red, green, blue = (channel.astype(np.int16) for channel in cv2.split(small))
    ink = (red - np.maximum(green, blue) > VIVID).astype(np.uint8)
    ink[round(HEAD * ink.shape[0]) :] = 0
    if ink.sum() < 0.01 * work**2:
        return []
    labels, facts = components(ink)
    height, width = facts[:, cv2.CC_STAT_HEIGHT] / work, facts[:, cv2.CC_STAT_WIDTH] / work
    letter = (height >= LETTER[0]) & (height <= LETTER[1]) & (width <= 3 * LETTER[1])
    letter[0] = False
    pieces = letter[labels].astype(np.uint8)
    joined = cv2.dilate(pieces, np.ones((1, max(1, round(SPACE * work))), np.uint8))
    _, strips = components(joined)
    found = []
    for left, top, wide, high, _ in strips[1:].tolist():
        if wide < SHORTEST * work or not ROW[0] * work <= high <= ROW[1] * work:
            continue
        parts, _ = cv2.connectedComponents(pieces[top : top + high, left : left + wide])
        if parts > PARTS:
            found.append(Box(left=left, top=top, right=left + wide, bottom=top + high))
    longest = sorted(found, key=lambda box: box.left - box.right)[:MOST]
    return [scaled(box, dpi / work) for box in sorted(longest, key=lambda box: box.top)]


def _inside(box: Box, row: Box) -> bool:
    """Whether a line is what was left of the row without its colour."""
    across = min(box.right, row.right) - max(box.left, row.left)
    down = min(box.bottom, row.bottom) - max(box.top, row.top)
    return across > 0.7 * (box.right - box.left) and down > 0.6 * (box.bottom - box.top)
