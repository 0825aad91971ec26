"""What every PDF/A-2b of ours has around its pages: page tree, output intent, metadata, ids that come from content."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime
from functools import cache
from xml.sax.saxutils import escape

import pikepdf
from pikepdf import Array, Dictionary, Name, Object, Pdf, String
from PIL import ImageCms

KIDS = 20
PRODUCER = "sohoa"
UNPRINTED = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""What OCR may give and neither XML 1.0 nor a text string of PDF can hold."""


def finish(pdf: Pdf, leaves: list[Object], *, seed: bytes) -> bytes:
    """Put the pages into their tree and write the file; `seed` (16 bytes) becomes its id."""
    pdf.Root.Pages = _tree(pdf, leaves)
    pdf.Root.Lang = String("vi-VN")
    pdf.Root.ViewerPreferences = Dictionary(DisplayDocTitle=True)
    _output_intent(pdf)
    pdf.trailer.ID = Array([String(seed), String(seed)])
    buffer = io.BytesIO()
    pdf.save(
        buffer,
        force_version="1.7",
        object_stream_mode=pikepdf.ObjectStreamMode.generate,
        deterministic_id=False,
        static_id=False,
        fix_metadata_version=False,
    )
    return _with_id(buffer.getvalue(), seed)


def _with_id(content: bytes, seed: bytes) -> bytes:
    """Qpdf draws a second id by clock; both ids have one length, so the content-derived one is put in place."""
    at = content.rfind(b"/ID [")
    if at < 0:
        return content
    end = content.index(b"]", at)
    fixed = b"/ID [<" + seed.hex().encode() + b"><" + seed.hex().encode() + b">"
    return content[:at] + fixed + content[end:]


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


def describe(
    pdf: Pdf, *, title: str, agency: str, identifier: str, created: datetime, source: str | None = None
) -> None:
    """Metadata for people and for archives; `source` is what a copy was derived from (dc:source)."""
    title, agency, identifier = (UNPRINTED.sub(" ", text) for text in (title, agency, identifier))
    moment = created.astimezone(UTC).replace(microsecond=0)
    stamp = moment.strftime("%Y-%m-%dT%H:%M:%S+00:00")
    info = moment.strftime("D:%Y%m%d%H%M%S+00'00'")
    pdf.docinfo[Name.Title] = String(title)
    pdf.docinfo[Name.Author] = String(agency)
    pdf.docinfo[Name.Producer] = String(PRODUCER)
    pdf.docinfo[Name.CreationDate] = String(info)
    pdf.docinfo[Name.ModDate] = String(info)
    derived = f"\n<dc:source>{escape(source)}</dc:source>" if source else ""
    packet = f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:pdf="http://ns.adobe.com/pdf/1.3/" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/">
<pdfaid:part>2</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance>
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{escape(title)}</rdf:li></rdf:Alt></dc:title>
<dc:creator><rdf:Seq><rdf:li>{escape(agency)}</rdf:li></rdf:Seq></dc:creator>
<dc:identifier>{escape(identifier)}</dc:identifier>{derived}
<xmp:CreateDate>{stamp}</xmp:CreateDate><xmp:ModifyDate>{stamp}</xmp:ModifyDate>
<pdf:Producer>{PRODUCER}</pdf:Producer>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>"""
    stream = pdf.make_stream(packet.encode())
    stream.Type, stream.Subtype = Name.Metadata, Name.XML
    pdf.Root.Metadata = stream
