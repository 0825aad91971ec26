"""Evidence over the signed days that outlives time-stamps and algorithms: one time-stamp for many days.

A day's root and the agency's signature over it prove what was stored that day as long as that signature's
time-stamp does. Before it ends, all days without a record go under one new time-stamp (RFC 4998: hash tree, evidence
record); later that one is renewed, by another time-stamp over it, or, when the digest weakens, by another digest over
everything. Each version is a new locked object. The bucket decides: what a crash left out of the database is taken up.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import Engine, func, select, update

from pipeline.errors import NeedsPerson, SohoaError, Tampered
from storage import layout, ledger
from storage.database import insert, reading, writing
from storage.evidence_record import (
    KINDS,
    NAMES,
    begun,
    plant,
    planted_again,
    stamped_again,
    with_last_token,
    with_proof,
)
from storage.evidence_tables import evidence_record, root_evidence
from storage.manifest import digest
from storage.proof import (
    EVIDENCE,
    HASHES,
    RENEWAL,
    ArchiveStamp,
    hashed,
    leaf_of,
    read_record,
    stamp_tokens_of,
    stamps_leaf,
)
from storage.root_digests import digests_of_day
from storage.s3 import Bucket
from storage.schema import day_root
from storage.segments import put_once

RECORD = "application/octet-stream"
LIST = "application/jsonl"
Progress = Callable[[int, int], None]


class Proof(Protocol):
    """Certificates and revocation data of a signer, DER."""

    @property
    def certificates(self) -> tuple[bytes, ...]: ...
    @property
    def crls(self) -> tuple[bytes, ...]: ...
    @property
    def ocsps(self) -> tuple[bytes, ...]: ...


class Stamper(Protocol):
    """A time-stamp authority, and the proof that the signer of a token is good now."""

    def stamp(self, digest: bytes, algorithm: str) -> bytes: ...
    def proof(self, token: bytes) -> Proof: ...


@dataclass(frozen=True, slots=True)
class Due:
    """Days whose evidence ends: those without a record one by one, the others by record.

    `way` is how it is renewed: `first`, `stamp` (a time-stamp over the last one), `tree` (a stronger digest over all).
    """

    first: str
    last: str
    days: int
    ends: str | None
    way: str
    key: str | None


class RootEvidence:
    """The calendar of the signed days, and their renewal.

    `proves_until` says of a token, `digest_until` of a digest algorithm, how long it proves anything.
    """

    def __init__(
        self,
        database: Engine,
        bucket: Bucket,
        stamper: Stamper,
        *,
        proves_until: Callable[[bytes], datetime],
        digest_until: Callable[[str], datetime],
        agency: str,
        lock: timedelta,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._bucket = bucket
        self._stamper = stamper
        self._proves_until = proves_until
        self._digest_until = digest_until
        self._agency = agency
        self._lock = lock
        self._clock = clock
        self._alone = threading.Lock()

    def all(self) -> Iterator[tuple[str, bytes]]:
        """Every version of every record in the bucket."""
        for key in self._bucket.keys(EVIDENCE):
            content = self._bucket.read(key) if key.endswith(".ers") else None
            if content is not None:
                yield key, content

    def lost(self, key: str) -> bool:
        """Whether the bucket has nothing at that key now."""
        return self._bucket.stat(key) is None

    def due(self, before: datetime, actor: str) -> list[Due]:
        """What ends before that time, soonest first. Days and records that nobody has looked at yet are read first."""
        with self._alone:
            self._look(actor)
            return self._due(before)

    def renew(
        self, before: datetime, actor: str, progress: Progress = lambda done, total: None
    ) -> tuple[list[Due], list[tuple[Due, SohoaError]]]:
        """Renew all that ends before that time; what was done, and what could not be, with the reason.

        When a day without a record is due, all days without one go under the same time-stamp. Raises Unavailable.
        """
        with self._alone:
            self._look(actor)
            wanted = self._due(before)
            done: list[Due] = []
            failed: list[tuple[Due, SohoaError]] = []
            steps: list[tuple[list[Due], Callable[[], list[tuple[Due, SohoaError]]]]] = []
            fresh = [one for one in wanted if one.way == "first"]
            if fresh:
                steps.append((fresh, lambda: self._first(before)))
            for algorithm in KINDS:
                again = [one for one in wanted if one.way == "stamp" and self._algorithm(one) == algorithm]
                if again:
                    steps.append((again, lambda a=again, n=algorithm: self._stamp_again(a, n)))  # type: ignore[misc]
            planted = [one for one in wanted if one.way == "tree"]
            if planted:
                steps.append((planted, lambda: self._plant_again(planted, before)))
            for number, (those, work) in enumerate(steps):
                progress(number, len(steps))
                try:
                    wrong = work()
                except NeedsPerson as error:
                    wrong = [(one, error) for one in those]
                failed += wrong
                kept = {one.first for one, _ in wrong}
                done += [one for one in those if one.first not in kept]
                self._take_up(actor)
            progress(len(steps), len(steps))
            return done, failed

    def _first(self, before: datetime) -> list[tuple[Due, SohoaError]]:
        """One new record over all days that have none."""
        name = self._strong(before)
        query = (
            select(root_evidence.c.day).where(root_evidence.c.series.is_(None)).order_by(root_evidence.c.day)
        )
        with reading(self._database) as connection:
            days = list(connection.execute(query).scalars())
        leaves = [leaf_of(one, KINDS[name], ()) for day in days for one in self._sealed(day)]
        top, (tree,) = plant([leaves], KINDS[name])
        self._put(days[0], 1, begun(self._stamped(top, name, tree)))
        return []

    def _stamp_again(self, those: Sequence[Due], name: str) -> list[tuple[Due, SohoaError]]:
        """One time-stamp over the last time-stamps of several records."""
        kind, failed, ready = KINDS[name], [], []
        for one in those:
            try:
                ready.append((one, *self._opened(one)))
            except SohoaError as error:
                failed.append((one, error))
        if ready:
            leaves = [[hashed(HASHES[kind], token)] for _, _, token in ready]
            top, trees = plant(leaves, kind)
            made = self._stamped(top, name, ())
            for (one, record, token), tree in zip(ready, trees, strict=True):
                longer = stamped_again(record, token, ArchiveStamp(kind, tree, made.token))
                self._put(one.first, _number(one) + 1, longer)
        return failed

    def _plant_again(self, those: Sequence[Due], before: datetime) -> list[tuple[Due, SohoaError]]:
        """A stronger digest over roots, signatures, all that the roots cover, and the evidence so far."""
        name = self._strong(before)
        kind, failed, ready = KINDS[name], [], []
        for one in those:
            try:
                record, token = self._opened(one)
                chains = with_last_token(record, token)
                leaves = [
                    leaf_of(part, kind, chains)
                    for day in self._days_of(one.first)
                    for part in (*self._sealed(day), self._digests(day, name))
                ]
                ready.append((one, chains, leaves))
            except SohoaError as error:
                failed.append((one, error))
        if ready:
            top, trees = plant([leaves for _, _, leaves in ready], kind)
            made = self._stamped(top, name, ())
            for (one, chains, _), tree in zip(ready, trees, strict=True):
                self._put(
                    one.first, _number(one) + 1, planted_again(chains, ArchiveStamp(kind, tree, made.token))
                )
        return failed

    def _opened(self, one: Due) -> tuple[bytes, bytes]:
        """A record's newest version, and its last token filled with today's proof of its signer."""
        assert one.key is not None
        record = self._bucket.read(one.key)
        with reading(self._database) as connection:
            row = connection.execute(select(evidence_record).where(evidence_record.c.key == one.key)).one()
        if record is None or digest(record) != row.sha256:
            raise Tampered(
                f"{one.key} is missing or holds other bytes than recorded; run `sohoa fixity`",
                vi=f"{one.key} đã mất hoặc khác với lúc ghi nhận; hãy chạy `sohoa fixity`",
            )
        if row.ends <= self._clock().isoformat():
            raise NeedsPerson(
                f"the evidence of the days {one.first} to {one.last} ended on {row.ends[:10]}, before it was renewed; "
                "keep the official copies and ask the authority that issued the time-stamps",
                vi=f"Bằng chứng các ngày {one.first} đến {one.last} đã hết hạn ngày {row.ends[:10]} trước khi gia hạn",
            )
        return record, self._filled(read_record(record)[-1].stamps[-1].token)

    def _filled(self, token: bytes) -> bytes:
        proof = self._stamper.proof(token)
        return with_proof(token, certificates=proof.certificates, crls=proof.crls, ocsps=proof.ocsps)

    def _stamped(self, top: bytes, name: str, tree: tuple[tuple[bytes, ...], ...]) -> ArchiveStamp:
        return ArchiveStamp(KINDS[name], tree, self._filled(self._stamper.stamp(top, name)))

    def _strong(self, before: datetime) -> str:
        """The weakest digest that is still strong beyond that time, else the strongest that there is."""
        lasting = [name for name in KINDS if self._digest_until(name) >= before]
        return lasting[0] if lasting else max(KINDS, key=self._digest_until)

    def _algorithm(self, one: Due) -> str:
        with reading(self._database) as connection:
            query = select(evidence_record.c.algorithm).where(evidence_record.c.key == one.key)
            return str(connection.execute(query).scalar_one())

    def _sealed(self, day: str) -> list[bytes]:
        """The root of a day as recorded, and the signature over it."""
        with reading(self._database) as connection:
            row = connection.execute(select(day_root).where(day_root.c.day == day)).one()
        content = self._bucket.read(row.key)
        if content is None or digest(content) != row.sha256:
            raise Tampered(
                f"{row.key} is missing or holds other bytes than recorded; run `sohoa ledger verify`",
                vi=f"{row.key} đã mất hoặc khác với lúc ghi nhận; hãy chạy `sohoa ledger verify`",
            )
        signature = self._bucket.read(layout.root_signature(date.fromisoformat(day)))
        return [content] if signature is None else [content, signature]

    def _digests(self, day: str, name: str) -> bytes:
        """The list of stronger digests of a day, made when it is not there yet."""
        key = layout.root_digests(date.fromisoformat(day), name)
        content = self._bucket.read(key)
        if content is None:
            content = digests_of_day(self._database, self._bucket, self._sealed(day)[0], name)
            put_once(self._bucket, key, content, media_type=LIST, lock=self._lock)
        return content

    def _days_of(self, series: str) -> list[str]:
        query = (
            select(root_evidence.c.day).where(root_evidence.c.series == series).order_by(root_evidence.c.day)
        )
        with reading(self._database) as connection:
            return list(connection.execute(query).scalars())

    def _put(self, series: str, number: int, record: bytes) -> None:
        put_once(self._bucket, layout.evidence(series, number), record, media_type=RECORD, lock=self._lock)

    def _look(self, actor: str) -> None:
        """Read the signatures of days that are new to the calendar, then the records that are."""
        query = (
            select(day_root.c.day)
            .outerjoin(root_evidence, root_evidence.c.day == day_root.c.day)
            .where(root_evidence.c.day.is_(None))
        )
        with reading(self._database) as connection:
            days = list(connection.execute(query).scalars())
        for day in days:
            signature = self._bucket.read(layout.root_signature(date.fromisoformat(day)))
            tokens = stamp_tokens_of(signature) if signature else []
            ends = max((self._proves_until(token) for token in tokens), default=None)
            with writing(self._database) as connection:
                connection.execute(
                    insert(root_evidence)
                    .values(day=day, ends=ends.isoformat() if ends else None)
                    .on_conflict_do_nothing()
                )
        self._take_up(actor)

    def _take_up(self, actor: str) -> None:
        """Note down, and on the ledger, each version in the bucket that is not known yet."""
        with reading(self._database) as connection:
            known = set(connection.execute(select(evidence_record.c.key)).scalars())
        for key in self._bucket.keys(EVIDENCE):
            if key in known or not key.endswith(".ers"):
                continue
            record = self._bucket.read(key)
            if record is None:
                continue
            try:
                chains = read_record(record)
            except (ValueError, IndexError, KeyError) as error:
                raise Tampered(
                    f"{key} is no evidence record", vi=f"{key} không phải bản ghi bằng chứng"
                ) from error
            _, _, series, name = key.split("/")
            last = chains[-1].stamps[-1]
            ends = self._proves_until(last.token)
            days = self._covered(chains[0].stamps[0]) if name == "000001.ers" else []
            with writing(self._database) as connection:
                connection.execute(
                    insert(evidence_record).values(
                        key=key,
                        series=series,
                        number=int(name.removesuffix(".ers")),
                        sha256=digest(record),
                        algorithm=NAMES[last.kind],
                        ends=ends.isoformat(),
                    )
                )
                if days:
                    connection.execute(
                        update(root_evidence).where(root_evidence.c.day.in_(days)).values(series=series)
                    )
                ledger.append(
                    connection,
                    act=RENEWAL,
                    actor=actor,
                    agency=self._agency,
                    objects=[key, digest(record)],
                    details={
                        "first": series,
                        "stamps": sum(len(chain.stamps) for chain in chains),
                        "algorithm": NAMES[last.kind],
                        "ends": ends.isoformat(),
                    },
                    request=f"{RENEWAL}:{key}",
                )

    def _covered(self, stamp: ArchiveStamp) -> list[str]:
        """Days without a record whose root is a leaf of this time-stamp."""
        query = select(root_evidence.c.day).where(root_evidence.c.series.is_(None))
        with reading(self._database) as connection:
            days = list(connection.execute(query).scalars())
        first = set(stamp.tree[0]) if stamp.tree else set()
        found = []
        for day in days:
            leaf = leaf_of(self._sealed(day)[0], stamp.kind, ())
            if leaf in first or (not first and stamps_leaf(stamp.token, stamp.kind, leaf)):
                found.append(day)
        return found

    def _due(self, before: datetime) -> list[Due]:
        limit = before.isoformat()
        single = (
            select(root_evidence)
            .where(root_evidence.c.series.is_(None))
            .where(root_evidence.c.ends.is_(None) | (root_evidence.c.ends < limit))
        )
        newest = select(
            evidence_record.c.series, func.max(evidence_record.c.number).label("number")
        ).group_by(evidence_record.c.series)
        latest = newest.subquery()
        records = select(evidence_record).join(
            latest,
            (evidence_record.c.series == latest.c.series) & (evidence_record.c.number == latest.c.number),
        )
        spans = select(
            root_evidence.c.series,
            func.max(root_evidence.c.day).label("last"),
            func.count().label("days"),
        ).group_by(root_evidence.c.series)
        with reading(self._database) as connection:
            found = [Due(row.day, row.day, 1, row.ends, "first", None) for row in connection.execute(single)]
            span: dict[Any, Any] = {row.series: row for row in connection.execute(spans)}
            for row in connection.execute(records):
                weak = self._digest_until(row.algorithm)
                if row.ends >= limit and weak >= before:
                    continue
                own = span.get(row.series)
                found.append(
                    Due(
                        row.series,
                        own.last if own else row.series,
                        own.days if own else 0,
                        min(row.ends, weak.isoformat()),
                        "tree" if weak < before and self._strong(before) != row.algorithm else "stamp",
                        row.key,
                    )
                )
        return sorted(found, key=lambda one: (one.ends or "", one.first))


def _number(one: Due) -> int:
    assert one.key is not None
    return int(one.key.rpartition("/")[2].removesuffix(".ers"))
