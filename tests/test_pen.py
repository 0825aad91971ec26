"""Pen-written numbers and days: found by the print around them, claimed only where two kinds of evidence agree."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from functools import cache

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw, ImageFont

from ocr.digits import read_figures
from ocr.reader import PageReader, default_engine
from ocr.slots import find_slots
from pipeline.classify.paper import Draft, paper_of
from pipeline.classify.view import view_page
from pipeline.model import Box, Origin, Penned, ReadPage, SignedBy, Word
from tests.classify_pages import TYPES, letterhead, page, rows, sort, title

FONTS = "/usr/share/fonts/truetype/liberation2/LiberationSerif-{}.ttf"
Pixels = npt.NDArray[np.uint8]
# As a clerk writes them: a one with its long upstroke, an open four, a seven with a bar, a two with a foot.
STROKES: dict[str, list[list[tuple[float, float]]]] = {
    "0": [[(0.5, 0), (0.2, 0.3), (0.2, 0.75), (0.5, 1), (0.8, 0.7), (0.8, 0.25), (0.5, 0)]],
    "1": [[(0.15, 0.5), (0.6, 0), (0.5, 1)]],
    "2": [[(0.15, 0.25), (0.4, 0), (0.75, 0.15), (0.7, 0.45), (0.1, 1), (0.9, 0.95)]],
    "4": [[(0.5, 0), (0.05, 0.65), (0.95, 0.6)], [(0.7, 0.3), (0.6, 1)]],
    "7": [[(0.1, 0.05), (0.9, 0.02), (0.65, 0.4), (0.45, 1)], [(0.15, 0.5), (0.9, 0.45)]],
}


def write(picture: Pixels, figures: str, left: int, base: int, *, high: int = 44) -> None:
    """Figures by pen, standing on `base`."""
    for figure in figures:
        wide = round(0.75 * high)
        for stroke in STROKES[figure]:
            points = [[left + round(x * wide), base - high + round(y * high)] for x, y in stroke]
            cv2.polylines(picture, [np.array(points, np.int32)], False, (25, 25, 25), 5, cv2.LINE_AA)
        left += wide + 7


def mask(figures: str) -> list[Pixels]:
    """Each figure as a piece of ink in one frame."""
    parts = []
    for place, figure in enumerate(figures):
        paper = np.full((90, 50 * len(figures) + 40, 3), 255, np.uint8)
        write(paper, figure, 15 + 45 * place, 75)
        parts.append(np.where(paper[..., 0] < 128, 255, 0).astype(np.uint8))
    return parts


@pytest.mark.parametrize("figures", ["04", "17", "22", "40", "71", "204"])
def test_figures_as_clerks_write_them_are_read(figures: str) -> None:
    guess = read_figures(mask(figures))
    assert guess is not None and guess.text == figures and guess.confidence > 0.5


def test_blots_and_strokes_are_no_sure_figures() -> None:
    blot = np.zeros((90, 90), np.uint8)
    cv2.circle(blot, (45, 45), 25, 255, -1)
    bar = np.zeros((90, 90), np.uint8)
    cv2.line(bar, (10, 45), (80, 47), 255, 8)
    for piece in (blot, bar):
        guess = read_figures([piece])
        assert guess is None or guess.confidence < 0.5


@cache
def head(number: str, day: str) -> ReadPage:
    """A letterhead at 300 dpi with two blanks, a pen in them, read as a page is read."""
    sheet = Image.new("RGB", (2480, 1400), "white")
    pen = ImageDraw.Draw(sheet)
    bold, plain, italic = (
        ImageFont.truetype(FONTS.format(style), 54) for style in ("Bold", "Regular", "Italic")
    )
    for text, x, y, face in (
        ("ỦY BAN NHÂN DÂN", 300, 180, bold),
        ("TỈNH PHÚ THỌ", 350, 245, bold),
        ("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", 1080, 180, bold),
        ("Độc lập - Tự do - Hạnh phúc", 1280, 245, bold),
        ("THÔNG BÁO", 1090, 520, bold),
        ("Về việc tăng cường công tác phòng, chống lụt bão", 660, 590, bold),
        (
            "Thực hiện Công điện của Thủ tướng Chính phủ, Ủy ban nhân dân tỉnh yêu cầu các sở,",
            300,
            760,
            plain,
        ),
        ("ban, ngành và Ủy ban nhân dân các xã, phường chủ động kiểm tra đê điều, hồ đập.", 300, 830, plain),
    ):
        pen.text((x, y), text, "black", face)
    pen.text((360, 370), "Số:", "black", plain)
    pen.text((580, 370), "/TB-UBND", "black", plain)
    pen.text((1180, 370), "Phú Thọ, ngày", "black", italic)
    pen.text((1620, 370), "tháng 9 năm 2026", "black", italic)
    picture = np.array(sheet)
    write(picture, number, 455, 420)
    write(picture, day, 1530, 420)
    reading = PageReader(default_engine()).read(picture, dpi=300, bitonal=False)
    return replace(
        page(),
        dpi=300.0,
        width=reading.width,
        height=reading.height,
        lines=reading.lines,
        penned=reading.penned,
        confidence=reading.confidence,
    )


def test_the_blanks_are_found_by_the_print_around_them() -> None:
    read = head("14", "07")
    found = {ink.name: ink for ink in read.penned}
    assert (found["number"].text, found["day"].text) == ("14", "07")
    assert "".join(word.text for word in found["number"].after) == "/TB-UBND"
    ink = found["number"].box
    assert 440 < ink.left < 470 and ink.right < 580, "neither the label nor the slash"


def test_an_empty_blank_has_no_number() -> None:
    assert not [ink for ink in head("", "").penned if ink.name != "month" and ink.text]


def ink(
    name: str,
    text: str,
    confidence: float,
    *second: str,
    strokes: str = "",
    beside: str = "/CT-UBND",
    read: float = 0.96,
) -> Penned:
    after = {"number": beside, "day": "2026", "month": "9"}[name]
    box = Box(left=300, top=250, right=340, bottom=276)
    word = Word(text=after, box=box, confidence=read)
    return Penned(
        name=name, box=box, text=text, confidence=confidence, strokes=strokes, second=second, after=(word,)
    )


def told(*inks: Penned, file: str = "a.pdf", signed: datetime | None = None) -> dict[str, tuple[str, bool]]:
    """Values and doubts of a directive whose number and day are by pen."""
    head = letterhead(
        "ỦY BAN NHÂN DÂN", "TỈNH PHÚ THỌ", number="Số: /CT-UBND", place="Phú Thọ, ngày tháng 9 năm 2026"
    )
    read = page(head, title("CHỈ THỊ", "Về việc phòng, chống lụt bão"), origin=Origin.INCOMING_SIGNED)
    signer = (SignedBy(name="Ủy ban nhân dân tỉnh Phú Thọ", at=signed),) if signed else ()
    read = replace(
        read,
        page=replace(read.page, source=f"/in/{file}#1"),
        penned=(*inks, ink("month", "9", 0.96, "9", "9")),
        signed_by=signer,
    )
    view = view_page(read, TYPES)
    assert view.headline is not None
    draft = Draft(views=[view], kind=view.headline.type, receipt=False, dossier=None, evidence="none")
    paper = paper_of(draft, TYPES, needs_dossier=False, today=date(2026, 10, 1))
    return {field.name: (field.value, field.doubtful) for field in paper.fields}


NOON = datetime(2026, 9, 15, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("number", "file", "claimed"),
    [
        (ink("number", "04", 0.8), "04CT.signed_20260913.pdf", True),
        (ink("number", "04", 0.8), "2352___04-CT-UBND_.pdf", True),
        (ink("number", "04", 0.8), "CT-4.pdf", True),
        (ink("number", "04", 0.8), "04QD.pdf", False),
        (ink("number", "04", 0.95), "2770___.pdf", False),
        (ink("number", "04", 0.95), "07CT.pdf", False),
        (ink("number", "04", 0.3), "04CT.pdf", False),
        (ink("number", "48", 0.4, "46", "46", "46"), "46CT.pdf", True),
        (ink("number", "48", 0.9, "46", "46", "46"), "46CT.pdf", False),
        (ink("number", "04", 0.95, "04", "04"), "a.pdf", True),
        (ink("number", "04", 0.95, "04"), "a.pdf", False),
        (ink("number", "04", 0.95, "64", "64"), "a.pdf", False),
        (ink("number", "04", 0.95, "04", "04"), "12CT.pdf", False),
        (ink("number", "04", 0.88, strokes="04"), "a.pdf", True),
        (ink("number", "04", 0.88, "4", strokes="04"), "a.pdf", True),
        (ink("number", "04", 0.88, "64", strokes="04"), "a.pdf", False),
        (ink("number", "04", 0.88, strokes="64"), "a.pdf", False),
        (ink("number", "04", 0.8, strokes="04"), "a.pdf", False),
        (ink("number", "04", 0.8, "04", strokes="04"), "a.pdf", True),
        (ink("number", "04", 0.7, "04", "04", strokes="04"), "a.pdf", False),
        (ink("number", "04", 0.95, "04", "04", strokes="04", beside="1104/CT-UBND"), "a.pdf", False),
        # Printed, and its last figure has run together with the slash: all readers of the ink agree on less.
        (ink("number", "04", 0.9, "04", "04", strokes="04", beside="041/CT-UBND", read=0.6), "a.pdf", False),
        (
            ink("number", "04", 0.9, "04", "04", strokes="04", beside="041/CT-UBND", read=0.6),
            "04CT.pdf",
            True,
        ),
        (ink("number", "04", 0.9, "04", "04", strokes="04", beside="64/CT-UBND", read=0.6), "a.pdf", True),
    ],
)
def test_a_number_is_claimed_when_two_kinds_of_evidence_agree(
    number: Penned, file: str, claimed: bool
) -> None:
    value, doubtful = told(number, file=file)["number"]
    assert value.endswith("CT-UBND")
    assert doubtful is not claimed
    if claimed:
        assert value == ("46/CT-UBND" if "46" in number.second else "04/CT-UBND")


@pytest.mark.parametrize(
    ("day", "signed", "claimed"),
    [
        (ink("day", "15", 0.8), NOON, True),
        (ink("day", "13", 0.8), NOON, True),
        (ink("day", "16", 0.8), datetime(2026, 9, 15, 18, tzinfo=timezone(timedelta(hours=0))), True),
        (ink("day", "15", 0.6), NOON, False),
        (ink("day", "15", 0.6, "15", "15"), NOON, True),
        (ink("day", "10", 0.8), NOON, False),
        (ink("day", "10", 0.8, "10", "10"), NOON, True),
        (ink("day", "25", 0.97), NOON, False),
        (ink("day", "15", 0.97), None, False),
        (ink("day", "15", 0.9, "15", "15"), None, True),
        (ink("day", "15", 0.97), datetime(2027, 1, 17, tzinfo=UTC), False),
    ],
)
def test_a_day_is_claimed_with_the_time_of_a_signature_or_two_readings(
    day: Penned, signed: datetime | None, claimed: bool
) -> None:
    value, doubtful = told(day, signed=signed)["date"]
    assert value == f"2026-09-{day.text}"
    assert doubtful is not claimed


@pytest.mark.parametrize("text", ["31", "00", "7", "123"])
def test_a_day_that_cannot_be_is_no_date(text: str) -> None:
    found = told(ink("day", text, 0.97, text, text), signed=NOON).get("date")
    assert found is None or found[1]


def test_the_agency_that_signed_settles_a_badly_read_letterhead() -> None:
    head = letterhead("ỦY BAN NHÂN DÂN~0.5", "TINH~0.4 PHÚ THO~0.5", number=None)
    read = page(head, title("CHỈ THỊ"))
    signed = replace(read, signed_by=(SignedBy(name="Ủy ban nhân dân tỉnh Phú Thọ", at=None),))
    other = replace(read, signed_by=(SignedBy(name="Ủy ban nhân dân tỉnh Phú Yên", at=None),))
    for one, value in ((signed, "Ủy ban nhân dân tỉnh Phú Thọ"), (other, None)):
        field = sort(one).papers[0].field("issuer")
        assert field is not None and (field.value if not field.doubtful else None) == value


@pytest.mark.parametrize("figures", ["04", "17", "22", "71", "204"])
def test_the_reader_of_strokes_reads_the_same_pieces(figures: str) -> None:
    guess = read_figures(mask(figures))
    assert guess is not None and guess.strokes in (figures, "")


def test_a_number_cited_in_the_text_is_no_blank() -> None:
    cited = rows("Căn cứ Nghị định số 45/2020/NĐ-CP ngày 08 tháng 4 năm 2020;", top=420)
    head = letterhead("UBND XÃ HẠ HÒA", number="Số: 1038/PTC-ABCDE")
    found = find_slots([*head, *cited], 1654, 2339)
    assert not [slot for slot in found if slot.name == "number" and slot.box.top > 380]
    wrapped = rows("số 45/2020/NĐ-CP ngày 08 tháng 4 năm 2020 của Chính phủ", top=420)
    assert not [slot for slot in find_slots(wrapped, 1654, 2339) if slot.name == "number"]


def test_one_letter_of_a_symbol_is_settled_by_the_name_of_the_paper() -> None:
    number = ink("number", "04", 0.95, "04", "04", beside="/CI-UBND")
    assert told(number)["number"] == ("04/CT-UBND", False)
