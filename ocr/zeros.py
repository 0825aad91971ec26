"""Noughts that carry a dot, a bar or a stroke, as consoles and code faces print them: read as 6, 8, 9, o or @.

What is inside such a nought is taken off the copy that is read, so that it becomes the nought the models know. Nothing
is read here: a sign is a nought by its outline, an upright oval without a waist, and by what lies in its middle. An 8
has a waist and its two holes stand one over the other; the two of a struck nought lie beside each other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from ocr.layout import each_word
from pipeline.model import Box, Line, Word

Pixels = npt.NDArray[np.uint8]
Contour = npt.NDArray[np.integer[Any] | np.floating[Any]]

DOT = 0.62
"""Of the height and width of a sign, at most, that the dot or bar in it has."""
SLENDER, STOUT = 0.38, 0.95
"""Width of a nought, in its heights."""
OVAL = (0.86, 1.24)
"""Area of its outline, over that of the ellipse in the same box: a stadium has 1.2."""
ROUND = 0.965
"""Area of its outline over that of the hull: what has a waist or a gap has less."""
SPECK = 0.014
"""Of its area, at least, that the mark in a nought has; less is dirt of a copy."""
NOTCHED = 0.85
"""Area of a hole over that of its hull below which a dot has run together with the ring."""
BESIDE = 0.12
"""Of the height of the lower hole, at least, that two holes beside each other share; those of 8 and B share nothing."""
LEAST_PIXELS = 24
ENLARGED = 2
TALLEST = 0.3
"""Inches."""
MARKED = 3
"""Noughts with a mark from which a page is printed so."""
MOST_WORDS = 12
"""Looked at on a page: some 0.3 ms each."""
_MIXED = re.compile(r"^\W*[0-9.,/-]*[OoQ][0-9OoQ.,/-]*\W*$")
"""A word of digits and noughts in which a nought was read for a letter."""
_NOUGHTS = str.maketrans("OoQ", "000")


def has_marked_zeros(part: Callable[[Box], Pixels], lines: Sequence[Line]) -> bool:
    """Whether a page is printed with marked noughts, by its words that hold digits; `part` gives a part of it."""
    found = 0
    words = [word for line in lines for word in line.words if _may_hold(word)]
    words.sort(key=_may_hold, reverse=True)
    for word in words[:MOST_WORDS]:
        found += marked_zeros(part(word.box))
        if found >= MARKED:
            return True
    return False


def _may_hold(word: Word) -> int:
    """How many signs of a word with digits may be marked noughts."""
    digits = any(sign.isdigit() for sign in word.text)
    return sum(sign in "0689" for sign in word.text) if digits else 0


def as_digits(part: Callable[[Box], Pixels], lines: Sequence[Line]) -> tuple[Line, ...]:
    """Lines in which `O1` is `01`, where the print shows a mark in as many noughts as were read for 0 or O.

    `part` gives a part of the page with the marks still in it: a letter O has none.
    """
    return each_word(lines, lambda word: _as_digits(part, word))


def _as_digits(part: Callable[[Box], Pixels], word: Word) -> Word:
    digits = word.text.translate(_NOUGHTS)
    if not _MIXED.search(word.text) or marked_zeros(part(word.box)) != digits.count("0"):
        return word
    return replace(word, text=digits)


def marked_zeros(grey: Pixels) -> int:
    """How many noughts with a mark a part of a page shows."""
    large = _enlarged(grey)
    return max(len(_marked(ink, large.shape[0])) for ink in _inks(large))


def plain_zeros(grey: Pixels, dpi: float | None = None) -> Pixels:
    """The same with plain noughts, else the picture itself; `dpi` bounds their height on a whole page."""
    large = _enlarged(grey)
    tallest = large.shape[0] if dpi is None else TALLEST * dpi * ENLARGED
    mask = np.zeros_like(large)
    for ink in _inks(large):
        for outline, holes in _marked(ink, tallest):
            _hollow(mask, outline, holes)
    if not mask.any():
        return grey
    inside = cv2.resize(mask, (grey.shape[1], grey.shape[0]), interpolation=cv2.INTER_AREA)
    paper = int(np.percentile(grey[::3, ::3], 80))
    lifted = cv2.addWeighted(grey, 1.0, inside, paper / 255, 0)
    return np.maximum(grey, np.minimum(lifted, paper)).astype(np.uint8, copy=False)


def _hollow(mask: Pixels, outline: Contour, holes: Sequence[Contour]) -> None:
    """Mark, in place, what lies inside the ring of a nought."""
    left, top, wide, high = cv2.boundingRect(outline)
    filled, hollow = np.zeros((high + 2, wide + 2), np.uint8), np.zeros((high + 2, wide + 2), np.uint8)
    cv2.drawContours(filled, [outline], -1, 255, cv2.FILLED, offset=(1 - left, 1 - top))
    for hole in holes:
        cv2.drawContours(hollow, [hole], -1, 255, cv2.FILLED, offset=(1 - left, 1 - top))
    depth = cv2.distanceTransform(filled, cv2.DIST_L2, 5)
    # A hole's contour runs on the ink around it: one pixel further in begins the paper.
    ring = float(depth[hollow > 0].min()) + 1.0
    place = mask[top : top + high, left : left + wide]
    place[(depth >= ring)[1:-1, 1:-1]] = 255


def _enlarged(grey: Pixels) -> Pixels:
    """At 200 dpi the dot of a nought and the paper around it are two pixels each."""
    return cv2.resize(grey, None, fx=ENLARGED, fy=ENLARGED, interpolation=cv2.INTER_CUBIC).astype(
        np.uint8, copy=False
    )


def _inks(grey: Pixels) -> tuple[Pixels, Pixels]:
    """Ink by the usual bar and by a darker one, at which the slits in bold noughts are open."""
    level, _ = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY_INV | cv2.THRESH_OTSU)
    dark = float(np.mean(grey[grey <= level])) if level > 0 else 0.0
    bars = (level, dark + 0.55 * (level - dark))
    first, second = (cv2.threshold(grey, bar, 255, cv2.THRESH_BINARY_INV)[1] for bar in bars)
    return first.astype(np.uint8, copy=False), second.astype(np.uint8, copy=False)


def _marked(ink: Pixels, tallest: float) -> list[tuple[Contour, list[Contour]]]:
    """Outlines of noughts with a mark, each with its holes."""
    contours, tree = cv2.findContours(ink, cv2.RETR_TREE, cv2.CHAIN_APPROX_NONE)
    found = []
    for index, outline in enumerate(contours):
        child = tree[0][index][2]
        if child < 0 or _depth(tree[0], index) != 0:
            continue
        _, _, wide, high = cv2.boundingRect(outline)
        if not (LEAST_PIXELS <= high <= tallest and SLENDER * high <= wide <= STOUT * high):
            continue
        holes = []
        while child >= 0:
            holes.append(child)
            child = tree[0][child][0]
        if _is_oval(outline, wide, high) and _has_mark(contours, tree[0], holes, outline):
            found.append((outline, [contours[hole] for hole in holes]))
    return found


def _depth(tree: Contour, index: int) -> int:
    """0 for ink on paper, 1 for a hole in it; frames and seals hold signs of depth 2, which count as ink on paper."""
    depth = 0
    while tree[index][3] >= 0:
        index, depth = tree[index][3], depth + 1
    return depth % 2


def _is_oval(outline: Contour, wide: int, high: int) -> bool:
    area = cv2.contourArea(outline)
    ellipse = np.pi / 4 * max(1, wide - 1) * max(1, high - 1)
    hull = cv2.contourArea(cv2.convexHull(outline))
    return bool(OVAL[0] * ellipse <= area <= OVAL[1] * ellipse and area >= ROUND * hull)


def _has_mark(contours: Sequence[Contour], tree: Contour, holes: Sequence[int], outline: Contour) -> bool:
    left, top, wide, high = cv2.boundingRect(outline)
    area = cv2.contourArea(outline)
    large = [hole for hole in holes if cv2.contourArea(contours[hole]) > 0.03 * area]
    if len(large) == 1:
        _, _, _, hole_high = cv2.boundingRect(contours[large[0]])
        if hole_high <= 0.5 * high:
            return False
        bay = cv2.contourArea(contours[large[0]]) < NOTCHED * cv2.contourArea(
            cv2.convexHull(contours[large[0]])
        )
        return bay or _has_dot(contours, tree, tree[large[0]][2], (left, top, wide, high))
    if len(large) != 2:
        return False
    (_, y1, _, h1), (_, y2, _, h2) = (cv2.boundingRect(contours[hole]) for hole in large)
    shared = min(y1 + h1, y2 + h2) - max(y1, y2)
    spans = max(y1 + h1, y2 + h2) - min(y1, y2) > 0.5 * high
    return spans and shared > BESIDE * min(h1, h2)


def _has_dot(contours: Sequence[Contour], tree: Contour, inner: int, box: tuple[int, int, int, int]) -> bool:
    """Whether a piece of ink inside a hole stands in the middle of the sign in `box`."""
    left, top, wide, high = box
    while inner >= 0:
        x, y, w, h = cv2.boundingRect(contours[inner])
        middle = (
            abs(x + w / 2 - left - wide / 2) < 0.15 * wide and abs(y + h / 2 - top - high / 2) < 0.15 * high
        )
        if middle and w < DOT * wide and h < DOT * high and w * h > SPECK * wide * high:
            return True
        inner = tree[inner][0]
    return False
