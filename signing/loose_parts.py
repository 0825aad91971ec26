"""What no signature covers: the room behind a CMS object, and certificates that lie in it for convenience.

Changing them proves nothing about the document, yet a file that was touched should not pass. So the room must be
empty, and two certificates that claim to be the same one must be the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from asn1crypto import cms, parser, x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.errors import NoDSSFoundError
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature

NO_PARAMETERS = (b"", b"\x05\x00")


def touched(reader: PdfFileReader, embedded: Sequence[EmbeddedPdfSignature]) -> bool:
    """Whether uncovered parts of the signatures show that somebody changed them."""
    return any(_room_is_used(one) for one in embedded) or _contradict(_certificates(reader, embedded))


def carried(embedded: Sequence[EmbeddedPdfSignature]) -> Iterator[x509.Certificate]:
    """The certificates in the signatures of a file, then those in their time-stamps. Raises one of UNREADABLE."""
    objects = [one.signed_data for one in embedded]
    objects += [token["content"] for one in embedded for token in tokens(one)]
    for signed in objects:
        for choice in signed["certificates"]:
            if choice.name == "certificate":
                yield choice.chosen


def tokens(one: EmbeddedPdfSignature) -> Iterator[cms.ContentInfo]:
    """The signature time-stamps inside a signature."""
    for attribute in one.signer_info["unsigned_attrs"] or ():
        if attribute["type"].native == "signature_time_stamp_token":
            yield from attribute["values"]


def names_its_digest(signed: cms.SignedData) -> bool:
    """Whether the digest of the signer stands in the list that the object begins with (RFC 5652, 5.1)."""
    listed = {
        one["algorithm"].native
        for one in signed["digest_algorithms"]
        if one["parameters"].dump() in NO_PARAMETERS
        or one["algorithm"].native == "shake256_len"  # has its length there
    }
    return all(info["digest_algorithm"]["algorithm"].native in listed for info in signed["signer_infos"])


def _room_is_used(one: EmbeddedPdfSignature) -> bool:
    """Whether anything but zeros follows the CMS object in its room."""
    room: bytes = one.pkcs7_content
    _, _, _, header, content, trailer = parser.parse(room)
    return any(room[len(header) + len(content) + len(trailer) :])


def _certificates(
    reader: PdfFileReader, embedded: Sequence[EmbeddedPdfSignature]
) -> Iterator[x509.Certificate]:
    yield from carried(embedded)
    try:
        store = DocumentSecurityStore.read_dss(reader)
    except NoDSSFoundError:
        return
    yield from store.load_certs()


def _contradict(certificates: Iterable[x509.Certificate]) -> bool:
    """Whether two share issuer and number, or key, name and term, and still differ."""
    known: dict[tuple[bytes, ...], bytes] = {}
    for one in certificates:
        inside = one["tbs_certificate"]
        marks = (
            (inside["issuer"].dump(), inside["serial_number"].dump()),
            (inside["subject_public_key_info"].dump(), inside["subject"].dump(), inside["validity"].dump()),
        )
        if any(known.setdefault(mark, one.dump()) != one.dump() for mark in marks):
            return True
    return False
