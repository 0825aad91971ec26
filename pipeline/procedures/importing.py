"""Procedures out of an export of the national catalogue (CSV or JSON), by a mapping of its column names.

One row a paper. A procedure with a row at fault is left out whole: half a list would call complete what is not.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from pipeline.errors import UsageError
from pipeline.grammar.codes import parse_procedure_code
from pipeline.grammar.folding import compact
from pipeline.procedures.catalogue import Procedure, procedure
from pipeline.table_file import Row, RowError, columns_of, read_rows

COLUMNS = {
    "procedure_code": ("mã thủ tục", "mã tthc", "procedure_code"),
    "procedure_name": ("tên thủ tục", "tên tthc", "procedure_name"),
    "level": ("cấp thực hiện", "cấp", "level"),
    "sector": ("lĩnh vực", "sector"),
    "effective": ("hiệu lực từ", "ngày hiệu lực", "effective"),
    "until": ("hiệu lực đến", "ngày hết hiệu lực", "until"),
    "source": ("căn cứ pháp lý", "source"),
    "paper_code": ("mã thành phần", "mã thành phần hồ sơ", "mã giấy tờ", "paper_code"),
    "paper_name": ("tên thành phần", "tên giấy tờ", "thành phần hồ sơ", "paper_name"),
    "types": ("loại giấy tờ", "types"),
    "originals": ("bản chính", "originals"),
    "copies": ("bản sao", "copies"),
    "certified": ("bản sao chứng thực", "certified"),
    "required": ("bắt buộc", "required"),
    "when": ("điều kiện", "trường hợp", "when"),
    "validity_months": ("thời hạn (tháng)", "validity_months"),
    "keep": ("số hóa", "keep"),
}
"""What a column may be headed when no mapping is given."""

LEVELS = {
    "bo": "bo", "capbo": "bo", "tinh": "tinh", "captinh": "tinh", "xa": "xa", "capxa": "xa",
}  # fmt: skip
YES, NO = {"1", "x", "co", "true", "batbuoc", "yes"}, {"0", "", "khong", "false", "no"}
SHOWN = {"xuattrinh", "shown", "0", "khong", "no"}


@dataclass(frozen=True, slots=True)
class Imported:
    """Procedures that are whole, rows that are at fault, and what a person should look at."""

    procedures: tuple[Procedure, ...]
    errors: tuple[RowError, ...]
    notes: tuple[str, ...]


def read_export(
    path: Path, mapping: Mapping[str, str], types: Mapping[str, Sequence[str]], *, today: date
) -> Imported:
    """Read an export. `types` gives each type's headlines, folded and compact. Raises UsageError."""
    rows = read_rows(path)
    columns = columns_of(rows, COLUMNS, mapping, needed=("procedure_code", "procedure_name", "paper_name"))
    errors: list[RowError] = []
    groups: dict[tuple[str, date], list[Row]] = {}
    spoilt: set[str] = set()
    for row in rows:
        text = row.text(columns, "procedure_code")
        code = parse_procedure_code(text)
        try:
            if code is None:
                raise ValueError(f"{text!r} không phải mã thủ tục, ví dụ 1.001193")
            groups.setdefault((code, _day(row.text(columns, "effective")) or today), []).append(row)
        except ValueError as error:
            errors.append(RowError(row.number, str(error)))
            spoilt.add(code or text)
    made, notes = [], []
    for (code, effective), mine in groups.items():
        raw, problems, doubts = _build(code, effective, mine, columns, types)
        try:
            item = procedure(raw, types, f"{path.name}, {code}")
        except UsageError as error:
            problems.append(RowError(mine[0].number, error.vi))
        if problems or code in spoilt:
            errors += problems or [RowError(mine[0].number, f"{code} có dòng lỗi nên không nhập")]
        else:
            made.append(item)
            notes += doubts
    return Imported(tuple(made), tuple(sorted(errors, key=lambda one: one.row)), tuple(notes))


