"""One signature judged: integrity, what came after it, whom it binds to, when it was made, how strong it is."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from typing import Any

from asn1crypto import x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.ades.report import AdESStatus
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.fields import MDPPerm
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature

from pipeline.model import Level
from signing.ades_policy import Judgement
from signing.algorithm_strength import weaknesses
from signing.certificate_use import signs_documents
from signing.conditions import Conditions
from signing.findings import CHAIN, CONSTRAINTS, CRYPTO, FORMAT, GENERIC, HASH, NO_CHAIN, WEAK, Findings
from signing.integrity import CHANGES, Integrity
from signing.permitted_change import only_permitted
from signing.reading import SignatureRead
from signing.signature_fields import CMS_KINDS, UNREADABLE
from signing.signing_times import claimed_times, seven_hours_ahead
from signing.trust import TrustStore
from signing.verdict import SignatureVerdict
from signing.visible_change import adds_evidence, shows_the_same

EDWARDS = {"ed25519": 256, "ed448": 456}
"""Sizes of keys that have but one."""
ROLES = {"sohoa-officer": "officer", "sohoa-agency": "agency"}
PERMITTED = "điền biểu mẫu hoặc ghi chú mà người ký cho phép (filling in or comments that the signer permits)"
BOOKKEEPING = "chỉ sổ sách của phần mềm ký (only the signing program's own records)"


def read_signature(
    one: EmbeddedPdfSignature,
    *,
    place: int,
    facts: Integrity,
    content: bytes,
    stamps: Sequence[EmbeddedPdfSignature],
    reader: PdfFileReader,
    last: bool,
    permits: MDPPerm | None = None,
    countersigned: bool = False,
) -> SignatureRead:
    """One signature, but for whom it binds to.

    `permits` is what the first signer certified that may be changed; `countersigned`: somebody signed after this one.
    """
    signer, found = signer_name(one), Findings()
    changed = _check_integrity(
        one, facts, signer, content, found, last=last, permits=permits, countersigned=countersigned
    )
    key, bits = _key(one)
    return SignatureRead(
        place=place,
        found=found,
        signer=signer,
        role=ROLES.get(one.field_name),
        level=_level(one, stamps, reader),
        intact=facts.intact,
        misnamed=facts.misnamed,
        covers=facts.covers,
        changed=changed,
        claims=tuple(claim.isoformat() for claim in claimed_times(one)),
        made_for_it=_made_for_it(one),
        algorithm=str(one.md_algorithm).lower(),
        key=key,
        bits=bits,
    )


def judge_signature(
    one: SignatureRead, said: Judgement, *, trust: TrustStore, conditions: Conditions, found: Findings
) -> SignatureVerdict:
    """The verdict on one signature; what speaks against the file goes to `found`."""
    signer = one.signer
    found.join(one.found)
    _weigh(said, one, signer, found)
    claims = [dt.datetime.fromisoformat(claim) for claim in one.claims]
    claimed = next(iter(claims), None)
    if seven_hours_ahead(claims, said.proven or stamped_at(said), conditions.moment):
        found.name(
            f"Giờ ký mà chữ ký của {signer} tự khai lệch +7 giờ (giờ Việt Nam ghi như giờ UTC); "
            "giờ được chứng minh mới có giá trị (the claimed signing time is 7 h ahead, proven time counts)"
        )
        claimed = min(claims)
    if (
        conditions.as_of
        and said.proven is None
        and claims
        and min(claims) > conditions.as_of + dt.timedelta(hours=8)
    ):
        found.doubt(GENERIC, f"Chữ ký của {signer} tự khai là ký sau ngày đang xét (claims to be made later)")
    path = _trusted_path(said, trust, conditions, signer, found)
    if not one.made_for_it:
        found.doubt(CHAIN, f"Chứng thư của {signer} không dùng để ký văn bản (a certificate for another use)")
        path = None
    strength = _check_strength(one, said, conditions, signer, found)
    stamped = stamped_at(said)
    return SignatureVerdict(
        signer=signer,
        role=one.role,
        level=one.level,
        signed_at=_iso(stamped or claimed),
        intact=one.intact,
        trusted=(said.passed and path is not None) if said.indication is not None else None,
        revoked=_revoked(said),
        timestamp=_iso(stamped),
        covers=one.covers,
        changed_after=one.changed,
        sub_indication=said.indication.standard_name if said.indication is not None else None,
        algorithm=one.algorithm,
        path=tuple(certificate_name(step) for step in said.path),
        proven_at=_iso(said.proven),
        strength=strength,
        anchor=hashlib.sha256(said.path[0].dump()).hexdigest() if said.path else None,
    )


def stamped_at(said: Judgement) -> dt.datetime | None:
    """When its own time-stamp says, whoever issued it."""
    return said.stamp.timestamp if said.stamp is not None else None


def _weigh(said: Judgement, facts: SignatureRead, signer: str, found: Findings) -> None:
    if said.stamp is not None and not (said.stamp.intact and said.stamp.valid):
        found.fail(
            HASH, f"Dấu thời gian không thuộc chữ ký của {signer} (the time-stamp is not of this signature)"
        )
    if facts.misnamed:
        found.doubt(
            FORMAT,
            f"Chữ ký của {signer} khớp nội dung, nhưng ghi sai tên thuật toán (fits, but names another algorithm)",
        )
    if said.indication is None:
        found.doubt(GENERIC, f"Chữ ký của {signer}: không đánh giá được ({said.reason})")
    elif said.indication.status is AdESStatus.FAILED:
        # PyHanko knows fewer algorithms than we do; that it cannot compute one is no failure of the signature.
        if facts.intact and said.indication.standard_name == "SIG_CRYPTO_FAILURE":
            found.doubt(
                GENERIC, f"Chữ ký của {signer}: thuật toán chưa kiểm tra được đầy đủ (algorithm not known)"
            )
        elif facts.intact:
            found.fail(said.indication.standard_name, f"Chữ ký của {signer}: {said.indication.standard_name}")
        else:
            found.failures.append(said.indication.standard_name)  # said in words already
    elif said.indication.status is AdESStatus.INDETERMINATE:
        found.doubt(said.indication.standard_name)


def _check_integrity(
    one: EmbeddedPdfSignature,
    facts: Integrity,
    signer: str,
    content: bytes,
    found: Findings,
    *,
    last: bool,
    permits: MDPPerm | None,
    countersigned: bool,
) -> str | None:
    """Record what fails; returns what was changed after the signature, in words."""
    if not facts.intact and facts.digest_fits:
        found.fail(
            CRYPTO,
            f"Chữ ký của {signer}: nội dung khớp nhưng giá trị chữ ký hoặc dấu thời gian bên trong không khớp "
            "(its value, or the time-stamp in it, does not hold or is malformed)",
        )
    elif not facts.intact:
        found.fail(HASH, f"Chữ ký của {signer}: nội dung đã ký bị thay đổi (signed bytes were changed)")
    changed = CHANGES[facts.change] if facts.change > ModificationLevel.LTA_UPDATES else None
    if not facts.covered:
        found.fail(FORMAT, f"Chữ ký của {signer} không phủ tài liệu (does not cover the document)")
        return changed
    if facts.covers == "entire_file":
        return None
    if permits is MDPPerm.NO_CHANGES and countersigned:
        found.fail(
            CONSTRAINTS, f"Người ký trước không cho thay đổi gì, nhưng sau chữ ký của {signer} có thêm chữ ký"
        )
        return changed or CHANGES[ModificationLevel.OTHER]
    signed = content[: _end(one)]
    same = shows_the_same(signed, content)
    if last and same and not adds_evidence(signed, content):
        found.fail(
            CONSTRAINTS,
            f"Sau chữ ký của {signer} có thêm dữ liệu, không phải bằng chứng (no evidence, yet more)",
        )
        return changed or CHANGES[ModificationLevel.OTHER]
    most = ModificationLevel.LTA_UPDATES if last else ModificationLevel.FORM_FILLING
    if facts.change <= most and facts.allowed and same is not False:
        return changed
    if same and not last:
        return BOOKKEEPING
    comments = permits is MDPPerm.ANNOTATE
    changed = changed or CHANGES[ModificationLevel.OTHER]
    if last:
        if permits in (MDPPerm.FILL_FORMS, MDPPerm.ANNOTATE) and only_permitted(
            signed, content, comments=comments, countersigned=False
        ):
            found.doubt(CONSTRAINTS, f"Sau chữ ký của {signer} có điền biểu mẫu hoặc ghi chú, người ký cho phép trước "
                        "nhưng chưa ai ký (changes that the signer permits beforehand, signed by nobody)")  # fmt: skip
            return PERMITTED
    elif (facts.change <= most or comments) and only_permitted(
        signed, content, comments=comments, countersigned=not last
    ):
        return changed if facts.change <= most else PERMITTED
    found.fail(CONSTRAINTS, f"Sau chữ ký của {signer}: {changed}")
    return changed


def _made_for_it(one: EmbeddedPdfSignature) -> bool:
    try:
        return signs_documents(one.signer_cert)
    except UNREADABLE:
        return True  # told where the certificate is judged


def _end(one: EmbeddedPdfSignature) -> int:
    return int(one.byte_range[2]) + int(one.byte_range[3])


def _trusted_path(
    said: Judgement, trust: TrustStore, conditions: Conditions, signer: str, found: Findings
) -> tuple[Any, ...] | None:
    """The path when its root was trusted on the day that counts: the proven one, else the day that is asked about."""
    if not said.passed or not said.path:
        return () if said.passed else None
    root = trust.root(said.path[0].dump())
    day = (said.proven or conditions.moment).date()
    if root is None or root.trusted_on(day):
        return said.path
    term = f"{root.begins or '…'} – {root.ends or '…'}"
    found.doubt(
        NO_CHAIN,
        f"Gốc {root.name} chỉ được tin {term}, không phải ngày {day} (not trusted on that day): {signer}",
    )
    return None


def _key(one: EmbeddedPdfSignature) -> tuple[str, int]:
    """Kind and bits of the signer's key."""
    try:
        key = one.signer_cert.public_key
        kind = str(key.algorithm).partition("_")[0].replace("rsassa", "rsa")
        return kind, EDWARDS.get(kind) or int(key.bit_size)
    except UNREADABLE:
        return "?", 0


