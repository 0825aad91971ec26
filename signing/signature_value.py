"""A PDF's signatures as values, for records that keep them beside the file (PREMIS)."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path

from pyhanko.pdf_utils.reader import PdfFileReader


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureValue:
    """Who signed, by which algorithm; value and certificate in Base64 (DER)."""

    signer: str
    method: str
    value: str
    certificate: str


def values_of(pdf: Path) -> tuple[SignatureValue, ...]:
    """Every signature that is no time-stamp, in the order of signing. Runs in a child: the file may be hostile."""
    with pdf.open("rb") as stream:
        found = []
        for one in PdfFileReader(stream).embedded_regular_signatures:
            info, certificate = one.signer_info, one.signer_cert
            digest = info["digest_algorithm"]["algorithm"].native
            method = f"{info['signature_algorithm']['algorithm'].native} {digest}"
            found.append(
                SignatureValue(
                    signer=str(certificate.subject.human_friendly),
                    method=method,
                    value=base64.b64encode(info["signature"].native).decode(),
                    certificate=base64.b64encode(certificate.dump()).decode(),
                )
            )
    return tuple(found)
