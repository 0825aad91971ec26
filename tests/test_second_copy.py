"""The second copy: everything gets there and is acknowledged, and what is harmed here is healed from it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from pipeline.errors import Unavailable, UsageError
from pipeline.files import hash_file
from pipeline.model import Document, Level, SignatureRole
from storage import layout
from storage.archive import Archive
from storage.database import writing
from storage.findings import Kind
from storage.ledger import Ledger
from storage.locking import LockingBucket
from storage.repair import Repair
from storage.seaweedfs import EmbeddedStore
from storage.second_copy import SecondCopy
from storage.second_place import BucketPlace, FolderPlace, SecondPlace
from storage.versions import VersionedBucket
from tests.papers import make_intake, make_signer
from tests.repository import LOCK, Repository
from tests.test_fixity import destroy, fixity, put


def of_folder(repository: Repository) -> SecondPlace:
    folder = repository.folder / "disk"
    folder.mkdir(exist_ok=True)
    return FolderPlace(folder, bucket="spare")


def second(repository: Repository, place: SecondPlace) -> SecondCopy:
    return SecondCopy(
        repository.database,
        Archive(repository.bucket),
        repository.bucket,
        place,
        repository.folder / "copying",
    )


def healed(
    repository: Repository, store: EmbeddedStore, copy: SecondCopy | None
) -> list[tuple[Kind, str, bool]]:
    versioned = VersionedBucket(replace(store.endpoint("admin"), bucket="spare"))
    repair = Repair(
        versioned,
        copy,
        Ledger(repository.database),
        lock=LOCK,
        agency="H26",
        scratch=repository.folder / "repair",
    )
    found = fixity(repository).scrub(actor="nhung").findings
    done = repair.run(found, actor="nhung", progress=lambda done, total: None)
    return [(one.kind, one.key, one.repaired) for one in done]


def everything(repository: Repository) -> set[str]:
    return {key for key in repository.bucket.keys("") if key.startswith(("d/", "q/", "l/"))}


def test_everything_gets_to_the_folder_and_is_acknowledged(repository: Repository) -> None:
    copy, disk = second(repository, of_folder(repository)), repository.folder / "disk"
    assert not copy.acknowledged("d_other")
    copied = copy.work()
    wanted = everything(repository)
    assert copied == len(wanted) and {
        str(path.relative_to(disk)) for path in disk.rglob("*") if path.is_file()
    } == {*wanted, "sohoa-copy.json"}
    for key in wanted:
        assert hash_file(disk / key) == repository.bucket.hash(key)
        assert (disk / key).stat().st_mode & 0o777 == 0o400
    assert copy.acknowledged("d_other") and not copy.acknowledged("d_unknown")
    assert copy.work() == 0
    with writing(repository.database) as connection:  # originals that the fixture takes in and never lands
        connection.execute(text("update batch set state = 'done'"))
    assert copy.work() == 0 and copy.state().to_json()["waiting"] == 0
    (disk / repository.stored[1].pdf.key).unlink()
    assert copy.check() == [(repository.stored[1].pdf.key, repository.stored[1].pdf.sha256)]
    assert not copy.acknowledged("d_other"), "what the second place lost is acknowledged no longer"
    assert copy.work() == 1 and copy.acknowledged("d_other")


def test_a_disk_that_is_not_mounted_is_told_from_an_empty_one(repository: Repository) -> None:
    copy, disk = second(repository, of_folder(repository)), repository.folder / "disk"
    copy.work()
    put(repository, f"q/b_1/{'ab' * 32}", b"later")
    disk.rename(repository.folder / "away")
    disk.mkdir()
    with pytest.raises(Unavailable, match="not mounted"):
        copy.work()
    assert list(disk.iterdir()) == [] and "not mounted" in str(copy.state().trouble)
    disk.rmdir()
    (repository.folder / "away").rename(disk)
    assert copy.work() == 0 and copy.state().trouble is None
    with pytest.raises(UsageError, match="another repository"):
        FolderPlace(disk, bucket="other").ready(first=False)


def test_what_is_lost_rotten_or_hidden_is_healed(repository: Repository, store: EmbeddedStore) -> None:
    copy = second(repository, of_folder(repository))
    copy.work()
    lost, rotten, hidden = (
        repository.stored[1].pdf,
        repository.stored[1].sidecar,
        repository.stored[0].originals[0],
    )
    destroy(repository.bucket, lost.key)
    destroy(repository.bucket, rotten.key)
    put(repository, rotten.key, b"other bytes, and no version holds the recorded ones")
    repository.bucket._client.remove_object(repository.bucket.name, hidden.key)
    manifest = repository.stored[2].manifest
    destroy(repository.bucket, manifest.key)
    expected = {(Kind.MISSING, lost.key), (Kind.ROT, rotten.key), (Kind.HIDDEN, hidden.key)}
    expected.add((Kind.MISSING, manifest.key))
    alone = healed(repository, store, None)
    assert expected <= {(kind, key) for kind, key, _ in alone}, "a lost manifest brings findings of its own"
    assert {kind for kind, _, done in alone if done} == {Kind.HIDDEN}, "its own version still has the bytes"
    with_copy = healed(repository, store, copy)
    assert {key for _, key, done in with_copy if done} == {lost.key, rotten.key, manifest.key}
    assert fixity(repository).scrub(actor="nhung").findings == []
    assert repository.bucket.hash(lost.key) == lost.sha256
    acts = [json.loads(entry.body) for entry in Ledger(repository.database).entries()]
    noted = {
        (a["details"]["kind"], a["objects"][0], a["details"]["from"]) for a in acts if a["act"] == "repair"
    }
    assert ("missing", lost.key, "second copy") in noted and ("bit_rot", rotten.key, "second copy") in noted
    assert len(noted) == 4


def test_a_copy_with_other_bytes_is_never_used_nor_overwritten(
    repository: Repository, store: EmbeddedStore
) -> None:
    copy, disk = second(repository, of_folder(repository)), repository.folder / "disk"
    copy.work()
    lost = repository.stored[1].pdf
    destroy(repository.bucket, lost.key)
    (disk / lost.key).chmod(0o600)
    (disk / lost.key).write_bytes(b"forged")
    assert healed(repository, store, copy) == [(Kind.MISSING, lost.key, False)]
    assert repository.bucket.stat(lost.key) is None
    stranger = repository.stored[1].sidecar
    with writing(repository.database) as connection:
        connection.execute(text("update copy_item set copied_at = null where key = :k"), {"k": stranger.key})
    (disk / stranger.key).chmod(0o600)
    (disk / stranger.key).write_bytes(b"somebody's")
    assert copy.work() == 0 and (disk / stranger.key).read_bytes() == b"somebody's"
    assert copy.state().problems == 1 and not copy.acknowledged("d_other")


def test_a_second_server_keeps_it_locked(repository: Repository, store: EmbeddedStore) -> None:
    endpoint = replace(store.endpoint("admin"), bucket="second")
    place = BucketPlace(LockingBucket(endpoint, patient=False), name="http://elsewhere", lock=LOCK)
    copy = second(repository, place)
    copy.work()
    there = VersionedBucket(endpoint)
    for key in everything(repository):
        assert there.hash(key) == repository.bucket.hash(key)
        lock = there.lock_of(key, None)
        assert lock is not None and lock.mode == "GOVERNANCE"
    assert copy.acknowledged("d_other")
    destroy(repository.bucket, repository.stored[1].pdf.key)
    assert healed(repository, store, copy) == [(Kind.MISSING, repository.stored[1].pdf.key, True)]


@pytest.mark.slow
def test_originals_and_attestations_are_scrubbed_and_healed(
    repository: Repository, document: Document, pki: object, store: EmbeddedStore
) -> None:
    archive = Archive(repository.bucket)
    landed = replace(document, batch="b_aa01")
    archive.land(make_intake(landed), lock_until=None)
    original = document.originals[0].blob.sha256
    signer = make_signer(pki, Level.B)  # type: ignore[arg-type]
    stored = repository.stored[1]
    archive.attest(stored, signer.attest, lock_until=datetime.now(UTC) + LOCK)
    assert fixity(repository).scrub(actor="nhung").findings == []
    copy = second(repository, of_folder(repository))
    copy.work()
    dossier = stored.signed.document.paper.dossier or ""
    attestation = layout.attestation(dossier, stored.generation, SignatureRole.AGENCY)
    key = layout.landing("b_aa01", original)
    put(repository, key, b"other")
    other = repository.bucket.read(layout.attestation(dossier, stored.generation, SignatureRole.OFFICER))
    destroy(repository.bucket, attestation)
    put(repository, attestation, (other or b"")[:-9])
    found = {(one.kind, one.key) for one in fixity(repository).scrub(actor="nhung").findings}
    assert found == {(Kind.COVERED, key), (Kind.SIGNATURE, attestation)}
    assert all(done for _, _, done in healed(repository, store, copy))
    assert fixity(repository).scrub(actor="nhung").findings == []
