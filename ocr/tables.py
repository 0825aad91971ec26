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

from ocr.copy import Copy
from ocr.engine import Engine
from ocr.layout import around, moved, scaled, tidy
from ocr.shrink import shrunk
from ocr.skew import ink_mask
from pipeline.model import Box, Line

Pixels = npt.NDArray[np.uint8]
WORK_DPI = 120.0
ACROSS, DOWN = 0.6, 0.16
"""Shortest rules, in inches: no underline of a word is 0.6 inches and crossed by another rule, no letter 0.16 high."""
FAINT = 25
"""Grey levels below the lightest paper beside it from which a rule counts: a hair line, reduced, is pale."""
NEAR, GAP = 0.017, 0.06
"""Inches that may be missing in a rule, and between long pieces of one; more at once would join letters to rules."""
ONE_LINE = 0.27
"""Height in inches of the print in a cell up to which it is one line."""
SMALLEST = (0.18, 0.13)
"""Inches across and down of the smallest cell that holds print."""
MOST_CELLS = 400
BORDER, APART = 0.06, 0.15
"""Inches of white around print that is read alone, and between two cells that are read as one line."""
FEW, UNSURE = 4, 0.9
"""Signs, and raw confidence below which so few are read again beside a longer cell of their row."""


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
    count, _, facts, _ = cv2.connectedComponentsWithStats(rules, connectivity=8)
    tables = []
    for left, top, width, height, _ in facts[1:count]:
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
    count, labels, facts, _ = cv2.connectedComponentsWithStats(1 - closed, connectivity=4)
    outside = labels[0, 0]
    found = []
    for number in range(1, count):
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


def read_tables(engine: Engine, copy: Copy, tables: Sequence[Table]) -> list[tuple[Line, ...]]:
    """The lines of each table, row by row: a row of one-line cells is one line, else cell after cell."""
    return [tuple(line for row in table.rows for line in _read_row(engine, copy, row)) for table in tables]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cell:
    """The print of a cell, cut tightly, where its corner lies on the page, and what was read."""

    print: Pixels
    left: int
    top: int
    lines: tuple[Line, ...]

    def one_line(self, dpi: float) -> bool:
        return bool(self.print.shape[0] <= ONE_LINE * dpi)


def _read_row(engine: Engine, copy: Copy, row: Sequence[Box]) -> list[Line]:
    cells = [read for cell in row if (read := _read_cell(engine, copy, cell))]
    found = [_beside_another(engine, copy.dpi, cell, cells) if _few(cell) else cell.lines for cell in cells]
    found = [lines for lines in found if lines]
    if found and all(len(lines) == 1 for lines in found):
        words = tuple(word for lines in found for word in lines[0].words)
        return [Line(words=words, box=around(words), block=0)]
    return [line for lines in found for line in lines]


def _read_cell(engine: Engine, copy: Copy, box: Box) -> _Cell | None:
    dpi, box = copy.dpi, copy.inside(box)
    crop = copy.part(box)
    ink = ink_mask(crop, dpi)
    down, across = np.nonzero(ink.any(axis=1))[0], np.nonzero(ink.any(axis=0))[0]
    if not down.size:
        return None
    left, top = int(across[0]), int(down[0])
    tight = crop[top : int(down[-1]) + 1, left : int(across[-1]) + 1]
    cell = _Cell(print=tight, left=box.left + left, top=box.top + top, lines=())
    border = round(BORDER * dpi)
    picture = _framed(tight, border)
    found = engine.read_block(picture, dpi=dpi, one_line=cell.one_line(dpi))
    if not found:
        found = engine.read_block(picture, dpi=dpi, one_line=False)
    lines = tuple(moved(line, cell.left - border, cell.top - border) for line in tidy(found))
    return replace(cell, lines=lines)


def _few(cell: _Cell) -> bool:
    """Whether a cell holds a few signs that are not sure, such as `TT`."""
    words = [word for line in cell.lines for word in line.words]
    return len(words) == 1 and len(words[0].text) <= FEW and words[0].confidence < UNSURE


def _beside_another(engine: Engine, dpi: float, cell: _Cell, row: Sequence[_Cell]) -> tuple[Line, ...]:
    """A cell of few signs, read again with a longer one of its row after it, if that makes it surer.

    The engine judges the size of print by the line it stands on: of two capitals alone it cannot tell that they
    are capitals, and takes them for small letters with something over them.
    """
    height = cell.print.shape[0]
    others = [
        other
        for other in row
        if other is not cell
        and other.one_line(dpi)
        and other.print.shape[1] > cell.print.shape[1]
        and min(cell.top + height, other.top + other.print.shape[0]) - max(cell.top, other.top) > 0.6 * height
    ]
    if not others:
        return cell.lines
    other = max(others, key=lambda o: o.print.shape[1])
    border, space = round(BORDER * dpi), round(APART * dpi)
    top = min(cell.top, other.top)
    bottom = max(cell.top + height, other.top + other.print.shape[0])
    width = cell.print.shape[1] + space + other.print.shape[1]
    canvas = np.full((bottom - top, width), 255, np.uint8)
    for piece, at in ((cell, 0), (other, cell.print.shape[1] + space)):
        high, wide = piece.print.shape
        canvas[piece.top - top : piece.top - top + high, at : at + wide] = piece.print
    found = tidy(engine.read_block(_framed(canvas, border), dpi=dpi, one_line=True))
    until = border + cell.print.shape[1] + space // 2
    words = tuple(word for line in found for word in line.words if word.box.right <= until)
    (before,) = cell.lines[0].words
    if not words or min(word.confidence for word in words) <= before.confidence:
        return cell.lines
    line = Line(words=words, box=around(words), block=0)
    return (moved(line, cell.left - border, top - border),)


def _framed(picture: Pixels, border: int) -> Pixels:
    framed = cv2.copyMakeBorder(picture, border, border, border, border, cv2.BORDER_CONSTANT, value=255)
    return framed.astype(np.uint8, copy=False)


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
