"""The desk of dossiers as a whole: what is missing, its state, the slip, what a person says of a required paper."""

from __future__ import annotations

import hashlib
import logging
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from config.settings import Settings
from pipeline.casework import Casework
from pipeline.errors import NeedsPerson, Unavailable, UsageError
from pipeline.files import write_whole
from pipeline.grammar.codes import (
    checked_dossier_code,
    parse_component_code,
    parse_dossier_code,
    parse_procedure_code,
)
from pipeline.grammar.entries import COPIES
from pipeline.home.case_sweep import CaseSweep
from pipeline.home.case_view import Case, case_json, case_of
from pipeline.home.keeping_desk import keeping_json, retention_at_closure
from pipeline.home.request_desk import shown
from pipeline.home.return_desk import ReturnDesk
from pipeline.home.reuse_desk import ReuseDesk
from pipeline.paths import HomePaths
from pipeline.pdf.supplement_slip import Slip, slip_pdf
from pipeline.procedures.completeness import Stand
from pipeline.refused_path import check_place
from pipeline.wire import Parts
from signing.lettering import FONT
from storage.dossier_record import DossierRecord, DossierState, IssuedCode, Marked
from storage.dossiers import LONGEST_REASON
from storage.ledger import actor_key
from storage.proof import VIETNAM

logger = logging.getLogger("sohoa.case")
NEXT = {
    DossierState.OPEN: {DossierState.SUPPLEMENT, DossierState.WITHDRAWN, DossierState.CLOSED},
    DossierState.SUPPLEMENT: {DossierState.OPEN, DossierState.WITHDRAWN, DossierState.CLOSED},
    DossierState.WITHDRAWN: {DossierState.OPEN},
    DossierState.CLOSED: {DossierState.OPEN},
}
STATES = {
    DossierState.OPEN: "đang mở",
    DossierState.SUPPLEMENT: "chờ bổ sung",
    DossierState.WITHDRAWN: "đã rút",
    DossierState.CLOSED: "đã đóng",
}
SAID = ("shown", "not_due", "not_digitised")


