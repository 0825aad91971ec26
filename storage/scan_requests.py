"""Scan requests of the one-stop system: taken, listed, answered by stored papers. Each change is on the ledger.

Names of who asked stay in the table: the ledger has ids and codes only.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, RowMapping, case, delete, func, select, update

from storage import ledger
from storage.database import insert, reading, writing
from storage.dossier_tables import dossier, outbox, registered
from storage.outbox import put_message
from storage.request_tables import request_paper, scan_request
from storage.schema import batch, document
from storage.schema import ledger as entries

SYSTEM = "system"
ASKED = ("dossier", "component", "name", "count", "copy", "asked_by", "asked_at", "due")
BINDING = ("dossier", "component", "count", "copy")
"""What, when it changes, puts in question whether the papers at hand still answer."""

LIVE = ("open", "fulfilled")
"""States that papers bring about; an orphan waits for its dossier first."""
WAITING = ("open", "orphan")
"""States in which a paper is still to be scanned."""
_NOTHING = "0:0:0"


@dataclass(slots=True)
class Taken:
    """Ids by what became of them; `same` were told again unchanged."""

    new: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    withdrawn: list[str] = field(default_factory=list)
    same: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What a look at a dossier came to for one request. `payload` is told when its state changes by that."""

    request: str
    documents: tuple[str, ...]
    fulfilled: bool
    reason: str
    payload: dict[str, Any]


