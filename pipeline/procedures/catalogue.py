"""Procedures with their required papers, as data: read from folders of TOML files, each file one version of one.

A dossier keeps the version that was in force on the day it was received.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any

from pipeline.errors import UsageError
from pipeline.grammar.codes import parse_component_code, parse_procedure_code
from pipeline.grammar.folding import nfc


class CopyKind(StrEnum):
    """How a paper is handed in (Thông tư 01/2023/TT-VPCP Điều 4 khoản 1)."""

    ORIGINAL = "ban_chinh"
    CERTIFIED = "ban_sao_chung_thuc"
    COPY = "ban_sao"
    ELECTRONIC = "ban_dien_tu"


class Need(StrEnum):
    """Always, or only in the case that `when` states."""

    REQUIRED = "required"
    CONDITIONAL = "conditional"


class Keep(StrEnum):
    """Whether the paper is digitised or only shown (Thông tư 01/2023/TT-VPCP Điều 4)."""

    DIGITISED = "digitised"
    SHOWN = "shown"


class Level(StrEnum):
    """Which level of agency decides."""

    MINISTRY = "bo"
    PROVINCE = "tinh"
    COMMUNE = "xa"


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One paper that a procedure asks for. `types` are keys of config/document_types.toml that satisfy it.

    `count` is how many different papers are due; `validity_months` runs from the paper's date to the day of receipt.
    """

    code: str
    name: str
    types: tuple[str, ...] = ()
    copy: tuple[CopyKind, ...] = ()
    count: int = 1
    need: Need = Need.REQUIRED
    when: str = ""
    validity_months: int | None = None
    keep: Keep = Keep.DIGITISED


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A result that the procedure gives, with its code in the national catalogue."""

    code: str
    name: str
    types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Procedure:
    """One version of a procedure, in force from `effective` to `until` (both included)."""

    code: str
    name: str
    level: Level
    effective: date
    until: date | None = None
    sector: str = ""
    source: str = ""
    papers: tuple[Requirement, ...] = ()
    results: tuple[Outcome, ...] = ()

    def in_force(self, day: date) -> bool:
        return self.effective <= day and (self.until is None or day <= self.until)


@dataclass(frozen=True, slots=True)
class ProcedureCatalogue:
    """Every version of every procedure, by code, the oldest first."""

    versions: Mapping[str, tuple[Procedure, ...]]

    @classmethod
    def load(cls, folders: Iterable[Path], types: Collection[str]) -> ProcedureCatalogue:
        """Read every `*.toml` of the folders; a later folder's version takes the place of an equal one before.

        Raises UsageError that names the file, the entry, and the nearest known key.
        """
        found: dict[tuple[str, date], Procedure] = {}
        for folder in folders:
            for path in sorted(folder.glob("*.toml")) if folder.is_dir() else ():
                item = _read(path, types)
                found[item.code, item.effective] = item
        versions: dict[str, list[Procedure]] = {}
        for (code, _), item in sorted(found.items()):
            versions.setdefault(code, []).append(item)
        return cls({code: tuple(items) for code, items in versions.items()})

    def get(self, code: str, day: date) -> Procedure | None:
        """The version in force on a day; a province's own `1.000948.H38` before the national `1.000948`."""
        for name in dict.fromkeys((code, code[:8])):
            for item in reversed(self.versions.get(name, ())):
                if item.in_force(day):
                    return item
        return None

    def history(self, code: str) -> tuple[Procedure, ...]:
        """Every version under a code, or under its national part."""
        return self.versions.get(code) or self.versions.get(code[:8]) or ()


class ProcedureShelf:
    """The catalogue as its folders hold it now; read again only when a file has changed."""

    def __init__(self, folders: Sequence[Path], types: Collection[str]) -> None:
        self._folders = tuple(folders)
        self._types = types
        self._seen: object = None
        self._catalogue = ProcedureCatalogue({})

    def current(self) -> ProcedureCatalogue:
        """Raises UsageError when a file is broken."""
        files = [path for folder in self._folders if folder.is_dir() for path in folder.glob("*.toml")]
        seen = {(str(path), (stat := path.stat()).st_mtime_ns, stat.st_size) for path in files}
        if seen != self._seen:
            self._catalogue = ProcedureCatalogue.load(self._folders, self._types)
            self._seen = seen
        return self._catalogue


def _read(path: Path, types: Collection[str]) -> Procedure:
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _broken(str(path), str(error)) from error
    return procedure(raw, types, str(path))


