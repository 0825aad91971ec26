"""Text of visible signatures in an embedded font that PDF/A-2b accepts, made once for all documents of a signer.

The law asks for Times New Roman; Tinos has its measures, covers Vietnamese, and may be shipped (OFL). Glyphs are
written by number, widths scaled to a thousand units, so no shaping runs for each document.
"""

from __future__ import annotations

import io
import threading
import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from fontTools import subset
from fontTools.ttLib import TTFont
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.writer import BasePdfFileWriter

from pipeline.errors import UsageError

FONT = Path(__file__).parent / "fonts" / "Tinos-Vietnamese.ttf"
TAG = "SOHOAS"


@dataclass(frozen=True, slots=True, kw_only=True)
class FontProgram:
    """A subset of the font: program (compressed), glyph and advance of each letter, measures per thousand."""

    name: str
    program: bytes
    length: int
    glyphs: dict[str, int]
    advances: dict[str, int]
    box: tuple[int, int, int, int]
    ascent: int
    descent: int
    capitals: int

    def width(self, text: str, size: float) -> float:
        """Points that `text` takes."""
        return sum(self.advances[sign] for sign in text) * size / 1000

    def encode(self, text: str) -> str:
        """Hexadecimal glyph numbers, two bytes each."""
        return "".join(f"{self.glyphs[sign]:04X}" for sign in text)


class Lettering:
    """The font at hand. Letters are added to the subset as texts need them; it is rebuilt only then."""

    def __init__(self, font: Path = FONT) -> None:
        self._path = font
        self._letters = frozenset("0123456789/:+-,. ")
        self._program: FontProgram | None = None
        self._lock = threading.Lock()

    @cached_property
    def _known(self) -> frozenset[int]:
        return frozenset(TTFont(self._path, lazy=True).getBestCmap())

    def letters(self) -> frozenset[int]:
        """Code points that the font has."""
        return self._known

    def program(self, text: str) -> FontProgram:
        """A font program that has every letter of `text`. Raises UsageError naming a letter it lacks."""
        with self._lock:
            wanted = self._letters | frozenset(text)
            if self._program is None or wanted != self._letters:
                self._program = self._build(wanted)
                self._letters = wanted
            return self._program

    def _build(self, letters: frozenset[str]) -> FontProgram:
        if missing := sorted(sign for sign in letters if ord(sign) not in self._known):
            raise UsageError(
                f"the font of visible signatures has no letter {missing[0]!r} (U+{ord(missing[0]):04X}); "
                "write the name without it",
                vi=f"Phông chữ của chữ ký không có ký tự {missing[0]!r}; hãy sửa tên hiển thị",
            )
        options = subset.Options(hinting=False, layout_features=[], glyph_names=False, notdef_outline=True)
        options.drop_tables += ["post", "name", "OS/2", "gasp"]
        font = subset.load_font(str(self._path), options)
        worker = subset.Subsetter(options)
        worker.populate(unicodes=[ord(sign) for sign in letters])
        measures = font["OS/2"]
        scale = 1000 / font["head"].unitsPerEm
        capitals = round(measures.sCapHeight * scale)
        worker.subset(font)
        out = io.BytesIO()
        font.save(out)
        names = font.getBestCmap()
        head, tall = font["head"], font["hhea"]
        return FontProgram(
            name=f"{TAG}+Tinos-Regular",
            program=zlib.compress(out.getvalue(), 9),
            length=len(out.getvalue()),
            glyphs={sign: font.getGlyphID(names[ord(sign)]) for sign in letters},
            advances={sign: round(font["hmtx"][names[ord(sign)]][0] * scale) for sign in letters},
            box=(
                round(head.xMin * scale),
                round(head.yMin * scale),
                round(head.xMax * scale),
                round(head.yMax * scale),
            ),
            ascent=round(tall.ascent * scale),
            descent=round(tall.descent * scale),
            capitals=capitals,
        )


def add_font(writer: BasePdfFileWriter, font: FontProgram) -> generic.IndirectObject:
    """Write the font's objects into a revision; returns the Type0 font."""
    program = _stream(font.program, {"/Length1": generic.NumberObject(font.length)})
    descriptor = _dictionary(
        {
            "/Type": pdf_name("/FontDescriptor"),
            "/FontName": pdf_name(f"/{font.name}"),
            "/Flags": generic.NumberObject(4),
            "/FontBBox": _numbers(font.box),
            "/ItalicAngle": generic.NumberObject(0),
            "/Ascent": generic.NumberObject(font.ascent),
            "/Descent": generic.NumberObject(font.descent),
            "/CapHeight": generic.NumberObject(font.capitals),
            "/StemV": generic.NumberObject(80),
            "/FontFile2": writer.add_object(program),
        }
    )
    system = {"/Registry": "Adobe", "/Ordering": "Identity"}
    descendant = _dictionary(
        {
            "/Type": pdf_name("/Font"),
            "/Subtype": pdf_name("/CIDFontType2"),
            "/BaseFont": pdf_name(f"/{font.name}"),
            "/CIDSystemInfo": _dictionary(
                {
                    **{key: generic.TextStringObject(value) for key, value in system.items()},
                    "/Supplement": generic.NumberObject(0),
                }
            ),
            "/CIDToGIDMap": pdf_name("/Identity"),
            "/DW": generic.NumberObject(1000),
            "/W": _widths(font),
            "/FontDescriptor": writer.add_object(descriptor),
        }
    )
    whole = _dictionary(
        {
            "/Type": pdf_name("/Font"),
            "/Subtype": pdf_name("/Type0"),
            "/BaseFont": pdf_name(f"/{font.name}"),
            "/Encoding": pdf_name("/Identity-H"),
            "/DescendantFonts": generic.ArrayObject([writer.add_object(descendant)]),
            "/ToUnicode": writer.add_object(_stream(zlib.compress(_to_unicode(font)), {})),
        }
    )
    return writer.add_object(whole)


def _widths(font: FontProgram) -> generic.ArrayObject:
    parts: list[Any] = []
    for sign, glyph in sorted(font.glyphs.items(), key=lambda item: item[1]):
        parts += [generic.NumberObject(glyph), _numbers((font.advances[sign],))]
    return generic.ArrayObject(parts)


def _to_unicode(font: FontProgram) -> bytes:
    lines = [f"<{glyph:04X}> <{ord(sign):04X}>" for sign, glyph in font.glyphs.items()]
    blocks = [lines[at : at + 100] for at in range(0, len(lines), 100)]
    mapping = "\n".join(f"{len(block)} beginbfchar\n" + "\n".join(block) + "\nendbfchar" for block in blocks)
    return (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap\n"
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n"
        "/CMapName /Adobe-Identity-UCS def /CMapType 2 def\n"
        "1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n"
        f"{mapping}\nendcmap CMapName currentdict /CMap defineresource pop end end"
    ).encode()


def _dictionary(entries: dict[str, Any]) -> generic.DictionaryObject:
    return generic.DictionaryObject({pdf_name(key): value for key, value in entries.items()})


def _numbers(values: tuple[int, ...]) -> generic.ArrayObject:
    return generic.ArrayObject([generic.NumberObject(value) for value in values])


def _stream(compressed: bytes, entries: dict[str, Any]) -> generic.StreamObject:
    named = {**entries, "/Filter": pdf_name("/FlateDecode")}
    return generic.StreamObject(_dictionary(named), encoded_data=compressed)
