"""The archive PDF: PDF/A-2b, one picture a page at true size, invisible text over it.

The same records give the same bytes: dates come from the record, ids from content. Object streams and a
balanced page tree let a viewer show page 1 of 300 without fetching the rest.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
from pikepdf import Array, Dictionary, Name, Object, Pdf
from PIL import Image

from pipeline.files import write_whole
from pipeline.model import Blob, ReadPage
from pipeline.pdf.bitonal import colour_rows
from pipeline.pdf.frame import describe, finish
from pipeline.pdf.text_layer import blank_font, invisible


def write_archive_pdf(
    pages: Sequence[ReadPage], out: Path, *, title: str, agency: str, identifier: str, created: datetime
) -> Blob:
    """Write the pages as PDF/A-2b to `out`. Every page must have its picture; raises ValueError otherwise."""
    pdf = Pdf.new()
    font = blank_font(pdf, [page.lines for page in pages])
    leaves = [_page(pdf, page, font) for page in pages]
    describe(pdf, title=title, agency=agency, identifier=identifier, created=created)
    seed = hashlib.sha256("".join([identifier, *(p.image.sha256 for p in pages if p.image)]).encode())
    return write_whole(out, finish(pdf, leaves, seed=seed.digest()[:16]), "application/pdf")


def _page(pdf: Pdf, page: ReadPage, font: Object) -> Object:
    if page.image is None:
        raise ValueError(f"page {page.page.id} has no picture")
    picture = _picture(pdf, page.image)
    width, height = page.width * 72 / page.dpi, page.height * 72 / page.dpi
    drawing = f"q {width:.3f} 0 0 {height:.3f} 0 0 cm /Im0 Do Q\n".encode()
    text = invisible(page.lines, dpi=page.dpi, height=height)
    return pdf.make_indirect(
        Dictionary(
            Type=Name.Page,
            MediaBox=[0, 0, round(width, 3), round(height, 3)],
            Resources=Dictionary(XObject=Dictionary(Im0=picture), Font=Dictionary(F0=font)),
            Contents=pdf.make_stream(drawing + text),
        )
    )


def _picture(pdf: Pdf, image: Blob) -> Object:
    """A JPEG as it is encoded already; a bitonal PNG as black and white in 24 bits."""
    content = image.path.read_bytes()
    with Image.open(io.BytesIO(content)) as picture:
        width, height = picture.size
        white = np.asarray(picture.convert("L")) > 127 if image.media_type == "image/png" else None
    if white is not None:
        filters = Array([Name.FlateDecode, Name.RunLengthDecode])
        stream = pdf.make_stream(colour_rows(white), Filter=filters)
    else:
        stream = pdf.make_stream(content, Filter=Name.DCTDecode)
    stream.Type, stream.Subtype, stream.ColorSpace = Name.XObject, Name.Image, Name.DeviceRGB
    stream.Width, stream.Height, stream.BitsPerComponent = width, height, 8
    return stream
