"""Tables of the catalogue, the working state and the ledger. Constraints state what may never be otherwise."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()

batch = Table(
    "batch",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("source", Text, nullable=False),
    Column("agency", String(64), nullable=False),
    Column("actor", String(128), nullable=False),
    Column("received_at", String(40), nullable=False),
    Column("dossier", String(80)),
    Column("intake", Text, nullable=False),
    Column("expected_sides", Integer),
    Column("state", String(12), nullable=False),
    Column("reason", Text),
    Column("attempt", Integer, nullable=False),
    Column("opened_at", Float, nullable=False),
    Column("settled_at", Float),
    CheckConstraint("state in ('queued','running','paused','done','review','failed')"),
)

page = Table(
    "page",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("batch", ForeignKey("batch.id"), nullable=False),
    Column("idx", Integer, nullable=False),
    Column("source", Text, nullable=False),
    Column("source_sha256", String(64), nullable=False),
    Column("page_sha256", String(64)),
    Column("state", String(12), nullable=False),
    Column("reason", Text),
    Column("turn", Integer),
    Column("skew", Float),
    Column("confidence", Float),
    Column("text", Text),
    UniqueConstraint("batch", "idx"),
    CheckConstraint(
        "state in ('queued','working','read','blank','separator','duplicate','review','rejected')"
    ),
    CheckConstraint("state not in ('review','rejected','duplicate') or reason is not null"),
)

document = Table(
    "document",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("batch", ForeignKey("batch.id"), nullable=False),
    Column("dossier", String(80)),
    Column("origin", String(20), nullable=False),
    Column("agency", String(64), nullable=False),
    Column("type", String(64), nullable=False),
    Column("type_name", Text, nullable=False),
    Column("title", Text),
    Column("number", Text),
    Column("date", String(10)),
    Column("issuer", Text),
    Column("signer", Text),
    Column("paper", Text, nullable=False),
    Column("doubtful", Text, nullable=False),
    Column("pages", Text, nullable=False),
    Column("state", String(20), nullable=False),
    Column("reason", Text),
    Column("light", String(6), nullable=False),
    Column("staged_key", Text),
    Column("staged_sha256", String(64)),
    Column("signature_level", String(8)),
    Column("roles", Text),
    Column("pdf_sha256", String(64)),
    Column("bucket", String(80)),
    Column("key", Text),
    Column("version_id", Text),
    Column("generation", Integer),
    Column("stored_at", String(40)),
    CheckConstraint("state in ('working','awaiting_signature','waiting','review','stored')"),
    CheckConstraint("light in ('green','amber')"),
    CheckConstraint(
        "state <> 'stored' or (key is not null and pdf_sha256 is not null and generation is not null)"
    ),
    CheckConstraint("light <> 'green' or state = 'stored'"),
)
Index("document_dossier", document.c.dossier)
Index("document_batch", document.c.batch)
Index("document_number", document.c.number)

held = Table(
    "held_object",
    metadata,
    Column("document", ForeignKey("document.id"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("role", String(12), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("sha256", String(64), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("source", Text, nullable=False),
)
Index("held_object_key", held.c.key)

ledger = Table(
    "ledger",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
    Column("body", Text, nullable=False),
    Column("request", String(200), unique=True),
)

actor_name = Table(
    "actor_name",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("name", Text, nullable=False),
)

ledger_segment = Table(
    "ledger_segment",
    metadata,
    Column("first", Integer, primary_key=True, autoincrement=False),
    Column("last", Integer, nullable=False),
    Column("key", Text, nullable=False, unique=True),
    Column("sha256", String(64)),
    CheckConstraint("last >= first"),
)
"""Ranges of entries that go to the bucket as one object; `sha256` once it is there."""

day_root = Table(
    "day_root",
    metadata,
    Column("day", String(10), primary_key=True),
    Column("first", Integer, nullable=False),
    Column("last", Integer, nullable=False),
    Column("key", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
)
"""Days whose signed root is in the bucket."""

scrub = Table(
    "scrub",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("place", Text, nullable=False),
    Column("looked_at", String(40), nullable=False),
    CheckConstraint("id = 1"),
)
"""Where the pass over the bucket stands: the dossier looked at last, empty between two passes."""
