"""Places of a stored document's pages as pictures, cut in a child process: incoming files are hostile until checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from ocr.skew import straighten
from ocr.upright import apply_turn
from pipeline.errors import Rejected
from pipeline.model import Blob, Box, Origin, Page, Sha256
from pipeline.raster.decode import decode
from pipeline.raster.limits import RasterLimits

MARGIN = 0.6  # of the height of the place, on every side: what stands beside it tells pen from print
LEAST_MARGIN = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A box on page `number` (from 1) of the file, in pixels of the upright, straight page of `size` (width, height).

    `turn` and `skew` are what has to be done to the file's page to make it so, as in ReadPage.
    """

    name: str
    number: int
    box: Box
    size: tuple[int, int]
    turn: int = 0
    skew: float = 0.0


def cut(path: Path, places: Sequence[Place], limits: RasterLimits) -> list[tuple[str, bytes]]:
    """PNG pictures by name, in the order asked. Raises Rejected when a page cannot be shown."""
    pages: dict[int, npt.NDArray[np.uint8]] = {}
    pictures = []
    for place in places:
        if place.number not in pages:
            pages[place.number] = _page(path, place, limits)
        pictures.append((place.name, _picture(pages[place.number], place)))
    return pictures


def _page(path: Path, place: Place, limits: RasterLimits) -> npt.NDArray[np.uint8]:
    blob = Blob(path=path, sha256=Sha256(""), size=0, media_type="application/pdf")
    page = Page(
        id="", index=0, source=path.name, file=blob, number=place.number, origin=Origin.INCOMING_SIGNED
    )
    pixels = decode(page, limits=limits).pixels
    return straighten(apply_turn(pixels, place.turn), place.skew)


def _picture(pixels: npt.NDArray[np.uint8], place: Place) -> bytes:
    height, width = pixels.shape[:2]
    across, down = width / max(1, place.size[0]), height / max(1, place.size[1])
    margin = max(LEAST_MARGIN, round(MARGIN * (place.box.bottom - place.box.top) * down))
    left = max(0, round(place.box.left * across) - margin)
    top = max(0, round(place.box.top * down) - margin)
    right = min(width, round(place.box.right * across) + margin)
    bottom = min(height, round(place.box.bottom * down) + margin)
    if right <= left or bottom <= top:
        raise Rejected("this place lies outside the page", vi="Vị trí này nằm ngoài trang giấy")
    part = pixels[top:bottom, left:right]
    done, content = cv2.imencode(".png", part if part.ndim == 2 else cv2.cvtColor(part, cv2.COLOR_RGB2BGR))
    if not done:
        raise Rejected("the picture cannot be written", vi="Không ghi được ảnh")
    return content.tobytes()
