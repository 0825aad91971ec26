"""The text that a PDF page has of its own, where it stands on the page as rendered, and how far it says what is seen.

Whoever made the file wrote it, so it may say anything; text of the years before Unicode is turned into it. Called in
the same child process as the rendering.
"""

from __future__ import annotations

import ctypes
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import pypdfium2 as pdfium
import pypdfium2.raw as raw

from pipeline.grammar.folding import compact, nfc
from pipeline.grammar.legacy_codes import LegacyCode, code_of, decode, mend_hyphens
from pipeline.model import Box, Line, OwnText, Word
from pipeline.raster.pdf_page import has_own_text

MOST_SIGNS = 40_000
SURE = 0.6
"""Confidence from which a word of the picture counts when both are compared."""
SOFT_HYPHEN = "\u00ad"


def own_text(path: Path, number: int, *, dpi: float, lines: Sequence[Line]) -> OwnText | None:
    """Of page `number` (from 0), in pixels of the page at `dpi`; None where it has none worth the name."""
    try:
        document = pdfium.PdfDocument(path)
        try:
            page = document[number]
            if not has_own_text(page):
                return None
            raw_words = _words(page, dpi)
        finally:
            document.close()
    except (pdfium.PdfiumError, IndexError):
        return None
    code = code_of(" ".join(text for text, _ in raw_words))
    words = tuple(Word(text=_turned(text, code), box=box, confidence=1.0) for text, box in raw_words)
    return OwnText(words=words, code=code, agrees=round(agreement(words, lines), 3))


def _turned(text: str, code: LegacyCode | None) -> str:
    if code is None:
        return nfc(text)
    turned = nfc(decode(text, code))
    return mend_hyphens(turned) if code is LegacyCode.TCVN3 else turned


def agreement(words: Sequence[Word], lines: Sequence[Line]) -> float:
    """The share of the words read with confidence that the other text has at their place, diacritics apart."""
    places: dict[str, list[Box]] = defaultdict(list)
    for word in words:
        places[compact(word.text)].append(word.box)
    seen = [
        (compact(word.text), word.box) for line in lines for word in line.words if word.confidence >= SURE
    ]
    seen = [(key, box) for key, box in seen if len(key) > 1]
    if not seen:
        return 0.0
    return sum(any(_meet(box, other) for other in places.get(key, ())) for key, box in seen) / len(seen)


def _meet(one: Box, other: Box) -> bool:
    slack = (one.bottom - one.top) // 2
    return (
        one.left < other.right + slack
        and other.left < one.right + slack
        and one.top < other.bottom
        and other.top < one.bottom
    )


def _words(page: pdfium.PdfPage, dpi: float) -> list[tuple[str, Box]]:
    """Words as they stand in the file, signs in its order; pdfium sets spaces where gaps are."""
    text = page.get_textpage()
    width, height = (round(points / 72 * dpi) for points in page.get_size())
    found: list[tuple[str, Box]] = []
    signs: list[str] = []
    boxes: list[Box] = []
    for index in range(min(text.count_chars(), MOST_SIGNS)):
        sign = chr(raw.FPDFText_GetUnicode(text, index) or 0x20)
        if raw.FPDFText_IsHyphen(text, index) == 1 and sign in ("\x02", "\ufffe"):
            sign = SOFT_HYPHEN  # the ư of TCVN3 stands where Latin-1 has the soft hyphen
        if sign.isspace() or (not sign.isprintable() and sign != SOFT_HYPHEN):
            if signs:
                found.append(("".join(signs), _around(boxes)))
            signs, boxes = [], []
            continue
        signs.append(sign)
        boxes.append(_box(page, text, index, width, height))
    if signs:
        found.append(("".join(signs), _around(boxes)))
    return found


def _box(page: pdfium.PdfPage, text: pdfium.PdfTextPage, index: int, width: int, height: int) -> Box:
    left, bottom, right, top = text.get_charbox(index)
    corners = [_shown(page, x, y, width, height) for x, y in ((left, bottom), (right, top))]
    xs, ys = [x for x, _ in corners], [y for _, y in corners]
    return Box(left=min(xs), top=min(ys), right=max(xs), bottom=max(ys))


def _shown(page: pdfium.PdfPage, x: float, y: float, width: int, height: int) -> tuple[int, int]:
    """A point of the page where it stands in the picture, the page's own turn included."""
    across, down = ctypes.c_int(), ctypes.c_int()
    raw.FPDF_PageToDevice(page, 0, 0, width, height, 0, x, y, ctypes.byref(across), ctypes.byref(down))
    return across.value, down.value


def _around(boxes: Sequence[Box]) -> Box:
    return Box(
        left=min(box.left for box in boxes),
        top=min(box.top for box in boxes),
        right=max(box.right for box in boxes),
        bottom=max(box.bottom for box in boxes),
    )
