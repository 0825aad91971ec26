"""A PDF judged: every signature, what it covers, what was changed after it, whom it binds to.

The verdict is the AND of the AdES result (ETSI EN 319 102-1), integrity, coverage, the change rule and the
time-stamp's match. AdES alone ignores what was painted over a page after the last signature. Call it through
`isolation`: the files are hostile.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from asn1crypto import x509
from pyhanko.pdf_utils.misc import PdfError, PdfReadError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.ades.report import AdESPassed, AdESStatus
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.validation import ades
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.policy_decl import (
    CertificateFetchingRule,
    PdfSignatureValidationSpec,
    RevinfoOnlineFetchingRule,
    RevocationInfoGatheringSpec,
    SignatureValidationSpec,
)
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko.sign.validation.status import SignatureCoverageLevel
from pyhanko_certvalidator.context import CertValidationPolicySpec
from pyhanko_certvalidator.policy_decl import (
    AcceptAllAlgorithms,
    CertRevTrustPolicy,
    RevocationCheckingPolicy,
    RevocationCheckingRule,
)
from pyhanko_certvalidator.registry import SimpleTrustManager

from signing.trust import TrustStore
from signing.verdict import FileVerdict, SignatureVerdict, Verdict

ROLES = {"sohoa.officer": "officer", "sohoa.agency": "agency"}
WEAK = {"md5", "sha1"}
_TAIL = re.compile(rb"startxref\s+(\d+)\s+%%EOF\s*$")
CHANGES = {
    ModificationLevel.FORM_FILLING: "điền biểu mẫu hoặc ký thêm (form filling or another signature)",
    ModificationLevel.ANNOTATIONS: "thêm chú thích (annotations)",
    ModificationLevel.OTHER: "nội dung bị sửa (content changed)",
}


def verify_pdf(
    path: Path, *, trust: TrustStore, target: str | None = None, expected_sha256: str | None = None,
    expect_signed: bool = False,
) -> FileVerdict:  # fmt: skip
    """Judge one file, offline, from the evidence that it carries."""
    name = target or str(path)
    content = path.read_bytes()
    hash_ok = None if expected_sha256 is None else hashlib.sha256(content).hexdigest() == expected_sha256
    problems: list[str] = []
    if hash_ok is False:
        problems.append("Mã băm khác với lúc lưu (the hash is not the recorded one)")
    try:
        found = _judge_signatures(path, content, trust, problems)
    except (
        PdfError,
        PdfReadError,
        ValueError,
        KeyError,
        TypeError,
        IndexError,
        OSError,
        RecursionError,
    ) as error:
        problems.append(
            f"Không đọc được cấu trúc PDF hoặc chữ ký ({type(error).__name__}: {str(error)[:120]})"
        )
        failed = hash_ok is False or expect_signed
        verdict = Verdict.FAILED if failed else Verdict.INDETERMINATE
        return FileVerdict(
            target=name,
            verdict=verdict,
            sub_indication="FORMAT_FAILURE",
            hash_ok=hash_ok,
            problems=tuple(problems),
        )
    signatures, sub, failed, undecided = found
    if not signatures:
        if expect_signed:
            problems.append("Chữ ký đã ghi nhận không còn trong tệp (recorded signatures are gone)")
        verdict = Verdict.FAILED if expect_signed or hash_ok is False else Verdict.NOT_SIGNED
    elif failed or hash_ok is False:
        verdict = Verdict.FAILED
    else:
        verdict = Verdict.INDETERMINATE if undecided else Verdict.PASSED
    demo = trust.demo is not None and any(s.trusted for s in signatures) and _only_demo(trust)
    return FileVerdict(
        target=name,
        verdict=verdict,
        sub_indication=sub,
        signatures=signatures,
        hash_ok=hash_ok,
        demo_trust=demo,
        problems=tuple(dict.fromkeys(problems)),
    )


def _only_demo(trust: TrustStore) -> bool:
    return len(trust.anchors) == 1


def _judge_signatures(
    path: Path, content: bytes, trust: TrustStore, problems: list[str]
) -> tuple[tuple[SignatureVerdict, ...], str | None, bool, bool]:
    with path.open("rb") as stream:
        reader = PdfFileReader(stream, strict=False)
        embedded = list(reader.embedded_signatures)
        regular = [s for s in embedded if str(s.sig_object.get("/Type", "/Sig")) != "/DocTimeStamp"]
        stamps = [s for s in embedded if s not in regular]
        verdicts: list[SignatureVerdict] = []
        sub: str | None = None
        failed = undecided = False
        if not regular:
            return (), None, False, False
        if not _ends_cleanly(content, embedded):
            failed = True
            problems.append(
                "Có dữ liệu lạ sau phần đã ký (bytes after the last signature that are no update)"
            )
        for one in regular:
            verdict, status, bad = _judge(one, trust, stamps, reader, problems)
            verdicts.append(verdict)
            failed = failed or bad
            if status is not None:
                undecided, sub = True, sub or status
        for stamp in stamps:
            stamp.compute_integrity_info()
            level = stamp.modification_level if hasattr(stamp, "modification_level") else None
            if stamp is embedded[-1] and level is not None and level > ModificationLevel.LTA_UPDATES:
                failed = True
                problems.append(f"Sau dấu thời gian cuối: {CHANGES.get(level, level.name)}")
    return tuple(verdicts), sub, failed, undecided


def _ends_cleanly(content: bytes, embedded: Sequence[EmbeddedPdfSignature]) -> bool:
    """What follows the last signature ends like a PDF: a cross-reference where the file says it is."""
    match = _TAIL.search(content[-2048:])
    if match is None:
        return False
    place = int(match[1])
    if not 0 < place < len(content):
        return False
    start = content[place : place + 40].lstrip()
    return start.startswith(b"xref") or re.match(rb"\d+\s+\d+\s+obj", start) is not None


def _judge(
    one: EmbeddedPdfSignature, trust: TrustStore, stamps: Sequence[EmbeddedPdfSignature], reader: PdfFileReader,
    problems: list[str],
) -> tuple[SignatureVerdict, str | None, bool]:  # fmt: skip
    """One signature: its record, a sub-indication when undecided, and whether it fails the file."""
    one.compute_integrity_info()
    signer = _name(one)
    result: Any = None
    message = ""
    try:
        result = asyncio.run(ades.ades_lta_validation(one, _spec(trust)))
    except (
        SignatureValidationError,
        PdfError,
        ValueError,
        KeyError,
        TypeError,
        NotImplementedError,
    ) as error:
        message = f"{type(error).__name__}: {error}"
    status = getattr(result, "api_status", None)
    intact = bool(status.intact and status.valid) if status is not None else _intact_alone(one)
    indication = result.ades_subindic if result is not None else None
    cms = str(one.sig_object.get("/SubFilter", "")) != "/ETSI.CAdES.detached"
    digest = str(one.md_algorithm).lower()
    last = reader.embedded_signatures[-1] is one
    level = one.modification_level if hasattr(one, "modification_level") else None
    bad = not intact
    if not intact:
        problems.append(f"Chữ ký của {signer}: nội dung đã ký bị thay đổi (signed bytes were changed)")
    if _covers_badly(one):
        bad = True
        problems.append(f"Chữ ký của {signer} không phủ tài liệu (does not cover the document)")
    allowed = ModificationLevel.LTA_UPDATES if last else ModificationLevel.FORM_FILLING
    changed = None
    if level is not None and level > ModificationLevel.LTA_UPDATES:
        changed = CHANGES.get(level, level.name)
    if level is None and one.coverage != SignatureCoverageLevel.ENTIRE_FILE:
        changed = CHANGES[ModificationLevel.OTHER]
        bad = True
    if (level is not None and level > allowed) or getattr(one, "docmdp_ok", True) is False:
        bad = True
        changed = changed or CHANGES[ModificationLevel.OTHER]
        problems.append(f"Sau chữ ký của {signer}: {changed}")
    stamp_status = getattr(status, "timestamp_validity", None)
    if stamp_status is not None and not (stamp_status.intact and stamp_status.valid):
        bad = True
        problems.append(
            f"Dấu thời gian không thuộc chữ ký của {signer} (the time-stamp is not of this signature)"
        )
    if indication is not None and indication.status is AdESStatus.FAILED:
        bad = True
        problems.append(f"Chữ ký của {signer}: {indication.standard_name}")
    undecided = None
    if indication is None:
        undecided = "GENERIC"
        problems.append(f"Chữ ký của {signer}: không đánh giá được ({message[:160]})")
    elif indication.status is AdESStatus.INDETERMINATE:
        undecided = indication.standard_name
    if digest in WEAK:
        problems.append(f"Chữ ký của {signer} dùng thuật toán yếu {digest.upper()} (weak algorithm)")
    best = getattr(result, "best_signature_time", None)
    stamped = stamp_status.timestamp.isoformat() if stamp_status is not None else None
    verdict = SignatureVerdict(
        signer=signer,
        role=ROLES.get(one.field_name),
        level="CMS" if cms else _level(one, stamps, reader),
        signed_at=stamped
        or (one.self_reported_timestamp.isoformat() if one.self_reported_timestamp else None),
        intact=intact,
        trusted=indication is AdESPassed.OK if indication is not None else None,
        revoked="REVOKED" in indication.standard_name if indication is not None else None,
        timestamp=stamped or (best.isoformat() if best is not None and indication is AdESPassed.OK else None),
        covers=_coverage(one.coverage),
        changed_after=changed,
        sub_indication=indication.standard_name if indication is not None else None,
        algorithm=digest,
    )
    return verdict, undecided, bad


def _intact_alone(one: EmbeddedPdfSignature) -> bool:
    """Digest and signature value by themselves, when the AdES process could not run."""
    from pyhanko.sign.validation.generic_cms import validate_sig_integrity

    try:
        intact, valid = validate_sig_integrity(
            one.signer_info,
            cert=one.signer_cert,
            expected_content_type="data",
            actual_digest=one.compute_digest(),
        )
    except (SignatureValidationError, ValueError, KeyError, TypeError):
        return False
    return bool(intact and valid)


def _covers_badly(one: EmbeddedPdfSignature) -> bool:
    return one.coverage in (SignatureCoverageLevel.UNCLEAR, None)


def _coverage(level: SignatureCoverageLevel | None) -> str:
    names = {
        SignatureCoverageLevel.ENTIRE_FILE: "entire_file",
        SignatureCoverageLevel.ENTIRE_REVISION: "entire_revision",
        SignatureCoverageLevel.CONTIGUOUS_BLOCK_FROM_START: "block_from_start",
    }
    return names.get(level, "unclear") if level is not None else "unclear"


def _level(one: EmbeddedPdfSignature, stamps: Sequence[EmbeddedPdfSignature], reader: PdfFileReader) -> str:
    """PAdES level by what is there: signature time-stamp, DSS, document time-stamp behind the signature."""
    if any(stamp.signed_revision > one.signed_revision for stamp in stamps):
        return "B-LTA"
    names = {attribute["type"].native for attribute in one.signer_info["unsigned_attrs"] or ()}
    if "signature_time_stamp_token" not in names:
        return "B-B"
    return "B-LT" if "/DSS" in reader.root else "B-T"


def _name(one: EmbeddedPdfSignature) -> str:
    try:
        subject: x509.Name = one.signer_cert.subject
        return str(subject.native.get("common_name") or subject.human_friendly)
    except (ValueError, AttributeError, SignatureValidationError):
        return "?"


def _spec(trust: TrustStore) -> PdfSignatureValidationSpec:
    anchors = [x509.Certificate.load(der) for der in trust.anchors]
    checked = RevocationCheckingPolicy(
        ee_certificate_rule=RevocationCheckingRule.CRL_OR_OCSP_REQUIRED,
        intermediate_ca_cert_rule=RevocationCheckingRule.CRL_OR_OCSP_REQUIRED,
    )
    policy = CertValidationPolicySpec(
        trust_manager=SimpleTrustManager.build(trust_roots=anchors),
        revinfo_policy=CertRevTrustPolicy(revocation_checking_policy=checked, freshness=timedelta(days=40)),
        algorithm_usage_policy=AcceptAllAlgorithms(),
    )
    return PdfSignatureValidationSpec(
        SignatureValidationSpec(
            cert_validation_policy=policy,
            revinfo_gathering_policy=RevocationInfoGatheringSpec(
                online_fetching_rule=RevinfoOnlineFetchingRule.LOCAL_ONLY,
                certificate_fetching_rule=CertificateFetchingRule.NEVER_FETCH,
            ),
            key_usage_settings=KeyUsageConstraints(key_usage=set()),
        )
    )
