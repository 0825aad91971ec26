"""Numerator and denominator of the digitisation indicators, down to what is not digitised and why.

What is counted is in `config/indicators.toml`; here is only what its words mean.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, func, inspect, select, text

from pipeline.errors import UsageError
from pipeline.grammar.codes import parse_dossier_code
from storage.database import reading
from storage.page_tables import changed_side
from storage.proof import day_of
from storage.schema import batch, document, page

STORED = "stored"
NOTHING = "chưa quét giấy nào (nothing was scanned)"
WAITS = {
    "working": "đang xử lý (being worked on)",
    "awaiting_signature": "chờ ký (awaits its signature)",
    "waiting": "chờ dịch vụ (waits for a service)",
    "review": "chờ người xem lại (needs a person)",
}
DIMENSIONS = ("agency", "procedure", "month")
UNKNOWN = "chưa rõ (unknown)"


@dataclass(frozen=True, slots=True)
class PaperFact:
    """One paper of a dossier as it stands."""

    id: str
    type_name: str
    state: str
    signed: bool
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierFact:
    """One dossier that was received. `loose` are sides that are in no paper yet, with their reason."""

    code: str
    agency: str
    procedure: str
    received: date
    papers: tuple[PaperFact, ...]
    loose: tuple[str, ...] = ()

    @property
    def month(self) -> str:
        return f"{self.received:%Y-%m}"


CONDITIONS: dict[str, Callable[[Any], bool]] = {
    "received": lambda one: True,
    "every_paper_stored": lambda one: (
        bool(one.papers) and not one.loose and all(paper.state == STORED for paper in one.papers)
    ),
    "any_paper_stored": lambda one: any(paper.state == STORED for paper in one.papers),
    "stored": lambda one: one.state == STORED,
    "stored_and_signed": lambda one: one.state == STORED and one.signed,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Indicator:
    """One formula with its dates and its source."""

    key: str
    name: str
    unit: str
    numerator: str
    denominator: str
    valid_from: date
    source: str
    valid_to: date | None = None

    def counted(self, dossier: DossierFact) -> tuple[int, int]:
        """What a dossier adds to numerator and denominator."""
        units: Iterable[Any] = dossier.papers if self.unit == "paper" else (dossier,)
        within = [one for one in units if CONDITIONS[self.denominator](one)]
        return sum(CONDITIONS[self.numerator](one) for one in within), len(within)


def load_indicators(path: Path, on: date) -> list[Indicator]:
    """The formulas in force on a day. Raises UsageError for a file that says something unknown."""
    found = []
    for values in tomllib.loads(path.read_text("utf-8"))["indicator"]:
        one = Indicator(**values)
        if one.unit not in ("dossier", "paper") or {one.numerator, one.denominator} - CONDITIONS.keys():
            raise UsageError(f"{path}: indicator {one.key} names an unknown unit or condition")
        if one.valid_from <= on and (one.valid_to is None or on <= one.valid_to):
            found.append(one)
    return found


@dataclass(slots=True)
class Counts:
    """Sums by indicator and group; `open` lists what is not digitised."""

    totals: dict[str, list[int]] = field(default_factory=dict)
    groups: dict[str, dict[str, list[int]]] = field(default_factory=dict)
    open: list[dict[str, Any]] = field(default_factory=list)
    without_dossier: int = 0


def count(
    facts: Iterable[DossierFact], indicators: list[Indicator], *, by: str | None, month: str | None
) -> Counts:
    """Count what was received in a month, or ever."""
    counts = Counts(totals={one.key: [0, 0] for one in indicators})
    for fact in facts:
        if month is not None and fact.month != month:
            continue
        name = str(getattr(fact, by)) if by else ""
        group = counts.groups.setdefault(name, {one.key: [0, 0] for one in indicators})
        for one in indicators:
            above, below = one.counted(fact)
            for sums in (counts.totals[one.key], group[one.key]):
                sums[0] += above
                sums[1] += below
        if not CONDITIONS["every_paper_stored"](fact):
            counts.open.append(_open(fact))
    return counts


def _open(fact: DossierFact) -> dict[str, Any]:
    papers = [
        {
            "id": one.id,
            "type_name": one.type_name,
            "state": one.state,
            "reason": one.reason or WAITS.get(one.state),
        }
        for one in fact.papers
        if one.state != STORED
    ]
    reasons = [str(one["reason"]) for one in papers] + list(fact.loose)
    return {
        "dossier": fact.code,
        "agency": fact.agency,
        "procedure": fact.procedure,
        "month": fact.month,
        "reasons": list(dict.fromkeys(reasons)) or [NOTHING],
        "papers": papers,
    }


def facts(database: Engine) -> Iterator[DossierFact]:
    """Every dossier that scanning, or a registry that told of it, knows; read as it is asked for."""
    query = (
        select(
            document.c.dossier,
            document.c.agency,
            document.c.id,
            document.c.type_name,
            document.c.state,
            document.c.signature_level,
            document.c.reason,
            batch.c.received_at,
            batch.c.intake,
        )
        .join(batch, batch.c.id == document.c.batch)
        .where(document.c.dossier.is_not(None))
        .order_by(document.c.dossier, batch.c.received_at)
    )
    procedures = _procedures(database)
    loose = _loose(database)
    with reading(database) as connection:
        for code, found in groupby(connection.execute(query).yield_per(1000), key=lambda row: row.dossier):
            rows = list(found)
            said = procedures.pop(code, None) or next(filter(None, map(_procedure, rows)), None)
            yield DossierFact(
                code=code,
                agency=rows[0].agency,
                procedure=said or UNKNOWN,
                received=_received(code, rows[0].received_at),
                papers=tuple(
                    PaperFact(r.id, r.type_name, r.state, r.signature_level is not None, r.reason)
                    for r in rows
                ),
                loose=tuple(loose.pop(code, ())),
            )
    for code in sorted(procedures.keys() | loose.keys()):
        organisation = parse_dossier_code(code)
        yield DossierFact(
            code=code,
            agency=organisation.organisation if organisation else UNKNOWN,
            procedure=procedures.get(code) or UNKNOWN,
            received=_received(code, None),
            papers=(),
            loose=tuple(loose.get(code, ())),
        )


def without_dossier(database: Engine) -> int:
    """Papers that are in no dossier yet, and so in no figure."""
    with reading(database) as connection:
        query = select(func.count()).select_from(document).where(document.c.dossier.is_(None))
        return int(connection.execute(query).scalar_one())


def _procedure(row: Any) -> str | None:
    said = json.loads(row.intake).get("procedure")
    return str(said) if said else None


def _procedures(database: Engine) -> dict[str, str | None]:
    """Dossiers that the one-stop system told of, with their procedure; none before there is such a table."""
    if not inspect(database).has_table("registered_dossier"):
        return {}
    with reading(database) as connection:
        rows = connection.execute(text("select code, procedure from registered_dossier")).all()
    return {row.code: row.procedure for row in rows}


def _loose(database: Engine) -> dict[str, list[str]]:
    """Sides of a batch bound to a dossier that wait for a person or were rejected, as a sentence for each dossier.

    Not those that a change of pages set aside: the paper that had them has better ones.
    """
    query = (
        select(batch.c.dossier, page.c.state, func.count(), func.min(page.c.reason))
        .join(batch, batch.c.id == page.c.batch)
        .where(batch.c.dossier.is_not(None), page.c.state.in_(("review", "rejected")))
        .where(page.c.id.not_in(select(changed_side.c.page)))
        .group_by(batch.c.dossier, page.c.state)
    )
    found: dict[str, list[str]] = {}
    with reading(database) as connection:
        for code, _, number, reason in connection.execute(query):
            found.setdefault(code, []).append(f"{number} mặt giấy: {reason}")
    return found


def _received(code: str, scanned: str | None) -> date:
    parsed = parse_dossier_code(code)
    if parsed is not None:
        return parsed.received
    return day_of(scanned) if scanned else date.min


def last_day(month: str | None, today: date) -> date:
    """The last day of a month `YYYY-MM`, today without one. Raises UsageError."""
    if month is None:
        return today
    try:
        first = datetime.strptime(month, "%Y-%m").date()
    except ValueError as error:
        raise UsageError(
            f"{month} is no month; write 2026-11", vi=f"{month} không phải tháng; viết như 2026-11"
        ) from error
    return (first.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
