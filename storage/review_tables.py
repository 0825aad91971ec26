"""Tables of the review desk: rulings, amendments on their way, proposals, and who holds what."""

from __future__ import annotations

from sqlalchemy import Boolean, CheckConstraint, Column, ForeignKey, Index, Integer, String, Table, Text

from storage.schema import metadata

ruling = Table(
    "ruling",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("batch", ForeignKey("batch.id"), nullable=False),
    Column("act", String(16), nullable=False),
    Column("page", Integer, nullable=False),
    Column("body", Text, nullable=False),
    Column("actor", String(128), nullable=False),
    Column("at", String(40), nullable=False),
    Column("undone", Boolean, nullable=False, default=False),
    CheckConstraint("act in ('settle','split','merge','move','turn','aside','rescan')"),
)
Index("ruling_batch", ruling.c.batch)

amendment = Table(
    "amendment",
    metadata,
    Column("document", ForeignKey("document.id"), primary_key=True),
    Column("body", Text, nullable=False),
)
"""An amendment of a stored document between its decision and its catalogue row; one a document at a time."""

proposal = Table(
    "proposal",
    metadata,
    Column("item", String(40), primary_key=True),
    Column("request", Text, nullable=False),
    Column("actor", String(128), nullable=False),
    Column("name", String(128), nullable=False),
    Column("at", String(40), nullable=False),
)
"""What one person asked for and a second one must agree to."""

hold = Table(
    "hold",
    metadata,
    Column("item", String(40), primary_key=True),
    Column("name", String(128), nullable=False),
    Column("until", String(40), nullable=False),
)
"""Who is at work on an item, until when."""
