"""hOCR 1.2: XHTML with boxes in pixels of the page as read, confidences from 0 to 100."""

from __future__ import annotations

from itertools import groupby
from xml.sax.saxutils import escape, quoteattr

from pipeline.model import Box, Line
from pipeline.sidecar import Sidecar, SidecarPage
from pipeline.transcript.letters import printable, surrounding

HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">
<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="vi" lang="vi">
<head>
<title>{title}</title>
<meta http-equiv="Content-Type" content="text/html;charset=utf-8"/>
<meta name="ocr-system" content="sohoa"/>
<meta name="ocr-capabilities" content="ocr_page ocr_carea ocr_line ocrx_word ocrp_lang ocrp_wconf"/>
<meta name="dc.source" content={source}/>
</head>
<body>
"""


def hocr(sidecar: Sidecar) -> str:
    """All pages of a document."""
    source = f"{sidecar.document} sha256:{sidecar.pdf_sha256}"
    parts = [HEAD.format(title=escape(printable(sidecar.document)), source=quoteattr(source))]
    for number, page in enumerate(sidecar.pages, 1):
        parts.append(_page(page, number))
    return "".join([*parts, "</body>\n</html>\n"])


def _page(page: SidecarPage, number: int) -> str:
    image = printable(page.source).replace('"', "'")
    about = (
        f'image "{image}"; bbox 0 0 {page.width} {page.height}; ppageno {number - 1}; '
        f"scan_res {page.dpi:.0f} {page.dpi:.0f}"
    )
    rows = [f'<div class="ocr_page" id="page_{number}" title={quoteattr(about)}>\n']
    count = 0
    for area, (_, group) in enumerate(groupby(page.lines, key=lambda line: line.block), 1):
        lines = list(group)
        box = surrounding([line.box for line in lines])
        rows.append(f'<div class="ocr_carea" id="block_{number}_{area}" title="{_bbox(box)}">\n')
        for line in lines:
            count += 1
            rows.append(_line(line, f"{number}_{count}"))
        rows.append("</div>\n")
    return "".join([*rows, "</div>\n"])


def _line(line: Line, name: str) -> str:
    words = [
        f'<span class="ocrx_word" id="word_{name}_{number}" '
        f'title="{_bbox(word.box)}; x_wconf {round(100 * word.confidence)}">{escape(printable(word.text))}</span>'
        for number, word in enumerate(line.words, 1)
    ]
    return f'<span class="ocr_line" id="line_{name}" title="{_bbox(line.box)}">{" ".join(words)}</span>\n'


def _bbox(box: Box) -> str:
    return f"bbox {box.left} {box.top} {box.right} {box.bottom}"
