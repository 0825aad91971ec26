"""The ledger: every act, in order, each entry bound to the one before by its hash.

Persons stand by a pseudonymous key; their names live in another table, so that erasing a name breaks no
chain. The body is canonical JSON; hash = SHA-256(previous hash, newline, body).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, select
from sqlalchemy.dialects.sqlite import insert

from storage.database import reading, writing
from storage.schema import actor_name, ledger

GENESIS = "0" * 64


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


def entry_hash(previous: str, body: str) -> str:
    return hashlib.sha256(f"{previous}\n{body}".encode()).hexdigest()


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


def _number(body: str) -> Any:
    """The number that an entry's body states, None when it states none."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found.get("seq") if isinstance(found, dict) else None


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
        problems: list[str] = []
        previous, due, count = GENESIS, 1, 0
        with reading(self._database) as connection:
            for row in connection.execute(select(ledger).order_by(ledger.c.seq)).yield_per(2000):
                count += 1
                if row.seq != due:
                    problems.append(f"entries {due} to {row.seq - 1} are missing")
                elif row.previous != previous:
                    problems.append(f"entry {row.seq} does not follow entry {row.seq - 1}")
                if entry_hash(row.previous, row.body) != row.hash:
                    problems.append(f"entry {row.seq} was changed")
                elif _number(row.body) != row.seq:
                    problems.append(f"entry {row.seq} stands in another's place")
                previous, due = row.hash, row.seq + 1
        return LedgerReport(count, tuple(problems))
