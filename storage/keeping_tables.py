"""Tables of keeping: how far terms and holds are applied, what was proposed to go, what is gone."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, String, Table, Text

from storage.schema import metadata

kept = Table(
    "kept_dossier",
    metadata,
    Column("code", String(80), primary_key=True),
    Column("closed", String(10)),
    Column("until", String(10)),
    Column("record_done", Integer, nullable=False, default=0),
    Column("generation_done", Integer, nullable=False, default=0),
    Column("objects", Integer, nullable=False, default=0),
    Column("done_at", String(40)),
    Column("trouble", Text, nullable=False, default=""),
)
"""A dossier with a term or a hold: up to which record and manifest both are applied to its objects in the store.

`until` is null for ever. What is decided is the record's; this row can be lost.
"""
Index("kept_until", kept.c.until)

disposal_proposal = Table(
    "disposal_proposal",
    metadata,
    Column("code", String(80), primary_key=True),
    Column("reason", Text, nullable=False),
    Column("actor", String(64), nullable=False),
    Column("name", String(128), nullable=False),
    Column("at", String(40), nullable=False),
)
"""What one person proposed and a second one must approve."""

disposed_paper = Table(
    "disposed_paper",
    metadata,
    Column("document", String(40), primary_key=True),
    Column("dossier", String(80), primary_key=True),
    Column("certificate", Text, nullable=False),
    Column("at", String(40), nullable=False),
)
"""Papers that are gone on purpose, and the key of the certificate that says so."""

disposed_object = Table(
    "disposed_object",
    metadata,
    Column("key", Text, primary_key=True),
    Column("dossier", String(80), primary_key=True),
    Column("sha256", String(64), nullable=False),
    Column("removed_at", String(40)),
    Column("copy_removed_at", String(40)),
    Column("trouble", Text, nullable=False, default=""),
)
"""Objects that a certificate names; removed here, and from the second copy, when the times are set."""
Index("disposed_object_dossier", disposed_object.c.dossier, disposed_object.c.removed_at)

disposal_open = Table(
    "disposal_open",
    metadata,
    Column("code", String(80), primary_key=True),
    Column("record_number", Integer, nullable=False),
)
"""Disposals that were decided and are not carried through to the last object."""
