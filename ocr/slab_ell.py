"""The small `l` of code faces: a hook at its top left and a wide foot, read as `t` or `L` (`làm` as `tàm`).

Both are syllables of the language, so no lexicon can tell; the print does. A `t` has a bar across at the height of
small letters, an `L` nothing at its top, an `l` a hook at the top, a bare stem and a foot.
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
from pipeline.grammar.folding import fold
from pipeline.model import Box, Line, Word

Pixels = npt.NDArray[np.uint8]
BARE, WIDE = 1.6, 1.8
"""Times the width of the stem: at most, of the ink between hook and foot; at least, of the hook and of the foot."""
LEAST_PIXELS = 12
_READ = re.compile(r"[tL][aeiouy][^A-Z\d]*")
"""What an `l` may be read as: `th` and `tr` cannot come from it."""


def mend_ells(part: Callable[[Box], Pixels], lines: Sequence[Line]) -> tuple[Line, ...]:
    """Lines whose words begin with `l` where that is what is printed; `part` gives a part of the page."""
    return each_word(lines, lambda word: _mended(part, word))


def fold_first(text: str) -> str:
    """The word with its second letter bare of marks, its first as it is."""
    return text[:1] + fold(text[1:2]) + text[2:]


def _mended(part: Callable[[Box], Pixels], word: Word) -> Word:
    if not _READ.fullmatch(fold_first(word.text)) or not is_ell(part(word.box)):
        return word
    return replace(word, text="l" + word.text[1:])


def is_ell(grey: Pixels) -> bool:
    """Whether the first letter of a printed word has a hook at its top left, a bare stem and a foot."""
    labels, facts = pieces_of(grey)
    count = len(facts)
    if count < 2:
        return False
    tall = facts[1:, cv2.CC_STAT_HEIGHT].max()
    letters = [n for n in range(1, count) if facts[n, cv2.CC_STAT_HEIGHT] > 0.5 * tall]
    first = min(letters, key=lambda n: facts[n, cv2.CC_STAT_LEFT])
    left, top, wide, high = (int(facts[first, n]) for n in range(4))
    if high < LEAST_PIXELS or wide > 0.8 * high:
        return False
    sign = labels[top : top + high, left : left + wide] == first
    ink_wide = sign.sum(axis=1)
    stem = float(np.median(ink_wide[int(0.2 * high) : int(0.8 * high)]))
    if stem < 1:
        return False
    hook, foot = ink_wide[: max(1, round(0.15 * high))].max(), ink_wide[round(0.85 * high) :].max()
    hook_left = int(np.argmax(sign[: max(2, round(0.12 * high))].any(axis=0)))
    stem_left = int(np.argmax(sign[high // 2]))
    bare = ink_wide[int(0.22 * high) : int(0.75 * high)].max() <= BARE * stem
    return bool(bare and hook >= WIDE * stem and foot >= WIDE * stem and stem_left - hook_left >= 0.6 * stem)