def _check_strength(
    one: SignatureRead, said: Judgement, conditions: Conditions, signer: str, found: Findings
) -> str:
    """How strong its algorithms are on the day that counts; what aged since is named, what was weak is a doubt."""
    day = (said.proven or conditions.moment).date()
    weak = weaknesses(one.algorithm, one.key, one.bits)
    for flaw in weak:
        if day > flaw.until:
            found.doubt(
                WEAK,
                f"Chữ ký của {signer} dùng thuật toán yếu {flaw.name}, hết hạn {flaw.until} (weak algorithm)",
            )
        elif conditions.moment.date() > flaw.until:
            found.name(
                f"Chữ ký của {signer} dùng {flaw.name}, lúc ký còn đủ mạnh (strong when it was signed)"
            )
    until = f", {weak[0].name} đến {weak[0].until}" if weak else ""
    return f"{one.algorithm.upper()} {one.key.upper()} {one.bits}{until}"


def _revoked(said: Judgement) -> bool | None:
    """True or False only where the evidence speaks."""
    if said.indication is None:
        return None
    if "REVOKED" in said.indication.standard_name:
        return True
    return False if said.passed else None


def _level(one: EmbeddedPdfSignature, stamps: Sequence[EmbeddedPdfSignature], reader: PdfFileReader) -> str:
    """PAdES level by what is there: signature time-stamp, DSS, document time-stamp behind the signature."""
    if str(one.sig_object.get("/SubFilter", "")) != CMS_KINDS[2]:
        return Level.CMS.value
    names = {attribute["type"].native for attribute in one.signer_info["unsigned_attrs"] or ()}
    if "signature_time_stamp_token" not in names:
        return Level.B.value
    if "/DSS" not in reader.root:
        return Level.T.value
    later = any(stamp.signed_revision > one.signed_revision for stamp in stamps)
    return (Level.LTA if later else Level.LT).value


def signer_name(one: EmbeddedPdfSignature) -> str:
    """The common name in the signer's certificate, `?` when it cannot be read."""
    try:
        return certificate_name(one.signer_cert)
    except UNREADABLE:
        return "?"


def certificate_name(certificate: x509.Certificate) -> str:
    """The common name, else the whole one."""
    subject: x509.Name = certificate.subject
    return str(subject.native.get("common_name") or subject.human_friendly)


def _iso(moment: dt.datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None
