"""Codes, numbers and dates read a second time: agreement raises, dispute lowers, nothing is made up."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw, ImageFont

from ocr.copy import Copy
from ocr.engine import Grey
from ocr.figures import AGREED, DISPUTED, SURE, TWO_OF_THREE, confirm
from pipeline.model import Line, Word
from tests.classify_pages import line, words

CODE = "000.12.08.H44-260907-0101"
OTHER = "000.12.08.H44-260901-0101"


@dataclass
class Readings:
    """An engine that gives what it is told: first by the Latin model, then by the page's own from the scan."""

    latin: str = ""
    scan: str = ""
    asked: list[str] = field(default_factory=list)
    opinions: int = 1

    def version(self) -> str:
        return "told"

    def read_page(self, image: Grey, *, dpi: float) -> tuple[Line, ...]:
        raise AssertionError("the page is read already")

    def read_line(self, image: Grey, *, dpi: float) -> tuple[tuple[Word, ...], ...]:
        self.asked.append("scan")
        return (tuple(words(self.scan, 10)) if self.scan else (),)

    def read_block(self, image: Grey, *, dpi: float, one_line: bool) -> tuple[Line, ...]:
        raise AssertionError("figures are read from lines")

    def read_latin(self, image: Grey, *, dpi: float) -> tuple[Word, ...]:
        self.asked.append("latin")
        return tuple(words(self.latin, 10)) if self.latin else ()


def read(text: str, engine: Readings) -> Line:
    """The line after the second look."""
    page = np.full((400, 1654), 255, np.uint8)
    lines = (line(words(text, 100)),)
    copy = Copy(tilted=page, skew=0.0, dpi=200)
    (found,) = confirm(engine, copy, lambda _: np.repeat(page[:, :, None], 3, axis=2), 200, lines)
    return found


def last(found: Line) -> tuple[str, float]:
    return found.words[-1].text, found.words[-1].confidence


@pytest.mark.parametrize(
    "text", [f"Mã hồ sơ: {CODE}~0.6", "Số: 15/QĐ-UBND~0.6", "Số công chứng: 506/HĐTC~0.6"]
)
def test_what_two_models_read_alike_is_surer(text: str) -> None:
    plain = text.removesuffix("~0.6").split(" ")[-1]
    engine = Readings(latin=plain.replace("Đ", "D"))
    assert last(read(text, engine)) == (plain, AGREED)
    assert engine.asked == ["latin"]


def test_what_is_read_differently_is_not_sure() -> None:
    assert last(read(f"Mã hồ sơ: {CODE}~0.9", Readings(latin=OTHER))) == (CODE, DISPUTED)
    assert last(read("Số: 803/QĐ-UBND~0.9", Readings(latin="503/QD-UBND"))) == ("803/QĐ-UBND", DISPUTED)
    assert (
        read("ngày 05~0.9 tháng 9 năm 2026", Readings(latin="08 thang 9 nam 2026")).words[1].confidence
        == DISPUTED
    )


def test_nothing_read_changes_nothing() -> None:
    assert last(read(f"Mã hồ sơ: {CODE}~0.6", Readings())) == (CODE, 0.6)


def test_one_model_alone_does_not_make_itself_surer() -> None:
    assert last(read(f"Mã hồ sơ: {CODE}~0.6", Readings(scan=CODE))) == (CODE, 0.6)
    assert last(read(f"Mã hồ sơ: {CODE}~0.9", Readings(scan=OTHER))) == (CODE, DISPUTED)


def test_of_three_readings_two_rule() -> None:
    assert last(read(f"Mã hồ sơ: {CODE}~0.6", Readings(latin=OTHER, scan=CODE))) == (CODE, 0.6)
    assert last(read(f"Mã hồ sơ: {CODE}~0.6", Readings(latin="0Q0.12", scan=CODE))) == (CODE, TWO_OF_THREE)
    assert last(read(f"Mã hồ sơ: {CODE}~0.6", Readings(latin=OTHER, scan=OTHER))) == (OTHER, TWO_OF_THREE)
    spoilt = "000.12.08,H44-2G0907-0101~0.6"
    assert last(read(f"Mã hồ sơ: {spoilt}", Readings(latin=CODE, scan=CODE))) == (CODE, TWO_OF_THREE)
    assert last(read("Số: 803/QĐ-UBND~0.9", Readings(latin="503/QD-UBND", scan="503/QĐ-UBND"))) == (
        "803/QĐ-UBND",
        DISPUTED,
    )


