"""Whom to believe: certificates an administrator put into a folder, and the demo root, marked as such."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import UsageError


@dataclass(frozen=True, slots=True)
class TrustStore:
    """`anchors` are DER certificates; `demo` is the digest of the demo root among them, if any."""

    anchors: tuple[bytes, ...]
    demo: str | None

    @classmethod
    def of(cls, folder: Path, *, demo_root: Path | None = None) -> TrustStore:
        """All `.crt`, `.cer`, `.pem` and `.der` files of a folder; nothing is trusted by default."""
        anchors = []
        if folder.exists():
            for path in sorted(folder.iterdir()):
                if path.suffix.lower() in (".crt", ".cer", ".pem", ".der"):
                    anchors += _read(path)
        demo = None
        if demo_root is not None:
            root = _read(demo_root)[0]
            anchors.append(root)
            demo = hashlib.sha256(root).hexdigest()
        return cls(tuple(anchors), demo)

    @property
    def only_demo(self) -> bool:
        """Whether the demo root is all that is trusted."""
        return self.demo is not None and len(self.anchors) == 1


def _read(path: Path) -> list[bytes]:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    content = path.read_bytes()
    try:
        if b"-----BEGIN" in content:
            return [c.public_bytes(Encoding.DER) for c in x509.load_pem_x509_certificates(content)]
        return [x509.load_der_x509_certificate(content).public_bytes(Encoding.DER)]
    except ValueError as error:
        raise UsageError(f"{path} is no certificate; remove it from the trust folder") from error
