"""The drill: a home in use is backed up with the real command, lost, and restored elsewhere; nothing differs."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import Tampered
from storage.backup import check
from storage.seaweedfs import EmbeddedStore
from storage.vault import Vault
from storage.versions import VersionedBucket
from tests.home_in_use import BUCKET, SCANS, Home, kill, papers, states, until
from tests.test_fixity import destroy
from tests.test_keeping_commands import ACTOR, CODE, PAGES, acts, seen

pytestmark = pytest.mark.slow

OTHER = "H38.20-261002-0008"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("drill")


@pytest.fixture(scope="module")
def home(place: Path) -> Iterator[Home]:
    key = place / "key"
    key.write_text("q3T0rUQvmGJ4pYqk1m0u2y7o8t6w5e4r3t2y1u0i")
    key.chmod(0o600)
    (place / "disk").mkdir()
    settings = {
        "SOHOA_ACTOR": ACTOR,
        "SOHOA_BACKUP_KEY_FILE": str(key),
        "SOHOA_SECOND_COPY_FOLDER": str(place / "disk"),
    }
    home = Home(place / "h", settings)
    stack = place / "chong"
    stack.mkdir()
    for name in PAGES:
        shutil.copy(SCANS / "chong-2" / name, stack)
    taken = home.run("ingest", str(stack), "--dossier", CODE)
    assert len(papers(taken.document)) == 2 and taken.code == 0
    (home.root / "keys" / "token.pin").write_text("123456")
    yield home
    home.run("down")


@pytest.fixture(scope="module")
def backup(home: Home, place: Path) -> Path:
    """Two runs; between them one more paper was taken in."""
    path = place / "backup"
    first = home.run("backup", str(path))
    assert first.code == 0, first.log
    stack = place / "chong2"
    stack.mkdir()
    shutil.copy(SCANS / "chong-2" / PAGES[0], stack)
    home.run("ingest", str(stack), "--dossier", OTHER)
    second = home.run("backup", str(path))
    assert second.code == 0 and second.document["encrypted"]
    assert second.document["objects"] > first.document["objects"]
    assert second.document["new_bytes"] < first.document["new_bytes"]
    third = home.run("backup", str(path))
    database = home.paths.database.stat().st_size + (4 << 20)
    assert third.document["new_bytes"] < database, "only the database and its ledger have moved on"
    return path


def objects(home: Home) -> set[tuple[Any, ...]]:
    """Every version with its bytes and its lock.

    A set: the store, killed in the middle of a PUT, lists that version only after the next one is there, so a restore that
    was killed may leave the same bytes twice.
    """
    bucket = VersionedBucket(EmbeddedStore.at(home.paths.store, bucket=BUCKET).endpoint("admin"))
    return {
        (
            one.key,
            bucket.hash(one.key, version_id=one.version_id),
            str(bucket.lock_of(one.key, one.version_id)),
        )
        for one in bucket.versions("")
        if one.key.startswith(("d/", "q/"))
    }


def test_nothing_can_be_read_in_the_folder_without_the_key(home: Home, backup: Path, place: Path) -> None:
    content = b"".join(path.read_bytes() for path in backup.rglob("*") if path.is_file())
    secret = (home.paths.keys / "demo").glob("*.key")
    for text in (
        b"%PDF",
        b"SQLite format",
        CODE.encode(),
        ACTOR.encode(),
        b"123456",
        next(secret).read_bytes()[60:90],
    ):
        assert text not in content
    names = {path.name for path in backup.glob("parts/*/*")}
    paper = home.run("dossier", CODE).document["documents"][0]
    assert paper["pdf_sha256"] not in names
    assert stat.S_IMODE(backup.stat().st_mode) == 0o700


def test_what_is_in_it_is_listed_and_what_is_not_is_said(home: Home, backup: Path) -> None:
    shown = home.run("backup", str(backup), "--list").document
    assert len(shown["sets"]) == 3
    files = {item["path"]: item for item in shown["items"] if item["kind"] == "file"}
    assert any(name.startswith("keys/demo/") for name in files) and "keys/token.pin" not in files
    out = {item["path"]: item["reason"] for item in shown["items"] if item["kind"] == "left_out"}
    assert "PIN" in out["keys/token.pin"] and {"run", "store", "work", "home.id"} <= out.keys()
    kept = [item for item in shown["items"] if item["kind"] == "object"]
    paper = home.run("dossier", CODE).document["documents"][0]
    (mine,) = [item for item in kept if item["key"] == paper["key"]]
    assert mine["sha256"] == paper["pdf_sha256"] and mine["lock"]["mode"] == "GOVERNANCE"
    assert {item["key"].split("/")[0] for item in kept} >= {"d", "q", "l"}


def test_a_backup_is_on_the_ledger(home: Home, backup: Path, tmp_path: Path) -> None:
    found = acts(home, tmp_path / "l.jsonl")
    done = [one for one in found if one["act"] == "backup_done"]
    assert [one["act"] for one in found].count("backup") == 3 and len(done) == 3
    assert done[-1]["details"]["set"] == home.run("backup", str(backup), "--list").document["sets"][-1]


def test_the_second_copy_follows_by_itself_and_heals_what_is_lost(home: Home, place: Path) -> None:
    paper = home.run("dossier", CODE).document["documents"][0]
    assert until((place / "disk" / paper["key"]).exists, 60)
    assert until(lambda: home.run("status").document["second_copy"]["waiting"] == 0, 60)
    probes = {one["name"]: one for one in home.run("doctor").document["probes"]}
    (probe,) = [one for name, one in probes.items() if "second copy" in name]
    assert probe["state"] == "warning" and "the same disk" in probe["remedy"]
    destroy(home.bucket(), paper["key"])
    lost = home.run("fixity")
    assert lost.code == 5 and [one["kind"] for one in lost.document["findings"]] == ["missing"]
    healed = home.run("fixity", "--repair")
    assert healed.code == 0 and healed.document["findings"][0]["repaired"] is True
    assert home.run("verify", paper["id"]).code == 0


def test_the_drill(home: Home, backup: Path, place: Path, tmp_path: Path) -> None:
    """The home is gone; what comes out of the backup is found, read, verified, and goes on."""
    before, kept = seen(home, tmp_path), objects(home)
    status = home.run("status", "--all").document
    last = home.run("backup", str(backup))
    assert last.code == 0
    home.run("down")
    restored = Home(place / "other" / "h2", home.settings)
    killed = restored.start("restore", str(backup))
    assert until((restored.root / "work" / "restore" / "restored.sqlite3").exists)
    killed.kill()
    killed.wait()
    refused = restored.run("find", "quyet dinh")
    assert refused.code == 2 and "run the same `sohoa restore` again" in refused.log
    restored.run("down")
    made = restored.run("restore", str(backup))
    assert made.code == 0, made.log
    try:
        for one in (shown := restored.run("status", "--all").document, status):
            for paper in papers(one):
                paper.pop("version_id")  # no copy preserves it
        assert shown["batches"] == status["batches"]
        after = seen(restored, tmp_path)
        for view in (before, after):
            for paper in view["dossier"]["documents"]:
                paper.pop("version_id")
        assert after == before
        assert {one["verdict"] for one in after["verified"]["results"]} == {"TOTAL_PASSED"}
        assert restored.run("ledger", "verify").code == 0
        assert objects(restored) == kept
        paper = restored.run("dossier", CODE).document["documents"][0]
        assert paper["version_id"] in [one.version_id for one in restored.bucket().versions(paper["key"])]
        assert restored.run("fixity").code == 0
        ledger = acts(restored, tmp_path / "l.jsonl")
        assert "restore" in [one["act"] for one in ledger]
        more = restored.run("ingest", str(place / "chong"), "--dossier", "H38.20-261002-0009")
        assert "stored" in states(more.document)
        again = restored.run("restore", str(backup))
        assert again.code == 2 and "not empty" in again.log
    finally:
        restored.run("down")


def test_what_is_not_right_is_told(home: Home, backup: Path, place: Path, tmp_path: Path) -> None:
    assert home.run("backup", str(backup), "--verify").document["ok"]
    other = tmp_path / "key"
    other.write_text("another key, which is not the one: 0123456789")
    other.chmod(0o600)
    wrong = Home(home.root, {**home.settings, "SOHOA_BACKUP_KEY_FILE": str(other)})
    refused = wrong.run("backup", str(backup), "--list")
    assert refused.code == 2 and "is not the one of the backup" in refused.log
    none = Home(tmp_path / "h", {"SOHOA_ACTOR": ACTOR}).run("restore", str(backup))
    assert none.code == 2 and "SOHOA_BACKUP_KEY_FILE" in none.log and not (tmp_path / "h" / "db").exists()
    other.chmod(0o644)
    assert "chmod 600" in wrong.run("backup", str(backup), "--list").log

    def harmed(name: str, harm: Callable[[Path, Path], object]) -> str:
        copy = tmp_path / name
        shutil.copytree(backup, copy)
        first, second = sorted(copy.glob("parts/*/*"), key=lambda p: -p.stat().st_size)[-3:-1]
        harm(first, second)
        vault = Vault.open(copy, Path(home.settings["SOHOA_BACKUP_KEY_FILE"]))
        try:
            return str(check(vault, vault.read_set(), lambda event: None))
        except Tampered as error:  # it was a part of the list itself
            return str(error)

    def flip(first: Path, second: Path) -> None:
        data = bytearray(first.read_bytes())
        data[-20] ^= 1
        first.write_bytes(data)

    def swap(first: Path, second: Path) -> None:
        one, two = first.read_bytes(), second.read_bytes()
        first.write_bytes(two)
        second.write_bytes(one)

    assert "is damaged" in harmed("flipped", flip)
    assert "swapped" in harmed("swapped", swap)
    assert "is missing" in harmed("missing", lambda first, second: first.unlink())


def test_places_that_will_not_do(home: Home, tmp_path: Path) -> None:
    assert home.run("backup", str(home.root / "b")).code == 2
    (tmp_path / "a.txt").write_text("not a backup")
    assert "not empty" in home.run("backup", str(tmp_path)).log
    assert home.run("restore", str(tmp_path)).code == 2
    assert home.run("backup", str(tmp_path), "--verify").code == 2


def test_work_in_the_middle_goes_on_in_the_new_home_and_a_killed_backup_is_run_again(
    home: Home, place: Path
) -> None:
    stack, path = place / "chong3", place / "backup3"
    stack.mkdir()
    for name in PAGES:
        shutil.copy(SCANS / "chong-2" / name, stack / f"x-{name}")
    alone = {k: v for k, v in home.settings.items() if "SECOND" not in k}
    busy = Home(place / "h3", alone)
    assert busy.run("ingest", str(stack), "--dossier", CODE, "--no-wait").code == 0
    running = busy.start("backup", str(path))
    assert until(lambda: len(list(path.glob("parts/*/*"))) > 3)
    kill(busy.process())
    running.communicate(timeout=120)  # the command starts the home again and asks once more
    assert running.returncode == 0
    assert not list(path.glob("parts/*/.part-*")) and len(list(path.glob("sets/*"))) == 1
    open_then = Home(place / "h5", alone)
    taken = open_then.run("ingest", str(stack), "--dossier", CODE, "--no-wait")
    assert open_then.run("backup", str(place / "backup5")).code == 0
    open_then.run("down")
    moved = Home(place / "h6", alone)
    assert moved.run("restore", str(place / "backup5")).code == 0
    (batch,) = [one["id"] for one in taken.document["batches"]]
    assert until(lambda: moved.run("status", batch).document["batches"][0]["state"] == "done", 120), (
        moved.run("status", batch).document
    )
    assert len(papers(moved.run("status", batch).document)) == 2
    for one in (busy, open_then, moved):
        one.run("down")
