"""The type of a paper from its headline: folded text with tolerance for OCR noise, and where it stands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz

from pipeline.classify.header import Header, is_number_line
from pipeline.classify.layout import Segment, segment_of
from pipeline.classify.types import DocumentType, TypeCatalogue

SURE = 0.86  # similarity from which a headline needs no other support
LIKELY = 0.74  # below, it is no headline; between, form mark, symbol or hints must agree
TOP = 0.42  # headlines stand in the upper part; lower down only where a letterhead is above
MOST_LINES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """A headline found on a page: its type, how well it fits (0 to 1), its lines, and whether that is certain."""

    type: DocumentType
    score: float
    lines: tuple[Segment, ...]
    sure: bool
    pure: bool  # nothing but the headline stands on its lines


def find_headline(
    parts: Sequence[Segment], header: Header, types: TypeCatalogue, *, width: int, height: int, body: str
) -> Headline | None:
    """The best headline on a page; `body` is the folded compact text of the whole page, for hints and form marks."""
    limit = max(TOP * height, header.bottom + 0.25 * height if header.present else 0)
    best: Headline | None = None
    for lines in _candidates(parts, header, width, limit):
        text = "".join(line.key for line in lines)
        found = _match(text, lines, types, body)
        if found and (best is None or _rank(found) > _rank(best)):
            best = found
    return best


def _rank(found: Headline) -> tuple[bool, float, int, float]:
    """Prefer sure ones, then the longer headline that fits, then the higher on the page."""
    length = max(len(text) for text in found.type.headlines)
    weight = found.score + min(length, 40) * 0.004
    return found.sure, round(weight, 3), -len(found.lines), -found.lines[0].box.top


def _candidates(
    parts: Sequence[Segment], header: Header, width: int, limit: float
) -> list[tuple[Segment, ...]]:
    """Runs of one to four lines set in capitals, each centred on the one above it."""
    start = header.national.box.bottom if header.national else 0
    taken = {id(item) for item in (header.national, header.motto, header.number, header.dated)}
    taken |= {id(item) for item in header.left}
    pool = _rows(
        p
        for p in sorted(parts, key=lambda p: p.middle)
        if start <= p.middle <= limit and id(p) not in taken and _shouts(p) and not is_number_line(p.text)
    )
    runs: list[tuple[Segment, ...]] = []
    for index, first in enumerate(pool):
        run = [first]
        runs.append((first,))
        for item in pool[index + 1 :]:
            last = run[-1]
            if item.middle - last.middle < 0.5 * last.height:
                continue
            if item.box.top - last.box.bottom > 1.5 * max(last.height, item.height):
                break
            if abs(item.centre - last.centre) > 0.04 * width:
                continue
            run.append(item)
            runs.append(tuple(run))
            if len(run) == MOST_LINES:
                break
    return runs


def _rows(parts: Iterable[Segment]) -> list[Segment]:
    """Segments of capitals, those of one row joined: a word lost to a stain leaves a gap in a title."""
    rows: list[list[Segment]] = []
    for part in parts:
        if rows and abs(part.middle - rows[-1][-1].middle) < 0.5 * part.height:
            rows[-1].append(part)
        else:
            rows.append([part])
    joined = []
    for row in rows:
        ordered = sorted(row, key=lambda part: part.box.left)
        joined.append(segment_of((word for part in ordered for word in part.words), ordered[0].line))
    return [part for part in joined if len(part.key) >= 5]


def _shouts(part: Segment) -> bool:
    return part.caps >= 0.7 and len(part.key) >= 3


def _match(text: str, lines: tuple[Segment, ...], types: TypeCatalogue, body: str) -> Headline | None:
    best: Headline | None = None
    colon = lines[-1].text.rstrip().endswith(":")
    for kind in types.all:
        for wanted in kind.headlines:
            if abs(len(text) - len(wanted)) > 0.3 * len(wanted) and (kind.exact or len(text) < len(wanted)):
                continue
            score = fuzz.ratio(text, wanted) / 100
            pure = score >= LIKELY
            if not kind.exact and len(text) > len(wanted):
                score = max(score, fuzz.ratio(text[: len(wanted)], wanted) / 100 - 0.02)
            if colon and kind.exact:
                score -= 0.1  # `QUYẾT ĐỊNH:` and `XÁC NHẬN:` stand inside papers
            if score < _least(wanted):
                continue
            support = supported(kind, body)
            found = Headline(type=kind, score=score, lines=lines, sure=score >= SURE or support, pure=pure)
            if best is None or _rank_text(found, wanted) > _rank_text(best, ""):
                best = found
    return best


def _rank_text(found: Headline, wanted: str) -> float:
    return found.score


def _least(wanted: str) -> float:
    """Short headlines are near to too many words to be forgiven much."""
    return 0.82 if len(wanted) < 9 else LIKELY


def supported(kind: DocumentType, body: str) -> bool:
    """Whether form marks or hints of the type stand on the page."""
    if any(mark in body for mark in kind.forms):
        return True
    return bool(kind.hints) and sum(hint in body for hint in kind.hints) >= min(2, len(kind.hints))
