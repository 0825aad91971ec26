"""What a file is and how many sides it has, told by its content and never by its name.

Called in a child process with limits on time and memory. A file that cannot be opened is one page with
its true reason; so is a PDF with JavaScript, though nothing here would run it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import pypdfium2 as pdfium
from PIL import Image

from pipeline.errors import Rejected
from pipeline.model import Origin, Page, SourceFile
from pipeline.raster.kinds import HEAD, Kind, kind_of
from pipeline.raster.limits import RasterLimits
from pipeline.raster.pdf_file import pdf_sides
from pipeline.raster.pdf_page import has_own_text, is_empty
from pipeline.raster.tiff import tiff_pages
from pipeline.raster.wholeness import check_whole

__all__ = ["FileSides", "RasterLimits", "inspect_file", "pages_of", "sides_of"]

PILLOW_NAMES = {Kind.JPEG: ("JPEG", "MPO"), Kind.PNG: ("PNG",), Kind.JP2: ("JPEG2000",), Kind.BMP: ("BMP",),
                Kind.WEBP: ("WEBP",)}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSides:
    """How many sides a file has, where it was born, and why some of them cannot be taken (by number, from 1)."""

    count: int
    origin: Origin = Origin.CAPTURED
    reasons: dict[int, str] = field(default_factory=dict)


def inspect_file(file: SourceFile, *, batch: str, first_index: int, limits: RasterLimits) -> tuple[Page, ...]:
    """Every side of a file as a Page, numbered from `first_index` in the batch. Raises no Rejected."""
    return pages_of(file, sides_of(file, limits), batch=batch, first_index=first_index)


def sides_of(file: SourceFile, limits: RasterLimits) -> FileSides:
    """Look into a file; one that cannot be opened has one side with a reason. Raises no Rejected."""
    if file.reason:
        return FileSides(count=1, reasons={1: file.reason})
    try:
        return _sides(file, limits)
    except Rejected as error:
        return refused(error)
    except MemoryError:
        return refused(
            Rejected("opening this file needs more memory than allowed", vi="Mở tệp này cần quá nhiều bộ nhớ")
        )


def refused(error: Rejected) -> FileSides:
    """A file that is set aside whole."""
    return FileSides(count=1, reasons={1: error.both})


def pages_of(file: SourceFile, sides: FileSides, *, batch: str, first_index: int) -> tuple[Page, ...]:
    """The sides of a file as pages of a batch."""
    return tuple(_page(file, sides, number, batch, first_index) for number in range(1, sides.count + 1))


def _page(file: SourceFile, sides: FileSides, number: int, batch: str, first_index: int) -> Page:
    index = first_index + number - 1
    source = f"{file.source}#{number}" if sides.count > 1 else file.source
    return Page(
        id=page_id(batch, index, source, file.blob.sha256),
        index=index,
        source=source,
        file=file.blob,
        number=number,
        origin=sides.origin,
        reason=sides.reasons.get(number),
    )


def page_id(batch: str, index: int, source: str, sha256: str) -> str:
    """The name of a side: the same file in the same place of the same batch has the same."""
    seed = f"{batch}\n{index}\n{source}\n{sha256}"
    return "p_" + hashlib.sha256(seed.encode("utf-8", "surrogateescape")).hexdigest()[:20]


def _sides(file: SourceFile, limits: RasterLimits) -> FileSides:
    path = file.blob.path
    try:
        if path.stat().st_size == 0:
            raise Rejected("the file is empty; scan it again", vi="Tệp rỗng; hãy quét lại")
        with path.open("rb") as stream:
            head = stream.read(HEAD)
        kind = kind_of(head, file.source)
        if kind is Kind.PDF:
            return _pdf(path, limits)
        if kind is Kind.TIFF:
            return _tiff(path, limits)
        return _image(path, kind, limits)
    except OSError as error:
        raise Rejected(f"the file cannot be read: {error.strerror}", vi="Không đọc được tệp") from error


def _image(path: Path, kind: Kind, limits: RasterLimits) -> FileSides:
    try:
        with Image.open(path, formats=PILLOW_NAMES[kind]) as image:
            too_large = size_refusal(image.width, image.height, limits)
    except (OSError, ValueError, SyntaxError, EOFError, ArithmeticError) as error:
        check_whole(path, kind)
        raise Rejected("the image is damaged; scan it again", vi="Ảnh bị hỏng; hãy quét lại") from error
    if too_large:
        raise too_large
    check_whole(path, kind)
    return FileSides(count=1)


def _tiff(path: Path, limits: RasterLimits) -> FileSides:
    pages = tiff_pages(path, max_pages=limits.max_pages)
    refusals = {n: size_refusal(page.width, page.height, limits) for n, page in enumerate(pages, 1)}
    return FileSides(
        count=len(pages), reasons={n: refusal.both for n, refusal in refusals.items() if refusal}
    )


def _pdf(path: Path, limits: RasterLimits) -> FileSides:
    count, signed = pdf_sides(path, limits)
    if signed:
        return FileSides(count=count, origin=Origin.INCOMING_SIGNED)
    return FileSides(
        count=count, origin=Origin.BORN_DIGITAL if _born_digital(path, count) else Origin.CAPTURED
    )


def size_refusal(width: int, height: int, limits: RasterLimits) -> Rejected | None:
    """The refusal of a picture with more pixels than the limit, or None; judged by header alone."""
    if width * height <= limits.max_pixels:
        return None
    allowed = limits.max_pixels // 10**6
    return Rejected(
        f"the image is {width} x {height} pixels, more than {allowed} million; scan at a lower resolution",
        vi=f"Ảnh quá lớn: {width} x {height} điểm ảnh, quá {allowed} triệu; hãy quét ở độ phân giải thấp hơn",
    )


def _born_digital(path: Path, count: int) -> bool:
    """Whether every page has a text of its own; empty ones among them do not count."""
    try:
        document = pdfium.PdfDocument(path)
    except pdfium.PdfiumError:
        return False
    try:
        written = False
        for number in range(count):
            page = document[number]
            if has_own_text(page):
                written = True
            elif not is_empty(page):
                return False
            page.close()
        return written
    except (pdfium.PdfiumError, IndexError):
        return False
    finally:
        document.close()
