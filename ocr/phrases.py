"""Tone marks mended by the company a syllable keeps: `sửa đối` is no Vietnamese, `sửa đổi` is.

At 200 dpi the hook, the tilde and the acute are a few pixels apart, and the engine is often quite sure of the
wrong one. Only the marks of a syllable may change, and only inside a fixed phrase of the field: letters, digits,
codes and names stay as read.

What was read surely may be right: `số tài khoản` holds `số tài`, which is not `sở tài` of `sở tài nguyên`. So such a
word is mended only inside three syllables of one phrase, or a phrase that has but two; and no word is, whatever its
confidence, that stands in a pair which legal texts attest (`attested.txt`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path

from pipeline.grammar.folding import fold as fold_text
from pipeline.grammar.folding import nfc
from pipeline.model import Line, Word

MENDED = 0.90
"""Highest confidence of a mended word: what was read was something else."""
SURE = 0.90
"""Calibrated confidence from which a word is mended only where a whole phrase asks for it, not a pair out of one."""
_AROUND = ".,;:()/\"'"


Spelled = tuple[str, ...]
fold = lru_cache(maxsize=4096)(fold_text)
"""A page asks for the same syllables again and again."""


@cache
def _parts(length: int) -> dict[Spelled, frozenset[Spelled]]:
    """Runs of so many syllables out of the phrases: folded, to their spellings, lower case."""
    found: dict[Spelled, set[Spelled]] = defaultdict(set)
    for words in _listed("phrases.txt"):
        for start in range(len(words) - length + 1):
            run = words[start : start + length]
            found[tuple(map(fold, run))].add(run)
    return {key: frozenset(value) for key, value in found.items()}


def pairs() -> dict[Spelled, frozenset[Spelled]]:
    """Folded pairs of neighbouring syllables to their spellings, lower case."""
    return _parts(2)


@cache
def _whole() -> frozenset[Spelled]:
    """Phrases of two syllables."""
    return frozenset(words for words in _listed("phrases.txt") if len(words) == 2)


@cache
def _titles() -> dict[Spelled, Spelled]:
    """Two syllables that stand alone in capitals, titles of papers and signers, nobody's names; by folded ones."""
    return {tuple(map(fold, words)): words for words in _listed("titles.txt")}


@cache
def attested() -> frozenset[Spelled]:
    """Pairs that are right as they stand, though a phrase differs from them in the marks of one syllable."""
    return frozenset(_listed("attested.txt"))


def _listed(name: str) -> list[Spelled]:
    rows = (Path(__file__).parent / name).read_text("utf-8").splitlines()
    return [tuple(nfc(row).split()) for row in rows if row and not row.startswith("#")]


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
    """The spelling that the words before and after ask for; None when none do, or they differ."""
    core = _core(words[index].text)
    low = core.lower()
    if not fold(core).isalpha() or _stands(words, index):
        return None
    asked = {spelled for spelled in _of_pairs(words, right, index) if spelled != low}
    titled = {spelled for spelled in _of_titles(words, index) if spelled != low}
    if words[index].confidence >= SURE:
        asked &= _of_triples(words, index) | _of_pairs(words, right, index, only=_whole())
    asked |= titled
    if len(asked) != 1:
        return None
    wanted = next(iter(asked))
    if len(wanted) != len(core) or not _near(low, wanted):
        return None
    cased = "".join(b.upper() if a.isupper() else b for a, b in zip(core, wanted, strict=True))
    return words[index].text.replace(core, cased, 1)


def _near(read: str, wanted: str) -> bool:
    """Whether the marks of one letter differ, `ươ` being one: `do` is not read for `độ`."""
    apart = [n for n, (one, other) in enumerate(zip(read, wanted, strict=True)) if one != other]
    return len(apart) == 1 or (len(apart) == 2 and fold(read[apart[0] : apart[1] + 1]) == "uo")


def _stands(words: Sequence[Word], index: int) -> bool:
    """Whether a word as read stands in an attested pair."""
    run = [_core(word.text).lower() for word in words[max(0, index - 1) : index + 2]]
    return any(pair in attested() for pair in pairwise(run))


def _of_pairs(
    words: Sequence[Word], right: Sequence[bool], index: int, only: frozenset[Spelled] | None = None
) -> set[str]:
    """Spellings that a pair with the word before or after asks for; with `only`, one of those pairs."""
    core = _core(words[index].text)
    folded, asked = fold(core), set()
    if index + 1 < len(words) and _joined(words[index]):
        after = _core(words[index + 1].text)
        if _no_name(core, after, certain=right[index + 1]):
            spellings = pairs().get((folded, fold(after)), frozenset())
            asked |= {s for s in spellings if s[1] == after.lower()}
    taken = {s[0] for s in asked if only is None or s in only}
    if index and _joined(words[index - 1]):
        before = _core(words[index - 1].text)
        if core.islower() or (core.isupper() and right[index - 1]):
            spellings = pairs().get((fold(before), folded), frozenset())
            taken |= {s[1] for s in spellings if s[0] == before.lower() and (only is None or s in only)}
    return taken


def _of_titles(words: Sequence[Word], index: int) -> set[str]:
    """Spellings that a title in capitals asks for, its other syllable as it should be."""
    asked = set()
    for start in (index - 1, index):
        if start < 0 or start + 1 >= len(words) or not _joined(words[start]):
            continue
        cores = [_core(word.text) for word in words[start : start + 2]]
        if all(map(str.isupper, cores)):
            run = tuple(core.lower() for core in cores)
            spelled = _titles().get(tuple(map(fold, run)), run)
            at = index - start
            if spelled[1 - at] == run[1 - at]:
                asked.add(spelled[at])
    return asked


def _of_triples(words: Sequence[Word], index: int) -> set[str]:
    """Spellings that three syllables of one phrase ask for, the other two as the phrase has them."""
    asked = set()
    for start in range(max(0, index - 2), min(index, len(words) - 3) + 1):
        window = words[start : start + 3]
        run = tuple(_core(word.text).lower() for word in window)
        if all(map(_joined, window[:2])):
            at = index - start
            for spelled in _parts(3).get(tuple(map(fold, run)), ()):
                if all(
                    one == other for n, (one, other) in enumerate(zip(run, spelled, strict=True)) if n != at
                ):
                    asked.add(spelled[at])
    return asked


def _no_name(core: str, after: str, *, certain: bool) -> bool:
    """Whether a word can be part of a phrase, not of a name: `Văn Bàn` is a place, `văn bản` a paper.

    In capitals nothing tells them apart but the phrase running on: the next word must be in another pair.
    """
    return core.islower() or (after.islower() and core.istitle()) or (core.isupper() and certain)


def _core(text: str) -> str:
    return text.strip(_AROUND)


def _joined(word: Word) -> bool:
    """Whether a phrase may run on after this word: no stop, comma, colon or bracket ends it."""
    return not word.text.endswith((".", ",", ":", ";", ")"))
