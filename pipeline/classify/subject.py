"""What a paper is about (trích yếu): the bold lines under its name, or `V/v …` of an official letter."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise

from pipeline.classify.layout import Segment, box_of, has_text, segment_of
from pipeline.classify.printed import worn
from pipeline.classify.view import PageView
from pipeline.grammar.folding import fold, one_line
from pipeline.model import Field

SURE, SURE_WORN = 0.6, 0.75
# Of a long abstract one word is always read with little confidence; the sentence stands when nearly all of it is sure.
SHARE, MEAN, WEAK = 0.88, 0.85, 0.55
_MISREAD_MARK = re.compile(r"^V[Ịịl|]v\s")
MOST_LINES = 8
GAP = 2.2  # of the height, up to which the parts of a row belong together
FAINT = 0.7  # mean confidence below which words before `Về việc` are letters of a seal
_BODY = re.compile(
    r"\W{0,3}(k[íi]nh g[ửưu]i|c[ăâa]n c[ứưu]|[đd]i[ềêe]u \d|th[ựưu]c hi[ệêe]n |theo |x[ée]t |[IVX]+\.|\d+[.)]|"
    r"h[ôo]m nay)",
    re.IGNORECASE,
)
_ABSTRACT = re.compile(r"\W{0,2}(v[ềêe]\s?vi[ệêe]c|v\s*/\s*v|v[ềêe] |[„“\"(])", re.IGNORECASE)


def title_field(view: PageView) -> Field | None:
    """The abstract as printed, its lines joined."""
    lines = _under_name(view) if view.headline is not None else _beside_v(view)
    if not lines:
        return None
    confidence = min(line.confidence for line in lines)
    return Field(
        name="title",
        value=_MISREAD_MARK.sub("V/v ", one_line(" ".join(line.text for line in lines)).strip("_-–—. ")),
        confidence=round(confidence, 3),
        doubtful=confidence < (SURE_WORN if worn(view.page) else SURE) and not _readable(lines, view),
        page=view.index,
        box=box_of(line.box for line in lines),
    )


def _readable(lines: list[Segment], view: PageView) -> bool:
    """Whether an abstract as a whole was read without trouble, a word or two apart."""
    words = [word for line in lines for word in line.words if has_text(word.text)]
    total = sum(len(word.text) for word in words)
    if worn(view.page) or not total:
        return False
    sure = sum(len(word.text) for word in words if word.confidence >= WEAK) / total
    mean = sum(len(word.text) * word.confidence for word in words) / total
    return sure >= SHARE and mean >= MEAN


def _under_name(view: PageView) -> list[Segment]:
    """Centred lines under the name, as long as each stands close under the one above."""
    headline = view.headline
    if headline is None or not headline.type.abstract:
        return []
    above = headline.lines[-1]
    start = above.box.bottom - 0.3 * above.height
    below = _rows(part for part in view.parts if part.box.top > start)
    taken: list[Segment] = []
    for part in below[: 2 * MOST_LINES]:
        height = min(above.height, part.height)
        far = part.box.top - above.box.bottom > (2.0 if not taken else 1.0) * height
        body = _BODY.match(part.text) and not _ABSTRACT.match(part.text)
        aside = abs(part.centre - headline.lines[-1].centre) > 0.06 * view.page.width
        beside = part.box.right < headline.lines[-1].centre or part.box.left > headline.lines[-1].centre
        if aside and beside:
            continue  # a stamp in the margin
        if far or body or aside or _is_authority(part) or (taken and _new_start(taken[-1], part, view)):
            break
        taken.append(part)
        above = part
    return taken if len(taken) <= MOST_LINES else []


def _rows(parts: Iterable[Segment]) -> list[Segment]:
    """Segments from the top, those of one row joined across a gap that a seal's ink left, without a seal's letters."""
    rows: list[list[Segment]] = []
    for part in sorted(parts, key=lambda part: part.middle):
        if rows and abs(rows[-1][0].middle - part.middle) < 0.4 * min(part.height, rows[-1][0].height):
            rows[-1].append(part)
        else:
            rows.append([part])
    joined: list[Segment] = []
    for row in rows:
        pieces = sorted(row, key=lambda part: part.box.left)
        whole = pieces[0]
        for piece in pieces[1:]:
            if piece.box.left - whole.box.right < GAP * piece.height:
                whole = segment_of([*whole.words, *piece.words], whole.line)
            else:
                joined.append(whole)
                whole = piece
        joined.append(whole)
    return [_without_seal(row) for row in joined]


def _without_seal(row: Segment) -> Segment:
    """A row from `Về việc` on, where what stands before it was hardly read."""
    for at, (first, second) in enumerate(pairwise(row.words)):
        if fold(f"{first.text} {second.text}") == "ve viec":
            before = row.words[:at]
            faint = sum(word.confidence for word in before) < FAINT * len(before)
            return segment_of(row.words[at:], row.line) if before and faint else row
    return row


def _is_authority(part: Segment) -> bool:
    """`CHỦ TỊCH ỦY BAN NHÂN DÂN TỈNH …` after the abstract of a decision."""
    return part.caps > 0.8 and len(part.key) > 6


def _new_start(last: Segment, part: Segment, view: PageView) -> bool:
    """Whether a line begins something new after a short line."""
    short = last.box.right - last.box.left < 0.35 * view.page.width
    return short and part.text[:1].isupper() and not _ABSTRACT.match(part.text)


def _beside_v(view: PageView) -> list[Segment]:
    """`V/v` and the lines under it in the left column."""
    first = view.subject
    if first is None:
        return []
    taken = [first]
    below = sorted((p for p in view.parts if p.middle > first.middle), key=lambda part: part.middle)
    for part in below:
        height = first.height
        if part.box.top - taken[-1].box.bottom > 0.9 * height:
            break
        aside = abs(part.centre - first.centre) > 0.15 * view.page.width
        if aside and part.box.left > 0.45 * view.page.width:
            continue
        if aside or _BODY.match(part.text):
            break
        taken.append(part)
    return taken
