"""Codes on a page (zxing-cpp). An exception passes through: the caller holds the batch, dossiers never merge."""

from __future__ import annotations

import unicodedata

import cv2
import numpy as np
import numpy.typing as npt
import zxingcpp

from ocr.shrink import shrunk
from pipeline.model import Barcode, Box

Pixels = npt.NDArray[np.uint8]
LONGEST = 2000


COARSE_DPI = 150.0
_USUAL = zxingcpp.barcode_formats_from_str("QRCode,Code128,Code39")
_ANY = zxingcpp.barcode_formats_from_str("QRCode,Code128,Code39,DataMatrix,PDF417")
"""What receipts, separator sheets, post and identity cards carry. Each format more costs a tenth of the search."""


def read_barcodes(pixels: Pixels, dpi: float) -> tuple[Barcode, ...]:
    """Every code on a page, RGB: first at about 150 dpi, then at full size when nothing was found there."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.uint8, copy=False)
    scale = COARSE_DPI / dpi
    if scale >= 0.9:
        return _read(grey, 1.0, _ANY)
    small = shrunk(grey, scale)
    return _read(small, scale, _ANY) or _read(grey, 1.0, _USUAL)


def _read(grey: Pixels, scale: float, formats: zxingcpp.BarcodeFormats) -> tuple[Barcode, ...]:
    codes = []
    # Codes on paper are black on white, and the two sizes are ours to choose.
    found = zxingcpp.read_barcodes(
        np.ascontiguousarray(grey), formats=formats, try_invert=False, try_downscale=False
    )
    for item in found:
        text = clean(item.text)
        if text:
            corners = [
                item.position.top_left,
                item.position.top_right,
                item.position.bottom_right,
                item.position.bottom_left,
            ]
            box = Box(
                left=round(min(c.x for c in corners) / scale),
                top=round(min(c.y for c in corners) / scale),
                right=round(max(c.x for c in corners) / scale) + 1,
                bottom=round(max(c.y for c in corners) / scale) + 1,
            )
            codes.append(Barcode(text=text, format=item.format.name, box=box))
    return tuple(codes)


def clean(text: str) -> str:
    """A code's text without control characters, NFC, of bounded length: it comes from outside."""
    kept = "".join(sign for sign in text if unicodedata.category(sign)[0] != "C" or sign == "\n")
    return unicodedata.normalize("NFC", kept).strip()[:LONGEST]
