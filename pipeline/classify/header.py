"""The letterhead (Nghị định 30/2020, cells 1 to 4): Quốc hiệu at the right, issuing body and number at the left."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from rapidfuzz import fuzz

from pipeline.classify.layout import Segment, segment_of
from pipeline.grammar.dates import DateFound, find_dates

NATIONAL = "conghoaxahoichunghiavietnam"
MOTTO = "doclaptudohanhphuc"
LEAST = 80.0  # similarity in per cent that a heading read with noise must keep
MOST_TALL = 22  # thousandths of the width: a stain stretches boxes, print of 14 points is 15 high
MOST_APART = 2.5  # lines between two rows of a letterhead
TOP = 0.45  # a letterhead begins in the upper part of the page
_DAY_LAST = re.compile(
    r"ng[àa]y\s+\d{1,2}(?:\s+th[áa]ng(?:\s+\d{1,2}(?:\s+n[ăaâ]m)?)?)?$|n[ăaâ]m$", re.IGNORECASE
)
_REST = re.compile(r"(?:(?:th[áa]ng\s+)?\d{1,2}\s+)?(?:n[ăaâ]m\s+)?(?:19|20)\d\d\W*", re.IGNORECASE)
_NUMBER = re.compile(r"^\W*(?:s[oô0ốỏồóòọ6]|sô|só)\s*[:;.,]|^\W*s[oốôóồổ]\s+\S*\d", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What was found of the letterhead. `bottom` is the y below which the title stands."""

    national: Segment | None = None
    motto: Segment | None = None
    left: tuple[Segment, ...] = ()
    number: Segment | None = None
    dated: Segment | None = None
    date: DateFound | None = None
    bottom: int = 0

    @property
    def present(self) -> bool:
        """Whether a paper of an authority or a form begins here."""
        return self.national is not None or self.motto is not None


def read_header(parts: Sequence[Segment], width: int, height: int) -> tuple[Header, tuple[Segment, ...]]:
    """The letterhead of a page, and all its segments with the columns of the letterhead parted."""
    national = _find(parts, NATIONAL, height * TOP)
    motto = _find(parts, MOTTO, height * TOP)
    anchor = national or motto
    if anchor is None:
        return Header(), tuple(parts)
    edge = min(item.box.left for item in (national, motto) if item)
    if motto and not national:
        edge -= round(0.05 * width)
    line = min(anchor.height, MOST_TALL * width // 1000)
    top, low = anchor.box.top - 2 * line, anchor.box.bottom + 9 * line
    split: list[Segment] = []
    for part in parts:
        inside = top <= part.middle <= low and part.box.left < edge < part.box.right
        split += _split_at(part, edge, line) if inside else [part]
    left = _column(split, top, low, edge, line)
    number = next((p for p in left if is_number_line(p.text)), None)
    dated, date = _dated(split, anchor, low, edge)
    agency = [p for p in left if number is None or p.middle < number.middle - 0.4 * line]
    bottom = max(p.box.bottom for p in (national, motto, number, dated) if p)
    return (
        Header(
            national=national,
            motto=motto,
            left=tuple(agency),
            number=number,
            dated=dated,
            date=date,
            bottom=bottom,
        ),
        tuple(split),
    )


def _column(parts: Sequence[Segment], top: float, low: float, edge: int, line: int) -> list[Segment]:
    """The left column from the top; a title in the middle stands apart below it."""
    inside = [part for part in parts if top <= part.middle <= low and part.box.right <= edge + line // 2]
    column: list[Segment] = []
    for part in sorted(inside, key=lambda part: part.middle):
        if column and part.box.top - max(item.box.bottom for item in column) > MOST_APART * line:
            break
        column.append(part)
    return column


def is_number_line(text: str) -> bool:
    """Whether a line begins like `Số:`; OCR gives Só, Sô and SỐ as well."""
    return bool(_NUMBER.match(text))


def _find(parts: Sequence[Segment], wanted: str, low: float) -> Segment | None:
    """The run of words nearest to `wanted` among the segments above `low`."""
    best: tuple[float, Segment] | None = None
    for part in parts:
        if part.middle > low or len(part.key) < 0.6 * len(wanted):
            continue
        if fuzz.partial_ratio(wanted, part.key) < LEAST:
            continue
        run = _run(part, wanted)
        score = fuzz.ratio(run.key, wanted)
        if score >= LEAST and (best is None or score > best[0]):
            best = (score, run)
    return best[1] if best else None


def _run(part: Segment, wanted: str) -> Segment:
    """The contiguous words of a segment that fit `wanted` best."""
    best, score = part, fuzz.ratio(part.key, wanted)
    for first in range(len(part.words)):
        for last in range(first + 1, len(part.words) + 1):
            run = Segment(words=part.words[first:last], line=part.line)
            value = fuzz.ratio(run.key, wanted)
            if value > score:
                best, score = run, value
    return best


def _split_at(part: Segment, edge: int, line: int) -> list[Segment]:
    """Part a segment where the right column begins: before its known words, or at a gap wider than its spaces.

    Titles and lines of the body cross the edge as well; they have no such gap.
    """
    cuts = [
        (after.box.left - before.box.right, index)
        for index, (before, after) in enumerate(zip(part.words, part.words[1:], strict=False), 1)
        if abs((before.box.right + after.box.left) / 2 - edge) < 7 * line
    ]
    if not cuts:
        return [part]
    spaces = [
        after.box.left - before.box.right for before, after in zip(part.words, part.words[1:], strict=False)
    ]
    widest, index = max(cuts)
    left, right = segment_of(part.words[:index], part.line), segment_of(part.words[index:], part.line)
    usual = median(spaces)
    apart = widest >= 0.5 * line and widest >= 2.0 * usual
    known = widest >= 0.2 * line and (_is_right_column(right) or is_number_line(left.text))
    return [left, right] if apart or known else [part]


def _is_right_column(part: Segment) -> bool:
    """Whether a segment begins like the national heading, the motto, or place and date."""
    if any(fuzz.ratio(part.key[: len(known)], known) >= LEAST for known in (NATIONAL, MOTTO)):
        return True
    dates = find_dates(part.text)
    return bool(dates) and dates[0].in_words and dates[0].start < 30 and len(part.words) <= 12


def _dated(
    parts: Sequence[Segment], anchor: Segment, low: float, edge: int
) -> tuple[Segment | None, DateFound | None]:
    """The line of place and date under the motto, at the right."""
    for part in sorted(parts, key=lambda p: p.middle):
        if not anchor.middle < part.middle <= low or part.centre < edge - 2 * anchor.height:
            continue
        part = with_year(parts, part)
        dates = [found for found in find_dates(part.text) if found.in_words]
        if dates and len(part.words) <= 14:
            return part, dates[-1]
    return None, None


def with_year(parts: Sequence[Segment], part: Segment) -> Segment:
    """A date that goes on in the next line of its cell (`Làm tại: …, ngày 14 tháng 02 năm` / `2025`)."""
    if not _DAY_LAST.search(part.text.strip(" .…")):
        return part
    for other in parts:
        below = 0 < other.middle - part.middle < 2.5 * part.height
        if below and _REST.fullmatch(other.text) and part.box.left < other.centre < part.box.right:
            return segment_of([*part.words, *other.words], part.line)
    return part
