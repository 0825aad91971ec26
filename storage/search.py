"""Search by any words, with or without diacritics, by phrase, prefix, code or number (SQLite FTS5).

FTS5's own folding leaves đ alone, so words stand twice: folded by us, and exact. Hits with the exact tones
rank above folded ones; pages go by key (tier, score, row), not by offset.
"""

from __future__ import annotations

import base64
import json
import re
import unicodedata
from typing import Any

from sqlalchemy import Engine, text

from pipeline.grammar.folding import fold, nfc
from storage.database import reading

_TERM = re.compile(r'"([^"]*)"|(\S+)')
_PIECE = re.compile(r"[^\W_]+", re.UNICODE)

_QUERY = text(
    """
    with hits as (
        select w.rowid as row, w.document,
               bm25(document_words, 0, 1, 1) as score,
               snippet(document_words, 2, '«', '»', '…', 18) as snippet,
               case when w.rowid in (select rowid from document_words where document_words match :exact)
                    then 0 else 1 end as tier
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
    for phrase, word in _TERM.findall(unicodedata.normalize("NFC", query)):
        pieces = _PIECE.findall(phrase or word)
        if pieces:
            prefix = "*" if word.endswith("*") else ""
            parts.append(f'{column} : "{" ".join(pieces)}"{prefix}')
    return " AND ".join(parts) or None


class Search:
    """Finds stored documents."""

    def __init__(self, database: Engine) -> None:
        self._database = database

    def find(
        self, query: str, *, limit: int = 20, after: str | None = None, dossier: str | None = None
    ) -> dict[str, Any]:
        """Hits in the contract's shape, best first; `next` continues behind the last one."""
        folded = fts_query(fold(query), "folded")
        exact = fts_query(nfc(query).casefold(), "exact")
        if folded is None or exact is None:
            return {"results": [], "next": None}
        tier, score, row = _cursor(after)
        values = {
            "folded": folded, "exact": exact, "tier": tier, "score": score, "row": row,
            "dossier": dossier, "limit": limit + 1,
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
                    "snippet": hit.snippet.replace("\n", " "),
                    "score": round(-hit.score + (1 - hit.tier), 4),
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
        return int(tier), float(score), int(row)
    except (ValueError, TypeError):
        return None, None, None
