"""The archive PDF: PDF/A-2b, one picture a page at true size, invisible text over it.

The same records give the same bytes: dates come from the record, ids from content. Object streams and a
balanced page tree let a viewer show page 1 of 300 without fetching the rest.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from xml.sax.saxutils import escape

import pikepdf
from pikepdf import Array, Dictionary, Name, Object, Pdf, String
from PIL import Image, ImageCms

from pipeline.files import write_whole
from pipeline.model import Blob, Line, ReadPage
from pipeline.pdf import glyphless
from pipeline.pdf.images import png_rows

KIDS = 20
PRODUCER = "sohoa"
_UNPRINTED = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""What OCR may give and neither XML 1.0 nor a text string of PDF can hold."""


def write_archive_pdf(
    pages: Sequence[ReadPage], out: Path, *, title: str, agency: str, identifier: str, created: datetime
) -> Blob:
    """Write the pages as PDF/A-2b to `out`. Every page must have its picture; raises ValueError otherwise."""
    pdf = Pdf.new()
    font = _font(pdf)
    leaves = [_page(pdf, page, font) for page in pages]
    pdf.Root.Pages = _tree(pdf, leaves)
    pdf.Root.Lang = String("vi-VN")
    pdf.Root.ViewerPreferences = Dictionary(DisplayDocTitle=True)
    _output_intent(pdf)
    _metadata(pdf, title=title, agency=agency, identifier=identifier, created=created)
    seed = hashlib.sha256(
        "".join([identifier, *(p.image.sha256 for p in pages if p.image)]).encode()
    ).digest()
    pdf.trailer.ID = Array([String(seed[:16]), String(seed[:16])])
    buffer = io.BytesIO()
    pdf.save(
        buffer,
        force_version="1.7",
        object_stream_mode=pikepdf.ObjectStreamMode.generate,
        deterministic_id=False,
        static_id=False,
        fix_metadata_version=False,
    )
    content = _with_id(buffer.getvalue(), seed[:16])
    return write_whole(out, content, "application/pdf")


def _with_id(content: bytes, seed: bytes) -> bytes:
    """Qpdf draws a second id by clock; both ids have one length, so the content-derived one is put in place."""
    at = content.rfind(b"/ID [")
    if at < 0:
        return content
    end = content.index(b"]", at)
    fixed = b"/ID [<" + seed.hex().encode() + b"><" + seed.hex().encode() + b">"
    return content[:at] + fixed + content[end:]


def _page(pdf: Pdf, page: ReadPage, font: Object) -> Object:
    if page.image is None:
        raise ValueError(f"page {page.page.id} has no picture")
    picture = _picture(pdf, page.image)
    width, height = page.width * 72 / page.dpi, page.height * 72 / page.dpi
    drawing = f"q {width:.3f} 0 0 {height:.3f} 0 0 cm /Im0 Do Q\n".encode()
    text = _text(page, height)
    return pdf.make_indirect(
        Dictionary(
            Type=Name.Page,
            MediaBox=[0, 0, round(width, 3), round(height, 3)],
            Resources=Dictionary(XObject=Dictionary(Im0=picture), Font=Dictionary(F0=font)),
            Contents=pdf.make_stream(drawing + text),
        )
    )


def _picture(pdf: Pdf, image: Blob) -> Object:
    """The picture as it is encoded already: a JPEG whole, of a PNG its compressed rows (both filters are PDF's own)."""
    content = image.path.read_bytes()
    with Image.open(io.BytesIO(content)) as picture:
        width, height = picture.size
    if image.media_type == "image/png":
        rows = Dictionary(Predictor=15, Colors=3, BitsPerComponent=8, Columns=width)
        stream = pdf.make_stream(png_rows(content), Filter=Name.FlateDecode, DecodeParms=rows)
    else:
        stream = pdf.make_stream(content, Filter=Name.DCTDecode)
    stream.Type, stream.Subtype, stream.ColorSpace = Name.XObject, Name.Image, Name.DeviceRGB
    stream.Width, stream.Height, stream.BitsPerComponent = width, height, 8
    return stream


def _text(page: ReadPage, height: float) -> bytes:
    """Invisible text (mode 3), a line at a time, each word stretched over its box and followed by a space."""
    scale = 72 / page.dpi
    parts = ["BT 3 Tr"]
    for line in page.lines:
        parts += _line(line, scale, height)
    return "\n".join([*parts, "ET\n"]).encode()


