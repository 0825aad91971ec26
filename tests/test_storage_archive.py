"""Documents kept in the real store: originals, signed attempts, manifests, and what is noticed when they change."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from minio import Minio

from pipeline.errors import Tampered
from pipeline.model import Document, SignedDocument, StoredDocument
from pipeline.records import dump, load
from pipeline.sidecar import Sidecar, sidecar_of
from storage import layout
from storage.archive import Archive, newest
from storage.manifest import Manifest, check_chain, decode
from storage.s3 import Bucket
from storage.seaweedfs import EmbeddedStore
from tests.papers import make_document, make_intake, with_bytes

SOON = timedelta(days=2)


@pytest.fixture
def paper(document: Document, request: pytest.FixtureRequest) -> Iterator[Document]:
    """The document in a dossier of this test's own."""
    yield replace(document, paper=replace(document.paper, dossier=f"H26/{request.node.name}"))


def keep(archive: Archive, signed: SignedDocument) -> StoredDocument:
    return archive.store(signed, sidecar=dump(sidecar_of(signed)), lock_until=datetime.now(UTC) + SOON)


def last(archive: Archive, document: Document) -> Manifest:
    assert document.paper.dossier
    return [decode(content, key) for key, content in archive.manifests(document.paper.dossier)][-1]


def overwrite(store: EmbeddedStore, key: str, content: bytes) -> None:
    """What an administrator can do past our code: a new version over a locked one."""
    endpoint = store.endpoint("admin")
    client = Minio(
        endpoint.host,
        access_key=endpoint.access_key,
        secret_key=endpoint.secret_key,
        secure=False,
        region="us-east-1",
    )
    client.put_object("sohoa", key, io.BytesIO(content), len(content))


def test_document_is_kept_with_originals_and_sidecar_all_locked(
    archive: Archive, bucket: Bucket, store: EmbeddedStore, paper: Document, tmp_path: Path
) -> None:
    stored = keep(archive, with_bytes(paper, b"signed", tmp_path))
    assert (stored.generation, stored.version) == (1, 1)
    assert bucket.read(stored.pdf.key) == b"signed"
    originals = [bucket.read(kept.key) for kept in stored.originals]
    assert originals == [file.blob.path.read_bytes() for file in paper.originals]
    manifest = last(archive, paper)
    assert {(e.role, e.key, e.sha256, e.size) for e in manifest.entries} == {
        ("document", stored.pdf.key, stored.pdf.sha256, 6),
        ("sidecar", stored.sidecar.key, stored.sidecar.sha256, stored.sidecar.size),
        *(("original", kept.key, kept.sha256, kept.size) for kept in stored.originals),
    }
    assert {e.media_type for e in manifest.entries if e.role == "original"} == {"image/jpeg"}
    endpoint = store.endpoint("admin")
    client = Minio(
        endpoint.host,
        access_key=endpoint.access_key,
        secret_key=endpoint.secret_key,
        secure=False,
        region="us-east-1",
    )
    for entry in manifest.entries:
        lock = client.get_object_retention("sohoa", entry.key)
        assert lock is not None and lock.retain_until_date > datetime.now(UTC) + SOON / 2


def test_sidecar_in_the_bucket_holds_what_was_read(
    archive: Archive, bucket: Bucket, paper: Document, tmp_path: Path
) -> None:
    stored = keep(archive, with_bytes(paper, b"signed", tmp_path))
    content = bucket.read(stored.sidecar.key)
    assert content is not None
    found = load(Sidecar, content)
    assert found.paper == paper.paper
    assert [page.lines for page in found.pages] == [page.lines for page in paper.pages]
    assert str(paper.pages[0].page.file.path.parent) not in content.decode()


def test_storing_twice_makes_one_generation(archive: Archive, paper: Document, tmp_path: Path) -> None:
    signed = with_bytes(paper, b"signed", tmp_path)
    first, second = keep(archive, signed), keep(archive, signed)
    assert (first.generation, second.generation) == (1, 1)
    assert first.pdf == second.pdf
    assert len(last(archive, paper).entries) == 4


