"""Dùng lại: papers that are held already for the same person, still valid, offered instead of being asked for again."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from config.settings import Settings
from pipeline.errors import Tampered, UsageError
from pipeline.home.case_view import Case, case_of, day_of
from pipeline.model import Sha256
from pipeline.paths import HomePaths
from pipeline.procedures.catalogue import Requirement
from pipeline.procedures.completeness import Stand, months_after
from pipeline.wire import Parts
from signing.verdict import Verdict
from storage.dossier_record import DossierRecord, DossierState, Marked
from storage.ledger import actor_key
from storage.proof import VIETNAM

MOST_DOSSIERS = 200


class ReuseDesk:
    """Offers are looked up, never made by themselves; using one checks its signature and is on the ledger."""

    def __init__(self, parts: Parts, paths: HomePaths, settings: Settings) -> None:
        self._parts = parts
        self._work = paths.work / "reuse"
        self._agency = settings.agency.code

    def offers(self, case: Case) -> list[dict[str, Any]]:
        """For each missing paper those of the owner's other dossiers that satisfy it, the newest first."""
        if case.found is None or not case.owner_id:
            return []
        missing = [one.paper for one in case.found.standings if one.stand is Stand.MISSING]
        others = self._parts.casework.registered.of_owner(case.owner_id) if missing else []
        found = []
        for other in [code for code in others if code != case.code][:MOST_DOSSIERS]:
            record = self._parts.casework.dossiers.record(other)
            if record.state is DossierState.WITHDRAWN:
                continue
            for paper in self._parts.casework.dossiers.papers(other):
                code = record.code_of(paper["id"], "paper")
                for wanted in missing:
                    if _fits(wanted, paper, case):
                        found.append(_offer(wanted, paper, other, code.text if code else None))
        return sorted(found, key=lambda one: (one["component"], one["date"] or ""), reverse=True)

    def use(self, code: str, component: str, document: str, actor: str) -> None:
        """Take an offer. Raises UsageError when there is none, Tampered when its signature does not hold."""
        case = case_of(self._parts.casework, self._parts.types, code, datetime.now(VIETNAM).date())
        offers = {(one["component"], one["document"]): one for one in self.offers(case)}
        offer = offers.get((component, document)) if re.fullmatch(r"d_[0-9a-f]{20}", document) else None
        if offer is None:
            raise UsageError(
                f"{document} is not offered for {component} of {code}",
                vi=f"{document} không nằm trong các giấy tờ dùng lại được cho {component} của hồ sơ {code}",
            )
        self._check(document)

        def edit(last: DossierRecord) -> DossierRecord:
            if any((m.component, m.kind, m.document) == (component, "reuse", document) for m in last.marks):
                return last
            mark = Marked(
                component=component,
                kind="reuse",
                document=document,
                reason=f"dùng lại từ hồ sơ {offer['dossier']}",
                by=actor_key(self._agency, actor),
                at=datetime.now(UTC),
            )
            return last.with_mark(mark)

        self._parts.casework.dossiers.change(
            code, edit, act="reuse", actor=actor, agency=self._agency,
            objects=[document, component, offer["dossier"], *([offer["code"]] if offer["code"] else [])],
        )  # fmt: skip

    def _check(self, document: str) -> None:
        item = self._parts.records.catalogue.objects(document, original=False, version=None)[0]
        path = self._work / f"{document}.pdf"
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._parts.archive.fetch(item.key, Sha256(item.sha256), path)
            verdict = self._parts.verifier.verify_file(
                path, expected=Sha256(item.sha256), target=document, expect_signed=item.level is not None
            )
        finally:
            path.unlink(missing_ok=True)
        if verdict.verdict is not Verdict.PASSED:
            raise Tampered(
                f"the signature of {document} is {verdict.verdict.value}; the paper must be handed in again",
                vi=f"Chữ ký của {document} không còn hợp lệ ({verdict.verdict.value}); cần nộp lại giấy tờ",
            )


def _fits(wanted: Requirement, paper: dict[str, Any], case: Case) -> bool:
    if paper["state"] != "stored" or paper["type"] not in wanted.types or "type" in paper["doubtful"]:
        return False
    owner = paper["fields"].get("owner_id")
    if owner is not None and owner.value != case.owner_id:
        return False
    if wanted.validity_months is None:
        return True
    day = day_of(paper)
    return day is not None and day <= case.received <= months_after(day, wanted.validity_months)


def _offer(wanted: Requirement, paper: dict[str, Any], dossier: str, code: str | None) -> dict[str, Any]:
    return {
        "component": wanted.code,
        "name": wanted.name,
        "document": paper["id"],
        "dossier": dossier,
        "type_name": paper["type_name"],
        "number": paper["number"],
        "date": paper["date"] if "date" not in paper["doubtful"] else None,
        "code": code,
    }
