"""The light "có thể trả bản giấy": green only in production, when everything that it stands for is so.

Accepted dossier, boundaries and order, and the proof of storage, are what the state `stored` means. Beyond it: the
officer's signature at the level that policy asks at the counter, and a second copy on independent media, or the name
of who answers for there being none.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Protocol

from sqlalchemy import Engine, Row, select, update

from pipeline.model import Level, SignatureRole
from storage import ledger
from storage.database import reading, writing
from storage.schema import document

SYSTEM = "system"


class SecondCopy(Protocol):
    """Whoever keeps copies elsewhere."""

    def acknowledged(self, document: str) -> bool:
        """Whether everything that the newest version of a document is made of has been copied and read back there."""
        ...


class Lights:
    """Turns lights green, never back: what once was proven is on the ledger."""

    def __init__(
        self,
        database: Engine,
        *,
        production: bool,
        levels: Sequence[Level],
        copy: SecondCopy | None,
        waived_by: str,
    ) -> None:
        self._database = database
        self._production = production
        self._levels = levels
        self._copy = copy
        self._waived_by = waived_by

    def look(self, name: str | None = None) -> list[str]:
        """Look at one document, or at all that are stored and not green; returns those that turned green."""
        if not self._production or (self._copy is None and not self._waived_by):
            return []
        query = select(document).where(
            document.c.state == "stored",
            document.c.light != "green",
            document.c.signature_level.in_(self._levels),
        )
        with reading(self._database) as connection:
            rows = connection.execute(query.where(document.c.id == name) if name else query).all()
        return [row.id for row in rows if self._deserves(row) and self._turn(row)]

    def _deserves(self, row: Row[tuple[object, ...]]) -> bool:
        if SignatureRole.OFFICER.value not in json.loads(row.roles or "[]"):
            return False
        return bool(self._waived_by) or (self._copy is not None and self._copy.acknowledged(str(row.id)))

    def _turn(self, row: Row[tuple[object, ...]]) -> bool:
        with writing(self._database) as connection:
            changed = connection.execute(
                update(document)
                .where(document.c.id == row.id, document.c.light != "green", document.c.state == "stored")
                .values(light="green")
            )
            if changed.rowcount:
                ledger.append(
                    connection,
                    act="green_light",
                    actor=SYSTEM,
                    agency=str(row.agency),
                    objects=[str(row.id), str(row.pdf_sha256)],
                    details={"second_copy": "waived" if self._waived_by else "acknowledged"},
                )
            return bool(changed.rowcount)
