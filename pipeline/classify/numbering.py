"""The number and symbol of a paper (Nghị định 30/2020/NĐ-CP, cell 3), or of the notary under a contract's name."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeline.classify.layout import Segment, segment_of
from pipeline.classify.printed import SURE, clear, height, in_row, inked, widest_gap, widest_space
from pipeline.classify.view import PageView
from pipeline.grammar.numbers import DocumentNumber, find_number, symbol_of
from pipeline.model import Field, Word

# For symbols with a part that is not in general use: two models may take the same letter for another (Q for O).
SURE_STRANGE = 0.95
# `Số` as OCR gives it, at the start of a segment; what follows must be a number or its symbol, so `Số CCCD:` is none.
# The capital matters: `số 118/2025/NĐ-CP` is a paper cited in the body.
_LABEL = re.compile(
    r"^\W{0,3}[S§][ốổôóoỐỔÔÓO0ồộỗé6]+"
    r"(?:\s+(?:c[ôo]ng ch[ứưu]ng|ch[ứưu]ng th[ựưu]c|v[àa]o s[ổôo](?: h[ộo] t[ịi]ch)?))?\s*[:;.,]?\s*"
)
_CUT_LABEL = re.compile(r"^\W{0,2}[^\W\d]{1,3}\s*[:;.]\s*(?=\d)")


def number_field(view: PageView) -> Field | None:
    """The number from the head of a first page; the symbol alone, doubtful, when a pen wrote the number."""
    for segment in _places(view):
        field = _read(view, segment)
        if field is not None:
            return field
    return None


def by_pen(view: PageView) -> bool:
    """Whether the number was left blank in print and filled in: its line is lost, or it stands apart from its slash.

    Number and day are filled in together when a paper is registered, so the day beside it is by pen as well.
    """
    if view.header.number is None:
        labels = (part for part in view.parts if part.middle < _head(view) and _LABEL.match(part.text))
        official = view.header.dated is not None and bool(view.header.left)
        return official and next(labels, None) is None
    words = _whole_line(view, view.header.number).words
    return any(re.match(r"\W?[/⁄]\s*[A-ZĐ]", word.text) for word in words)


def _places(view: PageView) -> Iterator[Segment]:
    """Where a number may stand: in the letterhead first, then on a line of its own above the body."""
    if view.header.number is not None:
        yield _whole_line(view, view.header.number)
    for part in view.header.left:
        if _CUT_LABEL.match(part.text) and find_number(part.text) is not None:
            yield part
    for part in sorted(view.parts, key=lambda part: part.middle):
        if part.middle > _head(view):
            return
        if _LABEL.match(part.text):
            yield _whole_line(view, part)


def _head(view: PageView) -> float:
    """Where the head of the page ends: a few lines under the name, or under the letterhead."""
    if view.headline is not None:
        last = view.headline.lines[-1]
        return last.box.bottom + 3.5 * last.height
    return max(0.25 * view.page.height, view.header.bottom + 0.05 * view.page.height)


def _whole_line(view: PageView, label: Segment) -> Segment:
    """The label with what stands right of it on its line, up to the next column."""
    right = [
        part
        for part in view.parts
        if part is not label
        and abs(part.middle - label.middle) < 0.5 * label.height
        and part.box.left >= label.box.right
        and part is not view.header.dated
        and (view.header.national is None or part.box.right < view.header.national.box.left)
    ]
    words = [*label.words, *(word for part in sorted(right, key=lambda p: p.box.left) for word in part.words)]
    return segment_of(words, label.line)


def _read(view: PageView, segment: Segment) -> Field | None:
    label = _LABEL.match(segment.text) or _CUT_LABEL.match(segment.text)
    start = label.end() if label else 0
    rest = segment.text[start:]
    found = find_number(rest)
    if found is not None and re.match(r"\W{0,3}\d", rest):
        carriers = _carriers(segment, start, found)
        return Field(
            name="number",
            value=found.text,
            confidence=round(min(word.confidence for word in carriers), 3),
            doubtful=not _printed(view, segment, found, carriers),
            page=view.index,
            box=segment_of(carriers, segment.line).box,
        )
    glued = find_number(re.sub(r"^(\W{0,2}\d+)(?=[A-ZĐ]{2})", r"\1/", rest))
    if glued is not None and glued.familiar:
        # The slash was lost, or read as a figure: a suggestion.
        holder = segment.words[min(1, len(segment.words) - 1)]
        return Field(
            name="number",
            value=glued.text,
            confidence=round(min(holder.confidence, 0.5), 3),
            doubtful=True,
            page=view.index,
            box=holder.box,
        )
    symbol = symbol_of(rest)
    word = next((word for word in segment.words if "/" in word.text), None)
    if symbol is None or word is None or not rest.strip():
        return None
    return Field(
        name="number",
        value=f"{found.number}/{symbol}" if found else symbol,
        confidence=round(min(word.confidence, 0.4), 3),
        doubtful=True,
        page=view.index,
        box=word.box,
    )


def _carriers(segment: Segment, start: int, found: DocumentNumber) -> list[Word]:
    """The words that hold the number and its symbol."""
    text = segment.text
    first = re.search(rf"{found.number}\s*[/⁄]", text[start:])
    begin = start + (first.start() if first else 0)
    end, taken = begin, 0
    wanted = len(found.text)
    while end < len(text) and taken < wanted:
        taken += not text[end].isspace()
        end += 1
    return segment.between(begin, end)


def _printed(view: PageView, segment: Segment, found: DocumentNumber, carriers: list[Word]) -> bool:
    """Whether number and symbol were printed in one go and read with confidence."""
    head = carriers[0]
    together = re.search(rf"(?:^|\W){found.number}[/⁄]", head.text) is not None
    tail = re.sub(r"[\s–—]", "-", carriers[-1].text).rstrip(".,;:")
    ends = tail.upper().endswith(re.split(r"[-/]", found.symbol)[-1].upper())
    confidence = min(word.confidence for word in carriers)
    label = segment.words[0]
    enough = confidence >= SURE_STRANGE and found.usual and clear(view.page)
    if found.familiar:
        enough = confidence >= SURE
    level = label is head or (
        abs(head.box.bottom - label.box.bottom) < 0.45 * height(label) and height(head) < 1.5 * height(label)
    )
    close = (
        widest_gap([label, head]) < widest_space(view.page, 0.9)
        if label is not head and head is segment.words[1]
        else True
    )
    siblings = all(in_row(word, head) or len(carriers) == 1 for word in carriers[1:])
    return (
        together
        and ends
        and enough
        and level
        and close
        and siblings
        and _LABEL.match(segment.text) is not None
        and not any(inked(view.page, word.box) for word in carriers)
    )
