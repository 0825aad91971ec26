"""Tables of what signing waits for and what must be renewed. All of it can be made again from bucket and policy."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Integer, String, Table, Text

from storage.schema import metadata

awaiting = Table(
    "awaiting_signature",
    metadata,
    Column("document", ForeignKey("document.id"), primary_key=True),
    Column("sha256", String(64), nullable=False, unique=True),
    Column("size", Integer, nullable=False),
    Column("key", Text, nullable=False),
    Column("since", String(40), nullable=False),
)
"""Unsigned files that an officer signs on another machine; `key` is where the bytes are staged."""

signed_elsewhere = Table(
    "signed_elsewhere",
    metadata,
    Column("document", ForeignKey("document.id"), primary_key=True),
    Column("unsigned_sha256", String(64), nullable=False),
    Column("sha256", String(64), nullable=False, unique=True),
    Column("key", Text, nullable=False),
    Column("signer", Text, nullable=False),
    Column("cms", Integer, nullable=False),
    Column("at", String(40), nullable=False),
)
"""Files that came back with the officer's signature; `cms` is 1 for one that is no PAdES signature."""

evidence_end = Table(
    "evidence_end",
    metadata,
    Column("document", ForeignKey("document.id"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("ends", String(40)),
)
"""When the evidence of a version ends: the certificate of its last time-stamp; null when it has none."""
