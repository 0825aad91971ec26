"""The report as a PDF: A4, selectable Vietnamese text in an embedded font, laid out line by line."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.writer import PageObject, PdfFileWriter

from signing.delivery.form_rules import TEXTS, breaches
from signing.lettering import FontProgram, Lettering, add_font

if TYPE_CHECKING:
    from signing.delivery.report import Report

WIDTH, HEIGHT, MARGIN = 595.0, 842.0, 56.0
BODY, SMALL, HEAD = 11.0, 9.5, 15.0
LEADING = 1.35
MOST_FILES = 500
"""Files told one by one; of more, the workbook tells."""
STRANGE = "\u25a1"
Line = tuple[float, float, str]
"""Size, indent, text."""


def write_pdf(report: Report, path: Path) -> None:
    """The sentence first, then conditions, lists, and the files that did not pass, then the others."""
    lettering = Lettering()
    known = lettering.letters()
    lines = [(size, indent, _clean(text, known)) for size, indent, text in _lines(report)]
    footer = report.words["page"].format("0123456789")
    font = lettering.program(
        "".join(sorted({sign for _, _, text in lines for sign in text} | set(footer) | set("0123456789 ")))
    )
    writer = PdfFileWriter(stream_xrefs=False)
    reference = add_font(writer, font)
    for number, page in enumerate(_pages(lines, font), 1):
        drawn = [*page, _draw(SMALL, MARGIN, 30, report.words["page"].format(number), font)]
        content = generic.StreamObject(
            generic.DictionaryObject({pdf_name("/Filter"): pdf_name("/FlateDecode")}),
            encoded_data=zlib.compress("\n".join(drawn).encode("ascii")),
        )
        resources = generic.DictionaryObject(
            {pdf_name("/Font"): generic.DictionaryObject({pdf_name("/F1"): reference})}
        )
        writer.insert_page(
            PageObject(
                contents=writer.add_object(content),
                media_box=(0, 0, int(WIDTH), int(HEIGHT)),
                resources=resources,
            )
        )
    writer.root["/Lang"] = generic.pdf_string(report.words.language)
    with path.open("wb") as out:
        writer.write(out)


def _lines(report: Report) -> Iterator[Line]:
    from signing.delivery.report import signature_lines

    words = report.words
    yield HEAD, 0, words["title"]
    yield BODY, 0, ""
    yield 13.0, 0, report.summary()
    yield BODY, 0, ""
    for label, value in report.circumstances():
        for number, part in enumerate(value.split("\n")):
            yield SMALL, 0 if number == 0 else 14, f"{label}: {part}" if number == 0 else part
    yield BODY, 0, ""
    for heading, names in report.lists():
        yield BODY, 0, heading
        for name in names:
            yield SMALL, 14, name
    yield BODY, 0, ""
    yield 13.0, 0, words["files"]
    for number, result in enumerate(report.store.results()):
        if number == MOST_FILES:
            left = sum(report.store.counts().values()) - MOST_FILES
            yield BODY, 0, words["more"].format(left)
            return
        yield SMALL, 0, ""
        yield BODY, 0, result["target"]
        yield SMALL, 14, words.reason(result["verdict"], result["sub_indication"])
        for problem in result["problems"]:
            yield SMALL, 14, words.finding(problem)
        for signature in result["signatures"]:
            told = [f"{label}: {value}" for label, value in signature_lines(signature, words)]
            yield SMALL, 14, told[0]
            yield SMALL, 28, "; ".join(told[1:])
        archive = result.get("archive")
        if archive:
            wrong = "; ".join(words.pick(TEXTS[code]) for code in breaches(archive))
            shown = f"PDF/A {archive['pdfa'] or '-'}, {archive['dpi'] or '?'} dpi, "
            shown += f"{words['pages'].lower()} {archive['pages']}"
            yield SMALL, 14, f"{words['forms']}: {shown}{'; ' + wrong if wrong else ''}"
        yield SMALL, 14, f"SHA-256: {result.get('sha256') or '?'}"


def _pages(lines: list[Line], font: FontProgram) -> Iterator[list[str]]:
    page: list[str] = []
    top = HEIGHT - MARGIN
    for size, indent, text in lines:
        for part in _broken(text, size, WIDTH - 2 * MARGIN - indent, font):
            top -= size * LEADING
            if top < MARGIN:
                yield page
                page, top = [], HEIGHT - MARGIN - size * LEADING
            if part:
                page.append(_draw(size, MARGIN + indent, top, part, font))
    yield page


def _draw(size: float, left: float, bottom: float, text: str, font: FontProgram) -> str:
    return f"BT /F1 {size:g} Tf {left:g} {bottom:.2f} Td <{font.encode(text)}> Tj ET"


def _broken(text: str, size: float, room: float, font: FontProgram) -> Iterator[str]:
    """The text in lines no wider than `room`; a word that is wider is broken."""
    line = ""
    for word in text.split(" "):
        while font.width(word, size) > room:
            cut = next(n for n in range(len(word), 0, -1) if font.width(word[:n], size) <= room or n == 1)
            if line:
                yield line
                line = ""
            yield word[:cut]
            word = word[cut:]
        longer = f"{line} {word}" if line else word
        if font.width(longer, size) > room:
            yield line
            line = word
        else:
            line = longer
    yield line


def _clean(text: str, known: frozenset[int]) -> str:
    """Letters that the font lacks as a box, so that no name of a file can stop the report."""
    box = STRANGE if ord(STRANGE) in known else "?"
    text = text.replace("→", ">") if ord("→") not in known else text
    return "".join(sign if ord(sign) in known else " " if sign.isspace() else box for sign in text)
