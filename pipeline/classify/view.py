"""A page seen once: its segments of print, letterhead, headline and page number, for all that asks later."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from pipeline.classify.header import Header, read_header
from pipeline.classify.headline import Headline, find_headline, type_by_marks
from pipeline.classify.layout import Segment, segments
from pipeline.classify.printed import clear
from pipeline.classify.types import DocumentType, TypeCatalogue
from pipeline.grammar.folding import compact, fold_words
from pipeline.model import ReadPage

_NUMBER_ALONE = re.compile(r"[-–—~_.|\s]*(\d{1,3})[-–—~_.|\s]*")
_PAGE_OF = re.compile(r"\btrang\s*:?\s*(\d{1,3})\s*/\s*\d{1,3}\b", re.IGNORECASE)
_SUBJECT = re.compile(r"\W{0,2}V\s*[/⁄Ịịl|]\s*v\b", re.IGNORECASE)  # a slash over the line is read as Ị
_PLACE = re.compile(
    r"(?:.*\s)?((?:[A-ZĐÀ-Ỹ][^\W\d_]*\s?-?\s?){1,4}),\s*(?:ng|th)[^\W\d_]{1,3}.*\b(?:19|20)\d\d\W*$"
)
# What a receipt says below its title (Thông tư 03/2025/TT-VPCP, Mẫu 01; older: Thông tư 01/2018/TT-VPCP).
_RECEIPT_MARKS = 2
_CARD = 60  # words; identity cards, drawings and photographs have fewer


@dataclass(frozen=True, kw_only=True)
class PageView:
    """A read page with what its layout says. `parts` are its segments, the columns of a letterhead parted."""

    page: ReadPage
    parts: tuple[Segment, ...]
    header: Header
    headline: Headline | None
    marked: DocumentType | None = None
    """The type that a form mark names where the headline is lost."""

    @property
    def index(self) -> int:
        return self.page.page.index

    @cached_property
    def key(self) -> str:
        """The whole text, folded, without spaces: OCR drops and invents them."""
        return compact(self.page.text)

    @cached_property
    def subject(self) -> Segment | None:
        """`V/v …` in the left column: only official letters have it there (Nghị định 30/2020, cell 5b)."""
        found = [
            part
            for part in self.parts
            if _SUBJECT.match(part.text)
            and part.middle < 0.45 * self.page.height
            and part.centre < 0.55 * self.page.width
        ]
        return min(found, key=lambda part: part.middle, default=None)

    @property
    def is_letter(self) -> bool:
        return self.headline is None and self.subject is not None

    @cached_property
    def place(self) -> str:
        """The place before the date at the right (`Quảng Ngãi, ngày … tháng 3 năm 2024`), empty when not read."""
        for line in self.page.lines:
            found = _PLACE.match(line.text)
            if found and line.box.top < 0.45 * self.page.height and line.box.right > 0.5 * self.page.width:
                return found[1]
        return ""

    @cached_property
    def number(self) -> int | None:
        """The page's number as printed: alone at the top centre (Nghị định 30/2020), or `Trang 2/3`."""
        for part in self.parts[:4]:
            alone = _NUMBER_ALONE.fullmatch(part.text)
            middle = 0.3 < part.centre / max(1, self.page.width) < 0.7
            if alone and part.middle < 0.12 * self.page.height and middle:
                return int(alone[1])
        for line in [*self.page.lines[:4], *self.page.lines[-4:]]:
            named = _PAGE_OF.search(line.text)
            if named:
                return int(named[1])
        return None

    @cached_property
    def top(self) -> tuple[str, ...]:
        """The first lines, folded and compact."""
        return tuple(compact(line.text) for line in self.page.lines[:6])

    @property
    def begins(self) -> bool:
        """Whether the layout says that a paper begins here."""
        return self.header.present or self.headline is not None or self.marked is not None or self.is_letter


def view_page(page: ReadPage, types: TypeCatalogue) -> PageView:
    """See a page's layout."""
    header, parts = read_header(segments(page), page.width, page.height)
    headline = find_headline(page, parts, header, types)
    view = PageView(page=page, parts=parts, header=header, headline=headline)
    return view if headline is not None else replace(view, marked=type_by_marks(view.key, types))


def receipt_type(view: PageView, types: TypeCatalogue) -> DocumentType | None:
    """The receipt that a page is, by its headline, or by its body when the headline is lost."""
    if view.headline is not None and view.headline.type.receipt:
        return view.headline.type
    if view.headline is not None and view.headline.sure:
        return None
    for kind in types.all:
        if kind.receipt and _marks(view, kind) > _RECEIPT_MARKS:
            return kind
    return None


def may_be_receipt(view: PageView, types: TypeCatalogue) -> bool:
    """Whether a paper without a name could be a receipt that is badly read."""
    if view.headline is not None or view.is_letter or view.marked is not None:
        return False
    if any(kind.receipt and _marks(view, kind) for kind in types.all):
        return True
    words = sum(len(line.words) for line in view.page.lines)
    return not clear(view.page) and (view.header.present or words > _CARD)


def _marks(view: PageView, kind: DocumentType) -> int:
    return sum(hint in view.key for hint in kind.hints)


def is_separator(view: PageView, coded: bool) -> bool:
    """A separator sheet says so, is a patch sheet, or holds a code in a QR and hardly any words."""
    words = sum(len(line.words) for line in view.page.lines)
    patch = any(re.sub(r"\W", "", code.text).upper().startswith("PATCHT") for code in view.page.barcodes)
    if patch or (coded and words <= 12):
        return True
    folded = fold_words(view.page.text)
    return words <= 60 and any(mark in folded for mark in _SEPARATOR_MARKS)


_SEPARATOR_MARKS: Sequence[str] = (
    "phieu phan cach", "to phan cach", "trang phan cach", "bia phan cach", "separator sheet",
)  # fmt: skip
