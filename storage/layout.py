"""Where things stand in the bucket (docs/decisions/0004-object-layout.md). Names from outside cannot escape."""

from __future__ import annotations

import hashlib
import re
from datetime import date
from pathlib import PurePosixPath
from urllib.parse import quote

from pipeline.errors import UsageError
from pipeline.model import Sha256

SUFFIXES = {
    "application/pdf": "pdf",
    "application/json": "json",
    "application/pkcs7-signature": "p7s",
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/tiff": "tif",
    "image/jp2": "jp2",
}


def landing(batch: str, sha256: Sha256) -> str:
    """An original as it came, before anybody knows whose it is."""
    return f"q/{_plain(batch)}/{sha256}"


def dossier_folder(dossier: str) -> str:
    """`d/{hh}/{hh}/{dossier}`; the hash spreads dossiers, the percent-encoded code stays readable."""
    name = quote(dossier, safe="")
    if not dossier or len(name) > 200 or name in (".", ".."):
        raise UsageError(f"{dossier[:80]!r} cannot be a dossier's name in the store")
    spread = hashlib.sha256(dossier.encode()).hexdigest()
    return f"d/{spread[:2]}/{spread[2:4]}/{name.replace('.', '%2E') if set(name) == {'.'} else name}"


def content(dossier: str, sha256: Sha256, media_type: str, source: str = "") -> str:
    """Content of a dossier, named by its own digest."""
    suffix = SUFFIXES.get(media_type) or PurePosixPath(source).suffix.lower().lstrip(".")
    if not re.fullmatch(r"[a-z0-9]{1,5}", suffix):
        suffix = "bin"
    return f"{dossier_folder(dossier)}/c/{sha256}.{suffix}"


def manifest(dossier: str, number: int) -> str:
    """Manifest generation `number` (from 1) of a dossier."""
    return f"{dossier_folder(dossier)}/m/{number:06d}.json"


def dossier_record(dossier: str, number: int) -> str:
    """Record `number` (from 1) of a dossier's state, procedure and issued codes."""
    return f"{dossier_folder(dossier)}/h/{number:06d}.json"


def attestation(dossier: str, number: int, role: str) -> str:
    """A detached signature over a manifest generation."""
    return f"{dossier_folder(dossier)}/m/{number:06d}.{_plain(role)}.p7s"


def staging(document: str, sha256: Sha256) -> str:
    """A signed attempt, unlocked, until one of them becomes the document's."""
    return f"s/{_plain(document)}/{sha256}.pdf"


def segment(day: date, first: int, last: int) -> str:
    """Ledger entries `first` to `last`, all of one business day, a line each."""
    return f"l/{day:%Y/%m/%d}/{first:012d}-{last:012d}.jsonl"


def root(day: date) -> str:
    """The Merkle root of a business day."""
    return f"x/{day:%Y/%m/%d}/root.json"


def root_signature(day: date) -> str:
    """The agency's detached signature over the root of a day."""
    return f"x/{day:%Y/%m/%d}/root.p7s"


def evidence(first: str, number: int) -> str:
    """Version `number` (from 1) of the evidence record over signed days of which `first` (ISO) is the first."""
    return f"x/evidence/{date.fromisoformat(first):%Y-%m-%d}/{number:06d}.ers"


def root_digests(day: date, algorithm: str) -> str:
    """Digests by a stronger algorithm of all that the root of a day covers, a line an object."""
    return f"x/{day:%Y/%m/%d}/{_plain(algorithm)}.jsonl"


def loose(document: str) -> str:
    """Stands for a dossier while a whole-file document is not linked to one."""
    return f"~{_plain(document)}"


def _plain(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,80}", name):
        raise UsageError(f"{name[:80]!r} cannot be part of a key")
    return name
