"""Print or pen? Numbers and days are often written by hand into printed blanks, and OCR reads them all the same.

Printed figures stand in the row of their neighbours: as high, on the same base line, at the same distance, without ink
of another colour. What does not is a suggestion only.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from pipeline.model import Box, ReadPage, RegionKind, Word

# Mean confidence of a page: a tenth of the pages with a misread code, number or date lie above 0.97, a tenth of the
# others below 0.954. Low percentiles and the share of weak words part them no better.
CLEAR = 0.96
# Words of the language fare better: below 0.92 two of 21 names of agencies were wrong, from there to CLEAR one of 87.
WORN = 0.93
# Of figures read twice (ocr/figures.py), on 645 made papers: 16 codes, 3 numbers of known symbols and 2 dates that
# were wrong had 0.66 at most; 98 of 100 right ones that stand as print does have 0.9 or more.
SURE = 0.85
LOWER, TALLER, MUCH_TALLER = 0.8, 1.22, 1.9
BEYOND_DOUBT = 0.97  # more than a second reading gives: a pen may be read alike twice
OFF_LINE = 0.3  # of the height
WIDER, ENOUGH = 1.6, 30  # times the usual space of a page that has so many
GAP = 1.0  # of the height; a space between words is about 0.3


def clear(page: ReadPage) -> bool:
    """Whether a page as a whole was read without trouble; worn pages mislead more."""
    return page.confidence >= CLEAR


def worn(page: ReadPage) -> bool:
    """Whether a page was read so badly that even words of the language are in doubt."""
    return page.confidence < WORN


def inked(page: ReadPage, box: Box) -> bool:
    """Whether blue ink touches the box."""
    return any(
        region.kind is RegionKind.BLUE_INK
        and min(box.right, region.box.right) > max(box.left, region.box.left)
        and min(box.bottom, region.box.bottom) > max(box.top, region.box.top)
        for region in page.regions
    )


def height(word: Word) -> int:
    return max(1, word.box.bottom - word.box.top)


def in_row(word: Word, printed: Word) -> bool:
    """Whether a word of figures has the height and the base line of a printed neighbour, also of figures."""
    ratio = height(word) / height(printed)
    if word.confidence >= BEYOND_DOUBT and LOWER < ratio < MUCH_TALLER:
        return True  # on worn paper a speck stretches a box
    return LOWER < ratio < TALLER and abs(word.box.bottom - printed.box.bottom) < OFF_LINE * height(printed)


def widest_space(page: ReadPage, least: float) -> float:
    """How wide, in heights of a line, a space on this page may be: typewriters set them as wide as a letter."""
    spaces = [
        (after.box.left - before.box.right) / max(height(before), height(after))
        for line in page.lines
        for before, after in pairwise(line.words)
    ]
    return max(least, WIDER * median(spaces)) if len(spaces) >= ENOUGH else least


def widest_gap(words: Sequence[Word]) -> float:
    """The widest space between words of one line, in heights of a line."""
    return max(
        (
            (after.box.left - before.box.right) / max(height(before), height(after))
            for before, after in pairwise(words)
        ),
        default=0.0,
    )
