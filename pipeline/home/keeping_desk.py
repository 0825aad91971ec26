"""`sohoa hold` and `sohoa retention`: the term at closure, holds, what is due, disposal by two persons."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from config.settings import Settings
from pipeline.errors import SohoaError, Unavailable, UsageError
from pipeline.grammar.codes import checked_dossier_code
from pipeline.home.case_view import Case
from pipeline.wire import Parts
from pipeline.wire_keeping import YEAR, Keeping
from storage.database import reading
from storage.disposal_rows import where_it_went
from storage.dossier_record import DossierRecord, DossierState, decode_record
from storage.dossier_tables import dossier
from storage.dossiers import LONGEST_REASON
from storage.keeping import Hold, Retention
from storage.keeping_tables import disposal_proposal, disposed_object, kept
from storage.ledger import actor_key
from storage.proof import VIETNAM
from storage.schema import document
from storage.workbook import Sheet, write_workbook

logger = logging.getLogger("sohoa.keeping")


def retention_at_closure(keeping: Keeping, case: Case, last: DossierRecord) -> Retention:
    """The term of a dossier that is closed now; never shorter than one that it had before."""
    now = datetime.now(UTC)
    closed = now.astimezone(VIETNAM).date()
    types = [paper["type"] for paper in case.papers]
    term = keeping.schedule.term_of(case.code, case.procedure_code, types, closed)
    until = term.last_day(closed)
    if not keeping.production:
        lock = now + keeping.lock
    elif until is None:
        lock = now + keeping.schedule.permanent_lock_years * YEAR
    else:
        lock = datetime.combine(until + timedelta(days=1), time(), VIETNAM).astimezone(UTC)
    made = Retention(
        term=term.key,
        name=term.name,
        source=term.source,
        checked=term.checked,
        closed=closed,
        until=until,
        mode=keeping.mode,
        lock_until=lock,
    )
    return made.not_shorter_than(last.retention)


def keeping_json(parts: Parts, record: DossierRecord) -> dict[str, Any]:
    """The part of `sohoa dossier --json` on keeping."""
    code, retention, hold = record.dossier, record.retention, record.hold
    applied = parts.keeping.keeper.applied(code)
    state = {"applied": applied.done, "objects": applied.objects, "trouble": applied.trouble or None}
    return {
        "retention": {**_retention(retention), **state} if retention else None,
        "hold": {"reason": hold.reason, "by": hold.by, "at": hold.at.isoformat(), **state} if hold else None,
        "disposal": _disposal(parts, record),
    }


class KeepingDesk:
    """Every act is a record of the dossier and an entry of the ledger."""

    def __init__(self, parts: Parts, settings: Settings) -> None:
        self._parts = parts
        self._keeping = parts.keeping
        self._dossiers = parts.casework.dossiers
        self._agency = settings.agency

    def hold(self, arguments: dict[str, Any], actor: str) -> dict[str, Any]:
        """Put a dossier on hold or release it; carried to the store at once, or by the clock when that fails."""
        code, reason = self._code(str(arguments["code"])), _reason(arguments)
        release = bool(arguments.get("release"))

        def edit(last: DossierRecord) -> DossierRecord:
            if release:
                return replace(last, hold=None)
            if last.hold is not None and last.hold.reason == reason:
                return last
            by = actor_key(self._agency.code, actor)
            return replace(last, hold=Hold(reason=reason, by=by, at=datetime.now(UTC)))

        self._dossiers.change(
            code,
            edit,
            act="release_hold" if release else "legal_hold",
            actor=actor,
            agency=self._agency.code,
            reason=reason,
        )
        try:
            self._keeping.keeper.apply(code)
        except Unavailable as error:
            logger.warning("hold of %s: %s", code, error)
        return {"dossier": code, **keeping_json(self._parts, self._dossiers.record(code))}

    def retention(self, arguments: dict[str, Any], actor: str) -> dict[str, Any]:
        """`due` or `dispose`."""
        if arguments.get("what") == "due":
            return self._due(arguments, actor)
        return self._dispose(arguments, actor)

    def finish(self) -> None:
        """What was decided and a kill broke off; one dossier that cannot go on holds no other up."""
        for code in self._keeping.disposals.under_way():
            try:
                self._finish(code)
            except Unavailable:
                raise
            except SohoaError as error:
                logger.warning("disposal of %s: %s", code, error)

    def _due(self, arguments: dict[str, Any], actor: str) -> dict[str, Any]:
        text = arguments.get("until")
        today = datetime.now(VIETNAM).date()
        try:
            day = date.fromisoformat(str(text)) if text else today
        except ValueError as error:
            raise UsageError(
                f"{text} is no day; write 2037-01-31", vi=f"{text}: viết ngày như 2037-01-31"
            ) from error
        query = (
            select(dossier.c.record, disposal_proposal.c.name)
            .join(kept, kept.c.code == dossier.c.code)
            .outerjoin(disposal_proposal, disposal_proposal.c.code == dossier.c.code)
            .where(dossier.c.state == DossierState.CLOSED, kept.c.until < day.isoformat())
            .order_by(kept.c.until, dossier.c.code)
        )
        without = (
            select(dossier.c.code)
            .outerjoin(kept, kept.c.code == dossier.c.code)
            .where(dossier.c.state == DossierState.CLOSED, kept.c.closed.is_(None))
            .order_by(dossier.c.code)
        )
        with reading(self._parts.records.database) as connection:
            rows = connection.execute(query).all()
            unset = list(connection.execute(without).scalars())
        found = [self._due_row(decode_record(row.record.encode(), "dossier"), row.name) for row in rows]
        due = [one for one in found if one["papers"]]
        result: dict[str, Any] = {"until": day.isoformat(), "due": due, "without_term": unset}
        self._parts.records.ledger.note(
            act="list_due",
            actor=actor,
            agency=self._agency.code,
            objects=[one["dossier"] for one in due],
            details={"until": day.isoformat()},
        )
        if output := arguments.get("output"):
            write_workbook([self._sheet(result)], Path(str(output)))
            result["path"] = str(output)
        return result

    def _due_row(self, record: DossierRecord, proposed_by: str | None) -> dict[str, Any]:
        query = select(func.count()).where(document.c.dossier == record.dossier)
        with reading(self._parts.records.database) as connection:
            papers = int(connection.execute(query).scalar_one())
        assert record.retention is not None  # it has a last day
        return {
            "dossier": record.dossier,
            "procedure": record.procedure,
            **_retention(record.retention),
            "papers": papers,
            "hold": record.hold.reason if record.hold else None,
            "proposed_by": proposed_by,
        }

    def _sheet(self, result: dict[str, Any]) -> Sheet:
        columns = [
            ("STT", 6), ("Mã hồ sơ", 32), ("Thủ tục", 18), ("Ngày đóng", 12), ("Hết thời hạn", 12), ("Thời hạn", 40),
            ("Căn cứ", 50), ("Đã đối chiếu văn bản", 12), ("Số giấy tờ", 10), ("Phong tỏa", 30),
            ("Người đề nghị hủy", 24),
        ]  # fmt: skip
        rows = [
            [
                number, one["dossier"], one["procedure"] or "", one["closed"], one["until"], one["name"], one["source"],
                "có" if one["checked"] else "chưa", one["papers"], one["hold"] or "", one["proposed_by"] or "",
            ]
            for number, one in enumerate(result["due"], 1)
        ]  # fmt: skip
        heading = [
            f"{self._agency.name} ({self._agency.code})",
            f"Danh mục hồ sơ hết thời hạn bảo quản tính đến {result['until']}",
        ]
        return Sheet("Hết thời hạn", heading, columns, rows)

    def _dispose(self, arguments: dict[str, Any], actor: str) -> dict[str, Any]:
        code, disposals = self._code(str(arguments["code"])), self._keeping.disposals
        if arguments.get("withdraw"):
            disposals.withdraw(code, actor)
        elif arguments.get("approve"):
            disposals.approve(code, actor)
            try:
                self._finish(code)
            except Unavailable as error:  # it is decided; the clock goes on
                logger.warning("disposal of %s: %s", code, error)
        else:
            disposals.propose(code, _reason(arguments), actor)
        asked, done = disposals.proposal(code), _disposal(self._parts, self._dossiers.record(code))
        return {
            "dossier": code,
            "proposed": {"reason": asked.reason, "by": asked.name, "at": asked.at.isoformat()}
            if asked
            else None,
            "disposal": done,
        }

    def _finish(self, code: str) -> None:
        with self._keeping.turn:
            self._keeping.disposals.finish(code)
        gone = select(disposed_object.c.sha256).where(disposed_object.c.dossier == code)
        with reading(self._parts.records.database) as connection:
            for sha256 in connection.execute(gone).scalars():
                self._parts.readings.forget(sha256)

    def _code(self, text: str) -> str:
        code = checked_dossier_code(text)
        if not self._parts.records.catalogue.dossier(code) and not self._dossiers.record(code).number:
            raise UsageError(f"no dossier {code} here", vi=f"Không có hồ sơ {code} trong kho")
        return code


def _reason(arguments: dict[str, Any]) -> str:
    reason = str(arguments.get("reason") or "").strip()[:LONGEST_REASON]
    if not reason:
        raise UsageError("say why with --reason", vi="Cần nêu lý do bằng --reason")
    return reason


def _retention(retention: Retention) -> dict[str, Any]:
    return {
        "term": retention.term,
        "name": retention.name,
        "source": retention.source,
        "checked": retention.checked,
        "closed": retention.closed.isoformat(),
        "until": retention.until.isoformat() if retention.until else None,
        "lock_mode": retention.mode,
        "lock_until": retention.lock_until.isoformat(),
    }


def _disposal(parts: Parts, record: DossierRecord) -> dict[str, Any] | None:
    """How far a disposal is, None when none was decided."""
    if record.disposal is None:
        return None
    table = disposed_object.c
    query = select(
        func.count(), func.count(table.removed_at), func.count(table.copy_removed_at), func.max(table.trouble)
    ).where(table.dossier == record.dossier)
    with reading(parts.records.database) as connection:
        total, removed, copies, trouble = connection.execute(query).one()
    went = where_it_went(parts.records.database, record.dossier)
    return {
        "reason": record.disposal.reason,
        "approved_at": record.disposal.approved_at.isoformat(),
        "certificate": went[0] if went else None,
        "done": record.dossier not in parts.keeping.disposals.under_way(),
        "objects": total,
        "removed": removed,
        "second_copy_removed": copies if parts.second is not None else None,
        "trouble": trouble or None,
    }
