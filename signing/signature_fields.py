"""The signatures of a PDF, opened leniently where readers are lenient, and none of them overlooked.

pyHanko passes over kinds of signatures that it does not know, and gives up a file when one of its signatures cannot
be read. An auditor must hear of both.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Any

from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import enumerate_sig_fields
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature

UNREADABLE = (
    PdfError,
    SignatureValidationError,
    ValueError,
    LookupError,
    TypeError,
    NameError,  # asn1crypto has no size of an Ed25519 key, and forgets to say so
    AttributeError,
    NotImplementedError,
    OSError,
    RecursionError,
    AssertionError,
    ArithmeticError,
    EOFError,
    zlib.error,
)
"""What libraries raise over hostile or broken files."""
CMS_KINDS = ("/adbe.pkcs7.detached", "/adbe.pkcs7.sha1", "/ETSI.CAdES.detached", "/ETSI.RFC3161")
_NEVER = -1


@dataclass(frozen=True, slots=True)
class Unread:
    """A filled signature field that cannot be read; `known`: it claims a kind that could be."""

    name: str
    kind: str
    known: bool


def open_pdf(stream: IO[bytes]) -> PdfFileReader:
    """A reader over the file. Raises one of UNREADABLE, PermissionError when it wants a password."""
    reader = PdfFileReader(stream, strict=False)
    if reader.encrypted and not reader.decrypt(b"").status:
        raise PermissionError("the file wants a password")
    changed = reader.xrefs.get_introducing_revision

    def introduced(reference: Any) -> int:
        # A reference to what never was is null (ISO 32000-1, 7.3.10), and no reason to give the file up.
        try:
            return int(changed(reference))
        except KeyError:
            return _NEVER

    _replace(reader.xrefs, "get_introducing_revision", introduced)
    return reader


def _replace(owner: object, name: str, method: Callable[..., Any]) -> None:
    setattr(owner, name, method)


def read_signatures(reader: PdfFileReader) -> tuple[list[EmbeddedPdfSignature], list[Unread]]:
    """Signatures and time-stamps, oldest first, and the fields that hold something else."""
    read, unread = [], []
    for name, value, field in enumerate_sig_fields(reader, filled_status=True):
        kind = ""
        try:
            kind = str(value.get_object().get("/SubFilter", ""))
            read.append(EmbeddedPdfSignature(reader, field, str(name)))
        except UNREADABLE:
            unread.append(Unread(str(name), kind, kind in CMS_KINDS or not kind))
    return sorted(read, key=lambda one: one.signed_revision), unread
