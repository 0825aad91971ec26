"""The structure of a PDF from outside: whole or not, how many pages, signed or not, scripted or not.

Nothing in it is executed.
"""

from __future__ import annotations

from pathlib import Path

import pikepdf
import pypdfium2 as pdfium

from pipeline.errors import Rejected
from pipeline.raster.limits import RasterLimits
from pipeline.raster.pdf_scripts import carries_script
from pipeline.raster.wholeness import cut_off

TAIL = 2048
MAX_FIELDS = 100_000
Broken = (pikepdf.PdfError, AttributeError, KeyError, TypeError, ValueError, RecursionError, OSError)


def pdf_sides(path: Path, limits: RasterLimits) -> tuple[int, bool]:
    """Number of pages, and whether any signature field is signed. Raises Rejected with the true reason.

    A sloppy file is mended in memory (its cross-reference table rebuilt), a cut-off one is refused: what
    is missing from it would be lost in silence.
    """
    try:
        return _read(path, limits, mend=False)
    except Broken as error:
        if not _has_end(path):
            raise cut_off("PDF") from error
    try:
        return _read(path, limits, mend=True)
    except Broken:
        return _second_reader(path, limits)


def _second_reader(path: Path, limits: RasterLimits) -> tuple[int, bool]:
    """Pages as pdfium finds them: it mends some cross-reference tables that qpdf gives up on."""
    try:
        document = pdfium.PdfDocument(path)
    except pdfium.PdfiumError as error:
        raise Rejected(
            "the PDF is damaged; save or scan it again", vi="PDF bị hỏng; hãy lưu hoặc quét lại"
        ) from error
    try:
        count = len(document)
    finally:
        document.close()
    if count == 0:
        raise _no_pages()
    if count > limits.max_pages:
        raise _too_many(limits)
    return count, _mentions_signature(path)


def _read(path: Path, limits: RasterLimits, *, mend: bool) -> tuple[int, bool]:
    try:
        with pikepdf.open(path, attempt_recovery=mend, suppress_warnings=True) as pdf:
            count, signed = _count_pages(pdf, limits), _is_signed(pdf, path)
            if carries_script(pdf):
                raise _scripted()
            return count, signed
    except pikepdf.PasswordError as error:
        raise Rejected(
            "the PDF needs a password; save it without one",
            vi="PDF có mật khẩu; hãy lưu lại không mật khẩu",
        ) from error
    except pikepdf.PdfError as error:
        if "encrypt" in str(error).lower():
            raise Rejected(
                "the PDF is encrypted in a way that cannot be opened; save it without encryption",
                vi="PDF được mã hóa kiểu không mở được; hãy lưu lại không mã hóa",
            ) from error
        if "loop detected in /pages" in str(error).lower():
            raise _circle() from error
        raise


def _has_end(path: Path) -> bool:
    """Whether the file ends with its end-of-file marker, trailing blanks and zeros aside."""
    with path.open("rb") as stream:
        size = stream.seek(0, 2)
        for start in range(max(0, size - TAIL), -TAIL, -TAIL):
            stream.seek(max(0, start))
            tail = stream.read(TAIL + 8).rstrip(b"\0 \t\r\n")
            if tail:
                return b"%%EOF" in tail
    return False


def _count_pages(pdf: pikepdf.Pdf, limits: RasterLimits) -> int:
    """Walk the page tree within bounds; its own `/Count` may lie and its nodes may run in a circle."""
    count = 0
    seen: set[tuple[int, int]] = set()
    waiting: list[pikepdf.Object] = [pdf.Root.Pages]
    while waiting:
        node = waiting.pop()
        if "/Kids" not in node:
            count += 1
        else:
            if node.objgen in seen:
                raise _circle()
            if node.objgen != (0, 0):
                seen.add(node.objgen)
            if len(node.Kids) > limits.max_pages - count:
                raise _too_many(limits)
            waiting.extend(node.Kids)
        if count > limits.max_pages or len(seen) + len(waiting) > 4 * limits.max_pages:
            raise _too_many(limits)
    if count == 0:
        raise _no_pages()
    stated = pdf.Root.Pages.get("/Count")
    if isinstance(stated, int) and count < stated:
        raise Rejected(
            f"the PDF says it has {stated} pages but only {count} are there; save or scan it again",
            vi=f"PDF ghi có {stated} trang nhưng chỉ còn {count}; hãy lưu hoặc quét lại",
        )
    return count


def _scripted() -> Rejected:
    return Rejected(
        "the PDF carries JavaScript, so it may show other things tomorrow; print it to a plain PDF",
        vi="PDF có chứa JavaScript nên nội dung có thể tự thay đổi; hãy in lại thành PDF thường",
    )


def _circle() -> Rejected:
    return Rejected(
        "the PDF's page tree runs in a circle; save it again with another program",
        vi="PDF hỏng: cây trang lặp vô tận; hãy lưu lại bằng chương trình khác",
    )


def _no_pages() -> Rejected:
    return Rejected("the PDF has no pages; save it again", vi="PDF không có trang nào; hãy lưu lại")


def _too_many(limits: RasterLimits) -> Rejected:
    return Rejected(
        f"more than {limits.max_pages} pages in one file; split it",
        vi=f"Quá {limits.max_pages} trang trong một tệp; hãy chia nhỏ",
    )


def _is_signed(pdf: pikepdf.Pdf, path: Path) -> bool:
    """Whether any signature field holds a value with contents (ISO 32000-1, 12.8.1).

    In doubt a file counts as signed, since a signed one must never be changed by a byte.
    """
    try:
        if _any_signed(_listed_fields(pdf)) or _any_signed(_page_widgets(pdf)):
            return True
    except Broken:
        return _mentions_signature(path)
    return False


def _listed_fields(pdf: pikepdf.Pdf) -> list[pikepdf.Object]:
    return list(pdf.Root.AcroForm.get("/Fields", [])) if "/AcroForm" in pdf.Root else []


def _page_widgets(pdf: pikepdf.Pdf) -> list[pikepdf.Object]:
    """Signature widgets that some programs forget to list in the form."""
    found: list[pikepdf.Object] = []
    for page in pdf.pages:
        for note in page.obj.get("/Annots", []):
            if isinstance(note, pikepdf.Dictionary) and note.get("/FT") == "/Sig":
                found.append(note)
    return found


def _any_signed(fields: list[pikepdf.Object]) -> bool:
    waiting, seen = list(fields), 0
    while waiting:
        field = waiting.pop()
        seen += 1
        if seen > MAX_FIELDS:
            raise ValueError("too many form fields")
        if not isinstance(field, pikepdf.Dictionary):
            continue
        value = field.get("/V")
        if isinstance(value, pikepdf.Dictionary) and "/Contents" in value:
            return True
        waiting.extend(field.get("/Kids", []))
    return False


def _mentions_signature(path: Path) -> bool:
    kept = b""
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            if b"/ByteRange" in kept + block:
                return True
            kept = block[-16:]
    return False