def _line(line: Line, scale: float, height: float) -> list[str]:
    size = max(1.0, (line.box.bottom - line.box.top) * scale)
    base = height - line.box.bottom * scale + 0.2 * size
    parts = [f"/F0 {size:.2f} Tf"]
    for number, word in enumerate(line.words):
        codes = _UNPRINTED.sub("", word.text).encode("utf-16-be")
        follows = line.words[number + 1] if number + 1 < len(line.words) else None
        right = follows.box.left if follows and follows.box.left > word.box.left else word.box.right
        letters = len(codes) // 2 + (1 if follows else 0)
        if not letters:
            continue
        natural = letters * size * glyphless.ADVANCE / glyphless.UNITS
        stretch = max(1.0, 100 * max(right - word.box.left, 1) * scale / natural)
        shown = codes.hex().upper() + ("0020" if follows else "")
        parts.append(f"{stretch:.1f} Tz 1 0 0 1 {word.box.left * scale:.2f} {base:.2f} Tm <{shown}> Tj")
    return parts


def _font(pdf: Pdf) -> Object:
    """Composite font whose every code maps to the one empty glyph."""
    program = pdf.make_stream(glyphless.font_file())
    program.Length1 = len(glyphless.font_file())
    descriptor = pdf.make_indirect(
        Dictionary(
            Type=Name.FontDescriptor, FontName=Name("/SohoaBlank"), Flags=4, FontBBox=[0, -200, 500, 800],
            ItalicAngle=0, Ascent=800, Descent=-200, CapHeight=800, StemV=80, FontFile2=program,
        )
    )  # fmt: skip
    descendant = pdf.make_indirect(
        Dictionary(
            Type=Name.Font, Subtype=Name.CIDFontType2, BaseFont=Name("/SohoaBlank"),
            CIDSystemInfo=Dictionary(Registry=String("Adobe"), Ordering=String("Identity"), Supplement=0),
            FontDescriptor=descriptor, DW=glyphless.ADVANCE, CIDToGIDMap=pdf.make_stream(b"\0\1" * 65536),
        )
    )  # fmt: skip
    return pdf.make_indirect(
        Dictionary(
            Type=Name.Font, Subtype=Name.Type0, BaseFont=Name("/SohoaBlank"), Encoding=Name("/Identity-H"),
            DescendantFonts=[descendant], ToUnicode=pdf.make_stream(glyphless.to_unicode()),
        )
    )  # fmt: skip


def _tree(pdf: Pdf, leaves: list[Object]) -> Object:
    """A balanced tree of at most 20 kids a node: viewers walk a flat one through the whole file."""
    level: list[tuple[Object, int]] = [(leaf, 1) for leaf in leaves]
    while True:
        above: list[tuple[Object, int]] = []
        for start in range(0, len(level), KIDS):
            part = level[start : start + KIDS]
            count = sum(leaves_below for _, leaves_below in part)
            node = pdf.make_indirect(Dictionary(Type=Name.Pages, Kids=[kid for kid, _ in part], Count=count))
            for kid, _ in part:
                kid.Parent = node
            above.append((node, count))
        if len(above) == 1:
            return above[0][0]
        level = above


@cache
def srgb_profile() -> bytes:
    """An sRGB ICC profile, its creation date set to a fixed one so that the bytes repeat."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[24:36] = bytes([7, 208, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0])
    return bytes(profile)


def _output_intent(pdf: Pdf) -> None:
    profile = pdf.make_stream(srgb_profile())
    profile.N = 3
    pdf.Root.OutputIntents = Array(
        [
            pdf.make_indirect(
                Dictionary(
                    Type=Name.OutputIntent, S=Name("/GTS_PDFA1"), OutputConditionIdentifier=String("sRGB"),
                    Info=String("sRGB IEC61966-2.1"), DestOutputProfile=profile,
                )
            )
        ]
    )  # fmt: skip


def _metadata(pdf: Pdf, *, title: str, agency: str, identifier: str, created: datetime) -> None:
    title, agency, identifier = (_UNPRINTED.sub(" ", text) for text in (title, agency, identifier))
    moment = created.astimezone(UTC).replace(microsecond=0)
    stamp = moment.strftime("%Y-%m-%dT%H:%M:%S+00:00")
    info = moment.strftime("D:%Y%m%d%H%M%S+00'00'")
    pdf.docinfo[Name.Title] = String(title)
    pdf.docinfo[Name.Author] = String(agency)
    pdf.docinfo[Name.Producer] = String(PRODUCER)
    pdf.docinfo[Name.CreationDate] = String(info)
    pdf.docinfo[Name.ModDate] = String(info)
    packet = f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:pdf="http://ns.adobe.com/pdf/1.3/" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/">
<pdfaid:part>2</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance>
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{escape(title)}</rdf:li></rdf:Alt></dc:title>
<dc:creator><rdf:Seq><rdf:li>{escape(agency)}</rdf:li></rdf:Seq></dc:creator>
<dc:identifier>{escape(identifier)}</dc:identifier>
<xmp:CreateDate>{stamp}</xmp:CreateDate><xmp:ModifyDate>{stamp}</xmp:ModifyDate>
<pdf:Producer>{PRODUCER}</pdf:Producer>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>"""
    stream = pdf.make_stream(packet.encode())
    stream.Type, stream.Subtype = Name.Metadata, Name.XML
    pdf.Root.Metadata = stream
