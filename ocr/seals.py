"""Black round seals of photocopies: their rings glue lines of print together and hide them from the engine.

Only the strokes of the rings are taken off, and pale seal ink under darker print. Red and blue seals are gone
before, by colour.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from ocr.shrink import shrunk

Pixels = npt.NDArray[np.uint8]
WORK_DPI = 60.0
RADII_MM = (13.0, 21.0)
"""Seals of agencies are 36 mm across, smaller ones 30 mm; a copier may enlarge a little."""
COVERED = 0.62
"""Share of a ring's circumference that must be ink. Print never lies on a circle."""
_Numbers = npt.NDArray[np.float64]
_ANGLES = np.linspace(0, 2 * np.pi, 120, endpoint=False)
_AROUND = np.array([(x, y, r) for x in (-1.0, 0.0, 1.0) for y in (-1.0, 0.0, 1.0) for r in (-1.0, 0.0, 1.0)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """A circle drawn on the page, in pixels of the picture."""

    x: float
    y: float
    radius: float


def find_rings(grey: Pixels, dpi: float) -> tuple[Ring, ...]:
    """Outer rings of seals on a flattened grey page."""
    scale = min(1.0, WORK_DPI / dpi)
    small = shrunk(grey, scale)
    per_mm = dpi * scale / 25.4
    low, high = (int(mm * per_mm) for mm in RADII_MM)
    found = cv2.HoughCircles(
        small, cv2.HOUGH_GRADIENT, dp=1.5, minDist=20 * per_mm, param1=120, param2=40,
        minRadius=low, maxRadius=high,
    )  # fmt: skip
    rings = []
    for x, y, radius in [] if found is None else found[0][:6]:
        ring = _fit(grey, dpi, Ring(x=x / scale, y=y / scale, radius=radius / scale))
        if ring is not None:
            rings.append(ring)
    return tuple(rings)


def _fit(grey: Pixels, dpi: float, guess: Ring) -> Ring | None:
    """The circle near `guess` with most ink on it, or None when no circle there is mostly ink."""
    reach = 0.04 * dpi
    best, ring = 0.0, guess
    for step in (reach, reach / 2, reach / 4):
        moves = step * _AROUND
        shares = _covered(grey, ring.x + moves[:, 0], ring.y + moves[:, 1], ring.radius + moves[:, 2])
        first = int(shares.argmax())
        if shares[first] > best:
            best, (dx, dy, dr) = float(shares[first]), moves[first]
            ring = Ring(x=ring.x + dx, y=ring.y + dy, radius=ring.radius + dr)
    return ring if best >= COVERED else None


def coverage(grey: Pixels, ring: Ring, radius: float) -> float:
    """Share of 120 points on the circle of that radius that are ink (darker than 170 of 255)."""
    return float(_covered(grey, np.array([ring.x]), np.array([ring.y]), np.array([radius]))[0])


def _covered(grey: Pixels, x: _Numbers, y: _Numbers, radius: _Numbers) -> _Numbers:
    """The same of many circles at once."""
    across = np.round(x[:, None] + radius[:, None] * np.cos(_ANGLES)).astype(int)
    down = np.round(y[:, None] + radius[:, None] * np.sin(_ANGLES)).astype(int)
    inside = (across >= 0) & (down >= 0) & (across < grey.shape[1]) & (down < grey.shape[0])
    ink = np.zeros(across.shape, dtype=bool)
    ink[inside] = grey[down[inside], across[inside]] < 170
    shares: _Numbers = ink.mean(axis=1)
    return shares


def remove_seals(grey: Pixels, dpi: float) -> Pixels:
    """A copy of a flattened page without the rings of its seals."""
    rings = find_rings(grey, dpi)
    if not rings:
        return grey
    out = grey.copy()
    for ring in rings:
        reach = int(ring.radius + 0.06 * dpi)
        top, left = max(0, int(ring.y) - reach), max(0, int(ring.x) - reach)
        patch = out[top : int(ring.y) + reach, left : int(ring.x) + reach]
        _clear(patch, Ring(x=ring.x - left, y=ring.y - top, radius=ring.radius), dpi)
    return out


def _clear(patch: Pixels, ring: Ring, dpi: float) -> None:
    """Whiten, in place, the circles around the centre that are mostly ink."""
    down, across = np.indices(patch.shape, dtype=np.float32)
    away = np.hypot(across - ring.x, down - ring.y)
    radii = np.arange(ring.radius * 0.5, ring.radius + 0.05 * dpi, 1.0)
    drawn = [r for r in radii if coverage(patch, ring, float(r)) >= COVERED * 0.8]
    on_ring = np.zeros(patch.shape, dtype=bool)
    for r in drawn:
        on_ring |= np.abs(away - r) <= max(1.5, 0.008 * dpi)
    inside = away <= ring.radius + 0.05 * dpi
    ink = on_ring & (patch < 170)
    if ink.any():
        tone, darkest = float(np.median(patch[ink])), float(np.percentile(patch[inside], 1))
        if (
            tone - darkest > 35
        ):  # the seal is paler than print: everything of its tone goes, print stays whole
            print_ = (
                cv2.dilate((patch < (tone + darkest) / 2).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
            )
            patch[inside & ~print_] = 255
            return
    patch[on_ring] = 255
