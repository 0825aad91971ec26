"""Files for the raster tests, made on the spot: pictures with a mark in a known corner, and PDFs of them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pikepdf
from pikepdf import Dictionary, Name
from PIL import Image

from pipeline.files import blob_of
from pipeline.model import Page, SourceFile
from pipeline.raster.inspect import inspect_file
from pipeline.raster.limits import RasterLimits

LIMITS = RasterLimits()
A4 = (595.276, 841.89)


def source(path: Path) -> SourceFile:
    return SourceFile(source=str(path), blob=blob_of(path, "application/octet-stream"))


def look(path: Path, limits: RasterLimits = LIMITS) -> tuple[Page, ...]:
    return inspect_file(source(path), batch="b_test", first_index=0, limits=limits)


def marked(width: int = 413, height: int = 585) -> npt.NDArray[np.uint8]:
    """White paper with a red patch at the top left and a blue one at the bottom right."""
    pixels = np.full((height, width, 3), 255, np.uint8)
    pixels[: height // 4, : width // 4] = (220, 20, 20)
    pixels[-height // 8 :, -width // 4 :] = (20, 20, 220)
    return pixels


def corner(pixels: npt.NDArray[np.uint8], *, of: str) -> tuple[bool, bool]:
    """Whether the named patch (red or blue) is at the (left, top)."""
    wide = pixels.astype(int)
    channel, other = (0, 2) if of == "red" else (2, 0)
    rows, columns = np.nonzero(wide[:, :, channel] - wide[:, :, other] > 100)
    return bool(columns.mean() < pixels.shape[1] / 2), bool(rows.mean() < pixels.shape[0] / 2)


def save_image(path: Path, pixels: npt.NDArray[np.uint8] | None = None, **options: Any) -> Path:
    Image.fromarray(marked() if pixels is None else pixels).save(path, **options)
    return path


def jpeg(pixels: npt.NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def add_scan(
    pdf: pikepdf.Pdf,
    content: bytes,
    *,
    width: int,
    height: int,
    matrix: str | None = None,
    extra: bytes = b"",
    rotate: int = 0,
    size: tuple[float, float] = A4,
    **image: Any,
) -> pikepdf.Page:
    """A page that is one picture; `matrix` places it, `extra` is drawn over it."""
    page = pdf.add_blank_page(page_size=size)
    entries = {"ColorSpace": Name.DeviceRGB, "BitsPerComponent": 8, "Filter": Name.DCTDecode} | image
    picture = pdf.make_stream(
        content,
        Type=Name.XObject,
        Subtype=Name.Image,
        Width=width,
        Height=height,
        **{key: value for key, value in entries.items() if value is not None},
    )
    page.obj.Resources = Dictionary(XObject=Dictionary(Im0=picture), Font=Dictionary(F1=helvetica(pdf)))
    place = matrix or f"{size[0]} 0 0 {size[1]} 0 0"
    page.obj.Contents = pdf.make_stream(f"q {place} cm /Im0 Do Q\n".encode() + extra)
    if rotate:
        page.obj.Rotate = rotate
    return page


def add_text(pdf: pikepdf.Pdf, text: str) -> pikepdf.Page:
    page = pdf.add_blank_page(page_size=A4)
    page.obj.Resources = Dictionary(Font=Dictionary(F1=helvetica(pdf)))
    page.obj.Contents = pdf.make_stream(f"BT /F1 12 Tf 72 700 Td ({text}) Tj ET".encode())
    return page


def helvetica(pdf: pikepdf.Pdf) -> pikepdf.Object:
    return pdf.make_indirect(Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica))


def save_pdf(pdf: pikepdf.Pdf, path: Path, **options: Any) -> Path:
    pdf.save(path, **options)
    return path
