"""The archive picture of a page: 24-bit colour at 200 dpi or more, true size, and no bytes wasted.

Thông tư 05/2025/TT-BNV Điều 8 asks for colour as the original, 24 bits, at least 200 dpi, 100 %. A bitonal
scan keeps its pixels, written as black and white in 24 bits.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

ARCHIVE_DPI = 200.0
JPEG_QUALITY = 62
"""Chosen by eye on seals and small print at 200 dpi; see docs/decisions/0003-ocr-engine.md for sizes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedImage:
    """An encoded picture with its size in pixels and its resolution."""

    content: bytes
    media_type: str
    width: int
    height: int
    dpi: float


def encode_faithful(pixels: npt.NDArray[np.uint8], *, dpi: float, bitonal: bool) -> EncodedImage:
    """Encode an upright page, (height, width, 3) RGB, that is at its `archive_dpi` already."""
    if bitonal:
        return _encode_bitonal(pixels, dpi)
    height, width = pixels.shape[:2]
    options = [
        cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY, cv2.IMWRITE_JPEG_OPTIMIZE, 1,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420,
    ]  # fmt: skip
    done, content = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), options)
    if not done:
        raise ValueError("the page picture cannot be encoded as JPEG")
    return EncodedImage(
        content=content.tobytes(), media_type="image/jpeg", width=width, height=height, dpi=dpi
    )


def archive_dpi(dpi: float, *, bitonal: bool) -> float:
    """The resolution at which a page scanned at `dpi` is archived: 200, a bitonal scan its own."""
    return ARCHIVE_DPI if not bitonal and dpi > ARCHIVE_DPI * 1.05 else dpi


def _encode_bitonal(pixels: npt.NDArray[np.uint8], dpi: float) -> EncodedImage:
    """PNG of 24 bits at the scan's own resolution: without loss, and smaller than a JPEG of 200 dpi would be."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    sharp = np.where(grey > 127, np.uint8(255), np.uint8(0))
    buffer = io.BytesIO()
    Image.fromarray(np.repeat(sharp[:, :, np.newaxis], 3, axis=2)).save(buffer, "PNG", compress_level=9)
    height, width = sharp.shape
    return EncodedImage(
        content=buffer.getvalue(), media_type="image/png", width=width, height=height, dpi=dpi
    )


def png_rows(content: bytes) -> bytes:
    """The compressed rows of a PNG that is not interlaced: its IDAT chunks joined (ISO/IEC 15948, 11.2.4)."""
    rows, place = b"", 8
    while place + 12 <= len(content):
        length = int.from_bytes(content[place : place + 4], "big")
        if content[place + 4 : place + 8] == b"IDAT":
            rows += content[place + 8 : place + 8 + length]
        place += 12 + length
    return rows
