"""Sheets to print: black text in an embedded font on A4, line by line, with a QR code; repeatable byte for byte.

Coordinates are points from the top left of the sheet, y down.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pikepdf
import zxingcpp
from fontTools import subset
from fontTools.ttLib import TTFont
from pikepdf import Array, Dictionary, Name, Pdf, String

WIDTH, HEIGHT = 595.28, 841.89
TAG = "SOHOAP"
LEADING = 1.3


@dataclass(slots=True)
class Sheet:
    """Pages in the making. `y` is where the next line goes; text below `bottom` begins a new page."""

    font: Path
    left: float = 71.0
    right: float = 538.0
    bottom: float = 780.0
    y: float = 57.0
    _pages: list[list[tuple[float, float, float, bool, str]]] = field(default_factory=lambda: [[]])
    _drawing: list[str] = field(default_factory=lambda: [""])
    _face: TTFont | None = None

    def width(self, text: str, size: float) -> float:
        """Points that `text` takes in one line."""
        face, known, advances = self._measures()
        units = int(face["head"].unitsPerEm)
        return sum(advances[known[ord(sign)]][0] for sign in self._printable(text)) * size / units

    def put(
        self, x: float, y: float, text: str, size: float, *, bold: bool = False, centred: bool = False
    ) -> None:
        """One line whose base is at y; centred around x when asked."""
        if centred:
            x -= self.width(text, size) / 2
        self._pages[-1].append((x, y, size, bold, self._printable(text)))

    def paragraph(
        self,
        text: str,
        size: float,
        *,
        bold: bool = False,
        indent: float = 0.0,
        centred: bool = False,
        gap: float = 4.0,
    ) -> None:
        """Text folded to the width at hand, from `y` on."""
        for line in self._fold(text, size, self.right - self.left - indent):
            self.need(size * LEADING)
            self.y += size * LEADING
            middle = (self.left + self.right) / 2
            self.put(
                middle if centred else self.left + indent, self.y, line, size, bold=bold, centred=centred
            )
        self.y += gap

    def need(self, height: float) -> None:
        """A new page when so much does not fit any more."""
        if self.y + height > self.bottom:
            self._pages.append([])
            self._drawing.append("")
            self.y = 57.0

    def rule(self, x0: float, x1: float, y: float) -> None:
        """A thin line."""
        self._drawing[-1] += f"0.6 w {x0:.2f} {HEIGHT - y:.2f} m {x1:.2f} {HEIGHT - y:.2f} l S\n"

    def code(self, text: str, x: float, y: float, size: float) -> None:
        """A QR code (ISO/IEC 18004) of correction level M, with its quiet zone, in a square of `size`."""
        made = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
        modules = np.array(made.to_image(scale=1)) == 0
        step = size / modules.shape[0]
        boxes = [
            f"{x + column * step:.3f} {HEIGHT - y - (row + 1) * step:.3f} {step:.3f} {step:.3f} re"
            for row, column in np.argwhere(modules)
        ]
        self._drawing[-1] += "\n".join([*boxes, "f\n"])

    def pdf(self, *, title: str) -> bytes:
        """The finished file."""
        letters = {sign for page in self._pages for *_, text in page for sign in text}
        pdf = Pdf.new()
        font, glyphs = _font(pdf, self.font, letters)
        for lines, drawing in zip(self._pages, self._drawing, strict=True):
            content = "\n".join([drawing, *(_line(line, glyphs) for line in lines)]).encode()
            page = Dictionary(
                Type=Name.Page,
                MediaBox=[0, 0, WIDTH, HEIGHT],
                Resources=Dictionary(Font=Dictionary(F0=font)),
                Contents=pdf.make_stream(content),
            )
            pdf.pages.append(pikepdf.Page(pdf.make_indirect(page)))
        pdf.Root.Lang = String("vi-VN")
        pdf.docinfo[Name.Title] = String(title)
        out = io.BytesIO()
        pdf.save(out, deterministic_id=True, force_version="1.7")
        return out.getvalue()

    def _measures(self) -> tuple[TTFont, dict[int, str], dict[str, tuple[int, int]]]:
        if self._face is None:
            self._face = TTFont(self.font, lazy=True)
        return self._face, self._face.getBestCmap(), self._face["hmtx"].metrics

    def _printable(self, text: str) -> str:
        """A letter that the font lacks is shown as a question mark, never left out."""
        known = self._measures()[1]
        return "".join(sign if ord(sign) in known else "?" for sign in text)

    def _fold(self, text: str, size: float, room: float) -> Sequence[str]:
        lines: list[str] = [""]
        for word in text.split():
            while self.width(word, size) > room:  # a word without end, as a long code
                cut = next(n for n in range(len(word), 0, -1) if self.width(word[:n], size) <= room)
                lines += [word[:cut]]
                word = word[cut:]
            longer = f"{lines[-1]} {word}".strip()
            if self.width(longer, size) <= room:
                lines[-1] = longer
            else:
                lines.append(word)
        return [line for line in lines if line] or [""]


def _line(line: tuple[float, float, float, bool, str], glyphs: dict[str, int]) -> str:
    x, y, size, bold, text = line
    mode = f"2 Tr {size / 40:.2f} w" if bold else "0 Tr"
    shown = "".join(f"{glyphs[sign]:04X}" for sign in text)
    return f"BT {mode} /F0 {size:g} Tf 1 0 0 1 {x:.2f} {HEIGHT - y:.2f} Tm <{shown}> Tj ET"


def _font(pdf: Pdf, path: Path, letters: set[str]) -> tuple[pikepdf.Object, dict[str, int]]:
    """The font cut down to these letters, embedded, with the text that each glyph stands for."""
    face = TTFont(path, recalcTimestamp=False)
    options = subset.Options(
        drop_tables=["GSUB", "GPOS", "GDEF", "DSIG", "kern"], hinting=False, recalc_timestamp=False
    )
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=[ord(sign) for sign in letters | {" "}])
    cutter.subset(face)
    out = io.BytesIO()
    face.save(out)
    known, scale = face.getBestCmap(), 1000 / face["head"].unitsPerEm
    glyphs = {chr(code): face.getGlyphID(name) for code, name in known.items()}
    advances = {glyphs[chr(code)]: round(face["hmtx"][name][0] * scale) for code, name in known.items()}
    program = pdf.make_stream(out.getvalue())
    program.Length1 = len(out.getvalue())
    name = Name(f"/{TAG}+{path.stem}")
    head, ascent, descent = face["head"], face["hhea"].ascent, face["hhea"].descent
    descriptor = Dictionary(
        Type=Name.FontDescriptor, FontName=name, Flags=4,
        FontBBox=[round(edge * scale) for edge in (head.xMin, head.yMin, head.xMax, head.yMax)],
        ItalicAngle=0, Ascent=round(ascent * scale), Descent=round(descent * scale), CapHeight=660, StemV=80,
        FontFile2=program,
    )  # fmt: skip
    widths = Array([part for glyph in sorted(advances) for part in (glyph, Array([advances[glyph]]))])
    descendant = Dictionary(
        Type=Name.Font, Subtype=Name.CIDFontType2, BaseFont=name, DW=1000, W=widths,
        CIDSystemInfo=Dictionary(Registry=String("Adobe"), Ordering=String("Identity"), Supplement=0),
        FontDescriptor=pdf.make_indirect(descriptor), CIDToGIDMap=Name.Identity,
    )  # fmt: skip
    made = Dictionary(
        Type=Name.Font, Subtype=Name.Type0, BaseFont=name, Encoding=Name("/Identity-H"),
        DescendantFonts=[pdf.make_indirect(descendant)], ToUnicode=pdf.make_stream(_to_unicode(glyphs)),
    )  # fmt: skip
    return pdf.make_indirect(made), glyphs


def _to_unicode(glyphs: dict[str, int]) -> bytes:
    pairs = [
        f"<{glyph:04X}> <{sign.encode('utf-16-be').hex().upper()}>" for sign, glyph in sorted(glyphs.items())
    ]
    blocks = [pairs[start : start + 100] for start in range(0, len(pairs), 100)]
    ranges = "\n".join(f"{len(block)} beginbfchar\n" + "\n".join(block) + "\nendbfchar" for block in blocks)
    return (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap\n"
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n"
        "/CMapName /Adobe-Identity-UCS def /CMapType 2 def\n"
        "1 begincodespacerange <0000> <FFFF> endcodespacerange\n"
        f"{ranges}\nendcmap CMapName currentdict /CMap defineresource pop end end"
    ).encode()
