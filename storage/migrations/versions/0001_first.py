"""The tables of the first versions. Those made these tables themselves, so each is made only where it is missing."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_WORDS = (
    "create virtual table document_words using fts5("
    "document unindexed, folded, exact, tokenize='unicode61 remove_diacritics 0', prefix='1 2 3')"
)
_WORDS_ANEW = (
    "alter table document_words rename to document_words_before",
    _WORDS,
    "insert into document_words (rowid, document, folded, exact) "
    "select rowid, document, folded, exact from document_words_before",
    "drop table document_words_before",
)
"""The first versions had no index of beginnings, without which `quyet d*` takes seconds."""
_SQLITE = (
    "create table if not exists words_row "
    "(document text primary key, number integer not null unique, size integer not null)",
    "insert or ignore into words_row select document, rowid, length(exact) - length(replace(exact, ' ', '')) + 1 "
    "from document_words",
    "create trigger if not exists ledger_no_update before update on ledger "
    "begin select raise(abort, 'the ledger is append-only'); end",
    "create trigger if not exists ledger_no_delete before delete on ledger "
    "begin select raise(abort, 'the ledger is append-only'); end",
)
_POSTGRES = (
    "create table document_words (number bigint primary key, document text not null unique, exact text not null, "
    "size integer not null, folded tsvector not null, toned tsvector not null)",
    "create index document_words_folded on document_words using gin (folded) with (fastupdate = off)",
    "create index document_words_toned on document_words using gin (toned) with (fastupdate = off)",
    "create function ledger_stays() returns trigger language plpgsql as "
    "$$ begin raise exception 'the ledger is append-only'; end $$",
    "create trigger ledger_stays before update or delete on ledger for each row execute function ledger_stays()",
    "create trigger ledger_not_emptied before truncate on ledger execute function ledger_stays()",
)


def upgrade() -> None:
    """Every table, the words of search, and the triggers that keep the ledger as it is."""
    op.create_table(
        "actor_name",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
        if_not_exists=True,
    )
    op.create_table(
        "batch",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("agency", sa.String(length=64), nullable=False),
        sa.Column("actor", sa.String(length=128), nullable=False),
        sa.Column("received_at", sa.String(length=40), nullable=False),
        sa.Column("dossier", sa.String(length=80), nullable=True),
        sa.Column("intake", sa.Text(), nullable=False),
        sa.Column("expected_sides", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.Float(), nullable=False),
        sa.Column("settled_at", sa.Float(), nullable=True),
        sa.CheckConstraint("state in ('queued','running','paused','done','review','failed')"),
        sa.PrimaryKeyConstraint("id"),
        if_not_exists=True,
    )
    op.create_table(
        "copy_cursor",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("swept_at", sa.String(length=40), nullable=False),
        sa.Column("looked_at", sa.String(length=40), nullable=False),
        sa.CheckConstraint("id = 1"),
        sa.PrimaryKeyConstraint("id"),
        if_not_exists=True,
    )
    op.create_table(
        "copy_item",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("noted_at", sa.String(length=40), nullable=False),
        sa.Column("copied_at", sa.String(length=40), nullable=True),
        sa.Column("checked_at", sa.String(length=40), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.CheckConstraint("copied_at is null or sha256 is not null"),
        sa.PrimaryKeyConstraint("key"),
        if_not_exists=True,
    )
    op.create_index("copy_item_checked", "copy_item", ["checked_at"], if_not_exists=True)
    op.create_index("copy_item_open", "copy_item", ["copied_at", "noted_at"], if_not_exists=True)
    op.create_table(
        "day_root",
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("first", sa.Integer(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("day"),
        if_not_exists=True,
    )
    op.create_table(
        "ledger",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("request", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("hash"),
        sa.UniqueConstraint("request"),
        if_not_exists=True,
    )
    op.create_table(
        "ledger_segment",
        sa.Column("first", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.CheckConstraint("last >= first"),
        sa.PrimaryKeyConstraint("first"),
        sa.UniqueConstraint("key"),
        if_not_exists=True,
    )
    op.create_table(
        "scrub",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("looked_at", sa.String(length=40), nullable=False),
        sa.CheckConstraint("id = 1"),
        sa.PrimaryKeyConstraint("id"),
        if_not_exists=True,
    )
    op.create_table(
        "decision",
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("batch", sa.String(length=40), nullable=False),
        sa.Column("page", sa.Integer(), nullable=False),
        sa.Column("dossier", sa.String(length=80), nullable=True),
        sa.Column("type", sa.String(length=64), nullable=True),
        sa.Column("actor", sa.String(length=128), nullable=False),
        sa.Column("at", sa.String(length=40), nullable=False),
        sa.CheckConstraint("dossier is not null or type is not null"),
        sa.ForeignKeyConstraint(
            ["batch"],
            ["batch.id"],
        ),
        sa.PrimaryKeyConstraint("seq"),
        if_not_exists=True,
    )
    op.create_index("decision_batch", "decision", ["batch"], if_not_exists=True)
    op.create_table(
        "document",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("batch", sa.String(length=40), nullable=False),
        sa.Column("dossier", sa.String(length=80), nullable=True),
        sa.Column("origin", sa.String(length=20), nullable=False),
        sa.Column("agency", sa.String(length=64), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("type_name", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("number", sa.Text(), nullable=True),
        sa.Column("date", sa.String(length=10), nullable=True),
        sa.Column("issuer", sa.Text(), nullable=True),
        sa.Column("signer", sa.Text(), nullable=True),
        sa.Column("paper", sa.Text(), nullable=False),
        sa.Column("doubtful", sa.Text(), nullable=False),
        sa.Column("pages", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("light", sa.String(length=6), nullable=False),
        sa.Column("staged_key", sa.Text(), nullable=True),
        sa.Column("staged_sha256", sa.String(length=64), nullable=True),
        sa.Column("signature_level", sa.String(length=8), nullable=True),
        sa.Column("roles", sa.Text(), nullable=True),
        sa.Column("pdf_sha256", sa.String(length=64), nullable=True),
        sa.Column("bucket", sa.String(length=80), nullable=True),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("version_id", sa.Text(), nullable=True),
        sa.Column("generation", sa.Integer(), nullable=True),
        sa.Column("stored_at", sa.String(length=40), nullable=True),
        sa.CheckConstraint("light <> 'green' or state = 'stored'"),
        sa.CheckConstraint("light in ('green','amber')"),
        sa.CheckConstraint(
            "state <> 'stored' or (key is not null and pdf_sha256 is not null and generation is not null)"
        ),
        sa.CheckConstraint("state in ('working','awaiting_signature','waiting','review','stored')"),
        sa.ForeignKeyConstraint(
            ["batch"],
            ["batch.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        if_not_exists=True,
    )
    op.create_index("document_batch", "document", ["batch"], if_not_exists=True)
    op.create_index("document_dossier", "document", ["dossier"], if_not_exists=True)
    op.create_table(
        "page",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("batch", sa.String(length=40), nullable=False),
        sa.Column("idx", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_sha256", sa.String(length=64), nullable=False),
        sa.Column("page_sha256", sa.String(length=64), nullable=True),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("turn", sa.Integer(), nullable=True),
        sa.Column("skew", sa.Float(), nullable=True),
        sa.Column("confidence", sa.Float(), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state in ('queued','working','read','blank','separator','duplicate','review','rejected')"
        ),
        sa.CheckConstraint("state not in ('review','rejected','duplicate') or reason is not null"),
        sa.ForeignKeyConstraint(
            ["batch"],
            ["batch.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("batch", "idx"),
        if_not_exists=True,
    )
    op.create_table(
        "awaiting_signature",
        sa.Column("document", sa.String(length=40), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("since", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(
            ["document"],
            ["document.id"],
        ),
        sa.PrimaryKeyConstraint("document"),
        sa.UniqueConstraint("sha256"),
        if_not_exists=True,
    )
    op.create_table(
        "evidence_end",
        sa.Column("document", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("ends", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(
            ["document"],
            ["document.id"],
        ),
        sa.PrimaryKeyConstraint("document", "version"),
        if_not_exists=True,
    )
    op.create_table(
        "held_object",
        sa.Column("document", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(length=12), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["document"],
            ["document.id"],
        ),
        sa.PrimaryKeyConstraint("document", "version", "role", "key"),
        if_not_exists=True,
    )
    op.create_index("held_object_key", "held_object", ["key"], if_not_exists=True)
    op.create_table(
        "signed_elsewhere",
        sa.Column("document", sa.String(length=40), nullable=False),
        sa.Column("unsigned_sha256", sa.String(length=64), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("signer", sa.Text(), nullable=False),
        sa.Column("cms", sa.Integer(), nullable=False),
        sa.Column("at", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(
            ["document"],
            ["document.id"],
        ),
        sa.PrimaryKeyConstraint("document"),
        sa.UniqueConstraint("sha256"),
        if_not_exists=True,
    )

    bind = op.get_bind()
    for statement in _POSTGRES if bind.dialect.name == "postgresql" else _on_sqlite(bind):
        op.execute(sa.text(statement))


def _on_sqlite(bind: sa.Connection) -> tuple[str, ...]:
    words = "select 1 from sqlite_master where name = 'document_words'"
    there = bind.execute(sa.text(words)).scalar() is not None
    return (*(_WORDS_ANEW if there else (_WORDS,)), *_SQLITE)
