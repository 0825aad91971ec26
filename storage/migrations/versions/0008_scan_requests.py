"""Scan requests of the one-stop system."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make the change; nothing goes back, an older version is restored from a backup."""
    op.create_table(
        "scan_request",
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("dossier", sa.String(length=80), nullable=False),
        sa.Column("component", sa.String(length=40), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("copy", sa.String(length=24), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.String(length=40), nullable=False),
        sa.Column("due", sa.String(length=10), nullable=False),
        sa.Column("source", sa.String(length=80), nullable=False),
        sa.Column("told_at", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.String(length=40), nullable=False),
        sa.Column("seen", sa.String(length=80), nullable=False),
        sa.CheckConstraint("state in ('open','orphan','fulfilled','withdrawn')"),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("scan_request", schema=None) as batch_op:
        batch_op.create_index("scan_request_dossier", ["dossier"], unique=False)
        batch_op.create_index("scan_request_state", ["state", "due"], unique=False)

    op.create_table(
        "request_paper",
        sa.Column("request", sa.String(length=80), nullable=False),
        sa.Column("document", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(
            ["request"],
            ["scan_request.id"],
        ),
        sa.PrimaryKeyConstraint("request", "document"),
    )
    with op.batch_alter_table("request_paper", schema=None) as batch_op:
        batch_op.create_index("request_paper_document", ["document"], unique=True)
