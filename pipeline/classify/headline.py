"""The type of a paper from its headline: folded text with tolerance for OCR noise, and where it stands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz

from pipeline.classify.header import Header, is_number_line
from pipeline.classify.layout import Segment, segment_of
from pipeline.classify.printed import clear
from pipeline.classify.types import DocumentType, TypeCatalogue
from pipeline.grammar.folding import compact
from pipeline.model import ReadPage

SURE = 0.86  # similarity from which a headline needs no other support
LIKELY = 0.74  # below, it is no headline; between, form mark or hints must agree
MARGIN_WORN = 0.06
MARGIN = 0.03  # by which the best type must lead the next when the fit is not perfect
PERFECT = 0.97
SMALL_LETTERS = 0.92  # for a title not in capitals
TOP = 0.42  # headlines stand in the upper part; lower down only where a letterhead is above
MOST_LINES = 4
TELLING, NEARLY = 16, 92.0  # letters of a form mark that names a type by itself, and how near it must be


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """A headline found on a page: its type, how well it fits (0 to 1), its lines, and whether that is certain."""

    type: DocumentType
    score: float
    lines: tuple[Segment, ...]
    sure: bool

    @property
    def rank(self) -> tuple[bool, float, int, float]:
        """Sure ones first, then the longer headline that fits, then fewer lines, then the higher on the page."""
        length = max(len(text) for text in self.type.headlines)
        weight = self.score + min(length, 40) * 0.004
        return self.sure, round(weight, 3), -len(self.lines), -self.lines[0].box.top


def find_headline(
    page: ReadPage, parts: Sequence[Segment], header: Header, types: TypeCatalogue
) -> Headline | None:
    """The best headline among the segments of a page whose letterhead is known."""
    limit = max(TOP * page.height, header.bottom + 0.25 * page.height if header.present else 0)
    body = compact(page.text)
    worn = not clear(page)
    best: Headline | None = None
    for lines in _candidates(parts, header, page.width, limit):
        found = match_type(lines, types, body, worn=worn)
        if found and (best is None or found.rank > best.rank):
            best = found
    return best


def _candidates(
    parts: Sequence[Segment], header: Header, width: int, limit: float
) -> list[tuple[Segment, ...]]:
    """Runs of one to four lines set in capitals, each centred on the one above it; and single centred lines."""
    start = header.national.box.bottom if header.national else 0
    taken = {id(item) for item in (header.national, header.motto, header.number, header.dated)}
    taken |= {id(item) for item in header.left}
    free = [
        part
        for part in sorted(parts, key=lambda part: part.middle)
        if start <= part.middle <= limit and id(part) not in taken and not is_number_line(part.text)
    ]
    pool = _rows(part for part in free if _shouts(part))
    runs: list[tuple[Segment, ...]] = [(part,) for part in free if _stands_alone(part, width)]
    for index, first in enumerate(pool):
        run = [first]
        runs.append((first,))
        for item in pool[index + 1 :]:
            last = run[-1]
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


def _stands_alone(part: Segment, width: int) -> bool:
    """A short line in the middle that begins with a capital: titles of some forms are not in capitals."""
    centred = abs(part.centre - 0.52 * width) < 0.1 * width
    return (
        centred
        and part.caps < 0.7
        and part.text[:1].isupper()
        and part.box.right - part.box.left < 0.6 * width
    )


def match_type(
    lines: tuple[Segment, ...], types: TypeCatalogue, body: str, *, worn: bool = False
) -> Headline | None:
    """The type whose headline fits these lines best; not sure when another type fits nearly as well.

    On `worn` print a short word may be lost whole, so even a perfect fit must lead the next by more.
    """
    text = "".join(line.key for line in lines)
    colon = lines[-1].text.rstrip().endswith(":")
    small = lines[0].caps < 0.7
    fits: list[tuple[float, float, DocumentType]] = []
    for kind in types.all:
        if colon and kind.exact:
            continue  # `QUYẾT ĐỊNH:` and `XÁC NHẬN:` stand inside papers
        for wanted in kind.headlines:
            score = _fit(text, wanted, exact=kind.exact)
            if score > (SMALL_LETTERS if small else 0.0):
                # Of two that fit, the longer says more: `… khai sinh` begins `… khai sinh cho người đã có hồ sơ`.
                fits.append((score + 0.002 * min(len(wanted), 60), score, kind))
    if not fits:
        return None
    weight, score, kind = max(fits, key=lambda fit: fit[0])
    second = max((fit[0] for fit in fits if fit[2] is not kind), default=0.0)
    clear = weight - second >= MARGIN_WORN if worn else (score >= PERFECT or weight - second >= MARGIN)
    return Headline(
        type=kind, score=score, lines=lines, sure=clear and (score >= SURE or supported(kind, body))
    )


def _fit(text: str, wanted: str, *, exact: bool) -> float:
    """How well a text fits a headline, 0 when it does not. Only what is not `exact` may have more text after it."""
    if len(text) < 0.7 * len(wanted) or (exact and len(text) > 1.3 * len(wanted)):
        return 0.0
    score = fuzz.ratio(text, wanted) / 100
    if not exact and len(text) > len(wanted):
        score = max(score, fuzz.ratio(text[: len(wanted)], wanted) / 100 - 0.02)
    # Short headlines are near to too many words to be forgiven much.
    return score if score >= (0.82 if len(wanted) < 9 else LIKELY) else 0.0


def supported(kind: DocumentType, body: str) -> bool:
    """Whether form marks or hints of the type stand on the page."""
    if any(mark in body for mark in kind.forms):
        return True
    return bool(kind.hints) and sum(hint in body for hint in kind.hints) >= min(2, len(kind.hints))


def type_by_marks(body: str, types: TypeCatalogue) -> DocumentType | None:
    """The type whose form mark stands on a page without a headline; None when two types claim it."""
    found = [
        kind
        for kind in types.all
        if any(len(mark) >= TELLING and fuzz.partial_ratio(mark, body) >= NEARLY for mark in kind.forms)
    ]
    return found[0] if len(found) == 1 else None
