"""Words in PostgreSQL: its `tsvector` with a GIN index, filled with words and pairs of neighbouring words by us.

Its parser would take codes for paths and numbers for signs, and a GIN index knows no places, so that a phrase of
frequent words would be looked up in every row that holds them. With the pairs as lexemes of their own (`=a b`) a
phrase is a few lookups; one of three words and more is checked against the text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from sqlalchemy import Connection, text

from pipeline.grammar.folding import fold
from storage.words import MANY, Asked, Form, Hit, Place, Term, pieces_of

LONGEST = 200
"""Letters of a word that count; what is longer is noise of the reader."""
ROOM = 900_000
"""Bytes of one `tsvector`, below PostgreSQL's limit of 1 MB: of a huge document the last pairs are left out."""

_SHORTEST = """
    select w.number, w.size as score, w.document, w.exact from document_words w
    where {tier} {only} and (w.size, w.number) > (:score, :number) order by w.size, w.number limit :limit
"""
_NEWEST = """
    select w.number, 0 as score, w.document, w.exact from document_words w
    where {tier} {only} and w.number < :number order by w.number desc limit :limit
"""
_ONLY = "and w.document in (select d.id from document d where d.dossier = :dossier)"
_TIERS = (
    "w.toned @@ cast(:toned_run as tsquery)",
    "w.toned @@ cast(:toned_scattered as tsquery)",
    "w.folded @@ cast(:folded_run as tsquery)",
    "w.folded @@ cast(:folded_scattered as tsquery)",
)
_NOT_TONED = " and not w.toned @@ cast(:toned as tsquery)"


class PostgresWords:
    """One row a document."""

    def put(self, connection: Connection, document: str, exact: str, number: int | None) -> None:
        self.drop(connection, document)
        if number is None:
            newest = text("select coalesce(max(number), 0) + 1 from document_words")
            number = connection.execute(newest).scalar_one()
        connection.execute(INSERT, row(document, exact, int(number)))

    def drop(self, connection: Connection, document: str) -> int | None:
        gone = text("delete from document_words where document = :d returning number")
        number: int | None = connection.execute(gone, {"d": document}).scalar()
        return number

    def has(self, connection: Connection, toned: Form) -> bool:
        query = text("select 1 from document_words w where w.toned @@ cast(:toned as tsquery) limit 1")
        return connection.execute(query, {"toned": _all(toned.terms)}).first() is not None

    def count(self, connection: Connection, asked: Asked, tier: int) -> int:
        where = _tier(asked, tier)
        if where is None:
            return 0
        query = f"select count(*) from (select 1 from document_words w where {where} limit :most) s"
        return int(connection.execute(text(query), {**_queries(asked), "most": MANY + 1}).scalar_one())

    def hits(
        self, connection: Connection, asked: Asked, after: Place, *, dossier: str | None, limit: int
    ) -> Sequence[Hit]:
        where = _tier(asked, after.tier)
        if where is None:
            return ()
        query = text(
            (_NEWEST if after.newest_first else _SHORTEST).format(tier=where, only=_ONLY if dossier else "")
        )
        phrases = [term for term in asked.folded.terms if len(term.pieces) > 2]
        found: list[Hit] = []
        while True:
            rows = connection.execute(
                query,
                {
                    **_queries(asked), "score": max(after.score, -1), "number": after.number,
                    "dossier": dossier, "limit": limit,
                },
            ).all()  # fmt: skip
            for one in rows:
                after = Place(after.tier, after.newest_first, float(one.score), one.number)
                if all(_holds(one.exact, phrase) for phrase in phrases):
                    found.append(Hit(after, one.document, one.exact))
            if len(rows) < limit or len(found) >= limit:
                return found[:limit]


INSERT = text(
    "insert into document_words (number, document, exact, size, folded, toned) values "
    "(:number, :document, :exact, :size, array_to_tsvector(:folded), array_to_tsvector(:toned))"
)


def row(document: str, exact: str, number: int) -> dict[str, object]:
    """The values of one row."""
    toned, folded = _words(exact.casefold()), _words(fold(exact))
    return {
        "number": number,
        "document": document,
        "exact": exact,
        "size": len(folded),
        "folded": lexemes(folded),
        "toned": lexemes(toned),
    }


def lexemes(words: Sequence[str]) -> list[str]:
    """Each word, and each pair of neighbours, once; no more than PostgreSQL takes."""
    found: dict[str, None] = {}
    room = ROOM
    for one in (*words, *(_pair(*two) for two in pairwise(words))):
        if one not in found:
            room -= len(one.encode()) + 8
            if room < 0:
                break
            found[one] = None
    return list(found)


def _tier(asked: Asked, tier: int) -> str | None:
    """The condition of what is in a tier and in none above; None for one that must be empty."""
    form = asked.toned if tier < 2 else asked.folded
    if form is None or (tier % 2 == 1 and form.is_run):
        return None
    return _TIERS[tier] + (_NOT_TONED if tier >= 2 and asked.toned is not None else "")


def _queries(asked: Asked) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, form in (("toned", asked.toned), ("folded", asked.folded)):
        if form is not None:
            every, run = _all(form.terms), _all([form.run])
            found |= {name: every, f"{name}_run": run, f"{name}_scattered": f"({every}) & !({run})"}
    return found


def _all(terms: Iterable[Term]) -> str:
    """A `tsquery` for all terms; the lexemes are letters and digits, so nothing in them needs escaping."""
    parts: list[str] = []
    for term in terms:
        words = [piece.casefold()[:LONGEST] for piece in term.pieces]
        lexeme = [_pair(*two) for two in pairwise(words)] or words
        parts += [f"'{one}'" for one in lexeme[:-1]]
        parts.append(f"'{lexeme[-1]}'{':*' if term.prefix else ''}")
    return " & ".join(dict.fromkeys(parts))


def _pair(left: str, right: str) -> str:
    return f"={left} {right}"


def _words(line: str) -> list[str]:
    return [piece[:LONGEST] for piece in pieces_of(line)]


def _holds(exact: str, phrase: Term) -> bool:
    """Whether the folded words stand side by side in a text, in their order."""
    wanted = " ".join(piece[:LONGEST] for piece in phrase.pieces)
    return f" {wanted}{'' if phrase.prefix else ' '}" in f" {' '.join(_words(fold(exact)))} "


__all__ = ["INSERT", "PostgresWords", "lexemes", "row"]