class ScanRequests:
    """A copy of the one-stop system's requests in the database, with what we know of each."""

    def __init__(self, database: Engine) -> None:
        self._database = database
        self._quiet_at = -1

    def take(
        self,
        items: Iterable[dict[str, Any]],
        source: str,
        *,
        actor: str,
        agency: str,
        unknown: Callable[[str], bool],
        dry: bool = False,
    ) -> Taken:
        """Keep what was told. `unknown` says of which dossiers the one-stop system knows nothing; `dry`: only say."""
        taken = Taken()
        listed = list(items)
        strange = {code for code in {str(item["dossier"]) for item in listed} if unknown(code)}
        if dry:
            with reading(self._database) as connection:
                for item in listed:
                    _change_of(_row(connection, str(item["id"])), item, taken, strange)
            return taken
        with writing(self._database) as connection:
            for item in listed:
                old = _row(connection, str(item["id"]))
                values = _change_of(old, item, taken, strange)
                told = {"source": source, "told_at": datetime.now(UTC).isoformat()}
                if values is not None:
                    self._keep(connection, str(item["id"]), old, {**values, **told}, actor, agency)
        return taken

    def _keep(
        self,
        connection: Connection,
        name: str,
        old: RowMapping | None,
        values: dict[str, Any],
        actor: str,
        agency: str,
    ) -> None:
        act = "request_take" if old is None else "request_change"
        act = "request_withdraw" if values["state"] == "withdrawn" else act
        now = datetime.now(UTC).isoformat()
        row = {**values, "seen": "", "changed_at": now}
        connection.execute(
            insert(scan_request)
            .values(id=name, turn=0, **row)
            .on_conflict_do_update(index_elements=["id"], set_=row)
        )
        if values["state"] != "fulfilled":
            connection.execute(delete(request_paper).where(request_paper.c.request == name))
        objects = [name, values["dossier"]]
        if old is not None and old["dossier"] != values["dossier"]:
            objects.append(old["dossier"])
        details = {key: values[key] for key in (*BINDING, "due", "state")}
        ledger.append(connection, act=act, actor=actor, agency=agency, objects=objects, details=details)

    def get(self, name: str) -> dict[str, Any] | None:
        """One request with its papers and how its last message stands."""
        return next(iter(self._list(scan_request.c.id == name)), None)

    def under_way(self, name: str) -> list[dict[str, str]]:
        """Papers scanned for a request that are not stored yet: `id`, `state`, `reason`, the oldest first."""
        query = (
            select(document.c.id, document.c.state, document.c.reason, batch.c.intake)
            .join(batch, batch.c.id == document.c.batch)
            .join(scan_request, scan_request.c.dossier == batch.c.dossier)
            .where(scan_request.c.id == name, document.c.state != "stored")
            .order_by(batch.c.received_at, document.c.id)
        )
        with reading(self._database) as connection:
            rows = connection.execute(query).all()
        return [
            {"id": row.id, "state": row.state, "reason": row.reason or ""}
            for row in rows
            if json.loads(row.intake).get("request") == name
        ]

    def listed(self, *, code: str | None = None, everything: bool = False) -> list[dict[str, Any]]:
        """Requests, the open first, by the day they are due; with `everything` those that are over too."""
        clauses = [] if code is None else [scan_request.c.dossier == code]
        if not everything:
            clauses.append(scan_request.c.state.in_(WAITING))
        return self._list(*clauses)

    def count(self) -> dict[str, int]:
        """How many there are in each state."""
        query = select(scan_request.c.state, func.count().label("n")).group_by(scan_request.c.state)
        with reading(self._database) as connection:
            return {row.state: row.n for row in connection.execute(query)}

    def accepted(self, *, agency: str) -> list[str]:
        """Requests whose dossier is known by now are open from here on; returns their ids."""
        known = select(registered.c.code).where(registered.c.code == scan_request.c.dossier).exists()
        query = select(scan_request.c.id, scan_request.c.dossier).where(
            scan_request.c.state == "orphan", known
        )
        with reading(self._database) as connection:
            waiting = connection.execute(query).all()
        for row in waiting:
            with writing(self._database) as connection:
                done = connection.execute(
                    update(scan_request)
                    .where(scan_request.c.id == row.id, scan_request.c.state == "orphan")
                    .values(state="open", reason="", seen="", changed_at=datetime.now(UTC).isoformat())
                )
                if done.rowcount:
                    ledger.append(
                        connection,
                        act="accept_orphan",
                        actor=SYSTEM,
                        agency=agency,
                        objects=[row.id, row.dossier],
                    )
        return [row.id for row in waiting]

    def touched(self) -> list[str]:
        """Dossiers with requests in which something has changed since it was looked whether their papers answer.

        Everything that counts is on the ledger: while that stands still nothing is asked.
        """
        with reading(self._database) as connection:
            head = int(connection.execute(select(func.coalesce(func.max(entries.c.seq), 0))).scalar_one())
            if head == self._quiet_at:
                return []
            rows = connection.execute(
                select(scan_request.c.dossier, scan_request.c.seen)
                .where(scan_request.c.state.in_(LIVE))
                .distinct()
                .order_by(scan_request.c.dossier)
            ).all()
            stamps = _stamps(connection, None)
        found = [row.dossier for row in rows if row.seen != stamps.get(row.dossier, _NOTHING)]
        if not found:
            self._quiet_at = head
        return list(dict.fromkeys(found))

    def look_again(self) -> None:
        """What was not answered is looked at anew, as when the list of required papers is another."""
        with writing(self._database) as connection:
            connection.execute(update(scan_request).where(scan_request.c.state.in_(WAITING)).values(seen=""))

    def stamp(self, code: str) -> str:
        """How a dossier stands now, to be given to `settle` after the look at it."""
        with reading(self._database) as connection:
            return _stamps(connection, code).get(code, _NOTHING)

    def settle(self, code: str, found: Sequence[Answered], *, stamp: str, agency: str, tell: bool) -> None:
        """What answers which request of a dossier: rows, entry and message of each change in one transaction."""
        with writing(self._database) as connection:
            for one in found:
                row = _row(connection, one.request)
                if row is None or row["state"] not in LIVE or row["dossier"] != code:
                    continue
                before = _papers(connection, one.request)
                state = "fulfilled" if one.fulfilled else "open"
                values: dict[str, Any] = {"seen": stamp}
                if (state, one.reason) != (row["state"], row["reason"]):
                    values |= {"state": state, "reason": one.reason}
                if state != row["state"]:
                    values |= {"turn": row["turn"] + 1, "changed_at": datetime.now(UTC).isoformat()}
                papers = set(one.documents)
                if state == row["state"] == "fulfilled" and papers != before:
                    values |= {"turn": row["turn"] + 1, "changed_at": datetime.now(UTC).isoformat()}
                connection.execute(
                    update(scan_request).where(scan_request.c.id == row["id"]).values(**values)
                )
                if papers != before:
                    connection.execute(delete(request_paper).where(request_paper.c.request == one.request))
            for one in found:  # after all are let go, since a paper may pass from one request to another
                _answer(connection, code, one, agency=agency, tell=tell)

    def _list(self, *clauses: Any) -> list[dict[str, Any]]:
        rank = case(
            (scan_request.c.state.in_(WAITING), 0),
            (scan_request.c.state == "fulfilled", 1),
            else_=2,
        )
        never = case((scan_request.c.due == "", 1), else_=0)
        query = select(scan_request).where(*clauses)
        query = query.order_by(rank, never, scan_request.c.due, scan_request.c.asked_at, scan_request.c.id)
        with reading(self._database) as connection:
            rows = [dict(row._mapping) for row in connection.execute(query)]
            names = [row["id"] for row in rows]
            papers: dict[str, list[str]] = {}
            told: dict[str, dict[str, Any]] = {}
            messages = [message_name(row["id"], row["turn"]) for row in rows if row["turn"]]
            for start in range(0, len(messages), 500):
                query = select(outbox).where(outbox.c.name.in_(messages[start : start + 500]))
                told |= {found["name"]: _callback(found) for found in connection.execute(query).mappings()}
            for start in range(0, len(names), 500):
                mine = request_paper.c.request.in_(names[start : start + 500])
                for pair in connection.execute(
                    select(request_paper).where(mine).order_by(request_paper.c.document)
                ):
                    papers.setdefault(pair.request, []).append(pair.document)
            for row in rows:
                row["documents"] = papers.get(row["id"], [])
                row["callback"] = told.get(message_name(row["id"], row["turn"]))
        return rows


