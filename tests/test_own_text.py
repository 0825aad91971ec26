"""A PDF's own text is a second witness: it confirms what is seen, is named where it differs, and is believed alone never."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pikepdf
import pytest
from fontTools.ttLib import TTFont
from fontTools.ttLib.tables._c_m_a_p import CmapSubtable
from pikepdf import Array, Dictionary, Name

from pipeline.grammar.legacy_codes import TCVN3, LegacyCode
from pipeline.model import Document, Field, Origin, ReadPage, SignedDocument
from pipeline.page_job import read_side
from pipeline.pdf.own_text import own_text
from pipeline.raster.limits import RasterLimits
from pipeline.records import dump, load
from pipeline.sidecar import Sidecar, sidecar_of
from tests.classify_pages import intake, sort
from tests.raster_samples import A4, add_scan, jpeg, look, marked
from tests.test_legacy_codes import encode

FONT = "/usr/share/fonts/truetype/liberation2/LiberationSerif-Regular.ttf"
LINES = (
    ("ỦY BAN NHÂN DÂN", 90, 770), ("XÃ HẠ HÒA", 110, 752), ("Số: 15/QĐ-UBND", 100, 734),
    ("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", 290, 770), ("Độc lập - Tự do - Hạnh phúc", 330, 752),
    ("Hạ Hòa, ngày 08 tháng 9 năm 2026", 320, 734),
    ("QUYẾT ĐỊNH", 260, 690), ("Về việc cho phép chuyển mục đích sử dụng đất", 170, 670),
    ("Căn cứ Luật Đất đai ngày 18 tháng 01 năm 2024;", 90, 630),
    ("Xét đề nghị của ông Trần Văn Nam, thường trú tại khu 5,", 90, 610),
    ("Điều 1. Cho phép chuyển mục đích sử dụng thửa đất số 118.", 90, 590),
    ("Điều 2. Quyết định này có hiệu lực kể từ ngày ký.", 90, 570),
)  # fmt: skip


def coded_font(shown: Mapping[int, str], *, symbolic: bool) -> bytes:
    """A font as of the old days: at each code of one byte the glyph of another letter."""
    font = TTFont(FONT)
    glyphs = font.getBestCmap()
    coded = {code: glyphs[ord(letter)] for code, letter in shown.items() if ord(letter) in glyphs}
    if symbolic:  # by the font's own places, as programs write that bring a map to Unicode
        table = CmapSubtable.newSubtable(4)
        table.platformID, table.platEncID, table.language = 3, 0, 0
        table.cmap = {0xF000 + code: name for code, name in coded.items()}
        font["cmap"].tables = [table]
    else:
        for table in font["cmap"].tables:
            table.cmap = dict(coded)
    buffer = io.BytesIO()
    font.save(buffer)
    return buffer.getvalue()


def pdf(
    path: Path,
    lines: Sequence[tuple[str, int, int]],
    *,
    code: LegacyCode | None = None,
    lies: Mapping[str, str] = MappingProxyType({}),
    size: int = 13,
) -> Path:
    """A page written by a program: each letter a code, the font shows it. Without `code` a map to Unicode says which.

    `lies` are signs that the map gives for others: what programs read there is not what is seen.
    """
    if code is None:
        letters = sorted({sign for text, *_ in lines for sign in text})
        shown = dict(enumerate(letters, 33))
    else:
        shown = {number: chr(number) for number in range(0x20, 0x100)}
        shown |= {ord(sign): letter for sign, letter in TCVN3.items()} if code is LegacyCode.TCVN3 else {}
    places = {sign: number for number, sign in shown.items()} if code is None else {}
    out = pikepdf.new()
    page = out.add_blank_page(page_size=A4)
    name = Name("/VnTime" if code else "/Made")
    entries: dict[str, Any] = {
        "Type": Name.Font, "Subtype": Name.TrueType, "BaseFont": name,
        "FirstChar": 32, "LastChar": 255, "Widths": Array(_widths(shown)),
        "FontDescriptor": out.make_indirect(Dictionary(
            Type=Name.FontDescriptor, FontName=name, Flags=4, ItalicAngle=0, FontBBox=[-200, -300, 1200, 1000],
            Ascent=891, Descent=-216, CapHeight=660, StemV=80,
            FontFile2=out.make_stream(coded_font(shown, symbolic=code is None)),
        )),
    }  # fmt: skip
    if code is None:
        rows = "\n".join(
            f"<{number:02x}> <{ord(lies.get(sign, sign)):04x}>" for number, sign in shown.items()
        )
        entries["ToUnicode"] = out.make_stream(
            "/CIDInit /ProcSet findresource begin 12 dict begin begincmap 1 begincodespacerange <00> <ff> "
            f"endcodespacerange {len(shown)} beginbfchar\n{rows}\nendbfchar endcmap end end".encode()
        )
    else:
        entries["Encoding"] = Name.WinAnsiEncoding
    page.Resources = Dictionary(Font=Dictionary(F1=out.make_indirect(Dictionary(**entries))))
    body = []
    for text, x, y in lines:
        codes = (
            [places[sign] for sign in text] if code is None else [ord(sign) for sign in encode(text, code)]
        )
        body.append(f"BT /F1 {size} Tf {x} {y} Td <{bytes(codes).hex()}> Tj ET")
    page.Contents = out.make_stream("\n".join(body).encode())
    out.save(path)
    return path


def _widths(shown: Mapping[int, str]) -> list[int]:
    font = TTFont(FONT)
    glyphs, widths, unit = font.getBestCmap(), font["hmtx"], font["head"].unitsPerEm
    return [
        round(widths[glyphs[ord(letter)]][0] * 1000 / unit)
        if (letter := shown.get(code)) and ord(letter) in glyphs
        else 500
        for code in range(32, 256)
    ]


def read(path: Path) -> ReadPage:
    (page,) = look(path)
    assert page.origin is Origin.BORN_DIGITAL
    return read_side(page, path.parent / "work", RasterLimits())


def fields(page: ReadPage) -> dict[str, Field]:
    (paper,) = sort(page, batch=intake(dossier="000.12.08.H44-260907-0101")).papers
    return {field.name: field for field in paper.fields}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lop-chu")


@pytest.fixture(scope="module")
def honest(folder: Path) -> ReadPage:
    return read(pdf(folder / "that.pdf", LINES))


@pytest.fixture(scope="module")
def lying(folder: Path) -> ReadPage:
    """The page shows 15, its map says 16: a program that reads the file finds another number than a person."""
    return read(pdf(folder / "doi.pdf", LINES, lies={"5": "6"}))


def doubted(page: ReadPage, word: str, confidence: float) -> ReadPage:
    """The page as read with less confidence in one word, and nothing taken for pen."""
    lines = tuple(
        replace(
            line,
            words=tuple(
                replace(one, confidence=confidence) if word in one.text else one for one in line.words
            ),
        )
        for line in page.lines
    )
    assert lines != page.lines
    return replace(page, lines=lines, penned=())


def test_the_text_of_the_file_stands_where_the_picture_shows_it(honest: ReadPage) -> None:
    own = honest.own_text
    assert own is not None and own.code is None and own.agrees > 0.95
    assert " ".join(word.text for word in own.words).startswith("ỦY BAN NHÂN DÂN XÃ HẠ HÒA Số: 15/QĐ-UBND")
    assert fields(honest)["number"].value == "15/QĐ-UBND" and "own_text" not in fields(honest)


def test_a_doubtful_number_that_the_file_says_too_is_claimed(honest: ReadPage) -> None:
    page = doubted(honest, "UBND", 0.5)
    assert fields(replace(page, own_text=None))["number"].doubtful
    number = fields(page)["number"]
    assert (number.value, number.doubtful, number.evidence) == ("15/QĐ-UBND", False, "layer")


def test_a_guess_is_not_claimed_because_the_file_says_so(honest: ReadPage) -> None:
    assert fields(doubted(honest, "UBND", 0.1))["number"].doubtful


def test_a_number_that_the_file_has_otherwise_is_doubtful_and_stays_as_seen(lying: ReadPage) -> None:
    assert lying.own_text is not None and lying.own_text.agrees > 0.8
    assert not fields(replace(lying, own_text=None))["number"].doubtful
    number = fields(lying)["number"]
    assert (number.value, number.doubtful, number.evidence) == ("15/QĐ-UBND", True, "layer")
    assert "15/QĐ-UBND" in lying.text and "16/QĐ-UBND" not in lying.text, "what is searched is what is seen"


def test_a_file_whose_text_is_another_text_is_no_witness_and_named(folder: Path) -> None:
    letters = sorted({sign for text, *_ in LINES for sign in text if sign.isalpha()})
    page = read(
        pdf(folder / "rac.pdf", LINES, lies=dict(zip(letters, letters[1:] + letters[:1], strict=True)))
    )
    assert page.own_text is not None and page.own_text.agrees < 0.5
    found = fields(page)
    assert found["own_text"].value == "differs" and not found["own_text"].doubtful
    assert found["number"] == fields(replace(page, own_text=None))["number"]
    assert fields(doubted(page, "UBND", 0.5))["number"].doubtful


def test_text_of_an_old_font_is_turned_and_flagged(folder: Path) -> None:
    small = [(text if text[:2] == "Số" else text.capitalize(), x, y) for text, x, y in LINES]
    page = read(pdf(folder / "cu.pdf", small, code=LegacyCode.TCVN3))
    own = page.own_text
    assert own is not None and own.code == "TCVN3" and own.agrees > 0.9
    said = " ".join(word.text for word in own.words)
    assert "Số: 15/QĐ-UBND" in said and "thường trú tại khu 5" in said and "Độc lập" in said
    found = fields(page)
    assert found["own_text"].value == "TCVN3"
    assert (found["number"].value, found["number"].doubtful) == ("15/QĐ-UBND", False)
    assert fields(doubted(page, "UBND", 0.5))["number"].evidence == "layer"


def test_the_sidecar_says_what_the_own_text_was(lying: ReadPage, honest: ReadPage) -> None:
    """In the bucket it stands beside the document, and an older sidecar without it is read as before."""
    (paper,) = sort(lying, batch=intake(dossier="000.12.08.H44-260907-0101")).papers
    old = replace(honest, own_text=replace(lying.own_text, code="TCVN3")) if lying.own_text else honest
    document = Document(
        id="d_1", batch="b_1", agency="a", actor="b", captured_at=datetime(2026, 10, 1, tzinfo=UTC), paper=paper,
        pages=(old, replace(honest, own_text=None)), originals=(), pdf=honest.page.file,
    )  # fmt: skip
    made = sidecar_of(SignedDocument(document=document, pdf=honest.page.file, level=None))
    assert [page.own_text_code for page in made.pages] == ["TCVN3", None]
    assert made.pages[0].own_text_agrees == pytest.approx(old.own_text.agrees if old.own_text else None)
    body = json.loads(dump(made))
    for page in body["pages"]:
        del page["own_text_code"], page["own_text_agrees"]
    assert load(Sidecar, json.dumps(body).encode()).pages[0].own_text_code is None


def test_vni_is_told_from_tcvn3(folder: Path) -> None:
    own = own_text(pdf(folder / "vni.pdf", LINES, code=LegacyCode.VNI), 0, dpi=200.0, lines=())
    assert own is not None and own.code == "VNI"
    assert "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM" in " ".join(word.text for word in own.words)


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_places_follow_the_turn_of_the_page(folder: Path, turn: int) -> None:
    with pikepdf.open(pdf(folder / f"xoay-{turn}.pdf", LINES), allow_overwriting_input=True) as file:
        file.pages[0].rotate(turn, relative=False)
        file.save()
    own = own_text(folder / f"xoay-{turn}.pdf", 0, dpi=72.0, lines=())
    assert own is not None
    box = next(word.box for word in own.words if "15/QĐ" in word.text)
    across, down = A4
    x, y = 125, down - 738  # upright, of the number
    want = {90: (down - y, x), 180: (across - x, down - y), 270: (y, across - x)}[turn]
    assert box.left - 40 < want[0] < box.right + 40 and box.top - 40 < want[1] < box.bottom + 40


def test_a_scan_has_no_witness(folder: Path) -> None:
    """Text under a scan is somebody's reading of it; a page of it is read as any other."""
    out = pikepdf.new()
    add_scan(out, jpeg(marked()), width=413, height=585)
    out.save(folder / "quet.pdf")
    assert own_text(folder / "quet.pdf", 0, dpi=200.0, lines=()) is None
