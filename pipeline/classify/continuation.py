"""Whether a page goes on with the paper before it. Only evidence says so; without any, a person decides."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum

from rapidfuzz import fuzz

from pipeline.classify.layout import Segment
from pipeline.classify.types import DocumentType
from pipeline.classify.view import PageView

_RUNNING = re.compile(
    r"\W{0,2}(?:[đd]i[ềêeèé]u\s*\d|ch[ưu][ơo]ng\s+[IVX\d]|m[ụu]c\s+\d|ph[ầâa]n\s+[IVX\d]|[IVX]{1,4}\s*[.)]|\d{1,2}\s*[.)]|"
    r"\d{1,2}\.\d{1,2}|[a-zđ]\s*[.)]|[-+*]\s*\S)",
    re.IGNORECASE,
)
_SIGNED = re.compile(r"noinhan|kyvaghiro|kyghiro|kytenvadongdau|kydongdau|kyten")
_SIGNER = re.compile(
    r"(?:nguoi(?:khai|yeucau|vietdon|lamdon|denghi|uyquyen|nophoso|tiepnhan)|chuho|congchungvien|"
    r"(?:kt|tm|tl|tuq)?(?:pho)?(?:chutich|giamdoc|truongphong|chanhvanphong|truongcongan)|tmuyban|tmubnd).{0,14}"
)
_ANNEX = re.compile(
    r"kemtheo(?:quyetdinh|congvan|totrinh|thongbao|kehoach|baocao|nghiquyet|thongtu|hopdong|so)"
)


class Continuation(Enum):
    """What the layout says of a page after another one."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


def continues(view: PageView, before: Sequence[PageView], kind: DocumentType | None) -> Continuation:
    """Whether `view` is the next page of the paper whose pages so far are `before`, of type `kind`.

    Quốc hiệu, a title or `Trang 1/n` begin a paper. A page number from 2 on, a heading that the type is known to
    continue with, an annex of the paper, running text, or a paper that nobody has signed yet go on.
    """
    number = view.number
    if number == 1 or (number is None and view.header.national is not None):
        return Continuation.NO
    if kind is not None and any(_begins_with(line, mark) for mark in kind.continues for line in view.top[:4]):
        return Continuation.YES
    if view.header.present and (view.headline is not None or view.header.number is not None):
        return Continuation.NO
    if number is not None and number >= 2:
        return Continuation.YES
    if view.header.present:
        return Continuation.NO
    if view.top and (view.top[0].startswith("phuluc") or any(_ANNEX.search(line) for line in view.top)):
        return Continuation.YES
    if view.headline is not None or view.marked is not None or view.is_letter:
        return Continuation.NO
    if _runs_on(view) or not is_signed(before):
        return Continuation.YES
    return Continuation.UNKNOWN


def gap_in_numbers(view: PageView, before: Sequence[PageView]) -> bool:
    """Whether the printed page numbers say that a side is missing or out of order between them."""
    if view.number is None:
        return False
    last = before[-1].number
    return view.number != (last + 1 if last is not None else len(before) + 1)


def is_signed(pages: Sequence[PageView]) -> bool:
    """Whether the place for signature or recipients was reached: every paper of a form or an office has one."""
    return any(_is_signing(part, view) for view in pages for part in view.parts)


def _is_signing(part: Segment, view: PageView) -> bool:
    """`Nơi nhận`, `(Ký, ghi rõ họ tên)`, or a position alone at the right (an authority's name is centred)."""
    if part.middle < view.header.bottom or len(part.key) > 40:
        return False
    aside = part.box.left > 0.4 * view.page.width
    return bool(_SIGNED.search(part.key)) or (aside and bool(_SIGNER.fullmatch(part.key)))


def _runs_on(view: PageView) -> bool:
    """Running text: it begins small, or with a numbered part."""
    first = next((line.text.strip() for line in view.page.lines if len(line.text.strip()) > 3), "")
    return first[:1].islower() or bool(_RUNNING.match(first))


def _begins_with(line: str, mark: str) -> bool:
    return len(line) >= 0.8 * len(mark) and fuzz.ratio(line[: len(mark)], mark) >= 85
