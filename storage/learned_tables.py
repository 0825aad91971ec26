"""Models of types that were learned, and from when each was in use. Not in the bucket: a home made anew learns anew."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Integer, String, Table, Text

from storage.schema import metadata

type_model = Table(
    "type_model",
    metadata,
    Column("version", String(16), primary_key=True),
    Column("sha256", String(64), nullable=False),
    Column("at", String(40), nullable=False),
    Column("report", Text, nullable=False),
    Column("content", Text, nullable=False),
)
"""`content` is the model's file in Base64; `report` what was shown of it, with its held-out score."""

type_model_use = Table(
    "type_model_use",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("version", ForeignKey("type_model.version")),
    Column("since", String(40), nullable=False),
)
"""From `since` on this version is asked about new batches; without one, none is."""