def procedure(raw: Mapping[str, Any], types: Collection[str], where: str) -> Procedure:
    """A procedure from the tables of its file. Raises UsageError that names `where`, the entry and what is wrong."""
    rows = {"paper": raw.get("paper", []), "result": raw.get("result", [])}
    head = {key: value for key, value in raw.items() if key not in rows}
    _known(head, {*Procedure.__dataclass_fields__, "paper", "result"} - {"papers", "results"}, where)
    try:
        code = parse_procedure_code(str(head["code"]))
        if code is None:
            raise ValueError(f"code {head['code']!r} is no procedure code such as 1.001193 or 1.000948.H38")
        item = Procedure(
            code=code,
            name=_text(head["name"]),
            level=Level(head["level"]),
            effective=_day(head["effective"]),
            until=_day(head["until"]) if "until" in head else None,
            sector=nfc(str(head.get("sector", ""))),
            source=nfc(str(head.get("source", ""))),
            papers=tuple(
                _requirement(row, types, f"{where}, paper {n}") for n, row in enumerate(rows["paper"], 1)
            ),
            results=tuple(
                _outcome(row, types, f"{where}, result {n}") for n, row in enumerate(rows["result"], 1)
            ),
        )
    except KeyError as error:
        raise _broken(where, f"{error.args[0]} is missing") from error
    except (ValueError, TypeError) as error:
        raise _broken(where, str(error)) from error
    codes = [*(paper.code for paper in item.papers), *(result.code for result in item.results)]
    if twice := next((one for one in codes if codes.count(one) > 1), None):
        raise _broken(where, f"{twice} stands there twice")
    if item.until is not None and item.until < item.effective:
        raise _broken(where, "until lies before effective")
    return item


def _requirement(row: Mapping[str, Any], types: Collection[str], where: str) -> Requirement:
    _known(row, Requirement.__dataclass_fields__, where)
    try:
        months = row.get("validity_months")
        item = Requirement(
            code=_component(row["code"]),
            name=_text(row["name"]),
            types=_types(row.get("types", []), types),
            copy=tuple(CopyKind(one) for one in row.get("copy", [])),
            count=_whole(row.get("count", 1)),
            need=Need(row.get("need", "required")),
            when=nfc(str(row.get("when", ""))),
            validity_months=None if months is None else _whole(months),
            keep=Keep(row.get("keep", "digitised")),
        )
    except KeyError as error:
        raise _broken(where, f"{error.args[0]} is missing") from error
    except (ValueError, TypeError) as error:
        raise _broken(where, str(error)) from error
    if item.need is Need.CONDITIONAL and not item.when:
        raise _broken(where, "a conditional paper says in `when` in which case it is due")
    return item


def _outcome(row: Mapping[str, Any], types: Collection[str], where: str) -> Outcome:
    _known(row, Outcome.__dataclass_fields__, where)
    try:
        kinds = _types(row.get("types", []), types)
        return Outcome(code=_component(row["code"]), name=_text(row["name"]), types=kinds)
    except KeyError as error:
        raise _broken(where, f"{error.args[0]} is missing") from error
    except (ValueError, TypeError) as error:
        raise _broken(where, str(error)) from error


def _component(value: Any) -> str:
    code = parse_component_code(str(value))
    if code is None:
        raise ValueError(f"code {value!r} is no component code such as TP-H05.000026")
    return code.text


def _types(value: Any, known: Collection[str]) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ValueError("types must be a list of keys of document types")
    for key in value:
        if key not in known:
            raise ValueError(f"{key!r} is no document type" + _nearest(str(key), known))
    return tuple(value)


def _text(value: Any) -> str:
    text = nfc(str(value)).strip()
    if not text or len(text) > 500:
        raise ValueError("a name has 1 to 500 letters")
    return text


def _whole(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 1200:
        raise ValueError(f"{value!r} is no whole number from 1 to 1200")
    return value


def _day(value: Any) -> date:
    if type(value) is not date:
        raise ValueError(f"{value!r} is no date such as 2025-07-01")
    return value


def _known(row: Any, keys: Collection[str], where: str) -> None:
    if not isinstance(row, Mapping):
        raise _broken(where, "is no table")
    for key in row:
        if key not in keys:
            raise _broken(where, f"unknown key {key}{_nearest(key, keys)}")


def _nearest(key: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.4)
    return f"; did you mean {near[0]}?" if near else ""


def _broken(where: str, what: str) -> UsageError:
    return UsageError(f"procedure {where}: {what}", vi=f"Danh mục thủ tục, {where}: {what}")
