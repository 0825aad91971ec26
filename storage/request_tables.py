"""Tables of scan requests: what the one-stop system asks to be digitised, and the papers that answer."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, String, Table, Text

from storage.schema import metadata

scan_request = Table(
    "scan_request",
    metadata,
    Column("id", String(80), primary_key=True),
    Column("dossier", String(80), nullable=False),
    Column("component", String(40), nullable=False),
    Column("name", Text, nullable=False),
    Column("count", Integer, nullable=False),
    Column("copy", String(24), nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("asked_at", String(40), nullable=False),
    Column("due", String(10), nullable=False),
    Column("source", String(80), nullable=False),
    Column("told_at", String(40), nullable=False),
    Column("state", String(12), nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("turn", Integer, nullable=False, default=0),
    Column("changed_at", String(40), nullable=False),
    Column("seen", String(80), nullable=False, default=""),
    CheckConstraint("state in ('open','orphan','fulfilled','withdrawn')"),
)
"""A copy, not kept in the bucket. `turn` counts fulfilments and re-openings, so that each is told once; `seen` is how
the dossier stood when it was last looked whether its papers answer."""
Index("scan_request_state", scan_request.c.state, scan_request.c.due)
Index("scan_request_dossier", scan_request.c.dossier)

request_paper = Table(
    "request_paper",
    metadata,
    Column("request", ForeignKey("scan_request.id"), primary_key=True),
    Column("document", String(40), primary_key=True),
)
"""Papers that answer a request; a paper answers one."""
Index("request_paper_document", request_paper.c.document, unique=True)
