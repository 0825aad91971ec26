"""Tables of the second copy: what is to be copied, what is acknowledged, and how far the ledger was read for it."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, Integer, String, Table, Text

from storage.schema import metadata

copy_item = Table(
    "copy_item",
    metadata,
    Column("key", Text, primary_key=True),
    Column("sha256", String(64)),
    Column("noted_at", String(40), nullable=False),
    Column("copied_at", String(40)),
    Column("checked_at", String(40)),
    Column("problem", Text),
    CheckConstraint("copied_at is null or sha256 is not null"),
)
"""One object of the bucket; `copied_at` is set only after the second place gave back the recorded bytes."""
Index("copy_item_open", copy_item.c.copied_at, copy_item.c.noted_at)
Index("copy_item_checked", copy_item.c.checked_at)

copy_cursor = Table(
    "copy_cursor",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("seq", Integer, nullable=False),
    Column("swept_at", String(40), nullable=False),
    Column("looked_at", String(40), nullable=False),
    CheckConstraint("id = 1"),
)
"""Number of the ledger's entry that was looked at last for things to copy; when the whole bucket was listed last."""
