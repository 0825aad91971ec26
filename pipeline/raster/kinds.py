"""What a file is, told by its first bytes and never by its name."""

from __future__ import annotations

from enum import StrEnum

from pipeline.errors import Rejected

HEAD = 1024
"""Bytes to look at; a PDF may carry that much before its header (ISO 32000-1, Annex H.3, note 13)."""


class Kind(StrEnum):
    """The formats that are accepted; the value is the media type."""

    JPEG = "image/jpeg"
    PNG = "image/png"
    TIFF = "image/tiff"
    JP2 = "image/jp2"
    BMP = "image/bmp"
    WEBP = "image/webp"
    PDF = "application/pdf"


MAGIC = (
    (b"\xff\xd8\xff", Kind.JPEG),
    (b"\x89PNG\r\n\x1a\n", Kind.PNG),
    (b"II*\0", Kind.TIFF),
    (b"MM\0*", Kind.TIFF),
    (b"II+\0", Kind.TIFF),
    (b"MM\0+", Kind.TIFF),
    (b"\0\0\0\x0cjP  \r\n\x87\n", Kind.JP2),
    (b"\xff\x4f\xff\x51", Kind.JP2),
    (b"BM", Kind.BMP),
)

FOREIGN = (
    (b"PK\x03\x04", "a ZIP or Office file", "tệp ZIP hoặc tệp Office"),
    (b"\xd0\xcf\x11\xe0", "an old Office file", "tệp Office cũ"),
    (b"Rar!", "a RAR archive", "tệp nén RAR"),
    (b"7z\xbc\xaf", "a 7-Zip archive", "tệp nén 7-Zip"),
    (b"GIF8", "a GIF picture", "ảnh GIF"),
    (b"MZ", "a Windows program", "chương trình Windows"),
    (b"\x7fELF", "a program", "chương trình máy tính"),
    (b"%!PS", "a PostScript file", "tệp PostScript"),
    (b"{\\rtf", "an RTF text", "văn bản RTF"),
)


def kind_of(head: bytes, name: str) -> Kind:
    """The kind of a file from its first `HEAD` bytes; `name` only makes the refusal clearer.

    Raises Rejected and says what the file is instead.
    """
    for magic, kind in MAGIC:
        if head.startswith(magic):
            return kind
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return Kind.WEBP
    if b"%PDF-" in head:
        return Kind.PDF
    english, vietnamese = _foreign(head)
    if name.lower().endswith(".pdf"):
        raise Rejected(
            f"named .pdf, but it is {english}; save it as a real PDF",
            vi=f"Tên tệp là .pdf nhưng nội dung là {vietnamese}; hãy lưu lại thành PDF thật",
        )
    raise Rejected(
        f"neither an image nor a PDF: it is {english}",
        vi=f"Không phải ảnh hay PDF mà là {vietnamese}",
    )


def _foreign(head: bytes) -> tuple[str, str]:
    for magic, english, vietnamese in FOREIGN:
        if head.startswith(magic):
            return english, vietnamese
    if head[4:8] == b"ftyp" and head[8:12] in (b"heic", b"heix", b"mif1", b"msf1", b"avif"):
        return "a HEIC or AVIF photo; export it as JPEG", "ảnh HEIC/AVIF; hãy xuất ra JPEG"
    if not head.strip(b"\0"):
        return "only zero bytes, so its content was lost", "toàn byte 0, nội dung đã mất"
    if b"\0" not in head and sum(byte < 32 and byte not in b"\t\r\n\f\x1b" for byte in head) == 0:
        return "plain text", "văn bản thuần"
    return "of an unknown format", "dữ liệu không rõ định dạng"
