"""The archive picture of a page: 24-bit colour at 200 dpi or more, true size, and no bytes wasted.

Thông tư 05/2025/TT-BNV Điều 8 asks for colour as the original, 24 bits, at least 200 dpi, 100 %. A bitonal
scan keeps every pixel; the PDF shows it as black and white in 24 bits (`bitonal.py`).
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

ARCHIVE_DPI = 200.0
SMALL = 30_000
"""Samples."""


def steps(flat: int, *, first: int, second: int) -> list[int]:
    """64 quantisation steps, row by row: flat but for the lowest frequencies, where paper would show bands."""
    table = [flat] * 64
    table[0], table[1], table[8], table[9] = first, second, second, (flat + second) // 2
    return table


LUMA = steps(32, first=10, second=18)
CHROMA = steps(24, first=12, second=18)
"""Print is edges: it needs its high frequencies as finely as the middle ones, which the tables of the JPEG standard,
made for photographs, quantise five times coarser. Chosen by PSNR, re-reading and eye; docs/decisions/0012."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedImage:
    """An encoded picture with its size in pixels and its resolution."""

    content: bytes
    media_type: str
    width: int
    height: int
    dpi: float


def encode_faithful(pixels: npt.NDArray[np.uint8], *, dpi: float, bitonal: bool) -> EncodedImage:
    """Encode an upright page, (height, width, 3) RGB or grey if bitonal, that is at its `archive_dpi` already."""
    if bitonal:
        return _encode_bitonal(pixels, dpi)
    height, width = pixels.shape[:2]
    content = jpeg(pixels, luma=LUMA, chroma=CHROMA)
    return EncodedImage(content=content, media_type="image/jpeg", width=width, height=height, dpi=dpi)


def archive_dpi(dpi: float, *, bitonal: bool) -> float:
    """The resolution at which a page scanned at `dpi` is archived: 200, a bitonal scan its own."""
    return ARCHIVE_DPI if not bitonal and dpi > ARCHIVE_DPI * 1.05 else dpi


def jpeg(pixels: npt.NDArray[np.uint8], *, luma: list[int], chroma: list[int]) -> bytes:
    """A JPEG with these quantisation steps, colour at half the resolution of brightness; a large one is progressive."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(
        buffer,
        "JPEG",
        qtables=[luma, chroma],
        subsampling="4:2:0",
        progressive=pixels.size
        > SMALL,  # in a small one the tables of ten scans would weigh more than the scans
        optimize=True,
    )
    return buffer.getvalue()


def _encode_bitonal(pixels: npt.NDArray[np.uint8], dpi: float) -> EncodedImage:
    """PNG of one bit at the scan's own resolution: without loss."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY) if pixels.ndim == 3 else pixels
    buffer = io.BytesIO()
    Image.fromarray(grey > 127).save(buffer, "PNG", compress_level=6)
    height, width = grey.shape
    return EncodedImage(
        content=buffer.getvalue(), media_type="image/png", width=width, height=height, dpi=dpi
    )
