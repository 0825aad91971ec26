"""Terms and holds carried to the second copy, once all that a dossier has is there.

As in `keeper.py`, what is decided stands in the dossier's record, and a round may be repeated. A folder knows no locks;
a bucket of another server does.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import Engine, func, or_, select

from pipeline.errors import UsageError
from storage import layout, ledger
from storage.copy_keeping_tables import copy_kept
from storage.copy_tables import copy_item
from storage.database import insert, reading, writing
from storage.dossier_record import decode_record
from storage.dossier_tables import dossier
from storage.generations import newest_generation
from storage.keeping_tables import kept
from storage.second_place import SecondPlace

SYSTEM = "system"


class CopyKeeper:
    """Works on one second place. Raises Unavailable while it cannot be reached."""

    def __init__(self, database: Engine, place: SecondPlace, *, agency: str) -> None:
        self._database = database
        self._place = place
        self._agency = agency

    def run(self) -> None:
        """Every dossier with a term or a hold that changed, or grew, since it was carried over."""
        for code in self.due():
            self._apply(code)

    def due(self) -> Sequence[str]:
        newest = newest_generation(kept.c.code).scalar_subquery()
        query = (
            select(kept.c.code)
            .join(dossier, dossier.c.code == kept.c.code)
            .outerjoin(copy_kept, copy_kept.c.code == kept.c.code)
            .where(
                or_(
                    copy_kept.c.code.is_(None),
                    dossier.c.record_number > copy_kept.c.record_done,
                    newest > copy_kept.c.generation_done,
                )
            )
        )
        with reading(self._database) as connection:
            return list(connection.execute(query).scalars())

    def troubles(self) -> list[str]:
        """Why terms or holds are not on the second copy."""
        query = select(copy_kept.c.trouble).where(copy_kept.c.trouble != "")
        with reading(self._database) as connection:
            return list(connection.execute(query).scalars())

    def _apply(self, code: str) -> None:
        below = f"{layout.dossier_folder(code)}/"
        newest = newest_generation(code)
        mine = copy_item.c.key.startswith(below, autoescape=True)
        with reading(self._database) as connection:
            text = connection.execute(select(dossier.c.record).where(dossier.c.code == code)).scalar_one()
            generation = int(connection.execute(newest).scalar_one())
            keys = list(
                connection.execute(
                    select(copy_item.c.key).where(mine, copy_item.c.copied_at.is_not(None))
                ).scalars()
            )
            waiting = connection.execute(
                select(func.count()).where(mine, copy_item.c.copied_at.is_(None))
            ).scalar_one()
        record = decode_record(text.encode(), code)
        if waiting or layout.dossier_record(code, record.number) not in keys:
            return  # it is being copied; the next round has all of it
        term, changed, trouble = record.retention, 0, ""
        try:
            for key in keys:
                changed += self._place.retain(
                    key,
                    until=term.lock_until if term else None,
                    mode=term.mode if term else "",
                    hold=record.hold is not None,
                )
        except UsageError as error:  # the key of that server may not: its administrator must see to it
            trouble = error.both[:500]
        values = {
            "record_done": -1 if trouble else record.number,  # tried again until it is allowed
            "generation_done": generation,
            "objects": len(keys),
            "done_at": datetime.now(UTC).isoformat(),
            "trouble": trouble,
        }
        with writing(self._database) as connection:
            connection.execute(
                insert(copy_kept)
                .values(code=code, **values)
                .on_conflict_do_update(index_elements=["code"], set_=values)
            )
            if changed:
                ledger.append(
                    connection,
                    act="retain_copy",
                    actor=SYSTEM,
                    agency=self._agency,
                    objects=[code],
                    details={"objects": len(keys), "changed": changed, "hold": record.hold is not None,
                             "lock_until": term.lock_until.isoformat() if term else None},
                )  # fmt: skip
