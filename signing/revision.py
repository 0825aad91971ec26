"""Incremental revisions of a PDF: a signature, validation evidence, a document time-stamp. Nothing before is touched.

Each function takes the bytes of a whole PDF and returns the bytes of a longer one (ISO 32000-1, 7.5.6; ETSI EN
319 142-1). The room for a CMS object is reserved before it is known: as much as the last one of its kind took and
a little more, since each byte of it costs two in every file. An object that does not fit is made again with more.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from asn1crypto import cms, crl, ocsp, x509
from pyhanko.pdf_utils.generic import DictionaryObject, IndirectObject, StreamObject, pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.signers.cms_embedder import PdfCMSEmbedder, SigIOSetup, SigObjSetup
from pyhanko.sign.signers.pdf_byterange import DocumentTimestamp, PdfSignedData, SignatureObject
from pyhanko.sign.timestamps import TimeStamper
from pyhanko.sign.validation.dss import DocumentSecurityStore

from signing.appearance import Appearance, add_appearance
from signing.cms import DIGEST, SourceSigner, sign, token
from signing.evidence import Evidence
from signing.lettering import FontProgram, add_font

FIRST_ROOM = 8192
LARGE_ROOM = 60_000
SPARE = 96
"""Bytes by which two objects of one kind may differ: ECDSA signatures, serial numbers, fractions of seconds."""
Rectangle = tuple[float, float, float, float]
MakeCms = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a visible signature shows, and where on page 1 (points, origin at the lower left)."""

    shape: Appearance
    font: FontProgram
    place: Rectangle


class Rooms:
    """How large the last CMS object of each kind was, by signer and authority."""

    def __init__(self) -> None:
        self._known: dict[Hashable, int] = {}

    def of(self, kind: Hashable) -> int:
        """Bytes to reserve."""
        return self._known.get(kind, FIRST_ROOM - SPARE) + SPARE

    def learn(self, kind: Hashable, size: int) -> None:
        """Take down how large one was; sizes that shrink are believed at once, as growing ones are."""
        self._known[kind] = size


@dataclass(slots=True)
class SharedFont:
    """The font that an earlier signature of the same run has put into the file."""

    program: FontProgram | None = None
    place: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """A signature or time-stamp that a file carries already; `place` when it shows on page 1."""

    field: str
    message: cms.ContentInfo
    is_stamp: bool
    place: Rectangle | None


def present(content: bytes) -> list[Present]:
    """All signatures and document time-stamps of a file, oldest first."""
    reader = PdfFileReader(io.BytesIO(content), strict=False)
    found = []
    for one in reader.embedded_signatures:
        box = [float(edge) for edge in one.sig_field["/Rect"]] if "/Rect" in one.sig_field else []
        page = one.sig_field.raw_get("/P") if "/P" in one.sig_field else None
        first = page is None or page.reference == reader.root["/Pages"]["/Kids"].raw_get(0).reference
        seen = len(box) == 4 and box[0] != box[2] and first
        found.append(
            Present(
                field=one.field_name,
                message=cms.ContentInfo.load(one.pkcs7_content),
                is_stamp="/Type" in one.sig_object and one.sig_object["/Type"] == "/DocTimeStamp",
                place=(box[0], box[1], box[2], box[3]) if seen else None,
            )
        )
    return found


def add_signature(
    content: bytes,
    *,
    field: str,
    look: Look | None,
    signer: SourceSigner,
    timestamper: TimeStamper | None,
    now: dt.datetime,
    rooms: Rooms,
    font: SharedFont,
) -> tuple[bytes, bytes]:
    """One PAdES signature, invisible without a look; returns the longer file and the CMS object."""
    return _embed(
        content,
        SigFieldSpec(field, box=_whole(look.place) if look else (0, 0, 0, 0)),
        lambda room: SignatureObject(timestamp=now, subfilter=SigSeedSubFilter.PADES, bytes_reserved=room),
        lambda digest: sign(signer, digest, timestamper=timestamper, pdf=True),
        (rooms, (signer.certificate, id(timestamper))),
        (look, font) if look else None,
    )


def add_document_timestamp(content: bytes, *, field: str, timestamper: TimeStamper, rooms: Rooms) -> bytes:
    """A time-stamp over the whole file (B-LTA), in a field of its own: a number follows when there was one."""
    taken = _field_names(content)
    number = 1
    while (name := field if number == 1 else f"{field}-{number}") in taken:
        number += 1
    return _embed(
        content,
        SigFieldSpec(name, box=(0, 0, 0, 0)),
        lambda room: DocumentTimestamp(bytes_reserved=room),
        lambda digest: bytes(token(timestamper, digest).dump()),
        (rooms, id(timestamper)),
        None,
    )[0]


