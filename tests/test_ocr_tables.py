"""Ruled tables: cells are found, rows stay rows, a cell of two lines stays whole, and nothing else is a table."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
import pytest
from PIL import ImageDraw

from ocr.reader import PageReader, default_engine
from ocr.tables import find_tables, without_tables
from samples.make import decision, receipt
from samples.sheet import BLACK, DPI, LEFT, RIGHT, Sheet, font

HEAD = ("TT", "Họ và tên", "Thửa đất", "Ghi chú")
ROWS = (
    ("2", "Nguyễn Văn Hùng", ("thửa đất số 118,", "tờ bản đồ số 27"), ("Chờ bổ sung", "giấy tờ")),
    ("3", "Lò Thị Minh", ("thửa đất số 45,", "tờ bản đồ số 12"), "Đã nộp thuế"),
)
TOP, HIGH = 500, 110


@cache
def sheet() -> Sheet:
    """A list under its heading, and a line of print after it."""
    made = Sheet()
    made.title("DANH SÁCH HỘ GIA ĐÌNH")
    draw, face = ImageDraw.Draw(made.picture), font(13)
    edges = [LEFT + round((RIGHT - LEFT) * share) for share in (0.0, 0.08, 0.36, 0.7, 1.0)]
    for number, row in enumerate((HEAD, *ROWS)):
        top = TOP + number * HIGH
        for left, right, cell in zip(edges, edges[1:], row, strict=False):
            draw.rectangle((left, top, right, top + HIGH), outline=BLACK, width=2)
            for line, text in enumerate((cell,) if isinstance(cell, str) else cell):
                draw.text((left + 14, top + 12 + line * 44), text, font=face, fill=BLACK)
    made.y = TOP + 3 * HIGH + 60
    made.line("Danh sách này có 02 hộ gia đình.")
    return made


def grey(made: Sheet) -> npt.NDArray[np.uint8]:
    return np.array(made.picture.convert("L"))


def test_cells_are_found_row_by_row() -> None:
    (table,) = find_tables(grey(sheet()), DPI)
    assert [len(row) for row in table.rows] == [4, 4, 4]
    assert [abs(row[0].top - (TOP + n * HIGH)) < 8 for n, row in enumerate(table.rows)] == [True] * 3


def test_a_row_of_one_line_cells_is_one_line_and_a_torn_cell_is_none() -> None:
    pixels = np.array(sheet().scanned(seed=3, skew=1.2))
    reading = PageReader(default_engine()).read(pixels, dpi=DPI, bitonal=False)
    text = [line.text for line in reading.lines]
    assert "TT Họ và tên Thửa đất Ghi chú" in text
    whole = " ".join(text)
    assert "2 Nguyễn Văn Hùng thửa đất số 118, tờ bản đồ số 27 Chờ bổ sung giấy tờ" in whole
    assert "3 Lò Thị Minh thửa đất số 45, tờ bản đồ số 12 Đã nộp thuế" in whole
    assert text[0] == "DANH SÁCH HỘ GIA ĐÌNH" and text[-1] == "Danh sách này có 02 hộ gia đình."
    assert whole.count("Nguyễn") == 1
    tops = [line.box.top for line in reading.lines]
    assert tops[0] < tops[1] < tops[-1]
    assert all(0 <= b.left < b.right <= reading.width for b in (line.box for line in reading.lines))


@pytest.mark.parametrize(
    "made", [decision()[0], receipt("H38.20-261002-0007", "Lê Chân", "9", "ngày", "a", "b", ["c"])]
)
def test_underlines_and_codes_are_no_tables(made: Sheet) -> None:
    assert find_tables(grey(made), DPI) == ()


def test_a_frame_around_the_page_is_no_table() -> None:
    made = Sheet()
    made.paragraph("Tôi cam đoan nội dung kê khai trên đơn là đúng sự thật.")
    ImageDraw.Draw(made.picture).rectangle((100, 90, RIGHT + 40, 1800), outline=BLACK, width=3)
    assert find_tables(grey(made), DPI) == ()


def test_only_cells_are_taken_off_the_page() -> None:
    page = grey(sheet())
    left = without_tables(page, find_tables(page, DPI))
    assert (left[: TOP - 10] == page[: TOP - 10]).all() and (
        left[TOP + 3 * HIGH + 10 :] == page[TOP + 3 * HIGH + 10 :]
    ).all()
    assert (left[TOP + 12 : TOP + HIGH - 12, LEFT + 12 : LEFT + 80] == 255).all()


@pytest.mark.parametrize("seed", range(3))
def test_lone_figures_are_read_with_their_column(seed: int) -> None:
    made = Sheet()
    draw, face = ImageDraw.Draw(made.picture), font(13)
    edges = [LEFT, LEFT + 160, LEFT + 1100, RIGHT]
    names = ("Tên thành phần", "Đơn đăng ký", "Giấy chứng nhận", "Hợp đồng", "Giấy xác nhận")
    rows = [("STT", names[0], "Số lượng"), *((str(n), names[n], f"0{n % 2 + 1}") for n in range(1, 5))]
    for number, row in enumerate(rows):
        top = TOP + number * 90
        for left, right, cell in zip(edges, edges[1:], row, strict=False):
            draw.rectangle((left, top, right, top + 90), outline=BLACK, width=2)
            draw.text((left + 14, top + 16), cell, font=face, fill=BLACK)
    pixels = np.array(made.scanned(seed=seed, skew=0.6 * (seed - 1)))
    reading = PageReader(default_engine()).read(pixels, dpi=DPI, bitonal=False)
    assert [line.text for line in reading.lines] == [" ".join(row) for row in rows]
