"""The seam to signing: documents in, signed documents out; where the key lives stays behind it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pipeline.errors import SohoaError
from pipeline.model import Document, SignatureRole, SignedDocument
from signing.evidence import Evidence
from signing.policy import Policy, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyState:
    """A key as its last self-test found it: whose it is and until when, or what is wrong with it."""

    role: SignatureRole
    holder: str | None
    ends: dt.datetime | None
    error: SohoaError | None


class Signer(Protocol):
    """Signs documents in the roles that policy asks for."""

    @property
    def policy(self) -> Policy: ...

    @property
    def roles(self) -> tuple[SignatureRole, ...]:
        """The roles whose keys are here."""
        ...

    def sign(self, document: Document, out: Path) -> SignedDocument:
        """Write the signed PDF to `out`, whole or not at all.

        Raises Unavailable when a key or a service is down or a certificate may not sign, AwaitsSignature when
        somebody must sign elsewhere.
        """
        ...

    def extend(
        self, document: Document, content: bytes, have: tuple[SignatureRole, ...], step: Step, out: Path
    ) -> SignedDocument:
        """Add to a signed file what `step` asks for and it does not have. Raises as `sign` does."""
        ...

    def renew(self, content: bytes) -> bytes:
        """The file with fresh evidence and one more time-stamp. Raises Unavailable."""
        ...

    def attest(self, content: bytes, role: SignatureRole) -> bytes:
        """A detached signature over `content` in that role, DER. Raises Unavailable as `sign` does."""
        ...

    def signer_proof(self, certificate: bytes, others: list[bytes]) -> Evidence:
        """The proof that a signer's certificate, of whichever machine, is good now. Raises Unavailable."""
        ...

    def self_test(self) -> str:
        """Sign something small now; returns who signs, raises what would stop the queue."""
        ...

    def key_states(self) -> list[KeyState]:
        """Each key tried now."""
        ...

    def close(self) -> None:
        """Let go of all keys."""
        ...
