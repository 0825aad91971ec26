"""A PDF's own text is a second witness: it confirms what is seen, is named where it differs, and is believed alone never."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pikepdf
import pytest
from fontTools.ttLib import TTFont
from pikepdf import Array, Dictionary, Name

from pipeline.grammar.legacy_codes import LegacyCode
from pipeline.model import Field, Origin, ReadPage
from pipeline.page_job import read_side
from pipeline.raster.limits import RasterLimits
from tests.classify_pages import intake, sort
from tests.raster_samples import A4, look
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


def coded_font(shown: Mapping[int, str]) -> bytes:
    """A font as of the old days: at each code of one byte the glyph of another letter."""
    font = TTFont(FONT)
    glyphs = font.getBestCmap()
    for table in font["cmap"].tables:
        table.cmap = {code: glyphs[ord(letter)] for code, letter in shown.items() if ord(letter) in glyphs}
    buffer = io.BytesIO()
    font.save(buffer)
    return buffer.getvalue()


def pdf(
    path: Path, lines: Sequence[tuple[str, int, int]], *, code: LegacyCode | None = None, meant: Mapping[str, str] = {}
) -> Path:  # fmt: skip
    """A page written by a program: each letter a code, the font shows it. Without `code` a map to Unicode says which.

    `meant` says for a line what its hidden twin says instead, which is what programs read.
    """
    if code is None:
        letters = sorted({sign for text, *_ in lines for sign in text + "".join(meant.values())})
        places = {sign: number for number, sign in enumerate(letters, 33)}
        shown = {number: sign for sign, number in places.items()}
    else:
        table = {sign: letter for letter in map(chr, range(0x20, 0x100)) for sign in [letter]}
        shown = {ord(sign): sign for sign in table}
        if code is LegacyCode.TCVN3:
            from pipeline.grammar.legacy_codes import TCVN3

            shown |= {ord(sign): letter for sign, letter in TCVN3.items()}
        places = {sign: ord(sign) for sign in table}
    out = pikepdf.new()
    page = out.add_blank_page(page_size=A4)
    data = coded_font(shown)
    entries: dict[str, object] = {
        "Type": Name.Font, "Subtype": Name.TrueType, "BaseFont": Name("/VnTime" if code else "/Made"),
        "FirstChar": 32, "LastChar": 255, "Widths": Array(_widths(shown)),
        "FontDescriptor": out.make_indirect(Dictionary(
            Type=Name.FontDescriptor, FontName=Name("/VnTime" if code else "/Made"), Flags=4, ItalicAngle=0,
            FontBBox=[-200, -300, 1200, 1000], Ascent=891, Descent=-216, CapHeight=660, StemV=80,
            FontFile2=out.make_stream(data),
        )),
    }  # fmt: skip
    if code is None:
        rows = "\n".join(f"<{number:02x}> <{ord(sign):04x}>" for number, sign in shown.items())
        entries["ToUnicode"] = out.make_stream(
            "/CIDInit /ProcSet findresource begin 12 dict begin begincmap 1 begincodespacerange <00> <ff> "
            f"endcodespacerange {len(shown)} beginbfchar\n{rows}\nendbfchar endcmap end end".encode()
        )
    else:
        entries["Encoding"] = Name.WinAnsiEncoding
    page.Resources = Dictionary(Font=Dictionary(F1=out.make_indirect(Dictionary(**entries))))
    body = []
    for text, x, y in lines:
        drawn = text if code is None else encode(text, code)
        for line, mode in ((drawn, 0), (meant.get(text, ""), 3)):
            codes = "".join(f"{places[sign]:02x}" for sign in line)
            if line and not (mode == 0 and text in meant):
                body.append(f"BT /F1 13 Tf {mode} Tr {x} {y} Td <{codes}> Tj ET")
    page.Contents = out.make_stream("\n".join(body).encode())
    out.save(path)
    return path


def _widths(shown: Mapping[int, str]) -> list[int]:
    font = TTFont(FONT)
    glyphs, widths, unit = font.getBestCmap(), font["hmtx"], font["head"].unitsPerEm
    return [
        round(widths[glyphs[ord(letter)]][0] * 1000 / unit) if (letter := shown.get(code)) and ord(letter) in glyphs else 500
        for code in range(32, 256)
    ]


def read(path: Path) -> ReadPage:
    (page,) = look(path)
    assert page.origin is Origin.BORN_DIGITAL
    return read_side(page, path.parent / "work", RasterLimits())


def fields(page: ReadPage) -> dict[str, Field]:
    (paper,) = sort(page, batch=intake(dossier="000.12.08.H44-260907-0101")).papers
    return {field.name: field for field in paper.fields}
