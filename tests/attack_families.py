"""Signed PDFs made for judging: a form signed or certified by pyHanko at every level of permission, then changed.

Small files of vector text, so that what an update hides, replaces or adds is plain. Families after the public papers on
attacks against signed PDFs: forgery, saving on, wrapping (2019), shadow (2020), certification (2021).
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from typing import Any

import pikepdf
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers
from pyhanko.sign.fields import MDPPerm
from pyhanko.sign.signers.pdf_signer import PdfSignatureMetadata, PdfTimeStamper
from pyhanko.sign.timestamps import TimeStamper

Change = Callable[[IncrementalPdfFileWriter], None]
WORDS = "Pay 100 to Nguyen Van An"
BOX = (60, 700, 260, 720)
"""Where the form's text field stands, above nothing; `WORDS` stand at 60, 600."""


def form(*, streams: bool = False, hidden: bool = False, value: str = "") -> bytes:
    """One page with words, a text field and a signature field; `hidden`: other words lie ready under another number."""
    pdf = pikepdf.new()
    font = pdf.make_indirect(
        pikepdf.Dictionary(
            Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica
        )
    )
    page = pdf.add_blank_page(page_size=(595, 842))
    page.obj.Resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(F1=font))
    page.obj.Contents = pdf.make_stream(f"BT /F1 20 Tf 60 600 Td ({WORDS}) Tj ET".encode())
    look = pdf.make_stream(
        f"/Tx BMC q BT /F1 12 Tf 2 5 Td ({value}) Tj ET Q EMC".encode(),
        Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.Form, BBox=pikepdf.Array([0, 0, 200, 20]),
        Resources=pikepdf.Dictionary(Font=pikepdf.Dictionary(F1=font)),
    )  # fmt: skip
    text = pikepdf.Dictionary(
        Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.Widget, FT=pikepdf.Name.Tx, T=pikepdf.String("ten"), F=4,
        Rect=pikepdf.Array(list(BOX)), P=page.obj, DA=pikepdf.String("/F1 12 Tf 0 g"), AP=pikepdf.Dictionary(N=look),
    )  # fmt: skip
    if value:
        text.V = pikepdf.String(value)
    field = pdf.make_indirect(text)
    page.obj.Annots = pdf.make_indirect(pikepdf.Array([field]))
    pdf.Root.AcroForm = pdf.make_indirect(
        pikepdf.Dictionary(
            Fields=pikepdf.Array([field]), SigFlags=3, DA=pikepdf.String("/F1 12 Tf 0 g"),
            DR=pikepdf.Dictionary(Font=pikepdf.Dictionary(F1=font)),
        )
    )  # fmt: skip
    if hidden:
        pdf.Root.Spare = pdf.make_indirect(
            pdf.make_stream(b"BT /F1 20 Tf 60 600 Td (Pay 999 to Ke Khac) Tj ET")
        )
    out = io.BytesIO()
    mode = pikepdf.ObjectStreamMode.generate if streams else pikepdf.ObjectStreamMode.disable
    pdf.save(out, object_stream_mode=mode, compress_streams=False, static_id=True)
    return out.getvalue()


class _Careless(signers.PdfSigner):
    """Signs also where a certificate of the file forbids it, as other programs do."""

    def _enforce_certification_constraints(self, reader: Any) -> None:
        return


def sign(
    content: bytes,
    signer: signers.Signer,
    *,
    name: str = "Sig1",
    certify: MDPPerm | None = None,
    box: tuple[int, int, int, int] | None = None,
    before: Change | None = None,
    stamp: Any = None,
    **more: Any,
) -> bytes:
    """One signature; `certify` says what may be changed afterwards, `before` changes something in its own revision."""
    writer = IncrementalPdfFileWriter(io.BytesIO(content), strict=False)
    if before is not None:
        before(writer)
    meta: dict[str, Any] = {
        "field_name": name,
        "md_algorithm": "sha256",
        "subfilter": fields.SigSeedSubFilter.PADES,
    }
    if certify is not None:
        meta |= {"certify": True, "docmdp_permissions": certify}
    work = _Careless(
        PdfSignatureMetadata(**{**meta, **more}),
        signer,
        new_field_spec=fields.SigFieldSpec(name, on_page=0, box=box),
        stamp_style=stamp,
    )
    return bytes(work.sign_pdf(writer, output=io.BytesIO()).getvalue())


def time_stamped(content: bytes, authority: TimeStamper) -> bytes:
    """A document time-stamp after it."""
    out = io.BytesIO()
    PdfTimeStamper(authority).timestamp_pdf(
        IncrementalPdfFileWriter(io.BytesIO(content), strict=False), "sha256", output=out
    )
    return out.getvalue()


def updated(content: bytes, change: Change) -> bytes:
    """One more revision."""
    writer = IncrementalPdfFileWriter(io.BytesIO(content), strict=False)
    change(writer)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def number(*values: float) -> generic.ArrayObject:
    return generic.ArrayObject([generic.FloatObject(value) for value in values])


