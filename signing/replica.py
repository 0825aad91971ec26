"""A stand-in for a file that was read: a small PDF with its signatures and evidence, state by state, and no page.

AdES validation reads nothing else of a file. What a signature is over is told by the digest that was computed when the
file was read; the stand-in's own bytes prove nothing and are never asked.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from asn1crypto import parser
from pyhanko.pdf_utils.decode_limits import DecodePurpose
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.errors import NoDSSFoundError, SignatureValidationError
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.status import SignatureCoverageLevel

from signing.reading import Embedded, Evidence
from signing.signature_fields import UNREADABLE

COVERAGE = {
    "entire_file": SignatureCoverageLevel.ENTIRE_FILE,
    "entire_revision": SignatureCoverageLevel.ENTIRE_REVISION,
    "block_from_start": SignatureCoverageLevel.CONTIGUOUS_BLOCK_FROM_START,
}


def take(
    reader: PdfFileReader, embedded: Sequence[EmbeddedPdfSignature], covers: Sequence[str]
) -> tuple[tuple[Embedded, ...], Evidence | None, str | None]:
    """What AdES validation needs of a file, and why it is not possible, if so."""
    found: list[Embedded] = []
    refused: str | None = None
    try:
        reader.embedded_signatures  # noqa: B018 (raises where one cannot be read: then no validation is)
        states = sorted({one.signed_revision for one in embedded})
        for one, covered in zip(embedded, covers, strict=True):
            held = _holds_time(one)
            history = reader.get_historical_resolver(one.signed_revision) if held else None
            found.append(
                Embedded(
                    cms=_trimmed(one.pkcs7_content),
                    kind=str(one.sig_object.get("/SubFilter", "")),
                    stamp=str(one.sig_object.get("/Type", "/Sig")) == "/DocTimeStamp",
                    state=states.index(one.signed_revision),
                    covers=covered,
                    digest=bytes(one.compute_digest()),
                    evidence=_evidence(history) if history is not None else None,
                )
            )
        return tuple(found), _evidence(reader), None
    except UNREADABLE as error:
        refused = f"{type(error).__name__}: {error}"[:160]
    return (), None, refused


def _holds_time(one: EmbeddedPdfSignature) -> bool:
    """Whether it holds a time-stamp over the document: then the evidence in its state is proven to be that old."""
    names = {attribute["type"].native for attribute in one.signer_info["signed_attrs"] or ()}
    return str(one.sig_object.get("/Type", "/Sig")) == "/DocTimeStamp" or "content_time_stamp" in names


def _trimmed(room: bytes) -> bytes:
    _, _, _, header, content, trailer = parser.parse(room)
    return room[: len(header) + len(content) + len(trailer)]


def _evidence(handler: Any) -> Evidence | None:
    try:
        store = DocumentSecurityStore.read_dss(handler)
    except NoDSSFoundError:
        return None

    def data(references: Any, purpose: DecodePurpose) -> tuple[bytes, ...]:
        return tuple(bytes(one.get_object().read_data(purpose)) for one in references)

    return Evidence(
        certs=data(store.certs.values(), DecodePurpose.CERTIFICATE),
        ocsps=data(store.ocsps, DecodePurpose.OCSP_RESPONSE),
        crls=data(store.crls, DecodePurpose.CRL),
    )


class Replica(EmbeddedPdfSignature):
    """A signature of the stand-in, with what was found of it in the file."""

    def __init__(self, reader: PdfFileReader, field: Any, name: str, known: Embedded) -> None:
        super().__init__(reader, field, name)
        self._known = known

    def compute_integrity_info(self, diff_policy: Any = None, skip_diff: bool = False) -> None:
        """Done when the file was read; what was changed after a signature is not AdES's to judge."""

    def summarise_integrity_info(self) -> dict[str, Any]:
        return {"coverage": self.evaluate_signature_coverage(), "docmdp_ok": None, "diff_result": None}

    def evaluate_signature_coverage(self) -> SignatureCoverageLevel:
        return COVERAGE.get(self._known.covers, SignatureCoverageLevel.UNCLEAR)

    def compute_digest(self, hash_algo: str | None = None) -> bytes:
        if hash_algo not in (None, self.external_md_algorithm):
            raise SignatureValidationError("another digest than the one that was computed")
        return self._known.digest


