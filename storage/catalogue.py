"""The catalogue: what is held, per document and per dossier. Rows follow the manifest, never lead it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from sqlalchemy import Connection, Engine, func, select, update

from pipeline.grammar.folding import one_tone_style
from pipeline.model import Paper, Sha256, StoredDocument
from pipeline.records import load
from storage import ledger
from storage.batch_view import document_view
from storage.database import insert, reading, writing
from storage.dossier_tables import dossier as dossier_row
from storage.schema import batch, document, held
from storage.search import words_of

LATE = {
    "closed": "vào sau khi hồ sơ đã đóng; xem có phải đúng hồ sơ này không (came after the dossier was closed)",
    "withdrawn": "vào sau khi hồ sơ đã rút; xem có phải đúng hồ sơ này không (came after the dossier was withdrawn)",
}
"""What is said beside a paper that is stored in a dossier of that state. It is stored all the same: nothing is lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One object of a document: where it is, what it must hash to, and a safe name to save it under."""

    key: str
    sha256: Sha256
    name: str
    level: str | None


class Catalogue:
    """Documents that are stored."""

    def __init__(self, database: Engine) -> None:
        self._database = database

    def commit(self, stored: StoredDocument) -> None:
        """Rows, words and the ledger entry in one transaction; the same document again changes nothing."""
        item = stored.signed.document
        objects = [("document", stored.pdf, ""), ("sidecar", stored.sidecar, "")]
        objects += [("manifest", stored.manifest, "")]
        sources = [f.source for f in item.originals if f.blob.sha256 != stored.pdf.sha256]
        objects += [("original", kept, name) for kept, name in zip(stored.originals, sources, strict=True)]
        words = "\n".join(page.text for page in item.pages)
        with writing(self._database) as connection:
            ended = _ended(connection, item.paper.dossier)
            connection.execute(
                update(document)
                .where(document.c.id == item.id)
                .values(
                    state="stored",
                    reason="; ".join(filter(None, (stored.signed.reason, LATE.get(ended)))) or None,
                    pdf_sha256=stored.pdf.sha256,
                    bucket=stored.bucket,
                    key=stored.pdf.key,
                    version_id=stored.pdf.version_id,
                    signature_level=stored.signed.level,
                    generation=stored.generation,
                    stored_at=stored.stored_at.isoformat(),
                )
            )
            connection.execute(
                insert(held).on_conflict_do_nothing(),
                [
                    {
                        "document": item.id, "version": stored.version, "role": role, "key": kept.key,
                        "sha256": kept.sha256, "size": kept.size, "source": source,
                    }
                    for role, kept, source in objects
                ],
            )  # fmt: skip
            index_words(connection, item.id, item.paper, words)
            ledger.append(
                connection,
                act="store",
                actor=item.actor,
                agency=item.agency,
                objects=[item.id, stored.pdf.sha256, stored.pdf.key],
                details={
                    "generation": stored.generation,
                    "level": stored.signed.level,
                    "manifest": stored.manifest.key,
                    "manifest_sha256": stored.manifest.sha256,
                    **({"dossier_state": ended} if ended in LATE else {}),
                },
                request=f"store:{item.id}:{stored.pdf.sha256}",
            )

    def dossier(self, code: str) -> dict[str, Any] | None:
        """A dossier's documents and its light, None when nothing of it is here."""
        with reading(self._database) as connection:
            rows = connection.execute(
                select(document)
                .where(document.c.dossier == code)
                .order_by(document.c.batch, document.c.pages)
            ).all()
        if not rows:
            return None
        green = all(row.light == "green" for row in rows)
        return {
            "dossier": code,
            "light": "green" if green else "amber",
            "documents": [document_view(row) for row in rows],
        }

    def received(self, code: str) -> datetime | None:
        """When the first stack of a dossier was taken in, None when nothing of it is here."""
        first = (
            select(func.min(batch.c.received_at))
            .join(document, document.c.batch == batch.c.id)
            .where(document.c.dossier == code)
        )
        with reading(self._database) as connection:
            found = connection.execute(first).scalar()
        return datetime.fromisoformat(found) if found else None

    def documents(self, *, dossier: str | None = None) -> Sequence[str]:
        """Ids of stored documents, of one dossier or of all."""
        query = select(document.c.id).where(document.c.state == "stored").order_by(document.c.stored_at)
        if dossier is not None:
            query = query.where(document.c.dossier == dossier)
        with reading(self._database) as connection:
            return list(connection.execute(query).scalars())

    def papers(self, dossier: str) -> tuple[Paper, ...]:
        """The stored papers of a dossier, as they are known now, oldest first."""
        query = (
            select(document.c.paper)
            .where(document.c.dossier == dossier, document.c.state == "stored")
            .order_by(document.c.stored_at, document.c.id)
        )
        with reading(self._database) as connection:
            return tuple(load(Paper, body.encode()) for body in connection.execute(query).scalars())

    def roles(self, document_id: str) -> list[str]:
        """The roles in which we signed a document's file; none for one that came in signed."""
        query = select(document.c.roles).where(
            document.c.id == document_id, document.c.origin != "incoming_signed"
        )
        with reading(self._database) as connection:
            return list(json.loads(connection.execute(query).scalar() or "[]"))

    def everything(self, document_id: str) -> Sequence[Any]:
        """Every object of a document in every version: rows with role, key, sha256."""
        query = select(held).where(held.c.document == document_id).order_by(held.c.role, held.c.key)
        with reading(self._database) as connection:
            return connection.execute(query).all()

    def objects(self, document_id: str, *, original: bool, version: int | None) -> list[Held]:
        """The signed file of a document, or its originals; the newest version unless one is named.

        Empty when it is not stored, or not in that version.
        """
        with reading(self._database) as connection:
            if version is None:
                newest = select(func.max(held.c.version)).where(held.c.document == document_id)
                version = connection.execute(newest).scalar()
            mine = select(held).where(held.c.document == document_id, held.c.version == version)
            rows = connection.execute(
                mine.where(held.c.role == ("original" if original else "document"))
            ).all()
            if original and not rows:  # an incoming file is its own original
                rows = connection.execute(mine.where(held.c.role == "document")).all()
            level = connection.execute(
                select(document.c.signature_level).where(document.c.id == document_id)
            ).scalar()
        return [
            Held(
                key=row.key,
                sha256=row.sha256,
                name=PurePosixPath(row.source).name or f"{document_id}.pdf",
                level=level,
            )
            for row in rows
        ]


def _ended(connection: Connection, code: str | None) -> str:
    """The state of a dossier, empty when nothing was ever decided on it."""
    return connection.execute(select(dossier_row.c.state).where(dossier_row.c.code == code)).scalar() or ""


def index_words(
    connection: Connection, document_id: str, paper: Paper, words: str, *, row: int | None = None
) -> None:
    """Make a document findable by its fields and words. `row` is its number: newer ones have higher ones."""
    exact = one_tone_style(" ".join([paper.dossier or "", paper.type_name, *_sought(paper), words]))
    words_of(connection.engine).put(connection, document_id, exact, row)


def _sought(paper: Paper) -> list[str]:
    """Values of fields as people type them: a day also as 08/07/2023; the key of a type is nobody's word."""
    days = [
        f"{field.value[8:]}/{field.value[5:7]}/{field.value[:4]}"
        for field in paper.fields
        if field.name in ("date", "birth_date") and len(field.value) == len("2023-07-08")
    ]
    return [field.value for field in paper.fields if field.name not in ("type", "copy_kind")] + days