def test_the_tail_of_a_code_is_never_agreed_on() -> None:
    text = "Mã hồ sơ: 002 00 63 H44-260907-0101~0.9"
    tail = "002 00 63 H44-260907-0101"
    assert last(read(text, Readings(latin=tail, scan=tail))) == ("H44-260907-0101", 0.9)
    whole = "002.00.63.H44-260907-0101"
    assert last(read(text, Readings(latin=whole, scan=whole))) == (whole, TWO_OF_THREE)


def test_a_lost_slash_comes_back_only_when_it_is_read() -> None:
    assert last(read("Số: 141UBND-XNTTHN~0.8", Readings(latin="141/UBND-XNTTHN"))) == (
        "141/UBND-XNTTHN",
        TWO_OF_THREE,
    )
    assert last(read("Số: 141UBND-XNTTHN~0.8", Readings(scan="141/UBND-XNTTHN"))) == ("141/UBND-XNTTHN", 0.8)
    assert last(read("Số: 141UBND-XNTTHN~0.8", Readings(latin="147/UBND-XNTTHN")))[0] == "141UBND-XNTTHN"
    assert last(read("Số: 141UBND-XNTTHN~0.8", Readings(latin="141UBND-XNTTHN"))) == ("141UBND-XNTTHN", 0.8)


def test_sure_figures_and_running_text_are_let_be() -> None:
    engine = Readings(latin=OTHER)
    for text in (
        f"Mã hồ sơ: {CODE}~{SURE}",
        "Căn cứ Quyết định số 15/QĐ-UBND~0.5",
        "Điện thoại: 0912440781~0.5",
    ):
        read(text, engine)
    assert engine.asked == []


def test_a_sure_code_with_a_space_inside_is_one_word() -> None:
    surely = f"Mã hồ sơ: {CODE[:7]}~0.98 {CODE[7:]}~0.98"
    assert last(read(surely, Readings())) == (CODE, 0.98)
    agreed = f"Mã hồ sơ: {CODE[:7]}~0.6 {CODE[7:]}~0.6"
    assert last(read(agreed, Readings(latin=CODE))) == (CODE, AGREED)
    unsure = f"Mã hồ sơ: {CODE[:7]}~0.9 {CODE[7:]}~0.9"
    assert read(unsure, Readings()).words[-1].text == CODE[7:], "the space speaks against it"
    tail = "Mã hồ sơ: 002 00 63 H44-260907- 0101"
    assert read(tail.replace(" ", "~0.98 "), Readings()).words[-2].text == "H44-260907-", "cut short"


def dotted(text: str) -> npt.NDArray[np.uint8]:
    """Figures as a console prints them, a dot in each zero."""
    face = ImageFont.truetype("/usr/share/fonts/truetype/liberation2/LiberationMono-Regular.ttf", 34)
    sheet = Image.new("L", (60 + 21 * len(text), 70), 255)
    ImageDraw.Draw(sheet).text((20, 14), text, font=face, fill=10)
    return np.asarray(sheet)


def test_of_zeros_with_dots_the_readings_without_them_rule() -> None:
    engine = Readings(latin=CODE, scan=CODE)
    page = np.full((400, 1654), 255, np.uint8)
    page[90:160, 240 : 240 + dotted("000").shape[1]] = dotted("000")
    spoilt = CODE.replace("000", "060")
    text = line(words(f"{spoilt}~0.6", 110))
    copy = Copy(tilted=page, skew=0.0, dpi=200)
    (found,) = confirm(engine, copy, lambda _: np.repeat(page[:, :, None], 3, axis=2), 200, (text,))
    assert last(found) == (CODE, TWO_OF_THREE)


def test_a_date_of_zeros_with_dots_is_spelled_anew_and_any_other_is_let_be() -> None:
    spoilt = "ngày 11~0.9 tháng 97~0.6 năm 2925~0.6"
    page = np.full((400, 1654), 255, np.uint8)
    page[90:160, 240 : 240 + dotted("000").shape[1]] = dotted("000")

    def dated(sheet: npt.NDArray[np.uint8], engine: Readings) -> str:
        copy, text = Copy(tilted=sheet, skew=0.0, dpi=200), line(words(spoilt, 110))
        (found,) = confirm(engine, copy, lambda _: np.repeat(sheet[:, :, None], 3, axis=2), 200, (text,))
        return found.text

    latin, scan = "11 thang 07 nam 2025", "11 tháng 07 năm 2025"
    assert dated(page, Readings(latin=latin, scan=scan)) == "ngày 11 tháng 07 năm 2025"
    assert dated(page, Readings(latin=latin)) == "ngày 11 tháng 97 năm 2925"
    plain, engine = np.full((400, 1654), 255, np.uint8), Readings(latin=latin, scan=scan)
    assert dated(plain, engine) == "ngày 11 tháng 97 năm 2925" and engine.asked == []
