"""Incremental revisions of a PDF: a signature, validation evidence, a document time-stamp. Nothing before is touched.

Each function takes the bytes of a whole PDF and returns the bytes of a longer one (ISO 32000-1, 7.5.6; ETSI EN
319 142-1). The room for a CMS object is reserved before it is known, so an object that does not fit is made again
with more room.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from asn1crypto import cms, crl, ocsp, x509
from pyhanko.pdf_utils.generic import DictionaryObject, IndirectObject, pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.signers.cms_embedder import PdfCMSEmbedder, SigIOSetup, SigObjSetup
from pyhanko.sign.signers.pdf_byterange import DocumentTimestamp, PdfSignedData, SignatureObject
from pyhanko.sign.timestamps import TimeStamper
from pyhanko.sign.validation.dss import DocumentSecurityStore

from signing.appearance import Appearance, add_appearance
from signing.cms import DIGEST, SourceSigner, sign, token
from signing.evidence import Evidence
from signing.lettering import FontProgram, add_font

SMALL_ROOM = 6144
LARGE_ROOM = 60_000
Rectangle = tuple[float, float, float, float]
MakeCms = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a visible signature shows, and where on page 1 (points, origin at the lower left)."""

    shape: Appearance
    font: FontProgram
    place: Rectangle


def add_signature(
    content: bytes,
    *,
    field: str,
    look: Look,
    signer: SourceSigner,
    timestamper: TimeStamper | None,
    now: dt.datetime,
) -> tuple[bytes, bytes]:
    """One visible PAdES signature; returns the longer file and the CMS object."""
    spec = SigFieldSpec(field, box=_whole(look.place))
    return _embed(
        content,
        spec,
        lambda room: SignatureObject(timestamp=now, subfilter=SigSeedSubFilter.PADES, bytes_reserved=room),
        lambda digest: sign(signer, digest, timestamper=timestamper, pdf=True),
        look,
    )


def add_document_timestamp(content: bytes, *, field: str, timestamper: TimeStamper) -> bytes:
    """A time-stamp over the whole file (B-LTA)."""
    return _embed(
        content,
        SigFieldSpec(field, box=(0, 0, 0, 0)),
        lambda room: DocumentTimestamp(bytes_reserved=room),
        lambda digest: bytes(token(timestamper, digest).dump()),
        None,
    )[0]


def add_evidence(content: bytes, proofs: Sequence[Evidence]) -> bytes:
    """The document security store with all that a later verifier needs offline (B-LT)."""
    stream = io.BytesIO(content)
    DocumentSecurityStore.add_dss(
        stream,
        None,
        certs=[x509.Certificate.load(der) for der in _once(p.certificates for p in proofs)],
        crls=[crl.CertificateList.load(der) for der in _once(p.crls for p in proofs)],
        ocsps=[ocsp.OCSPResponse.load(der) for der in _once(p.ocsps for p in proofs)],
        force_write=True,
    )
    return stream.getvalue()


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
    look: Look | None,
) -> tuple[bytes, bytes]:
    """Write a revision with room for a CMS object, sign its digest, put the object in."""
    for room in (SMALL_ROOM, LARGE_ROOM):
        writer = IncrementalPdfFileWriter(io.BytesIO(content))
        steps = PdfCMSEmbedder(new_field_spec=spec).write_cms(spec.sig_field_name, writer)
        field: IndirectObject = next(steps)
        if look is not None:
            _show(writer, field, look)
        steps.send(SigObjSetup(sig_placeholder=placeholder(2 * room)))
        prepared, output = steps.send(SigIOSetup(md_algorithm=DIGEST, output=io.BytesIO()))
        message = make(prepared.document_digest)
        if len(message) <= room - 16:
            steps.send(message)
            return output.getvalue(), message
    raise ValueError(f"a CMS object of {len(message)} bytes does not fit into a signature")


def _show(writer: IncrementalPdfFileWriter, field: IndirectObject, look: Look) -> None:
    widget = field.get_object()
    form = add_appearance(writer, look.shape, look.font, add_font(writer, look.font))
    widget[pdf_name("/AP")] = DictionaryObject({pdf_name("/N"): form})
    writer.update_container(widget)


def _whole(place: Rectangle) -> tuple[int, int, int, int]:
    left, bottom, right, top = (round(edge) for edge in place)
    return left, bottom, right, top


def _once(groups: Iterable[Iterable[bytes]]) -> list[bytes]:
    return list(dict.fromkeys(der for group in groups for der in group))
