"""Dossiers as a whole: each change is a record in the bucket, then a row and a ledger entry in one transaction."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, select, update

from pipeline.errors import Tampered
from pipeline.model import Paper
from pipeline.records import load
from storage import layout, ledger
from storage.database import insert, reading, writing
from storage.dossier_record import DossierRecord, decode_record, encode_record
from storage.dossier_tables import dossier, issued_code
from storage.generations import newest_generation
from storage.keeping_tables import disposal_open, kept
from storage.manifest import digest
from storage.s3 import AlreadyThere, Bucket
from storage.schema import batch, document

LONGEST_REASON = 500
SYSTEM = "system"


class Dossiers:
    """Reads the newest records from the database, writes new ones to the bucket first."""

    def __init__(self, database: Engine, bucket: Bucket, *, lock: timedelta) -> None:
        self._database = database
        self._bucket = bucket
        self._lock = lock
        self._one_at_a_time = threading.Lock()

    def record(self, code: str) -> DossierRecord:
        """The newest record; a blank one, number 0, when nothing was ever decided."""
        with reading(self._database) as connection:
            found = connection.execute(select(dossier.c.record).where(dossier.c.code == code)).scalar()
        return decode_record(found.encode(), code) if found else DossierRecord(dossier=code)

    def change(
        self,
        code: str,
        edit: Callable[[DossierRecord], DossierRecord],
        *,
        act: str,
        actor: str,
        agency: str,
        reason: str = "",
        objects: Sequence[str] = (),
    ) -> DossierRecord:
        """Make the next record; an edit that changes nothing writes nothing.

        A record that a dead process left in the bucket is adopted first. Raises Tampered when records are missing.
        """
        with self._one_at_a_time:
            while True:
                last = self._newest(code)
                following = edit(last)
                if following.same_but_for_head(last):
                    return last
                now = datetime.now(UTC)
                following = replace(
                    following,
                    number=last.number + 1,
                    previous=digest(encode_record(last)) if last.number else None,
                    at=now,
                    agency=agency,
                    actor=ledger.actor_key(agency, actor),
                    act=act,
                    reason=reason[:LONGEST_REASON],
                )
                content = encode_record(following)
                key = layout.dossier_record(code, following.number)
                try:
                    self._bucket.put_new(
                        key,
                        content,
                        sha256=digest(content),
                        media_type="application/json",
                        lock_until=now + max(self._lock, timedelta(days=1)),
                    )
                except AlreadyThere:
                    continue
                if self._bucket.hash(key) != digest(content):
                    raise Tampered(
                        f"{key}: the store returned other bytes", vi="Kho trả về nội dung sai khác"
                    )
                self._keep(following, content, objects, actor)
                return following

    def papers(self, code: str) -> list[dict[str, Any]]:
        """Papers of a dossier that are stored or waiting, each with its fields (`fields`: name to Field)."""
        query = (
            select(document, batch.c.intake)
            .join(batch, batch.c.id == document.c.batch)
            .where(document.c.dossier == code)
            .order_by(document.c.batch, document.c.pages)
        )
        found = []
        with reading(self._database) as connection:
            for row in connection.execute(query):
                paper = load(Paper, row.paper.encode())
                values = {name: row._mapping[name] for name in _SHOWN}
                values["doubtful"] = json.loads(row.doubtful)
                values["fields"] = {field.name: field for field in paper.fields}
                values["procedure"] = json.loads(row.intake).get("procedure")
                found.append(values)
        return found

    def uncoded(self) -> list[str]:
        """Dossiers with a stored paper that has no code yet."""
        has = select(issued_code.c.document).where(
            issued_code.c.document == document.c.id, issued_code.c.kind == "paper"
        )
        query = select(document.c.dossier).distinct()
        query = query.where(document.c.state == "stored", document.c.dossier.is_not(None), ~has.exists())
        with reading(self._database) as connection:
            return [str(code) for code in connection.execute(query).scalars()]

    def unsaid(self) -> list[str]:
        """Dossiers with changes, of their record or of a paper, that other systems were not told of."""
        newer = select(document.c.id).where(
            document.c.dossier == dossier.c.code, document.c.generation > dossier.c.seen
        )
        query = select(dossier.c.code).where((dossier.c.unsaid > 0) | newer.exists())
        with reading(self._database) as connection:
            return [str(code) for code in connection.execute(query).scalars()]

    def stand(self, code: str) -> tuple[int, int]:
        """How many changes were not told of, and the newest manifest of the dossier."""
        newest = newest_generation(code)
        with reading(self._database) as connection:
            count = connection.execute(select(dossier.c.unsaid).where(dossier.c.code == code)).scalar()
            return int(count or 0), int(connection.execute(newest).scalar_one())

    def said(self, code: str, stand: tuple[int, int]) -> None:
        """Told as far as `stand`; what came since is still to be told."""
        count, seen = stand
        with writing(self._database) as connection:
            connection.execute(
                update(dossier)
                .where(dossier.c.code == code, dossier.c.unsaid >= count)
                .values(unsaid=dossier.c.unsaid - count, seen=seen)
            )

    def _newest(self, code: str) -> DossierRecord:
        """The newest record of bucket and database, the database brought up to it."""
        known = self.record(code)
        prefix = f"{layout.dossier_folder(code)}/h/"
        keys = sorted(key for key in self._bucket.keys(prefix) if key.endswith(".json"))
        if len(keys) < known.number:
            raise Tampered(
                f"records of dossier {code} are missing in the bucket; run `sohoa fixity`",
                vi=f"Sổ hồ sơ {code} trong kho bị thiếu; hãy chạy `sohoa fixity`",
            )
        for key in keys[known.number :]:
            content = self._bucket.read(key)
            if content is None:
                raise Tampered(f"{key} is gone", vi=f"Sổ hồ sơ {key} đã mất")
            following = decode_record(content, key)
            if known.number and following.previous != digest(encode_record(known)):
                raise Tampered(
                    f"{key} does not follow the record before it", vi=f"Sổ hồ sơ {key} không nối tiếp"
                )
            known = following
            self._keep(known, content, (), None)
        return known

    def _keep(self, record: DossierRecord, content: bytes, objects: Sequence[str], actor: str | None) -> None:
        """Row and entry; without an actor it is adopted, and the entry says whose it was by the pseudonymous key."""
        key, sha256 = layout.dossier_record(record.dossier, record.number), digest(content)
        with writing(self._database) as connection:
            put_row(connection, record, content, key)
            ledger.append(
                connection,
                act=record.act,
                actor=actor or SYSTEM,
                agency=record.agency,
                objects=[record.dossier, *objects],
                details={
                    "state": record.state.value,
                    "procedure": record.procedure,
                    "record": key,
                    "record_sha256": sha256,
                    **({"reason": record.reason} if record.reason else {}),
                    **({} if actor else {"by": record.actor}),
                },
                request=f"dossier:{record.dossier}:{record.number}",
            )


_SHOWN = (
    "id", "type", "type_name", "title", "number", "date", "issuer", "state", "reason", "key", "pdf_sha256",
    "signature_level", "stored_at", "generation",
)  # fmt: skip


def put_row(
    connection: Connection, record: DossierRecord, content: bytes, key: str, *, said: bool = False
) -> None:
    """The newest record as a row, and its codes. `said`: nobody needs to be told of it."""
    values = {
        "state": record.state.value,
        "procedure": record.procedure,
        "record_number": record.number,
        "record_key": key,
        "record_sha256": digest(content),
        "record": content.decode(),
        "changed_at": record.at.isoformat() if record.at else "",
    }
    connection.execute(
        insert(dossier)
        .values(code=record.dossier, unsaid=0 if said else 1, **values)
        .on_conflict_do_update(
            index_elements=["code"], set_={**values, "unsaid": dossier.c.unsaid + (0 if said else 1)}
        )
    )
    if record.retention or record.hold:
        retention = record.retention
        days = {
            "closed": retention.closed.isoformat() if retention else None,
            "until": retention.until.isoformat() if retention and retention.until else None,
        }
        connection.execute(
            insert(kept)
            .values(code=record.dossier, **days)
            .on_conflict_do_update(index_elements=["code"], set_=days)
        )
    if record.disposal and record.act == "decide_disposal":
        connection.execute(
            insert(disposal_open)
            .values(code=record.dossier, record_number=record.number)
            .on_conflict_do_nothing()
        )
    for code in record.codes:
        connection.execute(
            insert(issued_code)
            .values(
                code=code.text, dossier=record.dossier, kind=code.kind, owner_id=code.owner_id,
                type_code=code.type_code, result_code=code.result_code, seq=code.seq, document=code.document,
                issued_at=code.issued_at.isoformat(),
            )
            .on_conflict_do_nothing()
        )  # fmt: skip
