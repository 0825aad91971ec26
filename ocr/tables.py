"""Ruled tables: where their cells are, so that each is read by itself and a row stays a row.

The engine takes a row of cells for lines that run across the page, tears cells of two lines apart and loses lone
figures beside a rule. Tables without rules are left to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from ocr.components import components
from ocr.layout import scaled
from ocr.shrink import shrunk
from pipeline.model import Box, Line

Pixels = npt.NDArray[np.uint8]
WORK_DPI = 120.0
ACROSS, DOWN = 0.6, 0.16
"""Shortest rules, in inches: no underline of a word is 0.6 inches and crossed by another rule, no letter 0.16 high."""
FAINT = 25
"""Grey levels below the lightest paper beside it from which a rule counts: a hair line, reduced, is pale."""
NEAR, GAP = 0.017, 0.06
"""Inches that may be missing in a rule, and between long pieces of one; more at once would join letters to rules."""
SMALLEST = (0.18, 0.13)
"""Inches across and down of the smallest cell that holds print."""
MOST_CELLS = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Cells in pixels of the page, row by row, left to right; `box` is what they cover with their rules."""

    box: Box
    rows: tuple[tuple[Box, ...], ...]

    def scaled(self, scale: float) -> Table:
        """The same table on the page `scale` times as large."""
        rows = tuple(tuple(scaled(cell, scale) for cell in row) for row in self.rows)
        return Table(box=scaled(self.box, scale), rows=rows)


def find_tables(grey: Pixels, dpi: float) -> tuple[Table, ...]:
    """Grids of at least two rows or columns, on a straightened grey page."""
    scale = min(1.0, WORK_DPI / dpi)
    small = shrunk(grey, scale)
    work = dpi * small.shape[1] / grey.shape[1]
    rules = _rules(small, work)
    if rules is None:
        return ()
    _, facts = components(rules)
    tables = []
    for left, top, width, height, _ in facts[1:]:
        if width < 1.2 * work or height < 0.35 * work:
            continue
        grid = rules[top : top + height, left : left + width]
        cells = [cell for cell in _cells(grid, work) if cell.right - cell.left < width - 4]
        if not 2 <= len(cells) <= MOST_CELLS:
            continue
        place = [_enlarged(cell, left, top, scale, work) for cell in cells]
        outer = Box(left=left, top=top, right=left + width, bottom=top + height)
        tables.append(Table(box=_enlarged(outer, 0, 0, scale, 0.0), rows=_in_rows(place)))
    return tuple(tables)


def _rules(small: Pixels, work: float) -> Pixels | None:
    """Mask of long straight strokes both ways; None when there are not two of them each way."""
    around_it = np.ones((5, 5), np.uint8)
    ink = (cv2.subtract(cv2.dilate(small, around_it), small) > FAINT).astype(np.uint8)
    near, gap = max(2, round(NEAR * work)), max(3, round(GAP * work))
    kinds = []
    for long, lying in ((round(ACROSS * work), True), (round(DOWN * work), False)):
        joined = cv2.morphologyEx(ink, cv2.MORPH_CLOSE, _bar(near, lying=lying))
        opened = cv2.morphologyEx(joined, cv2.MORPH_OPEN, _bar(long, lying=lying))
        if int(opened.sum()) < 2 * long:
            return None
        whole = cv2.morphologyEx(opened, cv2.MORPH_CLOSE, _bar(gap, lying=lying))
        kinds.append(cv2.dilate(whole, np.ones((3, 3), np.uint8)))
    return cv2.bitwise_or(kinds[0], kinds[1]).astype(np.uint8, copy=False)


def _bar(length: int, *, lying: bool) -> Pixels:
    return np.ones((1, length) if lying else (length, 1), np.uint8)


def _cells(grid: Pixels, work: float) -> list[Box]:
    """White fields wholly enclosed by rules."""
    closed = cv2.copyMakeBorder(grid, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    labels, facts = components(1 - closed, corners=False)
    outside = labels[0, 0]
    found = []
    for number in range(1, len(facts)):
        left, top, width, height, area = (int(v) for v in facts[number])
        roomy = width >= SMALLEST[0] * work and height >= SMALLEST[1] * work
        if number != outside and roomy and area > 0.8 * width * height:
            found.append(Box(left=left - 1, top=top - 1, right=left + width - 1, bottom=top + height - 1))
    return found


def _enlarged(box: Box, left: int, top: int, scale: float, work: float) -> Box:
    """A box of the reduced picture on the page; of a cell, `work` > 0, what the rules' widening took comes back."""
    grow = 0.5 if work else 0.0
    return Box(
        left=round((box.left + left - grow) / scale),
        top=round((box.top + top - grow) / scale),
        right=round((box.right + left + grow) / scale),
        bottom=round((box.bottom + top + grow) / scale),
    )


def _in_rows(cells: Sequence[Box]) -> tuple[tuple[Box, ...], ...]:
    """Rows from the top, each from the left; a cell that spans rows stands in its first."""
    rows: list[list[Box]] = []
    for cell in sorted(cells, key=lambda c: (c.top, c.left)):
        row = rows[-1] if rows else []
        if row and cell.top < row[0].top + 0.4 * min(c.bottom - c.top for c in row):
            row.append(cell)
        else:
            rows.append([cell])
    return tuple(tuple(sorted(row, key=lambda c: c.left)) for row in rows)


def without_tables(grey: Pixels, tables: Sequence[Table]) -> Pixels:
    """A copy with the cells white; print that stands in no cell is left for the page."""
    if not tables:
        return grey
    out = grey.copy()
    for table in tables:
        for cell in (cell for row in table.rows for cell in row):
            out[cell.top : cell.bottom, cell.left : cell.right] = 255
    return out


def insert(
    lines: Sequence[Line], tables: Sequence[Table], contents: Sequence[Sequence[Line]]
) -> tuple[Line, ...]:
    """The page's lines with each table's before the first line that stands below it."""
    out = list(lines)
    for table, inside in zip(tables, contents, strict=True):
        below = (n for n, line in enumerate(out) if line.box.top >= table.box.bottom - 4)
        at = next(below, len(out))
        out[at:at] = inside
    block, numbered, last = -1, [], None
    insides = {id(line) for inside in contents for line in inside}
    for line in out:
        here = "table" if id(line) in insides else line.block
        block += here != last
        numbered.append(replace(line, block=block))
        last = here
    return tuple(numbered)
