"""The ledger: every act, in order, each entry bound to the one before by its hash.

Persons stand by a pseudonymous key; their names live in another table, so that erasing a name breaks no
chain. The body is canonical JSON; hash = SHA-256(previous hash, newline, body).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, select

from storage.database import insert, reading, writing
from storage.proof import GENESIS, Chain, Entry, entry_hash, walk
from storage.schema import actor_name, ledger

__all__ = ["GENESIS", "Ledger", "LedgerReport", "actor_key", "append", "entry_hash"]


@dataclass(frozen=True, slots=True)
class LedgerReport:
    """What a walk over the chain found; `problems` names each entry that does not hold."""

    entries: int
    problems: tuple[str, ...]

    @property
    def ok(self) -> bool:
        return not self.problems


def actor_key(agency: str, actor: str) -> str:
    """A person's pseudonym in an agency: stable, and no name."""
    return hashlib.sha256(f"actor\n{agency}\n{actor}".encode()).hexdigest()[:24]


def append(
    connection: Connection,
    *,
    act: str,
    actor: str,
    agency: str,
    objects: Sequence[str],
    details: dict[str, Any] | None = None,
    request: str | None = None,
) -> None:
    """Append one entry inside the caller's transaction; the same `request` a second time adds nothing."""
    if request is not None:
        known = connection.execute(select(ledger.c.seq).where(ledger.c.request == request)).first()
        if known is not None:
            return
    key = actor_key(agency, actor)
    connection.execute(insert(actor_name).values(key=key, name=actor).on_conflict_do_nothing())
    last = connection.execute(
        select(ledger.c.seq, ledger.c.hash).order_by(ledger.c.seq.desc()).limit(1)
    ).first()
    number, previous = (last.seq + 1, last.hash) if last else (1, GENESIS)
    body = json.dumps(
        {
            "seq": number,
            "at": datetime.now(UTC).isoformat(),
            "act": act,
            "actor": key,
            "agency": agency,
            "objects": list(objects),
            "details": details or {},
        },
        sort_keys=True,
        ensure_ascii=False,
        separators=(",", ":"),
    )
    values = {"seq": number, "previous": previous, "hash": entry_hash(previous, body), "body": body}
    connection.execute(insert(ledger).values(**values, request=request))


class Ledger:
    """Entries that stand alone, and the walk over the chain."""

    def __init__(self, database: Engine) -> None:
        self._database = database

    def note(
        self,
        *,
        act: str,
        actor: str,
        agency: str,
        objects: Sequence[str],
        details: dict[str, Any] | None = None,
    ) -> None:
        """Append one entry in a transaction of its own."""
        with writing(self._database) as connection:
            append(connection, act=act, actor=actor, agency=agency, objects=objects, details=details)

    def verify(self) -> LedgerReport:
        """Walk the whole chain; changed, removed, reordered and inserted entries are named."""
        chain = self.chain()
        return LedgerReport(chain.entries, tuple(chain.problems))

    def chain(self) -> Chain:
        """The walk itself, with the hash of every entry."""
        return walk(self.entries())

    def entries(self, first: int = 1, last: int | None = None) -> Iterator[Entry]:
        """Entries in order of number, read as they are asked for."""
        query = select(ledger).where(ledger.c.seq >= first).order_by(ledger.c.seq)
        if last is not None:
            query = query.where(ledger.c.seq <= last)
        with reading(self._database) as connection:
            for row in connection.execute(query).yield_per(2000):
                yield Entry(row.seq, row.previous, row.hash, row.body)

    def is_empty(self) -> bool:
        with reading(self._database) as connection:
            return connection.execute(select(ledger.c.seq).limit(1)).first() is None
