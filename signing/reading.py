"""What one reading of a file finds whoever is trusted: kept, so that another root judges without the file.

A reading is bound to the SHA-256 of the bytes that were read and to the rules by which they were looked at; it holds
no trust and no verdict. Its form is JSON and the parts of the signatures, compressed: no code can come of it.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from dataclasses import asdict, dataclass, field
from typing import Any

from signing.findings import Findings

RULES = "5"
"""Raised whenever a reading or a verdict may come out otherwise than before, so that earlier ones are not believed."""
MOST = 64 << 20
"""Bytes that a kept reading may unfold to."""
WINDOW = 32 << 10
"""Bytes of an earlier reading that help to compress the next: certificates and lists are mostly the same."""
OPENED, LOCKED, BROKEN, PLAIN = "opened", "locked", "broken", "plain"
"""How a file could be read; `plain`: it is no PDF, and only its digest was taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Certificates, OCSP answers and revocation lists that a document carries, as DER."""

    certs: tuple[bytes, ...] = ()
    ocsps: tuple[bytes, ...] = ()
    crls: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedded:
    """A signature or document time-stamp: its CMS object, which state of the file it closes, and what it is over.

    `digest` is of the bytes that it covers, computed from the file; `evidence` what the file carried in that state.
    """

    cms: bytes
    kind: str
    stamp: bool
    state: int
    covers: str
    digest: bytes
    evidence: Evidence | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureRead:
    """One signature, but for whom it binds to: `place` among the embedded, what speaks against it, its own claims."""

    place: int
    found: Findings
    signer: str
    role: str | None
    level: str
    intact: bool
    misnamed: bool
    covers: str
    changed: str | None
    claims: tuple[str, ...]
    made_for_it: bool
    algorithm: str
    key: str
    bits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverRead:
    """A later signature (`late`, by number) that lies over what `early` signed."""

    early: int
    late: int
    share: float
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A file as it was read.

    `refused`: why no AdES validation is possible; `holds`: a file that no reader follows is
    covered, to its last byte, by a signature that fits; `marked`: it claims to hold signatures.
    """

    sha256: str
    opened: str = OPENED
    found: Findings = field(default_factory=Findings)
    embedded: tuple[Embedded, ...] = ()
    evidence: Evidence | None = None
    refused: str | None = None
    signatures: tuple[SignatureRead, ...] = ()
    covers: tuple[CoverRead, ...] = ()
    broken: str = ""
    holds: bool = False
    marked: bool = False
    archive: dict[str, Any] | None = None
    rules: str = RULES


def to_bytes(reading: Reading, like: bytes = b"") -> bytes:
    """A reading as bytes; `like` (the same for reading them back) is a window of an earlier one."""
    parts: list[bytes] = []
    known: dict[bytes, int] = {}

    def place(part: bytes) -> int:
        if part not in known:
            known[part] = len(parts)
            parts.append(part)
        return known[part]

    def stored(evidence: Evidence | None) -> Any:
        if evidence is None:
            return None
        return [[place(one) for one in some] for some in (evidence.certs, evidence.ocsps, evidence.crls)]

    head = {
        "sha256": reading.sha256, "opened": reading.opened, "found": asdict(reading.found),
        "embedded": [
            [place(one.cms), one.kind, one.stamp, one.state, one.covers, place(one.digest), stored(one.evidence)]
            for one in reading.embedded
        ],
        "evidence": stored(reading.evidence), "refused": reading.refused,
        "signatures": [asdict(one) for one in reading.signatures],
        "covers": [asdict(one) for one in reading.covers],
        "broken": reading.broken, "holds": reading.holds, "marked": reading.marked,
        "archive": reading.archive, "rules": reading.rules, "parts": [len(part) for part in parts],
    }  # fmt: skip
    text = json.dumps(head, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    packer = zlib.compressobj(6, zdict=like) if like else zlib.compressobj(6)
    body = packer.compress(len(text).to_bytes(4, "big") + text + b"".join(parts)) + packer.flush()
    return hashlib.sha256(body).digest() + body


def from_bytes(kept: bytes, like: bytes = b"") -> Reading:
    """The reading again. Raises ValueError when it is damaged, or of other rules."""
    try:
        if hashlib.sha256(kept[32:]).digest() != kept[:32]:
            raise ValueError("damaged")
        unpacker = zlib.decompressobj(zdict=like) if like else zlib.decompressobj()
        whole = unpacker.decompress(kept[32:], MOST)
        if unpacker.unconsumed_tail or not unpacker.eof:
            raise ValueError("too large, or cut off")
        size = int.from_bytes(whole[:4], "big")
        head = json.loads(whole[4 : 4 + size].decode("utf-8", "surrogatepass"))
        if head["rules"] != RULES:
            raise ValueError("by other rules")
        parts, at = [], 4 + size
        for length in head.pop("parts"):
            parts.append(whole[at : at + length])
            at += length
        return _reading(head, parts)
    except (zlib.error, KeyError, TypeError, IndexError, RecursionError) as error:
        raise ValueError("a kept reading is damaged") from error


def _reading(head: dict[str, Any], parts: list[bytes]) -> Reading:
    def stored(found: Any) -> Evidence | None:
        if found is None:
            return None
        certs, ocsps, crls = (tuple(parts[number] for number in some) for some in found)
        return Evidence(certs=certs, ocsps=ocsps, crls=crls)

    embedded = tuple(
        Embedded(
            cms=parts[cms], kind=kind, stamp=stamp, state=state, covers=covers, digest=parts[digest],
            evidence=stored(evidence),
        )
        for cms, kind, stamp, state, covers, digest, evidence in head.pop("embedded")
    )  # fmt: skip
    signatures = tuple(
        SignatureRead(**{**one, "found": Findings(**one["found"]), "claims": tuple(one["claims"])})
        for one in head.pop("signatures")
    )
    covers = tuple(CoverRead(**one) for one in head.pop("covers"))
    evidence, found = stored(head.pop("evidence")), Findings(**head.pop("found"))
    return Reading(
        embedded=embedded, signatures=signatures, covers=covers, evidence=evidence, found=found, **head
    )


def window(reading: Reading) -> bytes:
    """What of a reading helps to compress others: its signatures' and evidence's last bytes."""
    parts = [one.cms for one in reading.embedded]
    for evidence in (reading.evidence, *(one.evidence for one in reading.embedded)):
        if evidence is not None:
            parts += [*evidence.certs, *evidence.ocsps, *evidence.crls]
    return b"".join(dict.fromkeys(reversed(parts)))[-WINDOW:]
