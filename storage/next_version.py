"""Rows of a stored document's next version, the same whether it was signed further, renewed or given other pages."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection

from pipeline.model import Level, Sha256, SignatureRole
from storage.database import insert
from storage.manifest import Entry, Manifest
from storage.schema import held


def signed_as(
    signed: Entry, manifest: Manifest, *, level: Level | None, roles: Sequence[SignatureRole]
) -> dict[str, Any]:
    """What the document's row says of its newest signed file; `manifest` is the generation that pins it."""
    return {
        "pdf_sha256": signed.sha256,
        "key": signed.key,
        "version_id": None,
        "signature_level": level,
        "roles": json.dumps(list(roles)),
        "generation": manifest.number,
        "stored_at": manifest.created.isoformat(),
    }


def hold(
    connection: Connection,
    document: str,
    version: int,
    entries: Iterable[Entry],
    *,
    manifest: tuple[str, Sha256, int],
) -> None:
    """The objects that a version rests on, each once: its entries, and its manifest by key, digest and size."""
    rows = [(e.role, e.key, e.sha256, e.size, e.source) for e in entries]
    rows.append(("manifest", *manifest, ""))
    for role, key, sha256, size, source in rows:
        values = {"role": role, "key": key, "sha256": sha256, "size": size, "source": source}
        connection.execute(
            insert(held).values(document=document, version=version, **values).on_conflict_do_nothing()
        )
