"""Tables from other systems: rows of a CSV or JSON file, each with its number, whose columns are found by heading."""

from __future__ import annotations

import csv
import difflib
import io
import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import UsageError
from pipeline.grammar.folding import nfc

MOST_BYTES = 256 << 20
MOST_ROWS = 1_000_000
LONGEST = 2000


@dataclass(frozen=True, slots=True)
class Row:
    """One row; `number` counts as a spreadsheet does, the heading being row 1 (in JSON: the first object is 1)."""

    number: int
    values: Mapping[str, str]

    def text(self, columns: Mapping[str, str], name: str) -> str:
        """The value of a column that was found, else nothing."""
        return self.values.get(columns.get(name, ""), "")


@dataclass(frozen=True, slots=True)
class RowError:
    """What is wrong with which row, in Vietnamese."""

    row: int
    problem: str

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def read_rows(path: Path) -> list[Row]:
    """Every row of a `.csv` (comma, semicolon or tab; UTF-8) or `.json` file.

    JSON is a list of objects, or an object that holds one; a list within an object gives a row for each of its
    elements, with the outer values repeated. Raises UsageError.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise UsageError(f"{path} is larger than {MOST_BYTES >> 20} MB", vi=f"Tệp {path.name} quá lớn")
        text = nfc(path.read_text("utf-8-sig"))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", vi=f"Không đọc được {path}") from error
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{path} is not UTF-8; save it as CSV UTF-8",
            vi=f"{path.name} không phải UTF-8; hãy lưu lại dạng CSV UTF-8",
        ) from error
    try:
        rows = _json(text) if path.suffix.lower() == ".json" else _csv(text)
    except (csv.Error, json.JSONDecodeError, RecursionError, ValueError) as error:
        raise UsageError(f"{path}: {error}", vi=f"{path.name} sai cú pháp: {error}") from error
    if not rows or len(rows) > MOST_ROWS:
        raise UsageError(
            f"{path} holds {len(rows)} rows", vi=f"{path.name} có {len(rows)} dòng, không dùng được"
        )
    return rows


def read_mapping(path: Path | None) -> dict[str, str]:
    """`column = "heading in the file"` from the table `[columns]` of a TOML file."""
    if path is None:
        return {}
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
        table = raw["columns"]
        if set(raw) != {"columns"} or not isinstance(table, dict):
            raise KeyError("columns")
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError) as error:
        raise UsageError(
            f"{path} is no mapping: a TOML file with one table [columns]",
            vi=f"{path} phải có một bảng [columns]",
        ) from error
    return {str(key): str(value) for key, value in table.items()}


def columns_of(
    rows: Sequence[Row],
    known: Mapping[str, Sequence[str]],
    mapping: Mapping[str, str],
    *,
    needed: Sequence[str],
) -> dict[str, str]:
    """Which heading of the file holds which column. Raises UsageError when one that is needed is not there."""
    headings = {_plain(name): name for row in rows[:200] for name in row.values}
    for name, heading in mapping.items():
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
            raise UsageError(f"the mapping names {name}" + (f"; did you mean {near[0]}?" if near else ""))
        if _plain(heading) not in headings:
            raise UsageError(f"the file has no column {heading}", vi=f"Tệp không có cột {heading}")
    found = {name: headings[_plain(heading)] for name, heading in mapping.items()}
    for name, usual in known.items():
        here = next((headings[one] for one in map(_plain, usual) if one in headings), None)
        if name not in found and here is not None:
            found[name] = here
    if missing := [name for name in needed if name not in found]:
        wanted = ", ".join(f"{name} ({known[name][0]})" for name in missing)
        raise UsageError(
            f"the file lacks columns: {wanted}; name them in a mapping (--map)",
            vi=f"Tệp thiếu cột: {wanted}; hãy khai trong tệp --map",
        )
    return found


def _plain(heading: str) -> str:
    return " ".join(heading.casefold().split())


def _csv(text: str) -> list[Row]:
    heading = text.partition("\n")[0]
    separator = max(",;\t", key=heading.count)
    reader = csv.DictReader(io.StringIO(text), delimiter=separator, strict=True)
    if not reader.fieldnames:
        return []
    rows: list[Row] = []
    for values in reader:
        if None in values or any(value is None for value in values.values()):
            raise ValueError(f"dòng {reader.line_num} không đủ hoặc thừa cột")
        rows.append(Row(len(rows) + 2, {key: value.strip()[:LONGEST] for key, value in values.items()}))
    return [row for row in rows if any(row.values.values())]


def _json(text: str) -> list[Row]:
    raw = json.loads(text)
    if isinstance(raw, dict):
        raw = next((value for value in raw.values() if isinstance(value, list)), [raw])
    if not isinstance(raw, list) or not all(isinstance(item, dict) for item in raw):
        raise ValueError("cần một danh sách các đối tượng")
    rows: list[Row] = []
    for number, item in enumerate(raw, 1):
        outer = {key: _said(value) for key, value in item.items() if not isinstance(value, list | dict)}
        inner: list[dict[str, Any]] = next(
            (v for v in item.values() if isinstance(v, list) and v and all(isinstance(x, dict) for x in v)),
            [{}],
        )
        rows += [Row(number, {**outer, **{k: _said(v) for k, v in one.items()}}) for one in inner]
    return rows


def _said(value: Any) -> str:
    """A JSON value as a cell shows it."""
    if isinstance(value, list):
        return ",".join(_said(one) for one in value)
    if isinstance(value, bool):
        return "1" if value else "0"
    return "" if value is None or isinstance(value, dict) else str(value).strip()[:LONGEST]
