"""Every paper of one owner, over all dossiers (Kho quản lý dữ liệu điện tử theo tài khoản)."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import Connection, Engine, select

from pipeline.files import write_whole
from pipeline.model import Field, Paper
from pipeline.records import load
from storage.database import reading
from storage.dossier_record import DossierRecord, decode_record
from storage.dossier_tables import dossier, registered
from storage.schema import document
from storage.search import MOST, Search

AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnedPaper:
    """A paper and whose word it is that it is this owner's: its own, or only that of its dossier.

    `sure` is False while the owner's number on it is a suggestion. `reused` counts dossiers that took it over.
    """

    document: str
    dossier: str | None
    state: str
    stored_at: str | None
    signature_level: str | None
    origin: str
    paper: Paper
    by_dossier: bool
    sure: bool
    reused: int = 0
    record: DossierRecord | None = None

    def value(self, name: str) -> str | None:
        """A field that is certain, else None."""
        found: Field | None = self.paper.field(name)
        return found.value if found is not None and not found.doubtful else None


class OwnerKeys:
    """Pseudonyms of owners. An identity number has too few figures for a bare hash to hide it, so a key goes in."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def key(self, owner_id: str) -> str:
        """The same for the same number in this home."""
        digest = hmac.new(self._secret(), f"owner\n{owner_id}".encode(), hashlib.sha256)
        return "n_" + digest.hexdigest()[:20]

    def fingerprint(self) -> str:
        """By which homes tell that they have the same key."""
        return hmac.new(self._secret(), b"fingerprint", hashlib.sha256).hexdigest()

    def _secret(self) -> bytes:
        if not self._path.exists():
            write_whole(
                self._path, secrets.token_bytes(32), "application/octet-stream"
            )  # made for us alone: 0600
        return self._path.read_bytes()


class OwnerPapers:
    """Looks owners up in the catalogue."""

    def __init__(self, database: Engine, search: Search) -> None:
        self._database = database
        self._search = search

    def owner_of(self, key: str, keys: OwnerKeys) -> str | None:
        """The number behind a pseudonym, when any paper or dossier here bears it."""
        return next((one for one in self._numbers() if keys.key(one) == key), None)

    def of(self, owner_id: str) -> list[OwnedPaper]:
        """Papers that name this owner, and those of the owner's dossiers that name nobody else; newest first."""
        with reading(self._database) as connection:
            theirs = connection.execute(select(registered.c.code).where(registered.c.owner_id == owner_id))
            codes = set(theirs.scalars())
            found = {
                one.document: one
                for one in (
                    *self._named(connection, owner_id),
                    *self._in_dossiers(connection, codes, owner_id),
                )
            }
            codes |= {one.dossier for one in found.values() if one.dossier and not one.by_dossier}
            records = _records(connection, codes)
        reused = Counter(
            mark.document
            for record in records.values()
            for mark in record.marks
            if mark.kind == "reuse" and mark.document
        )
        complete = [
            replace(one, reused=reused[one.document], record=records.get(one.dossier or ""))
            for one in found.values()
        ]
        return sorted(complete, key=lambda one: (one.stored_at or "", one.document), reverse=True)

    def _named(self, connection: Connection, owner_id: str) -> Iterator[OwnedPaper]:
        """The words of a paper hold its fields too, so the index narrows it down; the field decides."""
        names, after = [], None
        while True:
            hits = self._search.find(f'"{owner_id}"', limit=MOST, after=after)
            names += [hit["document"] for hit in hits["results"]]
            after = hits["next"]
            if after is None:
                break
        for start in range(0, len(names), AT_ONCE):
            query = select(document).where(document.c.id.in_(names[start : start + AT_ONCE]))
            for row in connection.execute(query):
                one = _owned(row, by_dossier=False)
                field = one.paper.field("owner_id")
                if field is not None and field.value == owner_id:
                    yield one

    def _in_dossiers(
        self, connection: Connection, codes: Iterable[str], owner_id: str
    ) -> Iterator[OwnedPaper]:
        wanted = sorted(codes)
        for start in range(0, len(wanted), AT_ONCE):
            query = select(document).where(document.c.dossier.in_(wanted[start : start + AT_ONCE]))
            for row in connection.execute(query):
                one = _owned(row, by_dossier=True)
                field = one.paper.field("owner_id")
                if field is None or (field.doubtful and field.value != owner_id):
                    yield one

    def _numbers(self) -> Iterator[str]:
        with reading(self._database) as connection:
            yield from connection.execute(select(registered.c.owner_id).distinct()).scalars()
            papers = select(document.c.paper).where(document.c.paper.contains('"owner_id"'))
            for text in connection.execute(papers).scalars().yield_per(AT_ONCE):
                for field in json.loads(text)["fields"]:
                    if field["name"] == "owner_id":
                        yield field["value"]


def _owned(row: object, *, by_dossier: bool) -> OwnedPaper:
    values = row._mapping  # type: ignore[attr-defined]
    paper = load(Paper, values["paper"].encode())
    field = paper.field("owner_id")
    return OwnedPaper(
        document=values["id"],
        dossier=values["dossier"],
        state=values["state"],
        stored_at=values["stored_at"],
        signature_level=values["signature_level"],
        origin=values["origin"],
        paper=paper,
        by_dossier=by_dossier,
        sure=by_dossier or (field is not None and not field.doubtful),
    )


def _records(connection: Connection, codes: Iterable[str]) -> dict[str, DossierRecord]:
    found, wanted = {}, sorted(codes)
    for start in range(0, len(wanted), AT_ONCE):
        query = select(dossier.c.code, dossier.c.record).where(
            dossier.c.code.in_(wanted[start : start + AT_ONCE])
        )
        for row in connection.execute(query):
            found[row.code] = decode_record(row.record.encode(), row.code)
    return found
