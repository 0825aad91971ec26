"""Tables of the evidence over the signed days. All of it is made again from the bucket."""

from __future__ import annotations

from sqlalchemy import Column, Integer, String, Table, Text

from storage.schema import metadata

root_evidence = Table(
    "root_evidence",
    metadata,
    Column("day", String(10), primary_key=True),
    Column("ends", String(40)),
    Column("series", String(10)),
)
"""Signed days: until when the time-stamp of the root's own signature proves it (null: it has none), and the evidence
record that covers the day since."""

evidence_record = Table(
    "evidence_record",
    metadata,
    Column("key", Text, primary_key=True),
    Column("series", String(10), nullable=False),
    Column("number", Integer, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("algorithm", String(10), nullable=False),
    Column("ends", String(40), nullable=False),
)
"""Versions of evidence records that are in the bucket; `ends` is when the last time-stamp proves no more."""
