"""What of the bucket goes with a dossier: its content, the landed originals that only it has, signed attempts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath

from sqlalchemy import Connection, Engine, select

from pipeline.errors import Tampered
from storage import layout
from storage.database import reading
from storage.disposal_certificate import DISPOSED, Gone, objects_of
from storage.manifest import Manifest
from storage.s3 import Bucket, Version
from storage.schema import document, held, page
from storage.versions import VersionedBucket

OPEN_PAGES = ("queued", "working", "review")


@dataclass(frozen=True, slots=True)
class Extent:
    """`gone` by key; `shared` stay because papers of another dossier are in the same file."""

    gone: tuple[Gone, ...]
    shared: tuple[str, ...]


def extent(database: Engine, bucket: Bucket, dossier: str, last: Manifest) -> Extent:
    """Looked up in bucket and catalogue; the same again until rows or objects go."""
    spared = {entry.key for entry in last.entries if entry.role == DISPOSED}
    known = {entry.key: str(entry.sha256) for entry in last.entries}
    found: dict[str, Gone] = {}
    for one in bucket.versions(f"{layout.dossier_folder(dossier)}/c/"):
        if one.key in spared or one.deleted or (one.key not in known and _certifies(bucket, one)):
            continue
        found.setdefault(one.key, _gone(one, known.get(one.key)))
    papers = {entry.document for entry in last.entries if entry.role == "document"}
    for name in sorted(papers):
        for one in bucket.versions(f"s/{name}/"):
            if not one.deleted:
                found.setdefault(one.key, _gone(one, None))
    landed, shared = _landed(database, bucket, papers, {str(entry.sha256) for entry in last.entries})
    for one in landed:
        found.setdefault(one.key, _gone(one, None))
    return Extent(tuple(found[key] for key in sorted(found)), tuple(sorted(shared)))


def locked(bucket: VersionedBucket, gone: tuple[Gone, ...]) -> tuple[datetime | None, bool]:
    """When the last lock on these objects ends, None when nothing is locked; and whether the store has any on hold."""
    ends, hold = [], False
    for item in gone:
        for one in _versions(bucket, item.key):
            lock = None if one.deleted else bucket.lock_of(one.key, one.version_id)
            if lock is not None:
                ends += [lock.until] if lock.until else []
                hold = hold or lock.hold
    return max(ends, default=None), hold


def in_use(database: Engine, key: str, sha256: str) -> bool:
    """Whether a paper of the catalogue still needs an object, as one that was scanned again after its disposal."""
    with reading(database) as connection:
        if connection.execute(select(held.c.key).where(held.c.key == key).limit(1)).first():
            return True
        return key.startswith("q/") and _shared(connection, key.split("/")[1], sha256, set())


def _versions(bucket: Bucket, key: str) -> Iterator[Version]:
    return (one for one in bucket.versions(key) if one.key == key)


def _gone(one: Version, sha256: str | None) -> Gone:
    return Gone(key=one.key, sha256=sha256 or PurePosixPath(one.key).name.partition(".")[0], size=one.size)


def _certifies(bucket: Bucket, one: Version) -> bool:
    """Whether this is the certificate of a try that a crash broke off."""
    if not one.key.endswith(".json"):
        return False
    try:
        objects_of(bucket.read(one.key, version_id=one.version_id) or b"", one.key)
    except Tampered:
        return False
    return True


def _landed(
    database: Engine, bucket: Bucket, papers: set[str], digests: set[str]
) -> tuple[list[Version], list[str]]:
    """Landed originals of these papers, those apart that something else needs."""
    with reading(database) as connection:
        query = select(document.c.batch).distinct().where(document.c.id.in_(papers))
        batches = sorted(connection.execute(query).scalars())
    mine: list[Version] = []
    shared: list[str] = []
    for batch in batches:
        for one in bucket.versions(f"q/{batch}/"):
            digest = one.key.rpartition("/")[2]
            if one.deleted or digest not in digests:
                continue
            with reading(database) as connection:
                needed = _shared(connection, batch, digest, papers)
            if needed:
                shared.append(one.key)
            else:
                mine.append(one)
    return mine, list(dict.fromkeys(shared))


def _shared(connection: Connection, batch: str, digest: str, papers: set[str]) -> bool:
    """Whether another paper of the batch, or a side that waits, comes from this file."""
    execute = connection.execute
    rows = execute(select(document.c.id, document.c.pages).where(document.c.batch == batch)).all()
    theirs = {index for row in rows if row.id not in papers for index in json.loads(row.pages)}
    sides = execute(
        select(page.c.idx, page.c.state).where(page.c.batch == batch, page.c.source_sha256 == digest)
    ).all()
    return any(side.idx in theirs or side.state in OPEN_PAGES for side in sides)
