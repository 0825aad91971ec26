"""Terms and holds carried to every object of a dossier in the store, and carried again when something was added.

What is decided stands in the dossier's record. A row says how far it was applied, so that a kill costs nothing: the
next round looks at every version again, and what is locked long enough is left as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, or_, select, update

from pipeline.errors import Unavailable, UsageError
from storage import layout, ledger
from storage.database import reading, writing
from storage.dossier_record import DossierRecord, decode_record
from storage.dossier_tables import dossier
from storage.generations import newest_generation
from storage.keeping_tables import kept
from storage.locking import LockingBucket

SYSTEM = "system"


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """How far term and hold of a dossier are in the store; `trouble` is why they are not."""

    done: bool
    objects: int
    at: str | None
    trouble: str


class Keeper:
    """Works on one bucket. Every round may be repeated and may run beside another one."""

    def __init__(self, database: Engine, bucket: LockingBucket, *, agency: str) -> None:
        self._database = database
        self._bucket = bucket
        self._agency = agency

    def run(self) -> None:
        """All dossiers that have something to apply. Raises Unavailable; what is left comes next time."""
        for code in self.due():
            self.apply(code)

    def due(self) -> Sequence[str]:
        """Dossiers with a newer record or manifest than was applied."""
        newest = newest_generation(kept.c.code).scalar_subquery()
        query = (
            select(kept.c.code)
            .join(dossier, dossier.c.code == kept.c.code)
            .where(or_(dossier.c.record_number > kept.c.record_done, newest > kept.c.generation_done))
        )
        with reading(self._database) as connection:
            return list(connection.execute(query).scalars())

    def apply(self, code: str) -> None:
        """Every version below the dossier's folder. A refusal of the store is written down; raises Unavailable."""
        record, generation = self._stand(code)
        if record.retention is None and record.hold is None and not self._known(code):
            return
        changed = seen = 0
        try:
            for version in self._bucket.versions(f"{layout.dossier_folder(code)}/"):
                if not version.deleted:
                    seen += 1
                    changed += self._one(version.key, version.version_id, record)
        except UsageError as error:  # its key may not: an administrator must see to it
            self._set(code, trouble=error.both[:500])
            return
        except Unavailable as error:
            self._set(code, trouble=error.both[:500])
            raise
        self._done(code, record, generation, seen, changed)

    def applied(self, code: str) -> Applied:
        """For people: how far it is."""
        with reading(self._database) as connection:
            row = connection.execute(select(kept).where(kept.c.code == code)).first()
        if row is None:
            return Applied(done=True, objects=0, at=None, trouble="")
        waits = code in self.due()
        return Applied(done=not waits, objects=row.objects, at=row.done_at, trouble=row.trouble)

    def _one(self, key: str, version_id: str, record: DossierRecord) -> bool:
        changed = self._bucket.put_hold(key, version_id, record.hold is not None)
        if record.retention is not None:
            changed |= self._bucket.extend(
                key,
                version_id,
                until=record.retention.lock_until,
                mode=record.retention.mode,
                now=datetime.now(UTC),
            )
        return changed

    def _stand(self, code: str) -> tuple[DossierRecord, int]:
        """Read before the store is: what comes meanwhile is newer, and so comes again."""
        newest = newest_generation(code)
        with reading(self._database) as connection:
            text = connection.execute(select(dossier.c.record).where(dossier.c.code == code)).scalar()
            generation = int(connection.execute(newest).scalar_one())
        return decode_record(text.encode(), code) if text else DossierRecord(dossier=code), generation

    def _known(self, code: str) -> bool:
        with reading(self._database) as connection:
            return connection.execute(select(kept.c.code).where(kept.c.code == code)).first() is not None

    def _set(self, code: str, **values: Any) -> None:
        with writing(self._database) as connection:
            connection.execute(update(kept).where(kept.c.code == code).values(**values))

    def _done(self, code: str, record: DossierRecord, generation: int, seen: int, changed: int) -> None:
        retention = record.retention
        with writing(self._database) as connection:
            connection.execute(
                update(kept)
                .where(kept.c.code == code)
                .values(
                    record_done=record.number, generation_done=generation, objects=seen,
                    done_at=datetime.now(UTC).isoformat(), trouble="",
                )
            )  # fmt: skip
            if changed:
                ledger.append(
                    connection,
                    act="retain",
                    actor=SYSTEM,
                    agency=self._agency,
                    objects=[code],
                    details={
                        "objects": seen,
                        "changed": changed,
                        "hold": record.hold is not None,
                        "lock_until": retention.lock_until.isoformat() if retention else None,
                        "mode": retention.mode if retention else None,
                    },
                )
