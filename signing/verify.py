"""A PDF judged: every signature, what it covers, what was changed after it, whom it binds to.

The verdict is the AND of the AdES result (ETSI EN 319 102-1), integrity, coverage, the change rule and the
time-stamps' match. Call it through `isolation`: the files are hostile.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from asn1crypto import x509
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.ades.report import AdESPassed, AdESStatus
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature

from pipeline.model import Level
from signing.ades_policy import judge
from signing.archive_form import archive_form
from signing.integrity import CHANGES, Integrity, examine, is_stamp, loose_end
from signing.loose_parts import touched
from signing.trust import TrustStore
from signing.verdict import FileVerdict, SignatureVerdict, Verdict

ROLES = {"sohoa-officer": "officer", "sohoa-agency": "agency"}
WEAK = {"md5", "sha1"}
HASH, CONSTRAINTS, FORMAT = "HASH_FAILURE", "SIG_CONSTRAINTS_FAILURE", "FORMAT_FAILURE"
UNREADABLE = (
    PdfError,
    SignatureValidationError,
    ValueError,
    KeyError,
    TypeError,
    IndexError,
    AttributeError,
    NotImplementedError,
    OSError,
    RecursionError,
    AssertionError,
    ArithmeticError,
    zlib.error,
)


@dataclass(slots=True)
class _Findings:
    """What speaks against a file, as it is looked through; the first failure names the sub-indication."""

    failures: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def fail(self, indication: str, sentence: str) -> None:
        self.failures.append(indication)
        self.problems.append(sentence)

    def doubt(self, indication: str, sentence: str | None = None) -> None:
        self.doubts.append(indication)
        if sentence:
            self.problems.append(sentence)


def verify_pdf(
    path: Path,
    *,
    trust: TrustStore,
    target: str | None = None,
    expected_sha256: str | None = None,
    expect_signed: bool = False,
) -> FileVerdict:
    """Judge one file, offline, from the evidence that it carries. Raises OSError when it cannot be read at all."""
    content = path.read_bytes()
    hash_ok = None if expected_sha256 is None else hashlib.sha256(content).hexdigest() == expected_sha256
    found = _Findings()
    if hash_ok is False:
        found.fail(HASH, "Mã băm khác với lúc lưu (the hash is not the recorded one)")
    signatures: tuple[SignatureVerdict, ...] = ()
    readable = True
    try:
        signatures = _signatures(path, content, trust, found)
    except UNREADABLE as error:
        readable = False
        sentence = f"Không đọc được cấu trúc PDF hoặc chữ ký ({type(error).__name__}: {str(error)[:120]})"
        if expect_signed:
            found.fail(FORMAT, sentence)
        else:
            found.doubt(FORMAT, sentence)
    if not signatures and readable and expect_signed:
        found.fail(FORMAT, "Chữ ký đã ghi nhận không còn trong tệp (recorded signatures are gone)")
    return FileVerdict(
        target=target or str(path),
        verdict=_verdict(found, signed=bool(signatures) or not readable),
        sub_indication=next(iter(found.failures + found.doubts), None),
        signatures=signatures,
        hash_ok=hash_ok,
        demo_trust=trust.only_demo and any(one.trusted for one in signatures),
        archive=archive_form(path, name=Path(target or path).name),
        problems=tuple(dict.fromkeys(found.problems)),
    )


def _verdict(found: _Findings, *, signed: bool) -> Verdict:
    if found.failures:
        return Verdict.FAILED
    if not signed:
        return Verdict.NOT_SIGNED
    return Verdict.INDETERMINATE if found.doubts else Verdict.PASSED


def _signatures(
    path: Path, content: bytes, trust: TrustStore, found: _Findings
) -> tuple[SignatureVerdict, ...]:
    with path.open("rb") as stream:
        reader = PdfFileReader(stream, strict=False)
        embedded = list(reader.embedded_signatures)
        stamps = [one for one in embedded if is_stamp(one)]
        regular = [one for one in embedded if not is_stamp(one)]
        if not regular:
            return ()
        if loose_end(content, reader, embedded):
            found.fail(
                FORMAT, "Có dữ liệu lạ sau phần đã ký (bytes after the last signature that are no update)"
            )
        if touched(reader, embedded):
            found.fail(
                FORMAT,
                "Phần đi kèm chữ ký bị sửa (what lies beside a signature was changed, the signed part was not)",
            )
        last = max(embedded, key=lambda one: one.signed_revision)
        for stamp in stamps:
            _look_at_stamp(stamp, found, last=stamp is last)
        return tuple(_one(one, trust, stamps, reader, found, last=one is last) for one in regular)


def _look_at_stamp(stamp: EmbeddedPdfSignature, found: _Findings, *, last: bool) -> None:
    facts = examine(stamp)
    if not facts.intact or not facts.covered:
        found.fail(HASH, "Dấu thời gian tài liệu không khớp nội dung (the document time-stamp does not fit)")
    elif last and facts.change > ModificationLevel.LTA_UPDATES:
        found.fail(CONSTRAINTS, f"Sau dấu thời gian cuối: {CHANGES[facts.change]}")


def _one(
    one: EmbeddedPdfSignature,
    trust: TrustStore,
    stamps: Sequence[EmbeddedPdfSignature],
    reader: PdfFileReader,
    found: _Findings,
    *,
    last: bool,
) -> SignatureVerdict:
    signer, digest = _name(one), str(one.md_algorithm).lower()
    facts = examine(one)
    changed = _check_integrity(facts, signer, found, last=last)
    result, message = judge(one, trust)
    indication = result.ades_subindic if result is not None else None
    stamp = getattr(getattr(result, "api_status", None), "timestamp_validity", None)
    if stamp is not None and not (stamp.intact and stamp.valid):
        found.fail(
            HASH, f"Dấu thời gian không thuộc chữ ký của {signer} (the time-stamp is not of this signature)"
        )
    if indication is None:
        found.doubt("GENERIC", f"Chữ ký của {signer}: không đánh giá được ({message})")
    elif indication.status is AdESStatus.FAILED:
        found.fail(indication.standard_name, f"Chữ ký của {signer}: {indication.standard_name}")
    elif indication.status is AdESStatus.INDETERMINATE:
        found.doubt(indication.standard_name)
    if digest in WEAK:
        found.problems.append(f"Chữ ký của {signer} dùng thuật toán yếu {digest.upper()} (weak algorithm)")
    stamped = stamp.timestamp.isoformat() if stamp is not None else None
    claimed = one.self_reported_timestamp
    return SignatureVerdict(
        signer=signer,
        role=ROLES.get(one.field_name),
        level=_level(one, stamps, reader),
        signed_at=stamped or (claimed.isoformat() if claimed else None),
        intact=facts.intact,
        trusted=indication is AdESPassed.OK if indication is not None else None,
        revoked=_revoked(indication),
        timestamp=stamped,
        covers=facts.covers,
        changed_after=changed,
        sub_indication=indication.standard_name if indication is not None else None,
        algorithm=digest,
    )


def _check_integrity(facts: Integrity, signer: str, found: _Findings, *, last: bool) -> str | None:
    """Record what fails; returns what was changed after the signature, in words."""
    changed = CHANGES[facts.change] if facts.change > ModificationLevel.LTA_UPDATES else None
    most = ModificationLevel.LTA_UPDATES if last else ModificationLevel.FORM_FILLING
    if not facts.intact:
        found.fail(HASH, f"Chữ ký của {signer}: nội dung đã ký bị thay đổi (signed bytes were changed)")
    if not facts.covered:
        found.fail(FORMAT, f"Chữ ký của {signer} không phủ tài liệu (does not cover the document)")
    elif facts.change > most or not facts.allowed:
        changed = changed or CHANGES[ModificationLevel.OTHER]
        found.fail(CONSTRAINTS, f"Sau chữ ký của {signer}: {changed}")
    return changed


def _revoked(indication: Any) -> bool | None:
    """True or False only where the evidence speaks."""
    if indication is None:
        return None
    if "REVOKED" in indication.standard_name:
        return True
    return False if indication is AdESPassed.OK else None


def _level(one: EmbeddedPdfSignature, stamps: Sequence[EmbeddedPdfSignature], reader: PdfFileReader) -> str:
    """PAdES level by what is there: signature time-stamp, DSS, document time-stamp behind the signature."""
    if str(one.sig_object.get("/SubFilter", "")) != "/ETSI.CAdES.detached":
        return Level.CMS.value
    names = {attribute["type"].native for attribute in one.signer_info["unsigned_attrs"] or ()}
    if "signature_time_stamp_token" not in names:
        return Level.B.value
    if "/DSS" not in reader.root:
        return Level.T.value
    later = any(stamp.signed_revision > one.signed_revision for stamp in stamps)
    return (Level.LTA if later else Level.LT).value


def _name(one: EmbeddedPdfSignature) -> str:
    try:
        subject: x509.Name = one.signer_cert.subject
        return str(subject.native.get("common_name") or subject.human_friendly)
    except (ValueError, AttributeError, SignatureValidationError):
        return "?"
