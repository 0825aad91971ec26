"""A font without ink: one empty glyph for every character, so that text can lie over a picture unseen.

PDF/A-2b wants every font embedded, also that of invisible text (ISO 19005-2, 6.2.11.4.1).
"""

from __future__ import annotations

import io
from functools import cache

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib.tables._g_l_y_f import Glyph

UNITS = 1000
ADVANCE = 500


@cache
def font_file() -> bytes:
    """A TrueType file with .notdef and one empty glyph of half an em; the same bytes every time."""
    builder = FontBuilder(UNITS, isTTF=True)
    builder.setupGlyphOrder([".notdef", "blank"])
    builder.setupCharacterMap({0x20: "blank"})
    builder.setupGlyf({".notdef": Glyph(), "blank": _line()})
    builder.setupHorizontalMetrics({".notdef": (ADVANCE, 0), "blank": (ADVANCE, 0)})
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": "SohoaBlank", "styleName": "Regular", "psName": "SohoaBlank"})
    builder.setupOS2(sTypoAscender=800, sTypoDescender=-200, usWinAscent=800, usWinDescent=200)
    builder.setupPost()
    builder.font["head"].created = builder.font["head"].modified = 3_000_000_000
    builder.font.recalcTimestamp = False
    out = io.BytesIO()
    builder.save(out)
    return out.getvalue()


def _line() -> Glyph:
    """A line there and back: no area, so no ink, but bounds, which pdfium needs to mark what is selected."""
    pen = TTGlyphPen(None)
    pen.moveTo((0, -200))
    pen.lineTo((ADVANCE, 800))
    pen.lineTo((0, -200))
    pen.closePath()
    return pen.glyph()


def to_unicode(text: str) -> bytes:
    """CMap that says: the two-byte code is the UTF-16 unit (Basic Multilingual Plane), for the rows of `text`."""
    rows = sorted({ord(sign) >> 8 for sign in text if ord(sign) < 0xD800 or 0xDFFF < ord(sign) < 0x10000})
    lines = [f"<{high:02X}00> <{high:02X}FF> <{high:02X}00>" for high in rows or [0]]
    blocks = []
    for start in range(0, len(lines), 100):
        part = lines[start : start + 100]
        blocks.append(f"{len(part)} beginbfrange\n" + "\n".join(part) + "\nendbfrange")
    return (
        "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n"
        "/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n"
        "1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n"
        + "\n".join(blocks)
        + "\nendcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n"
    ).encode()
