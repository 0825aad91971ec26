"""Tone marks mended by the company a syllable keeps: `sửa đối` is no Vietnamese, `sửa đổi` is.

At 200 dpi the hook, the tilde and the acute are a few pixels apart, and the engine is often quite sure of the
wrong one. Only the marks of a syllable may change, and only inside a fixed phrase of the field: letters, digits,
codes and names stay as read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path

from pipeline.grammar.folding import fold, nfc
from pipeline.model import Line, Word

MENDED = 0.90
"""Highest confidence of a mended word: what was read was something else."""
_AROUND = ".,;:()/\"'"


@cache
def pairs() -> dict[tuple[str, str], frozenset[tuple[str, str]]]:
    """Folded pairs of syllables to their spellings, lower case."""
    found: dict[tuple[str, str], set[tuple[str, str]]] = defaultdict(set)
    for row in (Path(__file__).parent / "phrases.txt").read_text("utf-8").splitlines():
        if not row.startswith("#"):
            words = nfc(row).split()
            for pair in pairwise(words):
                found[fold(pair[0]), fold(pair[1])].add(pair)
    return {key: frozenset(value) for key, value in found.items()}


def mend(lines: Sequence[Line]) -> tuple[Line, ...]:
    """Lines with syllables of fixed phrases spelled as in the phrase, when exactly one syllable differs."""
    flat = [word for line in lines for word in line.words]
    right = _confirmed(flat)
    mended: list[Word] = []
    for index, word in enumerate(flat):
        spelled = None if right[index] else _from_neighbours(flat, right, index)
        if spelled is not None:
            word = replace(word, text=spelled, confidence=min(word.confidence, MENDED))
        mended.append(word)
    out, start = [], 0
    for line in lines:
        out.append(replace(line, words=tuple(mended[start : start + len(line.words)])))
        start += len(line.words)
    return tuple(out)


def _confirmed(words: Sequence[Word]) -> list[bool]:
    """Which words already stand in a phrase spelled as it should be."""
    right = [False] * len(words)
    for index, (first, second) in enumerate(pairwise(words)):
        pair = (_core(first.text).lower(), _core(second.text).lower())
        if _joined(first) and pair in pairs().get((fold(pair[0]), fold(pair[1])), ()):
            right[index] = right[index + 1] = True
    return right


def _from_neighbours(words: Sequence[Word], right: Sequence[bool], index: int) -> str | None:
    """The spelling that a phrase with the word before or after asks for; None when none does, or they differ."""
    core = _core(words[index].text)
    low, folded = core.lower(), fold(core)
    if not folded.isalpha():
        return None
    asked = set()
    if index + 1 < len(words) and _joined(words[index]):
        after = _core(words[index + 1].text)
        if _no_name(core, after, certain=right[index + 1]):
            spellings = pairs().get((folded, fold(after)), ())
            asked |= {first for first, second in spellings if second == after.lower()}
    if index and _joined(words[index - 1]):
        before = _core(words[index - 1].text)
        if core.islower() or (core.isupper() and right[index - 1]):
            spellings = pairs().get((fold(before), folded), ())
            asked |= {second for first, second in spellings if first == before.lower()}
    if len(asked) != 1 or low in asked:
        return None
    wanted = next(iter(asked))
    if len(wanted) != len(core):
        return None
    cased = "".join(b.upper() if a.isupper() else b for a, b in zip(core, wanted, strict=True))
    return words[index].text.replace(core, cased, 1)


def _no_name(core: str, after: str, *, certain: bool) -> bool:
    """Whether a word can be part of a phrase, not of a name: `Văn Bàn` is a place, `văn bản` a paper.

    In capitals nothing tells them apart but the phrase running on: the next word must be in another pair.
    """
    return core.islower() or (after.islower() and core.istitle()) or (core.isupper() and certain)


def _core(text: str) -> str:
    return text.strip(_AROUND)


def _joined(word: Word) -> bool:
    """Whether a phrase may run on after this word: no full stop, colon or bracket ends it."""
    return not word.text.endswith((".", ":", ";", ")"))
