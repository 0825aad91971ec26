"""Keys behind one seam: a digest goes out, a signature comes in; where the key lives is the source's own matter.

A file's key is parsed once and kept: loading one costs many times more than signing with it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

from pipeline.errors import UsageError

LEAST_RSA_BITS = 2048
LEAST_EC_BITS = 256
SALT = 32


class Scheme(StrEnum):
    """Signature algorithms over SHA-256 that Thông tư 15/2025/TT-BKHCN accepts, and PKCS#1 v1.5 of older tokens."""

    ECDSA = "ecdsa"
    RSA = "rsa-pkcs1v15"
    PSS = "rsa-pss"


class KeySource(Protocol):
    """A certificate with the means to sign for it."""

    @property
    def certificate(self) -> bytes:
        """DER of the signing certificate."""
        ...

    @property
    def chain(self) -> tuple[bytes, ...]:
        """DER of the authorities above it, as far as known."""
        ...

    @property
    def scheme(self) -> Scheme: ...

    def sign_digest(self, digest: bytes) -> bytes:
        """Signature over a SHA-256 digest (ECDSA as DER). Raises Unavailable when the key does not answer."""
        ...

    def close(self) -> None:
        """Let go of the key."""
        ...


@dataclass(frozen=True, slots=True)
class Identity:
    """A key source in memory: certificate, chain and parsed key; the key never shows."""

    certificate: bytes = field(repr=False)
    chain: tuple[bytes, ...] = field(repr=False)
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey = field(repr=False)
    scheme: Scheme

    def sign_digest(self, digest: bytes) -> bytes:
        algorithm = utils.Prehashed(hashes.SHA256())
        if isinstance(self.key, ec.EllipticCurvePrivateKey):
            return self.key.sign(digest, ec.ECDSA(algorithm))
        if self.scheme is Scheme.PSS:
            return self.key.sign(digest, padding.PSS(padding.MGF1(hashes.SHA256()), SALT), algorithm)
        return self.key.sign(digest, padding.PKCS1v15(), algorithm)

    def close(self) -> None:
        pass


def fits(certificate: bytes, scheme: Scheme, digest: bytes, signature: bytes) -> bool:
    """Whether a signature over a SHA-256 digest is by the key of that DER certificate."""
    public = x509.load_der_x509_certificate(certificate).public_key()
    algorithm = utils.Prehashed(hashes.SHA256())
    try:
        if isinstance(public, ec.EllipticCurvePublicKey):
            public.verify(signature, digest, ec.ECDSA(algorithm))
        elif isinstance(public, rsa.RSAPublicKey) and scheme is Scheme.PSS:
            public.verify(signature, digest, padding.PSS(padding.MGF1(hashes.SHA256()), SALT), algorithm)
        elif isinstance(public, rsa.RSAPublicKey):
            public.verify(signature, digest, padding.PKCS1v15(), algorithm)
        else:
            return False
    except InvalidSignature:
        return False
    return True


def holder(certificate: bytes) -> str:
    """Common name of a DER certificate's holder."""
    names = x509.load_der_x509_certificate(certificate).subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else "?"


def certificates(path: Path) -> tuple[bytes, ...]:
    """All certificates of a PEM or DER file, as DER. Raises UsageError."""
    content = path.read_bytes()
    try:
        if b"-----BEGIN" in content:
            found = x509.load_pem_x509_certificates(content)
        else:
            found = [x509.load_der_x509_certificate(content)]
    except ValueError as error:
        raise UsageError(
            f"{path.name} is no certificate file", vi=f"{path.name} không phải tệp chứng thư"
        ) from error
    return tuple(one.public_bytes(serialization.Encoding.DER) for one in found)


def from_pem(certificate: Path, key: Path, chain: tuple[Path, ...] = (), *, pss: bool = False) -> Identity:
    """An identity from PEM files; more certificates in the first file join the chain.

    Raises UsageError when key and certificate do not belong together.
    """
    own, *others = certificates(certificate)
    above = [*others, *(one for path in chain for one in certificates(path))]
    secret = serialization.load_pem_private_key(key.read_bytes(), password=None)
    return _identity(own, tuple(dict.fromkeys(above)), secret, pss=pss)


def from_pkcs12(path: Path, password: bytes, *, pss: bool = False) -> Identity:
    """An identity from a PKCS#12 file. Raises UsageError when the password or the file is wrong."""
    try:
        secret, own, others = pkcs12.load_key_and_certificates(path.read_bytes(), password)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{path.name}: wrong password, or no PKCS#12 file; give the right one",
            vi=f"{path.name}: sai mật khẩu hoặc không phải tệp PKCS#12",
        ) from error
    if secret is None or own is None:
        raise UsageError(
            f"{path.name} holds no key with its certificate; export both together",
            vi=f"{path.name} không có khóa kèm chứng thư",
        )
    chain = tuple(other.public_bytes(serialization.Encoding.DER) for other in others)
    return _identity(own.public_bytes(serialization.Encoding.DER), chain, secret, pss=pss)


def scheme_of(certificate: bytes, *, pss: bool) -> Scheme:
    """The algorithm for that certificate's key. Raises UsageError when the key is too weak or of another kind."""
    public = x509.load_der_x509_certificate(certificate).public_key()
    if isinstance(public, ec.EllipticCurvePublicKey) and public.key_size >= LEAST_EC_BITS:
        return Scheme.ECDSA
    if isinstance(public, rsa.RSAPublicKey) and public.key_size >= LEAST_RSA_BITS:
        return Scheme.PSS if pss else Scheme.RSA
    raise UsageError(
        f"the key of {holder(certificate)} may not sign: RSA of 2048 bits or ECDSA of 256 at least",
        vi=f"Khóa của {holder(certificate)} quá yếu: cần RSA từ 2048 bit hoặc ECDSA từ 256 bit",
    )


def _identity(own: bytes, chain: tuple[bytes, ...], secret: object, *, pss: bool) -> Identity:
    scheme = scheme_of(own, pss=pss)
    if not isinstance(secret, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise UsageError(f"the key of {holder(own)} is neither RSA nor ECDSA")
    if secret.public_key() != x509.load_der_x509_certificate(own).public_key():
        raise UsageError(
            f"key and certificate of {holder(own)} do not belong together",
            vi=f"Khóa và chứng thư của {holder(own)} không khớp nhau",
        )
    return Identity(certificate=own, chain=chain, key=secret, scheme=scheme)
