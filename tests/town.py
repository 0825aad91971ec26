"""An authority as it is in a country: root, OCSP, revocation lists and time-stamps over HTTP (certomancer).

It can be stopped and started again at the same address, as a real one is by a power cut.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from certomancer.integrations.animator import Animator, AnimatorArchStore
from certomancer.registry import ArchLabel, CertLabel, CertomancerConfig
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from signing.keys import Identity, scheme_of

TERM = {"valid-from": "2020-01-01T00:00:00+0000", "valid-to": "2100-01-01T00:00:00+0000"}
PEOPLE = {"officer": "Nguyễn Văn An", "agency": "UBND xã Tân Phú", "other": "Người khác"}
USE = {"id": "key_usage", "critical": True}
LINKS = [
    {"id": "crl_distribution_points", "smart-value": {"schema": "crl-dist-url", "params": {"crl-repo-names": ["root"]}}},
    {
        "id": "authority_information_access",
        "smart-value": {"schema": "aia-urls", "params": {"ocsp-responder-names": ["root"]}},
    },
]  # fmt: skip


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


def _usage(*names: str) -> dict[str, Any]:
    return {**USE, "smart-value": {"schema": "key-usage", "params": list(names)}}


def _certificate(name: str, *extensions: dict[str, Any], profiles: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "subject": name,
        "issuer": "root",
        "validity": TERM,
        "profiles": list(profiles),
        "extensions": list(extensions),
    }


def _plan(brief_ends: str) -> dict[str, Any]:
    certs: dict[str, Any] = {
        "root": {
            "subject": "root",
            "issuer": "root",
            "validity": TERM,
            "profiles": [{"id": "simple-ca", "params": {"crl-repo": "root"}}],
        },
        "ocsp": _certificate("ocsp", profiles=("ocsp-responder",)),
        "tsa": _certificate(
            "tsa",
            _usage("digital_signature"),
            {"id": "extended_key_usage", "critical": True, "value": ["time_stamping"]},
            *LINKS,
        ),
    }
    certs["brief"] = {**certs["tsa"], "subject": "brief", "validity": {**TERM, "valid-to": brief_ends}}
    for name in PEOPLE:
        certs[name] = _certificate(name, _usage("digital_signature", "non_repudiation"), *LINKS)
    names = {"root": "Root thử", "ocsp": "OCSP thử", "tsa": "TSA thử", "brief": "TSA ngắn hạn", **PEOPLE}
    return {
        "keyset": "keys",
        "entity-defaults": {"country-name": "VN", "organization-name": "Cơ quan chứng thực thử"},
        "entities": {key: {"common-name": name} for key, name in names.items()},
        "certs": certs,
        "services": {
            "time-stamping": {"tsa": {"signing-cert": "tsa"}, "brief": {"signing-cert": "brief"}},
            "crl-repo": {
                "root": {"for-issuer": "root", "signing-key": "root", "simulated-update-schedule": "P7D"}
            },
            "ocsp": {"root": {"for-issuer": "root", "responder-cert": "ocsp", "signing-key": "ocsp"}},
        },
    }


@dataclass
class Town:
    """`begin` serves at `port`, `stop` lets nobody answer any more."""

    folder: Path
    port: int = 0
    brief_ends: str = TERM["valid-to"]
    _server: WSGIServer | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        logging.getLogger("certomancer").setLevel(logging.ERROR)
        self.folder.mkdir(parents=True, exist_ok=True)
        names = ["root", "ocsp", "tsa", "brief", *PEOPLE]
        for name in names:
            key = (
                ec.generate_private_key(ec.SECP256R1())
                if name == "agency"
                else rsa.generate_private_key(65537, 2048)
            )
            (self.folder / f"{name}.pem").write_bytes(
                key.private_bytes(
                    serialization.Encoding.PEM,
                    serialization.PrivateFormat.PKCS8,
                    serialization.NoEncryption(),
                )
            )
        self._server = make_server(
            "127.0.0.1", 0, lambda environ, start: [b""], server_class=WSGIServer, handler_class=_Quiet
        )
        self.port = self._server.server_port
        keys = {"path-prefix": str(self.folder), "keys": {name: {"path": f"{name}.pem"} for name in names}}
        config = CertomancerConfig(
            {
                "external-url-prefix": f"http://127.0.0.1:{self.port}",
                "keysets": {"keys": keys},
                "pki-architectures": {"town": _plan(self.brief_ends)},
            },
            key_search_dir=str(self.folder),
        )
        self._architecture = config.get_pki_arch(ArchLabel("town"))
        store = AnimatorArchStore({self._architecture.arch_label: self._architecture})
        self._animator = Animator(store, with_web_ui=False)
        (self.folder / "root.crt").write_bytes(self._architecture.get_cert(CertLabel("root")).dump())
        self._server.set_app(self._animator)
        self._serve()

    @property
    def tsa_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/town/tsa/tsa"

    @property
    def brief_tsa_url(self) -> str:
        """An authority whose certificate ends when `brief_ends` says."""
        return f"http://127.0.0.1:{self.port}/town/tsa/brief"

    @property
    def root(self) -> Path:
        return self.folder / "root.crt"

    def identity(self, name: str) -> Identity:
        """That person's certificate and key."""
        der = self._architecture.get_cert(CertLabel(name)).dump()
        key = serialization.load_pem_private_key((self.folder / f"{name}.pem").read_bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey)
        return Identity(
            certificate=der, chain=(self.root.read_bytes(),), key=key, scheme=scheme_of(der, pss=False)
        )

    def certificate_file(self, name: str) -> Path:
        path = self.folder / f"{name}.crt"
        own = x509.load_der_x509_certificate(self.identity(name).certificate)
        path.write_bytes(own.public_bytes(serialization.Encoding.PEM))
        return path

    def begin(self) -> None:
        assert self._server is None
        self._server = make_server(
            "127.0.0.1", self.port, self._animator, server_class=WSGIServer, handler_class=_Quiet
        )
        self._serve()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def _serve(self) -> None:
        assert self._server is not None
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
