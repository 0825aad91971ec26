"""What a signature covers, whether its bytes hold, and what was done to the file after it.

AdES validation alone passes a page that was repainted after the last signature, so these facts stand beside it and
a file passes only when both agree. Trust is not judged here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.diff_analysis.policy_api import DiffResult
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.generic_cms import extract_certs_for_validation, validate_sig_integrity
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.status import SignatureCoverageLevel

from signing.loose_parts import names_its_digest, tokens

STAMP = "/DocTimeStamp"
_TAIL = re.compile(rb"startxref\s+(\d+)\s+%%EOF\s*$")
COVERAGE = {
    SignatureCoverageLevel.ENTIRE_FILE: "entire_file",
    SignatureCoverageLevel.ENTIRE_REVISION: "entire_revision",
    SignatureCoverageLevel.CONTIGUOUS_BLOCK_FROM_START: "block_from_start",
}
CHANGES = {
    ModificationLevel.FORM_FILLING: "điền biểu mẫu hoặc ký thêm (form filling or another signature)",
    ModificationLevel.ANNOTATIONS: "thêm chú thích (annotations)",
    ModificationLevel.OTHER: "nội dung bị sửa (content changed)",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Integrity:
    """`change` is the worst that was done after the signature; `allowed`: the file's own rules bear it."""

    intact: bool
    covers: str
    change: ModificationLevel
    allowed: bool

    @property
    def covered(self) -> bool:
        """Whether the signature speaks for a whole revision of the file."""
        return self.covers in ("entire_file", "entire_revision")


def examine(one: EmbeddedPdfSignature) -> Integrity:
    """Facts of one signature or document time-stamp. Raises SignatureValidationError when it cannot be looked at."""
    one.compute_integrity_info()
    facts = one.summarise_integrity_info()
    coverage: SignatureCoverageLevel | None = facts["coverage"]
    result = facts["diff_result"]
    if isinstance(result, DiffResult):
        change = result.modification_level
    elif result is not None or coverage is not SignatureCoverageLevel.ENTIRE_FILE:
        change = ModificationLevel.OTHER
    else:
        change = ModificationLevel.NONE
    return Integrity(
        intact=_stamp_holds(one) if is_stamp(one) else _signature_holds(one),
        covers=COVERAGE.get(coverage, "unclear") if coverage is not None else "unclear",
        change=change,
        allowed=facts["docmdp_ok"] is not False,
    )


def is_stamp(one: EmbeddedPdfSignature) -> bool:
    """Whether it is a document time-stamp, not a signature of somebody."""
    return str(one.sig_object.get("/Type", "/Sig")) == STAMP


def _signature_holds(one: EmbeddedPdfSignature) -> bool:
    """Digest and signature value, whoever signed; and any time-stamp in it holds, and is one of this very value."""
    intact, valid = validate_sig_integrity(
        one.signer_info,
        cert=one.signer_cert,
        expected_content_type="data",
        actual_digest=one.compute_digest(),
    )
    value = one.signer_info["signature"].native
    return (
        bool(intact and valid)
        and names_its_digest(one.signed_data)
        and all(
            _token_holds(token["content"], lambda name: hashlib.new(name, value).digest())
            for token in tokens(one)
        )
    )


def _stamp_holds(one: EmbeddedPdfSignature) -> bool:
    """Whether the token is signed, and stamps these bytes and no others."""
    return _token_holds(one.signed_data, one.compute_digest)


def _token_holds(signed: Any, digest_by: Callable[[str], bytes]) -> bool:
    """Whether a time-stamp token was issued over that digest (RFC 3161, Appendix A), and its signature holds."""
    content = signed["encap_content_info"]["content"]
    imprint = content.parsed["message_imprint"]
    if imprint["hashed_message"].native != digest_by(imprint["hash_algorithm"]["algorithm"].native):
        return False
    info, own = signed["signer_infos"][0], extract_certs_for_validation(signed).signer_cert
    intact, valid = validate_sig_integrity(
        info,
        cert=own,
        expected_content_type="tst_info",
        actual_digest=hashlib.new(info["digest_algorithm"]["algorithm"].native, bytes(content)).digest(),
    )
    return bool(intact and valid) and names_its_digest(signed)


def loose_end(content: bytes, reader: PdfFileReader, embedded: Sequence[EmbeddedPdfSignature]) -> bool:
    """Whether bytes follow the last signature that are no revision of the file.

    The file must end where its newest cross-reference says, and a last signature that does not reach the end must
    have a real revision after it, which the change rule then judges.
    """
    match = _TAIL.search(content[-2048:])
    if match is None or not 0 < int(match[1]) < len(content):
        return True
    start = content[int(match[1]) : int(match[1]) + 40].lstrip()
    if not (start.startswith(b"xref") or re.match(rb"\d+\s+\d+\s+obj", start)):
        return True
    try:
        last = max(embedded, key=lambda one: one.signed_revision)
        reaches = last.evaluate_signature_coverage() is SignatureCoverageLevel.ENTIRE_FILE
    except (SignatureValidationError, ValueError):
        return False  # judged, and named, with the signature itself
    return not reaches and last.signed_revision >= reader.xrefs.total_revisions - 1
