"""Whether a document stands under the signed root of the day on which it was stored, and the proof of it as one file.

The way up: the file's SHA-256 is in a manifest, the manifest's in the root of the day (list and Merkle leaf), the root
is signed and time-stamped, and an evidence record renews that. Nobody needs the ledger to follow it. Root and manifest
are whole, since their bytes are what is signed: keys in them tell codes of other dossiers, not their papers.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol

from cryptography.x509 import Certificate
from sqlalchemy import Engine, func, select

from pipeline.errors import NeedsPerson, Tampered, UsageError
from storage import layout
from storage.database import reading
from storage.evidence_tables import evidence_record, root_evidence
from storage.ledger import Ledger
from storage.proof import INCLUSION, audit_path, judge_inclusion, leaves, levels
from storage.schema import day_root, held, ledger


@dataclass(slots=True)
class _Day:
    """A root with its leaves, read once for all documents of the day."""

    root: bytes
    signature: bytes | None
    levels: list[list[bytes]]
    places: dict[bytes, int]
    evidence: dict[str, str] | None


class Reads(Protocol):
    """Where objects are read: a bucket, or the archive, which is patient with a store that has just been started."""

    def read(self, key: str) -> bytes | None: ...


@dataclass(slots=True)
class Inclusion:
    """One round of questions; days are kept while it lasts, the last few of them."""

    database: Engine
    store: Reads
    trusted: Callable[[], list[Certificate]]
    _days: dict[str, _Day] = field(default_factory=dict)

    def standing(self, document: str) -> dict[str, Any] | None:
        """How the newest version stands under its day: `ok`, `day`, `signer`, `stamped`; None before it is sealed.

        `ok` is None when everything fits, but nobody who is trusted now vouches for who signed: the demo's days in a
        home that has gone into production.
        """
        proof = self._proof(document, None)
        if proof is None:
            return None
        found = judge_inclusion(proof, None, self.trusted())
        fits = found["ok"] or judge_inclusion(proof, None, ())["ok"]
        return {**found, "ok": None} if fits and not found["ok"] else found

    def proof(self, document: str, version: int | None) -> dict[str, Any]:
        """The proof as a JSON document. Raises NeedsPerson before the day is sealed."""
        found = self._proof(document, version)
        if found is None:
            raise NeedsPerson(
                f"the day on which {document} was stored has no signed root yet; it gets one after midnight",
                vi=f"Ngày lưu {document} chưa được niêm phong; sẽ có sau nửa đêm, khi đó hãy thử lại",
            )
        return found

    def _proof(self, document: str, version: int | None) -> dict[str, Any] | None:
        pdf, manifest, sha256, seq = self._held(document, version)
        with reading(self.database) as connection:
            row = connection.execute(
                select(day_root).where(day_root.c.first <= seq, day_root.c.last >= seq)
            ).first()
        if row is None:
            return None
        day = self._day(row)
        content = self.store.read(manifest)
        if content is None:
            raise Tampered(f"{manifest} is missing in the store", vi=f"Bản kê {manifest} đã mất trong kho")
        named = f"manifest {manifest} {sha256}".encode()
        place = day.places.get(named)
        return {
            "contract": INCLUSION,
            "document": document,
            "version": pdf.version,
            "sha256": pdf.sha256,
            "manifest": {"key": manifest, "content": content.decode("utf-8", "replace")},
            "root": {
                "key": row.key,
                "content": day.root.decode("utf-8", "replace"),
                "p7s": base64.b64encode(day.signature).decode() if day.signature else None,
            },
            "leaf": place,
            "leaves": len(day.places),
            "path": audit_path(day.levels, place) if place is not None else [],
            "evidence": day.evidence,
        }

    def _held(self, document: str, version: int | None) -> tuple[Any, str, str, int]:
        """A version's file; the manifest (key, SHA-256) that first brought these bytes; and its ledger entry's number.

        A corrected version has the bytes of the one before, and so its proof.
        """
        with reading(self.database) as connection:
            if version is None:
                newest = select(func.max(held.c.version)).where(held.c.document == document)
                version = connection.execute(newest).scalar()
            mine = select(held).where(
                held.c.document == document, held.c.version == version, held.c.role == "document"
            )
            pdf = connection.execute(mine).first()
            if pdf is None:
                raise UsageError(
                    f"no stored document {document}", vi=f"Không có giấy tờ {document} trong kho"
                )
            names = (f"store:{document}:{pdf.sha256}", f"store:{document}:{version}:{pdf.sha256}")
            stored = select(ledger).where(ledger.c.request.in_(names)).order_by(ledger.c.seq).limit(1)
            entry = connection.execute(stored).first()
        if entry is None:
            raise UsageError(
                f"the ledger does not say when {document} was stored",
                vi=f"Sổ cái không ghi lúc lưu {document}",
            )
        details = json.loads(entry.body)["details"]
        return pdf, str(details["manifest"]), str(details["manifest_sha256"]), int(entry.seq)

    def _day(self, row: Any) -> _Day:
        known = self._days.get(row.day)
        if known is not None:
            return known
        root = self.store.read(row.key)
        if root is None:
            raise Tampered(f"{row.key} is missing in the store", vi=f"{row.key} đã mất trong kho")
        entries = [(one.seq, one.hash) for one in Ledger(self.database).entries(row.first, row.last)]
        try:
            manifests = list(json.loads(root)["manifests"])
        except (ValueError, KeyError, TypeError) as error:
            raise Tampered(f"{row.key} is no root", vi=f"{row.key} đã bị sửa") from error
        signature = self.store.read(layout.root_signature(date.fromisoformat(row.day)))
        while len(self._days) >= 8:
            self._days.pop(next(iter(self._days)))
        mine = leaves(entries, manifests)
        places = {leaf: number for number, leaf in enumerate(mine)}
        self._days[row.day] = _Day(root, signature, levels(mine), places, self._evidence(row.day))
        return self._days[row.day]

    def _evidence(self, day: str) -> dict[str, str] | None:
        """The newest evidence record over a day."""
        query = (
            select(evidence_record.c.key)
            .join(root_evidence, root_evidence.c.series == evidence_record.c.series)
            .where(root_evidence.c.day == day)
            .order_by(evidence_record.c.number.desc())
            .limit(1)
        )
        with reading(self.database) as connection:
            key = connection.execute(query).scalar()
        record = self.store.read(key) if key else None
        return {"key": key, "record": base64.b64encode(record).decode()} if key and record else None