def test_two_writers_at_once_both_land_in_the_newest_manifest(
    archive: Archive, bucket: Bucket, paper: Document, tmp_path: Path
) -> None:
    start, stored = threading.Barrier(2), []
    other = Archive(bucket)

    def write(place: Archive, identifier: str) -> None:
        mine = replace(paper, id=identifier)
        signed = with_bytes(mine, identifier.encode(), tmp_path)
        start.wait()
        stored.append(keep(place, signed))

    threads = [threading.Thread(target=write, args=job) for job in ((archive, "d_one"), (other, "d_two"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one.generation for one in stored) == [1, 2]
    manifest = last(archive, paper)
    assert {e.document for e in manifest.entries if e.role == "document"} == {"d_one", "d_two"}
    assert paper.paper.dossier
    assert check_chain(list(archive.manifests(paper.paper.dossier))) == []


def test_document_signed_anew_is_its_next_version_and_the_old_one_stays(
    archive: Archive, bucket: Bucket, paper: Document, tmp_path: Path
) -> None:
    first = keep(archive, with_bytes(paper, b"signed", tmp_path))
    again = keep(archive, with_bytes(paper, b"signed anew", tmp_path))
    assert (first.version, again.version, again.generation) == (1, 2, 2)
    assert bucket.read(first.pdf.key) == b"signed"
    current = newest(last(archive, paper))
    assert [e.sha256 for e in current if e.role == "document"] == [again.pdf.sha256]
    assert keep(archive, with_bytes(paper, b"signed", tmp_path)).version == 1


def test_content_left_without_a_manifest_is_used_by_the_next_attempt(
    archive: Archive, bucket: Bucket, paper: Document, tmp_path: Path
) -> None:
    signed = with_bytes(paper, b"signed", tmp_path)
    assert paper.paper.dossier
    key = layout.content(paper.paper.dossier, signed.pdf.sha256, "application/pdf")
    orphan = bucket.put_new(
        key, b"signed", sha256=signed.pdf.sha256, media_type="application/pdf", lock_until=None
    )
    stored = keep(archive, signed)
    assert stored.pdf.version_id == orphan.version_id


def test_tampered_object_is_found_when_it_is_stored_again_and_when_fetched(
    archive: Archive, store: EmbeddedStore, paper: Document, tmp_path: Path
) -> None:
    signed = with_bytes(paper, b"signed", tmp_path)
    stored = keep(archive, signed)
    overwrite(store, stored.pdf.key, b"forged")
    with pytest.raises(Tampered):
        keep(archive, signed)
    with pytest.raises(Tampered):
        archive.fetch(stored.pdf.key, stored.pdf.sha256, tmp_path / "out.pdf")
    assert not (tmp_path / "out.pdf").exists()


def test_forged_manifest_stops_the_next_document_of_the_dossier(
    archive: Archive, store: EmbeddedStore, paper: Document, tmp_path: Path
) -> None:
    keep(archive, with_bytes(paper, b"signed", tmp_path))
    assert paper.paper.dossier
    overwrite(store, layout.manifest(paper.paper.dossier, 1), b'{"contract": "cut off')
    with pytest.raises(Tampered):
        keep(archive, with_bytes(replace(paper, id="d_next"), b"next", tmp_path))


def test_originals_land_once_under_their_batch(archive: Archive, bucket: Bucket, paper: Document) -> None:
    intake = make_intake(replace(paper, batch="b_landing"))
    twice = replace(intake, files=(*intake.files, intake.files[0]))
    landed = archive.land(twice, lock_until=datetime.now(UTC) + SOON)
    assert archive.land(twice, lock_until=datetime.now(UTC) + SOON) == landed
    assert sorted(bucket.keys("q/b_landing/")) == sorted(kept.key for kept in landed)
    assert {kept.sha256 for kept in landed} == {file.blob.sha256 for file in intake.files}


def test_files_that_could_not_be_taken_do_not_land(archive: Archive, bucket: Bucket, paper: Document) -> None:
    intake = make_intake(replace(paper, batch="b_unreadable"))
    files = (replace(intake.files[0], reason="no rights"), *intake.files[1:])
    landed = archive.land(replace(intake, files=files), lock_until=None)
    assert [kept.sha256 for kept in landed] == [file.blob.sha256 for file in files[1:]]


def test_batch_older_than_its_lock_can_still_be_stored(
    archive: Archive, paper: Document, tmp_path: Path
) -> None:
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    signed = with_bytes(paper, b"signed", tmp_path)
    archive.land(make_intake(replace(paper, batch="b_old")), lock_until=long_ago)
    stored = archive.store(signed, sidecar=dump(sidecar_of(signed)), lock_until=long_ago)
    assert stored.generation == 1
    (until,) = {entry.retain_until for entry in last(archive, paper).entries}
    assert until is not None and until > datetime.now(UTC)


def test_signed_attempts_are_staged_apart_and_come_back(
    archive: Archive, paper: Document, tmp_path: Path
) -> None:
    signed = with_bytes(paper, b"attempt", tmp_path)
    key = archive.stage("d_attempt", signed.pdf)
    assert key == archive.stage("d_attempt", signed.pdf)
    assert key.startswith("s/d_attempt/")
    archive.fetch(key, signed.pdf.sha256, tmp_path / "back.pdf")
    assert (tmp_path / "back.pdf").read_bytes() == b"attempt"


def test_whole_file_without_a_dossier_has_a_folder_of_its_own(
    archive: Archive, document: Document, tmp_path: Path
) -> None:
    loose = replace(document, id="d_loose", paper=replace(document.paper, dossier=None))
    stored = keep(archive, with_bytes(loose, b"signed", tmp_path))
    assert "~d_loose" in stored.pdf.key.replace("%7E", "~")
    assert len(list(archive.manifests("~d_loose"))) == 1


def test_an_incoming_file_is_kept_once_as_document_and_original(archive: Archive, tmp_path: Path) -> None:
    made = make_document(tmp_path, dossier="H26/incoming")
    incoming = replace(made, originals=(replace(made.originals[0], blob=made.pdf),))
    stored = keep(archive, SignedDocument(document=incoming, pdf=made.pdf, level=None))
    assert stored.originals == ()
    assert stored.pdf.sha256 == made.pdf.sha256
