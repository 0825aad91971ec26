"""A six that was read as the letter ó: the model of the language has seen far more of that letter than of figures.

Among figures stands no ó. Such a word is read again by the model of plain Latin print, which has no such letter; where
it reads the same figures and a 6 in its place, a 6 it is. Anything else stays as it was read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from ocr.copy import Copy
from ocr.engine import Engine
from ocr.layout import around, each_word
from pipeline.model import Line, Word

LIKE_SIX = "óòỏõ"
_IN_FIGURES = re.compile(rf"(?<![^\W\d_])[{LIKE_SIX}](?![^\W\d_])")
_SIX = str.maketrans(dict.fromkeys(LIKE_SIX, "6"))
MOST = 8
"""Words read again on a page, some 5 ms each."""
MARGIN = 0.05
"""Inches of paper around them."""


def mend_sixes(engine: Engine, copy: Copy, lines: Sequence[Line]) -> tuple[Line, ...]:
    """Lines in which `131ó` is `1316` where another model reads so; boxes are of the page in `copy`."""
    left = MOST

    def mended(word: Word) -> Word:
        nonlocal left
        if left == 0 or not _asks(word):
            return word
        left -= 1
        figures = _in_figures(word.text)
        return (
            replace(word, text=figures) if _groups(_again(engine, copy, word)) == _groups(figures) else word
        )

    return each_word(lines, mended)


def _asks(word: Word) -> bool:
    return any(sign.isdigit() for sign in word.text) and _IN_FIGURES.search(word.text) is not None


def _in_figures(text: str) -> str:
    return _IN_FIGURES.sub(lambda found: found[0].translate(_SIX), text)


def _again(engine: Engine, copy: Copy, word: Word) -> str:
    crop = copy.part(copy.inside(around([word]), round(MARGIN * copy.dpi)))
    framed = cv2.copyMakeBorder(crop, 10, 10, 10, 10, cv2.BORDER_CONSTANT, value=255)
    return " ".join(one.text for one in engine.read_latin(framed.astype(np.uint8, copy=False), dpi=copy.dpi))


def _groups(text: str) -> list[str]:
    return re.findall(r"\d+", text)
