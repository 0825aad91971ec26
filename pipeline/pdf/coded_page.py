"""A page of a stored archive PDF, told apart into layers and encoded: the heavy part of a compact copy."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import pikepdf
from pikepdf import Dictionary, Object
from PIL import Image

from pipeline.errors import UsageError
from pipeline.pdf import layers
from pipeline.pdf.bitonal import group4
from pipeline.pdf.images import jpeg, steps
from pipeline.pdf.jbig2 import jbig2

COARSE = steps(36, first=12, second=16), steps(48, first=16, second=24)
"""Luma and chroma of paper and of the colours of ink."""
EVIDENCE = steps(36, first=12, second=20), steps(30, first=12, second=18)
GRAIN = 250_000
"""Bytes of a mask in Group 4 from which JBIG2 takes seconds, as of a halftone; half a second for 35,000."""
LARGEST = 200_000_000
"""Pixels of a picture."""


@dataclass(frozen=True, slots=True)
class Stencil:
    """A mask of one bit, JBIG2 or CCITT Group 4: paints where it is set."""

    coding: Literal["JBIG2", "Group4"]
    content: bytes
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Picture:
    """A JPEG, shown through its mask, in the rectangle left, bottom, width, height (points on the page)."""

    content: bytes
    width: int
    height: int
    place: tuple[float, float, float, float]
    mask: Stencil | None = None


@dataclass(frozen=True, slots=True)
class CodedPage:
    """Pictures from the lowest up, or of a bitonal page its one stencil; the page's sides in points."""

    width: float
    height: float
    pictures: tuple[Picture, ...]
    black: Stencil | None = None


def code_page(signed: Path, number: int) -> CodedPage:
    """Encode page `number` (from 0) of a file that sohoa made. Raises UsageError when it is of another make."""
    cv2.setNumThreads(1)
    with pikepdf.open(signed, suppress_warnings=True) as pdf:
        page = pdf.pages[number].obj
        width, height = (float(edge) for edge in list(page.MediaBox)[2:])
        pixels = _pixels(page)
    black = layers.bitonal(pixels)
    if black is not None:
        return CodedPage(width, height, (), stencil_of(black))
    rows, columns = pixels.shape[:2]
    told = layers.part(pixels, columns * 72 / width)
    whole = (0.0, 0.0, width, height)
    pictures = [_picture(told.paper, COARSE, whole)]
    across, down = width / columns, height / rows
    for patch in told.evidence:
        high, wide = patch.pixels.shape[:2]
        place = (patch.left * across, height - (patch.top + high) * down, wide * across, high * down)
        pictures.append(_picture(patch.pixels, EVIDENCE, place, patch.blocks))
    if told.print.any():
        pictures.append(_picture(told.ink, COARSE, whole, told.print))
    return CodedPage(width, height, tuple(pictures))


def not_ours() -> UsageError:
    return UsageError(
        "a compact copy is made only of pages that were scanned here; get the file itself",
        vi="Chỉ giấy tờ quét tại đây mới có bản gọn; hãy tải chính tệp đã lưu",
    )


def _pixels(page: Object) -> layers.Pixels:
    """The one picture of a page as `archive.py` writes it, decoded to RGB."""
    pictures = page.get("/Resources", Dictionary()).get("/XObject", Dictionary())
    image = pictures.get("/Im0")
    if image is None or len(pictures) != 1 or image.get("/ColorSpace") != "/DeviceRGB":
        raise not_ours()
    width, height = int(image.Width), int(image.Height)
    if not 0 < width * height <= LARGEST:
        raise not_ours()
    if image.get("/Filter") == "/DCTDecode":
        with Image.open(io.BytesIO(image.read_raw_bytes())) as picture:
            pixels = np.asarray(picture.convert("RGB"))
    else:
        content = image.read_bytes(decode_level=pikepdf.StreamDecodeLevel.specialized)
        pixels = np.frombuffer(content, np.uint8, count=width * height * 3).reshape(height, width, 3)
    if pixels.shape != (height, width, 3):
        raise not_ours()
    return pixels


def _picture(
    pixels: layers.Pixels,
    tables: tuple[list[int], list[int]],
    place: tuple[float, float, float, float],
    shown: layers.Mask | None = None,
) -> Picture:
    height, width = pixels.shape[:2]
    content = jpeg(pixels, luma=tables[0], chroma=tables[1])
    return Picture(content, width, height, place, None if shown is None else stencil_of(shown))


def stencil_of(shown: layers.Mask) -> Stencil:
    """By the smaller coding. JBIG2 takes long where all is edges, which Group 4 shows by its size."""
    height, width = shown.shape
    plain = Stencil("Group4", group4(shown), width, height)
    if len(plain.content) >= GRAIN:
        return plain
    tight = Stencil("JBIG2", jbig2(shown), width, height)
    return min(plain, tight, key=lambda one: len(one.content))
