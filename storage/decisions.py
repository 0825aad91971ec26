"""What persons decided in review: kept for the next attempt of the batch, and on the ledger."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, delete, insert, select

from pipeline.errors import UsageError
from pipeline.model import Decision
from storage import ledger
from storage.database import reading, writing
from storage.schema import batch, decision, document, page


class Decisions:
    """The review queue, and the answers to it."""

    def __init__(self, database: Engine) -> None:
        self._database = database

    def waiting(self) -> list[dict[str, Any]]:
        """Papers and single pages that wait for a person, oldest batch first."""
        with reading(self._database) as connection:
            papers = connection.execute(
                select(document, batch.c.source, batch.c.opened_at)
                .join(batch, batch.c.id == document.c.batch)
                .where(document.c.state == "review")
            ).all()
            sides = connection.execute(
                select(page, batch.c.opened_at)
                .join(batch, batch.c.id == page.c.batch)
                .where(page.c.state == "review")
            ).all()
        items = [(row.opened_at, json.loads(row.pages)[0], _paper(row)) for row in papers]
        items += [(row.opened_at, row.idx, _side(row)) for row in sides]
        return [item for _, _, item in sorted(items, key=lambda one: one[:2])]

    def of(self, batch_id: str) -> tuple[Decision, ...]:
        """All decisions on a batch, in the order they were taken."""
        query = select(decision).where(decision.c.batch == batch_id).order_by(decision.c.seq)
        with reading(self._database) as connection:
            rows = connection.execute(query).all()
        return tuple(Decision(page=row.page, dossier=row.dossier, type=row.type) for row in rows)

    def record(self, item: str, *, dossier: str | None, type: str | None, actor: str, agency: str) -> str:
        """Keep a decision on a waiting paper (`d_…`) or page (`p_…`); returns its batch.

        The paper's row goes: the next attempt makes it anew under what was decided. Raises UsageError when nothing
        of that name waits.
        """
        with writing(self._database) as connection:
            table = document if item.startswith("d_") else page
            row = connection.execute(
                select(table).where(table.c.id == item, table.c.state == "review")
            ).first()
            if row is None:
                raise UsageError(
                    f"{item} does not wait for a person", vi=f"{item} không nằm trong danh sách chờ"
                )
            first = json.loads(row.pages)[0] if item.startswith("d_") else row.idx
            connection.execute(
                insert(decision).values(
                    batch=row.batch,
                    page=first,
                    dossier=dossier,
                    type=type,
                    actor=ledger.actor_key(agency, actor),
                    at=datetime.now(UTC).isoformat(),
                )
            )
            if item.startswith("d_"):
                connection.execute(delete(document).where(document.c.id == item))
            ledger.append(
                connection,
                act="decide",
                actor=actor,
                agency=agency,
                objects=[item, row.batch],
                details={"page": first, "dossier": dossier, "type": type},
            )
            return str(row.batch)


def _paper(row: Any) -> dict[str, Any]:
    return {
        "id": row.id,
        "batch": row.batch,
        "source": row.source,
        "pages": json.loads(row.pages),
        "type": row.type,
        "type_name": row.type_name,
        "number": row.number,
        "date": row.date,
        "reason": row.reason,
    }


def _side(row: Any) -> dict[str, Any]:
    return {
        "id": row.id,
        "batch": row.batch,
        "source": row.source,
        "pages": [row.idx],
        "type": None,
        "type_name": None,
        "number": None,
        "date": None,
        "reason": row.reason,
    }
