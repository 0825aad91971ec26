"""The second copy, made in the background: planned from the ledger, copied, read back, acknowledged; and healed from.

Each step is a row in the database, so that a kill costs nothing: what is not acknowledged is looked at again.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Any

from sqlalchemy import Connection, Engine, and_, delete, func, or_, select, update

from pipeline.errors import Tampered, Unavailable
from pipeline.model import Sha256, SignatureRole
from storage import layout
from storage.archive import Archive
from storage.copy_disposed import remove_disposed
from storage.copy_keeping import CopyKeeper
from storage.copy_tables import copy_cursor, copy_item
from storage.database import insert, reading, writing
from storage.evidence_tables import evidence_record
from storage.ledger import Ledger
from storage.s3 import Bucket
from storage.schema import batch, day_root, held, ledger_segment
from storage.second_place import SecondPlace

AT_ONCE = 100
ENTRIES = 5000
SWEEP = timedelta(days=1)
"""How often the whole bucket is listed for what the ledger did not tell of."""
SWEPT = ("d/", "q/", "x/")


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyState:
    """How far the copy is. `oldest` is when the object that waits longest was noted; `trouble` why nothing moves."""

    place: str
    copied: int
    waiting: int
    oldest: str | None
    problems: int
    trouble: str | None

    def to_json(self) -> dict[str, Any]:
        since = datetime.fromisoformat(self.oldest) if self.oldest else None
        return {
            "place": self.place,
            "copied": self.copied,
            "waiting": self.waiting,
            "lag_seconds": round((datetime.now(UTC) - since).total_seconds()) if since else 0,
            "problems": self.problems,
            "trouble": self.trouble,
        }


class SecondCopy:
    """Copies from one archive to one second place. One thread at a time calls `work`."""

    def __init__(
        self,
        database: Engine,
        archive: Archive,
        bucket: Bucket,
        place: SecondPlace,
        scratch: Path,
        *,
        agency: str = "",
    ) -> None:
        self._database = database
        self._archive = archive
        self._bucket = bucket
        self._place = place
        self._scratch = scratch
        self._keeper = CopyKeeper(database, place, agency=agency)
        self._trouble: str | None = None

    def work(self) -> int:
        """Copy everything that is due; returns how many were acknowledged. Raises Unavailable; go on later."""
        done = 0
        try:
            self._place.ready(first=not self._any())
            self.plan()
            remove_disposed(self._database, self._place)
            after = ("", "")
            while rows := self._open_ones(after):
                done += sum(self._copy(row.key, row.sha256) for row in rows)
                after = (rows[-1].noted_at, rows[-1].key)
            self._keeper.run()
        except Unavailable as error:
            self._trouble = error.both
            raise
        self._trouble = None
        return done

    def plan(self) -> None:
        """Note what is new: by the ledger, and once a day by a listing of the bucket."""
        seq, swept = self._cursor()
        ledger = Ledger(self._database)
        while True:
            entries = list(ledger.entries(seq + 1, seq + ENTRIES))
            if not entries:
                break
            seq = entries[-1].seq
            wanted = [pair for entry in entries for pair in self._told_by(json.loads(entry.body))]
            with writing(self._database) as connection:
                _note(connection, wanted)
                connection.execute(update(copy_cursor).values(seq=seq))
        with writing(self._database) as connection:
            _note(connection, _sent(connection))
        if swept + SWEEP <= datetime.now(UTC):
            for prefix in SWEPT:
                self._sweep(prefix)
            with writing(self._database) as connection:
                connection.execute(update(copy_cursor).values(swept_at=_now()))

    def acknowledged(self, document: str) -> bool:
        """Whether the second place has given back every object of a stored document, in all its versions."""
        query = (
            select(func.count(), func.count(copy_item.c.copied_at))
            .select_from(held)
            .outerjoin(copy_item, and_(copy_item.c.key == held.c.key, copy_item.c.sha256 == held.c.sha256))
            .where(held.c.document == document)
        )
        with reading(self._database) as connection:
            total, copied = connection.execute(query).one()
        return bool(total) and total == copied

    def state(self) -> CopyState:
        """For `sohoa status` and `sohoa doctor`."""
        with reading(self._database) as connection:
            waiting = copy_item.c.copied_at.is_(None)
            copied = connection.execute(select(func.count(copy_item.c.copied_at))).scalar_one()
            count, oldest = connection.execute(
                select(func.count(), func.min(copy_item.c.noted_at)).where(waiting)
            ).one()
            problems = connection.execute(
                select(func.count()).where(copy_item.c.problem.is_not(None))
            ).scalar_one()
        return CopyState(
            place=self._place.describe(),
            copied=copied,
            waiting=count,
            oldest=oldest,
            problems=problems,
            trouble=self._trouble or next(iter(self._keeper.troubles()), None),
        )

    def check(self, limit: int | None = None) -> list[tuple[str, str]]:
        """Read the copies that were read longest ago; (key, digest) of those that are damaged, to be copied again."""
        self._place.ready(first=False)
        bad: list[tuple[str, str]] = []
        began, seen = _now(), 0
        while limit is None or seen < limit:
            query = (
                select(copy_item.c.key, copy_item.c.sha256)
                .where(copy_item.c.copied_at.is_not(None), copy_item.c.checked_at < began)
                .order_by(copy_item.c.checked_at)
                .limit(AT_ONCE)
            )
            with reading(self._database) as connection:
                rows = connection.execute(query).all()
            if not rows:
                break
            for row in rows:
                seen += 1
                if self._place.hash(row.key) == row.sha256:
                    self._set(row.key, checked_at=_now())
                else:
                    self._set(row.key, copied_at=None, checked_at=None, problem="damaged")
                    bad.append((row.key, row.sha256))
        return bad

    def bring_back(self, key: str, sha256: str | None, into: Path) -> str | None:
        """The recorded bytes into a file, and their digest; None when the second place has not got them."""
        with reading(self._database) as connection:
            noted = connection.execute(select(copy_item.c.sha256).where(copy_item.c.key == key)).scalar()
        wanted = sha256 or noted
        if wanted is None:
            return None
        try:
            self._place.fetch(key, Sha256(wanted), into)
        except Tampered:
            return None
        return str(wanted)

    def _copy(self, key: str, sha256: str | None) -> bool:
        """One object: True when it is acknowledged."""
        with reading(self._database) as connection:
            damaged = (
                connection.execute(select(copy_item.c.problem).where(copy_item.c.key == key)).scalar()
                == "damaged"
            )
        self._scratch.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._scratch / uuid.uuid4().hex
        try:
            digest = Sha256(sha256) if sha256 else self._bucket.hash(key)
            if digest is None:
                return False  # told of before it is there, or lost: the scrub tells which
            if self._place.hash(key) != digest:
                try:
                    self._archive.fetch(key, digest, path)
                except Tampered:
                    if self._never_landed(key):
                        return False
                    if not self._archive.recover(key, digest, path):
                        return self._problem(key, "not readable in the repository")
                self._place.put(key, path, digest, instead=damaged)
                if self._place.hash(key) != digest:
                    return self._problem(key, "reads back other bytes")
            now = _now()
            self._set(key, sha256=digest, copied_at=now, checked_at=now, problem=None)
            return True
        except Tampered as error:
            return self._problem(key, str(error))
        finally:
            path.unlink(missing_ok=True)

    def _never_landed(self, key: str) -> bool:
        """An original that is not in the bucket: not yet, or, when its batch is settled, refused and so never."""
        if not key.startswith("q/") or self._bucket.stat(key) is not None:
            return False
        with writing(self._database) as connection:
            state = connection.execute(select(batch.c.state).where(batch.c.id == key.split("/")[1])).scalar()
            if state in ("done", "review", "failed"):
                connection.execute(delete(copy_item).where(copy_item.c.key == key))
        return True

    def _problem(self, key: str, why: str) -> bool:
        self._set(key, problem=why[:300])
        return False

    def _set(self, key: str, **values: Any) -> None:
        with writing(self._database) as connection:
            connection.execute(update(copy_item).where(copy_item.c.key == key).values(**values))

    def _open_ones(self, after: tuple[str, str]) -> Sequence[Any]:
        noted_at, key = after
        query = (
            select(copy_item.c.key, copy_item.c.sha256, copy_item.c.noted_at)
            .where(
                or_(
                    copy_item.c.noted_at > noted_at,
                    and_(copy_item.c.noted_at == noted_at, copy_item.c.key > key),
                ),
                copy_item.c.copied_at.is_(None),
                or_(copy_item.c.problem.is_(None), copy_item.c.problem == "damaged"),
            )
            .order_by(copy_item.c.noted_at, copy_item.c.key)
            .limit(AT_ONCE)
        )
        with reading(self._database) as connection:
            return connection.execute(query).all()

    def _any(self) -> bool:
        with reading(self._database) as connection:
            query = select(copy_item.c.key).where(copy_item.c.checked_at.is_not(None)).limit(1)
            return connection.execute(query).first() is not None

    def _cursor(self) -> tuple[int, datetime]:
        with writing(self._database) as connection:
            values = {"id": 1, "seq": 0, "swept_at": "1970-01-01T00:00:00+00:00", "looked_at": _now()}
            connection.execute(insert(copy_cursor).values(**values).on_conflict_do_nothing())
            row = connection.execute(select(copy_cursor)).one()
        return row.seq, datetime.fromisoformat(row.swept_at)

    def _told_by(self, body: dict[str, Any]) -> list[tuple[str, str | None]]:
        """Keys that an entry of the ledger speaks of."""
        objects, details = body["objects"], body.get("details") or {}
        if body["act"] == "take_in":
            return [(layout.landing(objects[0], sha256), sha256) for sha256 in objects[1:]]
        if details.get("record") and details.get("record_sha256"):
            return [(str(details["record"]), str(details["record_sha256"]))]
        if body["act"] != "store":
            return []
        with reading(self._database) as connection:
            rows = connection.execute(
                select(held.c.key, held.c.sha256).where(held.c.document == objects[0])
            ).all()
        found: list[tuple[str, str | None]] = [(row.key, row.sha256) for row in rows]
        base = str(details.get("manifest", "")).removesuffix(".json")
        for key in [f"{base}.{role}.p7s" for role in SignatureRole] if base else []:
            if self._bucket.stat(key) is not None:
                found.append((key, None))
        return found

    def _sweep(self, prefix: str) -> None:
        found: list[tuple[str, str | None]] = []
        for key in self._bucket.keys(prefix):
            found.append((key, named_digest(key)))
            if len(found) >= ENTRIES:
                with writing(self._database) as connection:
                    _note(connection, found)
                found = []
        with writing(self._database) as connection:
            _note(connection, found)


def named_digest(key: str) -> str | None:
    """The digest that a content-addressed key is named by."""
    stem = PurePosixPath(key).name.partition(".")[0]
    named = key.startswith("q/") or "/c/" in key
    return stem if named and len(stem) == 64 and set(stem) <= set("0123456789abcdef") else None


def _note(connection: Connection, wanted: Iterable[tuple[str, str | None]]) -> None:
    now = _now()
    rows = [{"key": key, "sha256": sha256, "noted_at": now} for key, sha256 in wanted]
    if rows:
        connection.execute(insert(copy_item).on_conflict_do_nothing(), rows)


def _sent(connection: Connection) -> list[tuple[str, str | None]]:
    """Segments, roots and evidence records that are in the bucket and not noted yet."""
    found: list[tuple[str, str | None]] = []
    for table in (ledger_segment, day_root, evidence_record):
        missing = (
            select(table.c.key, table.c.sha256)
            .outerjoin(copy_item, copy_item.c.key == table.c.key)
            .where(table.c.sha256.is_not(None), copy_item.c.key.is_(None))
        )
        for row in connection.execute(missing).all():
            found.append((row.key, row.sha256))
            if table is day_root:
                found.append((str(row.key).removesuffix("json") + "p7s", None))
    return found


def _now() -> str:
    return datetime.now(UTC).isoformat()
