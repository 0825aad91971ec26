"""Whether an image file is all there, told by its structure, without decoding it.

Decoders fill what is missing with grey and say nothing, so a cut-off scan must be found before.
"""

from __future__ import annotations

import mmap
import re
from pathlib import Path

from PIL import Image

from pipeline.errors import Rejected
from pipeline.raster.kinds import Kind

MARKER = re.compile(rb"\xff[\xc0-\xfe]")
ENTROPY_END = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
"""In entropy-coded data FF is followed by 00, a restart marker or fill (ISO/IEC 10918-1, B.1.1.5)."""

Bytes = bytes | mmap.mmap


def cut_off(what: str) -> Rejected:
    """The refusal of a file whose end is missing."""
    return Rejected(
        f"the {what} is cut off before its end; copy or scan it again",
        vi=f"Tệp {what} bị cắt cụt; hãy chép hoặc quét lại",
    )


def check_whole(path: Path, kind: Kind) -> None:
    """Raise Rejected when the end of a JPEG, PNG, JPEG 2000, WebP or BMP file is missing."""
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if kind is Kind.JPEG and not jpeg_ends(data):
            raise cut_off("JPEG")
        if kind is Kind.PNG and not _png_ends(data):
            raise cut_off("PNG")
        if kind is Kind.JP2 and not _jp2_ends(data):
            raise cut_off("JPEG 2000")
        if kind is Kind.WEBP and int.from_bytes(data[4:8], "little") + 8 > len(data):
            raise cut_off("WebP")
        if kind is Kind.BMP and not _decodes(path):
            raise cut_off("BMP")


def jpeg_ends(data: Bytes) -> bool:
    """Whether the end-of-image marker of the first picture is reached."""
    position = 2
    while match := MARKER.search(data, position):
        marker = data[match.start() + 1]
        position = match.end()
        if marker == 0xD9:
            return True
        if 0xD0 <= marker <= 0xD8:
            continue
        length = int.from_bytes(data[position : position + 2], "big")
        position += max(length, 2)
        if marker == 0xDA:
            end = ENTROPY_END.search(data, position)
            if end is None:
                return False
            position = end.start()
    return False


def _png_ends(data: Bytes) -> bool:
    position = 8
    while position + 12 <= len(data):
        length = int.from_bytes(data[position : position + 4], "big")
        name = data[position + 4 : position + 8]
        position += 12 + length
        if name == b"IEND":
            return position <= len(data)
    return False


def _jp2_ends(data: Bytes) -> bool:
    """Walk the boxes to the code stream, which ends with EOC (ISO/IEC 15444-1, A.4.4 and I.4)."""
    if data[:4] == b"\xff\x4f\xff\x51":
        return bytes(data[-64:]).rstrip(b"\0").endswith(b"\xff\xd9")
    position = 0
    while position + 8 <= len(data):
        length = int.from_bytes(data[position : position + 4], "big")
        name = data[position + 4 : position + 8]
        if length == 1:
            length = int.from_bytes(data[position + 8 : position + 16], "big")
        end = len(data) if length == 0 else position + length
        if name == b"jp2c":
            return end <= len(data) and data[end - 2 : end] == b"\xff\xd9"
        if end < position + 8:
            return False
        position = end
    return False


def _decodes(path: Path) -> bool:
    """Whether all pixels come out."""
    try:
        with Image.open(path) as image:
            image.load()
    except (OSError, ValueError, SyntaxError):
        return False
    return True
