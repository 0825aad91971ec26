"""The archive picture of a page: 24-bit colour at 200 dpi or more, true size, and no bytes wasted.

Thông tư 05/2025/TT-BNV Điều 8 asks for colour as the original, 24 bits, at least 200 dpi, 100 %. A bitonal
scan stays bitonal: that is the depth of its original.
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
    """Encode an upright page, (height, width, 3) RGB."""
    if bitonal:
        return _encode_bitonal(pixels, dpi)
    height, width = pixels.shape[:2]
    target = dpi
    if dpi > ARCHIVE_DPI * 1.05:
        target = ARCHIVE_DPI
        width, height = round(width * target / dpi), round(height * target / dpi)
        pixels = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA).astype(
            np.uint8, copy=False
        )
    options = [
        cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY, cv2.IMWRITE_JPEG_OPTIMIZE, 1,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420,
    ]  # fmt: skip
    done, content = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), options)
    if not done:
        raise ValueError("the page picture cannot be encoded as JPEG")
    return EncodedImage(
        content=content.tobytes(), media_type="image/jpeg", width=width, height=height, dpi=target
    )


def _encode_bitonal(pixels: npt.NDArray[np.uint8], dpi: float) -> EncodedImage:
    """CCITT Group 4 in a TIFF, whose single strip the PDF takes as it is."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    picture = Image.fromarray(grey).point(lambda value: 255 if value > 127 else 0).convert("1")
    buffer = io.BytesIO()
    picture.save(buffer, "TIFF", compression="group4", dpi=(dpi, dpi), strip_size=1 << 30)
    return EncodedImage(
        content=buffer.getvalue(),
        media_type="image/tiff",
        width=picture.width,
        height=picture.height,
        dpi=dpi,
    )
