"""Whether a signature value holds under the key of its certificate, where pyHanko cannot say.

SHA-3 with RSA (Thông tư 15/2025/TT-BKHCN lists it; NIST CSOR 2.16.840.1.101.3.4.3.13 to .16), and RSA values whose
object names one hash as its digest and another in its signature algorithm.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

from asn1crypto import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

HASHES: dict[str, hashes.HashAlgorithm] = {
    one.name.replace("-", "_"): one
    for one in (
        hashes.SHA1(),
        hashes.SHA224(),
        hashes.SHA256(),
        hashes.SHA384(),
        hashes.SHA512(),
        hashes.SHA3_224(),
        hashes.SHA3_256(),
        hashes.SHA3_384(),
        hashes.SHA3_512(),
    )
}
RSA_SHA3 = {
    "2.16.840.1.101.3.4.3.13": "sha3_224",
    "2.16.840.1.101.3.4.3.14": "sha3_256",
    "2.16.840.1.101.3.4.3.15": "sha3_384",
    "2.16.840.1.101.3.4.3.16": "sha3_512",
}


class Value(Enum):
    """`MISNAMED`: it holds, but not under the algorithm that it names."""

    HOLDS = "holds"
    MISNAMED = "misnamed"
    BROKEN = "broken"


def rsa_value(info: Any, certificate: x509.Certificate, data: bytes) -> Value:
    """An RSA PKCS#1 v1.5 value over `data`, by the named hash, else by the one named as the digest's."""
    named = RSA_SHA3.get(info["signature_algorithm"]["algorithm"].dotted)
    if named is None:
        try:
            named = str(info["signature_algorithm"].hash_algo)
        except ValueError:
            return Value.BROKEN
    digest = str(info["digest_algorithm"]["algorithm"].native)
    for name, worth in ((named, Value.HOLDS), (digest, Value.MISNAMED)):
        if name in HASHES and _holds(info["signature"].native, certificate, data, HASHES[name]):
            return worth
    return Value.BROKEN


def _holds(value: bytes, certificate: x509.Certificate, data: bytes, how: hashes.HashAlgorithm) -> bool:
    try:
        key = load_der_public_key(certificate.public_key.dump())
        if not isinstance(key, rsa.RSAPublicKey):
            return False
        key.verify(value, data, padding.PKCS1v15(), how)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True
