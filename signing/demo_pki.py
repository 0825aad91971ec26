"""A public key infrastructure for trials, made on first use: root, issuing authority, officer, agency, time-stamps.

Every name says DEMO. Revocation evidence is lists of its own, signed again when a day old, so that level B-LTA is
reached without any network. Production mode refuses all of it.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from pipeline.errors import UsageError
from pipeline.files import sync_folder, write_whole

YEARS = {"root": 20, "issuer": 20, "officer": 5, "agency": 5, "tsa": 10}
CRL_DAYS = 30
CRL_FRESH = dt.timedelta(days=1)
LEFT_OVER = dt.timedelta(hours=1)
MARK = "DEMO"
ISSUED_BY = {"root": "root", "issuer": "root", "officer": "issuer", "agency": "issuer", "tsa": "issuer"}


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoPki:
    """Where certificates, keys and revocation lists are. Keys are files of mode 0600, never in `repr`."""

    folder: Path

    def certificate(self, name: str) -> Path:
        """PEM: that certificate, and for officer, agency and tsa the issuing authority's behind it."""
        return self.folder / f"{name}.crt"

    def key(self, name: str) -> Path:
        """PEM, PKCS#8."""
        return self.folder / f"{name}.key"

    @property
    def crl(self) -> Path:
        """PEM: the root's list and the issuing authority's."""
        return self.folder / "demo.crl"

    def refresh(self, now: dt.datetime | None = None) -> None:
        """Sign the revocation lists again when they are a day old."""
        now = now or dt.datetime.now(dt.UTC)
        if _crl_due(self, now):
            write_whole(self.crl, _crls(self, now), "application/pkix-crl")


def ensure_demo_pki(folder: Path, *, agency: str, officer: str, now: dt.datetime | None = None) -> DemoPki:
    """The demo infrastructure in `folder`, made when missing; whole or absent, also when two start at once.

    When the agency or the officer was renamed since, a new certificate is issued under the same root. Raises
    UsageError when the folder holds something else.
    """
    now = now or dt.datetime.now(dt.UTC)
    pki = DemoPki(folder=folder)
    if not pki.certificate("root").exists():
        _create(folder, agency=agency, officer=officer, now=now)
    for name, common in (("officer", officer), ("agency", agency)):
        if not _fits(pki, name, common, now):
            with _locked(folder):
                if not _fits(pki, name, common, now):
                    _issue(pki, name, common, organisation=agency, now=now)
    pki.refresh(now)
    return pki


def _create(folder: Path, *, agency: str, officer: str, now: dt.datetime) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _sweep(folder.parent, now)
    draft = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".demo-"))
    pki = DemoPki(folder=draft)
    try:
        for name, common in (
            ("root", "Root - sohoa"),
            ("issuer", "Issuing authority - sohoa"),
            ("officer", officer),
            ("agency", agency),
            ("tsa", "Time-stamp authority - sohoa"),
        ):
            _issue(pki, name, common, organisation=agency, now=now)
        pki.refresh(now)
        try:
            draft.rename(folder)
            sync_folder(folder.parent)
        except OSError as error:
            if not DemoPki(folder=folder).certificate("root").exists():  # else another process was first
                raise UsageError(
                    f"{folder} holds no demo keys but other files; move them away, or name another folder",
                    vi=f"Thư mục {folder} có tệp khác, không phải khóa thử nghiệm; hãy dời đi",
                ) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _sweep(parent: Path, now: dt.datetime) -> None:
    """Remove what a crash in the middle left; no document was ever signed with it."""
    for draft in parent.glob(".demo-*"):
        if now.timestamp() - draft.stat().st_mtime > LEFT_OVER.total_seconds():
            shutil.rmtree(draft, ignore_errors=True)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _fits(pki: DemoPki, name: str, common: str, now: dt.datetime) -> bool:
    """Whether certificate and key belong together, carry that name and hold for another month.

    A crash between the two files of a new issue is mended here.
    """
    try:
        certificate = x509.load_pem_x509_certificate(pki.certificate(name).read_bytes())
        key = serialization.load_pem_private_key(pki.key(name).read_bytes(), password=None)
    except FileNotFoundError:
        return False
    named = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
    return (
        named == _common(common)
        and key.public_key() == certificate.public_key()
        and certificate.not_valid_after_utc - now > dt.timedelta(days=30)
    )


def _issue(pki: DemoPki, name: str, common: str, *, organisation: str, now: dt.datetime) -> None:
    issuer = ISSUED_BY[name]
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _name(common, organisation)
    if issuer == name:
        signing, issued_by, end = key, subject, now + dt.timedelta(days=365 * YEARS[name])
    else:
        above = x509.load_pem_x509_certificate(pki.certificate(issuer).read_bytes())
        signing, issued_by = _authority_key(pki, issuer), above.subject
        end = min(now + dt.timedelta(days=365 * YEARS[name]), above.not_valid_after_utc)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issued_by)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(end)
        .add_extension(_constraints(name), critical=True)
        .add_extension(_usage(name), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key()), critical=False
        )
    )
    if name == "tsa":
        stamping = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
        builder = builder.add_extension(stamping, critical=True)
    pem = builder.sign(signing, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    if issuer == "issuer":
        pem += pki.certificate("issuer").read_bytes()
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    write_whole(pki.key(name), secret, "application/pkcs8")  # a temporary file, so 0600 from its birth
    write_whole(pki.certificate(name), pem, "application/x-pem-file")


def _common(common: str) -> str:
    return f"{MARK} {common}"[:64]


def _name(common: str, organisation: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "VN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, f"{MARK} {organisation}"[:64]),
            x509.NameAttribute(NameOID.COMMON_NAME, _common(common)),
        ]
    )


def _constraints(name: str) -> x509.BasicConstraints:
    lengths = {"root": 1, "issuer": 0}
    return x509.BasicConstraints(ca=name in lengths, path_length=lengths.get(name))


def _usage(name: str) -> x509.KeyUsage:
    authority = name in ("root", "issuer")
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


def _authority_key(pki: DemoPki, name: str) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(pki.key(name).read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise UsageError(f"{pki.key(name)} is not the demo key made here; remove {pki.folder}")
    return key


def _crl_due(pki: DemoPki, now: dt.datetime) -> bool:
    if not pki.crl.exists():
        return True
    made = x509.load_pem_x509_crl(pki.crl.read_bytes()).last_update_utc
    return not made <= now < made + CRL_FRESH


def _crls(pki: DemoPki, now: dt.datetime) -> bytes:
    return b"".join(_crl(pki, name, now) for name in ("root", "issuer"))


def _crl(pki: DemoPki, name: str, now: dt.datetime) -> bytes:
    """An empty list of that authority, valid 30 days; an hour before now, for clocks that lag."""
    issuer = x509.load_pem_x509_certificate(pki.certificate(name).read_bytes())
    key = _authority_key(pki, name)
    return (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.subject)
        .last_update(now - dt.timedelta(hours=1))
        .next_update(now + dt.timedelta(days=CRL_DAYS))
        .add_extension(x509.CRLNumber(int(now.timestamp())), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
