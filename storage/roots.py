"""The day's Merkle root over the ledger's entries and the manifests committed, signed by the agency, locked.

A root covers every entry behind the root before it, up to the last entry of its day, so that each entry is under
exactly one root, also when the clock was set back. It names the digest of the root before it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, select

from pipeline.errors import Tampered
from storage import layout, ledger
from storage.database import insert, reading, writing
from storage.ledger import Ledger
from storage.manifest import digest
from storage.proof import VIETNAM, Root, day_of, leaves, merkle
from storage.s3 import AlreadyThere, Bucket
from storage.schema import day_root
from storage.segments import Segments, put_once

CONTRACT = "root-1"
DETACHED = "application/pkcs7-signature"
SYSTEM = "system"


class Roots:
    """Seals the days that are over. `sign` makes the agency's detached signature over bytes."""

    def __init__(
        self,
        database: Engine,
        bucket: Bucket,
        segments: Segments,
        *,
        sign: Callable[[bytes], bytes],
        agency: str,
        lock: timedelta,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._ledger = Ledger(database)
        self._bucket = bucket
        self._segments = segments
        self._sign = sign
        self._agency = agency
        self._lock = lock
        self._clock = clock

    def seal(self) -> list[str]:
        """Make the roots of all days that are over and have none; returns those days. Raises Unavailable.

        Entries reach the bucket first: a root never names what only the database holds.
        """
        today = self._clock().astimezone(VIETNAM).date()
        sent = self._segments.publish()
        sealed = []
        while (found := self._next(today, sent)) is not None:
            day, content = found
            with self._segments.held_still:
                self._keep(day, content)
            sealed.append(day.isoformat())
        return sealed

    def sealed(self) -> str | None:
        """The last day that has its root."""
        last = self._last()
        return str(last.day) if last else None

    def overdue(self) -> str | None:
        """The oldest day that is over and has no root yet."""
        today = self._clock().astimezone(VIETNAM).date()
        found = self._next(today, None)
        return found[0].isoformat() if found else None

    def all(self) -> Iterator[Root]:
        """Every root in the bucket with its signature, oldest first."""
        for key in self._bucket.keys("x/"):
            if key.endswith("/root.json"):
                content = self._bucket.read(key)
                if content is not None:
                    yield Root(key, content, self._bucket.read(key.removesuffix("json") + "p7s"))

    def _next(self, today: date, sent: int | None) -> tuple[date, bytes] | None:
        """The oldest day that is over and not sealed, with the bytes of its root."""
        last = self._last()
        first = last.last + 1 if last else 1
        day: date | None = None
        entries: list[tuple[int, str]] = []
        manifests: list[dict[str, str]] = []
        for entry in self._ledger.entries(first, sent):
            body = json.loads(entry.body)
            own = day_of(body["at"])
            if own >= today or (day is not None and own > day):
                break
            day = day or own
            entries.append((entry.seq, entry.hash))
            manifests += _manifest_of(body)
        if day is None:
            return None
        if (
            last and day.isoformat() <= last.day
        ):  # the clock was set back: these belong to a day that has its root
            day = date.fromisoformat(last.day) + timedelta(days=1)
            if day >= today:
                return None
        manifests = sorted({one["key"]: one for one in manifests}.values(), key=lambda one: one["key"])
        values: dict[str, Any] = {
            "contract": CONTRACT,
            "day": day.isoformat(),
            "zone": "Asia/Ho_Chi_Minh",
            "agency": self._agency,
            "previous": last.sha256 if last else None,
            "first": entries[0][0],
            "last": entries[-1][0],
            "head": entries[-1][1],
            "manifests": manifests,
            "root": merkle(leaves(entries, manifests)),
        }
        return day, json.dumps(values, sort_keys=True, ensure_ascii=False, indent=1).encode()

    def _keep(self, day: date, content: bytes) -> None:
        """Root, signature, note of both; the bytes follow from the ledger, so all may be repeated."""
        put_once(self._bucket, layout.root(day), content, media_type="application/json", lock=self._lock)
        key = layout.root_signature(day)
        if self._bucket.stat(key) is None:
            try:
                put_once(self._bucket, key, self._sign(content), media_type=DETACHED, lock=self._lock)
            except Tampered as error:  # another attempt signed it meanwhile; one signature is enough
                if not isinstance(error.__cause__, AlreadyThere):
                    raise
        values = json.loads(content)
        with writing(self._database) as connection:
            connection.execute(
                insert(day_root)
                .values(
                    day=day.isoformat(),
                    first=values["first"],
                    last=values["last"],
                    key=layout.root(day),
                    sha256=digest(content),
                )
                .on_conflict_do_nothing()  # another host on the same database was first
            )
            ledger.append(
                connection,
                act="seal_day",
                actor=SYSTEM,
                agency=self._agency,
                objects=[layout.root(day), digest(content)],
                details={"day": day.isoformat()},
                request=f"seal_day:{day.isoformat()}",
            )

    def _last(self) -> Any:
        with reading(self._database) as connection:
            return connection.execute(select(day_root).order_by(day_root.c.day.desc()).limit(1)).first()


def _manifest_of(body: dict[str, Any]) -> list[dict[str, str]]:
    """The manifest that an entry of act `store` committed."""
    details = body.get("details") or {}
    if body.get("act") != "store" or "manifest" not in details:
        return []
    return [{"key": str(details["manifest"]), "sha256": str(details["manifest_sha256"])}]
