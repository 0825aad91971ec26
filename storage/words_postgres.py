"""Words in PostgreSQL: its `tsvector` with a GIN index, filled with words and pairs of neighbouring words by us.

Its parser would take codes for paths and numbers for signs, and a GIN index knows no places, so that a phrase of
frequent words would be looked up in every row that holds them. With the pairs as lexemes of their own (`=a b`) a
phrase is a few lookups; one of three words and more is checked against the text.

A GIN index gathers all rows that have a word before it gives the first: at a million papers that alone is the second.
So every lexeme begins with the number of its block, 16,384 papers that came one after another (`7f:dat`, `7f=quyet
dinh`), and blocks are asked one by one until there is enough: frequent words cost one block, rare ones some sixty
lookups. A beginning of one or two letters is a lexeme too (`7f^qu`), else `n*` would gather every word of n. Folded (f)
and toned (t) lexemes stand in one `tsvector`, so that "folded, but not with these tones" is told by the index alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

from sqlalchemy import Connection, text

from pipeline.grammar.folding import fold
from storage.words import MANY, Asked, Form, Hit, Place, Term, pieces_of

BLOCK_BITS = 14
BEGINNING = 2
"""Letters of a beginning that stands in the index of its own."""
LONGEST = 200
"""Letters of a word that count; what is longer is noise of the reader."""
ROOM = 900_000
"""Bytes of one `tsvector`, below PostgreSQL's limit of 1 MB: of a huge document the last pairs are left out."""

_AT_BLOCK = "%"
"""Stands for the block in a query; no word has it."""
_BLOCKS = "select block from generate_series(cast(:low as bigint), cast(:high as bigint)) block"
_BLOCKS_OF_DOSSIER = """
    select distinct w.number >> {bits} as block from document_words w join document d on d.id = w.document
    where d.dossier = :dossier
"""
# "+ 0" keeps the index of the key out of it: along that, every row would be opened to look for the words
# (11 s among 200,000 papers).
_FOUND = """
    from ({blocks}) b cross join lateral (
        select w.number + 0 as number, w.size from document_words w
        where w.lexemes @@ cast(replace(:query, '{mark}', b.block::text) as tsquery) {only}
    ) f
"""
_SHOWN = """
    select s.number, s.score, w.document, w.exact from shown s join document_words w on w.number = s.number
"""
_SHORTEST = (
    "with shown as materialized (select f.number, f.size as score {found} "
    "where (f.size, f.number) > (:score, :number) order by f.size, f.number limit :limit)"
    f"{_SHOWN} order by s.score, s.number"
)
_NEWEST = (
    "with shown as materialized (select f.number, 0 as score {found} "
    "where f.number < :number order by f.number desc limit :limit)"
    f"{_SHOWN} order by s.number desc"
)
_ONLY = "and w.document in (select d.id from document d where d.dossier = :dossier)"
FOLDED, TONED = "f", "t"


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
        values = {"query": _all(toned.terms, TONED), "low": 0, "high": _newest_block(connection)}
        return connection.execute(text(f"select 1 {_found()} limit 1"), values).first() is not None

    def count(self, connection: Connection, asked: Asked, tier: int) -> int:
        query = _tier(asked, tier)
        if query is None:
            return 0
        values = {"query": query, "low": 0, "high": _newest_block(connection), "most": MANY + 1}
        counted = text(f"select count(*) from (select 1 {_found()} limit :most) s")
        return int(connection.execute(counted, values).scalar_one())

    def hits(
        self, connection: Connection, asked: Asked, after: Place, *, dossier: str | None, limit: int
    ) -> Sequence[Hit]:
        query = _tier(asked, after.tier)
        if query is None:
            return ()
        shown = (_NEWEST if after.newest_first else _SHORTEST).format(found=_found(of_dossier=bool(dossier)))
        phrases = [term for term in asked.folded.terms if len(term.pieces) > 2]
        newest = _newest_block(connection)
        found: list[Hit] = []
        for low, high in _spans(after, newest) if not dossier else [(0, newest)]:
            while True:
                rows = connection.execute(
                    text(shown),
                    {
                        "query": query, "score": max(after.score, -1), "number": after.number,
                        "low": low, "high": high, "dossier": dossier, "limit": limit,
                    },
                ).all()  # fmt: skip
                for one in rows:
                    after = Place(after.tier, after.newest_first, float(one.score), one.number)
                    if all(_holds(one.exact, phrase) for phrase in phrases):
                        found.append(Hit(after, one.document, one.exact))
                if len(found) >= limit:
                    return found[:limit]
                if len(rows) < limit:
                    break
        return found


