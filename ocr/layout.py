"""Reading order of Vietnamese papers, and lines that are none: seal lettering, specks, rules."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from pipeline.grammar.folding import fold_words, nfc
from pipeline.model import Box, Line, Word

_LETTERHEAD = re.compile(r"\b(cong hoa xa|xa hoi chu|doc lap|hanh phuc|dang cong san)\b")
_RECEIVERS = re.compile(r"\bnoi nhan\b")
_SPECKS = frozenset(".,'`´^\u02c6\u02dc°·•‘’“”\"…¬_")
"""Signs that are dirt when they stand alone; a lone dash or colon may be printed."""
_TICKS = "'‘’`"
_QUOTE = re.compile(rf"(?<!\w)[{_TICKS}]|[{_TICKS}](?!\w)")
GUTTER = 0.7
"""Narrowest space between two columns, in heights of the line; spaces between words are about 0.3 of it."""


_NUMBERED = re.compile(r"(Số:)(\S+)")


def tidy(lines: Sequence[Line]) -> tuple[Line, ...]:
    """NFC text in reading order; words that are noise and empty lines dropped."""
    kept: list[Line] = []
    for line in lines:
        paired = _paired(" ".join(word.text for word in line.words))
        clean = (replace(word, text=nfc(without_rules(word.text, paired))) for word in line.words)
        words = tuple(part for word in clean if word.text and _is_word(word) for part in _parted(word))
        if words and any(_meaningful(word.text) for word in words):
            kept.append(replace(line, words=words, box=around(words)))
    return part_columns(kept)


def _parted(word: Word) -> tuple[Word, ...]:
    """`Số:04` as two words: what is written into the blank stands close to what is printed before it."""
    found = _NUMBERED.fullmatch(word.text)
    if not found:
        return (word,)
    box, at = word.box, found.end(1) / len(word.text)
    middle = round(box.left + at * (box.right - box.left))
    return (
        replace(word, text=found[1], box=replace(box, right=middle)),
        replace(word, text=found[2], box=replace(box, left=middle)),
    )


def _paired(text: str) -> str:
    """The kinds of brackets of which a line has a pair, and an apostrophe where it has two: those are print."""
    found = "".join(pair for pair in ("[]", "{}") if 0 <= text.find(pair[0]) < text.rfind(pair[1]))
    return found + "'" * (len(_QUOTE.findall(text)) > 1)


def without_rules(text: str, paired: str = "") -> str:
    """A word without the bars and lone brackets that ruling lines of a table are read as; digits stay.

    Brackets of the kinds in `paired` are left where they are. An apostrophe before a word of letters is the end of a
    line of the table above; inside a word it is print (N'Thol Hạ).
    """
    text = text.strip("|¦")
    if len(text) > 2 and text[0] in _TICKS and text[1:].isalpha() and "'" not in paired:
        text = text[1:]
    for opening, closing in ("[]", "{}"):
        if opening in paired:
            continue
        if closing not in text:
            text = text.lstrip(opening)
        if opening not in text:
            text = text.rstrip(closing)
    return text


def each_word(lines: Sequence[Line], mend: Callable[[Word], Word]) -> tuple[Line, ...]:
    """The lines with every word as `mend` gives it back; places and lines stay."""
    return tuple(replace(line, words=tuple(map(mend, line.words))) for line in lines)


def around(words: Sequence[Word]) -> Box:
    """The smallest box that holds all the words."""
    boxes = [word.box for word in words]
    return Box(
        left=min(b.left for b in boxes),
        top=min(b.top for b in boxes),
        right=max(b.right for b in boxes),
        bottom=max(b.bottom for b in boxes),
    )


def _meaningful(text: str) -> bool:
    return any(_is_letter(sign) for sign in text)


def _is_letter(sign: str) -> bool:
    """A letter or digit; the lone circumflex and its like are letters for Unicode only."""
    kind = unicodedata.category(sign)
    return kind[0] in "LN" and kind != "Lm"


def _is_word(word: Word) -> bool:
    if not _meaningful(word.text):
        return word.confidence > 0.6 and word.text not in _SPECKS
    if word.confidence > 0.25:
        return True
    plain = sum(_is_letter(sign) for sign in word.text)
    return len(word.text) > 3 and plain >= 0.7 * len(word.text)


@dataclass(frozen=True, slots=True)
class _Split:
    """One line with the gap, in pixels across, at which it would part into two columns."""

    line: Line
    start: int
    stop: int


def part_columns(lines: Sequence[Line]) -> tuple[Line, ...]:
    """Letterhead and `Nơi nhận` apart from what stands beside them: the left column whole, then the right one.

    The engine often takes the agency and Quốc hiệu, side by side, for one wide line. Only these two places of
    the layout are parted; rows of tables stay rows.
    """
    out: list[Line] = []
    rest = list(lines)
    block = 0
    while rest:
        taken = _column_rows(rest)
        if taken:
            left, right = _columns(rest[:taken])
            out += [replace(line, block=block) for line in left]
            out += [replace(line, block=block + 1) for line in right]
            block += 2
        else:
            taken = 1
            if out and rest[0].block != lines[len(lines) - len(rest) - 1].block:
                block += 1
            out.append(replace(rest[0], block=block))
        rest = rest[taken:]
    return tuple(out)


def _widest(line: Line) -> _Split | None:
    """The widest space in a line when it could part two columns, and is the only one of that kind."""
    height = sorted(word.box.bottom - word.box.top for word in line.words)[len(line.words) // 2]
    gaps = [
        (after.box.left - before.box.right, before.box.right, after.box.left)
        for before, after in pairwise(line.words)
    ]
    wide = [gap for gap in gaps if gap[0] >= GUTTER * height]
    return _Split(line, wide[0][1], wide[0][2]) if len(wide) == 1 else None


def _column_rows(lines: Sequence[Line]) -> int:
    """How many lines at the start of `lines` stand in two columns; 0 when none do."""
    start, stop, rows = 0, 1_000_000, 0
    anchored = False
    for line in lines:
        split = _widest(line)
        low, high = (max(start, split.start), min(stop, split.stop)) if split else (start, stop)
        if split is not None and high - low > 0.4 * GUTTER * (line.box.bottom - line.box.top):
            start, stop = low, high
        elif rows == 0 or not (line.box.right <= stop or line.box.left >= start):
            break
        folded = fold_words(line.text)
        anchored |= bool(_LETTERHEAD.search(folded) or _RECEIVERS.search(folded))
        rows += 1
    # Lines at the end that stand on one side only may belong to what follows: leave the last full ones out.
    while rows and _widest(lines[rows - 1]) is None and not _beside(lines[:rows], rows - 1):
        rows -= 1
    return rows if anchored and rows else 0


def _beside(lines: Sequence[Line], index: int) -> bool:
    """Whether a one-sided line overlaps in height with another line, or follows its column closely."""
    line = lines[index]
    height = line.box.bottom - line.box.top
    return any(
        other is not line
        and line.box.top < other.box.bottom + 0.9 * height
        and other.box.top < line.box.bottom
        for other in lines
    )


def _columns(lines: Sequence[Line]) -> tuple[list[Line], list[Line]]:
    splits = [split for split in map(_widest, lines) if split is not None]
    start, stop = max(s.start for s in splits), min(s.stop for s in splits)
    if start >= stop:
        start, stop = splits[0].start, splits[0].stop
    middle = (start + stop) / 2
    left: list[Line] = []
    right: list[Line] = []
    for line in lines:
        for side, words in (
            (left, tuple(w for w in line.words if (w.box.left + w.box.right) / 2 < middle)),
            (right, tuple(w for w in line.words if (w.box.left + w.box.right) / 2 >= middle)),
        ):
            if words:
                side.append(replace(line, words=words, box=around(words)))
    return left, right


def scaled(box: Box, scale: float) -> Box:
    """The box on the page `scale` times as large."""
    return Box(
        left=round(box.left * scale),
        top=round(box.top * scale),
        right=round(box.right * scale),
        bottom=round(box.bottom * scale),
    )


def scaled_lines(lines: Sequence[Line], scale: float) -> tuple[Line, ...]:
    """Lines with all their boxes on the page `scale` times as large."""
    return tuple(
        replace(
            line,
            box=scaled(line.box, scale),
            words=tuple(replace(word, box=scaled(word.box, scale)) for word in line.words),
        )
        for line in lines
    )


def moved(line: Line, across: int, down: int) -> Line:
    """The line so many pixels to the right and down, never beyond the page's left and upper edge."""
    words = tuple(
        replace(
            word,
            box=Box(
                left=max(0, word.box.left + across),
                top=max(0, word.box.top + down),
                right=word.box.right + across,
                bottom=word.box.bottom + down,
            ),
        )
        for word in line.words
    )
    return replace(line, words=words, box=around(words))
