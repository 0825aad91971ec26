"""How far a dossier has come: the number of its newest manifest that holds a document."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Select, func, select

from storage.schema import document


def newest_generation(code: str | ColumnElement[str]) -> Select[int]:
    """The query for it, 0 where nothing is stored; `code` may be a column, for use inside another query."""
    return select(func.coalesce(func.max(document.c.generation), 0)).where(document.c.dossier == code)
