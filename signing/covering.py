"""Visible signatures that were laid over a document after somebody else had signed it.

Seals over a signer's name are customary, so words under a later signature are named, not refused; a signature that takes
half a page, or one of a stranger over words that a trusted person signed, changes what is read ("sneaky signature",
Rohlmann and others, 2021).
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pypdfium2 as pdfium
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature

from signing.signature_fields import UNREADABLE

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
    for early, late in zip(regular, regular[1:], strict=False):
        try:
            place = _place(late)
            if place is None:
                continue
            page, rectangle = place
            share, words = _under(content[: _end(early)], page, rectangle)
        except (pdfium.PdfiumError, *UNREADABLE):
            continue  # what cannot be looked at is judged by the change rule
        yield Cover(early=early, late=late, share=share, words=words)


def _place(one: EmbeddedPdfSignature) -> tuple[int, tuple[float, float, float, float]] | None:
    rectangle = [float(edge) for edge in one.sig_field["/Rect"]]
    left, right = sorted(rectangle[0::2])
    bottom, top = sorted(rectangle[1::2])
    if right - left < 1 or top - bottom < 1 or "/AP" not in one.sig_field:
        return None
    own = one.sig_field.container_ref
    pages = one.reader.root["/Pages"]["/Kids"]
    for number, page in enumerate(pages):
        annotations = page.get("/Annots", ())
        if any(getattr(ref, "reference", None) == own for ref in _raw(annotations)):
            return number, (left, bottom, right, top)
    return None


def _raw(annotations: object) -> Iterator[object]:
    for number in range(len(annotations) if hasattr(annotations, "__len__") else 0):
        yield annotations.raw_get(number)  # type: ignore[attr-defined]


def _end(one: EmbeddedPdfSignature) -> int:
    return int(one.byte_range[2]) + int(one.byte_range[3])


def _under(content: bytes, number: int, place: tuple[float, float, float, float]) -> tuple[float, str]:
    left, bottom, right, top = place
    document = pdfium.PdfDocument(io.BytesIO(content))
    try:
        page = document[number]
        area = page.get_width() * page.get_height()
        words = page.get_textpage().get_text_bounded(left, bottom, right, top)
        return (right - left) * (top - bottom) / area, " ".join(words.split())
    finally:
        document.close()
