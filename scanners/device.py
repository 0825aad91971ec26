"""The seam to a scanner: list, open, options, next page. Driver types never pass here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from pipeline.model import Sha256

PAPERS: Mapping[str, tuple[float, float]] = {
    "A3": (297, 420),
    "A4": (210, 297),
    "A5": (148, 210),
    "A6": (105, 148),
    "ID": (90, 60),  # an identity card (85.6 x 54 mm) and its rim
}
"""Width and height in millimetres; `max` is whatever the device can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceInfo:
    """A scanner as its driver names it; `name` opens it."""

    name: str
    vendor: str
    model: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceOption:
    """What a device lets a person choose: `choices` are single values, `between` is (least, most, step)."""

    name: str
    title: str
    unit: str
    value: Any
    choices: tuple[Any, ...] = ()
    between: tuple[float, float, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How to scan. `source` is auto, adf, flatbed, or the driver's own word; `options` are the driver's own names."""

    device: str
    source: str = "auto"
    duplex: bool = False
    resolution: int = 300
    mode: str = "Color"
    paper: str = "A4"
    format: str = "jpeg"
    options: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """An open device: whether a feeder pulls sheets by itself, and what was really set."""

    feeds: bool
    duplex: bool
    resolution: float
    mode: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One side, whole on disk: flushed, hashed."""

    path: Path
    sha256: Sha256
    size: int
    width: int
    height: int


class Device(Protocol):
    """A scanner. Every verb raises DeviceError; after one the device is closed and can be opened again."""

    def list(self) -> tuple[DeviceInfo, ...]:
        """Scanners that can be seen now."""
        ...

    def open(self, wish: Wish) -> Ready:
        """Open and set a device."""
        ...

    def options(self) -> tuple[DeviceOption, ...]:
        """What the open device offers."""
        ...

    def next_page(self, path: Path, image_format: str) -> Side | None:
        """Scan one side into `path`; None when the feeder is out of documents."""
        ...

    def close(self) -> None:
        """Let go of the device."""
        ...
