"""A visible line of text in an embedded font, for what a copy says about itself."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from fontTools import subset
from pikepdf import Array, Dictionary, Name, Object, Pdf, String


@dataclass(frozen=True, slots=True)
class _Subset:
    """A font program with few letters, and its measures per thousand."""

    program: bytes
    glyphs: dict[str, int]
    advances: dict[str, int]
    box: tuple[int, ...]
    ascent: int
    descent: int


@lru_cache(maxsize=8)
def _subset(path: Path, letters: str) -> _Subset:
    options = subset.Options(hinting=False, layout_features=[], glyph_names=False, notdef_outline=True)
    options.drop_tables += ["post", "name", "OS/2", "gasp"]
    font = subset.load_font(str(path), options)
    font.recalcTimestamp = False
    worker = subset.Subsetter(options)
    worker.populate(text=letters)
    worker.subset(font)
    out = io.BytesIO()
    font.save(out)
    names, scale = font.getBestCmap(), 1000 / font["head"].unitsPerEm
    head, tall = font["head"], font["hhea"]
    return _Subset(
        program=out.getvalue(),
        glyphs={chr(code): font.getGlyphID(name) for code, name in names.items()},
        advances={chr(code): round(font["hmtx"][name][0] * scale) for code, name in names.items()},
        box=tuple(round(edge * scale) for edge in (head.xMin, head.yMin, head.xMax, head.yMax)),
        ascent=round(tall.ascent * scale),
        descent=round(tall.descent * scale),
    )


class NoteFont:
    """A subset of a TrueType font with just the signs of `letters`, written into `pdf` (PDF/A-2b, 6.2.11)."""

    def __init__(self, pdf: Pdf, path: Path, letters: str) -> None:
        font = _subset(path, "".join(sorted(set(letters))))
        self._glyphs, self._advances = font.glyphs, font.advances
        program = pdf.make_stream(font.program)
        program.Length1 = len(font.program)
        descriptor = pdf.make_indirect(
            Dictionary(
                Type=Name.FontDescriptor, FontName=Name("/SOHOAC+Tinos"), Flags=4, FontBBox=list(font.box),
                ItalicAngle=0, Ascent=font.ascent, Descent=font.descent, CapHeight=655, StemV=80,
                FontFile2=program,
            )
        )  # fmt: skip
        widths: list[object] = []
        for sign, glyph in sorted(self._glyphs.items(), key=lambda item: item[1]):
            widths += [glyph, Array([self._advances[sign]])]
        system = Dictionary(Registry=String("Adobe"), Ordering=String("Identity"), Supplement=0)
        descendant = pdf.make_indirect(
            Dictionary(
                Type=Name.Font, Subtype=Name.CIDFontType2, BaseFont=Name("/SOHOAC+Tinos"), CIDSystemInfo=system,
                FontDescriptor=descriptor, DW=1000, W=Array(widths), CIDToGIDMap=Name.Identity,
            )
        )  # fmt: skip
        self.object: Object = pdf.make_indirect(
            Dictionary(
                Type=Name.Font, Subtype=Name.Type0, BaseFont=Name("/SOHOAC+Tinos"), Encoding=Name("/Identity-H"),
                DescendantFonts=[descendant], ToUnicode=pdf.make_stream(self._to_unicode()),
            )
        )  # fmt: skip

    def width(self, text: str, size: float) -> float:
        """Points that `text` takes."""
        return sum(self._advances[sign] for sign in text) * size / 1000

    def encode(self, text: str) -> str:
        """Hexadecimal glyph numbers, two bytes each."""
        return "".join(f"{self._glyphs[sign]:04X}" for sign in text)

    def _to_unicode(self) -> bytes:
        rows = [f"<{glyph:04X}> <{ord(sign):04X}>" for sign, glyph in self._glyphs.items()]
        blocks = [rows[start : start + 100] for start in range(0, len(rows), 100)]
        body = "\n".join(f"{len(rows)} beginbfchar\n" + "\n".join(rows) + "\nendbfchar" for rows in blocks)
        return (
            "/CIDInit /ProcSet findresource begin 12 dict begin begincmap\n"
            "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n"
            "/CMapName /Adobe-Identity-UCS def /CMapType 2 def\n"
            "1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n"
            f"{body}\nendcmap CMapName currentdict /CMap defineresource pop end end"
        ).encode()
