"""A repository of three stored versions in two dossiers, for tests of what keeps it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine

from pipeline.model import Document, StoredDocument
from pipeline.records import dump
from pipeline.sidecar import sidecar_of
from storage.archive import Archive
from storage.batches import Batches
from storage.catalogue import Catalogue
from storage.s3 import Bucket
from storage.segments import Segments
from tests.papers import make_intake, of_text, with_bytes

LOCK = timedelta(days=1)


@dataclass
class Repository:
    """A bucket with two dossiers, and the database that kept them."""

    bucket: Bucket
    database: Engine
    stored: list[StoredDocument]
    folder: Path


def keep(
    database: Engine, archive: Archive, document: Document, content: bytes, folder: Path
) -> StoredDocument:
    batches = Batches(database)
    batches.open(make_intake(document))
    batches.set_pages(document.batch, [page.page for page in document.pages])
    batches.record_read(document.pages)
    batches.open_document(document)
    signed = with_bytes(document, content, folder)
    until = datetime.now(UTC) + LOCK
    stored = archive.store(signed, sidecar=dump(sidecar_of(signed)), lock_until=until)
    Catalogue(database).commit(stored)
    return stored


def fill(database: Engine, own_bucket: Bucket, document: Document, tmp_path: Path) -> Repository:
    """The document twice, signed anew the second time, and another one in its own dossier."""
    archive = Archive(own_bucket)
    other = replace(of_text(document, "d_other", "hợp đồng thuê nhà", dossier="H26/2"), batch="b_other")
    (only,) = other.pages
    other = replace(other, pages=(replace(only, page=replace(only.page, id="p_other")),))
    stored = [
        keep(database, archive, document, b"one", tmp_path),
        keep(database, archive, other, b"two", tmp_path),
        keep(database, archive, document, b"one signed anew", tmp_path),
    ]
    Segments(database, own_bucket, lock=LOCK).publish()
    return Repository(own_bucket, database, stored, tmp_path)
