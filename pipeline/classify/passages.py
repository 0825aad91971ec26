"""Running text of a page as passages: lines that go on joined, columns apart, every sign with the word it came from."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from pipeline.classify.layout import Segment, box_of, has_text, segments
from pipeline.classify.view import PageView
from pipeline.grammar.folding import fold_aligned, nfc, one_tone_style
from pipeline.model import Field, Word

FULL = 0.88  # of the right edge of the body: a line that ends before it is the last of its passage
GAP, INDENT = 1.1, 5.0  # of a line's height
_START = re.compile(r"^\W{0,2}(?:\d{1,2}(?:\.\d{1,2})*\s*[.)]|[a-zđ]\)|[IVX]+\.|[-–+•*]\s)")


@dataclass(frozen=True, kw_only=True)
class Passage:
    """Segments that are one run of text on one page. `text` is NFC, words parted by one space."""

    view: PageView
    parts: tuple[Segment, ...]

    @cached_property
    def words(self) -> tuple[Word, ...]:
        return tuple(word for part in self.parts for word in part.words)

    @cached_property
    def text(self) -> str:
        return " ".join(nfc(word.text) for word in self.words)

    @cached_property
    def folded(self) -> str:
        """As long as `text`, lower case, without diacritics."""
        return fold_aligned(self.text)

    @cached_property
    def letters(self) -> str:
        """For comparing letter by letter."""
        return letters(self.text)

    def between(self, start: int, end: int) -> list[Word]:
        """The words that touch [start, end) of `text` and mean anything."""
        found: list[Word] = []
        at = 0
        for word in self.words:
            size = len(nfc(word.text))
            if at < end and start < at + size and has_text(word.text):
                found.append(word)
            at += size + 1
        return found


def passages(view: PageView) -> tuple[Passage, ...]:
    """The passages of a page in reading order."""
    parts = [part for part in segments(view.page) if part.words]
    alone = _alone(parts)
    edge = max((part.box.right for part in parts), default=0)
    found: list[list[Segment]] = []
    for part in parts:
        if found and _goes_on(found[-1][-1], part, alone, edge):
            found[-1].append(part)
        else:
            found.append([part])
    return tuple(Passage(view=view, parts=tuple(group)) for group in found)


def _alone(parts: Sequence[Segment]) -> set[int]:
    """Lines with one segment only: the others are rows of columns."""
    counts: dict[int, int] = {}
    for part in parts:
        counts[part.line] = counts.get(part.line, 0) + 1
    return {line for line, count in counts.items() if count == 1}


def _goes_on(last: Segment, part: Segment, alone: set[int], edge: int) -> bool:
    if part.line not in alone or last.line not in alone:
        return False
    height = max(last.height, part.height)
    close = -0.5 * height < part.box.top - last.box.bottom < GAP * height
    left = part.box.left < last.box.left + INDENT * height
    if not close or not left:
        return False
    if last.text.rstrip().endswith(":") and len(last.words) <= 12:
        return True  # the label of a card, its value below
    return last.box.right > FULL * edge and not _START.match(part.text)


def field_of(
    name: str, value: str, words: Sequence[Word], view: PageView, *, sure: bool, evidence: str = "text"
) -> Field:
    """A field that stands at these words of one page."""
    return Field(
        name=name,
        value=value,
        confidence=round(min((word.confidence for word in words), default=0.0), 3),
        doubtful=not sure,
        evidence=evidence,
        page=view.index,
        box=box_of(word.box for word in words) if words else None,
    )


def confidence(words: Sequence[Word]) -> float:
    """Of the least certain one; nothing is certain of no words."""
    return min((word.confidence for word in words), default=0.0)


def letters(text: str) -> str:
    """Words as they are compared letter by letter: capitals and the style of tone marks left aside."""
    return one_tone_style(text).lower()
