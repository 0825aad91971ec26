"""Search by any words, with or without diacritics, by phrase, prefix, code or number.

The words lie behind a seam (`storage/words.py`), one file for each database. Pages go by key (tier, score, number), not
by offset.
"""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Engine, select

from pipeline.errors import UsageError
from pipeline.grammar.folding import fold, fold_aligned, nfc, one_line
from storage.database import is_postgres, reading
from storage.schema import document
from storage.words import MANY, TIERS, Asked, Hit, Place, Term, Words, ask, pieces_of, start_of
from storage.words_postgres import PostgresWords
from storage.words_sqlite import SqliteWords

MOST = 1000
NAMED = -1
"""The tier above all."""
MOST_NAMED = 5
"""Papers of the number that is asked for, which stand above those that only mention it."""
BEFORE, AFTER = 40, 120
"""Signs shown before and after the start of a passage's first hit."""
MOST_HITS = 200
"""Hits of one paper that are looked at for its passage."""


def snippet(content: str, query: str) -> str:
    """The passage with most of what was asked for, as it is printed; runs of words found stand between « and »."""
    found = list(islice(_hits(content, query), MOST_HITS))
    at = _fullest(found)
    begin, end = max(0, at - BEFORE), min(len(content), at + AFTER)
    if begin:
        begin = content.find(" ", begin, at) + 1 or begin
    shown, last = "", begin
    for start, stop in _runs(content, [hit for hit in found if begin <= hit.start() and hit.end() <= end]):
        shown += f"{content[last:start]}«{content[start:stop]}»"
        last = stop
    passage = one_line(shown + content[last:end])
    return f"{'…' if begin else ''}{passage}{'…' if end < len(content) else ''}"


def _fullest(found: list[re.Match[str]]) -> int:
    """Where the first of the passages begins that hold the most different words of the query."""
    best, at = 0, 0
    for place, first in enumerate(found):
        until = first.start() + AFTER
        number = len({hit.group() for hit in islice(found, place, None) if hit.end() <= until})
        if number > best:
            best, at = number, first.start()
    return at


def _runs(content: str, found: list[re.Match[str]]) -> list[tuple[int, int]]:
    """Hits that follow each other with nothing but spaces between them are one mark."""
    runs: list[tuple[int, int]] = []
    for hit in found:
        if runs and not content[runs[-1][1] : hit.start()].strip():
            runs[-1] = runs[-1][0], hit.end()
        else:
            runs.append(hit.span())
    return runs


def _hits(content: str, query: str) -> Iterator[re.Match[str]]:
    """Terms of the query in the content, diacritics aside: a phrase as a whole, a longer word for one with a star."""
    asked = ask(nfc(query))
    if asked is None:
        return iter(())
    terms = sorted({_pattern(term) for term in asked.folded.terms}, key=len, reverse=True)
    return re.finditer(rf"(?<!\w)(?:{'|'.join(terms)})", fold_aligned(content))


def _pattern(term: Term) -> str:
    words = r"[\W_]+".join(re.escape(piece) for piece in term.pieces)
    return words + (r"\w*" if term.prefix else r"(?!\w)")


