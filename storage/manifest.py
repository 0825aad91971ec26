"""Numbered, chained manifests: what a dossier holds, generation by generation, never edited.

Generation n names the digest of generation n-1. Committing is one conditional PUT of the next number; who
loses the race reads again and writes the number after.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from pipeline.errors import Tampered
from pipeline.model import Sha256
from pipeline.records import dump, load

CONTRACT = "manifest-1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One object of a dossier. `role`: document, original, sidecar or attestation."""

    document: str
    version: int
    role: str
    key: str
    sha256: Sha256
    size: int
    media_type: str
    title: str = ""
    source: str = ""
    origin: str = ""
    type: str = ""
    signature_level: str | None = None
    retain_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """One generation; `previous` is the digest of the one before, None for the first."""

    contract: str = CONTRACT
    dossier: str
    number: int
    previous: Sha256 | None
    created: datetime
    agency: str
    actor: str
    entries: tuple[Entry, ...]

    def holds(self, document: str, sha256: Sha256) -> bool:
        """Whether this generation has the document with these bytes."""
        return any(
            e.role == "document" and e.document == document and e.sha256 == sha256 for e in self.entries
        )

    def version_with(self, document: str, sha256: Sha256) -> int:
        """The version number under which the document has these bytes, 0 when it never had."""
        return max(
            (e.version for e in self.entries if e.document == document and e.sha256 == sha256), default=0
        )

    def version_of(self, document: str) -> int:
        """The document's newest version number, 0 when it has none."""
        return max(
            (e.version for e in self.entries if e.document == document and e.role == "document"), default=0
        )


def encode(manifest: Manifest) -> bytes:
    """Canonical JSON: sorted keys, no spaces, UTF-8; the same manifest gives the same bytes."""
    value: Any = json.loads(dump(manifest))
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def decode(content: bytes, key: str) -> Manifest:
    """Read a manifest. Raises Tampered when it is truncated or foreign."""
    try:
        manifest = load(Manifest, content)
    except ValueError as error:
        raise Tampered(f"{key} is no whole manifest", vi=f"Bản kê {key} bị hỏng hoặc bị cắt cụt") from error
    if manifest.contract != CONTRACT:
        raise Tampered(f"{key} is of contract {manifest.contract}, not {CONTRACT}")
    return manifest


def digest(content: bytes) -> Sha256:
    return Sha256(hashlib.sha256(content).hexdigest())


def check_chain(contents: list[tuple[str, bytes]]) -> list[str]:
    """Problems in a dossier's manifests, given as (key, bytes) in order of number; empty when the chain holds."""
    return check_links(contents, decode, before="generation")


class Link(Protocol):
    """What is numbered from 1 and names the digest of the one before it."""

    @property
    def number(self) -> int: ...
    @property
    def previous(self) -> Sha256 | None: ...


def check_links(
    contents: list[tuple[str, bytes]], decode: Callable[[bytes, str], Link], *, before: str
) -> list[str]:
    """Problems in a chain, given as (key, bytes) in order of number; `before` is what a link is called in them."""
    problems: list[str] = []
    previous: Sha256 | None = None
    for place, (key, content) in enumerate(contents, 1):
        try:
            link = decode(content, key)
        except Tampered as error:
            problems.append(str(error))
        else:
            if link.number != place:
                problems.append(f"{key}: number {link.number} where {place} is due")
            if link.previous != previous:
                problems.append(f"{key}: does not follow the {before} before it")
        previous = digest(content)
    return problems
