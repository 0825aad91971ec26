"""Which required papers of a dossier are there: a rule over values, without clock or store.

Each paper satisfies at most one requirement. What is not certain is `doubtful` with a plain reason, and does not count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from typing import Any

from pipeline.grammar.entries import COPIES
from pipeline.procedures.catalogue import Keep, Need, Procedure, Requirement


class Stand(StrEnum):
    """How one requirement stands."""

    PRESENT = "present"
    DOUBTFUL = "doubtful"
    MISSING = "missing"
    SHOWN = "shown"
    NOT_DUE = "not_due"


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldPaper:
    """A paper as the rule needs it. `settled`: stored, and its type not doubtful. `day` only when it is certain.

    `component` is what it is on record with, from the request that it was scanned for or from a person.
    """

    id: str
    type: str
    role: str
    settled: bool
    why_not: str = ""
    day: date | None = None
    copy: str | None = None
    component: str | None = None
    by_person: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What a person said of a requirement: shown, not_due, not_digitised, paper (which one), reuse (of elsewhere)."""

    component: str
    kind: str
    document: str | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One requirement with the papers that stand for it and the reason when something is to be done.

    `reused` is a paper of another dossier that stands for it.
    """

    paper: Requirement
    stand: Stand
    documents: tuple[str, ...] = ()
    reason: str = ""
    reused: str | None = None

    def to_json(self) -> dict[str, Any]:
        item = self.paper
        return {
            "code": item.code, "name": item.name, "stand": self.stand.value, "need": item.need.value,
            "when": item.when, "copy": [one.value for one in item.copy], "count": item.count,
            "documents": list(self.documents), "reused": self.reused, "reason": self.reason,
        }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Completeness:
    """All requirements, results, and papers that nobody asked for (id to reason)."""

    standings: tuple[Standing, ...]
    results: Mapping[str, str] = field(default_factory=dict)
    surplus: Mapping[str, str] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Nothing is missing and nothing is doubtful."""
        return not any(one.stand in (Stand.MISSING, Stand.DOUBTFUL) for one in self.standings)

    def component_of(self, document: str) -> str | None:
        return next((one.paper.code for one in self.standings if document in one.documents), None)


def judge(
    item: Procedure, papers: Sequence[HeldPaper], marks: Sequence[Mark], *, received: date
) -> Completeness:
    """Lay the papers of a dossier beside what its procedure asks for."""
    said = {mark.component: mark for mark in marks}
    named = _on_record(item, papers)
    named |= {
        mark.document: mark.component for mark in marks if mark.kind == "paper" and mark.document is not None
    }
    outcome = {kind: one.code for one in item.results for kind in one.types}
    wanted = {kind for paper in item.papers for kind in paper.types}
    papers = [_not_guessed(one, outcome, wanted, named) for one in papers]
    by_id = {paper.id: paper for paper in papers}
    # what is both asked for and given, as a land certificate, is a result when it was made after the dossier came
    given = {p.id for p in papers if p.type in outcome and p.day and p.day >= received and p.id not in named}
    given |= {p.id for p in papers if outcome.get(p.type, "") == p.component}
    assigned = _assign(item.papers, [paper for paper in papers if paper.id not in given], named)
    standings = tuple(
        _standing(paper, [by_id[name] for name in assigned[paper.code]], said.get(paper.code), received)
        for paper in item.papers
    )
    taken = {name for one in standings for name in one.documents}
    results: dict[str, str] = {}
    surplus: dict[str, str] = {}
    for paper in papers:
        if paper.id in taken:
            continue
        if paper.type in outcome and paper.settled:
            results[paper.id] = outcome[paper.type]
        else:
            surplus[paper.id] = _why_surplus(paper, wanted)
    return Completeness(standings=standings, results=results, surplus=surplus)


def _not_guessed(
    paper: HeldPaper, outcome: Mapping[str, str], wanted: set[str], named: Mapping[str, str]
) -> HeldPaper:
    """A kind of paper that is both asked for and given needs its date, or a person's word, to be told apart."""
    if (
        paper.settled
        and paper.type in outcome
        and paper.type in wanted
        and paper.day is None
        and paper.id not in named
        and paper.component != outcome[paper.type]
    ):
        return replace(paper, settled=False, why_not="chưa rõ là giấy nộp hay kết quả: ngày của giấy còn ngờ")
    return paper


