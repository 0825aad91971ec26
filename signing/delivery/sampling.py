"""What a random sample says of all: exact, from the hypergeometric distribution (drawing without putting back).

With nothing found, it is the "rule of three" made exact: Hanley and Lippman-Hand, JAMA 249 (1983) 1743; the bound for
finite populations after Buonaccorsi, The American Statistician 41 (1987) 215.
"""

from __future__ import annotations

import math
import random

CONFIDENCE = 0.95


def draw(population: int, size: int, seed: int) -> list[int]:
    """Positions (from 0, ascending) of a sample without repetition; the same seed gives the same."""
    return sorted(random.Random(seed).sample(range(population), min(size, population)))


def most_damaged(population: int, size: int, found: int, *, confidence: float = CONFIDENCE) -> int:
    """The most that may be damaged in all, at that confidence, when `found` of `size` drawn are."""
    if size >= population:
        return found
    low, high = found, population - (size - found)
    while low < high:
        middle = (low + high + 1) // 2
        if _at_most(found, population, middle, size) > 1 - confidence:
            low = middle
        else:
            high = middle - 1
    return low


def statement(population: int, size: int, found: int) -> tuple[str, str]:
    """The sentence that the sample supports, in Vietnamese and in English."""
    if size >= population:
        return (
            f"Đã kiểm tra tất cả {population} tệp: {found} tệp không đạt.",
            f"All {population} files were checked: {found} failed.",
        )
    most = most_damaged(population, size, found)
    share = math.ceil(most / population * 100_000) / 1000
    return (
        f"Mẫu ngẫu nhiên {size}/{population} tệp, {found} tệp không đạt: với độ tin cậy 95 %, không quá {most} tệp "
        f"({share:g} %) của cả đợt không đạt.".replace(f"({share:g}", f"(≤ {share:g}".replace(".", ",")),
        f"Random sample of {size} of {population} files, {found} failed: with 95 % confidence no more than {most} "
        f"files (≤ {share:g} %) of the whole fail.",
    )


def size_for(population: int, share: float, *, confidence: float = CONFIDENCE) -> int:
    """The smallest sample that, with nothing found, supports that no more than `share` of all is damaged."""
    allowed = math.floor(share * population)
    low, high = 0, population
    while low < high:
        middle = (low + high) // 2
        if most_damaged(population, middle, 0, confidence=confidence) <= allowed:
            high = middle
        else:
            low = middle + 1
    return low


def _at_most(found: int, population: int, damaged: int, size: int) -> float:
    """Chance of drawing no more than `found` damaged ones."""
    terms = [_log_chance(drawn, population, damaged, size) for drawn in range(found + 1)]
    return math.fsum(math.exp(term) for term in terms if term is not None)


def _log_chance(drawn: int, population: int, damaged: int, size: int) -> float | None:
    if drawn > damaged or size - drawn > population - damaged:
        return None
    return (
        _log_choose(damaged, drawn)
        + _log_choose(population - damaged, size - drawn)
        - _log_choose(population, size)
    )


def _log_choose(total: int, part: int) -> float:
    return math.lgamma(total + 1) - math.lgamma(part + 1) - math.lgamma(total - part + 1)


def seeds() -> int:
    """A fresh seed, to be told with the result."""
    return random.SystemRandom().randrange(1 << 31)
