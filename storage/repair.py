"""What a scrub found, healed: the recorded bytes are put over the harm as a new version; nothing is taken away."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipeline.errors import SohoaError, Tampered, Unavailable
from pipeline.files import hash_file
from pipeline.model import Sha256
from storage.findings import Finding, Kind
from storage.ledger import Ledger
from storage.second_copy import SecondCopy
from storage.versions import Lock, VersionedBucket

HEALED = {Kind.ROT, Kind.MISSING, Kind.HIDDEN, Kind.COVERED, Kind.MANIFEST, Kind.SIGNATURE}


class Repair:
    """Heals one bucket: from a version that still holds the recorded bytes, else from the second copy."""

    def __init__(
        self,
        bucket: VersionedBucket,
        second: SecondCopy | None,
        ledger: Ledger,
        *,
        lock: timedelta,
        agency: str,
        scratch: Path,
    ) -> None:
        self._bucket = bucket
        self._second = second
        self._ledger = ledger
        self._lock = lock
        self._agency = agency
        self._scratch = scratch

    def run(
        self, findings: Sequence[Finding], *, actor: str, progress: Callable[[int, int], None]
    ) -> list[Finding]:
        """The same findings, those that were healed marked so, each an entry of the ledger. Raises Unavailable."""
        done = []
        for number, finding in enumerate(findings):
            done.append(self._one(finding, actor) if finding.kind in HEALED else finding)
            progress(number + 1, len(findings))
        return done

    def _one(self, finding: Finding, actor: str) -> Finding:
        self._scratch.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._scratch / uuid.uuid4().hex
        try:
            source = self._recorded(finding, path)
            if source is None:
                return replace(finding, detail=_unhealed(finding, self._second is not None))
            sha256 = hash_file(path)
            until = datetime.now(UTC) + max(self._lock, timedelta(days=1))
            version_id = self._bucket.put_version(
                finding.key,
                path,
                sha256=sha256,
                media_type="application/octet-stream",
                lock=Lock(mode="GOVERNANCE", until=until),
            )
            if self._bucket.hash(finding.key) != sha256:
                raise Tampered(f"{finding.key} reads back other bytes than the repair has put there")
        finally:
            path.unlink(missing_ok=True)
        self._ledger.note(
            act="repair",
            actor=actor,
            agency=self._agency,
            objects=[finding.key, *([finding.document] if finding.document else [])],
            details={"kind": finding.kind.value, "from": source, "sha256": sha256, "version_id": version_id},
        )
        return replace(finding, repaired=True, detail=f"đã phục hồi (repaired) ← {source}")

    def _recorded(self, finding: Finding, into: Path) -> str | None:
        """The recorded bytes in a file, and where they came from."""
        if finding.version_id is not None:
            try:
                with self._bucket.reading(finding.key, finding.version_id) as found, into.open("wb") as out:
                    for block in found.blocks:
                        out.write(block)
                if finding.expected is None or hash_file(into) == finding.expected:
                    return f"version {finding.version_id}"
            except (Tampered, Unavailable):
                self._bucket.probe()
        if self._second is None:
            return None
        expected = Sha256(finding.expected) if finding.expected else None
        try:
            digest = self._second.bring_back(finding.key, expected, into)
        except SohoaError as error:
            if not error.retry:
                raise
            return None
        return "second copy" if digest is not None else None


def _unhealed(finding: Finding, second: bool) -> str:
    why = (
        "bản sao thứ hai cũng không có (the second copy has not got it either)"
        if second
        else "chưa cấu hình bản sao thứ hai (no second copy is configured)"
    )
    return f"{finding.detail} {why}".strip()
