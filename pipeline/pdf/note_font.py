"""A visible line of text in an embedded font, for what a copy says about itself."""

from __future__ import annotations

import io
from pathlib import Path

from fontTools import subset
from pikepdf import Array, Dictionary, Name, Object, Pdf, String


class NoteFont:
    """A subset of a TrueType font with just the letters of `text`, written into `pdf` (PDF/A-2b, 6.2.11)."""

    def __init__(self, pdf: Pdf, path: Path, text: str) -> None:
        options = subset.Options(hinting=False, layout_features=[], glyph_names=False, notdef_outline=True)
        options.drop_tables += ["post", "name", "OS/2", "gasp"]
        font = subset.load_font(str(path), options)
        font.recalcTimestamp = False
        worker = subset.Subsetter(options)
        worker.populate(text=text)
        worker.subset(font)
        names = font.getBestCmap()
        scale = 1000 / font["head"].unitsPerEm
        self._glyphs = {chr(code): font.getGlyphID(name) for code, name in names.items()}
        self._advances = {chr(code): round(font["hmtx"][name][0] * scale) for code, name in names.items()}
        head, tall = font["head"], font["hhea"]
        box = [round(edge * scale) for edge in (head.xMin, head.yMin, head.xMax, head.yMax)]
        out = io.BytesIO()
        font.save(out)
        program = pdf.make_stream(out.getvalue())
        program.Length1 = len(out.getvalue())
        descriptor = pdf.make_indirect(
            Dictionary(
                Type=Name.FontDescriptor, FontName=Name("/SOHOAC+Tinos"), Flags=4, FontBBox=box, ItalicAngle=0,
                Ascent=round(tall.ascent * scale), Descent=round(tall.descent * scale), CapHeight=655, StemV=80,
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
