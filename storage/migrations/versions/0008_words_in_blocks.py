"""words_in_blocks."""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"

_LEXEMES = """
    select (number >> 14) || '{form}' || case when left(l, 1) = '=' then '' else ':' end || l
    from unnest(tsvector_to_array({column})) l
    union
    select (number >> 14) || '{form}^' || left(l, n) from unnest(tsvector_to_array({column})) l, generate_series(1, 2) n
    where left(l, 1) <> '='
"""
_POSTGRES = (
    "drop index document_words_folded, document_words_toned",
    "alter table document_words add column lexemes tsvector",
    # What is counted and put in order are numbers and sizes; texts lie outside, so that a block is a few pages.
    "alter table document_words set (toast_tuple_target = 128)",
    "update document_words set lexemes = array_to_tsvector(array("
    f"{_LEXEMES.format(form='f', column='folded')} union {_LEXEMES.format(form='t', column='toned')}))",
    "alter table document_words alter column lexemes set not null, drop column folded, drop column toned",
    "create index document_words_lexemes on document_words using gin (lexemes) with (fastupdate = off)",
)


def upgrade() -> None:
    """On PostgreSQL every lexeme begins with its block (storage/words_postgres.py); SQLite has no part in it."""
    if op.get_bind().dialect.name == "postgresql":
        for statement in _POSTGRES:
            op.get_bind().exec_driver_sql(statement)