def _newest_block(connection: Connection) -> int:
    """The block of the newest paper; from here on the transaction finds by index only.

    Where the first few hits are enough the planner would read the table from its start, as if opening a `tsvector`
    that lies outside its row cost nothing: seconds instead of milliseconds.
    """
    newest = f"(select coalesce(max(number), 0) >> {BLOCK_BITS} from document_words)"
    query = text(f"select set_config('enable_seqscan', 'off', true), {newest} as block")
    return int(connection.execute(query).one().block)


def _spans(after: Place, newest: int) -> Iterator[tuple[int, int]]:
    """Blocks to ask together: all where the shortest come first; else from the newest down, twice as many each time."""
    if not after.newest_first:
        yield 0, newest
        return
    high, several = min(newest, after.number >> BLOCK_BITS), 1
    while high >= 0:
        low = max(0, high - several + 1)
        yield low, high
        high, several = low - 1, several * 2


def _found(*, of_dossier: bool = False) -> str:
    """Numbers and sizes of what `:query` finds, block by block."""
    blocks = _BLOCKS_OF_DOSSIER.format(bits=BLOCK_BITS) if of_dossier else _BLOCKS
    return _FOUND.format(blocks=blocks, mark=_AT_BLOCK, only=_ONLY if of_dossier else "")


INSERT = text(
    "insert into document_words (number, document, exact, size, lexemes) values "
    "(:number, :document, :exact, :size, array_to_tsvector(:lexemes))"
)


def row(document: str, exact: str, number: int) -> dict[str, object]:
    """The values of one row."""
    folded = _words(fold(exact))
    return {
        "number": number,
        "document": document,
        "exact": exact,
        "size": len(folded),
        "lexemes": lexemes({FOLDED: folded, TONED: _words(exact.casefold())}, number >> BLOCK_BITS),
    }


def lexemes(forms: Mapping[str, Sequence[str]], block: int) -> list[str]:
    """In each form every word, every beginning, then every pair of neighbours, once; no more than PostgreSQL takes."""
    found: list[str] = []
    for form, words in forms.items():
        each = dict.fromkeys(words)
        found += [_word(f"{block}{form}", one) for one in each]
        short = (one[:letters] for one in each for letters in range(1, BEGINNING + 1))
        found += [_beginning(f"{block}{form}", one) for one in dict.fromkeys(short)]
    for form, words in forms.items():
        found += [_pair(f"{block}{form}", *two) for two in dict.fromkeys(pairwise(words))]
    room = ROOM
    for place, one in enumerate(found):
        room -= len(one.encode()) + 8
        if room < 0:
            return found[:place]
    return found


def _tier(asked: Asked, tier: int) -> str | None:
    """The `tsquery` of what is in a tier and in none above; None for one that must be empty."""
    form, name = (asked.toned, TONED) if tier < 2 else (asked.folded, FOLDED)
    if form is None or (tier % 2 == 1 and form.is_run):
        return None
    run = _all([form.run], name)
    query = run if tier % 2 == 0 else f"{_all(form.terms, name)} & !({run})"
    if tier >= 2 and asked.toned is not None:
        return f"{query} & !({_all(asked.toned.terms, TONED)})"
    return query


def _all(terms: Iterable[Term], form: str) -> str:
    """A `tsquery` for all terms; the lexemes are letters and digits, so nothing in them needs escaping."""
    head = f"{_AT_BLOCK}{form}"
    parts: list[str] = []
    for term in terms:
        words = [piece.casefold()[:LONGEST] for piece in term.pieces]
        if term.prefix and len(words) == 1 and len(words[0]) <= BEGINNING:
            parts.append(f"'{_beginning(head, words[0])}'")
            continue
        asked = [_pair(head, *two) for two in pairwise(words)] or [_word(head, words[0])]
        parts += [f"'{one}'" for one in asked[:-1]]
        parts.append(f"'{asked[-1]}'{':*' if term.prefix else ''}")
    return " & ".join(dict.fromkeys(parts))


def _word(head: str, word: str) -> str:
    return f"{head}:{word}"


def _beginning(head: str, letters: str) -> str:
    return f"{head}^{letters}"


def _pair(head: str, left: str, right: str) -> str:
    return f"{head}={left} {right}"


def _words(line: str) -> list[str]:
    return [piece[:LONGEST] for piece in pieces_of(line)]


def _holds(exact: str, phrase: Term) -> bool:
    """Whether the folded words stand side by side in a text, in their order."""
    wanted = " ".join(piece[:LONGEST] for piece in phrase.pieces)
    return f" {wanted}{'' if phrase.prefix else ' '}" in f" {' '.join(_words(fold(exact)))} "


__all__ = ["BEGINNING", "BLOCK_BITS", "INSERT", "PostgresWords", "lexemes", "row"]
