"""What follows by itself from papers that are stored: their codes, the word to other systems, the return set.

Everything may be repeated: a code is found again by its paper, a message by its name, a return set by its digest.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from config.settings import Settings
from pipeline.errors import SohoaError, Tampered, UsageError
from pipeline.home.case_view import Case, case_of
from pipeline.home.paper_told import paper_told
from pipeline.home.request_answers import RequestAnswers
from pipeline.home.return_desk import ReturnDesk
from pipeline.paths import HomePaths
from pipeline.procedures.completeness import Stand
from pipeline.wire import Parts
from storage.dossier_record import DossierRecord, DossierState, IssuedCode
from storage.proof import VIETNAM

logger = logging.getLogger("sohoa.sweep")
SYSTEM = "system"


class CaseSweep:
    """Looks after every dossier in which something has changed."""

    def __init__(self, parts: Parts, paths: HomePaths, settings: Settings) -> None:
        self._parts = parts
        self._casework = parts.casework
        self._agency = settings.agency.code
        self._returns = ReturnDesk(parts, paths, settings)
        self._answers = RequestAnswers(parts.casework, parts.types, self._agency)
        self._folder = settings.returns.folder

    def run(self) -> None:
        """One round; a dossier that cannot be handled holds no other up, an outage ends the round."""
        dossiers = self._casework.dossiers
        touched = self._casework.requests.kept.touched()
        for code in dict.fromkeys([*dossiers.uncoded(), *dossiers.unsaid(), *touched]):
            try:
                self.dossier(code)
            except (UsageError, Tampered) as error:
                logger.warning("dossier %s: %s", code, error)

    def dossier(self, code: str) -> None:
        """Codes for what is stored, then tell whoever must know; what cannot be told is told in a later round."""
        with self._casework.turn:
            self._look_after(code)

    def _look_after(self, code: str) -> None:
        dossiers = self._casework.dossiers
        case = self._case(code)
        if not self._coded(case.record, case).same_but_for_head(case.record):
            dossiers.change(
                code,
                lambda last: self._coded(last, case),
                act="issue_codes",
                actor=SYSTEM,
                agency=self._agency,
            )
        stand, stamp = dossiers.stand(code), self._casework.requests.kept.stamp(code)
        case = self._case(code)
        self._answers.look(case, stamp)
        if self._tell(case):
            dossiers.said(code, stand)

    def _case(self, code: str) -> Case:
        return case_of(self._casework, self._parts.types, code, datetime.now(VIETNAM).date())

    def _coded(self, last: DossierRecord, case: Case) -> DossierRecord:
        """The record with the procedure that is known by now, and a code for every paper and result that has none."""
        if last.procedure is None and case.procedure_code and case.papers:
            last = replace(last, procedure=case.procedure_code, procedure_from=case.procedure_from)
        for paper in case.papers:
            if paper["state"] != "stored":
                continue
            result = case.found.results.get(paper["id"], "") if case.found else ""
            if last.code_of(paper["id"], "paper") is None:
                component = case.found.component_of(paper["id"]) if case.found else None
                last = self.with_code(
                    last, kind="paper", document=paper["id"], owner_id=case.owner_id,
                    type_code=component or result,
                )  # fmt: skip
            if result and last.code_of(paper["id"], "result") is None:
                last = self.with_code(last, kind="result", document=paper["id"], result_code=result)
        return last

    def with_code(
        self,
        last: DossierRecord,
        *,
        kind: str,
        document: str,
        owner_id: str = "",
        type_code: str = "",
        result_code: str = "",
    ) -> DossierRecord:
        """The record with one more code, the next of its kind; a code that was ever given out is passed over."""
        now = datetime.now(UTC)
        template = self._casework.templates.on(kind, now.astimezone(VIETNAM).date())
        parts = (kind, owner_id, type_code, result_code)
        used = {code.text for code in last.codes}
        seq = 1 + max(
            (c.seq for c in last.codes if (c.kind, c.owner_id, c.type_code, c.result_code) == parts),
            default=0,
        )
        while True:
            text = template.render(
                dossier=last.dossier, owner_id=owner_id, type_code=type_code or result_code, seq=seq
            )
            if text not in used:
                break
            seq += 1
        made = IssuedCode(
            text=text, kind=kind, seq=seq, document=document, owner_id=owner_id, type_code=type_code,
            result_code=result_code, issued_at=now,
        )  # fmt: skip
        return replace(last, codes=(*last.codes, made))

    def _tell(self, case: Case) -> bool:
        """Messages into the outbox, the return set into its folder; False when the folder could not be written."""
        if "event" in self._casework.destinations:
            for event, mark, payload in _events(case):
                name = f"{event}:{case.code}:{mark}"
                self._casework.outbox.put(name, event=event, dossier=case.code, payload=payload)
        if not case.complete or case.record.state not in (DossierState.OPEN, DossierState.SUPPLEMENT):
            return True
        if "return_set" in self._casework.destinations:
            plan = self._returns.plan(case)
            name = f"return_set:{case.code}:{plan['set_sha256']}"
            self._casework.outbox.put(name, event="return_set", dossier=case.code, payload=plan)
        if self._folder is not None:
            try:
                self._returns.write(case.code, self._folder, SYSTEM, again=False)
            except (OSError, SohoaError) as error:
                logger.warning("return set of %s: %s", case.code, error)
                return False
        return True


def _events(case: Case) -> list[tuple[str, str, dict[str, Any]]]:
    """What other systems are told, each with a mark of its content: the same twice is one message."""
    head = {"dossier": case.code, "procedure": case.procedure_code, "state": case.record.state.value}
    papers = {paper["id"]: paper for paper in case.papers}
    told: list[tuple[str, str, dict[str, Any]]] = []
    if case.complete:
        held = [paper_told(case, paper) for paper in case.papers]
        mark = _mark([f"{one['document']}:{one['sha256']}" for one in held])
        told.append(("dossier.digitised", mark, {**head, "papers": held}))
    for code in case.record.codes:
        if code.kind == "result" and code.document in papers:
            paper = papers[code.document]
            body = {**head, "result": code.text, "result_code": code.result_code, **paper_told(case, paper)}
            told.append(("result.stored", f"{code.text}:{paper['pdf_sha256']}", body))
    if case.record.state is DossierState.SUPPLEMENT:
        lacking = [
            {"component": one.paper.code, "name": one.paper.name, "reason": one.reason}
            for one in (case.found.standings if case.found else ())
            if one.stand in (Stand.MISSING, Stand.DOUBTFUL)
        ]
        body = {**head, "reason": case.record.state_reason, "lacking": lacking}
        told.append(("supplement.needed", str(case.record.state_since), body))
    return told


def _mark(parts: list[str]) -> str:
    return hashlib.sha256("\n".join(sorted(parts)).encode()).hexdigest()[:24]
