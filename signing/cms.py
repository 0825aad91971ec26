"""CMS signatures over a digest, by pyHanko, with keys from any source and tokens from any authority.

CAdES attributes (ETSI EN 319 122-1): content type, message digest, signing certificate v2, algorithm protection.
Roots stay out of the message: whoever trusts one has it, and level LT keeps it in the document.

Values of asn1crypto are read and measured only when first asked for, and are for one thread: two that ask a root at
once whether it is self-signed get two answers. Each thread has a builder of its own.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import threading
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar, TypeVar

from asn1crypto import algos, cms, x509
from pyhanko.sign.signers.pdf_cms import Signer
from pyhanko.sign.timestamps import TimeStamper
from pyhanko_certvalidator.registry import SimpleCertificateStore

from signing.keys import SALT, KeySource, Scheme

DIGEST = "sha256"
T = TypeVar("T")


class SourceSigner(Signer):
    """pyHanko's CMS builder over a `KeySource`, for one thread; SHA-256 always."""

    def __init__(self, source: KeySource) -> None:
        store = SimpleCertificateStore()
        self.certificate = source.certificate
        own = x509.Certificate.load(self.certificate)
        above = [x509.Certificate.load(one) for one in source.chain]
        store.register_multiple([own, *(one for one in above if one.subject != one.issuer)])
        super().__init__(
            signing_cert=own,
            cert_registry=store,
            embed_roots=False,
            signature_mechanism=_mechanism(source.scheme),
        )
        self.source = source
        self.ends: dt.datetime = own.not_valid_after

    async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:
        """Sign the SHA-256 digest of `data`."""
        return self.source.sign_digest(hashlib.new(digest_algorithm, data).digest())

    async def unsigned_attrs(self, *args: Any, **named: Any) -> cms.CMSAttributes | None:
        """PyHanko's attributes, encoded once and for all."""
        found = await super().unsigned_attrs(*args, **named)
        return None if found is None else _Sealed.load(found.dump())


class Builders:
    """A builder for each thread, for the certificate that the key has now: another token is another builder."""

    def __init__(self, source: KeySource) -> None:
        self.source = source
        self._here = threading.local()

    def here(self) -> SourceSigner:
        """That of the calling thread."""
        known: SourceSigner | None = getattr(self._here, "builder", None)
        if known is None or known.certificate != self.source.certificate:
            known = self._here.builder = SourceSigner(self.source)
        return known


class _SealedAttribute(cms.CMSAttribute):  # type: ignore[misc]
    _oid_specs: ClassVar[dict[str, Any]] = {}


class _Sealed(cms.CMSAttributes):  # type: ignore[misc]
    """Attributes whose values asn1crypto does not look into.

    It takes a length that ends in 0x80 for an indefinite one, and encodes anew all that lies inside: twice or thrice
    at each level, each time. With a time-stamp token inside, one signature in ten took half a minute.
    """

    _child_spec = _SealedAttribute


def _mechanism(scheme: Scheme) -> algos.SignedDigestAlgorithm:
    if scheme is Scheme.ECDSA:
        return algos.SignedDigestAlgorithm({"algorithm": "sha256_ecdsa"})
    if scheme is Scheme.RSA:
        return algos.SignedDigestAlgorithm({"algorithm": "sha256_rsa"})
    sha = {"algorithm": DIGEST}
    parameters = algos.RSASSAPSSParams(
        {
            "hash_algorithm": algos.DigestAlgorithm(sha),
            "mask_gen_algorithm": algos.MaskGenAlgorithm(
                {"algorithm": "mgf1", "parameters": algos.DigestAlgorithm(sha)}
            ),
            "salt_length": SALT,
        }
    )
    return algos.SignedDigestAlgorithm({"algorithm": "rsassa_pss", "parameters": parameters})


def sign(signer: Signer, digest: bytes, *, timestamper: TimeStamper | None, pdf: bool) -> bytes:
    """DER of a detached CMS over a SHA-256 digest, as PAdES asks when `pdf`, else as CAdES."""
    message = run(signer.async_sign(digest, DIGEST, use_pades=True, timestamper=timestamper, is_pdf_sig=pdf))
    return bytes(message.dump())


def token(timestamper: TimeStamper, digest: bytes) -> cms.ContentInfo:
    """A time-stamp token over a SHA-256 digest."""
    return run(timestamper.async_timestamp(digest, DIGEST))


def run(work: Coroutine[Any, Any, T]) -> T:
    """The outcome of a coroutine, also when the calling thread runs an event loop already."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(max_workers=1) as aside:
        return aside.submit(asyncio.run, work).result()
