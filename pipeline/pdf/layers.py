"""A page told apart into layers for the access copy: paper, coloured evidence, print (mixed raster content).

Print becomes a mask of two values, drawn sharp in the colours that the ink has. Seals, pen ink, pictures and whatever
else the other layers would not show truly stay a picture, block by block, at the resolution of the archive picture.
Only the paper is made coarse. The mask is the page's own pixels: no shape is ever replaced by a similar one.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float32]

BLOCK = 16
"""Pixels of a block of evidence: the unit in which JPEG codes colour at half resolution, so blocks do not bleed."""
FINER = 1.5
"""The mask of a grey or colour page has 1.5 times its pixels: thresholds fall between pixels, edges are smooth."""
NEAR = 7
"""Blocks this close to each other share a patch."""
FINE_BLOCK = round(BLOCK * FINER)
PAPER_DPI = 75.0
INK_DPI = 16.0
FAINTEST = 22
"""Grey levels under the paper from which something is print. Below, it is paper, and shown as such."""
COLOURED = 48
"""How far apart the channels stand, each as a share of the paper's in 255, where something is coloured."""
DIFFERENT = 30
"""Grey levels, over about a stroke's width, by which the layers may differ from the page before a block is evidence."""
PICTURE = 50
"""Grey levels under the paper from which a place about a centimetre wide is a picture, even without colour."""
SPECK = 6
"""Pixels of the finer mask: a dot of 6 point print has 20 at 300 dpi."""


@dataclass(frozen=True, slots=True)
class Patch:
    """The page's own pixels where `blocks` (one value a block) is true, plain paper elsewhere.

    `left` and `top` are pixels of the page. Sides are whole blocks, so a patch may reach over the right and lower edge.
    """

    left: int
    top: int
    pixels: Pixels
    blocks: Mask


@dataclass(frozen=True, slots=True)
class Layers:
    """`print` is the mask, `ink` its colours (coarse), `paper` what lies under it (coarse), `evidence` what stays."""

    print: Mask
    ink: Pixels
    paper: Pixels
    evidence: tuple[Patch, ...]


def bitonal(pixels: Pixels) -> Mask | None:
    """Where a page of pure black and white is black, None for any other page."""
    for step in (16, 1):  # a look at a few pixels first: nearly every page is none
        some = pixels[::step, ::step]
        first = some[:, :, 0]
        if not ((first == 0) | (first == 255)).all() or not (some == first[:, :, np.newaxis]).all():
            return None
    return np.asarray(pixels[:, :, 0] == 0)


def part(pixels: Pixels, dpi: float) -> Layers:
    """Tell an upright RGB page apart."""
    height, width = pixels.shape[:2]
    paper = _paper(pixels)
    share: Pixels = cv2.divide(pixels, paper, scale=255).astype(np.uint8, copy=False)
    darkness: Pixels = 255 - cv2.cvtColor(share, cv2.COLOR_RGB2GRAY).astype(np.uint8, copy=False)
    floor = max(FAINTEST, 4 * _noise(darkness))
    if floor > FAINTEST:
        darkness = cv2.GaussianBlur(darkness, (0, 0), 0.8).astype(np.uint8, copy=False)
    # Half the way from paper to the darkest nearby is where the edge of a stroke truly is.
    bar = np.maximum(cv2.blur(cv2.dilate(darkness, _square(9)), (9, 9)) * np.float32(0.5), np.float32(floor))
    coloured = _coloured(share)
    blocks = _any(coloured | _dark_ground(paper))
    mask = _finer(darkness, bar)
    for _ in range(2):
        ink, ground = _colours(pixels, mask & ~_over(blocks, mask.shape, FINE_BLOCK), dpi)
        wrong = _any(_differs(pixels, mask, ink, ground, floor)) & ~blocks
        if not wrong.any():
            break
        blocks |= wrong
    mask &= ~_hidden(blocks, coloured, mask.shape)
    ink, ground = _colours(pixels, mask, dpi, out=_over(blocks, (height, width), BLOCK))
    return Layers(mask, ink, ground, _patches(pixels, blocks))


