"""Tables of dossiers as a whole: newest record, issued codes, what the registry told and is to be told."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Float, Index, Integer, String, Table, Text, UniqueConstraint

from storage.schema import metadata

dossier = Table(
    "dossier",
    metadata,
    Column("code", String(80), primary_key=True),
    Column("state", String(12), nullable=False),
    Column("procedure", String(40)),
    Column("record_number", Integer, nullable=False),
    Column("record_key", Text, nullable=False),
    Column("record_sha256", String(64), nullable=False),
    Column("record", Text, nullable=False),
    Column("changed_at", String(40), nullable=False),
    Column("unsaid", Integer, nullable=False, default=0),
    Column("seen", Integer, nullable=False, default=0),
    CheckConstraint("state in ('open','supplement','withdrawn','closed')"),
)
"""The newest record. `unsaid` counts changes that nobody was told of yet, `seen` is the newest manifest that was."""

issued_code = Table(
    "issued_code",
    metadata,
    Column("code", String(200), primary_key=True),
    Column("dossier", String(80), nullable=False),
    Column("kind", String(12), nullable=False),
    Column("owner_id", String(40), nullable=False),
    Column("type_code", String(40), nullable=False),
    Column("result_code", String(40), nullable=False),
    Column("seq", Integer, nullable=False),
    Column("document", String(40), nullable=False),
    Column("issued_at", String(40), nullable=False),
    UniqueConstraint("dossier", "kind", "owner_id", "type_code", "result_code", "seq"),
)
Index("issued_code_document", issued_code.c.document, issued_code.c.kind)

registered = Table(
    "registered_dossier",
    metadata,
    Column("code", String(80), primary_key=True),
    Column("procedure", String(40)),
    Column("applicant", Text, nullable=False),
    Column("owner_id", String(40), nullable=False),
    Column("address", Text, nullable=False),
    Column("phone", String(40), nullable=False),
    Column("email", String(120), nullable=False),
    Column("source", String(80), nullable=False),
    Column("told_at", String(40), nullable=False),
)
"""Dossiers that the one-stop system knows: a copy, not kept in the bucket."""
Index("registered_owner", registered.c.owner_id)

registry_place = Table(
    "registry_place",
    metadata,
    Column("name", String(80), primary_key=True),
    Column("place", Text, nullable=False),
    Column("looked_at", String(40), nullable=False),
    Column("trouble", Text, nullable=False),
)
"""How far a registry was read, and what went wrong last (empty: nothing)."""

outbox = Table(
    "outbox",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("name", String(200), nullable=False, unique=True),
    Column("event", String(40), nullable=False),
    Column("dossier", String(80), nullable=False),
    Column("payload", Text, nullable=False),
    Column("made_at", String(40), nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("due", Float, nullable=False),
    Column("delivered_at", String(40)),
    Column("trouble", Text, nullable=False, default=""),
)
"""Messages to other systems until they were taken; `name` makes the same message one."""
Index("outbox_due", outbox.c.delivered_at, outbox.c.due)
