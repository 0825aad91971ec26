"""What was asked for, and the seam to who finds it: words folded and exact, in four tiers, on either database.

Tiers, best first: the words side by side with their exact tones; the words with their exact tones; side by side,
folded; folded. Within a tier shorter papers come first, since there the words are more of what they say; of one
with more than MANY hits the newest come first: words that stand everywhere tell nothing of relevance.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from sqlalchemy import Connection

from pipeline.grammar.folding import fold, one_tone_style

MANY = 1000
MOST_TERMS = 64
MOST_PIECES = 128
TIERS = 4
_TERM = re.compile(r'"([^"]*)"|(\S+)')
_PIECE = re.compile(r"[^\W_]+", re.UNICODE)


@dataclass(frozen=True, slots=True)
class Term:
    """Words that must stand side by side; of the last one only the beginning when `prefix`."""

    pieces: tuple[str, ...]
    prefix: bool


@dataclass(frozen=True, slots=True)
class Form:
    """A query in one spelling: its terms, and all their words as one run."""

    terms: tuple[Term, ...]
    run: Term

    @property
    def is_run(self) -> bool:
        """Whether the terms ask for nothing less than the run does."""
        return self.terms == (self.run,)


@dataclass(frozen=True, slots=True)
class Asked:
    """A query with the tones as typed, None when no paper has it so, and folded."""

    toned: Form | None
    folded: Form


@dataclass(frozen=True, slots=True)
class Place:
    """A hit's place in the order: by tier, then by score (0 for all where the newest come first), then by number."""

    tier: int
    newest_first: bool
    score: float
    number: int


@dataclass(frozen=True, slots=True)
class Hit:
    place: Place
    document: str
    exact: str


class Words(Protocol):
    """The words of stored documents."""

    def put(self, connection: Connection, document: str, exact: str, number: int | None) -> None:
        """Make a document findable by these words instead of those before; newer ones have higher numbers."""
        ...

    def drop(self, connection: Connection, document: str) -> int | None:
        """Make a document unfindable; its number, None when it had no words."""
        ...

    def has(self, connection: Connection, toned: Form) -> bool:
        """Whether any paper has all terms with these tones."""
        ...

    def count(self, connection: Connection, asked: Asked, tier: int) -> int:
        """How many hits a tier holds; stops counting behind MANY."""
        ...

    def hits(
        self, connection: Connection, asked: Asked, after: Place, *, dossier: str | None, limit: int
    ) -> Sequence[Hit]:
        """Hits of the tier of `after`, behind it, in order."""
        ...


def ask(query: str) -> Asked | None:
    """A query that no user input can break; None when no word is left."""
    folded, toned = _form(fold(query)), _form(one_tone_style(query))
    return Asked(toned, folded) if folded and toned else None


def pieces_of(text: str) -> list[str]:
    """The words of a text as they are indexed: letters and digits of any script, parted by everything else."""
    return _PIECE.findall(text)


def start_of(tier: int, *, newest_first: bool) -> Place:
    """Before the first hit of a tier."""
    if newest_first:
        return Place(tier, True, 0.0, (1 << 63) - 1)
    return Place(tier, False, float("-inf"), 0)


def _form(query: str) -> Form | None:
    terms: list[Term] = []
    left = MOST_PIECES
    for phrase, word in islice(_TERM.findall(unicodedata.normalize("NFC", query)), MOST_TERMS):
        pieces = tuple(pieces_of(phrase or word)[:left])
        left -= len(pieces)
        if pieces:
            terms.append(Term(pieces, word.endswith("*")))
    if not terms:
        return None
    run = tuple(piece for term in terms for piece in term.pieces)
    return Form(tuple(terms), Term(run, query.rstrip().endswith("*")))
