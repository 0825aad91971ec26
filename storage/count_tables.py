"""What persons said about the number of sheets of a batch, each word a row: none is changed, the newest counts."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, String, Table, Text

from storage.schema import metadata

recount = Table(
    "recount",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("batch", ForeignKey("batch.id"), nullable=False),
    Column("sheets", Integer),
    Column("sides", Integer),
    Column("reason", Text),
    Column("actor", String(128), nullable=False),
    Column("at", String(40), nullable=False),
    CheckConstraint("sheets is null or (sheets > 0 and sides >= sheets)"),
    CheckConstraint("(sheets is null) = (sides is null)"),
    CheckConstraint("sheets is not null or reason is not null"),
)
"""`sheets` carry the `sides` that were captured; without a number, sheets are missing and must be scanned."""
Index("recount_batch", recount.c.batch)
