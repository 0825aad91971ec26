"""The archive: originals land, signed attempts are staged, documents are kept. All verbs may be repeated.

The order never changes: content, read-back, manifest; the caller's catalogue comes after. So a crash leaves
at most content without a manifest, which the next attempt finds and uses.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipeline.errors import Tampered, Unavailable
from pipeline.model import (
    Blob,
    Intake,
    Sha256,
    SignatureRole,
    SignedDocument,
    StoredDocument,
    StoredObject,
)
from storage import layout
from storage.manifest import Entry, Manifest, decode, digest, encode
from storage.s3 import AlreadyThere, Bucket

AT_ONCE = 4
DETACHED = "application/pkcs7-signature"
LEAST_LOCK = timedelta(days=1)
SETTLING, QUICK = 20.0, 5.0
"""Seconds within which a store that was started is whole again; longest refusal that may be only that."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """What was put into the bucket for a document: the PDF, its sidecar, the originals; side by side."""

    objects: list[StoredObject]
    sources: list[str]
    types: list[str]


class Archive:
    """Speaks to one bucket. Locks are set by the caller as dates; with `locking` False (a trial) nothing is locked."""

    def __init__(self, bucket: Bucket, *, once: Bucket | None = None, locking: bool = True) -> None:
        self._bucket = bucket
        self._locking = locking
        self._once = once or bucket
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="store")

    def land(self, intake: Intake, *, lock_until: datetime | None) -> tuple[StoredObject, ...]:
        """Every original of a batch, and what lay beside them, under `q/`, read back."""
        every = (*intake.files, *intake.companions)
        files = {file.blob.sha256: file for file in every if file.reason is None}
        lock_until = self._ahead(lock_until) if lock_until else None
        return tuple(
            self._threads.map(
                lambda file: self._keep(
                    layout.landing(intake.id, file.blob.sha256), file.blob.path, file.blob, lock_until
                ),
                files.values(),
            )
        )

    def stage(self, document: str, pdf: Blob) -> str:
        """Put a signed attempt where nothing is locked; returns its key."""
        key = layout.staging(document, pdf.sha256)
        self._keep(key, pdf.path, pdf, None)
        return key

    def fetch(self, key: str, sha256: Sha256, into: Path) -> None:
        """An object into a file. Raises Tampered when it is missing or holds other bytes."""
        self._bucket.fetch(key, sha256, into)

    def recover(self, key: str, sha256: Sha256, into: Path) -> bool:
        """The recorded bytes from a version that lies under another one or under a delete marker; False without one."""
        for version in self._bucket.versions(key):
            if version.key == key and not version.deleted:
                try:
                    self._once.fetch(key, sha256, into, version_id=version.version_id)
                except (Tampered, Unavailable):
                    continue
                return True
        return False

    def read(self, key: str) -> bytes | None:
        """An object as the store has it now, unchecked, None when it is missing: for verifiers.

        Asked again when the store fails and yet is up. A store that has just been started refuses at once, now this
        object and now that, until all its volumes are there; a rotten object stays unreadable, and takes the
        embedded store 13 s to say so. Raises Unavailable then.
        """
        until, rotten = time.monotonic() + SETTLING, 0
        while True:
            began = time.monotonic()
            try:
                return self._once.read(key)
            except Unavailable:
                self._bucket.probe()
                rotten += time.monotonic() - began > QUICK
                if rotten > 1 or time.monotonic() > until:
                    raise
                time.sleep(0.5)

    def store(self, signed: SignedDocument, *, sidecar: bytes, lock_until: datetime) -> StoredDocument:
        """Keep a document with its originals and its sidecar, and commit the dossier's next manifest."""
        document = signed.document
        dossier = document.paper.dossier or layout.loose(document.id)
        until = self._ahead(lock_until)
        side = Blob(path=Path(), sha256=digest(sidecar), size=len(sidecar), media_type="application/json")
        jobs: list[tuple[str, Path | bytes, Blob]] = [
            (layout.content(dossier, signed.pdf.sha256, "application/pdf"), signed.pdf.path, signed.pdf),
            (layout.content(dossier, side.sha256, "application/json"), sidecar, side),
        ]
        originals = [f for f in document.originals if f.blob.sha256 != signed.pdf.sha256]
        for file in originals:
            key = layout.content(dossier, file.blob.sha256, file.blob.media_type, file.source)
            jobs.append((key, file.blob.path, file.blob))
        kept = list(self._threads.map(lambda job: self._keep(job[0], job[1], job[2], until), jobs))
        sources = ["", "", *(file.source for file in originals)]
        types = [blob.media_type for _, _, blob in jobs]
        made = _Kept(kept, sources, types)
        manifest, place = self.commit_next(
            dossier, lambda last: _following(last, signed, dossier, made, until), lock_until=lock_until
        )
        return StoredDocument(
            signed=signed,
            bucket=self._bucket.name,
            pdf=kept[0],
            sidecar=kept[1],
            manifest=place,
            originals=tuple(kept[2:]),
            generation=manifest.number,
            version=manifest.version_with(document.id, signed.pdf.sha256),
            stored_at=manifest.created,
        )

    def attest(
        self,
        stored: StoredDocument,
        sign: Callable[[bytes, SignatureRole], bytes],
        *,
        lock_until: datetime,
        roles: Sequence[SignatureRole] = tuple(SignatureRole),
    ) -> None:
        """Detached signatures of these roles over the manifest that pins the document; those that are there stay.

        An incoming signed file must not be signed itself, so officer and agency vouch for its place in the dossier.
        """
        dossier = stored.signed.document.paper.dossier or layout.loose(stored.signed.document.id)
        self.attest_generation(dossier, stored.generation, sign, lock_until=lock_until, roles=roles)

    def attest_generation(
        self,
        dossier: str,
        generation: int,
        sign: Callable[[bytes, SignatureRole], bytes],
        *,
        lock_until: datetime,
        roles: Sequence[SignatureRole] = tuple(SignatureRole),
    ) -> None:
        """As `attest`, for a generation by its number."""
        content = self._bucket.read(layout.manifest(dossier, generation))
        if content is None:
            raise Tampered(f"manifest {generation} of {dossier} is gone", vi="Bản kê của hồ sơ đã mất")
        for role in roles:
            key = layout.attestation(dossier, generation, role)
            if self._bucket.stat(key) is None:
                message = sign(content, role)
                blob = Blob(path=Path(), sha256=digest(message), size=len(message), media_type=DETACHED)
                self._keep(key, message, blob, self._ahead(lock_until))

    def manifests(self, dossier: str) -> Iterator[tuple[str, bytes]]:
        """All generations of a dossier as (key, bytes), oldest first."""
        for key in self._bucket.keys(f"{layout.dossier_folder(dossier)}/m/"):
            content = self._bucket.read(key) if key.endswith(".json") else None
            if content is not None:
                yield key, content

    def newest(self, dossier: str) -> tuple[str, bytes] | None:
        """Key and bytes of the newest generation; only it is read, since a dossier may have hundreds."""
        keys = list(self._bucket.keys(f"{layout.dossier_folder(dossier)}/m/"))
        for key in reversed(keys):
            content = self._bucket.read(key) if key.endswith(".json") else None
            if content is not None:
                return key, content
        return None

    def probe(self) -> None:
        """Write and read one object; raises Unavailable."""
        self._bucket.probe()

    def keep(self, key: str, content: Path | bytes, blob: Blob, lock_until: datetime) -> StoredObject:
        """One more object, locked, read back; one that is there already stays."""
        return self._keep(key, content, blob, self._ahead(lock_until))

    def commit_next(
        self, dossier: str, make: Callable[[Manifest | None], Manifest | None], *, lock_until: datetime
    ) -> tuple[Manifest, StoredObject]:
        """Commit what `make` makes of the newest generation; after a lost race it is asked anew.

        `make` returns None when the newest generation says it all already. It sees numbers and entries; `previous` is
        set here.
        """
        while True:
            newest = self.newest(dossier)
            last = decode(newest[1], newest[0]) if newest else None
            following = make(last)
            if following is None:
                assert newest is not None and last is not None
                key, there = newest
                return last, StoredObject(key=key, sha256=digest(there), size=len(there), version_id=None)
            following = replace(following, previous=digest(newest[1]) if newest else None)
            content = encode(following)
            try:
                place = self._bucket.put_new(
                    layout.manifest(dossier, following.number),
                    content,
                    sha256=digest(content),
                    media_type="application/json",
                    lock_until=self._ahead(lock_until),
                )
                return following, place
            except AlreadyThere:
                continue

    def _ahead(self, until: datetime) -> datetime | None:
        """A store refuses a lock that ends in the past, as that of a batch tried again after its term."""
        return max(until, datetime.now(UTC) + LEAST_LOCK) if self._locking else None

    def _keep(self, key: str, content: Path | bytes, blob: Blob, lock_until: datetime | None) -> StoredObject:
        """Put unless it is there, then read back what the store has and compare."""
        try:
            stored = self._bucket.put_new(
                key, content, sha256=blob.sha256, media_type=blob.media_type, lock_until=lock_until
            )
        except AlreadyThere:
            found = self._bucket.stat(key)
            version = found.version_id if found else None
            stored = StoredObject(key=key, sha256=blob.sha256, size=blob.size, version_id=version)
        if self._bucket.hash(key) != blob.sha256:
            raise Tampered(
                f"{key}: the store returned other bytes than were written", vi="Kho trả về nội dung sai khác"
            )
        return stored