def entries(**values: Any) -> generic.DictionaryObject:
    return generic.DictionaryObject({pdf_name(f"/{key}"): value for key, value in values.items()})


def look(writer: IncrementalPdfFileWriter, paint: bytes, box: Sequence[float]) -> generic.IndirectObject:
    """An appearance that paints so within its own box."""
    page = writer.root["/Pages"]["/Kids"][0].get_object()
    found = generic.StreamObject(
        entries(
            Type=pdf_name("/XObject"), Subtype=pdf_name("/Form"), BBox=number(*box), Resources=page["/Resources"]
        ),
        stream_data=paint,
    )  # fmt: skip
    return writer.add_object(found)


def _page(writer: IncrementalPdfFileWriter) -> Any:
    return writer.root["/Pages"]["/Kids"][0].get_object()


def _field(writer: IncrementalPdfFileWriter) -> Any:
    return next(
        one.get_object()
        for one in writer.root["/AcroForm"]["/Fields"]
        if one.get_object().get("/FT") == "/Tx"
    )


def fill(
    value: str, *, shown: str | None = None, box: Sequence[float] = (0, 0, 200, 20), paint: bytes = b""
) -> Change:
    """The text field gets a value; `shown`, `box`, `paint`: what its new look says, how far it reaches, what it adds."""

    def change(writer: IncrementalPdfFileWriter) -> None:
        field = _field(writer)
        text = f"/Tx BMC q BT /F1 12 Tf 2 5 Td ({value if shown is None else shown}) Tj ET Q EMC".encode()
        field[pdf_name("/V")] = generic.TextStringObject(value)
        field[pdf_name("/AP")] = entries(N=look(writer, paint + b"\n" + text, box))
        writer.update_container(field)

    return change


def look_only(shown: str) -> Change:
    """The value stays, what is shown of it does not: a shadow attack by form."""

    def change(writer: IncrementalPdfFileWriter) -> None:
        field = _field(writer)
        text = f"/Tx BMC q BT /F1 12 Tf 2 5 Td ({shown}) Tj ET Q EMC".encode()
        field[pdf_name("/AP")] = entries(N=look(writer, text, (0, 0, 200, 20)))
        writer.update_container(field)

    return change


def annotate(
    kind: str, *, box: Sequence[float] = (60, 595, 300, 620), paint: bytes | None = None, **more: Any
) -> Change:
    """An annotation over the words, or elsewhere by `box`."""

    def change(writer: IncrementalPdfFileWriter) -> None:
        one = entries(
            Type=pdf_name("/Annot"), Subtype=pdf_name(f"/{kind}"), Rect=number(*box), F=generic.NumberObject(4),
            Contents=generic.TextStringObject("Pay 999"), **more,
        )  # fmt: skip
        if paint is not None:
            width, height = box[2] - box[0], box[3] - box[1]
            one[pdf_name("/AP")] = entries(N=look(writer, paint, (0, 0, width, height)))
        page = _page(writer)
        listed = page.raw_get("/Annots")
        added = generic.ArrayObject([*listed.get_object(), writer.add_object(one)])
        if isinstance(listed, generic.IndirectObject):
            old = listed.get_object()
            old.append(added[-1])
            writer.update_container(old)
        else:
            page[pdf_name("/Annots")] = added
            writer.update_container(page)

    return change


def repaint(data: bytes, *, append: bool = False) -> Change:
    """The page's words exchanged, or painted over."""

    def change(writer: IncrementalPdfFileWriter) -> None:
        page = _page(writer)
        more = writer.add_object(generic.StreamObject(stream_data=data))
        page[pdf_name("/Contents")] = (
            generic.ArrayObject([page.raw_get("/Contents"), more]) if append else more
        )
        writer.update_container(page)

    return change


def same_number(data: bytes) -> Change:
    """The words' own object written anew under its number."""

    def change(writer: IncrementalPdfFileWriter) -> None:
        stream = _page(writer)["/Contents"]
        stream._data, stream._encoded_data = data, None
        writer.update_container(stream)

    return change


def font_swapped(writer: IncrementalPdfFileWriter) -> None:
    """Shadow attack "replace": the same codes, other glyphs."""
    font = _page(writer)["/Resources"]["/Font"]["/F1"]
    font[pdf_name("/Encoding")] = entries(
        Type=pdf_name("/Encoding"),
        Differences=generic.ArrayObject([generic.NumberObject(49), pdf_name("/nine"), pdf_name("/nine")]),
    )
    writer.update_container(font)


def page_added(writer: IncrementalPdfFileWriter) -> None:
    pages = writer.root["/Pages"]
    new = entries(
        Type=pdf_name("/Page"), Parent=writer.root.raw_get("/Pages"), MediaBox=number(0, 0, 595, 842)
    )
    pages["/Kids"].append(writer.add_object(new))
    pages[pdf_name("/Count")] = generic.NumberObject(2)
    writer.update_container(pages)
    writer.update_container(pages["/Kids"])


def turned(writer: IncrementalPdfFileWriter) -> None:
    page = _page(writer)
    page[pdf_name("/Rotate")] = generic.NumberObject(180)
    writer.update_container(page)