def _field_names(content: bytes) -> set[str]:
    """Names of the form's fields; what they hold is left unread, for pyHanko reads a CMS object sign by sign."""
    root = PdfFileReader(io.BytesIO(content), strict=False).root
    fields = root["/AcroForm"].get("/Fields", ()) if "/AcroForm" in root else ()
    return {str(fields[number].get("/T")) for number in range(len(fields))}


def add_evidence(content: bytes, proofs: Sequence[Evidence], messages: Iterable[bytes]) -> bytes:
    """The document security store with all that a later verifier needs offline (B-LT).

    `messages` are the CMS objects of the file's signatures and time-stamps, DER: a certificate is not written again
    (EN 319 142-1, 5.4.2) when it stands in each of those that it is needed for.
    """
    writer = IncrementalPdfFileWriter(io.BytesIO(content))
    carried = [held for message in messages for held in _carried(message)]
    lacking = _once(_lacking(proof, carried) for proof in proofs)
    DocumentSecurityStore.supply_dss_in_writer(
        writer,
        None,
        certs=[x509.Certificate.load(der) for der in lacking],
        crls=[crl.CertificateList.load(der) for der in _once(p.crls for p in proofs)],
        ocsps=[ocsp.OCSPResponse.load(der) for der in _once(p.ocsps for p in proofs)],
    )
    for item in writer.objects.values():
        if isinstance(item, StreamObject) and "/Filter" not in item:
            item.compress()
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def _carried(message: bytes) -> Iterator[frozenset[bytes]]:
    """DER of the certificates inside a CMS object, and inside each of its time-stamps."""
    for data in [cms.ContentInfo.load(message)["content"], *stamp_tokens(message)]:
        yield frozenset(item.chosen.dump() for item in data["certificates"])


def _lacking(proof: Evidence, carried: Iterable[frozenset[bytes]]) -> list[bytes]:
    """The certificates of a path that not each object with its signer holds: a verifier may look into that one only."""
    signer = proof.certificates[-1]
    holders = [held for held in carried if signer in held]
    return [der for der in proof.certificates if not holders or any(der not in held for held in holders)]


def stamp_tokens(message: bytes) -> list[cms.SignedData]:
    """The signature time-stamps inside a CMS object."""
    info = cms.ContentInfo.load(message)["content"]["signer_infos"][0]
    return [
        value["content"]
        for attribute in info["unsigned_attrs"] or ()
        if attribute["type"].native == "signature_time_stamp_token"
        for value in attribute["values"]
    ]


def _embed(
    content: bytes,
    spec: SigFieldSpec,
    placeholder: Callable[[int], PdfSignedData],
    make: MakeCms,
    kind: tuple[Rooms, Hashable],
    look: tuple[Look, SharedFont] | None,
) -> tuple[bytes, bytes]:
    """Write a revision with room for a CMS object, sign its digest, put the object in."""
    rooms, key = kind
    for room in (rooms.of(key), LARGE_ROOM):
        writer = IncrementalPdfFileWriter(io.BytesIO(content))
        steps = PdfCMSEmbedder(new_field_spec=spec).write_cms(spec.sig_field_name, writer)
        field: IndirectObject = next(steps)
        placed = _show(writer, field, *look) if look is not None else (0, 0)
        steps.send(SigObjSetup(sig_placeholder=placeholder(2 * room)))
        prepared, output = steps.send(SigIOSetup(md_algorithm=DIGEST, output=io.BytesIO()))
        message = make(prepared.document_digest)
        rooms.learn(key, len(message))
        if len(message) <= room:
            steps.send(message)
            if look is not None:
                look[1].program, look[1].place = look[0].font, placed
            return output.getvalue(), message
    raise ValueError(f"a CMS object of {len(message)} bytes does not fit into a signature")


def _show(
    writer: IncrementalPdfFileWriter, field: IndirectObject, look: Look, font: SharedFont
) -> tuple[int, int]:
    """Give the field its appearance; returns where the font is."""
    if font.program is look.font:
        resource = IndirectObject(*font.place, writer)
    else:
        resource = add_font(writer, look.font)
    widget = field.get_object()
    form = add_appearance(writer, look.shape, look.font, resource)
    widget[pdf_name("/AP")] = DictionaryObject({pdf_name("/N"): form})
    writer.update_container(widget)
    return resource.idnum, resource.generation


def _whole(place: Rectangle) -> tuple[int, int, int, int]:
    left, bottom, right, top = (round(edge) for edge in place)
    return left, bottom, right, top


def _once(groups: Iterable[Iterable[bytes]]) -> list[bytes]:
    return list(dict.fromkeys(der for group in groups for der in group))
