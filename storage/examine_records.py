"""A dossier's own records (`h/`) looked at: each must hash to what the one after it, or the catalogue, says of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pipeline.errors import Tampered
from pipeline.model import Sha256
from storage import layout
from storage.dossier_record import decode_record
from storage.findings import Finding, Kind
from storage.s3 import Version

Read = Callable[[Version], bytes | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Newest:
    """The newest record of a dossier that the catalogue knows."""

    dossier: str
    number: int
    sha256: Sha256


def expected(
    folder: str, versions: Mapping[str, Sequence[Version]], newest: Newest | None, read: Read
) -> tuple[dict[str, str], list[Finding]]:
    """The digest that each record must have, newest first, and what cannot be said by a digest.

    Below a record that is gone for good nothing says what the one before must be: it is only read as a record. What the
    catalogue does not know yet (it follows the bucket) must be a record that follows.
    """
    findings: list[Finding] = []
    digests: dict[str, str] = {}
    there = {key for key in versions if key.startswith(f"{folder}/h/") and key.endswith(".json")}
    known = (
        {layout.dossier_record(newest.dossier, n) for n in range(1, newest.number + 1)} if newest else set()
    )
    sha256: str | None = newest.sha256 if newest else None
    top = max(known, default="")
    for key in sorted(there | known, reverse=True):
        found = versions.get(key, ())
        content = _content(found, sha256 if key <= top else None, read)
        if key <= top and sha256 is not None:
            digests[key] = sha256
        elif content is None:
            kind = Kind.MANIFEST if any(not one.deleted for one in found) else Kind.MISSING
            findings.append(Finding(kind=kind, key=key))
        if key <= top:
            sha256 = None if content is None else _previous(content, key)
    return digests, findings


def _content(found: Sequence[Version], sha256: str | None, read: Read) -> bytes | None:
    """The bytes with this digest, of any version; without one those of the newest version that is a record."""
    for one in found:
        content = None if one.deleted else read(one)
        if content is None:
            continue
        if sha256 is None and _previous(content, one.key) is not _BROKEN:
            return content
        if sha256 is not None and hashlib.sha256(content).hexdigest() == sha256:
            return content
    return None


_BROKEN = "broken"


def _previous(content: bytes, key: str) -> str | None:
    try:
        return decode_record(content, key).previous
    except Tampered:
        return _BROKEN
