"""Time-stamps for evidence records: asked for, their signers judged, and until when they prove anything."""

from __future__ import annotations

import datetime as dt

from asn1crypto import cms
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from pyhanko.sign.timestamps import TimeStamper, TimestampRequestError
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.generic_cms import extract_certs_for_validation

from pipeline.errors import NeedsPerson, Unavailable
from signing.algorithm_strength import weaknesses
from signing.cms import run
from signing.evidence import Evidence, Gate, Use

NEVER = dt.datetime.max.replace(tzinfo=dt.UTC)


class EvidenceStamper:
    """Tokens (RFC 3161) of the home's authority."""

    def __init__(self, timestamper: TimeStamper | None, gate: Gate) -> None:
        self._timestamper = timestamper
        self._gate = gate

    def stamp(self, digest: bytes, algorithm: str) -> bytes:
        """A token over a digest. Raises Unavailable, NeedsPerson."""
        if self._timestamper is None:
            raise NeedsPerson(
                "there is no time-stamp authority: set signing.tsa_url, then run `sohoa renew`",
                vi="Chưa có máy chủ dấu thời gian: hãy đặt signing.tsa_url rồi chạy `sohoa renew`",
            )
        try:
            return bytes(run(self._timestamper.async_timestamp(digest, algorithm)).dump())
        except (TimestampRequestError, SignatureValidationError) as error:
            raise Unavailable(
                f"the time-stamp authority does not answer: {error}",
                vi="Máy chủ dấu thời gian không trả lời; sẽ thử lại",
            ) from error

    def proof(self, token: bytes) -> Evidence:
        """The proof that the signer of a token is good now. Raises Unavailable when it is not."""
        found = extract_certs_for_validation(cms.ContentInfo.load(token)["content"])
        others = [one.dump() for one in found.other_certs]
        return self._gate.pass_through(found.signer_cert.dump(), others, Use.TIME_STAMPS)


def proves_until(token: bytes) -> dt.datetime:
    """When a time-stamp ends to prove anything: its certificate ends, or its digest or key counts as weak."""
    signed = cms.ContentInfo.load(token)["content"]
    own = x509.load_der_x509_certificate(extract_certs_for_validation(signed).signer_cert.dump())
    key = own.public_key()
    kind = (
        "rsa"
        if isinstance(key, rsa.RSAPublicKey)
        else "ec"
        if isinstance(key, ec.EllipticCurvePublicKey)
        else ""
    )
    digest = str(signed["signer_infos"][0]["digest_algorithm"]["algorithm"].native)
    weak = weaknesses(
        digest, kind, key.key_size if isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey) else 0
    )
    return min([own.not_valid_after_utc, *(_end_of(one.until) for one in weak)])


def digest_until(algorithm: str) -> dt.datetime:
    """The end of the last day on which a digest algorithm counts as strong."""
    return min((_end_of(one.until) for one in weaknesses(algorithm, "", 0)), default=NEVER)


def _end_of(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(23, 59, 59), dt.UTC)
