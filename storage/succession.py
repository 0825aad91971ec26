"""A stored document gets a next version: signed further, renewed, signed anew. The old one stays, locked as it was.

Order as everywhere: content, read-back, manifest, catalogue. The manifest's number decides between two attempts: the
version that it holds next is the document's, and a crash before the catalogue is made good at the next try.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, func, or_, select, update

from pipeline.errors import Tampered, Unavailable, UsageError
from pipeline.model import Level, SignatureRole
from pipeline.records import dump, load
from pipeline.sidecar import Sidecar
from storage import layout, ledger
from storage.archive import DETACHED, LEAST_LOCK
from storage.database import reading, writing
from storage.manifest import Entry, Manifest, decode, digest, encode
from storage.next_version import hold, signed_as
from storage.s3 import AlreadyThere, Bucket
from storage.schema import batch, document, held
from storage.segments import put_once

Attest = Callable[[bytes, SignatureRole], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The newest version of a document: its bytes, what stands beside them, who signed at which level."""

    document: str
    folder: str
    version: int
    counter: bool
    content: bytes
    sidecar: Sidecar
    entries: tuple[Entry, ...]
    level: Level | None
    roles: tuple[SignatureRole, ...]


class Succession:
    """Versions of stored documents, one after another."""

    def __init__(self, database: Engine, bucket: Bucket, *, lock: timedelta) -> None:
        self._database = database
        self._bucket = bucket
        self._lock = lock

    def unfinished(self, levels: Sequence[Level], *, agency: bool) -> list[str]:
        """Stored papers of counters that lack the agency's signature, or a level out of `levels`.

        One that an older client signed as CMS stays at that.
        """
        short = [document.c.signature_level.not_in([*levels, Level.CMS])]
        if agency:
            short.append(document.c.roles.not_like('%"agency"%'))
        query = (
            select(document.c.id)
            .join(batch, batch.c.id == document.c.batch)
            .where(
                document.c.state == "stored",
                document.c.origin != "incoming_signed",
                document.c.signature_level != Level.CMS,
                batch.c.dossier.is_not(None),
                or_(*short),
            )
            .order_by(document.c.stored_at)
        )
        with reading(self._database) as connection:
            return list(connection.execute(query).scalars())

    def standing(self, name: str) -> Standing:
        """The newest version with its bytes, checked. Raises UsageError, Tampered, Unavailable."""
        with reading(self._database) as connection:
            row = connection.execute(select(document).where(document.c.id == name)).one_or_none()
            if row is None or row.state != "stored":
                raise UsageError(f"no stored document {name}", vi=f"Không có giấy tờ {name} trong kho")
            bound = connection.execute(select(batch.c.dossier).where(batch.c.id == row.batch)).scalar()
        folder = row.dossier or layout.loose(name)
        manifest = self._last(folder)[0]
        version = manifest.version_of(name)
        entries = tuple(e for e in manifest.entries if e.document == name and e.version == version)
        content = self._bytes(entries, "document")
        return Standing(
            document=name,
            folder=folder,
            version=version,
            counter=bound is not None,
            content=content,
            sidecar=load(Sidecar, self._bytes(entries, "sidecar")),
            entries=entries,
            level=Level(row.signature_level) if row.signature_level else None,
            roles=tuple(SignatureRole(role) for role in json.loads(row.roles or "[]")),
        )

    def originals_hold(self, standing: Standing) -> bool:
        """Whether every original is in the store as it was recorded."""
        return all(
            self._bucket.hash(one.key) == one.sha256 for one in standing.entries if one.role == "original"
        )

    def follow(
        self,
        standing: Standing,
        content: bytes,
        *,
        level: Level | None,
        roles: Sequence[SignatureRole],
        act: str,
        actor: str,
        details: dict[str, Any] | None = None,
        attest: tuple[Attest, Sequence[SignatureRole]] | None = None,
    ) -> int:
        """Make `content` the next version; returns its number. Raises Unavailable when another came first."""
        until = datetime.now(UTC) + max(self._lock, LEAST_LOCK)
        beside = replace(standing.sidecar, pdf_sha256=digest(content), level=level, roles=tuple(roles))
        entries = self._kept(standing, content, dump(beside), until, level)
        while True:
            last, previous = self._last(standing.folder)
            if last.version_of(standing.document) != standing.version:
                self.catch_up(standing.document)
                raise Unavailable(
                    f"{standing.document} got another version meanwhile; trying again",
                    vi=f"{standing.document} vừa có phiên bản khác; sẽ thử lại",
                )
            following = replace(
                last,
                number=last.number + 1,
                previous=digest(previous),
                created=datetime.now(UTC),
                actor=actor,
                entries=(*last.entries, *entries),
            )
            encoded = encode(following)
            try:
                self._bucket.put_new(
                    layout.manifest(standing.folder, following.number),
                    encoded,
                    sha256=digest(encoded),
                    media_type="application/json",
                    lock_until=until,
                )
            except AlreadyThere:
                continue
            if attest is not None:
                self._attest(standing.folder, following.number, encoded, attest, until)
            self._record(following, encoded, standing.document, beside, act, actor, details or {})
            return standing.version + 1

    def attestations(self, standing: Standing) -> list[bytes]:
        """The detached signatures over the manifest that committed this version."""
        with reading(self._database) as connection:
            number = connection.execute(
                select(document.c.generation).where(document.c.id == standing.document)
            ).scalar_one()
        keys = (layout.attestation(standing.folder, number, role) for role in SignatureRole)
        return [found for key in keys if (found := self._bucket.read(key)) is not None]

    def _attest(
        self,
        folder: str,
        number: int,
        manifest: bytes,
        attest: tuple[Attest, Sequence[SignatureRole]],
        until: datetime,
    ) -> None:
        sign, roles = attest
        for role in roles:
            key = layout.attestation(folder, number, role)
            lock = until - datetime.now(UTC)
            put_once(self._bucket, key, sign(manifest, role), media_type=DETACHED, lock=lock)

    def catch_up(self, name: str) -> bool:
        """Bring the catalogue to the version that the manifest holds, when a crash came between them."""
        with reading(self._database) as connection:
            row = connection.execute(select(document).where(document.c.id == name)).one()
            known = connection.execute(
                select(func.max(held.c.version)).where(held.c.document == name)
            ).scalar()
        manifest, encoded = self._last(row.dossier or layout.loose(name))
        version = manifest.version_of(name)
        if version <= (known or 0):
            return False
        entries = [e for e in manifest.entries if e.document == name and e.version == version]
        beside = load(Sidecar, self._bytes(entries, "sidecar"))
        self._record(manifest, encoded, name, beside, "recover", "system", {"version": version})
        return True

    def _kept(
        self, standing: Standing, content: bytes, beside: bytes, until: datetime, level: Level | None
    ) -> list[Entry]:
        """The next version's objects in the store, read back; originals are those of the version before."""
        entries = []
        for role, data, media_type in (
            ("document", content, "application/pdf"),
            ("sidecar", beside, "application/json"),
        ):
            key = layout.content(standing.folder, digest(data), media_type)
            put_once(self._bucket, key, data, media_type=media_type, lock=until - datetime.now(UTC))
            if self._bucket.hash(key) != digest(data):
                raise Tampered(f"{key}: the store returned other bytes", vi="Kho trả về nội dung sai khác")
            old = next(one for one in standing.entries if one.role == role)
            entries.append(
                replace(
                    old,
                    version=standing.version + 1,
                    key=key,
                    sha256=digest(data),
                    size=len(data),
                    retain_until=until,
                    signature_level=level if role == "document" else old.signature_level,
                )
            )
        rest = (one for one in standing.entries if one.role not in ("document", "sidecar"))
        return [*entries, *(replace(one, version=standing.version + 1) for one in rest)]

    def _record(
        self,
        manifest: Manifest,
        encoded: bytes,
        name: str,
        beside: Sidecar,
        act: str,
        actor: str,
        details: dict[str, Any],
    ) -> None:
        """Catalogue and ledger in one transaction."""
        version = manifest.version_of(name)
        entries = [e for e in manifest.entries if e.document == name and e.version == version]
        pdf = next(e for e in entries if e.role == "document")
        place = layout.manifest(manifest.dossier, manifest.number)
        pinned = digest(encoded)
        with writing(self._database) as connection:
            connection.execute(
                update(document)
                .where(document.c.id == name)
                .values(**signed_as(pdf, manifest, level=beside.level, roles=beside.roles))
            )
            hold(connection, name, version, entries, manifest=(place, pinned, len(encoded)))
            ledger.append(
                connection,
                act=act,
                actor=actor,
                agency=manifest.agency,
                objects=[name, pdf.sha256],
                details={"level": beside.level, "roles": list(beside.roles), "version": version, **details},
                request=f"{act}:{name}:{version}:{pdf.sha256}",
            )
            ledger.append(
                connection,
                act="store",
                actor=actor,
                agency=manifest.agency,
                objects=[name, pdf.sha256, pdf.key],
                details={
                    "generation": manifest.number,
                    "level": beside.level,
                    "manifest": place,
                    "manifest_sha256": pinned,
                },
                request=f"store:{name}:{version}:{pdf.sha256}",
            )

    def _last(self, folder: str) -> tuple[Manifest, bytes]:
        """The newest manifest of a dossier and its bytes."""
        keys = [key for key in self._keys(folder) if key.endswith(".json")]
        content = self._bucket.read(keys[-1]) if keys else None
        if content is None:
            raise Tampered(f"{folder} has no manifest", vi=f"Hồ sơ {folder} không còn bản kê")
        return decode(content, keys[-1]), content

    def _keys(self, folder: str) -> Iterator[str]:
        return self._bucket.keys(f"{layout.dossier_folder(folder)}/m/")

    def _bytes(self, entries: Sequence[Entry], role: str) -> bytes:
        one = next(e for e in entries if e.role == role)
        content = self._bucket.read(one.key)
        if content is None or digest(content) != one.sha256:
            raise Tampered(f"{one.key} is missing or holds other bytes", vi=f"{one.key} mất hoặc đã bị đổi")
        return content
