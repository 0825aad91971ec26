"""Words in SQLite's FTS5. Its own folding leaves đ alone, so words stand twice: folded by us, and exact."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, text

from pipeline.grammar.folding import fold
from storage.words import MANY, Asked, Form, Hit, Place, Term, pieces_of

_SHORTEST = """
    with hits as materialized (
        select w.rowid as number from document_words w where document_words match :match {only}
    ), shown as (
        select r.number, r.size as score from hits h join words_row r on r.number = h.number
        where (r.size, r.number) > (:score, :number) order by r.size, r.number limit :limit
    )
    select s.number, s.score, w.document, w.exact from shown s
    join document_words w on w.rowid = s.number order by s.score, s.number
"""
_NEWEST = """
    with shown as (
        select w.rowid as number from document_words w
        where document_words match :match and w.rowid < :number {only} order by w.rowid desc limit :limit
    )
    select s.number, 0.0 as score, w.document, w.exact from shown s
    join document_words w on w.rowid = s.number order by s.number desc
"""
_ONLY = """
    and +w.rowid in (
        select r.number from words_row r join document d on d.id = r.document where d.dossier = :dossier
    )
"""


class SqliteWords:
    """One row of FTS5 a document, its number kept beside it: FTS5 finds by words and by number only."""

    def put(self, connection: Connection, document: str, exact: str, number: int | None) -> None:
        self.drop(connection, document)
        folded = fold(exact)
        values = {"d": document, "n": number, "s": len(pieces_of(folded)), "f": folded, "e": exact}
        if number is None:
            newest = text("select coalesce(max(number), 0) + 1 from words_row")
            values["n"] = connection.execute(newest).scalar_one()
        connection.execute(text("insert into words_row (document, number, size) values (:d, :n, :s)"), values)
        connection.execute(
            text("insert into document_words (rowid, document, folded, exact) values (:n, :d, :f, :e)"),
            values,
        )

    def drop(self, connection: Connection, document: str) -> int | None:
        gone = text("delete from words_row where document = :d returning number")
        number: int | None = connection.execute(gone, {"d": document}).scalar()
        if number is not None:
            connection.execute(text("delete from document_words where rowid = :n"), {"n": number})
        return number

    def has(self, connection: Connection, toned: Form) -> bool:
        query = text("select 1 from document_words where document_words match :match limit 1")
        return connection.execute(query, {"match": _all(toned, "exact")}).first() is not None

    def count(self, connection: Connection, asked: Asked, tier: int) -> int:
        match = _tier(asked, tier)
        if match is None:
            return 0
        query = text(
            "select count(*) from (select 1 from document_words where document_words match :match limit :most)"
        )
        return int(connection.execute(query, {"match": match, "most": MANY + 1}).scalar_one())

    def hits(
        self, connection: Connection, asked: Asked, after: Place, *, dossier: str | None, limit: int
    ) -> Sequence[Hit]:
        match = _tier(asked, after.tier)
        if match is None:
            return ()
        query = (_NEWEST if after.newest_first else _SHORTEST).format(only=_ONLY if dossier else "")
        values = {
            "match": match, "score": after.score, "number": after.number, "dossier": dossier, "limit": limit,
        }  # fmt: skip
        return [
            Hit(Place(after.tier, after.newest_first, row.score, row.number), row.document, row.exact)
            for row in connection.execute(text(query), values)
        ]


def _tier(asked: Asked, tier: int) -> str | None:
    """The match expression of what is in a tier and in none above; None for one that must be empty."""
    form, column = (asked.toned, "exact") if tier < 2 else (asked.folded, "folded")
    if form is None:
        return None
    run, every = _side_by_side(form.run, column), _all(form, column)
    if tier % 2 == 0:
        match = run
    elif form.is_run:
        return None
    else:
        match = f"(({every}) NOT {run})"
    if tier >= 2 and asked.toned is not None:
        return f"{match} NOT ({_all(asked.toned, 'exact')})"
    return match


def _all(form: Form, column: str) -> str:
    return " AND ".join(_side_by_side(term, column) for term in form.terms)


def _side_by_side(term: Term, column: str) -> str:
    return f'{column} : "{" ".join(term.pieces)}"{"*" if term.prefix else ""}'
