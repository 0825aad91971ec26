"""Reading the cells of a ruled table: each by itself, but those that hold a few signs in company.

The engine judges the size of print by the line it stands on. Of two capitals alone, or of a lone figure, it cannot tell
how large they are: it takes `3` for `B` and loses `1`. So the short cells of a column are read as one line, top to
bottom; what is unsure then is read again with a longer cell of its row after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from ocr.copy import Copy
from ocr.engine import Engine
from ocr.layout import around, moved, tidy
from ocr.skew import ink_mask
from ocr.tables import Table
from pipeline.model import Box, Line

Pixels = npt.NDArray[np.uint8]
ONE_LINE = 0.27
"""Height in inches of the print in a cell up to which it is one line."""
BORDER, APART = 0.06, 0.15
"""Inches of white around print that is read alone, and between two cells that are read as one line."""
SHORT, BELOW = 0.4, 0.2
"""Inches; widest print of a cell that is read with its column, and the white between two of them. At 0.12 they run
together, at 0.35 each stands alone again."""
FEW, UNSURE = 4, 0.9
"""Signs, and raw confidence below which so few are read again beside a longer cell of their row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """The print of a cell, cut tightly, where its corner lies on the page, and what was read."""

    print: Pixels
    left: int
    top: int
    lines: tuple[Line, ...] = ()

    @property
    def high(self) -> int:
        return int(self.print.shape[0])

    @property
    def wide(self) -> int:
        return int(self.print.shape[1])

    @property
    def few(self) -> bool:
        """Whether it holds a few signs that are not sure, such as `TT`, or nothing could be read."""
        words = [word for line in self.lines for word in line.words]
        return not words or (len(words) == 1 and len(words[0].text) <= FEW and words[0].confidence < UNSURE)


def read_tables(engine: Engine, copy: Copy, tables: Sequence[Table]) -> list[tuple[Line, ...]]:
    """The lines of each table, row by row: a row of one-line cells is one line, else cell after cell."""
    return [_read_table(engine, copy, table) for table in tables]


def _read_table(engine: Engine, copy: Copy, table: Table) -> tuple[Line, ...]:
    rows = [[cell for box in row if (cell := _printed(copy, box))] for row in table.rows]
    together = _by_columns(engine, copy.dpi, [cell for row in rows for cell in row])
    lines: list[Line] = []
    for row in rows:
        read = [together.get(_place(cell)) or _alone(engine, copy.dpi, cell) for cell in row]
        found = [_beside_another(engine, copy.dpi, cell, read) if cell.few else cell.lines for cell in read]
        lines += _joined([some for some in found if some])
    return tuple(lines)


def _joined(cells: Sequence[tuple[Line, ...]]) -> list[Line]:
    if cells and all(len(lines) == 1 for lines in cells):
        words = tuple(word for lines in cells for word in lines[0].words)
        return [Line(words=words, box=around(words), block=0)]
    return [line for lines in cells for line in lines]


def _printed(copy: Copy, box: Box) -> Cell | None:
    """The print of a cell, unread; None where there is none."""
    box = copy.inside(box)
    crop = copy.part(box)
    ink = ink_mask(crop, copy.dpi)
    down, across = np.nonzero(ink.any(axis=1))[0], np.nonzero(ink.any(axis=0))[0]
    if not down.size:
        return None
    left, top = int(across[0]), int(down[0])
    tight = crop[top : int(down[-1]) + 1, left : int(across[-1]) + 1]
    return Cell(print=tight, left=box.left + left, top=box.top + top)


def _alone(engine: Engine, dpi: float, cell: Cell) -> Cell:
    border = round(BORDER * dpi)
    picture = _framed(cell.print, border)
    found = engine.read_block(picture, dpi=dpi, one_line=cell.high <= ONE_LINE * dpi)
    if not found:
        found = engine.read_block(picture, dpi=dpi, one_line=False)
    return replace(
        cell, lines=tuple(moved(line, cell.left - border, cell.top - border) for line in tidy(found))
    )