def _following(
    last: Manifest | None, signed: SignedDocument, dossier: str, kept: _Kept, lock_until: datetime | None
) -> Manifest | None:
    """The generation that also pins this document; None when `last` does."""
    document = signed.document
    if last is not None and last.holds(document.id, signed.pdf.sha256):
        return None
    version = (last.version_of(document.id) if last else 0) + 1
    return Manifest(
        dossier=dossier,
        number=(last.number if last else 0) + 1,
        previous=None,
        created=datetime.now(UTC),
        agency=document.agency,
        actor=document.actor,
        entries=(last.entries if last else ()) + _entries(signed, version, kept, lock_until),
    )


def _entries(
    signed: SignedDocument, version: int, kept: _Kept, lock_until: datetime | None
) -> tuple[Entry, ...]:
    paper = signed.document.paper
    title = paper.field("title")
    roles = ["document", "sidecar", *["original"] * (len(kept.objects) - 2)]
    first, *others = (
        Entry(
            document=signed.document.id,
            version=version,
            role=role,
            key=item.key,
            sha256=item.sha256,
            size=item.size,
            media_type=media_type,
            source=source,
            retain_until=lock_until,
        )
        for role, item, source, media_type in zip(roles, kept.objects, kept.sources, kept.types, strict=True)
    )
    first = replace(
        first,
        title=title.value if title else paper.type_name,
        origin=paper.origin,
        type=paper.type,
        signature_level=signed.level,
    )
    return (first, *others)


def newest(manifest: Manifest) -> tuple[Entry, ...]:
    """The entries of each document's newest version."""
    top = {e.document: manifest.version_of(e.document) for e in manifest.entries}
    return tuple(e for e in manifest.entries if e.version == top[e.document])
