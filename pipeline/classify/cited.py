"""What other papers of the same dossier say of a paper: `Quyết định số 15/QĐ-UBND ngày 08 tháng 9 năm 2026`.

A number or a date that a pen wrote is claimed when another paper of the dossier cites this paper in print by number,
symbol and date at once, and all of it is what was read here: the citing paper was written from the signed paper, so
its words are another witness than this ink. Either of number and date may be doubtful here, or both; never may they
differ, and nothing is claimed where one of them is not read at all, or where the dossier cites another paper of this
symbol with the same number or of the same day, which could be meant as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from itertools import zip_longest

from pipeline.classify.layout import Segment, segment_of
from pipeline.classify.view import PageView
from pipeline.grammar.dates import find_dates
from pipeline.grammar.folding import fold_aligned, nfc
from pipeline.grammar.numbers import find_number
from pipeline.model import Cited, Paper

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
MOST = 40
"""Citations kept of one paper."""


def with_citations(
    papers: Sequence[Paper],
    views: Sequence[PageView],
    earlier: Callable[[str], Sequence[Paper]] = lambda dossier: (),
) -> tuple[Paper, ...]:
    """The papers of a stack with what they cite, and claimed what others of the same dossier cite alike.

    `earlier` gives the papers of a dossier that are stored already.
    """
    by_page, stored = {view.index: view for view in views}, cache(earlier)
    papers = [
        replace(paper, cites=cited_by([by_page[page] for page in paper.pages if page in by_page]))
        for paper in papers
    ]
    return tuple(
        agreed(paper, [*papers, *stored(paper.dossier)]) if paper.dossier and asks(paper) else paper
        for paper in papers
    )


def agreed(paper: Paper, others: Sequence[Paper]) -> Paper:
    """The paper, its doubtful number and date claimed where `others` of its dossier cite it by both, and no other."""
    own = paper.field("number")
    witnesses = (
        other
        for other in others
        if other is not paper and other.dossier == paper.dossier and other.review is None
    )
    found = [
        one
        for other in witnesses
        for one in other.cites
        # A copy of the same paper is no other witness.
        if own is None or (mine := other.field("number")) is None or mine.value != one.number
    ]
    return _confirmed(paper, found)


def citations(view: PageView) -> Iterator[Cited]:
    """Papers that a page names in its body by number and date, read with confidence; a line may run on."""
    parts = [part for part in view.parts if part.middle > view.header.bottom]
    for part, after in zip_longest(parts, parts[1:]):
        joined = part if after is None else segment_of([*part.words, *after.words], part.line)
        yield from _in(joined, len(part.text))


def cited_by(views: Sequence[PageView]) -> tuple[Cited, ...]:
    """Each once, in the order of the text. Numbers with a year in them are of laws and decrees."""
    found = dict.fromkeys(one for view in views for one in citations(view))
    return tuple(found)[:MOST]


def _in(segment: Segment, begins: int) -> Iterator[Cited]:
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
        if number is None or number.year is not None or not number.familiar or not dates:
            continue
        first = dates[0]
        # Nothing but the name of who issued it stands between, and no other number.
        between = folded[match.end() + len(number.text) : match.end() + first.start]
        if first.value is None or not first.clean or re.search(r"[;.]|\d", between):
            continue
        words = segment.between(match.start(), match.end() + first.end)
        if words and min(word.confidence for word in words) >= SURE:
            yield Cited(number=number.text, date=first.value.isoformat())


def asks(paper: Paper) -> bool:
    """Whether a citation could settle anything here."""
    number, when = paper.field("number"), paper.field("date")
    if paper.dossier is None or paper.review is not None or number is None or when is None:
        return False
    doubtful = [one for one in (number, when) if one.doubtful]
    return bool(doubtful) and all(one.evidence in READ and one.confidence >= LEAST for one in doubtful)


def _confirmed(paper: Paper, found: Sequence[Cited]) -> Paper:
    number, when = paper.field("number"), paper.field("date")
    assert number is not None and when is not None  # it asks
    mine = find_number(number.value)
    if mine is None or not mine.familiar or mine.year is not None:
        return paper
    near = {
        (one.number, one.date)
        for one in found
        if (other := find_number(one.number)) is not None
        and other.symbol == mine.symbol
        and (one.number == mine.text or one.date == when.value)
    }
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