def _place(cell: Cell) -> tuple[int, int]:
    return cell.left, cell.top


def _by_columns(engine: Engine, dpi: float, cells: Sequence[Cell]) -> dict[tuple[int, int], Cell]:
    """The short cells that were read surely with their column, by place."""
    short = [cell for cell in cells if cell.wide <= SHORT * dpi and cell.high <= ONE_LINE * dpi]
    columns: list[list[Cell]] = []
    for cell in sorted(short, key=lambda one: one.left + one.wide / 2):
        middle = cell.left + cell.wide / 2
        near = columns and middle - (columns[-1][-1].left + columns[-1][-1].wide / 2) < SHORT * dpi / 2
        if near:
            columns[-1].append(cell)
        else:
            columns.append([cell])
    found: dict[tuple[int, int], Cell] = {}
    for column in columns:
        if len(column) > 1:
            found |= _column(engine, dpi, sorted(column, key=lambda one: one.top))
    return found


def _column(engine: Engine, dpi: float, cells: Sequence[Cell]) -> dict[tuple[int, int], Cell]:
    """Cells from the top read as one line; those of which one sure word was made."""
    border, space = round(BORDER * dpi), round(BELOW * dpi)
    high = max(cell.high for cell in cells)
    starts = np.cumsum([0, *(cell.wide + space for cell in cells)])
    canvas = np.full((high, int(starts[-1])), 255, np.uint8)
    for cell, start in zip(cells, starts, strict=False):
        canvas[high - cell.high :, start : start + cell.wide] = cell.print
    line = tidy(engine.read_block(_framed(canvas, border), dpi=dpi, one_line=True))
    words = [word for part in line for word in part.words]
    found = {}
    for cell, start in zip(cells, starts, strict=False):
        left, right = border + start - space / 2, border + start + cell.wide + space / 2
        own = [word for word in words if word.box.left >= left and word.box.right <= right]
        if len(own) == 1 and own[0].confidence >= UNSURE:
            whole = Line(words=tuple(own), box=own[0].box, block=0)
            at = moved(whole, cell.left - border - int(start), cell.top - border - (high - cell.high))
            found[_place(cell)] = replace(cell, lines=(at,))
    return found


def _beside_another(engine: Engine, dpi: float, cell: Cell, row: Sequence[Cell]) -> tuple[Line, ...]:
    """A cell of few signs, read again with a longer one of its row after it, if that makes it surer."""
    others = [
        other
        for other in row
        if other is not cell
        and other.high <= ONE_LINE * dpi
        and other.wide > cell.wide
        and min(cell.top + cell.high, other.top + other.high) - max(cell.top, other.top) > 0.6 * cell.high
    ]
    if not others or cell.high > ONE_LINE * dpi:
        return cell.lines
    other = max(others, key=lambda one: one.wide)
    border, space = round(BORDER * dpi), round(APART * dpi)
    top = min(cell.top, other.top)
    bottom = max(cell.top + cell.high, other.top + other.high)
    canvas = np.full((bottom - top, cell.wide + space + other.wide), 255, np.uint8)
    for piece, at in ((cell, 0), (other, cell.wide + space)):
        canvas[piece.top - top : piece.top - top + piece.high, at : at + piece.wide] = piece.print
    found = tidy(engine.read_block(_framed(canvas, border), dpi=dpi, one_line=True))
    until = border + cell.wide + space // 2
    words = tuple(word for line in found for word in line.words if word.box.right <= until)
    before = min((word.confidence for line in cell.lines for word in line.words), default=0.0)
    if not words or min(word.confidence for word in words) <= before:
        return cell.lines
    line = Line(words=words, box=around(words), block=0)
    return (moved(line, cell.left - border, top - border),)


def _framed(picture: Pixels, border: int) -> Pixels:
    framed = cv2.copyMakeBorder(picture, border, border, border, border, cv2.BORDER_CONSTANT, value=255)
    return framed.astype(np.uint8, copy=False)
