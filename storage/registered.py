"""What the one-stop system told us of its dossiers, and papers of dossiers that it does not know (orphans)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, func, select

from storage.database import insert, reading, writing
from storage.dossier_tables import registered, registry_place
from storage.schema import document

ORPHAN = "orphan"
"""The word by which a reason says so."""


class Registered:
    """A copy of the registry in the database."""

    def __init__(self, database: Engine) -> None:
        self._database = database

    def take(self, dossiers: Iterable[dict[str, Any]], source: str) -> int:
        """Keep what was told; a dossier told again takes the newer values. Returns how many."""
        moment, count = datetime.now(UTC).isoformat(), 0
        with writing(self._database) as connection:
            for item in dossiers:
                values = {**item, "source": source, "told_at": moment}
                connection.execute(
                    insert(registered)
                    .values(**values)
                    .on_conflict_do_update(index_elements=["code"], set_=values)
                )
                count += 1
        return count

    def get(self, code: str) -> dict[str, Any] | None:
        with reading(self._database) as connection:
            row = connection.execute(select(registered).where(registered.c.code == code)).first()
        return dict(row._mapping) if row else None

    def count(self) -> int:
        with reading(self._database) as connection:
            return int(connection.execute(select(func.count()).select_from(registered)).scalar_one())

    def of_owner(self, owner_id: str) -> list[str]:
        """Codes of a person's or an organisation's dossiers."""
        query = select(registered.c.code).where(registered.c.owner_id == owner_id).order_by(registered.c.code)
        with reading(self._database) as connection:
            return [str(code) for code in connection.execute(query).scalars()]

    def orphans(self) -> list[dict[str, Any]]:
        """Papers that wait because their dossier was unknown."""
        query = select(document.c.id, document.c.batch, document.c.dossier, document.c.reason)
        query = query.where(document.c.state == "review", document.c.reason.contains(f"({ORPHAN}"))
        with reading(self._database) as connection:
            return [dict(row._mapping) for row in connection.execute(query)]

    def accepted(self) -> dict[str, list[str]]:
        """Batches with papers that need not wait any more, with the dossiers that are known now."""
        query = select(document.c.batch, document.c.dossier).distinct()
        query = query.join(registered, registered.c.code == document.c.dossier)
        query = query.where(document.c.state == "review", document.c.reason.contains(f"({ORPHAN}"))
        found: dict[str, list[str]] = {}
        with reading(self._database) as connection:
            for row in connection.execute(query):
                found.setdefault(row.batch, []).append(row.dossier)
        return found

    def place(self, name: str) -> dict[str, Any] | None:
        """How far a registry was read, when it was looked at, and what went wrong then."""
        with reading(self._database) as connection:
            row = connection.execute(select(registry_place).where(registry_place.c.name == name)).first()
        return dict(row._mapping) if row else None

    def stand(self, name: str, place: str, trouble: str = "") -> None:
        values = {"place": place, "looked_at": datetime.now(UTC).isoformat(), "trouble": trouble}
        with writing(self._database) as connection:
            connection.execute(
                insert(registry_place)
                .values(name=name, **values)
                .on_conflict_do_update(index_elements=["name"], set_=values)
            )
