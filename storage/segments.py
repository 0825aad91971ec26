"""Ledger entries go to the bucket soon after they are written: locked objects, a line an entry.

What a segment will hold is written down before it is sent, so that a crash between sending and noting it sends
the same bytes under the same key again, and no two segments overlap. Entries of two days never share one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, Select, func, select, update

from pipeline.errors import Tampered
from storage import layout
from storage.database import insert, reading, writing
from storage.homes import Stillness
from storage.manifest import digest
from storage.proof import Entry, day_of, line_of
from storage.s3 import AlreadyThere, Bucket
from storage.schema import ledger, ledger_segment

MOST = 5000
"""Entries in one segment."""
JSON_LINES = "application/jsonl"


class Segments:
    """Sends what is new. `lock` is how long an object stays locked, a day at least."""

    def __init__(self, database: Engine, bucket: Bucket, *, lock: timedelta) -> None:
        self._database = database
        self._bucket = bucket
        self._lock = lock
        self.held_still = Stillness(database)
        """Held by who needs the ledger's objects in the bucket not to run ahead of the database."""

    def publish(self) -> int:
        """Send every entry that is not in the bucket yet; returns the number of the last one there.

        Raises Unavailable, and Tampered when the bucket holds other entries under these numbers.
        """
        with self.held_still:
            return self._publish()

    def _publish(self) -> int:
        while self._plan():
            for row in self._planned():
                content = self._content(row.first, row.last)
                put_once(self._bucket, row.key, content, media_type=JSON_LINES, lock=self._lock)
                with writing(self._database) as connection:
                    connection.execute(
                        update(ledger_segment)
                        .where(ledger_segment.c.first == row.first)
                        .values(sha256=digest(content))
                    )
        return self.published()

    def published(self) -> int:
        """Number of the last entry that is in the bucket."""
        query = select(func.max(ledger_segment.c.last)).where(ledger_segment.c.sha256.is_not(None))
        with reading(self._database) as connection:
            return int(connection.execute(query).scalar() or 0)

    def published_keys(self) -> set[str]:
        """Keys of all segments that were sent."""
        query = select(ledger_segment.c.key).where(ledger_segment.c.sha256.is_not(None))
        with reading(self._database) as connection:
            return set(connection.execute(query).scalars())

    def all(self) -> Iterator[tuple[str, bytes]]:
        """Every segment in the bucket as (key, bytes), oldest first."""
        for key in self._bucket.keys("l/"):
            content = self._bucket.read(key)
            if content is not None:
                yield key, content

    def _plan(self) -> bool:
        """Write down the next segment unless one is planned already; False when there is nothing to send."""
        with writing(self._database) as connection:
            if connection.execute(_open_ones().limit(1)).first() is not None:
                return True
            last = connection.execute(select(func.max(ledger_segment.c.last))).scalar() or 0
            day, numbers = _of_one_day(connection, last)
            if day is None:
                return False
            key = layout.segment(day, numbers[0], numbers[-1])
            connection.execute(insert(ledger_segment).values(first=numbers[0], last=numbers[-1], key=key))
            return True

    def _planned(self) -> Sequence[Any]:
        with reading(self._database) as connection:
            return connection.execute(_open_ones()).all()

    def _content(self, first: int, last: int) -> bytes:
        query = select(ledger).where(ledger.c.seq.between(first, last)).order_by(ledger.c.seq)
        with reading(self._database) as connection:
            rows = connection.execute(query).all()
        return b"".join(
            line_of(Entry(row.seq, row.previous, row.hash, row.body), request=row.request) for row in rows
        )


def put_once(bucket: Bucket, key: str, content: bytes, *, media_type: str, lock: timedelta) -> None:
    """A locked object that is written once; raises Tampered when other bytes are there already."""
    until = datetime.now(UTC) + max(lock, timedelta(days=1))
    try:
        bucket.put_new(key, content, sha256=digest(content), media_type=media_type, lock_until=until)
    except AlreadyThere as error:
        if bucket.hash(key) != digest(content):
            raise Tampered(
                f"{key} holds other bytes than are to be written there; compare the bucket with the database, "
                "and run `sohoa rebuild` when the database is the wrong one",
                vi=f"{key} trong kho khác với cơ sở dữ liệu; hãy đối chiếu, và chạy `sohoa rebuild` nếu cần",
            ) from error


def _open_ones() -> Select[Any]:
    """Segments that are planned and not known to be in the bucket."""
    return select(ledger_segment).where(ledger_segment.c.sha256.is_(None)).order_by(ledger_segment.c.first)


def _of_one_day(connection: Connection, after: int) -> tuple[date | None, list[int]]:
    """The day of the entry behind `after`, and the numbers from there on that are of the same day."""
    query = select(ledger.c.seq, ledger.c.body).where(ledger.c.seq > after).order_by(ledger.c.seq).limit(MOST)
    day: date | None = None
    numbers: list[int] = []
    for row in connection.execute(query):
        own = day_in(row.body)
        if day is not None and own != day:
            break
        day = own
        numbers.append(row.seq)
    return day, numbers


def day_in(body: str) -> date:
    """The business day of an entry of our own ledger."""
    return day_of(str(json.loads(body)["at"]))
