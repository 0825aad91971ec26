"""The calendar of evidence: until when the newest time-stamp of each stored version proves something."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Engine, and_, func, select

from storage.database import insert, reading, writing
from storage.schema import document, held
from storage.signing_tables import evidence_end


class Renewals:
    """Rows follow the files: one for each newest version, looked up once."""

    def __init__(self, database: Engine) -> None:
        self._database = database

    def unknown(self) -> Sequence[tuple[str, int]]:
        """Documents with the number of their newest version, of which nobody knows yet when the evidence ends."""
        newest = (
            select(held.c.document, func.max(held.c.version).label("version"))
            .where(held.c.role == "document")
            .group_by(held.c.document)
            .subquery()
        )
        query = (
            select(newest.c.document, newest.c.version)
            .join(document, document.c.id == newest.c.document)
            .outerjoin(
                evidence_end,
                and_(
                    evidence_end.c.document == newest.c.document,
                    evidence_end.c.version == newest.c.version,
                ),
            )
            .where(
                document.c.state == "stored",
                document.c.origin != "incoming_signed",
                evidence_end.c.document.is_(None),
            )
        )
        with reading(self._database) as connection:
            return [(row.document, row.version) for row in connection.execute(query)]

    def learn(self, name: str, version: int, ends: datetime | None) -> None:
        """Note down a version's end; earlier versions of the document no longer count."""
        with writing(self._database) as connection:
            connection.execute(evidence_end.delete().where(evidence_end.c.document == name))
            connection.execute(
                insert(evidence_end)
                .values(document=name, version=version, ends=ends.isoformat() if ends else None)
                .on_conflict_do_nothing()
            )

    def due(self, before: datetime) -> list[tuple[str, int, str]]:
        """Documents whose evidence ends before that time, soonest first: id, version, end."""
        query = (
            select(evidence_end)
            .where(evidence_end.c.ends.is_not(None), evidence_end.c.ends < before.isoformat())
            .order_by(evidence_end.c.ends, evidence_end.c.document)
        )
        with reading(self._database) as connection:
            return [(row.document, row.version, row.ends) for row in connection.execute(query)]

    def calendar(self) -> list[tuple[str, int]]:
        """How many documents' evidence ends in each year and month (`2031-04`), soonest first."""
        month = func.substr(evidence_end.c.ends, 1, 7)
        query = (
            select(month, func.count())
            .where(evidence_end.c.ends.is_not(None))
            .group_by(month)
            .order_by(month)
        )
        with reading(self._database) as connection:
            return [(str(row[0]), int(row[1])) for row in connection.execute(query)]
