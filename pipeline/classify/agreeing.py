"""Papers of one stack name the same persons: where two readings of one name or number nearly agree, neither is claimed.

A word that is rare is misread alike on a whole page with all confidence (`Mỵ` as `My`), but seldom alike on another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rapidfuzz.distance import Levenshtein

from pipeline.classify.passages import letters
from pipeline.grammar.folding import compact
from pipeline.model import Field, Paper

WORDS, NUMBER = ("owner", "address"), "owner_id"
NEAR = 3  # figures in which two readings of one number differ


def told_alike(papers: Sequence[Paper]) -> tuple[Paper, ...]:
    """The papers, with what others of them contradict made doubtful."""
    every = [field for paper in papers for field in paper.fields if field.name in (*WORDS, NUMBER)]
    return tuple(
        replace(paper, fields=tuple(_weighed(field, every) for field in paper.fields)) for paper in papers
    )


def _weighed(field: Field, every: Sequence[Field]) -> Field:
    against = any(_nearly(field, other) for other in every if other.name == field.name)
    return replace(field, doubtful=True) if against and not field.doubtful else field


def _nearly(one: Field, other: Field) -> bool:
    """Whether two readings may be of the same thing, and are not the same."""
    if one.name == NUMBER:
        return 0 < Levenshtein.distance(one.value, other.value) <= NEAR
    same = compact(one.value) == compact(other.value)
    return same and letters(one.value) != letters(other.value)
