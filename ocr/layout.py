"""Reading order of Vietnamese papers, and lines that are none: seal lettering, specks, rules."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import replace

from pipeline.grammar.folding import nfc
from pipeline.model import Line, Word


def tidy(lines: Sequence[Line]) -> tuple[Line, ...]:
    """NFC text, words without any letter or digit of low confidence dropped, empty lines dropped."""
    kept: list[Line] = []
    for line in lines:
        words = tuple(replace(word, text=nfc(word.text)) for word in line.words if _is_word(word))
        if words and any(_meaningful(word.text) for word in words):
            kept.append(replace(line, words=words))
    return tuple(kept)


def _meaningful(text: str) -> bool:
    return any(unicodedata.category(sign)[0] in "LN" for sign in text)


def _is_word(word: Word) -> bool:
    if _meaningful(word.text):
        return word.confidence > 0.25 or len(word.text) > 3
    return word.confidence > 0.6
