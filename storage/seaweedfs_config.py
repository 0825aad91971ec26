"""The embedded store's configuration: made once per home, hardened, private to its owner.

Object Lock is enforced by the S3 gateway alone; master, filer and volume servers listen beside it. So their
HTTP is off, their gRPC asks for certificates of a private authority, and every file here is 0600.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import os
import secrets
import socket
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

ROLES = ("master", "volume", "filer", "s3", "client", "admin", "worker", "msg_broker", "mq")
FILER = '[leveldb2]\nenabled = false\n[sqlite]\nenabled = true\ndbFile = "../filer.db"\n'
SERVICES = ("master", "volume", "filer", "s3")


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """One identity of the store; `repr` hides the secret."""

    name: str
    access_key: str
    secret_key: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreConfig:
    """Ports by service (gRPC is 10000 above), and the identities by name."""

    bucket: str
    ports: dict[str, int]
    identities: dict[str, Credentials]


def ensure_config(etc: Path, *, bucket: str) -> StoreConfig:
    """The configuration in `etc`, made when it is not there yet; complete or absent, never half."""
    mark = etc / "home.json"
    if mark.exists():
        return _load(mark)
    etc.mkdir(parents=True, exist_ok=True, mode=0o700)
    identities = {
        name: Credentials(
            name=f"sohoa-{name}", access_key=secrets.token_hex(10), secret_key=secrets.token_hex(24)
        )
        for name in ("admin", "writer", "reader")
    }
    config = StoreConfig(bucket=bucket, ports=free_ports(), identities=identities)
    _write_pki(etc)
    _private(etc / "security.toml", _security())
    _private(etc / "filer.toml", FILER)
    _private(etc / "s3.json", _s3(config))
    save(etc, config)
    return config


def save(etc: Path, config: StoreConfig) -> None:
    """Write the mark that makes the configuration whole."""
    content = {
        "bucket": config.bucket,
        "ports": config.ports,
        "identities": {
            role: {"name": c.name, "access_key": c.access_key, "secret_key": c.secret_key}
            for role, c in config.identities.items()
        },
    }
    _private(etc / "home.json", json.dumps(content, indent=1))


def _load(mark: Path) -> StoreConfig:
    found = json.loads(mark.read_text("utf-8"))
    return StoreConfig(
        bucket=found["bucket"],
        ports={name: int(port) for name, port in found["ports"].items()},
        identities={role: Credentials(**values) for role, values in found["identities"].items()},
    )


def free_ports() -> dict[str, int]:
    """Free ports on loopback, each with its gRPC twin 10000 above."""
    found: dict[str, int] = {}
    while len(found) < len(SERVICES):
        port = 20_000 + secrets.randbelow(25_000)
        if are_usable([*found.values(), port]):
            found[SERVICES[len(found)]] = port
    return found


def are_usable(ports: Iterable[int]) -> bool:
    """Whether ports and their gRPC twins are free, and no one is the twin of another: such a store never starts."""
    both = [port + above for port in ports for above in (0, 10_000)]
    return len(set(both)) == len(both) and all(map(is_free, both))


def is_free(port: int) -> bool:
    """Whether nobody listens at this port of loopback."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _private(path: Path, content: str) -> None:
    part = path.with_suffix(path.suffix + ".part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    part.replace(path)


def _security() -> str:
    """Paths are as seen from this folder, where the server runs, so that a home can be moved or copied."""
    keys = "\n".join(
        f'[jwt.{name}]\nkey = "{secrets.token_hex(32)}"'
        for name in ("signing", "signing.read", "filer_signing", "filer_signing.read")
    )
    roles = "\n".join(f'[grpc.{role}]\ncert = "node.crt"\nkey = "node.key"' for role in ROLES)
    return (
        f"{keys}\n[access]\nui = false\n[filer.expose_directory_metadata]\nenabled = false\n"
        f'[s3.sse]\nkek = "{secrets.token_hex(32)}"\n[grpc]\nca = "ca.crt"\n{roles}\n'
    )


def _s3(config: StoreConfig) -> str:
    on = config.bucket
    locks = ("PutObjectRetention", "PutObjectLegalHold", "GetObjectRetention", "GetObjectLegalHold")
    actions = {
        "admin": ["Admin", "Read", "List", "Tagging", "Write"],
        "writer": [f"{a}:{on}" for a in ("Read", "List", "Tagging", "Write", *locks)],
        "reader": [f"Read:{on}", f"List:{on}"],
    }
    identities = [
        {
            "name": who.name,
            "credentials": [{"accessKey": who.access_key, "secretKey": who.secret_key}],
            "actions": actions[role],
        }
        for role, who in config.identities.items()
    ]
    return json.dumps({"identities": identities}, indent=1)


def _write_pki(etc: Path) -> None:
    """A private authority and one node certificate for loopback, both for ten years."""
    now = dt.datetime.now(dt.UTC)
    ca_key, node_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sohoa store authority")])

    def builder(name: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(ca_name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=3650))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            # RFC 5280, 4.2.1.1; Python from 3.13 on believes no chain without it.
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False
            )
        )

    signs = x509.KeyUsage(
        digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    ca = (
        builder(ca_name, ca_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(signs, critical=True)
    )
    node_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sohoa store node")])
    names = [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost")]
    usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    node = (
        builder(node_name, node_key)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
    )
    pem = serialization.Encoding.PEM
    _private(etc / "ca.crt", ca.sign(ca_key, hashes.SHA256()).public_bytes(pem).decode())
    _private(etc / "node.crt", node.sign(ca_key, hashes.SHA256()).public_bytes(pem).decode())
    plain = serialization.NoEncryption()
    key_text = node_key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain).decode()
    _private(etc / "node.key", key_text)
