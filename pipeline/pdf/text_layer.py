"""Invisible text over the picture of a page, so that a reader can search, select and copy what is printed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pikepdf import Dictionary, Name, Object, Pdf, String

from pipeline.model import Line
from pipeline.pdf import glyphless
from pipeline.pdf.frame import UNPRINTED


def invisible(lines: Sequence[Line], *, dpi: float, height: float) -> bytes:
    """Invisible text (mode 3), a line at a time, each word stretched over just its box and followed by a space.

    Boxes of `lines` are pixels at `dpi`; `height` is that of the page in points.
    """
    scale = 72 / dpi
    parts = ["BT 3 Tr"]
    for line in lines:
        parts += _line(line, scale, height)
    return "\n".join([*parts, "ET\n"]).encode()


def _line(line: Line, scale: float, height: float) -> list[str]:
    size = max(1.0, (line.box.bottom - line.box.top) * scale)
    base = height - line.box.bottom * scale + 0.2 * size
    parts = [f"/F0 {size:.1f} Tf"]
    at = 0
    for number, word in enumerate(line.words):
        codes = UNPRINTED.sub("", word.text).encode("utf-16-be")
        follows = line.words[number + 1] if number + 1 < len(line.words) else None
        letters = len(codes) // 2
        if not letters:
            continue
        natural = letters * size * glyphless.ADVANCE / glyphless.UNITS
        stretch = max(1, round(100 * max(word.box.right - word.box.left, 1) * scale / natural))
        shown = codes.hex().upper() + ("0020" if follows else "")
        # In tenths of a point, so that steps along a line do not drift.
        left = round(10 * word.box.left * scale)
        place = f"{(left - at) / 10:g} 0 Td" if len(parts) > 1 else f"1 0 0 1 {left / 10:g} {base:.1f} Tm"
        parts.append(f"{place} {stretch} Tz<{shown}>Tj")
        at = left
    return parts


def blank_font(pdf: Pdf, pages: Iterable[Sequence[Line]]) -> Object:
    """Composite font whose every code maps to the one empty glyph, for the words of these pages."""
    text = " ".join(word.text for lines in pages for line in lines for word in line.words)
    program = pdf.make_stream(glyphless.font_file())
    program.Length1 = len(glyphless.font_file())
    descriptor = pdf.make_indirect(
        Dictionary(
            Type=Name.FontDescriptor, FontName=Name("/SohoaBlank"), Flags=4, FontBBox=[0, -200, 500, 800],
            ItalicAngle=0, Ascent=800, Descent=-200, CapHeight=800, StemV=80, FontFile2=program,
        )
    )  # fmt: skip
    descendant = pdf.make_indirect(
        Dictionary(
            Type=Name.Font, Subtype=Name.CIDFontType2, BaseFont=Name("/SohoaBlank"),
            CIDSystemInfo=Dictionary(Registry=String("Adobe"), Ordering=String("Identity"), Supplement=0),
            FontDescriptor=descriptor, DW=glyphless.ADVANCE, CIDToGIDMap=pdf.make_stream(b"\0\1" * 65536),
        )
    )  # fmt: skip
    return pdf.make_indirect(
        Dictionary(
            Type=Name.Font, Subtype=Name.Type0, BaseFont=Name("/SohoaBlank"), Encoding=Name("/Identity-H"),
            DescendantFonts=[descendant], ToUnicode=pdf.make_stream(glyphless.to_unicode(text)),
        )
    )  # fmt: skip
