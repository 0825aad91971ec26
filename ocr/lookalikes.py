"""Figures that were read as letters of their shape: a 6 as ó, a 0 as O. The model of a language favours its letters.

Among figures stand no such letters. The word is read again by the model of plain Latin print; where that reads the
same figures and those in their places, they are figures; where it has none there and the print has no room
for one, a figure was read twice. Anything else stays as it was read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt

from ocr.copy import Copy
from ocr.engine import Engine
from ocr.figures import read_strip
from ocr.layout import around, each_word
from ocr.pieces import pieces_of
from pipeline.model import Line, Word

Pixels = npt.NDArray[np.uint8]
FIGURE = {"ó": "6", "ò": "6", "ỏ": "6", "õ": "6", "O": "0"}
_AMONG_FIGURES = re.compile(rf"(?<![^\W\d_])[{''.join(FIGURE)}](?![^\W\d_])")
MOST = 8
"""Words read again on a page, some 5 ms each."""
MARGIN = 0.05
"""Inches of paper around them."""
TALL = 0.6
"""Height of a figure at least, of the tallest piece of ink in the word."""


def mend_figures(engine: Engine, copy: Copy, lines: Sequence[Line]) -> tuple[Line, ...]:
    """Lines in which `131ó` is `1316` where another model reads so; boxes are of the page in `copy`."""
    left = MOST

    def mended(word: Word) -> Word:
        nonlocal left
        if left == 0 or not _asks(word.text):
            return word
        left -= 1
        crop = copy.part(copy.inside(around([word]), round(MARGIN * copy.dpi)))
        other = _groups(read_strip(engine.read_latin, crop, copy.dpi))
        figures, fewer = _without_letters(word.text)
        if _groups(figures) == other:
            return replace(word, text=figures)
        if _groups(fewer) == other and _tall_pieces(crop) == sum(sign.isalnum() for sign in fewer):
            return replace(word, text=fewer)
        return word

    return each_word(lines, mended)


def _asks(text: str) -> bool:
    return any(sign.isdigit() for sign in text) and _AMONG_FIGURES.search(text) is not None


def _without_letters(text: str) -> tuple[str, str]:
    """What the word may be: figures in place of the letters, or nothing where a figure was read twice."""
    return _AMONG_FIGURES.sub(lambda found: FIGURE[found[0]], text), _AMONG_FIGURES.sub("", text)


def _groups(text: str) -> list[str]:
    return re.findall(r"\d+", text)


def _tall_pieces(crop: Pixels) -> int:
    """How many pieces of ink are as tall as figures and capitals."""
    _, facts = pieces_of(crop)
    high = facts[1:, cv2.CC_STAT_HEIGHT]
    return int(np.count_nonzero(high > TALL * high.max())) if len(high) else 0
