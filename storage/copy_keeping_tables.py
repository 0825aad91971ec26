"""Table of terms and holds on the second copy: how far they are carried there."""

from __future__ import annotations

from sqlalchemy import Column, Integer, String, Table, Text

from storage.schema import metadata

copy_kept = Table(
    "copy_kept",
    metadata,
    Column("code", String(80), primary_key=True),
    Column("record_done", Integer, nullable=False),
    Column("generation_done", Integer, nullable=False),
    Column("objects", Integer, nullable=False),
    Column("done_at", String(40), nullable=False),
    Column("trouble", Text, nullable=False, default=""),
)
"""A dossier up to which record and manifest term and hold stand on its copied objects. The row can be lost."""
