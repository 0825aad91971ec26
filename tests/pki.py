"""Small infrastructures of keys made by the tests: any fault a certificate can have, on demand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from signing.keys import Identity, from_pem

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
DAY = dt.timedelta(days=1)


@dataclass
class Authority:
    """A root that issues what it is asked for, and a list of what it revoked."""

    folder: Path
    name: str = "Thử nghiệm Root"
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    revoked: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        certificate = (
            self._builder(self.name, self.key, now() - 400 * DAY, now() + 3650 * DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=True)
            .add_extension(_usage(authority=True), critical=True)
            .sign(self.key, hashes.SHA256())
        )
        self.root.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        self.publish()

    @property
    def root(self) -> Path:
        return self.folder / "root.crt"

    @property
    def crl(self) -> Path:
        return self.folder / "root.crl"

    def issue(
        self,
        name: str,
        *,
        begins: dt.datetime | None = None,
        ends: dt.datetime | None = None,
        signs_documents: bool = True,
        stamps_time: bool = False,
        make_key: Callable[[], Key] = lambda: ec.generate_private_key(ec.SECP256R1()),
        pss: bool = False,
    ) -> Identity:
        """An identity with that term and use."""
        key = make_key()
        builder = (
            self._builder(name, key, begins or now() - DAY, ends or now() + 365 * DAY)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(commits=signs_documents), critical=True)
        )
        if stamps_time:
            use = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
            builder = builder.add_extension(use, critical=True)
        pem = builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        certificate, secret = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        certificate.write_bytes(pem)
        secret.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return from_pem(certificate, secret, (self.root,), pss=pss)

    def revoke(self, identity: Identity) -> None:
        self.revoked.append(x509.load_der_x509_certificate(identity.certificate).serial_number)
        self.publish()

    def publish(self, *, made: dt.datetime | None = None, term: dt.timedelta = 7 * DAY) -> None:
        """Sign the revocation list anew."""
        made = made or now() - dt.timedelta(hours=1)
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(_named(self.name))
            .last_update(made)
            .next_update(made + term)
            .add_extension(x509.CRLNumber(len(self.revoked) + 1), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False
            )
        )
        for number in self.revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(number).revocation_date(made).build()
            builder = builder.add_revoked_certificate(entry)
        self.crl.write_bytes(builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def _builder(
        self, name: str, key: Key, begins: dt.datetime, ends: dt.datetime
    ) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(_named(name))
            .issuer_name(_named(self.name))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begins)
            .not_valid_after(ends)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False
            )
        )


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC).replace(microsecond=0)


def rsa_key(bits: int = 2048) -> Callable[[], Key]:
    return lambda: rsa.generate_private_key(65537, bits)


def _named(name: str) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.COUNTRY_NAME, "VN"), x509.NameAttribute(NameOID.COMMON_NAME, name)]
    )


def _usage(*, authority: bool = False, commits: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=commits,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )
