"""Keys that stay parsed: loading a private key costs more than signing with it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from pyhanko.keys import load_cert_from_pemder
from pyhanko.sign.signers.pdf_cms import Signer as CmsSigner
from pyhanko_certvalidator.registry import SimpleCertificateStore

from pipeline.errors import Unavailable, UsageError

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True, slots=True)
class Identity:
    """A certificate, its chain and its parsed key; the key never shows."""

    certificate: asn1_x509.Certificate
    chain: tuple[asn1_x509.Certificate, ...]
    key: PrivateKey = field(repr=False)

    @property
    def name(self) -> str:
        """Common name of the holder."""
        return str(self.certificate.subject.native.get("common_name", "?"))


def from_pem(certificate: Path, key: Path, chain: tuple[Path, ...]) -> Identity:
    """An identity from PEM files. Raises UsageError when they do not fit."""
    secret = serialization.load_pem_private_key(key.read_bytes(), password=None)
    return Identity(
        certificate=load_cert_from_pemder(str(certificate)),
        chain=tuple(load_cert_from_pemder(str(path)) for path in chain),
        key=_supported(secret),
    )


def from_pkcs12(path: Path, password: bytes) -> Identity:
    """An identity from a PKCS#12 file. Raises UsageError when the password or the file is wrong."""
    try:
        secret, certificate, others = pkcs12.load_key_and_certificates(path.read_bytes(), password)
    except ValueError as error:
        raise UsageError(
            f"{path.name}: wrong password or no PKCS#12 file", vi=f"{path.name}: sai mật khẩu hoặc sai tệp"
        ) from error
    if secret is None or certificate is None:
        raise UsageError(f"{path.name} holds no key with its certificate")
    return Identity(
        certificate=_asn1(certificate), chain=tuple(_asn1(other) for other in others), key=_supported(secret)
    )


def _asn1(certificate: x509.Certificate) -> asn1_x509.Certificate:
    return asn1_x509.Certificate.load(certificate.public_bytes(serialization.Encoding.DER))


def _supported(key: Any) -> PrivateKey:
    if isinstance(key, ec.EllipticCurvePrivateKey) or (
        isinstance(key, rsa.RSAPrivateKey) and key.key_size >= 2048
    ):
        return key
    raise UsageError("only ECDSA keys and RSA keys of at least 2048 bits may sign (TT 15/2025/TT-BKHCN)")


def check_usable(identity: Identity, *, now: dt.datetime, purpose: str = "content_commitment") -> None:
    """Refuse what must not sign: not yet or no longer valid, or made for another use. Raises Unavailable."""
    certificate = x509.load_der_x509_certificate(identity.certificate.dump())
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise Unavailable(
            f"the certificate of {identity.name} is not valid today; renew it, signing goes on by itself",
            vi=f"Chứng thư của {identity.name} không còn (hoặc chưa) hiệu lực; hãy gia hạn",
        )
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
        fits = bool(getattr(usage, purpose))
    except x509.ExtensionNotFound:
        fits = True
    if not fits:
        raise Unavailable(
            f"the certificate of {identity.name} is not meant for signing documents",
            vi=f"Chứng thư của {identity.name} không dùng để ký văn bản",
        )


class CachedSigner(CmsSigner):
    """pyHanko's signer over a key that is parsed once."""

    def __init__(self, identity: Identity) -> None:
        store = SimpleCertificateStore()
        store.register_multiple([identity.certificate, *identity.chain])
        super().__init__(signing_cert=identity.certificate, cert_registry=store, embed_roots=True)
        self._key = identity.key

    async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:
        """Sign with ECDSA or RSA PKCS#1 v1.5 over the named digest."""
        digest = getattr(hashes, digest_algorithm.upper().replace("-", ""))()
        if isinstance(self._key, ec.EllipticCurvePrivateKey):
            return self._key.sign(data, ec.ECDSA(digest))
        return self._key.sign(data, padding.PKCS1v15(), digest)