def _paper(pixels: Pixels) -> Pixels:
    """What the page would be without ink: the bright level around each place, over about a centimetre."""
    height, width = pixels.shape[:2]
    small = cv2.resize(pixels, (max(1, width // 4), max(1, height // 4)), interpolation=cv2.INTER_AREA)
    bright = cv2.medianBlur(cv2.dilate(small, _square(5)), 25)
    return np.asarray(cv2.resize(bright, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.uint8)


def _dark_ground(paper: Pixels) -> Mask:
    """Photographs and other wide dark places, which are no paper."""
    level = cv2.cvtColor(paper, cv2.COLOR_RGB2GRAY)
    return np.asarray(level < np.percentile(level[::9, ::9], 75) - PICTURE)


def _noise(darkness: Pixels) -> float:
    """Standard deviation of the paper's grain, robust against print."""
    grain = cv2.absdiff(darkness, cv2.GaussianBlur(darkness, (0, 0), 1.5))
    return float(np.median(grain[::3, ::3])) * 1.48


def _coloured(share: Pixels) -> Mask:
    red, green, blue = cv2.split(cv2.blur(share, (3, 3)))
    apart = cv2.max(cv2.max(red, green), blue) - cv2.min(cv2.min(red, green), blue)
    found = cv2.morphologyEx((apart > COLOURED).astype(np.uint8), cv2.MORPH_OPEN, _square(3))
    return np.asarray(cv2.dilate(found, _square(9)) > 0)


def _finer(darkness: Pixels, bar: Floats) -> Mask:
    """The mask at a finer grid, without lone specks."""
    height, width = darkness.shape
    size = (round(width * FINER), round(height * FINER))
    dark = cv2.resize(darkness, size, interpolation=cv2.INTER_CUBIC)
    over = cv2.compare(
        dark, cv2.resize(bar, size, interpolation=cv2.INTER_LINEAR).astype(np.uint8), cv2.CMP_GT
    )
    _, labels, facts, _ = cv2.connectedComponentsWithStats(over, connectivity=8, ltype=cv2.CV_32S)
    large = facts[:, cv2.CC_STAT_AREA] > SPECK
    large[0] = False
    return np.asarray(large[labels])


def _colours(pixels: Pixels, mask: Mask, dpi: float, out: Mask | None = None) -> tuple[Pixels, Pixels]:
    """Colours of ink and of paper, each spread to where the other one is; `out` belongs to neither."""
    height, width = pixels.shape[:2]
    share = cv2.resize(mask.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
    inside, clear = (share > 0.95), (cv2.dilate(share, _square(5)) == 0)
    if not (inside & (~out if out is not None else True)).any():
        inside = share > 0.5
    if out is not None:
        inside, clear = inside & ~out, clear & ~out
    return (
        _spread(pixels, inside, INK_DPI / dpi),
        _spread(pixels, clear, PAPER_DPI / dpi),
    )


def _spread(pixels: Pixels, known: Mask, scale: float) -> Pixels:
    """Mean colours of the known pixels on a coarser grid; cells without any take those of their surroundings."""
    height, width = known.shape
    size = (max(1, round(width * min(1.0, scale))), max(1, round(height * min(1.0, scale))))
    weight = known.astype(np.float32)
    total = _coarser(pixels * weight[:, :, np.newaxis], size)
    weight = _coarser(weight, size)
    return np.clip(np.rint(_filled(total, weight)), 0, 255).astype(np.uint8)


def _filled(total: Floats, weight: Floats) -> Floats:
    """Sums over weights; without any weight, what the same question at half the resolution gives."""
    mean: Floats = (total / np.maximum(weight, np.float32(1e-6))[:, :, np.newaxis]).astype(np.float32)
    if (weight > 0.02).all() or max(weight.shape) <= 1:
        return mean if weight.any() else np.full_like(total, 255)
    height, width = weight.shape
    half = ((width + 1) // 2, (height + 1) // 2)
    below = _filled(_coarser(total, half), _coarser(weight, half))
    around = cv2.resize(below, (width, height), interpolation=cv2.INTER_LINEAR).reshape(total.shape)
    return np.where(weight[:, :, np.newaxis] > 0.02, mean, around).astype(np.float32)


def _coarser(values: Floats, size: tuple[int, int]) -> Floats:
    """Means over cells of a grid of `size` (width, height)."""
    means = cv2.resize(values, size, interpolation=cv2.INTER_AREA)
    return means.reshape(size[1], size[0], *values.shape[2:]).astype(np.float32, copy=False)


def _differs(pixels: Pixels, mask: Mask, ink: Pixels, ground: Pixels, floor: float) -> Mask:
    """Where the layers together would look other than the page."""
    height, width = pixels.shape[:2]
    share = cv2.resize(mask.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
    below = cv2.resize(cv2.cvtColor(ground, cv2.COLOR_RGB2GRAY), (width, height)).astype(np.float32)
    above = cv2.resize(cv2.cvtColor(ink, cv2.COLOR_RGB2GRAY), (width, height)).astype(np.float32)
    shown = above * share + below * (1 - share)
    gap = cv2.GaussianBlur(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32) - shown, (0, 0), 2.0)
    return np.asarray(np.abs(gap) > max(DIFFERENT, floor))


def _any(found: Mask) -> Mask:
    """Blocks that hold something found."""
    height, width = found.shape
    rows, columns = -(-height // BLOCK), -(-width // BLOCK)
    padded = np.zeros((rows * BLOCK, columns * BLOCK), np.uint8)
    padded[:height, :width] = found
    padded *= 255  # so that the mean of a block with one such pixel still rounds to one
    return np.asarray(cv2.resize(padded, (columns, rows), interpolation=cv2.INTER_AREA) > 0)


def _over(blocks: Mask, shape: tuple[int, ...], side: int) -> Mask:
    """Blocks laid over a grid of `shape` on which each has `side` pixels a side."""
    return np.asarray(np.repeat(np.repeat(blocks, side, axis=0), side, axis=1)[: shape[0], : shape[1]])


def _hidden(blocks: Mask, coloured: Mask, shape: tuple[int, ...]) -> Mask:
    """Where evidence takes the place of print, on the finer grid.

    Print reaches a little over the edge of a block, since viewers soften that edge; not where the block is coloured.
    """
    over = _over(blocks, shape, FINE_BLOCK).astype(np.uint8)
    inside = cv2.erode(over, _square(7), borderType=cv2.BORDER_REPLICATE) > 0
    tinted = cv2.resize(coloured.astype(np.uint8), shape[::-1], interpolation=cv2.INTER_NEAREST) > 0
    return np.asarray(inside | ((over > 0) & tinted))


def _patches(pixels: Pixels, blocks: Mask) -> tuple[Patch, ...]:
    """A patch for each cluster of blocks: a flat area inside a picture costs bytes too."""
    if not blocks.any():
        return ()
    rows, columns = blocks.shape
    height, width = pixels.shape[:2]
    whole = cv2.copyMakeBorder(
        pixels, 0, rows * BLOCK - height, 0, columns * BLOCK - width, cv2.BORDER_REPLICATE
    )
    plain = np.median(pixels[::7, ::7].reshape(-1, 3), axis=0).astype(np.uint8)
    near = cv2.dilate(blocks.astype(np.uint8), _square(NEAR))
    _, labels, boxes, _ = cv2.connectedComponentsWithStats(near, connectivity=8, ltype=cv2.CV_32S)
    found = []
    for label in range(1, len(boxes)):
        mine = blocks & (labels == label)
        down, across = np.flatnonzero(mine.any(axis=1)), np.flatnonzero(mine.any(axis=0))
        top, bottom, left, right = down[0], down[-1] + 1, across[0], across[-1] + 1
        shown = mine[top:bottom, left:right]
        cut = np.array(whole[top * BLOCK : bottom * BLOCK, left * BLOCK : right * BLOCK], dtype=np.uint8)
        cut[~_over(shown, cut.shape, BLOCK)] = plain
        found.append(Patch(int(left) * BLOCK, int(top) * BLOCK, cut, shown))
    return tuple(found)


def _square(side: int) -> Pixels:
    return np.ones((side, side), np.uint8)
