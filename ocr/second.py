"""A second look at words read with little confidence, by the model of the whole Vietnamese script, if installed.

Measured, the same model at another scale breaks as many words as it mends, so without a second model nothing is
read again. Only marks and capitals may change: a code, a number or a letter never does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from ocr.copy import Copy
from ocr.engine import Engine
from ocr.layout import printed
from pipeline.grammar.folding import fold
from pipeline.model import Line, Word

UNSURE = 0.90
"""Raw confidence below which a word is looked at again; above it the second model breaks more than it mends."""
MOST_LINES = 12
"""Lines read again on one page: some 30 ms each, a tenth of the page's time at most."""


def look_again(engine: Engine, copy: Copy, lines: Sequence[Line]) -> tuple[Line, ...]:
    """Lines with unsure words replaced by a surer reading of the second model; `copy` is the page as read."""
    unsure = [
        (min(word.confidence for word in line.words if _open(word)), index)
        for index, line in enumerate(lines)
        if any(_open(word) for word in line.words)
    ]
    chosen = {index for _, index in sorted(unsure)[:MOST_LINES]}
    return tuple(
        _read_again(engine, copy, line) if index in chosen else line for index, line in enumerate(lines)
    )


def _open(word: Word) -> bool:
    return word.confidence < UNSURE and len(word.text) > 1 and not any(sign.isdigit() for sign in word.text)


def _read_again(engine: Engine, copy: Copy, line: Line) -> Line:
    margin, border = round(0.03 * copy.dpi), 8
    place = copy.inside(line.box, margin)
    left, crop = place.left, copy.part(place)
    framed = cv2.copyMakeBorder(crop, border, border, border, border, cv2.BORDER_CONSTANT, value=255)
    readings = engine.read_line(framed.astype(np.uint8, copy=False), dpi=copy.dpi)
    if len(readings) < 2:
        return line
    words = []
    for word in line.words:
        other = _same_place(word, readings[1], left - border) if _open(word) else None
        if other is not None and other.confidence > word.confidence and fold(other.text) == fold(word.text):
            word = replace(word, text=printed(other.text), confidence=other.confidence)
        words.append(word)
    return replace(line, words=tuple(words))


def _same_place(word: Word, others: Sequence[Word], shift: int) -> Word | None:
    for other in others:
        start, stop = other.box.left + shift, other.box.right + shift
        shared = min(stop, word.box.right) - max(start, word.box.left)
        if shared > 0.7 * max(stop - start, word.box.right - word.box.left):
            return other
    return None
