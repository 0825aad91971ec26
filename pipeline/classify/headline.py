"""The printed name of a paper: found near the top, in capitals or alone in the middle, tolerant of OCR noise."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rapidfuzz import fuzz

from pipeline.classify.types import LETTER, DocumentType, TypeCatalogue
from pipeline.grammar.folding import fold_words
from pipeline.model import Line, ReadPage

NEAR, SURE = 84.0, 92.0
TOP = 0.62
NATION = "cong hoa xa hoi chu nghia viet nam"


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """A type with the lines that name it, as positions in the page's lines; `sure` is False for a weak match."""

    type: DocumentType
    first: int
    last: int
    sure: bool


def find_headline(page: ReadPage, types: TypeCatalogue) -> Headline | None:
    """The first headline from the top, the longest one that begins at its line."""
    bound = page.height * TOP
    lines = page.lines
    for start, line in enumerate(lines):
        if line.box.top > bound:
            break
        found = _at(page, start, types)
        if found is not None:
            return found
    return None


def _at(page: ReadPage, start: int, types: TypeCatalogue) -> Headline | None:
    lines = page.lines
    best: tuple[float, Headline] | None = None
    for stop in range(start, min(start + 3, len(lines))):
        part = lines[start : stop + 1]
        capital = all(is_capital(item) for item in part)
        if not capital and (stop > start or not _alone(part[0], page)):
            break
        if stop > start and not _follows(lines[stop - 1], lines[stop]):
            break
        text = fold_words(" ".join(item.text for item in part))
        if len(text) < 3 or text == NATION:
            break
        for kind in types.types:
            score = _score(text, kind, capital=capital)
            if score is not None and (best is None or score > best[0]):
                headline = Headline(type=kind, first=start, last=stop, sure=score % 1000 >= SURE)
                best = (score, headline)
    return best[1] if best else None


def _score(text: str, kind: DocumentType, *, capital: bool) -> float | None:
    """Higher for longer headlines, then for closer ones; None when it does not match."""
    best: float | None = None
    for headline in kind.headlines:
        ratio = fuzz.ratio(text, headline)
        need = NEAR if capital else SURE
        if ratio < need and capital and text.startswith(headline + " "):
            ratio = NEAR if kind.generic or len(headline.split()) >= 3 else 0.0
            if kind.generic and len(headline) < 6:
                ratio = 0.0
        if ratio >= need:
            score = len(headline) * 1000.0 + min(ratio, 999.0)
            best = score if best is None else max(best, score)
    return best


def is_capital(line: Line) -> bool:
    """Whether a line is printed in capitals."""
    letters = [sign for sign in line.text if sign.isalpha()]
    return len(letters) >= 3 and sum(sign.isupper() for sign in letters) / len(letters) > 0.8


def centred(line: Line, page: ReadPage, slack: float = 0.09) -> bool:
    """Whether a line's middle is near the middle of the printed area."""
    if not page.lines:
        return False
    left = min(item.box.left for item in page.lines)
    right = max(item.box.right for item in page.lines)
    middle = (line.box.left + line.box.right) / 2
    return abs(middle - (left + right) / 2) < slack * page.width


def _alone(line: Line, page: ReadPage) -> bool:
    narrow = line.box.right - line.box.left < 0.6 * page.width
    return narrow and centred(line, page) and line.text[:1].isupper()


def _follows(upper: Line, lower: Line) -> bool:
    height = max(1, upper.box.bottom - upper.box.top)
    return lower.box.top - upper.box.bottom < 1.3 * height and lower.box.top > upper.box.top


def has_nation(page: ReadPage) -> bool:
    """Whether the Quốc hiệu stands near the top: a paper's first page."""
    bound = page.height * 0.4
    return any(
        line.box.top < bound and fuzz.partial_ratio(NATION, fold_words(line.text)) >= 85
        for line in page.lines
        if len(line.text) > 20
    )


def printed_page_number(page: ReadPage) -> int | None:
    """The number of a page as printed: alone at the top (Nghị định 30/2020), or as `Trang 2/3`."""
    for line in page.lines[:3]:
        match = re.fullmatch(r"[-–—\s]*(\d{1,3})[-–—\s.]*", line.text)
        if match and line.box.top < 0.14 * page.height:
            return int(match[1])
    for line in [*page.lines[:4], *page.lines[-4:]]:
        match = re.search(r"trang\s*:?\s*(\d{1,3})\s*/\s*\d{1,3}", line.text, re.IGNORECASE)
        if match:
            return int(match[1])
    return None


def is_letter(page: ReadPage) -> bool:
    """Công văn has no name: a number, and `V/v` under it at the left (Nghị định 30/2020, cell 5b)."""
    bound = page.height * 0.4
    return any(
        re.match(r"V\s*/\s*v\b", line.text.strip(), re.IGNORECASE)
        for line in page.lines
        if line.box.top < bound
    )


def letter_type(types: TypeCatalogue) -> DocumentType:
    return types.get(LETTER)
