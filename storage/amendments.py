"""Stored documents amended by persons: fields corrected, a dossier given, a misfiled paper taken out.

An amendment is a new version of the document with the same signed file: its sidecar is new, and so is the manifest
generation that pins it. A paper that changes its dossier is put there anew, and the manifest that it leaves gains a
`moved` entry: the note that says where it went, when and why. That entry is the compare-and-set: of two amendments of
one version only one finds the version after it free.

What is decided stands in the database first, so that what a crash broke off is finished by the next start.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from pipeline.errors import Tampered, UsageError
from pipeline.model import Blob, Origin, Sha256, SignatureRole, StoredObject
from pipeline.records import dump, load
from pipeline.sidecar import Amended, Sidecar
from storage import layout, ledger
from storage.archive import Archive
from storage.batches import described
from storage.catalogue import index_words
from storage.database import reading, writing
from storage.manifest import Entry, Manifest, decode, digest
from storage.page_tables import page_change
from storage.review_tables import amendment
from storage.schema import document, held
from storage.search import words_of

JSON = "application/json"


class Overtaken(UsageError):
    """Another amendment of the same version came first."""

    def __init__(self) -> None:
        super().__init__(
            "somebody else has just changed this document; look at it again",
            vi="Giấy tờ này vừa được người khác sửa; hãy xem lại rồi quyết",
        )

    def __reduce__(self) -> tuple[object, ...]:
        return (Overtaken, ())


Attest = Callable[[bytes, SignatureRole], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Current:
    """A stored document as it stands: its newest version and what the sidecar of that version says."""

    version: int
    sidecar: Sidecar

    @property
    def place(self) -> str:
        """The dossier whose manifest pins it."""
        return self.sidecar.paper.dossier or layout.loose(self.sidecar.document)


@dataclass(frozen=True, slots=True, kw_only=True)
class Amendment:
    """What becomes of version `base`: the sidecar after it, in the dossier `target`.

    `actors` are names, the one who decided last.
    """

    document: str
    base: int
    source: str
    target: str
    sidecar: Sidecar
    actors: tuple[str, ...]

    @property
    def last(self) -> Amended:
        return self.sidecar.amended[-1]


class Amendments:
    """Amends what is stored. `attest` signs, in these roles, the manifest that takes in an incoming signed file."""

    def __init__(
        self, database: Engine, archive: Archive, attest: Attest, roles: Sequence[SignatureRole]
    ) -> None:
        self._database = database
        self._archive = archive
        self._attest = attest
        self._roles = roles

    def current(self, name: str) -> Current | None:
        """The newest version of a stored document, None when there is none. Raises Tampered, Unavailable."""
        newest = select(func.max(held.c.version)).where(held.c.document == name, held.c.role == "sidecar")
        with reading(self._database) as connection:
            version = connection.execute(newest).scalar()
            row = connection.execute(
                select(held).where(
                    held.c.document == name, held.c.version == version, held.c.role == "sidecar"
                )
            ).first()
        if row is None:
            return None
        return Current(version=row.version, sidecar=load(Sidecar, self._bytes(row.key, row.sha256)))

    def amend(self, change: Amendment) -> int:
        """Carry an amendment through; returns the new version. Raises Overtaken when `base` is not the newest."""
        with writing(self._database) as connection:
            newest = select(func.max(held.c.version)).where(held.c.document == change.document)
            if connection.execute(newest).scalar() != change.base:
                raise Overtaken
            pages = select(page_change.c.document).where(page_change.c.document == change.document)
            if connection.execute(pages).first():
                raise Overtaken
            try:
                body = dump(change).decode()
                connection.execute(insert(amendment).values(document=change.document, body=body))
            except IntegrityError as error:
                raise Overtaken from error
        self._finish(change)
        return change.base + 1

    def finish_all(self) -> int:
        """Carry through what a crash broke off; returns how many."""
        with reading(self._database) as connection:
            bodies = list(connection.execute(select(amendment.c.body)).scalars())
        for body in bodies:
            try:
                self._finish(load(Amendment, body.encode()))
            except Overtaken:
                continue  # another one came first, and the row is gone
        return len(bodies)

    def _finish(self, change: Amendment) -> None:
        try:
            objects, generations = self._place(change)
        except Overtaken:
            with writing(self._database) as connection:
                connection.execute(delete(amendment).where(amendment.c.document == change.document))
            raise
        with writing(self._database) as connection:
            self._catalogue(connection, change, objects, generations)

    def _place(self, change: Amendment) -> tuple[list[Entry], list[tuple[Manifest, StoredObject]]]:
        """Content first, then the generation that frees it, then the one that takes it in."""
        base = self._entries(change)
        until = next(e.retain_until for e in base if e.role == "document") or change.last.at
        content = dump(change.sidecar)
        side = self._put(change.target, content, until)
        moved = change.target != change.source
        entries = []
        for item in base:
            if item.role == "sidecar":
                key = side.key
                item = replace(item, sha256=side.sha256, size=side.size)
            else:
                key = self._copy(item, change.target) if moved else item.key
            entries.append(replace(item, key=key, version=change.base + 1))
        entries[0] = _titled(entries[0], change.sidecar)
        generations = []
        if moved:
            note = self._put(change.source, _note(change, side.sha256), until)
            leaving = Entry(
                document=change.document,
                version=change.base + 1,
                role="moved",
                key=note.key,
                sha256=note.sha256,
                size=note.size,
                media_type=JSON,
                retain_until=until,
            )
            generations.append(self._commit(change, change.source, [leaving], until))
            generations.append(self._commit(change, change.target, entries, until, arriving=True))
            if change.sidecar.paper.origin is Origin.INCOMING_SIGNED:
                number = generations[-1][0].number
                self._archive.attest_generation(
                    change.target, number, self._attest, lock_until=until, roles=self._roles
                )
            return [leaving, *entries], generations
        generations.append(self._commit(change, change.source, entries, until))
        return entries, generations

    def _entries(self, change: Amendment) -> list[Entry]:
        """What the manifest pins for the version that is amended, the signed file first."""
        roles = ("document", "sidecar", "original")
        mine: list[Entry] = []
        for key, content in self._archive.manifests(change.source):
            mine = [
                e
                for e in decode(content, key).entries
                if e.document == change.document and e.version == change.base and e.role in roles
            ]
        mine.sort(key=lambda e: roles.index(e.role))
        if not mine or mine[0].role != "document":
            raise Tampered(
                f"no manifest of {change.source} holds version {change.base} of {change.document}",
                vi="Bản kê của hồ sơ không có giấy tờ này",
            )
        return mine

    def _commit(
        self,
        change: Amendment,
        dossier: str,
        entries: Sequence[Entry],
        until: datetime,
        *,
        arriving: bool = False,
    ) -> tuple[Manifest, StoredObject]:
        """The next generation with these entries, unless one has them already."""

        def make(last: Manifest | None) -> Manifest | None:
            mine = [e for e in (last.entries if last else ()) if e.document == change.document]
            newest = max((e.version for e in mine), default=0)
            if newest == change.base + 1 and set(entries) <= set(mine):
                return None
            if newest > change.base or (newest != change.base and not arriving):
                raise Overtaken
            return Manifest(
                dossier=dossier,
                number=(last.number if last else 0) + 1,
                previous=None,
                created=change.last.at,
                agency=change.sidecar.agency,
                actor=change.actors[-1],
                entries=(last.entries if last else ()) + tuple(entries),
            )

        return self._archive.commit_next(dossier, make, lock_until=until)

    def _put(self, dossier: str, content: bytes, until: datetime) -> StoredObject:
        blob = Blob(path=Path(), sha256=digest(content), size=len(content), media_type=JSON)
        return self._archive.keep(layout.content(dossier, blob.sha256, JSON), content, blob, until)

    def _copy(self, item: Entry, dossier: str) -> str:
        """An object of the old place at the new one, checked on its way."""
        key = layout.content(dossier, item.sha256, item.media_type, item.source)
        with tempfile.TemporaryDirectory(prefix="sohoa-move-") as folder:
            path = Path(folder) / "object"
            self._fetch(item.key, item.sha256, path)
            blob = Blob(path=path, sha256=item.sha256, size=item.size, media_type=item.media_type)
            self._archive.keep(key, path, blob, item.retain_until or datetime.now().astimezone())
        return key

    def _bytes(self, key: str, sha256: str) -> bytes:
        with tempfile.TemporaryDirectory(prefix="sohoa-read-") as folder:
            path = Path(folder) / "object"
            self._fetch(key, Sha256(sha256), path)
            return path.read_bytes()

    def _fetch(self, key: str, sha256: Sha256, path: Path) -> None:
        try:
            self._archive.fetch(key, sha256, path)
        except Tampered:
            if not self._archive.recover(key, sha256, path):
                raise

    def _catalogue(
        self,
        connection: Connection,
        change: Amendment,
        entries: Sequence[Entry],
        generations: Sequence[tuple[Manifest, StoredObject]],
    ) -> None:
        """Rows, words and the ledger entry in one transaction; the amendment is done then."""
        gone = connection.execute(delete(amendment).where(amendment.c.document == change.document))
        if not gone.rowcount:
            return  # another thread has carried it through
        name, version = change.document, change.base + 1
        manifest, place = generations[-1]
        signed = next(e for e in entries if e.role == "document")
        side = next(e for e in entries if e.role == "sidecar")
        values = described(change.sidecar.paper, agency=change.sidecar.agency)
        values.update(key=signed.key, generation=manifest.number, stored_at=manifest.created.isoformat())
        connection.execute(update(document).where(document.c.id == name).values(**values))
        rows = [(e.role, e.key, e.sha256, e.size, e.source) for e in entries]
        rows += [("manifest", p.key, p.sha256, p.size, "") for _, p in generations]
        for role, key, sha256, size, source in rows:
            connection.execute(
                insert(held).values(
                    document=name,
                    version=version,
                    role=role,
                    key=key,
                    sha256=sha256,
                    size=size,
                    source=source,
                )
            )
        row = words_of(connection.engine).drop(connection, name)
        words = "\n".join("\n".join(line.text for line in page.lines) for page in change.sidecar.pages)
        index_words(connection, name, change.sidecar.paper, words, row=row)
        last = change.last
        details: dict[str, Any] = {
            "version": version,
            "generation": manifest.number,
            "manifest": place.key,
            "manifest_sha256": place.sha256,
            "sidecar_sha256": side.sha256,
        }
        if last.fields:
            details["fields"] = list(last.fields)
        if last.reason:
            details["reason"] = last.reason
        if len(generations) > 1:
            details.update({"from": generations[0][1].key, "from_sha256": generations[0][1].sha256})
        if len(last.actors) > 1:
            details["asked_by"] = last.actors[0]
        ledger.append(
            connection,
            act=last.act,
            actor=change.actors[-1],
            agency=change.sidecar.agency,
            objects=[name, signed.sha256, signed.key],
            details=details,
            request=f"amend:{name}:{version}",
        )


def _titled(entry: Entry, sidecar: Sidecar) -> Entry:
    title = sidecar.paper.field("title")
    return replace(entry, title=title.value if title else sidecar.paper.type_name, type=sidecar.paper.type)


def _note(change: Amendment, sidecar: Sha256) -> bytes:
    """What stays where a paper was: it says where to look, and stands as the certificate of its removal."""
    last = change.last
    value = {
        "contract": "moved-1",
        "document": change.document,
        "version": change.base + 1,
        "from": change.source,
        "to": change.target,
        "sidecar_sha256": sidecar,
        "act": last.act,
        "actors": list(last.actors),
        "at": last.at.isoformat(),
        "reason": last.reason,
    }
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
