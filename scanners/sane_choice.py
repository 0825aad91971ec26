"""From what a person wants to the word that a driver uses: pure rules over the lists that drivers offer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scanners.trouble import DeviceError, Trouble

_FEEDER = ("adf", "feeder")
_DUPLEX = ("duplex", "both sides", "two-sided")
_GLASS = ("flatbed", "platen", "glass", "normal")
_MODES = {"color": ("color", "colour"), "gray": ("gray", "grey"), "lineart": ("lineart", "black", "binary")}
BOOL, INT, FIXED = 0, 1, 2  # SANE_Value_Type


def says_feeder(word: str) -> bool:
    return any(mark in word.lower() for mark in _FEEDER)


def says_duplex(word: str) -> bool:
    return any(mark in word.lower() for mark in _DUPLEX)


def pick_source(choices: Sequence[str], wanted: str, *, duplex: bool) -> str | None:
    """The driver's word for a source; None when there is no choice. Raises DeviceError when it cannot be had."""
    exact = next((word for word in choices if word.lower() == wanted.lower()), None)
    both = [word for word in choices if says_duplex(word)]
    # A driver that offers "ADF" and "ADF Duplex" (eSCL) means one side by the first word.
    one_sided = duplex and both and exact not in both and wanted.lower() == "adf"
    if (exact is not None and not one_sided) or not choices:
        return exact
    feeders = [word for word in choices if says_feeder(word)]
    single = [word for word in feeders if not says_duplex(word)]
    glass = [word for word in choices if any(mark in word.lower() for mark in _GLASS) and word not in feeders]
    fitting = {
        "adf": [*both, *single] if duplex else [*single, *both],
        "flatbed": glass,
        "auto": [*both, *feeders] if duplex else [*single, *feeders, *glass, *choices],
    }.get(wanted.lower(), [])
    if not fitting:
        raise DeviceError(Trouble.REFUSED, f"source {wanted}; the device offers {', '.join(choices)}")
    return fitting[0]


def pick_mode(choices: Sequence[str], wanted: str) -> str | None:
    """The driver's word for Color, Gray or Lineart."""
    exact = next((word for word in choices if word.lower() == wanted.lower()), None)
    if exact is not None or not choices:
        return exact
    marks = _MODES.get(wanted.lower(), (wanted.lower(),))
    fitting = [word for word in choices if any(mark in word.lower() for mark in marks)]
    if not fitting:
        raise DeviceError(Trouble.REFUSED, f"mode {wanted}; the device offers {', '.join(choices)}")
    return fitting[0]


def pick_resolution(constraint: Any, wanted: int) -> float:
    """The wanted resolution, else the next finer one: coarser than asked for would break the rules of archives."""
    if isinstance(constraint, list):
        finer = sorted(value for value in constraint if value >= wanted)
        if not finer:
            raise DeviceError(Trouble.REFUSED, f"{wanted} dpi; the device offers {constraint}")
        return float(finer[0])
    if isinstance(constraint, tuple):
        least, most, _ = constraint
        if wanted > most:
            raise DeviceError(Trouble.REFUSED, f"{wanted} dpi; the device has at most {most:.0f}")
        return float(max(wanted, least))
    return float(wanted)


def converted(text: str, kind: int) -> Any:
    """A typed word as the value of an option."""
    if kind == BOOL:
        return int(text.lower() in ("1", "yes", "true", "on", "có"))
    try:
        return int(text) if kind == INT else float(text) if kind == FIXED else text
    except ValueError as error:
        raise DeviceError(Trouble.REFUSED, f"{text} is no number") from error
