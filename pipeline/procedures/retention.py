"""How long a dossier is kept: dated terms by type of paper, procedure or dossier; the longest one counts.

Source of the rule: Luật Lưu trữ 33/2024/QH15 Điều 15 (2 to 70 years from the year in which the work ends, or for ever).
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

from pipeline.errors import UsageError
from pipeline.grammar.codes import parse_dossier_code, parse_procedure_code

SHORTEST, LONGEST = 2, 70


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One term with its dates and its source; `years` is None for what is kept for ever.

    `checked` is what the office says of its own file: that the term was compared with the official text.
    """

    key: str
    name: str
    source: str
    valid_from: date
    valid_to: date | None = None
    years: int | None = None
    permanent: bool = False
    default: bool = False
    checked: bool = False
    types: tuple[str, ...] = ()
    procedures: tuple[str, ...] = ()
    dossiers: tuple[str, ...] = ()

    def in_force(self, day: date) -> bool:
        """Whether the term counts for what is closed on that day."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)

    def last_day(self, closed: date) -> date | None:
        """The last day of keeping, the end of a year; None for ever."""
        return date(closed.year + self.years, 12, 31) if self.years else None


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionSchedule:
    """All terms. Years of locks are for what has no end of its own."""

    terms: tuple[Term, ...]
    permanent_lock_years: int
    certificate_years: int

    @classmethod
    def load(cls, path: Path, types: Collection[str]) -> RetentionSchedule:
        """Raises UsageError that names the term at fault; `types` are the known types of papers."""
        try:
            values = tomllib.loads(path.read_text("utf-8"))
            rows = values.pop("term")
            schedule = cls(terms=tuple(_term(row) for row in rows), **values)
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, TypeError) as error:
            raise UsageError(f"{path}: {error}", vi=f"Không đọc được {path}: {error}") from error
        if problem := _problem(schedule, types):
            raise UsageError(f"{path}: {problem}", vi=f"Bảng thời hạn bảo quản {path} sai: {problem}")
        return schedule

    def term_of(self, dossier: str, procedure: str | None, types: Iterable[str], closed: date) -> Term:
        """The term of a dossier that is closed on a day: its own, else the longest of its papers and its procedure."""
        now = [term for term in self.terms if term.in_force(closed)]
        own = [term for term in now if dossier in term.dossiers]
        if own:
            return max(own, key=_length)
        default = next((term for term in now if term.default), None)
        if default is None:
            raise UsageError(
                f"no default term is in force on {closed}", vi=f"Không có thời hạn chung cho ngày {closed}"
            )
        of_procedure = [t for t in now if procedure and any(_covers(p, procedure) for p in t.procedures)]
        named = list(of_procedure)
        for kind in types:
            of_kind = [term for term in now if kind in term.types]
            named += of_kind or ([] if of_procedure else [default])
        return max(named or [default], key=_length)


def _length(term: Term) -> tuple[bool, int]:
    return term.permanent, term.years or 0


def _covers(listed: str, procedure: str) -> bool:
    """A national code covers the same procedure as each province numbers it: 1.000948 and 1.000948.H38."""
    return procedure == listed or procedure.startswith(f"{listed}.H")


def _term(row: dict[str, Any]) -> Term:
    lists = {name: tuple(row.get(name, ())) for name in ("types", "procedures", "dossiers")}
    return Term(**{**row, **lists})


def _problem(schedule: RetentionSchedule, types: Collection[str]) -> str | None:
    for years in (schedule.permanent_lock_years, schedule.certificate_years):
        if not isinstance(years, int) or not 1 <= years <= LONGEST:
            return f"{years!r} is no number of years from 1 to {LONGEST}"
    keys = [term.key for term in schedule.terms]
    if len(set(keys)) != len(keys):
        return "two terms have one key"
    for term in schedule.terms:
        if problem := _wrong(term, types):
            return f"{term.key}: {problem}"
    defaults = sorted((t for t in schedule.terms if t.default), key=lambda t: t.valid_from)
    if not defaults:
        return "no term is the default"
    for one, following in pairwise(defaults):
        if one.valid_to is None or one.valid_to >= following.valid_from:
            return f"{one.key} and {following.key} are both the default on one day"
    return None


def _wrong(term: Term, types: Collection[str]) -> str | None:
    days = [term.valid_from, *([term.valid_to] if term.valid_to is not None else [])]
    if any(type(day) is not date for day in days) or not term.source:
        return "valid_from must be a date and source a text"
    if bool(term.permanent) == bool(term.years):
        return "give years or permanent = true, not both"
    if term.years is not None and not (isinstance(term.years, int) and SHORTEST <= term.years <= LONGEST):
        return f"{term.years!r} is no number of years from {SHORTEST} to {LONGEST}"
    if not (term.default or term.types or term.procedures or term.dossiers):
        return "it is for no type, procedure or dossier"
    if unknown := [one for one in term.types if one not in types]:
        return f"unknown types {', '.join(map(str, unknown))}"
    if wrong := [one for one in term.procedures if parse_procedure_code(str(one)) != one]:
        return f"no procedure codes: {', '.join(map(str, wrong))}"
    if wrong := [one for one in term.dossiers if getattr(parse_dossier_code(str(one)), "text", None) != one]:
        return f"no dossier codes: {', '.join(map(str, wrong))}"
    return None
