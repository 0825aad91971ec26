"""The seam to signing: documents in, signed documents out; where the key lives stays behind it."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from pipeline.model import Document, SignatureRole, SignedDocument


class Signer(Protocol):
    """Signs documents in the roles that policy asks for."""

    def sign(self, document: Document, out: Path) -> SignedDocument:
        """Write the signed PDF to `out`, whole or not at all.

        An incoming signed document comes back as it is, its own bytes. Raises Unavailable when a key or a
        service is down or a certificate may not sign.
        """
        ...

    def attest(self, content: bytes, role: SignatureRole) -> bytes:
        """A detached signature over `content` in that role, DER. Raises Unavailable as `sign` does."""
        ...

    def self_test(self) -> str:
        """Sign something small now; returns who signs, raises what would stop the queue."""
        ...
