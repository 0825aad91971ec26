"""The certificate of a disposal: who decided what, which objects are gone by it. The next manifest pins it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.errors import Tampered
from pipeline.records import load
from storage.dossier_record import DossierRecord
from storage.manifest import Manifest

CONTRACT = "disposal-1"
DISPOSED = "disposed"
"""Role of a manifest's entry that stands where a paper was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """One object that a certificate names."""

    key: str
    sha256: str
    size: int


def certificate(record: DossierRecord, last: Manifest, gone: Sequence[Gone], shared: Sequence[str]) -> bytes:
    """Canonical JSON; the same decision over the same manifest gives the same bytes.

    `shared` are originals that stay because papers of another dossier are in the same file.
    """
    disposal, retention = record.disposal, record.retention
    assert disposal is not None and retention is not None
    top = {entry.document: last.version_of(entry.document) for entry in last.entries}
    papers = [
        {"document": e.document, "title": e.title, "type": e.type, "versions": e.version, "sha256": e.sha256}
        for e in last.entries
        if e.role == "document" and e.version == top[e.document]
    ]
    value: dict[str, Any] = {
        "contract": CONTRACT,
        "title": "Biên bản hủy hồ sơ số hóa hết thời hạn bảo quản (certificate of disposal)",
        "dossier": record.dossier,
        "agency": record.agency,
        "procedure": record.procedure,
        "term": {
            "name": retention.name,
            "source": retention.source,
            "checked": retention.checked,
            "closed": retention.closed.isoformat(),
            "until": retention.until.isoformat() if retention.until else None,
        },
        "reason": disposal.reason,
        "proposed_by": disposal.proposed_by,
        "proposed_at": disposal.proposed_at.isoformat(),
        "approved_by": disposal.approved_by,
        "approved_at": disposal.approved_at.isoformat(),
        "manifest": {"number": disposal.generation, "sha256": disposal.manifest_sha256},
        "papers": papers,
        "objects": [{"key": one.key, "sha256": one.sha256, "size": one.size} for one in gone],
        "left": list(shared),
    }
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    contract: str
    objects: tuple[Gone, ...]
    approved_at: str


def objects_of(content: bytes, key: str) -> tuple[tuple[Gone, ...], str]:
    """What a certificate names, and when it was approved. Raises Tampered when it is none."""
    try:
        found = load(_Read, content)
    except ValueError as error:
        raise Tampered(f"{key} is no certificate", vi=f"Biên bản hủy {key} bị hỏng") from error
    if found.contract != CONTRACT:
        raise Tampered(f"{key} is of contract {found.contract}, not {CONTRACT}")
    return found.objects, found.approved_at
