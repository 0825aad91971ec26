"""Run by Alembic: revisions on the connection that `storage.migrate` hands over, inside its transaction."""

from __future__ import annotations

from alembic import context

from storage.migrate import comparing, everything

context.configure(
    connection=context.config.attributes["connection"], target_metadata=everything(), **comparing()
)
with context.begin_transaction():
    context.run_migrations()
