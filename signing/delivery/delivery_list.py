"""The list that came with a delivery: which files there should be, from .xlsx or .csv.

Headers are Vietnamese or English. The list is as hostile as the files: it is read in a child process (`read_list` is
what runs there), cells are cut, rows are counted, and a name that would leave the folder is refused.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from pipeline.errors import UsageError

MOST_ROWS = 200_000
MOST_CELL = 1_000
MOST_COLUMNS = 100
MOST_HEADER_ROWS = 40
MOST_UNPACKED = 500 << 20
HEADERS = {
    "name": (
        "ten tep", "ten file", "ten tap tin", "ten tep tin", "tep", "file", "file name", "filename", "path",
        "duong dan", "ten tep dinh kem", "tap tin",
    ),
    "sha256": ("sha256", "sha 256", "ma bam", "ma bam sha256", "ma bam sha 256", "hash", "gia tri bam", "checksum"),
    "pages": ("so trang", "so luong trang", "trang", "pages", "page count", "numberofpage"),
    "dossier": (
        "ma ho so", "so ho so", "ho so", "ma so ho so", "dossier", "dossier code", "ma ho so tthc", "arcfilecode",
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedFile:
    """A row: `name` is a relative path in NFC with forward slashes, `row` counts from 1 as the sheet does."""

    name: str
    row: int
    sha256: str | None = None
    pages: int | None = None
    dossier: str | None = None


def read_list(path: Path) -> list[ListedFile]:
    """All rows that name a file. Raises UsageError when it is no list, or too long."""
    rows = _sheet(path) if path.suffix.lower() in (".xlsx", ".xlsm") else _text(path)
    found = list(_entries(rows))
    if not found:
        raise UsageError(
            f"{path.name} lists no file; a column must be headed 'Tên tệp'",
            vi=f"Danh sách {path.name} không nêu tệp nào; cần có cột 'Tên tệp'",
        )
    return found


def folded(text: str) -> str:
    """Lower case without diacritics, words parted by one space."""
    plain = unicodedata.normalize("NFD", text.lower().replace("đ", "d"))
    return " ".join(
        re.sub(r"[^a-z0-9]+", " ", "".join(c for c in plain if not unicodedata.combining(c))).split()
    )


def _entries(rows: Iterable[tuple[int, list[str]]]) -> Iterator[ListedFile]:
    columns: dict[str, int] = {}
    for number, (row, cells) in enumerate(rows):
        if not columns:
            columns = _columns(cells)
            if not columns and number > MOST_HEADER_ROWS:
                return
            continue
        if number > MOST_ROWS:
            raise UsageError(
                f"the list has more than {MOST_ROWS} rows", vi=f"Danh sách dài quá {MOST_ROWS} dòng"
            )
        values = {key: cells[at].strip() for key, at in columns.items() if at < len(cells)}
        if values.get("name"):
            yield _entry(row, values)


def _columns(cells: list[str]) -> dict[str, int]:
    """Where each known heading stands; empty when the row is not the header."""
    heads = [folded(cell) for cell in cells]
    found = {
        key: heads.index(name) for key, names in HEADERS.items() for name in reversed(names) if name in heads
    }
    return found if "name" in found else {}


def _entry(row: int, values: dict[str, str]) -> ListedFile:
    name = unicodedata.normalize("NFC", values["name"]).replace("\\", "/")
    while name.startswith("./"):
        name = name[2:]
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or any(ord(sign) < 32 for sign in name):
        raise UsageError(
            f"row {row} of the list names a file outside the folder: {name[:80]!r}",
            vi=f"Dòng {row} của danh sách nêu tệp ngoài thư mục: {name[:80]!r}",
        )
    sha256 = values.get("sha256", "").lower().replace(" ", "") or None
    if sha256 is not None and not re.fullmatch(r"[0-9a-f]{64}", sha256):
        raise UsageError(
            f"row {row} of the list holds no SHA-256: {sha256[:70]!r}",
            vi=f"Dòng {row} của danh sách có mã băm không phải SHA-256: {sha256[:70]!r}",
        )
    pages = values.get("pages", "").removesuffix(".0")
    return ListedFile(
        name=str(path),
        row=row,
        sha256=sha256,
        pages=int(pages) if pages.isdecimal() and len(pages) < 7 else None,
        dossier=values.get("dossier") or None,
    )


def _sheet(path: Path) -> Iterator[tuple[int, list[str]]]:
    import openpyxl

    try:
        with zipfile.ZipFile(path) as archive:
            if sum(one.file_size for one in archive.infolist()) > MOST_UNPACKED:
                raise UsageError(f"{path.name} unpacks to too much", vi=f"{path.name} giải nén ra quá lớn")
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        try:
            for sheet in book.worksheets:
                rows = sheet.iter_rows(values_only=True, max_col=MOST_COLUMNS)
                numbered = ((row, [_cell(value) for value in values]) for row, values in enumerate(rows, 1))
                head, found = [], False
                for row, cells in numbered:
                    head.append((row, cells))
                    if _columns(cells) or len(head) > MOST_HEADER_ROWS:
                        found = bool(_columns(cells))
                        break
                if found:
                    yield head[-1]
                    yield from numbered
                    return
        finally:
            book.close()
    except UsageError:
        raise
    except Exception as error:  # whatever a hostile workbook leads the library to
        raise UsageError(
            f"{path.name} cannot be read as a workbook ({type(error).__name__})",
            vi=f"Không đọc được danh sách {path.name} ({type(error).__name__})",
        ) from error


def _text(path: Path) -> Iterator[tuple[int, list[str]]]:
    if path.stat().st_size > MOST_UNPACKED:
        raise UsageError(
            f"{path.name} is too large for a list", vi=f"{path.name} quá lớn so với một danh sách"
        )
    content = path.read_bytes()
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = content.decode(encoding)
        dialect = csv.Sniffer().sniff(text[:4096], delimiters=",;\t")
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{path.name} is not in UTF-8; save the list as 'CSV UTF-8'",
            vi=f"{path.name} không phải UTF-8; hãy lưu lại dạng 'CSV UTF-8'",
        ) from error
    except csv.Error:
        dialect = csv.excel
    try:
        for row, cells in enumerate(csv.reader(io.StringIO(text), dialect), 1):
            yield row, [cell[:MOST_CELL] for cell in cells[:MOST_COLUMNS]]
    except csv.Error as error:
        raise UsageError(
            f"{path.name} is no CSV: {error}", vi=f"Không đọc được danh sách {path.name}: {error}"
        ) from error


def _cell(value: Any) -> str:
    return "" if value is None else str(value)[:MOST_CELL]
