"""Reading order of Vietnamese papers, and lines that are none: seal lettering, specks, rules."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from pipeline.grammar.folding import fold_words, nfc
from pipeline.model import Box, Line, Word

_LETTERHEAD = re.compile(r"\b(cong hoa xa|xa hoi chu|doc lap|hanh phuc|dang cong san)\b")
_RECEIVERS = re.compile(r"\bnoi nhan\b")
_DATED = re.compile(r"\bngay\b.*\bthang\b.*\bnam\b")
_SPECKS = frozenset(".,'`´^\u02c6\u02dc°·•‘’“”\"…¬_")
"""Signs that are dirt when they stand alone; a lone dash or colon may be printed."""
_TICKS = "'‘’`"
_QUOTE = re.compile(rf"(?<!\w)[{_TICKS}]|[{_TICKS}](?!\w)")
GUTTER = 0.7
"""Narrowest space between two columns, in heights of the line; spaces between words are about 0.3 of it."""


SURE, COMPANY = 0.8, 4
"""Raw confidence of a word that vouches for its line, and how many of them do."""
ALIKE = (0.85, 1.2)
"""Height of a word of print against the usual one of its line."""
_PRINTED = re.compile(r"(?=.*[^\W\d_].*[^\W\d_])[^\W_]+(?:[/.-][^\W_]+)*[.,;:)]{0,2}")
"""Two letters or more, digits, and the signs that join or end them."""
_NUMBERED = re.compile(r"(Số:)(\S+)")


def tidy(lines: Sequence[Line]) -> tuple[Line, ...]:
    """NFC text in reading order; words that are noise and empty lines dropped."""
    kept: list[Line] = []
    for line in lines:
        paired = _paired(" ".join(word.text for word in line.words))
        clean = (replace(word, text=printed(without_rules(word.text, paired))) for word in line.words)
        sure = [word for word in line.words if word.confidence >= SURE]
        kept_here = (word for word in clean if word.text and (_is_word(word) or _is_alike(word, sure)))
        words = tuple(part for word in kept_here for part in _parted(word))
        if words and any(_meaningful(word.text) for word in words):
            kept.append(replace(line, words=words, box=around(words)))
    return part_columns(kept)


def printed(text: str) -> str:
    """NFC, and the slash as papers have it: the engine knows that of fractions too, and takes an italic one for it."""
    return nfc(text).replace("\u2044", "/")


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


def _is_alike(word: Word, sure: Sequence[Word]) -> bool:
    """Whether a word, however unsure, is as high as the sure ones of its line and made of the signs of print.

    Specks, strokes of a pen and pieces of a seal that are read as words are higher or lower than the line.
    """
    if len(sure) < COMPANY or not _PRINTED.fullmatch(word.text):
        return False
    heights = sorted(other.box.bottom - other.box.top for other in sure)
    usual = heights[len(heights) // 2]
    return ALIKE[0] * usual <= word.box.bottom - word.box.top <= ALIKE[1] * usual


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of two columns; what begins at `cut`, in pixels across, or after it stands in the right one."""

    line: Line
    cut: float
    parted: bool
    """Whether there is something on both sides."""

    def side(self, *, right: bool) -> Line | None:
        """What of the line stands there."""
        words = tuple(word for word in self.line.words if (word.box.left >= self.cut) == right)
        return replace(self.line, words=words, box=around(words)) if words else None


def part_columns(lines: Sequence[Line]) -> tuple[Line, ...]:
    """Letterhead and `Nơi nhận` apart from what stands beside them: the left column whole, then the right one.

    The engine often takes the agency and Quốc hiệu, side by side, for one wide line. Only these two places of
    the layout are parted; rows of tables stay rows.
    """
    out: list[Line] = []
    rest = list(lines)
    block = 0
    while rest:
        rows = _column_rows(rest)
        taken = len(rows) or 1
        if rows:
            for right in (False, True):
                sides = (row.side(right=right) for row in rows)
                out += [replace(line, block=block) for line in sides if line is not None]
                block += 1
        else:
            if out and rest[0].block != lines[len(lines) - len(rest) - 1].block:
                block += 1
            out.append(replace(rest[0], block=block))
        rest = rest[taken:]
    return tuple(out)


def _gaps(line: Line) -> list[tuple[int, int]]:
    """Spaces in a line, left and right end, that could part two columns."""
    height = sorted(word.box.bottom - word.box.top for word in line.words)[len(line.words) // 2]
    between = ((before.box.right, after.box.left) for before, after in pairwise(line.words))
    return [(start, stop) for start, stop in between if stop - start >= GUTTER * height]


def _column_rows(lines: Sequence[Line]) -> list[_Row]:
    """The lines at the start of `lines` that stand in two columns; none when they do not.

    The first of them has one wide space. Below it a blank for the pen, or what the pen left, may make more of them:
    the one that lies under the others counts. Place and date end the right one: a headline may follow closely.
    """
    start, stop = 0, 1_000_000
    rows: list[_Row] = []
    anchored = dated = False
    for line in lines:
        gaps = _gaps(line)
        shared = [(max(start, low), min(stop, high)) for low, high in gaps if rows or len(gaps) == 1]
        low, high = max(shared, key=lambda gap: gap[1] - gap[0], default=(0, 0))
        if high - low > 0.4 * GUTTER * (line.box.bottom - line.box.top):
            start, stop = low, high
            rows.append(_Row(line, low, parted=True))
        elif rows and line.box.right <= stop:
            rows.append(_Row(line, math.inf, parted=False))
        elif rows and line.box.left >= start and not dated:
            rows.append(_Row(line, -math.inf, parted=False))
        else:
            break
        folded = fold_words(line.text)
        anchored |= bool(_LETTERHEAD.search(folded) or _RECEIVERS.search(folded))
        dated |= bool(_DATED.search(folded))
    # Lines at the end that stand on one side only may belong to what follows: leave the last full ones out.
    while rows and not rows[-1].parted and not _beside(lines[: len(rows)], len(rows) - 1):
        rows.pop()
    return rows if anchored else []


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
