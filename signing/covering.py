"""Visible signatures that were laid over a document after somebody else had signed it.

Seals over a signer's name are customary, so words under a later signature are named, not refused; a signature that
takes half a page, or one of a stranger over words that a trusted person signed, changes what is read ("sneaky
signature", Rohlmann and others, 2021).
"""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pikepdf
import pypdfium2 as pdfium
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature

from signing.signature_fields import UNREADABLE

Rectangle = tuple[float, float, float, float]
"""Left, bottom, right, top in points from the page's lower left corner."""
MOST_SHARE = 0.5
"""Of a page's area."""
MOST_LETTERS = 2
"""Under a later signature without a word being said: a letter may touch a border."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cover:
    """`late` lies over what `early` signed: that share of the page, those words."""

    early: EmbeddedPdfSignature
    late: EmbeddedPdfSignature
    share: float
    words: str


def covers(content: bytes, regular: Sequence[EmbeddedPdfSignature]) -> Iterator[Cover]:
    """Every later visible signature over the state that the one before it signed."""
    if len(regular) < 2:
        return
    try:
        places = _places(content)
    except (pikepdf.PdfError, pikepdf.PasswordError, RuntimeError, *UNREADABLE):
        return  # what cannot be looked at is judged by the change rule
    for early, late in itertools.pairwise(regular):
        own: Any = late.sig_field.container_ref
        try:
            number, place = places[own.idnum, own.generation]
            share, words = _under(content[: _end(early)], number, place)
        except (pdfium.PdfiumError, *UNREADABLE):
            continue
        yield Cover(early=early, late=late, share=share, words=words)


def _places(content: bytes) -> dict[tuple[int, int], tuple[int, Rectangle]]:
    """Page (from 0) and rectangle of each visible widget, by its object."""
    found: dict[tuple[int, int], tuple[int, Rectangle]] = {}
    with pikepdf.open(io.BytesIO(content), suppress_warnings=True) as pdf:
        for number, page in enumerate(pdf.pages):
            for widget in list(page.obj.get("/Annots", [])):
                if widget.get("/Subtype") != "/Widget" or "/AP" not in widget or "/Rect" not in widget:
                    continue
                edges = [float(edge) for edge in list(widget["/Rect"])]
                left, right = sorted(edges[0::2])
                bottom, top = sorted(edges[1::2])
                if right - left >= 1 and top - bottom >= 1:
                    found[widget.objgen] = (number, (left, bottom, right, top))
    return found


def _end(one: EmbeddedPdfSignature) -> int:
    return int(one.byte_range[2]) + int(one.byte_range[3])


def _under(content: bytes, number: int, place: Rectangle) -> tuple[float, str]:
    left, bottom, right, top = place
    document = pdfium.PdfDocument(io.BytesIO(content))
    try:
        page = document[number]
        area = page.get_width() * page.get_height()
        words = page.get_textpage().get_text_bounded(left, bottom, right, top)
        return (right - left) * (top - bottom) / area, " ".join(words.split())
    finally:
        document.close()
