"""Where a letterhead leaves blanks for the pen: the number before its slash, the day and the month of the date.

Nghị định 30/2020/NĐ-CP, cells 3 and 4: `Số:      /CT-UBND` at the left, `…, ngày      tháng    năm 2024` at the right.
Found by the print around them, whatever OCR made of the ink in them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from rapidfuzz.distance.Hamming import distance

from pipeline.grammar.folding import fold_aligned, nfc
from pipeline.grammar.numbers import ABBREVIATIONS, KNOWN_PARTS
from pipeline.model import Box, Line, Word

HEAD = 0.45  # of the page
_SYMBOL = re.compile(
    r"[/⁄](?:(?:19|20)\d\d[/⁄])?(?P<kind>[A-ZĐ][A-Za-zĐđ]{0,6})(?:-[A-ZĐ][A-Za-zĐđ.-]*)?[.,;:]?$"
)
_LABEL = re.compile(r"^\W{0,2}[S§s][ốổôóoỐỔÔÓO0ồộỗé6]{1,2}\s*[:;.,]?")
_DAY, _MONTH = re.compile(r"^\W*ng[ao][yv]"), re.compile(r"^\W*th[aei]n[gq]")
_YEAR = re.compile(r"nam$")
_FIGURES = re.compile(r"(?:19|20)\d\d")
_MONTH_ALONE = re.compile(r"\W*th[aei]n[gq]\W*")
# Widths in Times, the face of Nghị định 30/2020: `Số:` by the height of figures, `ngày` and `tháng` by the width of the
# year's four figures. On a typewriter every sign is as wide, which comes out nearly the same.
LABEL, DAY, MONTH = 1.65, 1.0, 1.19
READ = 0.8  # confidence from which a word is one, and not ink read as letters
ACROSS = 0.2  # of the width: no number reaches farther from its slash


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A blank up to `box.right`, in a row of figures `unit` pixels high that stand on `base`.

    It begins behind the colon in the box where it has one, else at `edge`; without either it is not known where.
    `after` are words read beside it: slash and symbol of a number, the year of a day, for a month what OCR made of it.
    """

    name: str
    box: Box
    unit: int
    base: int
    edge: int | None
    after: tuple[Word, ...] = ()


def find_slots(lines: Sequence[Line], width: int, height: int) -> tuple[Slot, ...]:
    """The blanks in the head of a page, as far as the print around them was read."""
    head = [line for line in lines if line.box.top < HEAD * height]
    number = _number(head, width)
    found = [number] if number is not None else []
    return (*found, *_date(head, width))


def _number(head: Sequence[Line], width: int) -> Slot | None:
    words = [word for line in head for word in line.words]
    runs = [(line, place, _close(line.words[place:])) for line in head for place in range(len(line.words))]
    for line, place, run in runs:
        word = line.words[place]
        match = _SYMBOL.search(nfc("".join(one.text for one in run)))
        if match is None or match.start() >= len(word.text) or word.box.left > 0.5 * width:
            continue
        if not _near_kind(match["kind"]):
            continue
        slash = _at(word, match.start())
        unit = _height([word, *words])
        base = word.box.bottom
        labels = [
            other
            for other in words
            if _LABEL.match(other.text)
            and abs(other.box.bottom - base) < 0.8 * unit
            and other.box.left < slash
        ]
        label = max(labels, key=lambda one: one.box.left, default=None)
        if _cited(line, label or word, run[-1], unit):
            continue
        left, edge = max(0, slash - round(ACROSS * width)), None
        if label is not None:
            left = label.box.left
            bare = _LABEL.fullmatch(label.text) and label.box.right - left < 1.3 * LABEL * unit
            edge = label.box.right if bare else left + round(LABEL * unit)
        if slash - left > 0.3 * unit:
            return Slot(
                name="number",
                box=_row(left, slash, base, unit),
                unit=unit,
                base=base,
                edge=edge,
                after=run,
            )
    return None


