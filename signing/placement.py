"""Where a visible signature may stand: near its corner, over no text, no code, no seal and no ink."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pipeline.model import Box, ReadPage

STEP = 8.0
EDGE = 14.0
Rectangle = tuple[float, float, float, float]
"""Left, bottom, right, top in PDF points, origin at the page's lower left."""


def place(
    page: ReadPage, *, width: float, height: float, right: bool, taken: Sequence[Rectangle] = ()
) -> Rectangle:
    """A free rectangle nearest to the top-left corner, or the top-right one when `right`.

    When the page has no free place of that size, the candidate that covers least is used: the law wants the
    signature on page 1.
    """
    across, up = page.width * 72 / page.dpi, page.height * 72 / page.dpi
    width, height = min(width, across - 2 * EDGE), min(height, up - 2 * EDGE)
    occupied = [*(_points(box, page) for box in _boxes(page)), *taken]
    best, least = (EDGE, EDGE, EDGE + width, EDGE + height), float("inf")
    for candidate in _candidates(across, up, width, height, right):
        covered = sum(_overlap(candidate, other) for other in occupied)
        if covered == 0:
            return candidate
        if covered < least:
            best, least = candidate, covered
    return best


def _boxes(page: ReadPage) -> Iterator[Box]:
    yield from (word.box for line in page.lines for word in line.words)
    yield from (code.box for code in page.barcodes)
    yield from (region.box for region in page.regions)


def _points(box: Box, page: ReadPage) -> Rectangle:
    scale, margin = 72 / page.dpi, 2.0
    up = page.height * scale
    return (
        box.left * scale - margin,
        up - box.bottom * scale - margin,
        box.right * scale + margin,
        up - box.top * scale + margin,
    )


def _candidates(across: float, up: float, width: float, height: float, right: bool) -> Iterator[Rectangle]:
    """Down from the top edge, and at each height away from the corner, nearest first."""
    places = []
    down = EDGE
    while down + height < up - EDGE:
        aside = EDGE
        while aside + width < across - EDGE:
            left = across - aside - width if right else aside
            places.append((down * 1.5 + aside, (left, up - down - height, left + width, up - down)))
            aside += STEP
        down += STEP
    return (rectangle for _, rectangle in sorted(places))


def _overlap(one: Rectangle, other: Rectangle) -> float:
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    return wide * high if wide > 0 and high > 0 else 0.0
