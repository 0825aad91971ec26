"""Print on a page as segments: runs of words on one line with no wide gap between them.

OCR often joins the two columns of a Vietnamese letterhead into one line; segments part them again.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from statistics import median

from pipeline.grammar.folding import compact, fold_words
from pipeline.model import Box, Line, ReadPage, Word

WIDE_GAP = 1.6  # of a line's height: wider than justified print, narrower than a column's gutter
_WRITING = {"Lu", "Ll", "Lt", "Lo", "Nd"}  # not Lm: OCR gives specks as a lone circumflex
_DASHES = ("-", "–", "—", "&")
NOISE = 0.32  # confidence below which a word of signs or of one letter is a speck


@dataclass(frozen=True, kw_only=True)
class Segment:
    """Words side by side. `line` is the number of the OCR line it came from."""

    words: tuple[Word, ...]
    line: int

    @cached_property
    def text(self) -> str:
        return " ".join(word.text for word in self.words)

    @cached_property
    def key(self) -> str:
        """Folded text without spaces."""
        return compact(self.text)

    @cached_property
    def folded(self) -> str:
        """Folded words parted by one space."""
        return fold_words(self.text)

    @cached_property
    def box(self) -> Box:
        return box_of(word.box for word in self.words)

    def between(self, start: int, end: int) -> list[Word]:
        """The words that touch [start, end) of `text`."""
        found: list[Word] = []
        at = 0
        for word in self.words:
            if at < end and start < at + len(word.text):
                found.append(word)
            at += len(word.text) + 1
        return found

    @property
    def height(self) -> int:
        return self.box.bottom - self.box.top

    @property
    def centre(self) -> float:
        return (self.box.left + self.box.right) / 2

    @property
    def middle(self) -> float:
        return (self.box.top + self.box.bottom) / 2

    @cached_property
    def caps(self) -> float:
        """Share of letters that are capitals."""
        letters = [sign for sign in self.text if sign.isalpha()]
        return sum(sign.isupper() for sign in letters) / len(letters) if letters else 0.0

    @cached_property
    def confidence(self) -> float:
        """Of its least certain word that means anything."""
        return min((word.confidence for word in self.words if has_text(word.text)), default=0.0)


def segment_of(words: Iterable[Word], line: int) -> Segment:
    """A segment made of words in the order of print."""
    return Segment(words=tuple(words), line=line)


def box_of(boxes: Iterable[Box]) -> Box:
    """The smallest box around all of them."""
    every = list(boxes)
    return Box(
        left=min(box.left for box in every),
        top=min(box.top for box in every),
        right=max(box.right for box in every),
        bottom=max(box.bottom for box in every),
    )


def has_text(text: str) -> bool:
    """Whether it holds a letter or a digit."""
    return any(unicodedata.category(sign) in _WRITING for sign in text)


def segments(page: ReadPage) -> tuple[Segment, ...]:
    """All segments of a page in reading order."""
    found: list[Segment] = []
    for number, line in enumerate(page.lines):
        words = _words(line)
        if words:
            found += [Segment(words=part, line=number) for part in part_at_gaps(words)]
    return tuple(found)


def part_at_gaps(words: Sequence[Word], gap: float = WIDE_GAP) -> list[tuple[Word, ...]]:
    """Words of one line parted where the space between two is wider than `gap` times the line's height."""
    height = median(word.box.bottom - word.box.top for word in words)
    parts: list[list[Word]] = [[words[0]]]
    for before, word in pairwise(words):
        if word.box.left - before.box.right > gap * height:
            parts.append([])
        parts[-1].append(word)
    return [tuple(part) for part in parts]


def _words(line: Line) -> list[Word]:
    """A line's words without specks; a dash between words is print (`Dân tộc - Tôn giáo`)."""
    kept = [word for word in line.words if not _speck(word)]
    dashes = [
        word
        for before, word, after in zip(line.words, line.words[1:], line.words[2:], strict=False)
        if word.text in _DASHES
        and word.confidence > 2 * NOISE
        and not _speck(before)
        and not _speck(after)
        and _close(before, word)
        and _close(word, after)
    ]
    return sorted([*kept, *dashes], key=lambda word: word.box.left) if dashes else kept


def _close(before: Word, after: Word) -> bool:
    height = max(before.box.bottom - before.box.top, after.box.bottom - after.box.top)
    return after.box.left - before.box.right < height


def _speck(word: Word) -> bool:
    """Noise that would bridge a gap: signs, or a lone letter read with little confidence."""
    if not has_text(word.text):
        return True
    return len(word.text) == 1 and word.confidence < NOISE
