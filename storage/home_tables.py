"""Homes that work on this database, and which of them took each batch in. Not in the bucket, not kept by a restore."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, String, Table, Text

from storage.schema import metadata

home = Table(
    "home",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("host", Text, nullable=False),
    Column("agency", Text, nullable=False),
    Column("mode", String(12), nullable=False),
    Column("store", Text, nullable=False),
    Column("person_key", String(64), nullable=False),
    Column("demo_root", String(64)),
    Column("started_at", String(40), nullable=False),
)
"""`store` is address and bucket; `person_key` and `demo_root` are SHA-256 of what all homes must have alike."""

taken_by = Table(
    "taken_by",
    metadata,
    Column("batch", ForeignKey("batch.id"), primary_key=True),
    Column("home", String(40), nullable=False),
)
"""The home whose spool has the originals: it alone works on the batch, also after a crash."""
