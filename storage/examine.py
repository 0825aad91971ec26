"""One dossier looked at: every object read and hashed, catalogue, manifests and bucket compared both ways."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from pipeline.errors import Tampered, Unavailable
from pipeline.model import Origin, SignatureRole
from storage.disposal_certificate import DISPOSED
from storage.examine_records import Newest, expected
from storage.findings import Finding, Kind
from storage.manifest import Entry, Manifest, check_chain, decode
from storage.proof import Broken, check_signature
from storage.s3 import Bucket, Version

YOUNG = timedelta(hours=24)
"""While work goes on, what is younger may be of a document that is just being stored."""


@dataclass(slots=True)
class Looked:
    """What a look found and how much it read."""

    findings: list[Finding] = field(default_factory=list)
    checked: int = 0
    size: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """One object as the catalogue has it."""

    document: str
    version: int
    role: str
    key: str
    sha256: str


class Pace:
    """Keeps reading below a number of bytes a second."""

    def __init__(self, mb_per_second: float) -> None:
        self._rate = mb_per_second * 1_000_000
        self._ready = time.monotonic()

    def spend(self, size: int) -> None:
        """Wait until so many bytes were due."""
        now = time.monotonic()
        self._ready = max(self._ready, now) + size / self._rate
        time.sleep(max(0.0, self._ready - now))


class Examiner:
    """Reads from one bucket; `busy` says whether documents are being stored right now."""

    def __init__(self, bucket: Bucket, pace: Pace, *, busy: Callable[[], bool]) -> None:
        self._bucket = bucket
        self._pace = pace
        self._busy = busy
        self._decoded: dict[str, Manifest] = {}
        self._bytes: dict[str, bytes] = {}
        """The manifests of the dossier that is looked at."""

    def dossier(
        self,
        folder: str,
        versions: dict[str, list[Version]],
        rows: Sequence[Row],
        record: Newest | None = None,
    ) -> Looked:
        """Everything of one dossier; `record` is its newest own record as the catalogue has it."""
        looked = Looked()
        newest = self._manifests(folder, versions, rows, looked)
        entries = newest.entries if newest else ()
        pinned = {entry.key: (entry.document, str(entry.sha256)) for entry in entries}
        if newest is None:
            pinned = {row.key: (row.document, row.sha256) for row in rows if row.role != "manifest"}
        for key, (document, sha256) in sorted(pinned.items()):
            self.object(key, versions.get(key, []), sha256, document, looked)
        self._attestations(folder, versions, newest, looked)
        if newest is not None:
            self._compare(newest, rows, looked)
        self._orphans(folder, versions, pinned, looked)
        records, strange = expected(folder, versions, record, lambda one: self._read(one, looked))
        looked.findings += strange
        for key, sha256 in sorted(records.items()):
            self.object(key, versions.get(key, []), sha256, None, looked)
        return looked

    def object(
        self, key: str, versions: Sequence[Version], sha256: str, document: str | None, looked: Looked
    ) -> None:
        """One object whose digest is on record."""
        looked.checked += 1
        kind, version_id = self._judge(versions, sha256, looked)
        if kind is not None:
            looked.findings.append(
                Finding(kind=kind, key=key, document=document, expected=sha256, version_id=version_id)
            )

    def _attestations(
        self,
        folder: str,
        versions: dict[str, list[Version]],
        newest: Manifest | None,
        looked: Looked,
    ) -> None:
        """Detached signatures over manifests: of those that are there, and of those that an incoming file must have."""
        there = {key for key in versions if key.startswith(f"{folder}/m/") and key.endswith(".p7s")}
        for key in sorted(there | self._due(folder, newest)):
            looked.checked += 1
            kind, version_id = self._attestation(key, versions, looked)
            if kind is not None:
                looked.findings.append(Finding(kind=kind, key=key, version_id=version_id))

    def _due(self, folder: str, newest: Manifest | None) -> set[str]:
        """Attestations of the generations that first held an incoming signed file."""
        firsts: dict[tuple[str, str], str] = {}
        for key in self._decoded:
            for entry in self._decoded[key].entries:
                if entry.role == "document" and entry.origin == Origin.INCOMING_SIGNED:
                    firsts.setdefault((entry.document, entry.sha256), key)
        young = newest is not None and newest.created > datetime.now(UTC) - YOUNG and self._busy()
        due = set() if young else set(firsts.values())
        return {f"{key.removesuffix('.json')}.{role}.p7s" for key in due for role in SignatureRole}

    def _attestation(
        self, key: str, versions: dict[str, list[Version]], looked: Looked
    ) -> tuple[Kind | None, str | None]:
        found = versions.get(key, [])
        there = [one for one in found if not one.deleted]
        if not there:
            return Kind.MISSING, None
        signed = self._bytes.get(f"{key.rpartition('.')[0].rpartition('.')[0]}.json")
        good = [one for one in there if signed and self._holds(signed, self._read(one, looked))]
        if found[0].deleted:
            return Kind.HIDDEN, good[0].version_id if good else None
        if good and good[0] is there[0]:
            return None, None
        return (Kind.COVERED, good[0].version_id) if good else (Kind.SIGNATURE, None)

    @staticmethod
    def _holds(content: bytes, message: bytes | None) -> bool:
        try:
            check_signature(content, message or b"", ())
        except Broken:
            return False
        return True

    def _judge(
        self, versions: Sequence[Version], sha256: str, looked: Looked
    ) -> tuple[Kind | None, str | None]:
        """What is wrong, and the version that holds the recorded bytes all the same."""
        there = [one for one in versions if not one.deleted]
        if not there:
            return Kind.MISSING, None
        hidden = versions[0].deleted
        if not hidden and self._digest(there[0], looked) == sha256:
            return None, None
        for one in there if hidden else there[1:]:
            if self._digest(one, looked) == sha256:
                return (Kind.HIDDEN if hidden else Kind.COVERED), one.version_id
        return Kind.ROT, None

    def _digest(self, version: Version, looked: Looked) -> str | None:
        """SHA-256 of what the store returns, None when it cannot return this version."""
        content = self._read(version, looked)
        return None if content is None else hashlib.sha256(content).hexdigest()

    def _read(self, version: Version, looked: Looked) -> bytes | None:
        try:
            content = self._bucket.read(version.key, version_id=version.version_id)
        except Unavailable:
            self._bucket.probe()  # raises when the store is down; else it is this object
            try:
                content = self._bucket.read(version.key, version_id=version.version_id)
            except Unavailable:
                return None
        if content is not None:
            looked.size += len(content)
            self._pace.spend(len(content))
        return content

    def _manifests(
        self, folder: str, versions: dict[str, list[Version]], rows: Sequence[Row], looked: Looked
    ) -> Manifest | None:
        """Every generation; returns the newest whole one."""
        known = {row.key: row.sha256 for row in rows if row.role == "manifest"}
        keys = {key for key in versions if key.startswith(f"{folder}/m/") and key.endswith(".json")}
        held: list[tuple[str, bytes]] = []
        newest: Manifest | None = None
        named = False
        self._decoded.clear()
        for key in sorted(keys | known.keys()):
            looked.checked += 1
            finding, content = self._manifest(key, versions.get(key, []), known.get(key), looked)
            if finding is not None:
                looked.findings.append(finding)
                named = named or content is None
            if content is not None:
                held.append((key, content))
                newest = self._decoded[key] = decode(content, key)
        self._bytes = dict(held)
        if not named:
            for problem in check_chain(held):
                looked.findings.append(
                    Finding(kind=Kind.CHAIN, key=problem.partition(":")[0], detail=problem)
                )
        return newest

    def _manifest(
        self, key: str, versions: Sequence[Version], sha256: str | None, looked: Looked
    ) -> tuple[Finding | None, bytes | None]:
        """One generation: what is wrong, and its bytes as far as any version holds them whole."""
        there = [one for one in versions if not one.deleted]
        if not there:
            return Finding(kind=Kind.MISSING, key=key, expected=sha256), None
        read = [(one, self._read(one, looked)) for one in there]
        good = next(((one, c) for one, c in reversed(read) if c is not None and _fits(c, key, sha256)), None)
        if versions[0].deleted:
            kind = Kind.HIDDEN
        elif good is not None and read[0][1] == good[1]:
            return None, good[1]
        else:
            kind = Kind.ROT if read[0][1] is None else Kind.MANIFEST
        version_id = good[0].version_id if good else None
        finding = Finding(kind=kind, key=key, expected=sha256, version_id=version_id)
        return finding, good[1] if good else None

    def _compare(self, newest: Manifest, rows: Sequence[Row], looked: Looked) -> None:
        listed = {(r.document, r.version, r.key): r for r in rows if r.role != "manifest"}
        listed_papers = {row.document for row in rows}
        left = {e.document for e in newest.entries if e.role == "moved"} - listed_papers
        pinned: dict[Any, Entry] = {
            (e.document, e.version, e.key): e
            for e in newest.entries
            if e.role != DISPOSED and e.document not in left  # it was disposed of where it went
        }
        for missing in sorted(listed.keys() - pinned.keys()):
            row = listed[missing]
            looked.findings.append(
                Finding(kind=Kind.UNPINNED, key=row.key, document=row.document, expected=row.sha256)
            )
        if newest.created > datetime.now(UTC) - YOUNG and self._busy():
            return  # the manifest leads, the catalogue follows
        for missing in sorted(pinned.keys() - listed.keys()):
            entry = pinned[missing]
            looked.findings.append(
                Finding(kind=Kind.UNLISTED, key=entry.key, document=entry.document, expected=entry.sha256)
            )

    def _orphans(
        self,
        folder: str,
        versions: dict[str, list[Version]],
        pinned: dict[str, tuple[str, str]],
        looked: Looked,
    ) -> None:
        for key, found in sorted(versions.items()):
            if not key.startswith(f"{folder}/c/") or key in pinned or found[0].deleted:
                continue
            if found[0].modified > datetime.now(UTC) - YOUNG and self._busy():
                continue
            looked.findings.append(Finding(kind=Kind.ORPHAN, key=key))


def _fits(content: bytes, key: str, sha256: str | None) -> bool:
    if sha256 is not None:
        return hashlib.sha256(content).hexdigest() == sha256
    try:
        decode(content, key)
    except Tampered:
        return False
    return True
