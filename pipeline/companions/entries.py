"""What rows of a side-car say, field by field, and what of it cannot be used."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.companions.tables import headings_of, looks_like_tcvn3, read_rows, turned_remark
from pipeline.errors import Rejected
from pipeline.grammar.codes import parse_dossier_code
from pipeline.grammar.folding import fold_words
from pipeline.model import ShelfMark

_SHELF = (
    "fonds",
    "catalogue",
    "repository",
    "shelf",
    "box",
    "file_unit",
    "leaf_from",
    "leaf_to",
    "condition",
)
FIELDS = ("file", "dossier", "procedure", "leaves", *_SHELF)
_RANGE = re.compile(r"\s*(\d{1,6})\s*(?:[-–—]|đến)\s*(\d{1,6})\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What one row says of a file, or, without `file`, of all that lies beside the side-car."""

    place: str
    file: str | None = None
    dossier: str | None = None
    procedure: str | None = None
    shelf: ShelfMark | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Companion:
    """A side-car as read; `remarks` are sentences on what of it was not used."""

    name: str
    entries: tuple[Entry, ...] = ()
    remarks: tuple[str, ...] = ()


class Columns:
    """Which heading means which field."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        self._fields = {fold_words(heading): field for heading, field in fields.items()}
        self._names = {*FIELDS, *self._fields.values()}

    @classmethod
    def load(cls, path: Path, own: Mapping[str, str]) -> Columns:
        """The bundled headings, and those of the site, which rule."""
        return cls({**headings_in(path), **own})

    def field(self, heading: str) -> str | None:
        """The field of a heading; its own English name always works."""
        return self._fields.get(fold_words(heading)) or (heading if heading in self._names else None)


def headings_in(path: Path) -> dict[str, str]:
    """Field by heading, from a file with a list of headings for each field."""
    known = tomllib.loads(path.read_text("utf-8"))
    return {heading: field for field, headings in known.items() for heading in headings}


def read_companion(path: Path, name: str, columns: Columns) -> Companion:
    """A side-car; one that cannot be read is one remark. `name` is what people call it."""
    try:
        rows = read_rows(path)
    except Rejected as error:
        return Companion(name=name, remarks=(f"{name}: {error.vi} ({error})",))
    headings = headings_of(rows)
    if not any(columns.field(heading) for heading in headings):
        why = f"không nhận ra cột nào trong: {', '.join(headings[:8])}"
        if looks_like_tcvn3(headings):
            why = "chữ trong bảng là bảng mã TCVN3 (phông .VnTime); hãy chuyển sang Unicode rồi lưu lại"
        return Companion(name=name, remarks=(f"{name}: {why} (no known heading)",))
    entries: list[Entry] = []
    turned = next(filter(None, map(turned_remark, rows)), None)
    remarks: list[str] = [f"{name}: {turned}"] if turned else []
    for row in rows:
        told = {columns.field(heading): text for heading, text in row.cells.items()}
        for heading in row.formulas:
            if columns.field(heading):
                remarks.append(
                    f"{name}, {row.place}: ô “{heading}” là công thức nên không dùng; hãy dán giá trị (a formula)"
                )
        told.pop(None, None)
        if told:
            entry, remark = entry_of(row.place, {str(field): text for field, text in told.items()})
            entries.append(entry)
            remarks += [f"{name}, {row.place}: {text}" for text in remark]
    return Companion(name=name, entries=tuple(entries), remarks=tuple(remarks))


def entry_of(place: str, told: dict[str, str]) -> tuple[Entry, list[str]]:
    """What the cells of one row say, by field, and sentences on what of them cannot be."""
    remarks = []
    code = parse_dossier_code(told["dossier"]) if "dossier" in told else None
    if "dossier" in told and code is None:
        remarks.append(f"“{told['dossier']}” không phải mã hồ sơ (no dossier code)")
    if "leaves" in told:
        match = _RANGE.fullmatch(told["leaves"])
        one = told["leaves"] if told["leaves"].isdecimal() else None
        if match is None and one is None:
            remarks.append(f"“{told['leaves']}” không phải khoảng tờ như 1-15 (no range of leaves)")
        first, last = match.groups() if match else (one, one)
        told.setdefault("leaf_from", first or "")
        told.setdefault("leaf_to", last or "")
    marks = {name: told[name] for name in _SHELF if told.get(name)}
    for name in ("leaf_from", "leaf_to"):
        if name in marks and not (marks[name].isdecimal() and len(marks[name]) <= 6):
            remarks.append(f"số tờ “{marks.pop(name)}” không phải số (leaf is no number)")
    leaves = {name: int(marks.pop(name)) for name in ("leaf_from", "leaf_to") if name in marks}
    if len(leaves) == 2 and leaves["leaf_from"] > leaves["leaf_to"]:
        remarks.append(f"tờ {leaves['leaf_from']} đến {leaves['leaf_to']} là khoảng ngược (leaves reversed)")
        leaves = {}
    shelf = ShelfMark(**marks, **leaves) if marks or leaves else None  # type: ignore[arg-type]
    entry = Entry(
        place=place,
        file=told.get("file"),
        dossier=code.text if code else None,
        procedure=told.get("procedure"),
        shelf=shelf,
    )
    return entry, remarks