class Search:
    """Finds stored documents."""

    def __init__(self, database: Engine) -> None:
        self._database = database
        self._words = words_of(database)

    def find(
        self, query: str, *, limit: int = 20, after: str | None = None, dossier: str | None = None
    ) -> dict[str, Any]:
        """Hits in the contract's shape, best first; `next` continues behind the last one.

        Within a tier of what is shown, papers that are called so stand above those that mention it.

        `newest_first`: some stand by their age, since a tier holds more than MANY.

        Raises UsageError when `after` is no such token.
        """
        asked = ask(query)
        if asked is None:
            return {"results": [], "next": None, "newest_first": False}
        limit = min(max(limit, 1), MOST)
        place = _place(after)
        found: list[Hit] = []
        with reading(self._database) as connection:
            named = [] if place or dossier else self._named(connection, query, asked)[: limit - 1]
            above = {hit.document for hit in named}
            if asked.toned is not None and not self._words.has(connection, asked.toned):
                asked = replace(asked, toned=None)
            for tier in range(place.tier if place else 0, TIERS):
                if place is None or place.tier != tier:
                    number = self._words.count(connection, asked, tier)
                    if number == 0:
                        continue
                    place = start_of(tier, newest_first=number > MANY and dossier is None)
                wanted = limit + 1 - len(found)
                more = self._words.hits(connection, asked, place, dossier=dossier, limit=wanted + len(above))
                found += [hit for hit in more if hit.document not in above]
                if len(found) > limit:
                    break
            rest = found[: limit - len(named)]
            about = select(document.c.id, document.c.dossier, document.c.type_name, document.c.title)
            names = [hit.document for hit in (*named, *rest)]
            rows = {row.id: row for row in connection.execute(about.where(document.c.id.in_(names)))}
        titled = {
            hit.document
            for hit in rest
            if not hit.place.newest_first
            and (row := rows.get(hit.document))
            and _is_called(_name(row), asked)
        }
        shown = [*named, *sorted(rest, key=lambda hit: (hit.place.tier, hit.document not in titled))]
        return {
            "results": [
                {
                    "document": hit.document,
                    "dossier": rows[hit.document].dossier,
                    "type_name": rows[hit.document].type_name,
                    "title": rows[hit.document].title,
                    "snippet": snippet(hit.exact, query),
                    "score": _score(hit.place, titled=hit.document in titled),
                }
                for hit in shown
                if hit.document in rows
            ],
            "next": _token(rest[-1].place) if len(found) > len(rest) else None,
            "newest_first": any(hit.place.newest_first for hit in shown),
        }

    def _named(self, connection: Connection, query: str, asked: Asked) -> list[Hit]:
        """Papers whose own number is all that was asked for; a later page may show one once more, at its place."""
        number = (
            one_line(nfc(query)).strip('"').encode(errors="ignore").decode()
        )  # half a sign is in no number
        mine = select(document.c.id, document.c.dossier).where(
            document.c.number.in_({number, number.upper()}), document.c.state == "stored"
        )
        rows = connection.execute(mine.order_by(document.c.stored_at.desc()).limit(MOST_NAMED)).all()
        names = {row.id for row in rows}
        return [
            replace(hit, place=replace(hit.place, tier=NAMED))
            for code in dict.fromkeys(row.dossier for row in rows if row.dossier)
            for tier in range(TIERS)
            for hit in self._words.hits(
                connection, asked, start_of(tier, newest_first=False), dossier=code, limit=MOST
            )
            if hit.document in names
        ]


def words_of(database: Engine) -> Words:
    """The words where this database keeps them."""
    return PostgresWords() if is_postgres(database) else SqliteWords()


def _name(row: Any) -> str:
    return f"{row.type_name}, {row.title or ''}"


def _is_called(title: str, asked: Asked) -> bool:
    """Whether a paper's title says all that was asked for: it is the paper itself, not one that mentions it."""
    words = f" {' '.join(pieces_of(fold(title)))} "
    return all(
        f" {' '.join(term.pieces)}{'' if term.prefix else ' '}" in words for term in asked.folded.terms
    )


def _score(place: Place, *, titled: bool) -> float:
    """Higher is better: the tier before the point, the rank within it after, titles in the upper half."""
    within = 0.0 if place.newest_first else 1 / (1 + max(place.score, 0.0))
    return round(TIERS - 1 - place.tier + (within + titled) / 2, 4)


def _token(place: Place) -> str:
    values = [place.tier, int(place.newest_first), place.score, place.number]
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode()


def _place(token: str | None) -> Place | None:
    """Where to go on, None for the top. An old token serves as well as a new one; a damaged one raises UsageError."""
    if not token:
        return None
    damaged = UsageError(
        "this page token is damaged; copy it whole from the page before, or search without it",
        vi="Mã trang sau --after bị hỏng; hãy chép trọn mã ở cuối trang trước, hoặc tìm lại từ đầu",
    )
    try:
        tier, newest_first, score, number = json.loads(base64.urlsafe_b64decode(token))
        found = Place(int(tier), bool(newest_first), float(score), int(number))
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise damaged from error
    if found.tier not in range(TIERS) or not 0 <= found.number < 1 << 63 or not math.isfinite(found.score):
        raise damaged
    return found
