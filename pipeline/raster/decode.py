"""One side's pixels, whatever the file. Called in a child process with limits on time and memory."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from PIL import ExifTags, Image, ImageOps

from pipeline.errors import Rejected
from pipeline.model import Page
from pipeline.raster.decode_pdf import decode_pdf
from pipeline.raster.inspect import size_refusal
from pipeline.raster.kinds import HEAD, Kind, kind_of
from pipeline.raster.limits import RasterLimits
from pipeline.raster.picture import Pixels, Raster, reduction, sized
from pipeline.raster.sheet_size import resolution_of
from pipeline.raster.tiff import tiff_pages

__all__ = ["Pixels", "Raster", "RasterLimits", "decode"]

SIDEWAYS = (5, 6, 7, 8)
"""EXIF orientations that swap width and height."""


def decode(page: Page, *, limits: RasterLimits) -> Raster:
    """The pixels of one side, as the file means them to be seen.

    Turned as EXIF or the PDF page says; transparency on white; 16 bits scaled to 8. Raises Rejected with
    the true reason.
    """
    path = page.file.path
    try:
        with path.open("rb") as stream:
            kind = kind_of(stream.read(HEAD), page.source)
        if kind is Kind.PDF:
            return decode_pdf(path, page.number - 1, limits)
        return _decode_image(path, kind, page.number, limits)
    except MemoryError as error:
        raise Rejected(
            "this page needs more memory than allowed; scan it at a lower resolution",
            vi="Trang này cần quá nhiều bộ nhớ; hãy quét ở độ phân giải thấp hơn",
        ) from error
    except (OSError, ValueError, SyntaxError, EOFError, ArithmeticError, cv2.error) as error:
        raise Rejected("the image is damaged; scan it again", vi="Ảnh bị hỏng; hãy quét lại") from error


def _decode_image(path: Path, kind: Kind, number: int, limits: RasterLimits) -> Raster:
    frame = 0
    if kind is Kind.TIFF:
        pages = tiff_pages(path, max_pages=limits.max_pages)
        if not 1 <= number <= len(pages):
            raise Rejected(f"the file has no page {number}", vi=f"Tệp không có trang {number}")
        frame = pages[number - 1].frame
    with Image.open(path) as image:
        if frame:
            image.seek(frame)
        refusal = size_refusal(image.width, image.height, limits)
        if refusal:
            raise refusal
        bitonal = image.mode == "1"
        across, down = _stated_dpi(image)
        if image.getexif().get(ExifTags.Base.Orientation) in SIDEWAYS:
            across, down = down, across
        # Halved while it is decoded, a picture of very high resolution never stands in memory whole.
        found = resolution_of(image.width, image.height, across, down)
        even = min(found.across, found.down) > 0.98 * max(found.across, found.down)
        step = reduction(max(found.across, found.down)) if even and not bitonal else 1
        fast = kind is Kind.JPEG and image.mode in ("RGB", "L")
        pixels = _fast_jpeg(path, step) if fast else _rgb(image, step)
    return sized(pixels, across / step, down / step, limits=limits, bitonal=bitonal)


_REDUCED = {2: cv2.IMREAD_REDUCED_COLOR_2, 4: cv2.IMREAD_REDUCED_COLOR_4, 8: cv2.IMREAD_REDUCED_COLOR_8}


def _fast_jpeg(path: Path, step: int) -> Pixels:
    """libjpeg-turbo through OpenCV, which honours EXIF orientation; a `step` above 1 decodes so many times smaller."""
    pixels = cv2.imdecode(np.fromfile(path, np.uint8), _REDUCED.get(step, cv2.IMREAD_COLOR_RGB))
    if pixels is None:
        raise ValueError("not decodable")
    if step > 1:
        cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB, dst=pixels)
    return pixels.astype(np.uint8, copy=False)


def _stated_dpi(image: Image.Image) -> tuple[float, float]:
    stated = image.info.get("dpi")
    if not isinstance(stated, tuple) or len(stated) != 2:
        return 0.0, 0.0
    try:
        across, down = float(stated[0]), float(stated[1])
    except (TypeError, ValueError, ZeroDivisionError):
        return 0.0, 0.0
    return across, down


def _rgb(image: Image.Image, step: int) -> Pixels:
    turned = image.getexif().get(ExifTags.Base.Orientation, 1) != 1
    upright = ImageOps.exif_transpose(image) if turned else image  # it copies, turned or not
    if upright.mode.startswith("I") or upright.mode == "F":
        upright = _eight_bits(upright)
    if upright.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in upright.info:
        sheet = Image.new("RGBA", upright.size, (255, 255, 255, 255))
        upright = Image.alpha_composite(sheet, upright.convert("RGBA"))
    if upright.mode in ("1", "L"):
        grey = np.asarray(_reduce(upright.convert("L"), step), dtype=np.uint8)
        return cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB).astype(np.uint8, copy=False)
    colour = upright if upright.mode == "RGB" else upright.convert("RGB")
    return np.asarray(_reduce(colour, step), dtype=np.uint8)


def _reduce(image: Image.Image, step: int) -> Image.Image:
    return image.reduce(step) if step > 1 else image


def _eight_bits(image: Image.Image) -> Image.Image:
    """Grey of more than 8 bits; white is where the file's depth ends, 65535 unless all fits below."""
    wide = np.nan_to_num(np.asarray(image).astype(np.float32), nan=255.0, posinf=65535.0, neginf=0.0)
    brightest = float(wide.max())
    top = 1.0 if image.mode == "F" and brightest <= 1 else 255.0 if brightest <= 255 else 65535.0
    return Image.fromarray((wide * (255.0 / top)).clip(0, 255).astype(np.uint8))
