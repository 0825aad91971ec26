"""Tilt of a page and its cure: text lines are sharpest in the profile when the angle is right."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from ocr.colour import red_of
from ocr.components import components
from ocr.shrink import shrunk
from pipeline.model import Box

Pixels = npt.NDArray[np.uint8]
REDUCED_DPI = 100.0
WIDEST = 5.0
MOST_POINTS = 120_000
LEAST = 0.05
"""Degrees below which a page counts as straight."""


def ink_mask(grey: Pixels, dpi: float) -> npt.NDArray[np.bool_]:
    """What is darker than the paper around it; (height, width) at the picture's own size."""
    size = max(15, int(dpi * 0.25)) | 1
    paper = cv2.blur(grey, (size, size)).astype(np.int16)
    return (paper - grey.astype(np.int16)) > 28


def reduced(pixels: Pixels, dpi: float, target: float = REDUCED_DPI) -> Pixels:
    """A grey copy at about `target` dpi."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY) if pixels.ndim == 3 else pixels
    if dpi <= target * 1.1:
        return grey.astype(np.uint8, copy=False)
    return shrunk(grey.astype(np.uint8, copy=False), target / dpi)


@dataclass(frozen=True, slots=True, kw_only=True)
class InkPoints:
    """Where letter-sized marks lie, at 100 dpi or less: row and column of each inked point; (height, width) of all."""

    down: npt.NDArray[np.float32]
    across: npt.NDArray[np.float32]
    height: int
    width: int

    @property
    def telling(self) -> bool:
        """Whether there is enough to judge a direction by."""
        return self.down.size >= 300

    def turned(self, degrees: int) -> InkPoints:
        """The points of the page turned clockwise by 0, 90, 180 or 270 degrees."""
        down, across, height, width = self.down, self.across, self.height, self.width
        for _ in range(degrees % 360 // 90):
            down, across, height, width = across, height - down, width, height
        return InkPoints(down=down, across=across, height=height, width=width)

    def levels(self, degrees: float) -> npt.NDArray[np.float32]:
        """Row of each point once a tilt of `degrees` (counter-clockwise positive) is taken away."""
        angle = np.deg2rad(degrees)
        turned: npt.NDArray[np.float32] = self.down * np.float32(np.cos(angle))
        turned += self.across * np.float32(np.sin(angle))
        return turned


def sharpness(points: InkPoints, degrees: float) -> float:
    """How unevenly ink falls on lines tilted by `degrees`."""
    level = points.levels(degrees)
    profile = np.bincount((level - level.min()).astype(np.int64)).astype(np.float64)
    change = np.diff(profile)
    return float((change * change).sum())


def find_skew(points: InkPoints) -> float:
    """Tilt in degrees, counter-clockwise positive, within ±5; 0.0 when the page gives no evidence."""
    if not points.telling:
        return 0.0
    best = max(np.arange(-WIDEST, WIDEST + 0.01, 0.5), key=lambda a: sharpness(points, float(a)))
    for step in (0.1, 0.02):
        tries = best + step * np.arange(-5, 6)
        best = max(tries, key=lambda a: sharpness(points, float(a)))
    level = sharpness(points, float(best))
    usual = float(np.median([sharpness(points, float(a)) for a in (-4.7, -3.3, 3.3, 4.7)]))
    return float(best) if level > 1.25 * usual else 0.0


def ink_points(pixels: Pixels, dpi: float) -> InkPoints:
    """Letter-sized marks of a page, whichever way it lies; seals, rules, stains and specks drop out."""
    grey = reduced(pixels, dpi)
    scale = min(dpi, REDUCED_DPI)
    mask = ink_mask(grey, scale).astype(np.uint8)
    labels, facts = components(mask)
    height, width = facts[:, cv2.CC_STAT_HEIGHT], facts[:, cv2.CC_STAT_WIDTH]
    small, large = np.minimum(height, width), np.maximum(height, width)
    letter = (large >= 0.03 * scale) & (small >= 2) & (small <= 0.3 * scale) & (large <= 1.2 * scale)
    letter[0] = False
    kept = letter[labels]
    down, across = np.nonzero(kept)
    if down.size > MOST_POINTS:
        step = down.size // MOST_POINTS + 1
        down, across = down[::step], across[::step]
    # Whole rows would make the untilted angle look sharper than it is: spread each point over its pixel.
    dice = np.random.default_rng(0)
    return InkPoints(
        down=(down + dice.random(down.size)).astype(np.float32),
        across=(across + dice.random(down.size)).astype(np.float32),
        height=mask.shape[0],
        width=mask.shape[1],
    )


def straighten(pixels: Pixels, degrees: float, window: Box | None = None) -> Pixels:
    """The page, RGB or grey, without its tilt, same canvas, the border filled with the paper's colour.

    With a `window` (pixels of the straight page, inside it) only that part is made: a line costs a hundredth of a page.
    """
    height, width = pixels.shape[:2]
    part = window or Box(left=0, top=0, right=width, bottom=height)
    if abs(degrees) < LEAST:
        return pixels[part.top : part.bottom, part.left : part.right]
    matrix = _turn(height, width, degrees)
    matrix[:, 2] -= (part.left, part.top)
    return _warped(pixels, matrix, (part.right - part.left, part.bottom - part.top))


def straighten_to(pixels: Pixels, degrees: float, scale: float, *, cubic: bool = True) -> Pixels:
    """The page without its tilt and `scale` times as large (0.5 to 1): turned and reduced in one step.

    `cubic` is sharper, and takes two and a half times as long.
    """
    if abs(degrees) < LEAST and scale == 1.0:
        return pixels
    height, width = pixels.shape[:2]
    matrix = _turn(height, width, degrees) * scale
    matrix[:, 2] += (scale - 1) / 2  # pixel centres stay over each other
    size = (round(width * scale), round(height * scale))
    return _warped(pixels, matrix, size, cv2.INTER_CUBIC if cubic else cv2.INTER_LINEAR)


def _warped(
    pixels: Pixels, matrix: npt.NDArray[np.float64], size: tuple[int, int], way: int = cv2.INTER_CUBIC
) -> Pixels:
    if pixels.ndim == 3 and 4 * size[0] * size[1] > pixels[:, :, 0].size and is_grey(pixels):
        one = _warped(red_of(pixels), matrix, size, way)
        return cv2.merge([one, one, one]).astype(np.uint8, copy=False)
    layers = 1 if pixels.ndim == 2 else pixels.shape[2]
    edge = np.concatenate([pixels[::16, :8].reshape(-1, layers), pixels[::16, -8:].reshape(-1, layers)])
    paper = np.percentile(edge, 75, axis=0)
    return cv2.warpAffine(
        pixels,
        matrix,
        size,
        flags=way,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=tuple(float(c) for c in paper),
    ).astype(np.uint8, copy=False)


def is_grey(pixels: Pixels) -> bool:
    """Whether an RGB picture has no colour at all, as the scans of photocopies: one channel then tells all three."""
    for step in (16, 1):  # a look at a few pixels first: most pages in colour end here
        red, green, blue = cv2.split(pixels[::step, ::step])
        if cv2.norm(red, green, cv2.NORM_INF) or cv2.norm(red, blue, cv2.NORM_INF):
            return False
    return True


def straightened(box: Box, shape: tuple[int, int], degrees: float) -> Box:
    """Where a box of the tilted page, (height, width), lies once the page is straight: the box around its corners."""
    if abs(degrees) < LEAST:
        return box
    corners = np.array([[x, y, 1.0] for x in (box.left, box.right) for y in (box.top, box.bottom)])
    across, down = _turn(*shape, degrees) @ corners.T
    return Box(
        left=max(0, int(across.min())),
        top=max(0, int(down.min())),
        right=min(shape[1], int(np.ceil(across.max()))),
        bottom=min(shape[0], int(np.ceil(down.max()))),
    )


def _turn(height: int, width: int, degrees: float) -> npt.NDArray[np.float64]:
    return cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), -degrees, 1.0).astype(np.float64)
