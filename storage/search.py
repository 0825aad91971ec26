"""Search by any words, with or without diacritics, by phrase, prefix, code or number (SQLite FTS5).

FTS5's own folding leaves đ alone, so words stand twice: folded by us, and exact. Hits with the exact tones
rank above folded ones, words side by side above scattered ones; pages go by key (tier, score, row), not by offset.
"""

from __future__ import annotations

import base64
import json
import re
import unicodedata
from collections.abc import Iterator
from itertools import islice
from typing import Any

from sqlalchemy import Engine, text

from pipeline.grammar.folding import fold, fold_aligned, nfc, one_line, one_tone_style
from storage.database import reading

MOST = 1000
MOST_TERMS = 64
BEFORE, AFTER = 40, 120
"""Signs shown before and after the start of the first hit."""
TIERS = 4
_TERM = re.compile(r'"([^"]*)"|(\S+)')
_PIECE = re.compile(r"[^\W_]+", re.UNICODE)

_QUERY = text(
    """
    with hits as (
        select w.rowid as row, w.document, w.exact,
               bm25(document_words, 0, 1, 1) as score,
               case when w.rowid in (select rowid from document_words where document_words match :exact_run) then 0
                    when w.rowid in (select rowid from document_words where document_words match :exact) then 1
                    when w.rowid in (select rowid from document_words where document_words match :folded_run) then 2
                    else 3 end as tier
        from document_words w where document_words match :folded
    )
    select h.*, d.dossier, d.type_name, d.title from hits h join document d on d.id = h.document
    where (:tier is null or (h.tier, h.score, h.row) > (:tier, :score, :row))
      and (:dossier is null or d.dossier = :dossier)
    order by h.tier, h.score, h.row limit :limit
    """
)


def fts_query(query: str, column: str) -> str | None:
    """A match expression on one column that no user input can break; None when no word is left."""
    parts = []
    for phrase, word in islice(_TERM.findall(unicodedata.normalize("NFC", query)), MOST_TERMS):
        pieces = _PIECE.findall(phrase or word)
        if pieces:
            prefix = "*" if word.endswith("*") else ""
            parts.append(f'{column} : "{" ".join(pieces)}"{prefix}')
    return " AND ".join(parts) or None


def run_query(query: str, column: str) -> str:
    """The same words side by side, in their order."""
    star = "*" if query.rstrip().endswith("*") else ""
    return f'{column} : "{" ".join(_PIECE.findall(unicodedata.normalize("NFC", query)))}"{star}'


def snippet(content: str, query: str) -> str:
    """The passage around the first hit as it is printed, the words found between « and »."""
    found = list(islice(_hits(content, query), MOST_TERMS))
    at = found[0].start() if found else 0
    begin, end = max(0, at - BEFORE), min(len(content), at + AFTER)
    if begin:
        begin = content.find(" ", begin, at) + 1 or begin
    shown, last = "", begin
    for hit in found:
        if hit.end() <= end:
            shown += f"{content[last : hit.start()]}«{content[hit.start() : hit.end()]}»"
            last = hit.end()
    passage = one_line(shown + content[last:end])
    return f"{'…' if begin else ''}{passage}{'…' if end < len(content) else ''}"


def _hits(content: str, query: str) -> Iterator[re.Match[str]]:
    """Words of the query in the content, diacritics aside; longer words when one ends with a star."""
    terms = sorted({fold(piece) for piece in _PIECE.findall(nfc(query))}, key=len, reverse=True)[:MOST_TERMS]
    if not terms:
        return iter(())
    any_of, more = "|".join(re.escape(term) for term in terms), r"\w*" if "*" in query else r"(?!\w)"
    return re.finditer(rf"(?<!\w)(?:{any_of}){more}", fold_aligned(content))


class Search:
    """Finds stored documents."""

    def __init__(self, database: Engine) -> None:
        self._database = database

    def find(
        self, query: str, *, limit: int = 20, after: str | None = None, dossier: str | None = None
    ) -> dict[str, Any]:
        """Hits in the contract's shape, best first; `next` continues behind the last one."""
        folded = fts_query(fold(query), "folded")
        exact = fts_query(one_tone_style(query), "exact")
        if folded is None or exact is None:
            return {"results": [], "next": None}
        limit = min(max(limit, 1), MOST)
        tier, score, row = _cursor(after)
        values = {
            "folded": folded, "exact": exact,
            "folded_run": run_query(fold(query), "folded"),
            "exact_run": run_query(one_tone_style(query), "exact"),
            "tier": tier, "score": score, "row": row, "dossier": dossier, "limit": limit + 1,
        }  # fmt: skip
        with reading(self._database) as connection:
            found = connection.execute(_QUERY, values).all()
        shown = found[:limit]
        more = len(found) > limit
        return {
            "results": [
                {
                    "document": hit.document,
                    "dossier": hit.dossier,
                    "type_name": hit.type_name,
                    "title": hit.title,
                    "snippet": snippet(hit.exact, query),
                    "score": round(-hit.score + (TIERS - 1 - hit.tier), 4),
                }
                for hit in shown
            ],
            "next": _token(shown[-1]) if more else None,
        }


def _token(hit: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps([hit.tier, hit.score, hit.row]).encode()).decode()


def _cursor(token: str | None) -> tuple[int | None, float | None, int | None]:
    """Position after which to go on; a token that is none of ours starts from the top."""
    try:
        tier, score, row = json.loads(base64.urlsafe_b64decode(token or ""))
        found = int(tier), float(score), int(row)
    except (ValueError, TypeError, OverflowError, RecursionError):
        return None, None, None
    return found if found[0] in range(TIERS) and 0 <= found[2] < 1 << 63 else (None, None, None)
