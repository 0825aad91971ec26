"""Whose turn it is in review: an item held by one person for a while, and proposals that need a second one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, delete, select

from pipeline.errors import UsageError
from storage import ledger
from storage.database import insert, reading, writing
from storage.proof import VIETNAM
from storage.review_tables import hold, proposal


@dataclass(frozen=True, slots=True)
class Proposal:
    """What was asked for, by whom (by name, and as the ledger knows them)."""

    request: dict[str, Any]
    name: str


class Turns:
    """Holds and proposals. They live in the database only: what is held or asked for is not decided yet."""

    def __init__(self, database: Engine, *, agency: str) -> None:
        self._database = database
        self._agency = agency

    def take(self, item: str, actor: str, minutes: float) -> datetime:
        """Hold an item; the same person again holds it longer. Raises UsageError while another one does."""
        self.check(item, actor)
        until = datetime.now(UTC) + timedelta(minutes=minutes)
        values = {"name": actor, "until": until.isoformat()}
        with writing(self._database) as connection:
            self._check(connection.execute(select(hold).where(hold.c.item == item)).first(), actor)
            connection.execute(
                insert(hold)
                .values(item=item, **values)
                .on_conflict_do_update(index_elements=["item"], set_=values)
            )
            ledger.append(
                connection,
                act="hold",
                actor=actor,
                agency=self._agency,
                objects=[item],
                details={"until": values["until"]},
            )
        return until

    def release(self, item: str, actor: str) -> None:
        """Give an item back. Raises UsageError when another person holds it."""
        self.check(item, actor)
        with writing(self._database) as connection:
            connection.execute(delete(hold).where(hold.c.item == item))

    def check(self, item: str, actor: str) -> None:
        """Raises UsageError while another person holds the item."""
        with reading(self._database) as connection:
            self._check(connection.execute(select(hold).where(hold.c.item == item)).first(), actor)

    def holders(self) -> dict[str, dict[str, str]]:
        """Who holds which item, until when; what has run out is left out."""
        now = datetime.now(UTC).isoformat()
        with reading(self._database) as connection:
            rows = connection.execute(select(hold).where(hold.c.until > now)).all()
        return {row.item: {"name": row.name, "until": row.until} for row in rows}

    def propose(self, item: str, request: dict[str, Any], actor: str) -> None:
        """Ask for something that a second person must agree to; it takes the place of what was asked before."""
        values = {
            "request": json.dumps(request, ensure_ascii=False),
            "actor": ledger.actor_key(self._agency, actor),
            "name": actor,
            "at": datetime.now(UTC).isoformat(),
        }
        with writing(self._database) as connection:
            connection.execute(
                insert(proposal)
                .values(item=item, **values)
                .on_conflict_do_update(index_elements=["item"], set_=values)
            )
            asked = sorted(name for name, value in request.items() if value)
            ledger.append(
                connection,
                act="propose",
                actor=actor,
                agency=self._agency,
                objects=[item],
                details={"asked": asked},
            )

    def proposed(self, item: str) -> Proposal:
        """What is asked for an item. Raises UsageError when nothing is."""
        with reading(self._database) as connection:
            row = connection.execute(select(proposal).where(proposal.c.item == item)).first()
        if row is None:
            raise UsageError(f"nothing is proposed for {item}", vi=f"{item} không có đề nghị nào đang chờ")
        return Proposal(json.loads(row.request), row.name)

    def proposals(self) -> list[dict[str, Any]]:
        """All that waits for a second person, oldest first."""
        with reading(self._database) as connection:
            rows = connection.execute(select(proposal).order_by(proposal.c.at)).all()
        return [
            {"item": row.item, "request": json.loads(row.request), "by": row.name, "at": row.at}
            for row in rows
        ]

    def refuse(self, item: str, actor: str) -> None:
        """Drop a proposal; its author may do so too."""
        self.proposed(item)
        with writing(self._database) as connection:
            connection.execute(delete(proposal).where(proposal.c.item == item))
            ledger.append(
                connection, act="refuse", actor=actor, agency=self._agency, objects=[item], details={}
            )

    def done(self, item: str) -> None:
        """What was asked and held is settled."""
        with writing(self._database) as connection:
            connection.execute(delete(proposal).where(proposal.c.item == item))
            connection.execute(delete(hold).where(hold.c.item == item))

    @staticmethod
    def _check(row: Any, actor: str) -> None:
        if row is None or row.name == actor:
            return
        until = datetime.fromisoformat(row.until)
        if until > datetime.now(UTC):
            clock = f"{until.astimezone(VIETNAM):%H:%M}"
            raise UsageError(
                f"{row.item} is held by {row.name} until {clock}",
                vi=f"{row.item} đang do {row.name} giữ đến {clock}",
            )
