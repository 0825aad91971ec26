"""Stored papers held against the scan requests of their dossier: what answers them, and what does so no more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.casework import Casework
from pipeline.classify.types import TypeCatalogue
from pipeline.home.case_view import Case, held_paper
from pipeline.home.paper_told import paper_told
from pipeline.procedures.completeness import doubt_of
from pipeline.procedures.requested import Answer, Offered, Wanted, answers
from storage.scan_requests import LIVE, Answered


class RequestAnswers:
    """One look at a dossier; the same look again changes nothing."""

    def __init__(self, casework: Casework, types: TypeCatalogue, agency: str) -> None:
        self._casework = casework
        self._kept = casework.requests.kept
        self._types = types
        self._agency = agency

    def look(self, case: Case, stamp: str) -> None:
        """Settle every request of the dossier; `stamp` is how it stood before it was looked at."""
        rows = [row for row in self._kept.listed(code=case.code, everything=True) if row["state"] in LIVE]
        if not rows:
            return
        wanted = [
            Wanted(
                id=row["id"], component=row["component"], count=row["count"], copy=row["copy"],
                held=tuple(row["documents"]),
            )
            for row in rows
        ]  # fmt: skip
        # Where the procedure is known, its list gives papers their components.
        types = (
            {}
            if case.found is not None
            else {
                row["component"]: self._casework.requests.component(
                    row["component"], case.procedure_code, case.received
                )[1]
                for row in rows
            }
        )
        came = answers(
            wanted, [self._offered(case, paper, types) for paper in case.papers if paper["state"] == "stored"]
        )
        settled = [self._answered(case, row, came[row["id"]]) for row in rows]
        self._kept.settle(
            case.code, settled, stamp=stamp, agency=self._agency, tell="event" in self._casework.destinations
        )

    def _offered(self, case: Case, paper: dict[str, Any], types: Mapping[str, frozenset[str]]) -> Offered:
        held = held_paper(paper, self._types)
        given = case.found.component_of(held.id) or case.found.results.get(held.id) if case.found else None
        component = given or self._named(case, paper) or _by_type(paper, types)
        doubt = "" if held.settled else held.why_not
        if case.found is not None:
            required = next((one.paper for one in case.found.standings if one.paper.code == component), None)
            doubt = doubt_of(required, held, case.received) if required else doubt
        named = paper["fields"].get("component")
        if component is None and named is not None and named.doubtful:
            component = named.value
            doubt = f"chưa có danh mục nói {component} là loại giấy nào; xác nhận: "
            doubt += f"sohoa review {held.id} --set component={component}"
        request = paper["fields"].get("request")
        return Offered(
            id=held.id,
            component=component,
            request=request.value if request else None,
            copy=held.copy,
            doubt=doubt,
        )

    def _named(self, case: Case, paper: dict[str, Any]) -> str | None:
        """The component that the paper itself is on record with, while its type still agrees."""
        named = paper["fields"].get("component")
        if named is None or named.doubtful:
            return None
        _, types = self._casework.requests.component(named.value, case.procedure_code, case.received)
        agrees = named.evidence == "operator" or not types or paper["type"] in types
        return str(named.value) if agrees else None

    def _answered(self, case: Case, row: dict[str, Any], answer: Answer) -> Answered:
        lost = sorted(set(row["documents"]) - set(answer.documents))
        reason = answer.reason
        if row["state"] == "fulfilled" and not answer.fulfilled and not reason:
            reason = f"{', '.join(lost)} không còn trong hồ sơ hoặc không còn là thành phần này"
        elif row["state"] == "open" and row["turn"] and not answer.fulfilled and not reason:
            reason = row["reason"]  # why it was opened again stays until there is more to say
        papers = {paper["id"]: paper for paper in case.papers}
        payload = {
            "dossier": case.code,
            "procedure": case.procedure_code,
            "state": case.record.state.value,
            "request": row["id"],
            "component": row["component"],
            "papers": [
                {**paper_told(case, papers[name]), "component": row["component"]} for name in answer.documents
            ],
            **({} if answer.fulfilled else {"reason": reason}),
        }
        return Answered(
            request=row["id"], documents=answer.documents, fulfilled=answer.fulfilled,
            reason="" if answer.fulfilled else reason, payload=payload,
        )  # fmt: skip


def _by_type(paper: dict[str, Any], types: Mapping[str, frozenset[str]]) -> str | None:
    """The one component of these that takes this type."""
    fits = [code for code, kinds in types.items() if paper["type"] in kinds]
    return fits[0] if len(fits) == 1 else None