def _stamps(connection: Connection, code: str | None) -> dict[str, str]:
    """How dossiers with requests stand: papers stored, newest manifest of one, newest record."""
    asked = select(scan_request.c.dossier).where(scan_request.c.state.in_(LIVE))
    mine: Any = document.c.dossier.in_(asked) if code is None else document.c.dossier == code
    papers = select(
        document.c.dossier,
        func.count().label("n"),
        func.coalesce(func.max(document.c.generation), 0).label("g"),
    )
    papers = papers.where(document.c.state == "stored", mine).group_by(document.c.dossier)
    its: Any = dossier.c.code.in_(asked) if code is None else dossier.c.code == code
    found = {row.dossier: (row.n, row.g) for row in connection.execute(papers)}
    records = select(dossier.c.code, dossier.c.record_number).where(its)
    numbers = {row.code: row.record_number for row in connection.execute(records)}
    names: Collection[str] = {*found, *numbers}
    return {name: ":".join(map(str, (*found.get(name, (0, 0)), numbers.get(name, 0)))) for name in names}


def _row(connection: Connection, name: str) -> RowMapping | None:
    return connection.execute(select(scan_request).where(scan_request.c.id == name)).mappings().first()


def _papers(connection: Connection, name: str) -> set[str]:
    query = select(request_paper.c.document).where(request_paper.c.request == name)
    return set(connection.execute(query).scalars())


def _change_of(
    old: RowMapping | None, item: dict[str, Any], taken: Taken, strange: Collection[str]
) -> dict[str, Any] | None:
    """The row's new values, None when nothing is new; `taken` learns which it was."""
    name, asked = str(item["id"]), {key: item[key] for key in ASKED}
    if item["cancelled"]:
        if old is not None and old["state"] == "withdrawn":
            taken.same.append(name)
            return None
        taken.withdrawn.append(name)
        return {**asked, "state": "withdrawn", "reason": "hệ thống một cửa đã hủy yêu cầu"}
    if old is not None and old["state"] != "withdrawn" and all(old[key] == asked[key] for key in ASKED):
        taken.same.append(name)
        return None
    (taken.new if old is None else taken.changed).append(name)
    state, reason = "open", ""
    if old is not None and old["state"] == "fulfilled" and asked["dossier"] == old["dossier"]:
        state = "fulfilled"  # whether its papers still answer is looked at next
    if asked["dossier"] in strange:
        state, reason = "orphan", f"hệ thống một cửa chưa biết hồ sơ {asked['dossier']}"
    return {**asked, "state": state, "reason": reason}


def _answer(connection: Connection, code: str, one: Answered, *, agency: str, tell: bool) -> None:
    row = _row(connection, one.request)
    if row is None or row["state"] not in LIVE or row["dossier"] != code:
        return
    before = _papers(connection, one.request)
    for name in sorted(set(one.documents) - before):
        connection.execute(
            insert(request_paper)
            .values(request=one.request, document=name)
            .on_conflict_do_update(index_elements=["document"], set_={"request": one.request})
        )
    if row["turn"] == 0:
        return
    event = "request.fulfilled" if row["state"] == "fulfilled" else "request.reopened"
    name = message_name(one.request, row["turn"])
    objects = [one.request, code, *one.documents]
    ledger.append(
        connection,
        act="request_fulfil" if row["state"] == "fulfilled" else "request_reopen",
        actor=SYSTEM,
        agency=agency,
        objects=objects,
        details={"component": row["component"], **({"reason": one.reason} if one.reason else {})},
        request=name,
    )
    if tell:
        put_message(connection, name, event=event, dossier=code, payload=one.payload)


def message_name(request: str, turn: int) -> str:
    return f"request:{request}:{turn}"


def _callback(message: RowMapping) -> dict[str, Any]:
    """How the word on the last change of a request stands."""
    return {
        "event": message["event"],
        "state": "waiting" if message["delivered_at"] is None else "delivered",
        "attempts": message["attempts"],
        "delivered_at": message["delivered_at"],
        "trouble": message["trouble"],
    }
