"""Where a visible signature may stand: near its corner, over no text, no code, no seal and no ink."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from pipeline.model import Box, ReadPage
from signing.appearance import Appearance

CELL = 3.0
"""Grid of the search in points."""
EDGE = 14.0
MARGIN = 2.0
NEAR = 0.3
"""Share of the page from its top within which the text keeps the size that the law names."""
Rectangle = tuple[float, float, float, float]
"""Left, bottom, right, top in PDF points, origin at the page's lower left."""


def place(
    page: ReadPage,
    groups: Sequence[Sequence[Appearance]],
    *,
    right: bool,
    taken: Sequence[Rectangle] = (),
) -> tuple[Rectangle, Appearance]:
    """A free rectangle nearest to the top-left corner (top-right when `right`) and the shape that fits it.

    `groups` holds shapes by text size, the lawful one first. A smaller size is taken only when the larger one has
    no room in the upper part. When nothing is free, the place that covers least: the law wants it on page 1.
    """
    across, up = page.width * 72 / page.dpi, page.height * 72 / page.dpi
    sums = _sums(page, taken, across, up)
    fallback: tuple[float, Rectangle, Appearance] | None = None
    for shapes in groups:
        found = [best for shape in shapes if (best := _nearest(sums, shape, across, up, right))]
        if found:
            cost, box, shape = min(found, key=lambda one: one[0])
            if up - box[3] <= NEAR * up:
                return box, shape
            if fallback is None:
                fallback = (cost, box, shape)
    if fallback is not None:
        return fallback[1], fallback[2]
    return _least_covering(sums, groups[-1], across, up)


def _sums(page: ReadPage, taken: Sequence[Rectangle], across: float, up: float) -> npt.NDArray[np.int64]:
    """Summed-area table of occupied cells, rows from the top of the page."""
    grid = np.zeros((int(up / CELL) + 1, int(across / CELL) + 1), dtype=np.int64)
    for left, bottom, right, top in [*(_points(box, page) for box in _boxes(page)), *taken]:
        rows = slice(max(0, int((up - top) / CELL)), max(0, int((up - bottom) / CELL) + 1))
        grid[rows, max(0, int(left / CELL)) : max(0, int(right / CELL) + 1)] = 1
    return np.pad(grid.cumsum(0).cumsum(1), ((1, 0), (1, 0)))


def _boxes(page: ReadPage) -> Iterator[Box]:
    yield from (word.box for line in page.lines for word in line.words)
    yield from (code.box for code in page.barcodes)
    yield from (region.box for region in page.regions)


def _points(box: Box, page: ReadPage) -> Rectangle:
    scale = 72 / page.dpi
    up = page.height * scale
    return (
        box.left * scale - MARGIN,
        up - box.bottom * scale - MARGIN,
        box.right * scale + MARGIN,
        up - box.top * scale + MARGIN,
    )


def _covered(sums: npt.NDArray[np.int64], shape: Appearance) -> tuple[npt.NDArray[np.int64], int, int] | None:
    """Occupied cells under the shape at each place of its upper left corner, and its size in cells."""
    high, wide = int(shape.height / CELL) + 2, int(shape.width / CELL) + 2
    if high >= sums.shape[0] or wide >= sums.shape[1]:
        return None
    covered = sums[high:, wide:] - sums[:-high, wide:] - sums[high:, :-wide] + sums[:-high, :-wide]
    edge = int(EDGE / CELL)
    inside = covered[edge : covered.shape[0] - edge, edge : covered.shape[1] - edge]
    return (inside, high, wide) if inside.size else None


def _nearest(
    sums: npt.NDArray[np.int64], shape: Appearance, across: float, up: float, right: bool
) -> tuple[float, Rectangle, Appearance] | None:
    found = _covered(sums, shape)
    if found is None:
        return None
    covered = found[0]
    rows, columns = np.nonzero(covered == 0)
    if rows.size == 0:
        return None
    aside = covered.shape[1] - 1 - columns if right else columns
    cost = rows * 1.5 + aside
    best = int(cost.argmin())
    return float(cost[best]), _rectangle(int(rows[best]), int(columns[best]), shape, up), shape


def _least_covering(
    sums: npt.NDArray[np.int64], shapes: Sequence[Appearance], across: float, up: float
) -> tuple[Rectangle, Appearance]:
    for shape in sorted(shapes, key=lambda one: one.width * one.height):
        found = _covered(sums, shape)
        if found is not None:
            row, column = np.unravel_index(int(found[0].argmin()), found[0].shape)
            return _rectangle(int(row), int(column), shape, up), shape
    shape = min(shapes, key=lambda one: one.width)
    return (0.0, max(0.0, up - shape.height), min(across, shape.width), up), shape


def _rectangle(row: int, column: int, shape: Appearance, up: float) -> Rectangle:
    left = (column + int(EDGE / CELL) + 1) * CELL
    top = up - (row + int(EDGE / CELL) + 1) * CELL
    return (left, top - shape.height, left + shape.width, top)
