"""The pages' pictures out of an archive PDF of ours, as they are encoded there: nothing is lost on the way."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from pikepdf import Name, Object, Pdf, PdfError, StreamDecodeLevel
from PIL import Image

from pipeline.errors import Tampered
from pipeline.files import write_whole
from pipeline.model import Blob


def pictures_of(pdf: Path, folder: Path) -> list[Blob]:
    """The picture of each page, in order, as a file in `folder`. Raises Tampered for a file that is not one of ours."""
    try:
        with Pdf.open(pdf) as opened:
            return [
                _picture(page.obj.Resources.XObject.Im0, folder / str(number))
                for number, page in enumerate(opened.pages)
            ]
    except (PdfError, AttributeError, KeyError, ValueError) as error:
        raise Tampered(
            "this file does not hold one picture a page, as our archive files do",
            vi="Tệp không có cấu trúc một ảnh mỗi trang như tệp lưu trữ",
        ) from error


def _picture(stream: Object, path: Path) -> Blob:
    """A JPEG as it stands; black and white in 24 bits as the PNG that it was."""
    if stream.Filter == Name.DCTDecode:
        return write_whole(path.with_suffix(".jpg"), stream.read_raw_bytes(), "image/jpeg")
    rows = stream.read_bytes(StreamDecodeLevel.specialized)
    height, width = int(stream.Height), int(stream.Width)
    white = np.frombuffer(rows, np.uint8).reshape(height, width, 3)[:, :, 0] > 127
    buffer = io.BytesIO()
    Image.fromarray(white).save(buffer, "PNG")
    return write_whole(path.with_suffix(".png"), buffer.getvalue(), "image/png")
