"""How many dots an inch a picture has, when its file says so, says nonsense, or says nothing."""

from __future__ import annotations

from dataclasses import dataclass

A4_INCHES = (8.268, 11.693)
A5_INCHES = (5.827, 8.268)
A3_INCHES = (11.693, 16.535)
USUAL = (100, 150, 200, 240, 300, 400, 600)
SCREEN = (72, 96)
"""What programs write when they do not know; believed only on a sheet that an office scans."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """Dots an inch across and down; `stated` is False when they were estimated from the size in pixels."""

    across: float
    down: float
    stated: bool


def resolution_of(width: int, height: int, across: float, down: float) -> Resolution:
    """Judge what a file states (0 for nothing) about a picture of that size in pixels.

    Kept when it is what a scanner writes (50 to 2400, fax 204 x 98 included); a screen resolution is
    kept only when the sheet is then no larger than A3.
    """
    plain = all(50 <= value <= 2400 for value in (across, down)) and 0.25 <= across / down <= 4
    if plain and round(across) in SCREEN and round(down) in SCREEN:
        short, long = sorted((width / across, height / down))
        plain = short <= A3_INCHES[0] * 1.05 and long <= A3_INCHES[1] * 1.05
    if plain:
        return Resolution(across=across, down=down, stated=True)
    guess = estimate(width, height)
    return Resolution(across=guess, down=guess, stated=False)


def estimate(width: int, height: int) -> float:
    """The resolution at which the picture is an A4 or A5 sheet; a usual one where it fits to 3 %."""
    short, long = sorted((width, height))
    for sheet in (A4_INCHES, A5_INCHES):
        fits = (short / sheet[0], long / sheet[1])
        for usual in USUAL:
            if all(abs(value - usual) <= 0.03 * usual for value in fits):
                return float(usual)
    return max(72.0, float(round(max(short / A4_INCHES[0], long / A4_INCHES[1]))))