def cropped(writer: IncrementalPdfFileWriter) -> None:
    page = _page(writer)
    page[pdf_name("/CropBox")] = number(0, 0, 595, 590)
    writer.update_container(page)


def layered(writer: IncrementalPdfFileWriter) -> None:
    """Optional content: layers may switch words off."""
    layer = writer.add_object(entries(Type=pdf_name("/OCG"), Name=generic.TextStringObject("x")))
    writer.root[pdf_name("/OCProperties")] = entries(
        OCGs=generic.ArrayObject([layer]), D=entries(OFF=generic.ArrayObject([layer]))
    )
    writer.update_root()


def described(writer: IncrementalPdfFileWriter) -> None:
    """Metadata only."""
    stream = generic.StreamObject(
        entries(Type=pdf_name("/Metadata"), Subtype=pdf_name("/XML")), stream_data=b"<?xpacket?><x/>"
    )
    writer.root[pdf_name("/Metadata")] = writer.add_object(stream)
    writer.update_root()


def widget_moved(writer: IncrementalPdfFileWriter) -> None:
    field = _field(writer)
    field[pdf_name("/Rect")] = number(60, 590, 400, 630)
    writer.update_container(field)


def widget_hidden(writer: IncrementalPdfFileWriter) -> None:
    field = _field(writer)
    field[pdf_name("/F")] = generic.NumberObject(2)
    writer.update_container(field)


def need_appearances(writer: IncrementalPdfFileWriter) -> None:
    """Readers draw the fields anew, from values that may say other things than their look."""
    own = writer.root["/AcroForm"]
    own[pdf_name("/NeedAppearances")] = generic.BooleanObject(True)
    writer.update_container(own)


def default_look(writer: IncrementalPdfFileWriter) -> None:
    own = writer.root["/AcroForm"]
    own[pdf_name("/DA")] = generic.TextStringObject("/F1 40 Tf 1 1 1 rg")
    writer.update_container(own)


def xref_only(content: bytes, hidden_as: bytes = b"/Spare") -> bytes:
    """Hide and replace: a table and nothing else, by which the words' number leads to what lay ready."""
    with pikepdf.open(io.BytesIO(content)) as pdf:
        words, spare, root = pdf.pages[0].Contents.objgen[0], pdf.Root.Spare.objgen[0], pdf.Root.objgen[0]
        size = int(pdf.trailer.Size)
    at = [m.start() for m in re.finditer(rb"(?m)^%d 0 obj" % spare, content)][-1]
    # The object itself names its number, and readers differ over whether they look: so one with the words' number.
    body = content[at : content.index(b"endobj", at) + 6]
    again = re.sub(rb"^\d+ 0 obj", b"%d 0 obj" % words, body)
    last = int(content.rsplit(b"startxref", 1)[1].split()[0])
    table = len(content) + len(again) + 1
    tail = b"xref\n%d 1\n%010d 00000 n \ntrailer\n<< /Size %d /Root %d 0 R /Prev %d >>\nstartxref\n%d\n%%%%EOF\n" % (
        words, len(content), size, root, last, table,
    )  # fmt: skip
    return content + again + b"\n" + tail


def hidden_in_signed(content: bytes) -> bytes:
    """The same, but the exchanged object lies in what was signed already, and only the table is new."""
    with pikepdf.open(io.BytesIO(content)) as pdf:
        words, spare, root = pdf.pages[0].Contents.objgen[0], pdf.Root.Spare.objgen[0], pdf.Root.objgen[0]
        size = int(pdf.trailer.Size)
    at = [m.start() for m in re.finditer(rb"(?m)^%d 0 obj" % spare, content)][-1]
    last = int(content.rsplit(b"startxref", 1)[1].split()[0])
    return content + (
        b"xref\n%d 1\n%010d 00000 n \ntrailer\n<< /Size %d /Root %d 0 R /Prev %d >>\nstartxref\n%d\n%%%%EOF\n"
        % (words, at, size, root, last, len(content))
    )


def byte_range(content: bytes, *numbers: int) -> bytes:
    """The first signature's range written over with others, in the same room."""
    match = re.search(rb"/ByteRange \[[^\]]*\]", content)
    assert match is not None
    new = b"/ByteRange [" + b" ".join(b"%d" % n for n in numbers) + b"]"
    room = len(match[0])
    assert len(new) <= room, "no room"
    return content[: match.start()] + new.ljust(room) + content[match.end() :]


def edges(content: bytes) -> tuple[int, int, int, int]:
    match = re.search(rb"/ByteRange \[\s*(\d+) (\d+) (\d+) (\d+)", content)
    assert match is not None
    first, size, second, rest = (int(n) for n in match.groups())
    return first, size, second, rest


def wrapped(content: bytes, *, gap: bytes) -> bytes:
    """Signature wrapping: the signed tail moved on, something else in between, and the range says so."""
    first, size, second, rest = edges(content)
    moved = content[:second] + gap + content[second:]
    return byte_range(moved, first, size, second + len(gap), rest)
