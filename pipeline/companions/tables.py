"""Side-cars into rows of text: JSON, CSV, .xlsx. They come from outside, so everything in them is bounded.

Meant to run in a child process with limits on time and memory (`pipeline/page_pool.py`): a spreadsheet is a ZIP of XML.
"""

from __future__ import annotations

import csv
import json
import unicodedata
import warnings
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from pipeline.errors import Rejected
from pipeline.grammar.folding import nfc
from pipeline.grammar.legacy_codes import code_of, decode

MOST_BYTES = 16 << 20
MOST_UNPACKED = 128 << 20
MOST_RATIO = 200
MOST_ROWS, MOST_COLUMNS, MOST_SIGNS = 20_000, 200, 500
SOFT_HYPHEN = "\u00ad"
"""A letter of TCVN3 (ư), a sign without meaning elsewhere."""
_TCVN3 = set("¸µ¶·¹¨¾»¼½Æ©ÊÇÈÉË®ÐÌÎÏÑªÕÒÓÔÖÝ×ØÜÞãßáâä«èåæçé¬íêëìîóïñòô­øõö÷ùýúûüþ§¡¢£¤¥¦")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row by its headings; `place` is where it stands, for people ("dòng 5").

    `code` is the code before Unicode that the whole table was in, and out of which it was turned.
    """

    place: str
    cells: dict[str, str]
    formulas: tuple[str, ...] = ()
    code: str | None = None


def read_rows(path: Path, *, most: int = MOST_ROWS) -> tuple[Row, ...]:
    """The rows of a side-car, at most so many. Raises Rejected with a sentence that says what to do."""
    if path.stat().st_size > MOST_BYTES:
        raise _refused("tệp quá lớn (trên 16 MB)", "larger than 16 MB")
    kind = path.suffix.lower()
    if kind == ".xlsx":
        return _in_unicode(_of_workbook(path, most))
    if kind == ".json":
        return _in_unicode(_of_json(_decoded(path.read_bytes()), most))
    if kind == ".csv":
        return _in_unicode(_of_csv(_decoded(path.read_bytes()), most))
    raise _refused(
        "kiểu tệp này không đọc được; hãy lưu lại thành .xlsx, CSV UTF-8 hoặc JSON",
        "save as .xlsx, CSV or JSON",
    )


def _in_unicode(rows: tuple[Row, ...]) -> tuple[Row, ...]:
    """Text of an old code turned into Unicode, the table as a whole; one that is partly Unicode stays as it is."""
    texts = {text for row in rows for pair in row.cells.items() for text in pair} | set(headings_of(rows))
    code = code_of("\n".join(sorted(texts)))

    def clean(text: str) -> str:
        turned = nfc(decode(text, code)) if code is not None else text.replace(SOFT_HYPHEN, " ")
        return " ".join(turned.split())

    return tuple(
        Row(
            place=row.place,
            cells={clean(heading): clean(text) for heading, text in row.cells.items()},
            formulas=tuple(map(clean, row.formulas)),
            code=code,
        )
        for row in rows
    )


def turned_remark(row: Row) -> str | None:
    """What people should know of a row that was turned out of an old code."""
    if row.code is None:
        return None
    return f"chữ được chuyển từ bảng mã {row.code} sang Unicode; hãy soát lại (turned into Unicode from {row.code})"


def looks_like_tcvn3(texts: Iterable[str]) -> bool:
    """Whether words are Vietnamese in the old one-byte code of TCVN 5712 (fonts .VnTime), read as Latin letters."""
    joined = "".join(texts)
    odd = sum(sign in _TCVN3 for sign in joined)
    # Letters that both codes use are frequent in neither without the signs below.
    return odd >= 2 and odd >= 0.1 * len(joined) and any(sign in "¸µ¶·¹¨©®ª«¬­×÷" for sign in joined)


def _decoded(content: bytes) -> str:
    for mark, code in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if content.startswith(mark):
            return _in_code(content, code)
    if content[1:40:2].count(0) > 8 or content[0:40:2].count(0) > 8:
        return _in_code(content, "utf-16-le" if content[1:40:2].count(0) > 8 else "utf-16-be")
    return _in_code(content, "utf-8")


def _in_code(content: bytes, code: str) -> str:
    try:
        text = content.decode(code)
    except UnicodeDecodeError as error:
        old_text = content.decode("latin-1")
        if code == "utf-8" and "\0" not in old_text and code_of(old_text) is not None:
            return old_text
        old = "TCVN3 (ABC)" if looks_like_tcvn3([old_text]) else "khác"
        raise _refused(
            f"chữ trong tệp không phải UTF-8 mà là bảng mã {old}; hãy lưu lại dạng CSV UTF-8",
            "not UTF-8; save it as CSV UTF-8",
        ) from error
    if "\0" in text:
        raise _refused("tệp có byte rỗng, không phải bảng chữ", "binary content")
    return text


def _of_csv(text: str, most: int) -> tuple[Row, ...]:
    lines = text.splitlines(keepends=True)
    mark = ""
    if lines and lines[0].lower().startswith("sep=") and len(lines[0].strip()) == 5:
        mark, lines = lines[0].strip()[4], lines[1:]
    if not lines:
        raise _empty()
    mark = mark or max(";,\t|", key=lines[0].count)
    grid: list[tuple[str, Sequence[Any]]] = []
    reader = csv.reader(lines, delimiter=mark)
    try:
        for cells in reader:
            grid.append((f"dòng {reader.line_num}", cells))
            _bounded(len(grid), len(cells), most)
    except csv.Error as error:
        raise _refused(f"dòng {reader.line_num} của bảng CSV bị hỏng", f"broken CSV: {error}") from error
    return _of_grid(grid)


def _of_json(text: str, most: int) -> tuple[Row, ...]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _refused("tệp JSON sai cú pháp", "not valid JSON") from error
    whole: dict[str, Any] = {}
    if isinstance(found, dict):
        lists = [value for value in found.values() if isinstance(value, list)]
        whole = {key: value for key, value in found.items() if not isinstance(value, list)}
        found = lists[0] if len(lists) == 1 else []
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise _refused(
            "tệp JSON phải là một đối tượng hoặc danh sách đối tượng", "an object or a list of objects"
        )
    _bounded(len(found), len(whole), most)
    rows = [_row("cả tệp", list(whole.items()))] if whole else []
    for number, item in enumerate(found):
        _bounded(number, len(item), most)
        rows.append(_row(f"mục {number + 1}", list(item.items())))
    return tuple(rows)


def _of_workbook(path: Path, most: int) -> tuple[Row, ...]:
    _check_archive(path)
    import openpyxl

    grid: list[tuple[str, Sequence[Any]]] = []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # styles and extensions that openpyxl does not keep
            book = openpyxl.load_workbook(path, read_only=True, data_only=False, keep_links=False)
            try:
                sheet = book.worksheets[0]
                # The size that a sheet states is a claim; what is walked through is bounded here.
                sheet.reset_dimensions()
                for cells in sheet.iter_rows(max_col=MOST_COLUMNS):
                    grid.append((f"dòng {len(grid) + 1}", [_Cell.of(cell) for cell in cells]))
                    _bounded(len(grid), len(cells), most)
            finally:
                book.close()
    except Rejected:
        raise
    except Exception as error:  # openpyxl raises what its parsers raise
        raise _refused("bảng tính .xlsx bị hỏng", f"broken .xlsx: {type(error).__name__}") from error
    return _of_grid(grid)


@dataclass(frozen=True, slots=True)
class _Cell:
    value: Any
    formula: bool

    @classmethod
    def of(cls, cell: Any) -> _Cell:
        return cls(cell.value, getattr(cell, "data_type", None) == "f")


def _check_archive(path: Path) -> None:
    """Refuse a ZIP that would grow out of hand; readers take no more of a member than it states here."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise _refused(
            "không phải bảng tính .xlsx (có thể đặt mật khẩu)", "not an .xlsx, or encrypted"
        ) from error
    unpacked = sum(member.file_size for member in members)
    packed = max(1, sum(member.compress_size for member in members))
    if len(members) > 2000 or unpacked > MOST_UNPACKED or unpacked / packed > MOST_RATIO:
        raise _refused(f"bảng tính nén bất thường (bung ra {unpacked >> 20} MB)", "a ZIP bomb, perhaps")


