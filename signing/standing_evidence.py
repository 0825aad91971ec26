"""What a signed file tells of itself without being judged: its unsigned beginning, its signers, its last time-stamp."""

from __future__ import annotations

import datetime as dt
import hashlib
import re

from asn1crypto import cms
from pyhanko.sign.validation.generic_cms import extract_certs_for_validation

from pipeline.errors import Tampered
from signing.evidence import is_demo
from signing.revision import present, stamp_tokens

_END = re.compile(rb"%%EOF(?:\r\n|\r|\n)?")


def unsigned_part(content: bytes, sha256: str) -> bytes:
    """The bytes from before the first signature: the beginning, up to the end of a revision, that has this digest.

    Raises Tampered when no beginning has it.
    """
    digest, at = hashlib.sha256(), 0
    for found in _END.finditer(content):
        for end in sorted({found.start() + 5, found.end()}):
            digest.update(content[at:end])
            at = end
            if digest.hexdigest() == sha256:
                return content[:end]
    raise Tampered(
        "no beginning of the signed file is the unsigned one that was recorded",
        vi="Không tìm thấy phần chưa ký trong tệp như đã ghi nhận",
    )


def signed_for_trial(content: bytes) -> bool:
    """Whether a signature of the file is by a DEMO key."""
    return any(_is_trial(one.message) for one in present(content) if not one.is_stamp)


def attested_for_trial(message: bytes) -> bool:
    """Whether a detached signature is by a DEMO key."""
    return _is_trial(cms.ContentInfo.load(message))


def evidence_ends(content: bytes) -> dt.datetime | None:
    """When the certificate of the newest time-stamp ends, after which it proves nothing by itself; None without one."""
    found = present(content)
    stamps = [one.message["content"] for one in found if one.is_stamp]
    if not stamps:
        stamps = [token for one in found for token in stamp_tokens(one.message.dump())]
    ends = [extract_certs_for_validation(one).signer_cert.not_valid_after for one in stamps]
    return max(ends, default=None)


def _is_trial(message: cms.ContentInfo) -> bool:
    return is_demo(extract_certs_for_validation(message["content"]).signer_cert.dump())
