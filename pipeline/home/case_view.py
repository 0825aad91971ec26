"""One dossier as people and programs see it: papers, what is missing, codes, state, light."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from pipeline.casework import Casework
from pipeline.classify.types import TypeCatalogue
from pipeline.grammar.codes import parse_dossier_code
from pipeline.procedures.catalogue import Procedure
from pipeline.procedures.completeness import Completeness, HeldPaper, Mark, judge
from storage.dossier_record import DossierRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A dossier at this moment. `found` is None while its procedure is not known."""

    code: str
    record: DossierRecord
    papers: list[dict[str, Any]]
    procedure_code: str | None
    procedure_from: str
    procedure: Procedure | None
    received: date
    found: Completeness | None
    registered: dict[str, Any] | None
    notes: tuple[str, ...] = ()

    @property
    def owner_id(self) -> str:
        """Whose dossier it is: by the registry, else as all papers that are sure of it say."""
        if self.registered and self.registered["owner_id"]:
            return str(self.registered["owner_id"])
        stated = {
            paper["fields"]["owner_id"].value
            for paper in self.papers
            if "owner_id" in paper["fields"] and not paper["fields"]["owner_id"].doubtful
        }
        return stated.pop() if len(stated) == 1 else ""

    @property
    def waits(self) -> list[dict[str, Any]]:
        return [paper for paper in self.papers if paper["state"] != "stored"]

    @property
    def complete(self) -> bool:
        """All required papers are there and nothing waits."""
        return self.found is not None and self.found.complete and not self.waits


def case_of(casework: Casework, types: TypeCatalogue, code: str, today: date) -> Case:
    """Look at a dossier. A broken file of procedures raises UsageError."""
    record = casework.dossiers.record(code)
    papers = casework.dossiers.papers(code)
    known = casework.registered.get(code)
    parsed = parse_dossier_code(code)
    received = parsed.received if parsed else today
    named, said_by, notes = _procedure_of(record, papers, known)
    item = casework.shelf.current().get(named, received) if named else None
    if named and item is None:
        notes.append(f"chưa có thành phần hồ sơ của thủ tục {named} vào ngày {received:%d/%m/%Y}")
    notes += likely_twice(papers)
    found = None
    if item is not None:
        marks = [
            Mark(component=one.component, kind=one.kind, document=one.document, reason=one.reason)
            for one in record.marks
        ]
        found = judge(item, [held_paper(paper, types) for paper in papers], marks, received=received)
    return Case(
        code=code, record=record, papers=papers, procedure_code=named, procedure_from=said_by, procedure=item,
        received=received, found=found, registered=known, notes=tuple(notes),
    )  # fmt: skip


def likely_twice(papers: list[dict[str, Any]]) -> list[str]:
    """Papers that say the same of themselves: the same sheets came as pictures and as a PDF. A person settles it."""
    alike: dict[tuple[Any, ...], list[str]] = {}
    for paper in papers:
        sure = paper["number"] and paper["date"] and not {"type", "number", "date"} & set(paper["doubtful"])
        if paper["state"] == "stored" and sure:
            copy = paper["fields"].get("copy_kind")
            same = (
                paper["type"],
                paper["number"],
                paper["date"],
                paper["issuer"],
                copy.value if copy else None,
            )
            alike.setdefault(same, []).append(paper["id"])
    return [
        f"có thể là một giấy tờ đưa vào {len(ids)} lần (cùng loại, số {same[1]}, ngày {same[2]}): {', '.join(ids)}; "
        f"nếu đúng, gỡ bản thừa: sohoa review {ids[-1]} --misfiled 'trùng' (likely the same paper twice)"
        for same, ids in alike.items()
        if len(ids) > 1
    ]


def _procedure_of(
    record: DossierRecord, papers: list[dict[str, Any]], known: dict[str, Any] | None
) -> tuple[str | None, str, list[str]]:
    """A person's word before the registry's, that before what stacks were bound to; disagreement is told."""
    told = known["procedure"] if known else None
    bound = sorted({str(paper["procedure"]) for paper in papers if paper["procedure"]})
    chosen: tuple[str | None, str] = (None, "")
    if record.procedure and record.procedure_from == "person":
        chosen = (record.procedure, "person")
    elif told:
        chosen = (told, "registry")
    elif len(bound) == 1:
        chosen = (bound[0], "intake")
    elif record.procedure:
        chosen = (record.procedure, record.procedure_from)
    notes = []
    if len(bound) > 1 and not chosen[0]:
        notes.append(f"các lô khai thủ tục khác nhau: {', '.join(bound)}; hãy chọn bằng --procedure")
    others = [("hệ thống một cửa", told), *(("lô giấy", one) for one in bound)]
    notes += [f"{who} ghi thủ tục {what}" for who, what in others if chosen[0] and what and what != chosen[0]]
    return (*chosen, list(dict.fromkeys(notes)))


def held_paper(paper: dict[str, Any], types: TypeCatalogue) -> HeldPaper:
    """A paper of `Dossiers.papers` as the rule of completeness needs it."""
    doubtful = set(paper["doubtful"])
    settled = paper["state"] == "stored" and "type" not in doubtful
    why = "" if settled else paper["reason"] or "đang xử lý"
    if paper["state"] == "stored" and not settled:
        why = "loại giấy tờ còn ngờ"
    kind = types.get(paper["type"])
    copy = paper["fields"].get("copy_kind")
    day = day_of(paper)
    component = paper["fields"].get("component")
    component = component if component and not component.doubtful else None
    return HeldPaper(
        id=paper["id"], type=paper["type"], role=kind.role if kind else "input", settled=settled, why_not=why,
        day=day, copy=copy.value if copy and not copy.doubtful else None,
        component=component.value if component else None,
        by_person=component is not None and component.evidence == "operator",
    )  # fmt: skip


def day_of(paper: dict[str, Any]) -> date | None:
    """The date of a paper when it is certain."""
    if not paper["date"] or "date" in paper["doubtful"]:
        return None
    try:
        return date.fromisoformat(paper["date"])
    except ValueError:
        return None


def case_json(case: Case) -> dict[str, Any]:
    """The part of `sohoa dossier --json` beyond papers and light."""
    found, item = case.found, case.procedure
    return {
        "state": case.record.state.value,
        "state_reason": case.record.state_reason,
        "received": case.received.isoformat(),
        "procedure": {
            "code": case.procedure_code,
            "from": case.procedure_from,
            "name": item.name if item else None,
            "effective": item.effective.isoformat() if item else None,
        }
        if case.procedure_code
        else None,
        "complete": case.complete if found else None,
        "required": [one.to_json() for one in found.standings] if found else [],
        "results": dict(found.results) if found else {},
        "surplus": dict(found.surplus) if found else {},
        "codes": [{**asdict(one), "issued_at": one.issued_at.isoformat()} for one in case.record.codes],
        "notes": list(case.notes),
    }
