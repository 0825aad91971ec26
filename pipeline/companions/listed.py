"""The list that comes with files digitised elsewhere: its rows, checked, and laid beside the files of a folder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path, PurePosixPath

from pipeline.companions.entries import Columns, entry_of
from pipeline.companions.tables import headings_of, looks_like_tcvn3, read_rows, turned_remark
from pipeline.errors import Rejected, UsageError
from pipeline.grammar.codes import parse_dossier_code, parse_procedure_code
from pipeline.grammar.entries import NAMES, checked_entry, copy_named
from pipeline.grammar.folding import compact, nfc
from pipeline.model import Listed, ShelfMark

MOST_ROWS = 200_000
"""A disk of a back-file crew holds some 40,000 files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRow:
    """One row. `wrong` are sentences for which its file is not taken in, `remarks` on single cells left unused."""

    place: str
    file: str
    dossier: str | None = None
    procedure: str | None = None
    shelf: ShelfMark | None = None
    said: Listed | None = None
    wrong: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


@dataclass(slots=True)
class Beside:
    """Rows laid beside files: `files` by the number of the row, files that no row names, sentences on the rest."""

    files: dict[int, str] = field(default_factory=dict)
    wrong: dict[int, str] = field(default_factory=dict)
    unlisted: list[str] = field(default_factory=list)


def read_list(path: Path, columns: Columns, types: Mapping[str, str], today: date) -> tuple[ListRow, ...]:
    """Every row of a list (.xlsx, CSV, JSON). `types` are keys of types by their folded names.

    Meant for a child process with limits. Raises Rejected when it is no table or has no column of files.
    """
    rows = read_rows(path, most=MOST_ROWS)
    headings = headings_of(rows)
    if not any(columns.field(heading) == "file" for heading in headings):
        shown = ", ".join(headings[:12])
        vi = f"bảng không có cột tên tệp; các cột: {shown}. Hãy khai cột file trong tệp --map"
        if looks_like_tcvn3(headings):
            vi = "chữ trong bảng là bảng mã TCVN3 (phông .VnTime); hãy chuyển sang Unicode rồi lưu lại"
        raise Rejected(f"no column names the files among: {shown}", vi=vi)
    found = []
    for row in rows:
        told: dict[str, str] = {}
        for heading, text in row.cells.items():
            if (name := columns.field(heading)) is not None:
                told.setdefault(name, text)
        formulas = [heading for heading in row.formulas if columns.field(heading)]
        if told or formulas:
            made = _checked(row.place, told, formulas, types, today)
            turned = turned_remark(row)
            found.append(replace(made, remarks=(*made.remarks, turned)) if turned else made)
    return tuple(found)


def lay(rows: Sequence[ListRow], files: Iterable[str]) -> Beside:
    """Which file each row means. `files` are relative to the folder, with `/`.

    A row may name a file by its path or, where that is the only one of its name, by the name alone, with or without
    what stands behind the point.
    """
    names = _Places(files)
    beside = Beside()
    owners: dict[str, list[int]] = {}
    for number, row in enumerate(rows):
        there = names.find(row.file) if row.file else []
        if not row.file:
            beside.wrong[number] = "dòng không ghi tên tệp (the row names no file)"
        elif not there:
            beside.wrong[number] = f"không có tệp “{row.file}” trong thư mục (no such file)"
        elif len(there) > 1:
            beside.wrong[number] = (
                f"có {len(there)} tệp tên “{row.file}”; hãy ghi cả đường dẫn trong thư mục (several files)"
            )
        else:
            owners.setdefault(there[0], []).append(number)
    for file, numbers in owners.items():
        if len(numbers) == 1:
            beside.files[numbers[0]] = file
        else:  # whichever of them is right, somebody has to say so
            places = ", ".join(rows[number].place for number in numbers)
            beside.wrong.update(
                dict.fromkeys(numbers, f"tệp “{file}” có nhiều dòng: {places} (several rows)")
            )
    beside.unlisted = [name for name in names.all if name not in owners]
    return beside


def _checked(
    place: str, told: dict[str, str], formulas: Sequence[str], types: Mapping[str, str], today: date
) -> ListRow:
    wrong = [f"ô “{one}” là công thức; hãy dán giá trị (a formula)" for one in formulas]
    archive = told.pop("file_code", "")
    if archive and "dossier" not in told and parse_dossier_code(archive):
        told["dossier"] = archive
    elif archive:
        told.setdefault("file_unit", archive)
    if "dossier" in told and parse_dossier_code(told["dossier"]) is None:
        wrong.append(f"“{told['dossier']}” không phải mã hồ sơ (no dossier code)")
        del told["dossier"]
    procedure = parse_procedure_code(told["procedure"]) if "procedure" in told else None
    remarks = []
    if "procedure" in told and procedure is None:
        remarks.append(f"“{told['procedure']}” không phải mã thủ tục (no procedure code)")
    entry, odd = entry_of(place, {name: text for name, text in told.items() if name not in NAMES})
    said, unused = _said(place, told, types, today)
    return ListRow(
        place=place, file=told.get("file", ""), dossier=entry.dossier, procedure=procedure, shelf=entry.shelf,
        said=said, wrong=tuple(wrong), remarks=(*remarks, *odd, *unused),
    )  # fmt: skip


def _said(
    place: str, told: dict[str, str], types: Mapping[str, str], today: date
) -> tuple[Listed, list[str]]:
    """The paper's own fields; what is no value of its field is a remark, and the field is read from the paper."""
    remarks: list[str] = []
    if "number" not in told and told.get("code_number") and told.get("code_notation"):
        told["number"] = f"{told['code_number']}/{told['code_notation']}"
    kind = types.get(compact(told["type"])) if "type" in told else None
    if "type" in told and kind is None:
        remarks.append(f"không có loại giấy tờ “{told['type']}”; loại được đọc từ tệp (no such type)")
    fields = []
    for name in NAMES:
        text = told.get(name, "")
        if name == "copy_kind":
            text = copy_named(text)
        try:
            value = checked_entry(name, text, today=today)
        except UsageError as error:
            remarks.append(f"{error.vi} ({name})")
            continue
        if value:
            fields.append((name, value))
    return Listed(place=place, type=kind, fields=tuple(fields)), remarks


class _Places:
    """Files by name and by stem, without regard to case and kind of slash."""

    def __init__(self, files: Iterable[str]) -> None:
        self.all = list(files)
        self._named: dict[str, list[str]] = {}
        self._stems: dict[str, list[str]] = {}
        for file in self.all:
            name = PurePosixPath(_key(file)).name
            self._named.setdefault(name, []).append(file)
            self._stems.setdefault(PurePosixPath(name).stem, []).append(file)

    def find(self, written: str) -> list[str]:
        """Files that a row may mean: where both name folders, these must agree from the end as far as both go."""
        path = PurePosixPath(_key(written.replace("\\", "/")))
        there = self._named.get(path.name) or self._stems.get(path.name, [])
        depths: dict[int, list[str]] = {}
        for file in there:
            mine, theirs = PurePosixPath(_key(file)).parts[:-1], path.parts[:-1]
            depth = min(len(mine), len(theirs))
            if mine[len(mine) - depth :] == theirs[len(theirs) - depth :]:
                exact = 1 if mine == theirs else 0
                depths.setdefault(2 * depth + exact, []).append(file)
        return depths[max(depths)] if depths else []


def _key(name: str) -> str:
    return nfc(name).casefold().strip().removeprefix("./").lstrip("/")
