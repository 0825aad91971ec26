"""The date of a paper: beside its number, above its signature, or in the first words of a contract or minutes.

Nghị định 30/2020/NĐ-CP cell 4 has place and date under the motto; forms of citizens have them above the signature;
contracts begin with `Hôm nay, ngày …`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pipeline.classify.header import with_year
from pipeline.classify.layout import Segment, segments
from pipeline.classify.numbering import by_pen
from pipeline.classify.printed import GAP, SURE, in_row, inked, widest_gap, widest_space
from pipeline.classify.view import PageView
from pipeline.grammar.dates import DateFound, find_dates
from pipeline.model import Field, ReadPage, Word

SURE_CUT = 0.95  # read alike by two models: for a single figure, which may be what is left of two
# Suffices when the same date stands on the paper a second time; disputed figures have less, and one typeface is
# misread alike in both places.
AGREED = 0.5
_TODAY = re.compile(r"\W{0,3}h[ôoồố]m nay\b", re.IGNORECASE)
_MADE_AT = re.compile(r"\W{0,3}(?:l[àa]m t[ạa]i|l[ậa]p t[ạa]i)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a paper states its date; `usual` when the layout of its kind has it there."""

    page: ReadPage
    segment: Segment
    date: DateFound
    usual: bool


def date_field(views: Sequence[PageView]) -> Field | None:
    """The date of issue of the paper with these pages; None when a pen left nothing that can be read."""
    place = _beside_number(views[0]) or _today(views) or _above_signature(views)
    if place is not None and by_pen(views[0]):
        place = replace(place, usual=False)
    if place is None or place.date.value is None:
        return None
    words = _figures(place)
    confidence = min((word.confidence for word in words), default=0.0)
    least = AGREED if _stated_again(views, place) else _least(place, words)
    printed = place.date.clean and len(words) == 3 and confidence >= least
    printed = printed and (least == AGREED or _in_rows(place, words))
    return Field(
        name="date",
        value=place.date.value.isoformat(),
        confidence=round(confidence, 3),
        doubtful=not (printed and place.usual),
        page=place.page.page.index,
        box=place.segment.box,
    )


def _least(place: _Place, words: Sequence[Word]) -> float:
    """The confidence from which the figures of a date are claimed to be right.

    Nghị định 30/2020/NĐ-CP has days below ten and the first two months with a zero before them: one figure alone may
    be what is left of two.
    """
    cut = len(words) == 3 and (len(_digits(words[0])) == 1 or _digits(words[1]) in ("1", "2"))
    return SURE_CUT if cut else SURE


def _digits(word: Word) -> str:
    return "".join(sign for sign in word.text if sign.isdigit())


def _beside_number(view: PageView) -> _Place | None:
    if view.header.dated is None or view.header.date is None:
        return None
    return _Place(page=view.page, segment=view.header.dated, date=view.header.date, usual=True)


def _today(views: Sequence[PageView]) -> _Place | None:
    for view in views:
        for part in segments(view.page):
            dates = find_dates(part.text) if _TODAY.match(part.text) else ()
            if dates and dates[0].start < 40:
                return _Place(page=view.page, segment=part, date=dates[0], usual=True)
    return None


def _above_signature(views: Sequence[PageView]) -> _Place | None:
    """The line of place and date under the body. Two different ones are for a person to tell apart."""
    found: list[_Place] = []
    for view in views:
        for part in (with_year(view.parts, part) for part in view.parts):
            dates = [date for date in find_dates(part.text) if date.in_words]
            if len(dates) == 1 and part.middle > view.header.bottom and _stands_alone(view, part, dates[0]):
                official = views[0].header.number is not None
                found.append(_Place(page=view.page, segment=part, date=dates[0], usual=not official))
    if not found:
        return None
    same = len({place.date.value for place in found}) == 1
    first = found[0]
    return first if same else _Place(page=first.page, segment=first.segment, date=first.date, usual=False)


def _stands_alone(view: PageView, part: Segment, date: DateFound) -> bool:
    """`Hậu Lộc, ngày 14 tháng 02 năm 2025` right of the middle, or after `Làm tại`; no line of running text."""
    before, after = part.text[: date.start].strip(), part.text[date.end :].strip(" .,;…-_")
    if after or (before and not before[0].isupper() and not _MADE_AT.match(before)):
        return False
    if _MADE_AT.match(before):
        return len(before) < 70
    short = len(before.split()) <= 6 and not re.search(r"\d|ng[àa]y", before)
    return short and (part.centre > 0.5 * view.page.width or before.endswith(","))


def _figures(place: _Place) -> list[Word]:
    """The three words with day, month and year; more or fewer when OCR split or joined them."""
    spans = [place.date.day, place.date.month, place.date.year]
    found: dict[int, Word] = {}
    for start, end in spans:
        text = place.segment.text[start:end]
        start += len(text) - len(text.lstrip())
        end -= len(text) - len(text.rstrip())
        for word in place.segment.between(start, end):
            found[id(word)] = word
    return list(found.values())


def _in_rows(place: _Place, words: Sequence[Word]) -> bool:
    """Whether day and month stand in the printed row of the year, or of the word before it (`năm`)."""
    line = list(place.segment.words)
    day, month, year = words
    printed = [line[max(0, line.index(year) - 1)]]
    printed += [year] if year.box.top < day.box.bottom else [month]  # the year may stand on the next line
    for word in (day, month):
        at = line.index(word)
        close = widest_gap(line[max(0, at - 1) : at + 2]) < widest_space(place.page, GAP)
        if not close or inked(place.page, word.box) or not any(in_row(word, other) for other in printed):
            return False
    return True


def _stated_again(views: Sequence[PageView], place: _Place) -> bool:
    """Whether the same date, cleanly read, stands elsewhere on the paper (a receipt repeats it)."""
    for view in views:
        for line in view.page.lines:
            same_line = view.page is place.page and line.box.top < place.segment.middle < line.box.bottom
            if not same_line and any(
                date.clean and date.value == place.date.value for date in find_dates(line.text)
            ):
                return True
    return False