def _build(
    code: str,
    effective: date,
    rows: Sequence[Row],
    columns: Mapping[str, str],
    types: Mapping[str, Sequence[str]],
) -> tuple[dict[str, Any], list[RowError], list[str]]:
    first = rows[0]
    raw: dict[str, Any] = {
        "code": code,
        "name": first.text(columns, "procedure_name"),
        "level": LEVELS.get(compact(first.text(columns, "level")), first.text(columns, "level") or "xa"),
        "sector": first.text(columns, "sector"),
        "source": first.text(columns, "source"),
        "effective": effective,
        "paper": [],
        "result": [],
    }
    problems: list[RowError] = []
    notes: list[str] = []
    try:
        if until := _day(first.text(columns, "until")):
            raw["until"] = until
    except ValueError as error:
        problems.append(RowError(first.number, str(error)))
    for place, row in enumerate(rows, 1):
        try:
            paper = _paper(row, columns, types)
        except ValueError as error:
            problems.append(RowError(row.number, str(error)))
            continue
        if "code" not in paper:
            paper["code"] = f"TP-H00.{900000 + place}"
            notes.append(f"{code}: “{paper['name']}” không có mã thành phần; tạm gọi là {paper['code']}")
        if not paper["types"]:
            notes.append(f"{code}: “{paper['name']}” chưa gắn được loại giấy tờ; máy sẽ không tự đối chiếu")
        if str(paper["code"]).startswith("KQ"):
            raw["result"].append({key: paper[key] for key in ("code", "name", "types")})
        else:
            raw["paper"].append(paper)
    return raw, problems, notes


def _paper(row: Row, columns: Mapping[str, str], types: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    name = row.text(columns, "paper_name")
    if not name:
        raise ValueError("thiếu tên thành phần hồ sơ")
    stated = [part for part in re.split(r"[,;\s]+", row.text(columns, "types")) if part]
    paper: dict[str, Any] = {"name": name, "types": stated or _guess(name, types)}
    if code := row.text(columns, "paper_code"):
        paper["code"] = code
    kinds = (("originals", "ban_chinh"), ("certified", "ban_sao_chung_thuc"), ("copies", "ban_sao"))
    paper["copy"] = [kind for column, kind in kinds if _count(row.text(columns, column))]
    if "required" in columns:
        wanted = compact(row.text(columns, "required"))
        if wanted not in YES | NO:
            raise ValueError(f"cột bắt buộc ghi {row.text(columns, 'required')!r}; chỉ nhận 1 hoặc 0")
        paper["need"] = "required" if wanted in YES else "conditional"
    if paper.get("need") == "conditional":
        paper["when"] = row.text(columns, "when") or "khi thủ tục yêu cầu"
    if months := row.text(columns, "validity_months"):
        if not months.isdecimal():
            raise ValueError(f"thời hạn {months!r} không phải số tháng")
        paper["validity_months"] = int(months)
    if "keep" in columns and compact(row.text(columns, "keep")) in SHOWN:
        paper["keep"] = "shown"
    return paper


def _count(text: str) -> int:
    if text and not text.isdecimal():
        raise ValueError(f"số bản {text!r} không phải số")
    return int(text or 0)


def _guess(name: str, types: Mapping[str, Sequence[str]]) -> list[str]:
    """The types whose printed headline begins the paper's name, the longest headline only."""
    folded = compact(name)
    fits = [(len(head), key) for key, heads in types.items() for head in heads if folded.startswith(head)]
    longest = max((length for length, _ in fits), default=0)
    return sorted({key for length, key in fits if length == longest and length >= 8})


def _day(text: str) -> date | None:
    """A date as ISO or day/month/year; None when empty."""
    if not text:
        return None
    match = re.fullmatch(r"(\d{4})-(\d{2})-(\d{2})(?:T.*)?", text)
    if match:
        year, month, day = (int(part) for part in match.groups())
    else:
        match = re.fullmatch(r"(\d{1,2})/(\d{1,2})/(\d{4})", text)
        if match is None:
            raise ValueError(f"{text!r} không phải ngày; ghi như 01/07/2025")
        day, month, year = (int(part) for part in match.groups())
    try:
        return date(year, month, day)
    except ValueError as error:
        raise ValueError(f"không có ngày {text}") from error


def known_headlines(types: Collection[Any]) -> dict[str, tuple[str, ...]]:
    """Keys of document types with their headlines."""
    return {kind.key: tuple(kind.headlines) for kind in types}