def _near_kind(part: str) -> bool:
    """Whether the first part of a symbol is in general use, or is such a one with a letter misread (`ĐC` for `BC`)."""
    return (
        part in ABBREVIATIONS
        or part in KNOWN_PARTS
        or any(len(kind) == len(part) and distance(part, kind) == 1 for kind in ABBREVIATIONS)
    )


def _cited(line: Line, first: Word, last: Word, unit: int) -> bool:
    """Whether a number stands in running text: words go before it or after it (`Nghị định số 45/2020/NĐ-CP ngày`)."""
    near = [word for word in line.words if word.box.right <= first.box.left]
    near += [word for word in line.words if 0 <= word.box.left - last.box.right < 0.9 * unit]
    return any(sum(map(str.isalpha, word.text)) >= 3 and word.confidence >= READ for word in near)


def _date(head: Sequence[Line], width: int) -> list[Slot]:
    for line in head:
        words = [word for word in line.words if word.box.right > 0.4 * width]
        folded = [fold_aligned(nfc(word.text)) for word in words]
        month = next((n for n, text in enumerate(folded) if _MONTH.search(text)), None)
        year = next((n for n, text in enumerate(folded) if _FIGURES.search(text)), None)
        if month is None or year is None or month >= year:
            continue
        until = next((n for n in range(year - 1, month, -1) if _YEAR.search(folded[n])), year)
        unit = max(8, words[year].box.bottom - words[year].box.top)
        base = words[year].box.bottom
        figures = words[year].box.right - words[year].box.left
        named = next((n for n in range(month - 1, -1, -1) if _DAY.search(folded[n])), None)
        if named is not None:
            left = words[named].box.left + round(DAY * figures)
        elif month:  # the word is lost; it stands behind a space
            left = words[month - 1].box.right + round(0.3 * unit + DAY * figures)
        else:
            return []
        # Ink that touches a word makes its box wide: on the right when OCR read signs of it, else on the left.
        begin, end = words[month].box.left, words[month].box.right
        if _MONTH_ALONE.fullmatch(folded[month]):
            begin = end - round(MONTH * figures)
        else:
            end = begin + round(MONTH * figures)
        slots = [
            Slot(
                name="day",
                box=_row(left, begin, base, unit),
                unit=unit,
                base=base,
                edge=left,
                after=(words[year],),
            ),
            Slot(
                name="month",
                box=_row(end, words[until].box.left, base, unit),
                unit=unit,
                base=base,
                edge=end,
                after=tuple(words[month + 1 : until]),
            ),
        ]
        return [slot for slot in slots if slot.box.right - slot.box.left > 0.3 * unit]
    return []


def _close(words: Sequence[Word]) -> tuple[Word, ...]:
    """The first word, and what of a symbol follows without a wide gap (`/TTr -UBND`, `/2024 /QĐ-UBND`)."""
    taken = [words[0]]
    for word in words[1:]:
        apart = word.box.left - taken[-1].box.right > 0.6 * (word.box.bottom - word.box.top)
        if apart or word.text[0] not in "-–/⁄":
            break
        taken.append(word)
    return tuple(taken)


def _at(word: Word, place: int) -> int:
    """Where the sign at `place` of a word stands, as if all were as wide."""
    share = place / max(1, len(word.text))
    return round(word.box.left + share * (word.box.right - word.box.left))


def _height(words: Sequence[Word]) -> int:
    """Height of the first word; where ink made its box tall, that of print beside it."""
    first = words[0].box.bottom - words[0].box.top
    usual = median(word.box.bottom - word.box.top for word in words)
    return max(8, round(min(first, 1.3 * usual)))


def _row(left: int, right: int, base: int, unit: int) -> Box:
    return Box(left=left, top=max(0, base - round(2.1 * unit)), right=right, bottom=base + round(0.9 * unit))
