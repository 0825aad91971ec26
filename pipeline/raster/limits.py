"""Bounds on what a file may ask of us; checked by header, before any pixel is decoded."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image

Image.MAX_IMAGE_PIXELS = None  # Pillow's own bound is below an A3 at 600 dpi; ours is checked first


@dataclass(frozen=True, slots=True, kw_only=True)
class RasterLimits:
    """Bounds of one file.

    `max_pixels` of one side (A3 at 600 dpi and A0 at 200 dpi pass), `max_pages` of one file, and
    `pdf_dpi`, the resolution at which a PDF page that is no plain scan is rendered.
    """

    max_pixels: int = 200_000_000
    max_pages: int = 5_000
    pdf_dpi: int = 300