class _Reader(PdfFileReader):
    """A reader that gives out the replicas."""

    replicas: Sequence[Replica] = ()

    @property
    def embedded_signatures(self) -> list[EmbeddedPdfSignature]:
        return list(self.replicas)


def replicas(embedded: Sequence[Embedded], evidence: Evidence | None) -> list[Replica]:
    """The signatures of a reading, as AdES validation takes them. Raises one of UNREADABLE."""
    reader = _Reader(io.BytesIO(_stand_in(embedded, evidence)), strict=False)
    fields = reader.root["/AcroForm"]["/Fields"]
    reader.replicas = [
        Replica(reader, field, f"Signature{number}", one)
        for number, (field, one) in enumerate(zip(fields, embedded, strict=True))
    ]
    return list(reader.replicas)


class _Body:
    """A PDF written object by object; each state ends with its own cross-reference."""

    def __init__(self) -> None:
        self.out = bytearray(b"%PDF-1.7\n")
        self._count = 1
        self._new: dict[int, int] = {}
        self._streams: dict[bytes, int] = {}
        self._before: int | None = None

    def number(self) -> int:
        self._count += 1
        return self._count

    def put(self, number: int, content: bytes) -> int:
        self._new[number] = len(self.out)
        self.out += b"%d 0 obj\n%b\nendobj\n" % (number, content)
        return number

    def stream(self, data: bytes) -> int:
        if data not in self._streams:
            body = b"<</Length %d>>\nstream\n%b\nendstream" % (len(data), data)
            self._streams[data] = self.put(self.number(), body)
        return self._streams[data]

    def close(self) -> None:
        start = len(self.out)
        self.out += b"xref\n" + (b"0 1\n0000000000 65535 f \n" if self._before is None else b"")
        for number in sorted(self._new):
            self.out += b"%d 1\n%010d 00000 n \n" % (number, self._new[number])
        before = b"" if self._before is None else b"/Prev %d" % self._before
        self.out += b"trailer\n<</Size %d/Root 1 0 R%b>>\nstartxref\n%d\n%%%%EOF\n" % (
            self._count + 1, before, start,
        )  # fmt: skip
        self._before, self._new = start, {}


def _stand_in(embedded: Sequence[Embedded], evidence: Evidence | None) -> bytes:
    body = _Body()
    fields: dict[int, bytes] = {}
    for state in sorted({one.state for one in embedded}):
        now: Evidence | None = None
        for place, one in enumerate(embedded):
            if one.state != state:
                continue
            now = one.evidence or now
            kind = b"DocTimeStamp" if one.stamp else b"Sig"
            value = body.put(
                body.number(),
                b"<</Type/%b/SubFilter%b/ByteRange[0 0 0 0]/Contents<%b>>>"
                % (kind, _name(one.kind), one.cms.hex().encode()),
            )
            fields[place] = b"%d 0 R" % body.put(
                body.number(), b"<</FT/Sig/T(Signature%d)/V %d 0 R>>" % (place, value)
            )
        _catalogue(body, fields, now)
        body.close()
    _catalogue(body, fields, evidence)  # the last state: what the document carries now
    body.close()
    return bytes(body.out)


def _catalogue(body: _Body, fields: dict[int, bytes], evidence: Evidence | None) -> None:
    store = b""
    if evidence is not None:
        lists = ((b"Certs", evidence.certs), (b"OCSPs", evidence.ocsps), (b"CRLs", evidence.crls))
        store = b"/DSS<<%b>>" % b"".join(
            b"/%b[%b]" % (name, b" ".join(b"%d 0 R" % body.stream(one) for one in some))
            for name, some in lists
        )
    listed = b" ".join(fields[place] for place in sorted(fields))
    body.put(1, b"<</Type/Catalog/AcroForm<</Fields[%b]>>%b>>" % (listed, store))


def _name(kind: str) -> bytes:
    """A PDF name that says the same, whatever the file called it."""
    text = kind.removeprefix("/").encode("utf-8", "replace")
    return b"/" + b"".join(
        bytes([c]) if (chr(c).isalnum() and c < 128) or c in b".-_" else b"#%02x" % c for c in text
    )
