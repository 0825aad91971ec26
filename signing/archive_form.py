"""The form of an archive file, as an auditor asks for it: PDF/A, resolution, colour, text, name, pages.

What a file claims and shows, not whether it is so: PDF/A is the part that its metadata name. Thông tư 05/2025/TT-BNV
Điều 8 wants colour as the original at 200 dpi or more. Runs in the isolated child; every walk is bounded, and what
could not be looked at within the bounds is None, never a guess.
"""

from __future__ import annotations

import re
import time
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pikepdf
import pypdfium2 as pdfium
import pypdfium2.raw as raw

from pipeline.raster.pdf_file import Broken
from pipeline.raster.pdf_page import objects, placed

MOST_METADATA = 1 << 20
MOST_PAGES = 5_000
SECONDS = 10.0
LEAST_SHARE = 0.01
"""Share of a page from which a picture counts; smaller ones are lines and emblems."""
BLACK_AND_WHITE, GREY, INDEXED, COLOUR = "bitonal", "grey", "indexed", "24-bit"
_PART = re.compile(r"pdfaid:part\s*(?:=\s*[\"']|>)\s*(\d)")
_CONFORMANCE = re.compile(r"pdfaid:conformance\s*(?:=\s*[\"']|>)\s*([A-Za-z])")
_NAME = re.compile(r"[A-Za-z0-9]+(?:[.-][A-Za-z0-9]+)+\.\d{1,5}\.pdf", re.IGNORECASE)
_GREYS = (raw.FPDF_COLORSPACE_DEVICEGRAY, raw.FPDF_COLORSPACE_CALGRAY, raw.FPDF_COLORSPACE_ICCBASED)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveForm:
    """`dpi` and `colour` are those of the worst picture; `name`: the file is called `<mã hồ sơ>.<số>.pdf`."""

    pdfa: str | None
    dpi: int | None
    colour: str | None
    text_layer: bool
    name: bool | None
    pages: int


@dataclass(slots=True)
class _Seen:
    """What a walk over the pages gathers; `whole` is False when a bound ended it."""

    pages: int = 0
    text: bool = False
    whole: bool = True
    resolutions: list[float] = field(default_factory=list)
    colours: list[tuple[int, str]] = field(default_factory=list)


def named_well(name: str) -> bool | None:
    """Whether a PDF is called by the rule; None for what is not called a PDF."""
    return _NAME.fullmatch(name) is not None if name.lower().endswith(".pdf") else None


def archive_form(path: Path, *, name: str, seconds: float = SECONDS) -> dict[str, Any] | None:
    """Facts of a PDF as `verify --json` shows them, None when no reader opens it or it is a bomb."""
    try:
        claimed = _claimed(path)
        document = pdfium.PdfDocument(path)  # reads the metadata too, without any bound
    except (pdfium.PdfiumError, OSError, OverflowError):
        return None
    try:
        seen = _walk(document, time.monotonic() + seconds)
    finally:
        document.close()
    worst = min(seen.colours, default=None)
    form = ArchiveForm(
        pdfa=claimed,
        dpi=round(min(seen.resolutions)) if seen.resolutions and seen.whole else None,
        colour=worst[1] if worst and seen.whole else None,
        text_layer=seen.text,
        name=named_well(name),
        pages=seen.pages,
    )
    return asdict(form)


def _walk(document: pdfium.PdfDocument, deadline: float) -> _Seen:
    seen = _Seen(pages=len(document))
    for number in range(min(seen.pages, MOST_PAGES)):
        if time.monotonic() > deadline:
            seen.whole = False
            break
        try:
            page = document[number]
        except pdfium.PdfiumError:
            seen.whole = False
            continue
        try:
            _look(page, seen, deadline)
        except (pdfium.PdfiumError, ValueError, ZeroDivisionError, OverflowError):
            seen.whole = False
        finally:
            page.close()
    seen.whole = seen.whole and seen.pages <= MOST_PAGES
    return seen


def _look(page: pdfium.PdfPage, seen: _Seen, deadline: float) -> None:
    if not seen.text:
        seen.text = page.get_textpage().count_chars() > 0
    for image, across, down in _pictures(page):
        if time.monotonic() > deadline:
            seen.whole = False
            return
        width, height = image.get_px_size()
        seen.resolutions.append(72 * min(width / across, height / down))
        seen.colours.append(_colour(image))


def _pictures(page: pdfium.PdfPage) -> Iterator[tuple[pdfium.PdfImage, float, float]]:
    """Pictures that matter on a page, each with the length of its sides in points."""
    area = page.get_width() * page.get_height()
    for item in objects(page):
        if item.type == raw.FPDF_PAGEOBJ_IMAGE:
            a, b, c, d, _, _ = placed(item).get()
            if abs(a * d - b * c) > LEAST_SHARE * area:
                yield item, (a * a + b * b) ** 0.5, (c * c + d * d) ** 0.5


def _colour(image: pdfium.PdfImage) -> tuple[int, str]:
    """Bits a pixel and their name; fewer bits are worse."""
    about = image.get_metadata()
    bits = int(about.bits_per_pixel)
    if bits == 0:
        raise ValueError("a picture that contradicts its own description")
    if bits == 1:
        return bits, BLACK_AND_WHITE
    if bits == 8:
        return bits, GREY if about.colorspace in _GREYS else INDEXED
    return bits, COLOUR if bits == 24 else f"{bits}-bit"


def _claimed(path: Path) -> str | None:
    """Part and conformance that the metadata name, as `2b`. Raises OverflowError when they are too long."""
    try:
        with pikepdf.open(path, suppress_warnings=True) as pdf:
            packet = _content(pdf.Root.Metadata) if "/Metadata" in pdf.Root else b""
    except (*Broken, zlib.error):
        return None
    text = packet.decode("utf-16" if packet[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8", "replace")
    part, conformance = _PART.search(text), _CONFORMANCE.search(text)
    return part[1] + (conformance[1].lower() if conformance else "") if part else None


def _content(stream: pikepdf.Object) -> bytes:
    """A stream's content up to the bound; only plain and deflated ones are opened."""
    if not isinstance(stream, pikepdf.Stream):
        return b""
    packed = stream.read_raw_bytes()
    kind = stream.get("/Filter")
    if isinstance(kind, pikepdf.Array) and len(kind) == 1:
        kind = kind[0]
    if kind is None or (isinstance(kind, pikepdf.Array) and len(kind) == 0):
        return packed[:MOST_METADATA]
    if kind != "/FlateDecode":
        return b""
    opener = zlib.decompressobj()
    content = opener.decompress(packed, MOST_METADATA)
    if opener.unconsumed_tail:
        raise OverflowError("metadata of more than a megabyte")
    return content
