"""A public key infrastructure for trials, made on first use: root, officer, agency, time-stamp authority.

Every name says DEMO. Revocation evidence is a list of the root's own, signed again when it is due, so that level
B-LTA is reached without any network. Production mode refuses all of it.
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

YEARS = {"root": 20, "officer": 5, "agency": 5, "tsa": 10}
CRL_DAYS = 30
MARK = "DEMO"


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoPki:
    """Where the demo certificates, keys and the revocation list are; keys are 0600 files, never in `repr`."""

    folder: Path

    def certificate(self, name: str) -> Path:
        return self.folder / f"{name}.crt"

    def key(self, name: str) -> Path:
        return self.folder / f"{name}.key"

    @property
    def crl(self) -> Path:
        return self.folder / "root.crl"


def ensure_demo_pki(folder: Path, *, agency: str, officer: str, now: dt.datetime | None = None) -> DemoPki:
    """The demo infrastructure in `folder`, made when missing; whole or absent, also when two start at once."""
    now = now or dt.datetime.now(dt.UTC)
    pki = DemoPki(folder=folder)
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".demo-"))
        _make(DemoPki(folder=draft), agency=agency, officer=officer, now=now)
        try:
            draft.rename(folder)
        except OSError:  # another process was first
            shutil.rmtree(draft)
    if _crl_due(pki, now):
        _write_crl(pki, now)
    return pki


def _make(pki: DemoPki, *, agency: str, officer: str, now: dt.datetime) -> None:
    names = {
        "root": f"{MARK} Root - sohoa",
        "officer": f"{MARK} {officer}",
        "agency": f"{MARK} {agency}",
        "tsa": f"{MARK} Time-stamp authority - sohoa",
    }
    keys = {name: ec.generate_private_key(ec.SECP256R1()) for name in names}
    root_name = _name(names["root"], agency)
    for name, common in names.items():
        public = keys[name].public_key()
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(common, agency))
            .issuer_name(root_name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=365 * YEARS[name]))
            .add_extension(x509.BasicConstraints(ca=name == "root", path_length=None), critical=True)
            .add_extension(_usage(name), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(keys["root"].public_key()), critical=False
            )
        )
        if name == "tsa":
            stamping = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
            builder = builder.add_extension(stamping, critical=True)
        certificate = builder.sign(keys["root"], hashes.SHA256())
        pki.certificate(name).write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        secret = keys[name].private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        with os.fdopen(os.open(pki.key(name), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(secret)
    _write_crl(pki, now)


def _name(common: str, agency: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "VN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, f"{MARK} {agency}"[:64]),
            x509.NameAttribute(NameOID.COMMON_NAME, common[:64]),
        ]
    )


def _usage(name: str) -> x509.KeyUsage:
    authority = name == "root"
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=name in ("officer", "agency"),
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _crl_due(pki: DemoPki, now: dt.datetime) -> bool:
    if not pki.crl.exists():
        return True
    found = x509.load_der_x509_crl(pki.crl.read_bytes())
    following = found.next_update_utc
    return following is None or following - now < dt.timedelta(days=CRL_DAYS / 2)


def _write_crl(pki: DemoPki, now: dt.datetime) -> None:
    root = x509.load_pem_x509_certificate(pki.certificate("root").read_bytes())
    key = serialization.load_pem_private_key(pki.key("root").read_bytes(), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    crl = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(root.subject)
        .last_update(now - dt.timedelta(hours=1))
        .next_update(now + dt.timedelta(days=CRL_DAYS))
        .add_extension(x509.CRLNumber(int(now.timestamp())), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    part = pki.crl.with_suffix(".part")
    part.write_bytes(crl.public_bytes(serialization.Encoding.DER))
    part.replace(pki.crl)
