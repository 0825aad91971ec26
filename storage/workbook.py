"""Lists as .xlsx, as offices and archives want them. Cells hold text as it is: nothing in them is ever a formula."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Font

from pipeline.files import sync_folder
from pipeline.refused_path import check_place

MOST_TEXT = 32_000
"""Excel takes 32767 characters in a cell."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet: lines above the table, its columns as (heading, width in characters), its rows."""

    name: str
    heading: Sequence[str]
    columns: Sequence[tuple[str, int]]
    rows: Iterable[Sequence[Any]]


def write_workbook(sheets: Sequence[Sheet], out: Path) -> None:
    """The file appears whole or not at all; rows are written as they come."""
    check_place(out)
    book = Workbook(write_only=True)
    for sheet in sheets:
        page = book.create_sheet(sheet.name)
        for number, (_, width) in enumerate(sheet.columns):
            page.column_dimensions[chr(ord("A") + number)].width = width
        page.freeze_panes = f"A{len(sheet.heading) + 2}"
        for line in sheet.heading:
            page.append([_cell(page, line, Font(name="Times New Roman", size=13, bold=True))])
        page.append([_cell(page, name, Font(name="Times New Roman", bold=True)) for name, _ in sheet.columns])
        for row in sheet.rows:
            page.append([_cell(page, value, Font(name="Times New Roman")) for value in row])
    part = out.with_name(f".{out.name}.part")
    try:
        book.save(part)
        part.chmod(0o600)
        part.replace(out)
        sync_folder(out.parent)
    finally:
        part.unlink(missing_ok=True)


def _cell(page: Any, value: Any, font: Font) -> WriteOnlyCell:
    if isinstance(value, str):
        value = ILLEGAL_CHARACTERS_RE.sub("", value)[:MOST_TEXT]
    cell = WriteOnlyCell(page, value=value)
    if isinstance(value, str):
        cell.data_type = "s"  # also what begins with `=`, which would else be run
    cell.font = font
    cell.alignment = Alignment(wrap_text=True, vertical="top")
    return cell
