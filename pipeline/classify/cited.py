"""What other papers of the same dossier say of a paper: `Quyết định số 15/QĐ-UBND ngày 08 tháng 9 năm 2026`.

A number or a date that a pen wrote is claimed when another paper of the dossier cites this paper in print by number,
symbol and date at once, and all of it is what was read here: the citing paper was written from the signed paper, so
its words are another witness than this ink. Either of number and date may be doubtful here, or both; never may they
differ, and nothing is claimed where one of them is not read at all, or where the dossier cites another paper of this
symbol with the same number or of the same day, which could be meant as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from pipeline.classify.layout import Segment, segment_of
from pipeline.classify.view import PageView
from pipeline.grammar.dates import find_dates
from pipeline.grammar.folding import fold_aligned, nfc
from pipeline.grammar.numbers import DocumentNumber, find_number
from pipeline.model import Paper

SURE = 0.9
"""Confidence of every word of a citation; one read worse is none."""
EVIDENCE = "cited"
LEAST = 0.5
"""Confidence of what is read here below which agreement may be chance."""
READ = ("pen", "text")
AGREED = 0.97
_CITATION = re.compile(r"\bs[o0]\s*:?\s*(?=\d{1,6}\s*[/⁄])")
_FAR = 90
"""Signs from a number to the end of the date that belongs to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """A paper named in the text of another by number and date; `pages` is where the citing paper begins."""

    number: DocumentNumber
    date: date
    paper: int


def confirmed_by_citation(papers: Sequence[Paper], views: Sequence[PageView]) -> tuple[Paper, ...]:
    """The papers of a stack, what others of the same dossier cite alike claimed."""
    doubtful = [paper for paper in papers if _asks(paper)]
    if not doubtful:
        return tuple(papers)
    by_page = {view.index: view for view in views}
    cited: dict[int, tuple[Citation, ...]] = {}

    def told(paper: Paper) -> list[Citation]:
        found: list[Citation] = []
        for other in papers:
            first = other.pages[0]
            if other is paper or other.dossier != paper.dossier or other.review is not None:
                continue
            if first not in cited:
                cited[first] = tuple(
                    item
                    for page in other.pages
                    if page in by_page
                    for item in citations(by_page[page], first)
                )
            own = other.field("number")
            # A copy of the same paper is no other witness.
            found += [item for item in cited[first] if own is None or own.value != item.number.text]
        return found

    return tuple(_confirmed(paper, told(paper)) if _asks(paper) else paper for paper in papers)


def citations(view: PageView, paper: int) -> Iterator[Citation]:
    """Papers that a page names in its body by number and date, read with confidence; a line may run on."""
    parts = [part for part in view.parts if part.middle > view.header.bottom]
    for part, after in zip(parts, [*parts[1:], None], strict=True):
        joined = part if after is None else segment_of([*part.words, *after.words], part.line)
        yield from _in(joined, len(part.text), paper)


def _in(segment: Segment, begins: int, paper: int) -> Iterator[Citation]:
    """Citations that begin before `begins`."""
    text = nfc(segment.text)
    if text != segment.text:
        return
    folded = fold_aligned(text)
    for match in _CITATION.finditer(folded):
        if match.start() >= begins:
            return
        rest = text[match.end() : match.end() + _FAR]
        number, dates = find_number(rest), find_dates(rest)
        if number is None or not number.familiar or not dates:
            continue
        first = dates[0]
        # Nothing but the name of who issued it stands between, and no other number.
        between = folded[match.end() + len(number.text) : match.end() + first.start]
        if first.value is None or not first.clean or re.search(r"[;.]|\d", between):
            continue
        words = segment.between(match.start(), match.end() + first.end)
        if words and min(word.confidence for word in words) >= SURE:
            yield Citation(number=number, date=first.value, paper=paper)


def _asks(paper: Paper) -> bool:
    """Whether a citation could settle anything here."""
    number, when = paper.field("number"), paper.field("date")
    if paper.dossier is None or paper.review is not None or number is None or when is None:
        return False
    doubtful = [one for one in (number, when) if one.doubtful]
    return bool(doubtful) and all(one.evidence in READ and one.confidence >= LEAST for one in doubtful)


def _confirmed(paper: Paper, found: Sequence[Citation]) -> Paper:
    number, when = paper.field("number"), paper.field("date")
    assert number is not None and when is not None  # it asks
    mine = find_number(number.value)
    if mine is None or not mine.familiar:
        return paper
    same = [one for one in found if one.number.symbol == mine.symbol and one.number.year == mine.year]
    about = {(one.number.text, one.date.isoformat()) for one in same}
    near = {pair for pair in about if pair[0] == mine.text or pair[1] == when.value}
    if near != {(mine.text, when.value)}:
        return paper
    return replace(
        paper,
        fields=tuple(
            replace(field, doubtful=False, confidence=max(field.confidence, AGREED), evidence=EVIDENCE)
            if field.name in ("number", "date") and field.doubtful
            else field
            for field in paper.fields
        ),
    )
