"""Messages to other systems, kept until they were taken. The same message is kept once; none is ever given up."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, func, select, update

from storage import ledger
from storage.database import insert, reading, writing
from storage.dossier_tables import outbox

FIRST_WAIT, LONGEST_WAIT = 2.0, 600.0


class Outbox:
    """Rows in the database, so that a message outlives a crash and an outage."""

    def __init__(self, database: Engine) -> None:
        self._database = database

    def put(self, name: str, *, event: str, dossier: str, payload: dict[str, Any]) -> bool:
        """Keep a message unless one of that name is there, delivered or not; returns whether it is new."""
        with writing(self._database) as connection:
            return put_message(connection, name, event=event, dossier=dossier, payload=payload)

    def due(self, limit: int) -> list[dict[str, Any]]:
        """Messages whose time has come, the oldest first."""
        query = select(outbox).where(outbox.c.delivered_at.is_(None), outbox.c.due <= time.time())
        with reading(self._database) as connection:
            return [
                dict(row._mapping) for row in connection.execute(query.order_by(outbox.c.id).limit(limit))
            ]

    def waiting(self) -> list[dict[str, Any]]:
        """Everything that is not delivered, without the payloads."""
        columns = (
            outbox.c.id,
            outbox.c.event,
            outbox.c.dossier,
            outbox.c.made_at,
            outbox.c.attempts,
            outbox.c.trouble,
        )
        query = select(*columns).where(outbox.c.delivered_at.is_(None)).order_by(outbox.c.id)
        with reading(self._database) as connection:
            return [dict(row._mapping) for row in connection.execute(query)]

    def delivered(self) -> int:
        query = select(func.count()).select_from(outbox).where(outbox.c.delivered_at.is_not(None))
        with reading(self._database) as connection:
            return int(connection.execute(query).scalar_one())

    def pending(self) -> bool:
        query = select(outbox.c.id).where(outbox.c.delivered_at.is_(None)).limit(1)
        with reading(self._database) as connection:
            return connection.execute(query).first() is not None

    def done(self, message: dict[str, Any], *, actor: str, agency: str, host: str) -> None:
        """Taken by the other side: on the ledger in the same transaction."""
        with writing(self._database) as connection:
            connection.execute(
                update(outbox)
                .where(outbox.c.id == message["id"])
                .values(
                    delivered_at=datetime.now(UTC).isoformat(), attempts=outbox.c.attempts + 1, trouble=""
                )
            )
            ledger.append(
                connection,
                act="deliver",
                actor=actor,
                agency=agency,
                objects=[message["dossier"]],
                details={"event": message["event"], "delivery": message["id"], "to": host},
                request=f"deliver:{message['name']}",
            )

    def failed(self, message: dict[str, Any], trouble: str) -> None:
        """Not taken: again after 2, 4, 8 … seconds, at most ten minutes."""
        wait = min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(int(message["attempts"]), 20))
        with writing(self._database) as connection:
            connection.execute(
                update(outbox)
                .where(outbox.c.id == message["id"])
                .values(attempts=outbox.c.attempts + 1, due=time.time() + wait, trouble=trouble[:300])
            )

    def hurry(self) -> None:
        """Everything that waits is due now, as when the other side is back."""
        with writing(self._database) as connection:
            connection.execute(update(outbox).where(outbox.c.delivered_at.is_(None)).values(due=time.time()))


def put_message(
    connection: Connection, name: str, *, event: str, dossier: str, payload: dict[str, Any]
) -> bool:
    """`Outbox.put` inside the caller's transaction, so that what happened is never without its word."""
    made = connection.execute(
        insert(outbox)
        .values(
            name=name[:200],
            event=event,
            dossier=dossier,
            payload=json.dumps(payload, ensure_ascii=False, sort_keys=True),
            made_at=datetime.now(UTC).isoformat(),
            attempts=0,
            due=time.time(),
            trouble="",
        )
        .on_conflict_do_nothing()
    )
    return bool(made.rowcount)
