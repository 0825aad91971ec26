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
from pyhanko.sign.validation.generic_cms import extract_certs_for_validation, validate_sig_integrity
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.status import SignatureCoverageLevel

from signing.loose_parts import names_its_digest, tokens
from signing.rsa_value import Value, rsa_value
from signing.signature_fields import UNREADABLE

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
    """`change` is the worst that was done after the signature; `allowed`: the file's own rules bear it.

    `digest_fits`: the covered bytes are those of the digest in the object, whatever its value is worth;
    `misnamed`: the value holds, but under another algorithm than the one that the object names.
    """

    intact: bool
    digest_fits: bool
    misnamed: bool
    covers: str
    change: ModificationLevel
    allowed: bool

    @property
    def covered(self) -> bool:
        """Whether the signature speaks for a whole revision of the file."""
        return self.covers in ("entire_file", "entire_revision")


def examine(one: EmbeddedPdfSignature) -> Integrity:
    """Facts of one signature or document time-stamp; what a library cannot look at does not hold."""
    held = _stamp_holds(one) if is_stamp(one) else _signature_holds(one)
    try:
        one.compute_integrity_info(skip_diff=True)
        coverage: SignatureCoverageLevel | None = one.coverage
    except UNREADABLE:
        coverage = None
    change, allowed = _changes(one, coverage)
    return Integrity(
        intact=held is not Value.BROKEN,
        digest_fits=held is not Value.BROKEN or _digest_fits(one),
        misnamed=held is Value.MISNAMED,
        covers=COVERAGE.get(coverage, "unclear") if coverage is not None else "unclear",
        change=change,
        allowed=allowed,
    )


def _changes(
    one: EmbeddedPdfSignature, coverage: SignatureCoverageLevel | None
) -> tuple[ModificationLevel, bool]:
    """The worst that was done after the signature; what cannot be told is content."""
    if coverage is SignatureCoverageLevel.ENTIRE_FILE:
        return ModificationLevel.NONE, True
    try:
        one.compute_integrity_info()
        facts = one.summarise_integrity_info()
    except UNREADABLE:
        return ModificationLevel.OTHER, False
    result = facts["diff_result"]
    level = result.modification_level if isinstance(result, DiffResult) else ModificationLevel.OTHER
    return level, facts["docmdp_ok"] is not False


def is_stamp(one: EmbeddedPdfSignature) -> bool:
    """Whether it is a document time-stamp, not a signature of somebody."""
    return str(one.sig_object.get("/Type", "/Sig")) == STAMP


def _signature_holds(one: EmbeddedPdfSignature) -> Value:
    """Digest and signature value, whoever signed; and any time-stamp in it holds, and is one of this very value."""
    try:
        value = one.signer_info["signature"].native
        held = _value_of(one.signer_info, one.signer_cert, "data", _signed_digest(one))
        if not names_its_digest(one.signed_data):
            return Value.BROKEN
        stamps = (
            _token_holds(token["content"], lambda name: hashlib.new(name, value).digest())
            for token in tokens(one)
        )
        return held if all(stamps) else Value.BROKEN
    except UNREADABLE:
        return Value.BROKEN


def _digest_fits(one: EmbeddedPdfSignature) -> bool:
    try:
        return not is_stamp(one) and _attributes_name(one.signer_info, "data", _signed_digest(one))
    except UNREADABLE:
        return False


def _signed_digest(one: EmbeddedPdfSignature) -> bytes:
    """What the object must have signed: the digest of the covered bytes, or, in `adbe.pkcs7.sha1`, of their SHA-1."""
    content = one.signed_data["encap_content_info"]["content"].native
    if str(one.sig_object.get("/SubFilter", "")) != "/adbe.pkcs7.sha1" or not isinstance(content, bytes):
        return bytes(one.compute_digest())
    if content != one.compute_digest("sha1"):
        return b""
    return hashlib.new(one.md_algorithm, content).digest()


def _value_of(info: Any, certificate: Any, kind: str, digest: bytes) -> Value:
    """PyHanko's answer, and ours where it does not know the algorithm. Raises one of UNREADABLE."""
    try:
        intact, valid = validate_sig_integrity(
            info, cert=certificate, expected_content_type=kind, actual_digest=digest
        )
        if valid or not intact:
            return Value.HOLDS if intact and valid else Value.BROKEN
    except UNREADABLE:
        intact = _attributes_name(info, kind, digest)
    signed = info["signed_attrs"]
    if not intact or not len(signed):
        return Value.BROKEN
    return rsa_value(info, certificate, signed.untag().dump())


def _attributes_name(info: Any, kind: str, digest: bytes) -> bool:
    """Whether the signed attributes are of that content and that digest, each once."""
    found: dict[str, list[Any]] = {}
    for attribute in info["signed_attrs"] or ():
        found.setdefault(attribute["type"].native, []).extend(one.native for one in attribute["values"])
    return found.get("content_type") == [kind] and found.get("message_digest") == [digest]


def _stamp_holds(one: EmbeddedPdfSignature) -> Value:
    """Whether the token is signed, and stamps these bytes and no others."""
    try:
        return Value.HOLDS if _token_holds(one.signed_data, one.compute_digest) else Value.BROKEN
    except UNREADABLE:
        return Value.BROKEN


def _token_holds(signed: Any, digest_by: Callable[[str], bytes]) -> bool:
    """Whether a time-stamp token was issued over that digest (RFC 3161, Appendix A), and its signature holds."""
    content = signed["encap_content_info"]["content"]
    imprint = content.parsed["message_imprint"]
    if imprint["hashed_message"].native != digest_by(imprint["hash_algorithm"]["algorithm"].native):
        return False
    info, own = signed["signer_infos"][0], extract_certs_for_validation(signed).signer_cert
    digest = hashlib.new(info["digest_algorithm"]["algorithm"].native, bytes(content)).digest()
    return _value_of(info, own, "tst_info", digest) is Value.HOLDS and names_its_digest(signed)


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
    except UNREADABLE:
        return False  # judged, and named, with the signature itself
    return not reaches and last.signed_revision >= reader.xrefs.total_revisions - 1
