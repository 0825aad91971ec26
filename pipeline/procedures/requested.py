"""Which stored papers answer which scan requests of a dossier: a rule over values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.grammar.entries import COPIES


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A request as the rule needs it; `held` are the papers that answer it so far."""

    id: str
    component: str
    count: int = 1
    copy: str = ""
    held: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """A stored paper. `request` is what it was scanned for; `doubt` says why it does not count yet."""

    id: str
    component: str | None
    request: str | None = None
    copy: str | None = None
    doubt: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The papers of a request; `fulfilled` when they are as many as were asked for, else `reason` may say why not."""

    documents: tuple[str, ...]
    fulfilled: bool
    reason: str = ""


def answers(wanted: Sequence[Wanted], offered: Sequence[Offered]) -> dict[str, Answer]:
    """An answer for each request, those that come first being served first.

    A paper answers one request: the one that has it already, else the one it was scanned for, else any.
    """
    free = {paper.id: paper for paper in offered}
    given: dict[str, list[str]] = {one.id: [] for one in wanted}
    asked = {one.id for one in wanted}

    def serve(one: Wanted, paper: Offered) -> None:
        if len(given[one.id]) < one.count and paper.id in free and not _objection(one, paper):
            given[one.id].append(paper.id)
            del free[paper.id]

    for one in wanted:
        for paper in [paper for paper in offered if paper.id in one.held]:
            serve(one, paper)
    for one in wanted:
        for paper in [paper for paper in offered if paper.request == one.id]:
            serve(one, paper)
    for one in wanted:
        for paper in [paper for paper in offered if paper.request not in asked]:
            serve(one, paper)
    return {one.id: _answer(one, given[one.id], list(free.values())) for one in wanted}


def _objection(one: Wanted, paper: Offered) -> str:
    """Why a paper does not answer a request; empty when it does."""
    if paper.component != one.component:
        return "không phải thành phần được yêu cầu"
    if one.copy and paper.copy and one.copy != paper.copy:
        return f"cần {COPIES[one.copy]}, giấy này là {COPIES.get(paper.copy, paper.copy)}"
    return paper.doubt


def _answer(one: Wanted, documents: Sequence[str], left: Sequence[Offered]) -> Answer:
    if len(documents) >= one.count:
        return Answer(documents=tuple(documents), fulfilled=True)
    parts = [f"mới có {len(documents)}/{one.count}"] if documents else []
    for paper in left:
        if paper.component == one.component or paper.request == one.id:
            parts.append(f"{paper.id}: {_objection(one, paper)}")
    return Answer(documents=tuple(documents), fulfilled=False, reason="; ".join(parts)[:500])