def _of_grid(grid: Sequence[tuple[str, Sequence[Any]]]) -> tuple[Row, ...]:
    """The first row that fills two cells or more is the heading; titles of a report stand above it."""
    filled = [(place, cells) for place, cells in grid if any(_text(cell) for cell in cells)]
    start = next((n for n, (_, cells) in enumerate(filled) if sum(bool(_text(c)) for c in cells) > 1), 0)
    if not filled:
        raise _empty()
    headings = [_text(cell) for cell in filled[start][1]]
    return tuple(
        _row(place, list(zip(headings, cells, strict=False))) for place, cells in filled[start + 1 :]
    )


def _row(place: str, pairs: Sequence[tuple[str, Any]]) -> Row:
    cells, formulas = {}, []
    for heading, cell in pairs:
        name = _text(heading)
        if not name:
            continue
        if isinstance(cell, _Cell) and cell.formula:
            formulas.append(name)
        elif text := _text(cell):
            cells[name] = text
    return Row(place=place, cells=cells, formulas=tuple(formulas))


def _text(value: Any) -> str:
    """A cell as one clean line of bounded length."""
    if isinstance(value, _Cell):
        value = value.value
    if value is None or isinstance(value, list | dict):
        return ""
    if isinstance(value, datetime) and not (value.hour or value.minute or value.second):
        value = value.date()
    if isinstance(value, date):
        value = value.isoformat()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    kept = "".join(
        " " if unicodedata.category(sign)[0] in "CZ" and sign != SOFT_HYPHEN else sign
        for sign in str(value)[: 4 * MOST_SIGNS]
    )
    return unicodedata.normalize("NFC", " ".join(kept.split()))[:MOST_SIGNS]


def _bounded(rows: int, columns: int, most: int) -> None:
    if rows > most or columns > MOST_COLUMNS:
        raise _refused(f"bảng quá {most} dòng hoặc {MOST_COLUMNS} cột", "too many rows or columns")


def _empty() -> Rejected:
    return _refused("bảng trống", "an empty table")


def _refused(vi: str, english: str) -> Rejected:
    return Rejected(english, vi=vi)


def headings_of(rows: Sequence[Row]) -> list[str]:
    """Every heading that occurs, once, in order."""
    return list(dict.fromkeys(name for row in rows for name in (*row.cells, *row.formulas)))
