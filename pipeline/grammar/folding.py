"""Vietnamese text made comparable: NFC, one Đ, one tone-mark style, and a folded form without diacritics."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_SPACES = re.compile(r"\s+")
_NOT_WORD = re.compile(r"[^0-9a-z]+")
_TONES = {"\u0300", "\u0301", "\u0303", "\u0309", "\u0323"}
# The open diphthongs whose tone mark the old style sets on the first letter and the new one on the second.
_OPEN_PAIRS = ("oa", "oe", "uy")


def nfc(text: str) -> str:
    """NFC, with the Icelandic Ð (U+00D0) that some fonts and OCR give turned into Đ (U+0110)."""
    return unicodedata.normalize("NFC", text).replace("\u00d0", "\u0110").replace("\u00f0", "\u0111")


def fold(text: str) -> str:
    """Lower case without any diacritics, đ as d; every other letter or sign stays."""
    decomposed = unicodedata.normalize("NFD", nfc(text).replace("đ", "d").replace("Đ", "D"))
    return "".join(sign for sign in decomposed if not unicodedata.combining(sign)).casefold()


def fold_aligned(text: str) -> str:
    """Like `fold`, but of exactly the length of NFC `text`, so that offsets in one hold in the other."""
    return "".join(_fold_sign(sign) for sign in text)


@lru_cache(maxsize=4096)
def _fold_sign(sign: str) -> str:
    return (fold(sign) or " ")[0]


def fold_words(text: str) -> str:
    """Folded text with letters and digits only, words parted by one space: for comparing headlines."""
    return _NOT_WORD.sub(" ", fold(text)).strip()


def compact(text: str) -> str:
    """Folded letters and digits without any space: OCR drops and invents spaces."""
    return _NOT_WORD.sub("", fold(text))


def one_line(text: str) -> str:
    """White space of any kind as single spaces."""
    return _SPACES.sub(" ", text).strip()


def one_tone_style(text: str) -> str:
    """The tone mark of open oa, oe, uy moved to the second letter, so that `hòa` and `hoà` compare equal.

    Both styles are in use (Quyết định 240/QĐ 1984 of the Ministry of Education against older practice).
    `quý` stays: there the u belongs to the consonant.
    """
    return nfc(re.sub(r"[^\W\d_]+", lambda found: _move_tone(found.group()), nfc(text)))


@lru_cache(maxsize=1 << 16)
def _move_tone(word: str) -> str:
    letters = [unicodedata.normalize("NFD", sign) for sign in word]
    if len(letters) < 2:
        return word
    first, second = letters[-2], letters[-1]
    pair = (first[0] + second[0]).lower()
    marks = [mark for mark in first[1:] if mark in _TONES]
    after_q = len(letters) > 2 and letters[-3][0].lower() == "q"
    if pair not in _OPEN_PAIRS or not marks or len(first) != 2 or len(second) != 1 or after_q:
        return word
    return "".join([*letters[:-2], first[0], second[0] + marks[0]])
