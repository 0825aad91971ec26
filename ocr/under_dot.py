"""The dot under a final y (`Mỵ`, `Tỵ`), which the model of the language leaves out: syllables so written are rare.

Nothing but the print can tell `Ty` from `Tỵ`. The dot is a piece of ink by itself, smaller than a quarter of a
capital, lower than the line that letters stand on, under the y or beside its tail. A comma hangs from that
line, a full stop stands on it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt

from ocr.layout import each_word
from ocr.pieces import pieces_of
from pipeline.model import Box, Line, Word

Pixels = npt.NDArray[np.uint8]
_NAME = re.compile(r"\W*[HKLMSTV][yY]\W*")
"""Names that are written with either; `quy` and `ty` stand in running text, where the model knows them."""
BELOW, BESIDE = 0.3, 0.12
"""Of the height of a word: paper under it and at its right that is looked at."""
LEAST_PIXELS = 14
"""Height of a word below which a dot is no piece of its own."""
ENLARGED = 3
"""At 200 dpi a dot and the paper around it are two pixels each."""
SIZE = (0.09, 0.24)
"""Width and height of a dot, in heights of a capital."""
ROUND = 0.6
"""Share of its box that a dot fills."""


def dot_names(
    part: Callable[[Box], Pixels], shape: tuple[int, int], lines: Sequence[Line]
) -> tuple[Line, ...]:
    """Lines in which `Ty` is `Tỵ` where the dot is printed; `part` gives a part of the page of that `shape`."""
    return each_word(lines, lambda word: _dotted(part, shape, word))


def _dotted(part: Callable[[Box], Pixels], shape: tuple[int, int], word: Word) -> Word:
    if not _NAME.fullmatch(word.text) or not has_dot(part(_around(word.box, shape))):
        return word
    return replace(word, text=word.text.replace("y", "ỵ").replace("Y", "Ỵ"))


def _around(box: Box, shape: tuple[int, int]) -> Box:
    high = box.bottom - box.top
    return Box(
        left=box.left,
        top=box.top,
        right=min(shape[1], box.right + round(BESIDE * high)),
        bottom=min(shape[0], box.bottom + round(BELOW * high)),
    )


def has_dot(grey: Pixels) -> bool:
    """Whether a dot stands low at the last of two printed letters; there is a little paper under them."""
    large = cv2.resize(grey, None, fx=ENLARGED, fy=ENLARGED, interpolation=cv2.INTER_CUBIC)
    _, facts = pieces_of(large.astype(np.uint8, copy=False), corners=False)
    pieces = facts[1:].tolist()
    above = [piece for piece in pieces if piece[1] < 0.4 * large.shape[0]]  # the next line may reach into it
    tall = max((high for *_, high, _ in above), default=0)
    letters = sorted((piece for piece in above if piece[3] > 0.45 * tall), key=lambda piece: piece[0])
    if tall < LEAST_PIXELS * ENLARGED or len(letters) != 2:
        return False
    (_, first_top, _, capital, _), (start, last_top, width, high, _) = letters
    line, tail = first_top + capital, last_top + high
    if tail < line + 0.12 * capital:
        return False  # no tail: a capital, or no y
    least, most = SIZE[0] * capital, SIZE[1] * capital
    return any(
        least <= wide <= most
        and least <= high <= most
        and area >= ROUND * wide * high
        and top > line + 0.04 * capital
        and start < left + wide / 2 < start + width
        for left, top, wide, high, area in pieces
    )
