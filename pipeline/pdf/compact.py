"""The access copy (`compact`): a small PDF/A-2b derived from a stored signed file and its sidecar.

Nothing of it is stored; the same file and sidecar give the same bytes. It carries no signature, says so on every page
above the page's own edge (so that it covers nothing), and names the file it comes from. Thông tư 05/2025/TT-BNV
Điều 37 to 42: a copy that nobody certified bears the words BẢN SAO, top right, Times New Roman 10, black.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from pikepdf import Array, Dictionary, Name, Object, Pdf

from pipeline.files import write_whole
from pipeline.model import Blob
from pipeline.pdf.coded_page import CodedPage, Picture, Stencil, not_ours
from pipeline.pdf.frame import describe, finish
from pipeline.pdf.note_font import NoteFont
from pipeline.pdf.text_layer import blank_font, invisible
from pipeline.sidecar import Sidecar, SidecarPage

STRIP = 15.0
"""Points above the page that the note stands on."""
COPY = "BẢN SAO"
NOTE = "Bản xem gọn, không có chữ ký số. Từ bản đã ký "
COPY_SIZE, NOTE_SIZE = 10.0, 6.5
MARGIN = 14.0


def write_access_copy(
    pages: Sequence[CodedPage],
    sidecar: Sidecar,
    out: Path,
    *,
    font: Path,
    sheets: Sequence[tuple[int, ...]] | None = None,
) -> Blob:
    """Write the copy of the signed file that `sidecar` names, from all its pages.

    `font` is a TrueType file with Vietnamese letters and the measures of Times New Roman. `sheets` are page numbers
    (from 0) that make one leaf together, as the halves of a large sheet do; without it each page is a leaf.
    """
    if len(pages) != len(sidecar.pages):
        raise not_ours()
    sheets = sheets or [(number,) for number in range(len(pages))]
    pdf = Pdf.new()
    blank = blank_font(pdf, [page.lines for page in sidecar.pages])
    note = f"{NOTE}{sidecar.document}, sha256 {sidecar.pdf_sha256}"
    face = NoteFont(pdf, font, note + COPY + "0123456789abcdef")  # one subset for all copies
    leaves = [
        _leaf(pdf, [(pages[number], sidecar.pages[number]) for number in sheet], blank, face, note)
        for sheet in sheets
    ]
    title = sidecar.paper.field("title")
    describe(
        pdf,
        title=f"{COPY}: {title.value if title else sidecar.paper.type_name}",
        agency=sidecar.agency,
        identifier=f"{sidecar.document}-compact",
        created=sidecar.captured_at,
        source=f"{sidecar.document} sha256:{sidecar.pdf_sha256}",
    )
    seed = hashlib.sha256(f"compact {sidecar.pdf_sha256}".encode()).digest()[:16]
    return write_whole(out, finish(pdf, leaves, seed=seed), "application/pdf")


def _leaf(
    pdf: Pdf, halves: Sequence[tuple[CodedPage, SidecarPage]], blank: Object, face: NoteFont, note: str
) -> Object:
    """A page, or the parts of a sheet: upright ones stand side by side, lying ones above each other, edge to edge."""
    lying = all(coded.width > coded.height for coded, _ in halves)
    width = (max if lying else sum)([coded.width for coded, _ in halves])
    height = (sum if lying else max)([coded.height for coded, _ in halves])
    named: dict[str, Object] = {}
    content = b""
    left, top = 0.0, height
    for part, (coded, read) in enumerate(halves):
        drawn = _part(pdf, coded, f"{part}" if part else "", named)
        drawn += invisible(read.lines, dpi=read.dpi, height=coded.height)
        if len(halves) > 1:
            place = f"q 1 0 0 1 {left:.3f} {top - coded.height:.3f} cm\n"
            drawn = place.encode() + drawn + b"\nQ\n"
        content += drawn
        left, top = (left, top - coded.height) if lying else (left + coded.width, top)
    return pdf.make_indirect(
        Dictionary(
            Type=Name.Page,
            MediaBox=[0, 0, round(width, 3), round(height + STRIP, 3)],
            Resources=Dictionary(XObject=Dictionary(named), Font=Dictionary(F0=blank, F1=face.object)),
            Contents=pdf.make_stream(_note(note, face, width, height).encode() + content),
        )
    )


def _part(pdf: Pdf, coded: CodedPage, mark: str, named: dict[str, Object]) -> bytes:
    """What draws one page in its own coordinates; its pictures are named in `named`."""
    parts: list[str] = []
    if coded.black is not None:
        named[f"/M{mark}0"] = _stencil(pdf, coded.black)
        parts.append(_draw(f"/M{mark}0", (0, 0, coded.width, coded.height)))
    for number, picture in enumerate(coded.pictures):
        named[f"/L{mark}_{number}"] = _picture(pdf, picture)
        parts.append(_draw(f"/L{mark}_{number}", picture.place))
    return "".join(parts).encode()


def _draw(name: str, place: tuple[float, float, float, float]) -> str:
    left, bottom, width, height = place
    return f"q 0 g {width:.3f} 0 0 {height:.3f} {left:.3f} {bottom:.3f} cm {name} Do Q\n"


def _note(text: str, face: NoteFont, width: float, height: float) -> str:
    """The note at the left, the words of the circular at the right; smaller on a narrow page."""
    base = height + 4
    words = face.width(COPY, COPY_SIZE)
    size = max(1.0, min(NOTE_SIZE, (width - 3 * MARGIN - words) / face.width(text, 1)))
    right = max(0.0, width - MARGIN - words)
    return (
        f"BT 0 g /F1 {size:.2f} Tf 1 0 0 1 {MARGIN:.2f} {base:.2f} Tm <{face.encode(text)}> Tj "
        f"/F1 {COPY_SIZE:g} Tf 1 0 0 1 {right:.2f} {base:.2f} Tm <{face.encode(COPY)}> Tj ET\n"
    )


def _picture(pdf: Pdf, picture: Picture) -> Object:
    stream = pdf.make_stream(picture.content, Filter=Name.DCTDecode)
    stream.Type, stream.Subtype, stream.ColorSpace = Name.XObject, Name.Image, Name.DeviceRGB
    stream.Width, stream.Height, stream.BitsPerComponent = picture.width, picture.height, 8
    if picture.mask is not None:
        stream.Mask = _stencil(pdf, picture.mask)
    return stream


def _stencil(pdf: Pdf, mask: Stencil) -> Object:
    if mask.coding == "JBIG2":
        stream = pdf.make_stream(mask.content, Filter=Name.JBIG2Decode)
    else:
        how = Dictionary(K=-1, Columns=mask.width, Rows=mask.height, BlackIs1=False, EndOfBlock=True)
        stream = pdf.make_stream(mask.content, Filter=Array([Name.CCITTFaxDecode]), DecodeParms=Array([how]))
    stream.Type, stream.Subtype = Name.XObject, Name.Image
    stream.Width, stream.Height, stream.BitsPerComponent = mask.width, mask.height, 1
    stream.ImageMask = True
    return stream
