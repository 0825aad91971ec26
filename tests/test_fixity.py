"""What can befall a kept object, each done for real past our code, found and told apart; and what a sample proves."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from minio.deleteobjects import DeleteObject
from sqlalchemy import text

from pipeline.errors import Unavailable
from storage.archive import Archive
from storage.database import writing
from storage.examine import Pace
from storage.findings import Kind
from storage.fixity import Fixity, statement, upper_bound
from storage.ledger import Ledger
from storage.s3 import Bucket, Endpoint
from storage.seaweedfs import EmbeddedStore
from tests.repository import Repository

Harm = Callable[[Repository], tuple[Kind, str]]


def fixity(repository: Repository, *, busy: bool = False, mb_per_second: float = 1000) -> Fixity:
    return Fixity(
        repository.database,
        repository.bucket,
        mb_per_second=mb_per_second,
        agency="H26",
        busy=lambda: busy,
    )


def put(repository: Repository, key: str, content: bytes) -> None:
    repository.bucket._client.put_object(repository.bucket.name, key, io.BytesIO(content), len(content))


def destroy(bucket: Bucket, key: str) -> None:
    """All versions, with the rights of who runs the store."""
    gone = [DeleteObject(one.key, one.version_id) for one in bucket.versions(key) if one.key == key]
    assert gone and not list(bucket._client.remove_objects(bucket.name, gone, bypass_governance_mode=True))


def missing(repository: Repository) -> tuple[Kind, str]:
    key = repository.stored[1].pdf.key
    destroy(repository.bucket, key)
    return Kind.MISSING, key


def covered(repository: Repository) -> tuple[Kind, str]:
    key = repository.stored[1].sidecar.key
    put(repository, key, b"forged")
    return Kind.COVERED, key


def hidden(repository: Repository) -> tuple[Kind, str]:
    key = repository.stored[0].originals[0].key
    repository.bucket._client.remove_object(repository.bucket.name, key)
    return Kind.HIDDEN, key


def hidden_manifest(repository: Repository) -> tuple[Kind, str]:
    key = repository.stored[1].manifest.key
    repository.bucket._client.remove_object(repository.bucket.name, key)
    return Kind.HIDDEN, key


def orphan(repository: Repository) -> tuple[Kind, str]:
    key = repository.stored[1].pdf.key.rpartition("/")[0] + f"/{'ab' * 32}.pdf"
    put(repository, key, b"nobody's")
    return Kind.ORPHAN, key


def truncated_manifest(repository: Repository) -> tuple[Kind, str]:
    key = repository.stored[2].manifest.key
    content = repository.bucket.read(key)
    assert content
    put(repository, key, content[: len(content) // 2])
    return Kind.MANIFEST, key


def replaced_manifest(repository: Repository) -> tuple[Kind, str]:
    """Nothing of the true one is left."""
    key = repository.stored[0].manifest.key
    content = repository.bucket.read(key)
    assert content
    destroy(repository.bucket, key)
    put(repository, key, content.replace(b'"nhung"', b'"khac"'))
    return Kind.MANIFEST, key


def broken_chain(repository: Repository) -> tuple[Kind, str]:
    """A generation behind the last, written by somebody who does not know the one before."""
    last = repository.stored[2].manifest.key
    content = json.loads(repository.bucket.read(last) or b"")
    key = last.replace("000002.json", "000003.json")
    put(repository, key, json.dumps(content | {"number": 3, "previous": "0" * 64}).encode())
    return Kind.CHAIN, key


def unlisted(repository: Repository) -> tuple[Kind, str]:
    key = repository.stored[1].sidecar.key
    with writing(repository.database) as connection:
        connection.execute(text("delete from held_object where key = :k"), {"k": key})
    return Kind.UNLISTED, key


def unpinned(repository: Repository) -> tuple[Kind, str]:
    key = repository.stored[1].pdf.key.rpartition("/")[0] + f"/{'cd' * 32}.pdf"
    with writing(repository.database) as connection:
        connection.execute(
            text("insert into held_object values ('d_other', 1, 'original', :k, :h, 1, '')"),
            {"k": key, "h": "cd" * 32},
        )
    return Kind.UNPINNED, key


HARMS = [
    missing,
    covered,
    hidden,
    hidden_manifest,
    orphan,
    truncated_manifest,
    replaced_manifest,
    broken_chain,
]
HARMS += [unlisted, unpinned]


def test_an_untouched_repository_is_without_findings(repository: Repository) -> None:
    run = fixity(repository).scrub(actor="nhung")
    assert (run.findings, run.complete, run.resumed) == ([], True, False)
    held = sum(len(stored.originals) + 3 for stored in repository.stored)
    assert run.checked == held - len(repository.stored[0].originals), "the originals of both versions are one"
    acts = [json.loads(entry.body)["act"] for entry in Ledger(repository.database).entries()]
    assert acts.count("fixity") == 1


@pytest.mark.slow  # a pass each; all that can stand side by side are found at once below
@pytest.mark.parametrize("harm", HARMS, ids=lambda harm: harm.__name__)
def test_each_harm_is_found_and_told_apart(repository: Repository, harm: Harm) -> None:
    kind, key = harm(repository)
    run = fixity(repository).scrub(actor="nhung")
    assert [(finding.kind, finding.key) for finding in run.findings] == [(kind, key)]
    entries = [json.loads(entry.body) for entry in Ledger(repository.database).entries()]
    noted = [(e["details"]["kind"], e["objects"][0]) for e in entries if e["act"] == "fixity_finding"]
    assert noted == [(kind.value, key)]


@pytest.mark.parametrize("harm", [truncated_manifest, hidden_manifest])
def test_what_is_hidden_is_still_read_by_its_version(
    repository: Repository, harm: Harm, tmp_path: Path
) -> None:
    _, key = harm(repository)
    (finding,) = fixity(repository).scrub(actor="nhung").findings
    assert finding.version_id and finding.expected
    assert repository.bucket.hash(key, version_id=finding.version_id) == finding.expected
    assert Archive(repository.bucket).recover(key, finding.expected, tmp_path / "back")  # type: ignore[arg-type]


def test_all_harms_at_once_are_all_found(repository: Repository) -> None:
    done = [harm(repository) for harm in (covered, hidden, orphan, truncated_manifest, unpinned)]
    run = fixity(repository).scrub(actor="nhung")
    assert {(finding.kind, finding.key) for finding in run.findings} == set(done)


def test_what_is_being_stored_just_now_is_no_orphan(repository: Repository) -> None:
    orphan(repository)
    assert fixity(repository, busy=True).scrub(actor="nhung").findings == []


def test_a_pass_goes_on_where_it_was_and_looks_at_everything_once(repository: Repository) -> None:
    whole = fixity(repository).scrub(actor="nhung").checked
    parts = []
    while True:
        run = fixity(repository).scrub(actor="system", limit=1)
        parts.append(run)
        if run.complete:
            break
    assert [run.resumed for run in parts] == [False, True, True]
    assert sum(run.checked for run in parts) == whole
    assert fixity(repository).place() == ""


def test_a_store_that_goes_away_is_no_finding_and_the_cursor_stays(repository: Repository) -> None:
    scrub = fixity(repository)
    scrub.scrub(actor="system", limit=1)
    place = scrub.place()
    gone = Endpoint(
        host="127.0.0.1:9", secure=False, access_key="a", secret_key="b", region="r", bucket="spare"
    )
    elsewhere = Fixity(
        repository.database, Bucket(gone, patient=False), mb_per_second=9, agency="H26", busy=lambda: False
    )
    with pytest.raises(Unavailable):
        elsewhere.scrub(actor="system")
    assert place and scrub.place() == place
    entries = Ledger(repository.database).entries()
    assert "fixity_finding" not in {json.loads(entry.body)["act"] for entry in entries}


def test_a_sample_can_be_repeated_by_its_seed(repository: Repository) -> None:
    covered(repository)
    runs = [fixity(repository).sample(4, seed=7, actor="nhung") for _ in range(2)]
    assert runs[0] == runs[1] and runs[0].checked == 4
    everything = fixity(repository).sample(1000, seed=None, actor="nhung")
    assert everything.checked == everything.population
    assert [finding.kind for finding in everything.findings] == [Kind.COVERED]
    assert everything.statement and "1/" in everything.statement


@pytest.mark.parametrize(
    ("checked", "damaged", "bound"),
    # Clopper-Pearson, one-sided 95 %, as R's binom.test(k, n, alternative = "less") gives it
    [(59, 0, 0.04951), (3000, 0, 0.000998), (100, 1, 0.04656), (100, 5, 0.10225), (10, 10, 1.0)],
)
def test_the_bound_of_a_sample_is_the_exact_one(checked: int, damaged: int, bound: float) -> None:
    assert upper_bound(checked, damaged) == pytest.approx(bound, abs=5e-5)


def test_the_statement_says_it_in_words() -> None:
    assert "0.0998 %" in statement(3000, 0, 1_000_000) and "95 %" in statement(3000, 0, 1_000_000)
    assert statement(5, 0, 5).endswith("0 %") and statement(0, 0, 0).endswith("0 %")


def test_reading_stays_below_the_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("storage.examine.time.sleep", slept.append)
    pace = Pace(2.0)
    for _ in range(4):
        pace.spend(1_000_000)
    assert slept[-1] == pytest.approx(2.0, abs=0.1)


def test_the_hourly_slice_waits_an_hour_on_a_new_home(repository: Repository) -> None:
    scrub = fixity(repository)
    assert not scrub.due(timedelta(hours=1))
    assert scrub.due(timedelta(0))


@pytest.mark.slow  # the store itself takes 13 s to give up on an object, and is asked twice
def test_bytes_that_rot_on_the_disk_are_found(repository: Repository, store: EmbeddedStore) -> None:
    """A flipped byte in the store's own volume: it answers an error, which is told from a store that is down."""
    target = repository.stored[2].pdf
    content = repository.bucket.read(target.key)
    assert content
    flipped = 0
    for volume in (store._folder / "d").rglob("*.dat"):
        data = bytearray(volume.read_bytes())
        at = data.find(content)
        while at >= 0:
            data[at] ^= 1
            flipped += 1
            at = data.find(content, at + 1)
        with volume.open("r+b") as out:
            out.write(data)
    assert flipped
    run = fixity(repository).scrub(actor="nhung")
    assert [(finding.kind, finding.key) for finding in run.findings] == [(Kind.ROT, target.key)]
