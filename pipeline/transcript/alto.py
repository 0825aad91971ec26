"""ALTO 4.4 (Library of Congress): boxes in pixels of the page as read, word confidence from 0 to 1."""

from __future__ import annotations

from itertools import groupby
from xml.etree import ElementTree as Xml

from pipeline.model import Box, Line
from pipeline.sidecar import Sidecar, SidecarPage
from pipeline.transcript.letters import printable, surrounding

SPACE = "http://www.loc.gov/standards/alto/ns-v4#"
SCHEMA = "http://www.loc.gov/alto/v4/alto-4-4.xsd"
INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"


def alto(sidecar: Sidecar) -> str:
    """All pages of a document; reading order is the order of blocks and lines."""
    Xml.register_namespace("", SPACE)
    Xml.register_namespace("xsi", INSTANCE)
    root = Xml.Element(f"{{{SPACE}}}alto", {f"{{{INSTANCE}}}schemaLocation": f"{SPACE} {SCHEMA}"})
    about = _add(root, "Description")
    _add(about, "MeasurementUnit").text = "pixel"
    source = _add(about, "sourceImageInformation")
    _add(source, "fileName").text = f"{sidecar.document}.pdf"
    _add(source, "fileIdentifier").text = f"sha256:{sidecar.pdf_sha256}"
    step = _add(about, "OCRProcessing", ID="ocr")
    program = _add(_add(step, "ocrProcessingStep"), "processingSoftware")
    _add(program, "softwareName").text = "sohoa"
    layout = _add(root, "Layout")
    for number, page in enumerate(sidecar.pages, 1):
        _page(layout, page, number)
    Xml.indent(root, " ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + Xml.tostring(root, encoding="unicode") + "\n"


def _page(layout: Xml.Element, page: SidecarPage, number: int) -> None:
    whole = Box(left=0, top=0, right=page.width, bottom=page.height)
    leaf = _add(
        layout, "Page", ID=f"page_{number}", PHYSICAL_IMG_NR=str(number), HEIGHT=str(page.height),
        WIDTH=str(page.width), PC=f"{page.confidence:.3f}",
    )  # fmt: skip
    space = _add(leaf, "PrintSpace", **_place(whole))
    count = 0
    for area, (_, group) in enumerate(groupby(page.lines, key=lambda line: line.block), 1):
        lines = list(group)
        block = _add(
            space, "TextBlock", ID=f"block_{number}_{area}", **_place(surrounding([o.box for o in lines]))
        )
        for line in lines:
            count += 1
            _line(block, line, f"{number}_{count}")


def _line(block: Xml.Element, line: Line, name: str) -> None:
    row = _add(block, "TextLine", ID=f"line_{name}", **_place(line.box))
    for number, word in enumerate(line.words, 1):
        before = line.words[number - 2].box if number > 1 else None
        if before is not None:
            gap = {"HPOS": str(before.right), "VPOS": str(word.box.top)}
            _add(row, "SP", WIDTH=str(max(0, word.box.left - before.right)), **gap)
        _add(
            row, "String", ID=f"word_{name}_{number}", CONTENT=printable(word.text), WC=f"{word.confidence:.3f}",
            **_place(word.box),
        )  # fmt: skip


def _place(box: Box) -> dict[str, str]:
    return {
        "HPOS": str(box.left),
        "VPOS": str(box.top),
        "WIDTH": str(box.right - box.left),
        "HEIGHT": str(box.bottom - box.top),
    }


def _add(parent: Xml.Element, name: str, **attributes: str) -> Xml.Element:
    return Xml.SubElement(parent, f"{{{SPACE}}}{name}", attributes)
