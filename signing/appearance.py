"""How a visible signature looks: lines of black text at the template's size, broken to fit, no picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.writer import BasePdfFileWriter

from signing.lettering import FontProgram

LEADING = 1.15
PAD = 2.0
WIDTHS = (400.0, 230.0, 170.0, 125.0)
SMALLER = (1.0, 0.9, 0.8, 0.7)


@dataclass(frozen=True, slots=True)
class Appearance:
    """Broken lines at one size, and the room they take in points."""

    lines: tuple[str, ...]
    size: float
    width: float
    height: float


def variants(lines: Sequence[str], font: FontProgram, size: float) -> tuple[tuple[Appearance, ...], ...]:
    """Shapes to choose from, grouped: at the size that the law names first, then at smaller ones.

    Within a group from wide to narrow.
    """
    groups = []
    for factor in SMALLER:
        shapes = {_shape(lines, font, size * factor, limit) for limit in WIDTHS}
        groups.append(tuple(sorted(shapes, key=lambda one: -one.width)))
    return tuple(groups)


def _shape(lines: Sequence[str], font: FontProgram, size: float, limit: float) -> Appearance:
    broken = tuple(part for line in lines for part in _break(line, font, size, limit))
    widest = max(font.width(line, size) for line in broken)
    height = len(broken) * size * LEADING + 2 * PAD
    return Appearance(broken, size, round(widest + 2 * PAD, 2), round(height, 2))


def _break(line: str, font: FontProgram, size: float, limit: float) -> list[str]:
    """Lines no wider than `limit` where words allow it."""
    lines: list[str] = []
    for word in line.split(" "):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font.width(longer, size) <= limit:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def add_appearance(
    writer: BasePdfFileWriter, shape: Appearance, font: FontProgram, resource: generic.IndirectObject
) -> generic.IndirectObject:
    """Write the form XObject that shows the text; returns it."""
    top = shape.height - PAD - shape.size * 0.9
    parts = [f"BT 0 g /F0 {shape.size:g} Tf {shape.size * LEADING:.2f} TL {PAD:g} {top:.2f} Td"]
    parts += [f"<{font.encode(line)}> Tj T*" for line in shape.lines]
    content = " ".join([*parts, "ET"]).encode()
    fonts = generic.DictionaryObject({pdf_name("/F0"): resource})
    form = generic.StreamObject(
        generic.DictionaryObject(
            {
                pdf_name("/Type"): pdf_name("/XObject"),
                pdf_name("/Subtype"): pdf_name("/Form"),
                pdf_name("/BBox"): generic.ArrayObject(
                    [generic.FloatObject(edge) for edge in (0, 0, shape.width, shape.height)]
                ),
                pdf_name("/Resources"): generic.DictionaryObject({pdf_name("/Font"): fonts}),
            }
        ),
        stream_data=content,
    )
    form.compress()
    return writer.add_object(form)
