"""Whose a page is, by the dossier codes on it: every place that names one is a reading, and readings add up.

A QR code carries its own check and is read right or not at all. Print can be misread: of 610 codes found on 645 made
papers (six typefaces, clean to photocopied) 16 were. None of these was read alike a second time, so none kept more
than 0.64, while 574 of the 594 right ones have 0.9 or more. Two misreadings of one paper may still agree where the
typeface misleads (a zero with a dot is a nine), and the tail of an old code looks like a short one: places that agree
count only from `FAINT` on, and a tail never.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from rapidfuzz.distance import Levenshtein

from pipeline.classify.printed import SURE, clear
from pipeline.grammar.codes import DossierCode, find_dossier_codes
from pipeline.grammar.provinces import one_province, province, provinces_named
from pipeline.grammar.receipt_codes import ReceiptForm, codes_of_receipt
from pipeline.model import ReadPage, Word

SURE_ODD = (
    0.95  # read alike by two models; for what a misreading makes too: a closed province, a date to come
)
FAINT = 0.5  # disputed readings have less: a typeface is misread alike wherever it stands
NEAR = 3  # signs in which a misreading may differ from what is printed

QR, TEXT = "qr", "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One place that names a dossier.

    `odd`: well formed, but something speaks against it. `whole`: no space was read inside it, but where a line
    may break. `cut`: perhaps the tail of a longer code. `clear`: the page is. `at_home`: the page names the code's
    province; None when it names none.
    """

    code: DossierCode
    page: int
    source: str
    confidence: float = 1.0
    repaired: bool = False
    cut: bool = False
    odd: bool = False
    whole: bool = True
    clear: bool = True
    at_home: bool | None = None

    @property
    def certain(self) -> bool:
        """Whether this place needs no other that agrees."""
        if self.source == QR:
            return True
        if self.repaired or self.cut:
            return False
        odd = self.odd or self.at_home is False
        if self.clear:
            return self.confidence >= (SURE_ODD if odd else SURE)
        return not odd and self.confidence >= (SURE if self.whole and self.at_home else SURE_ODD)


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """What the readings of a page come to: a code, or none; `conflict` holds two codes that disagree."""

    code: DossierCode | None = None
    source: str = "none"
    conflict: tuple[str, str] | None = None


def readings(page: ReadPage, today: date, receipts: Sequence[ReceiptForm] = ()) -> tuple[Reading, ...]:
    """Every dossier code in the barcodes and in the text of a page; `today` makes codes of the future odd."""
    return (*_in_barcodes(page, today, receipts), *_in_text(page, today))


def agreed(every: Iterable[Reading]) -> frozenset[str]:
    """Codes that two places or more in a batch name exactly alike, neither of them repaired or faint."""
    places = Counter(
        item.code.text
        for item in every
        if not item.repaired
        and not item.cut
        and item.confidence >= FAINT
        and province(item.code.level1) is not None
    )
    return frozenset(text for text, count in places.items() if count > 1)


def named(found: Sequence[Reading], agreeing: frozenset[str]) -> Named:
    """What readings of one page come to, given the codes on which places of the batch agree.

    A QR code rules over print that is a misreading of it (a sign or two, read with doubt); print that clearly names
    another dossier is a conflict. Of print, one code must be certain and no other stand beside it.
    """
    sure = {item.code.text: item for item in found if believed(item, agreeing)}
    for item in found:
        if item.source == QR:
            sure[item.code.text] = item
    if len(sure) > 1:
        first, second = list(sure)[:2]
        return Named(conflict=(first, second))
    if not sure:
        return Named()
    (only,) = sure.values()
    stranger = next((item for item in found if not _same_print(item, only.code)), None)
    if stranger is not None:
        return Named(conflict=(only.code.text, stranger.code.text))
    return Named(code=only.code, source=only.source)


def believed(reading: Reading, agreeing: frozenset[str]) -> bool:
    """Whether a reading is certain by itself or because another place names the same code."""
    return reading.certain or (not reading.repaired and not reading.cut and reading.code.text in agreeing)


def stranger_to(code: DossierCode, found: Sequence[Reading], agreeing: frozenset[str]) -> str | None:
    """The code of another dossier that a page clearly names, or None."""
    for item in found:
        other = item.code.text != code.text
        if other and (believed(item, agreeing) or not _same_print(item, code)):
            return item.code.text
    return None


def _same_print(item: Reading, code: DossierCode) -> bool:
    """Whether a reading can be the code itself, misread."""
    if item.cut and code.text.endswith(item.code.text):
        return True
    return Levenshtein.distance(item.code.text, code.text) <= NEAR


def _in_barcodes(page: ReadPage, today: date, receipts: Sequence[ReceiptForm]) -> list[Reading]:
    """Codes in QR and bar codes: a plain code, an address that holds it, or delimited fields."""
    found: dict[str, Reading] = {}
    for barcode in page.barcodes:
        for item in codes_of_receipt(barcode.text, receipts, today):
            if item.repaired or province(item.code.level1) is None:
                continue
            found[item.code.text] = Reading(
                code=item.code,
                page=page.page.index,
                source=QR,
                odd=item.doubt is not None,
            )
    return list(found.values())


def _in_text(page: ReadPage, today: date) -> list[Reading]:
    text, places = _spelled(page)
    around = provinces_named(text)
    return [
        Reading(
            code=item.code,
            page=page.page.index,
            source=TEXT,
            confidence=min(
                (word.confidence for start, end, word in places if start < item.end and item.start < end),
                default=0.0,
            ),
            repaired=item.repaired,
            cut=item.cut,
            odd=item.doubt is not None,
            whole=not re.search(r"\s(?!\d{6}\b)|\s(?=\d{6}\s)", item.written),
            clear=clear(page),
            at_home=bool(around & one_province(item.code.level1)) if around else None,
        )
        for item in find_dossier_codes(text, today)
        if province(item.code.level1) is not None
    ]


def _spelled(page: ReadPage) -> tuple[str, list[tuple[int, int, Word]]]:
    """A page's text and where in it each word stands."""
    pieces: list[str] = []
    places: list[tuple[int, int, Word]] = []
    at = 0
    for line in page.lines:
        for word in line.words:
            places.append((at, at + len(word.text), word))
            pieces.append(word.text + " ")
            at += len(word.text) + 1
        pieces[-1] = pieces[-1][:-1] + "\n"
    return "".join(pieces), places