def _on_record(item: Procedure, papers: Sequence[HeldPaper]) -> dict[str, str]:
    """Papers whose component is on record, while their type agrees or a person has said so."""
    kinds = {one.code: one.types for one in item.papers}
    return {
        paper.id: paper.component
        for paper in papers
        if paper.component in kinds and (paper.by_person or paper.type in kinds[paper.component])
    }


def _assign(
    wanted: Sequence[Requirement], papers: Sequence[HeldPaper], named: Mapping[str, str]
) -> dict[str, list[str]]:
    """Papers to requirements: what a person named first, then as many as fit, settled ones before doubtful ones."""
    slots = [paper.code for paper in sorted(wanted, key=_urgency) for _ in range(paper.count)]
    fits = {
        paper.id: {one.code for one in wanted if named.get(paper.id, one.code) == one.code
                   and (paper.id in named or paper.type in one.types)}
        for paper in papers
    }  # fmt: skip
    order = [p.id for p in sorted(papers, key=lambda p: (p.id not in named, not p.settled))]
    holder: dict[int, str] = {}

    def place(name: str, tried: set[int]) -> bool:
        for number, code in enumerate(slots):
            if code in fits[name] and number not in tried:
                tried.add(number)
                if number not in holder or (holder[number] not in named and place(holder[number], tried)):
                    holder[number] = name
                    return True
        return False

    for name in order:
        place(name, set())
    found: dict[str, list[str]] = {paper.code: [] for paper in wanted}
    for number in sorted(holder):
        found[slots[number]].append(holder[number])
    return found


def _urgency(paper: Requirement) -> tuple[bool, bool]:
    return (paper.keep is Keep.SHOWN, paper.need is Need.CONDITIONAL)


def _standing(paper: Requirement, mine: list[HeldPaper], mark: Mark | None, received: date) -> Standing:
    names = tuple(one.id for one in mine)
    if reason := next((why for one in mine if (why := doubt_of(paper, one, received))), ""):
        return Standing(paper=paper, stand=Stand.DOUBTFUL, documents=names, reason=reason)
    if len(mine) >= paper.count:
        return Standing(paper=paper, stand=Stand.PRESENT, documents=names)
    if mark is not None and mark.kind == "reuse":
        return Standing(
            paper=paper, stand=Stand.PRESENT, documents=names, reason=mark.reason, reused=mark.document
        )
    if mark is not None and mark.kind != "paper":
        stand = Stand.NOT_DUE if mark.kind == "not_due" else Stand.SHOWN
        return Standing(paper=paper, stand=stand, documents=names, reason=mark.reason)
    if paper.keep is Keep.SHOWN:
        why = "chỉ xuất trình để đối chiếu, không số hóa"
        return Standing(paper=paper, stand=Stand.SHOWN, documents=names, reason=why)
    if paper.need is Need.CONDITIONAL and not mine:
        return Standing(paper=paper, stand=Stand.NOT_DUE, reason=f"chỉ cần khi {paper.when}")
    lacking = f"mới có {len(mine)}/{paper.count}" if mine else "chưa có"
    return Standing(paper=paper, stand=Stand.MISSING, documents=names, reason=lacking)


def doubt_of(paper: Requirement, held: HeldPaper, received: date) -> str:
    """Why a paper does not satisfy a requirement yet, in Vietnamese; empty when it does."""
    if not held.settled:
        return held.why_not or "giấy tờ còn chờ người xem"
    if held.copy and paper.copy and held.copy not in paper.copy:
        needed = " hoặc ".join(COPIES[one.value] for one in paper.copy)
        return f"cần {needed}, giấy này là {COPIES.get(held.copy, held.copy)}"
    if paper.validity_months and held.day:
        last = months_after(held.day, paper.validity_months)
        if last < received:
            return f"hết giá trị từ {last:%d/%m/%Y}, trước ngày tiếp nhận {received:%d/%m/%Y}"
        if held.day > received:
            return f"đề ngày {held.day:%d/%m/%Y}, sau ngày tiếp nhận"
    return ""


def _why_surplus(paper: HeldPaper, wanted: set[str]) -> str:
    if not paper.settled:
        return paper.why_not or "giấy tờ còn chờ người xem"
    if paper.role == "process":
        return "giấy của bộ phận một cửa, không phải thành phần hồ sơ"
    if paper.type in wanted:
        return "đã đủ số giấy tờ loại này"
    return "thủ tục không yêu cầu loại giấy tờ này"


def months_after(day: date, months: int) -> date:
    """The same day so many months later, or that month's last day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    for last in (day.day, 30, 29, 28):
        try:
            return date(year, month + 1, last)
        except ValueError:
            continue
    raise ValueError(f"no day {months} months after {day}")
