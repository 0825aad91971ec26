"""Tables of page changes: those on their way, the sides that they touched, and how a stack first cut a paper."""

from __future__ import annotations

import json

from sqlalchemy import Column, Connection, ForeignKey, Index, Integer, String, Table, Text, select

from storage.schema import document, metadata

page_change = Table(
    "page_change",
    metadata,
    Column("document", ForeignKey("document.id"), primary_key=True),
    Column("body", Text, nullable=False),
    Column("unsigned_sha256", String(64), nullable=False),
    Column("staged_key", Text),
    Column("staged_sha256", String(64)),
    Column("level", String(8)),
    Column("roles", Text),
)
"""A change of pages between its decision and its catalogue row, one a document; `staged_…` is its signed attempt."""

changed_side = Table(
    "changed_side",
    metadata,
    Column("page", ForeignKey("page.id"), primary_key=True),
    Column("document", String(40), nullable=False),
    Column("version", Integer, nullable=False),
    Column("role", String(12)),
)
"""Sides that a page change brought (`role`: retake, insert), turned or set aside; read again, they stay so."""
Index("changed_side_document", changed_side.c.document)

stack_order = Table(
    "stack_order",
    metadata,
    Column("document", ForeignKey("document.id"), primary_key=True),
    Column("pages", Text, nullable=False),
)
"""The pages of a changed document as its stack was first cut: what sorting the stack again finds."""


def stack_pages(connection: Connection, batch_id: str) -> dict[str, list[int]]:
    """Of a batch's documents whose pages were changed: the batch indexes that their stack first cut them from."""
    query = (
        select(stack_order.c.document, stack_order.c.pages)
        .join(document, document.c.id == stack_order.c.document)
        .where(document.c.batch == batch_id)
    )
    return {row.document: json.loads(row.pages) for row in connection.execute(query)}