class CaseDesk:
    """Answers `sohoa dossier`; every change is a record in the bucket and an entry of the ledger."""

    def __init__(self, parts: Parts, paths: HomePaths, settings: Settings) -> None:
        self._parts = parts
        self._casework: Casework = parts.casework
        self._agency = settings.agency
        self._sweep = CaseSweep(parts, paths, settings)
        self._returns = ReturnDesk(parts, paths, settings)
        self._reuse = ReuseDesk(parts, paths, settings)

    def dossier(self, arguments: dict[str, Any], actor: str) -> dict[str, Any]:
        """Show one dossier, after what was asked: procedure, marks, reuse, state, slip, return set; in this order."""
        code = self._code(str(arguments["code"]), asked=arguments)
        reason = str(arguments.get("reason") or "").strip()[:LONGEST_REASON]
        if arguments.get("slip"):
            check_place(Path(str(arguments["slip"])))
        if arguments.get("procedure"):
            self._set_procedure(code, str(arguments["procedure"]), actor)
        for text in arguments.get("marks") or []:
            self._mark(code, str(text), reason, actor)
        for text in arguments.get("reuse") or []:
            component, _, document = str(text).partition("=")
            self._reuse.use(code, self._component(code, component), document, actor)
        if arguments.get("state"):
            self._set_state(code, str(arguments["state"]), reason, actor)
        try:
            self._sweep.dossier(code)
        except (
            Unavailable
        ) as error:  # looking must be possible while the store is away; the clock tries again
            logger.warning("dossier %s: %s", code, error)
        extra: dict[str, Any] = {}
        if arguments.get("slip"):
            extra["slip"] = self._slip(code, Path(str(arguments["slip"])), reason, actor)
        if arguments.get("return_set"):
            extra["return_set"] = self._returns.write(code, Path(str(arguments["return_set"])), actor)
        return {**self._view(code, arguments, actor), **extra}

    def _view(self, code: str, arguments: dict[str, Any], actor: str) -> dict[str, Any]:
        case = self._case(code)
        purpose = arguments.get("purpose")
        self._note("view", actor, [code], {"purpose": str(purpose)[:200]} if purpose else {})
        found = self._parts.records.catalogue.dossier(code)
        found = found or {"dossier": code, "light": "amber", "documents": []}
        return {
            **found,
            **case_json(case),
            "reusable": self._reuse.offers(case),
            "requests": [
                shown(row) for row in self._casework.requests.kept.listed(code=code, everything=True)
            ],
            **keeping_json(self._parts, case.record),
        }

    def _case(self, code: str) -> Case:
        return case_of(self._casework, self._parts.types, code, datetime.now(VIETNAM).date())

    def _code(self, text: str, *, asked: dict[str, Any]) -> str:
        """The dossier's canonical code. Raises UsageError when nothing is known of it and nothing begins it."""
        parsed = parse_dossier_code(text)
        code = parsed.text if parsed else text
        known = self._parts.records.catalogue.dossier(code) or self._casework.registered.get(code)
        asked_for = self._casework.requests.kept.listed(code=code, everything=True)
        begins = parsed is not None and bool(asked.get("procedure") or asked_for)
        if not known and not begins and not self._casework.dossiers.record(code).number:
            raise UsageError(
                f"no dossier {code} here; `sohoa find` looks for it by name or number",
                vi=f"Không có hồ sơ {code} trong kho; tìm theo tên, số: `sohoa find`",
            )
        if any(asked.get(name) for name in ("procedure", "marks", "state", "slip", "reuse")):
            checked_dossier_code(code)
        return code

    def _set_procedure(self, code: str, text: str, actor: str) -> None:
        wanted = parse_procedure_code(text)
        if wanted is None:
            raise UsageError(
                f"{text} is no procedure code; one looks like 1.001193 or 1.000948.H38",
                vi=f"{text} không phải mã thủ tục; ví dụ đúng: 1.001193, 1.000948.H38",
            )

        def edit(last: DossierRecord) -> DossierRecord:
            return replace(last, procedure=wanted, procedure_from="person")

        self._change(code, edit, "dossier_procedure", actor)

    def _set_state(self, code: str, text: str, reason: str, actor: str) -> None:
        state = DossierState(text)
        case = self._case(code)
        if state is DossierState.CLOSED and not reason:
            _refuse_early_end(case)
        if state is DossierState.WITHDRAWN and not reason:
            raise UsageError("say why with --reason", vi="Cần nêu lý do bằng --reason")

        def edit(last: DossierRecord) -> DossierRecord:
            if last.state is state:
                return last
            if state not in NEXT[last.state]:
                raise UsageError(
                    f"a dossier that is {last.state} cannot become {state}",
                    vi=f"Hồ sơ {STATES[last.state]} không chuyển sang {STATES[state]} được; hãy mở lại trước (open)",
                )
            if last.state in (DossierState.CLOSED, DossierState.WITHDRAWN) and not reason:
                raise UsageError("say why with --reason", vi="Mở lại hồ sơ cần nêu lý do bằng --reason")
            closing = state is DossierState.CLOSED
            term = retention_at_closure(self._parts.keeping, case, last) if closing else last.retention
            return replace(
                last, state=state, state_reason=reason, state_since=last.number + 1, retention=term
            )

        self._change(code, edit, "dossier_state", actor, reason)

    def _mark(self, code: str, text: str, reason: str, actor: str) -> None:
        component, _, said = text.partition("=")
        component = self._component(code, component)
        document = said if re.fullmatch(r"d_[0-9a-f]{20}", said) else None
        if document is not None and document not in {paper["id"] for paper in self._case(code).papers}:
            raise UsageError(f"{document} is not in {code}", vi=f"{document} không thuộc hồ sơ {code}")
        if document is None and said not in SAID:
            raise UsageError(
                f"{said!r}: say one of {', '.join(SAID)}, or a document d_… of this dossier",
                vi=f"{said!r}: chỉ nhận {', '.join(SAID)} hoặc mã giấy tờ d_… của hồ sơ",
            )
        if said == "not_digitised" and not reason:
            raise UsageError("say why with --reason", vi="Không số hóa thì cần nêu lý do bằng --reason")

        def edit(last: DossierRecord) -> DossierRecord:
            mark = Marked(
                component=component,
                kind="paper" if document else said,
                document=document,
                reason=reason,
                by=actor_key(self._agency.code, actor),
                at=datetime.now(UTC),
            )
            same = (mark.component, mark.kind, mark.document, mark.reason)
            if any((m.component, m.kind, m.document, m.reason) == same for m in last.marks):
                return last
            return last.with_mark(mark)

        self._change(
            code, edit, "dossier_mark", actor, reason, [component, *([document] if document else [])]
        )

    def _component(self, code: str, text: str) -> str:
        case = self._case(code)
        if case.procedure is None:
            raise UsageError(
                f"the procedure of {code} is not known; give --procedure",
                vi=f"Chưa rõ thủ tục của hồ sơ {code}; hãy nêu --procedure",
            )
        parsed = parse_component_code(text)
        codes = [paper.code for paper in case.procedure.papers]
        if parsed is None or parsed.text not in codes:
            raise UsageError(
                f"{text} is none of {', '.join(codes)}",
                vi=f"{text} không phải thành phần: {', '.join(codes)}",
            )
        return parsed.text

    def _slip(self, code: str, out: Path, reason: str, actor: str) -> dict[str, Any]:
        """The slip, numbered; one that asks for the same things again is the same slip with the same number."""
        case = self._case(code)
        if case.procedure is None or case.found is None:
            raise UsageError(
                f"the procedure of {code} is not known; give --procedure",
                vi=f"Chưa rõ thủ tục của hồ sơ {code}; hãy nêu --procedure",
            )
        lacking = [
            _sentence(one) for one in case.found.standings if one.stand in (Stand.MISSING, Stand.DOUBTFUL)
        ]
        if not lacking:
            raise UsageError(
                f"{code} lacks nothing", vi=f"Hồ sơ {code} không thiếu gì, không cần phiếu bổ sung"
            )
        content = "\n".join([case.procedure.code, reason, *lacking])
        mark = "s_" + hashlib.sha256(content.encode()).hexdigest()[:20]
        number = self._slip_number(code, mark, actor)
        known = case.registered or {}
        slip = Slip(
            number=number.text,
            agency=self._agency.name,
            dossier=code,
            procedure_code=case.procedure.code,
            procedure_name=case.procedure.name,
            applicant=str(known.get("applicant", "")),
            owner_id=case.owner_id,
            address=str(known.get("address", "")),
            phone=str(known.get("phone", "")),
            email=str(known.get("email", "")),
            lacking=lacking,
            reason=reason or "thành phần hồ sơ chưa đủ, chưa đúng theo quy định của thủ tục",
            officer=self._agency.officer,
            at=number.issued_at.astimezone(VIETNAM),
        )
        pdf = slip_pdf(slip, FONT)
        digest = hashlib.sha256(pdf).hexdigest()
        self._note("supplement_slip", actor, [code, number.text], {"sha256": digest, "items": len(lacking)})
        blob = write_whole(out, pdf, "application/pdf")
        return {"file": str(blob.path), "sha256": blob.sha256, "number": number.text, "lacking": lacking}

    def _slip_number(self, code: str, mark: str, actor: str) -> IssuedCode:
        def edit(last: DossierRecord) -> DossierRecord:
            if last.code_of(mark, "slip") is not None:
                return last
            return self._sweep.with_code(last, kind="slip", document=mark)

        made = self._change(code, edit, "issue_codes", actor).code_of(mark, "slip")
        assert made is not None
        return made

    def _change(
        self, code: str, edit: Any, act: str, actor: str, reason: str = "", objects: list[str] | None = None
    ) -> DossierRecord:
        return self._casework.dossiers.change(
            code, edit, act=act, actor=actor, agency=self._agency.code, reason=reason, objects=objects or ()
        )

    def _note(self, act: str, actor: str, objects: list[str], details: dict[str, Any]) -> None:
        self._parts.records.ledger.note(
            act=act, actor=actor, agency=self._agency.code, objects=objects, details=details
        )


def _refuse_early_end(case: Case) -> None:
    """Raises NeedsPerson while papers wait or are missing: whoever closes all the same says why."""
    waiting = [paper["type_name"] for paper in case.waits]
    lacking = [
        one.paper.name
        for one in (case.found.standings if case.found else ())
        if one.stand in (Stand.MISSING, Stand.DOUBTFUL)
    ]
    if waiting or lacking:
        parts = [f"đang chờ: {', '.join(waiting)}"] if waiting else []
        parts += [f"thiếu hoặc còn ngờ: {', '.join(lacking)}"] if lacking else []
        raise NeedsPerson(
            f"{case.code} is not ready to be closed; settle what waits, or say why with --reason",
            vi=f"Chưa đóng được hồ sơ {case.code}: {'; '.join(parts)}. Giải quyết xong, hoặc nêu lý do bằng --reason",
        )


def _sentence(one: Any) -> str:
    copies = " hoặc ".join(COPIES[kind.value] for kind in one.paper.copy)
    amount = f" ({copies})" if copies else ""
    return f"{one.paper.name}{amount}: {one.reason}"
