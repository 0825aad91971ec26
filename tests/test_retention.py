"""A dossier closed, held, due, and disposed of by two persons, with the real command; what keeps it knows it is gone on purpose."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from pipeline.errors import UsageError
from storage import layout
from storage.backup import lock_in
from storage.database import open_database, sqlite_url
from storage.dossier_record import DossierRecord
from storage.dossiers import Dossiers
from storage.ledger import actor_key
from storage.locking import LockingBucket
from storage.manifest import decode
from storage.proof import check_signature
from storage.seaweedfs import EmbeddedStore
from storage.vault import Vault
from tests.home_in_use import BUCKET, SCANS, Answer, Home, kill, papers, until

pytestmark = pytest.mark.slow

CODE, OTHER = "H38.20-261002-0007", "000.03.27.H24-260915-0042"
FOLDER = layout.dossier_folder(CODE)
YEAR = date.today().year
OVER = """
permanent_lock_years = 20
certificate_years = 20
[[term]]
key = "chung"
name = "Thời hạn thử"
default = true
years = 2
valid_from = 2020-01-01
source = "thử"
checked = true
"""


def locking(home: Home, role: str = "admin") -> LockingBucket:
    return LockingBucket(EmbeddedStore.at(home.paths.store, bucket=BUCKET).endpoint(role))


def locks(home: Home, prefix: str) -> list[Any]:
    bucket = locking(home)
    return [bucket.lock_of(one.key, one.version_id) for one in bucket.versions(prefix) if not one.deleted]


def as_person(home: Home, name: str, *words: str) -> Answer:
    return Home(home.root, {**home.settings, "SOHOA_ACTOR": name}).run(*words)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """Two papers in one dossier, one of another in the same folder of scans; nothing locked, a second copy in a folder."""
    folder = tmp_path_factory.mktemp("kho")
    (folder / "ban-sao").mkdir()
    (folder / "thoi-han.toml").write_text(OVER, "utf-8")
    settings = {
        "SOHOA_STORAGE_LOCK_DAYS_DEMO": "0",
        "SOHOA_STORAGE_RETENTION_FILE": str(folder / "thoi-han.toml"),
        "SOHOA_SECOND_COPY_FOLDER": str(folder / "ban-sao"),
        "SOHOA_ACTOR": "hong",
    }
    place = Home(folder / "h", settings)
    for code, names in (
        (CODE, ("chong-2/scan-00.jpg", "chong-2/scan-01.jpg")),
        (OTHER, ("chong-1/scan-07.jpg",)),
    ):
        stack = folder / code
        stack.mkdir()
        for name in names:
            shutil.copy(SCANS / name, stack)
        taken = place.run("ingest", str(stack), "--dossier", code)
        assert {p["state"] for p in papers(taken.document)} == {"stored"}, taken.log
    yield place
    place.run("down")


@pytest.fixture(scope="module")
def closed(home: Home) -> Answer:
    return home.run("dossier", CODE, "--state", "closed", "--reason", "đã trả kết quả")


def test_a_closed_dossier_has_its_term_and_an_open_one_has_none(home: Home, closed: Answer) -> None:
    assert closed.code == 0
    term = closed.document["retention"]
    assert (term["until"], term["name"], term["lock_mode"]) == (
        f"{YEAR + 2}-12-31",
        "Thời hạn thử",
        "GOVERNANCE",
    )
    assert until(lambda: home.run("dossier", CODE).document["retention"]["applied"])
    assert home.run("dossier", OTHER).document["retention"] is None


def test_what_is_due_is_listed_as_json_and_as_a_workbook(home: Home, closed: Answer, tmp_path: Path) -> None:
    assert home.run("retention", "due").document["due"] == []
    out = tmp_path / "het-han.xlsx"
    found = home.run("retention", "due", "--until", f"{YEAR + 3}-01-01", "-o", str(out))
    assert [(one["dossier"], one["papers"], one["hold"]) for one in found.document["due"]] == [
        (CODE, 2, None)
    ]
    rows = list(load_workbook(out).active.values)
    assert CODE in rows[-1]
    assert home.run("retention", "due", "--until", "31/12").code == 2


def test_nothing_goes_before_its_term_open_or_unknown(home: Home, closed: Answer) -> None:
    refused = home.run("retention", "dispose", CODE, "--reason", "hết hạn")
    assert refused.code == 2 and f"31/12/{YEAR + 2}" in refused.log
    for code in (OTHER, "H38.20-261002-9999", "khong-phai-ma"):
        answer = home.run("retention", "dispose", code, "--reason", "x")
        assert answer.code == 2 and "Traceback" not in answer.log


@pytest.fixture(scope="module")
def held(home: Home, closed: Answer) -> Answer:
    return home.run("hold", CODE, "--reason", "thanh tra")


def test_a_hold_is_on_every_version_and_in_the_backup(home: Home, held: Answer, tmp_path: Path) -> None:
    assert held.code == 0 and held.document["hold"]["reason"] == "thanh tra"
    assert held.document["hold"]["objects"] == len(locks(home, f"{FOLDER}/")) > 6
    assert all(lock.hold for lock in locks(home, f"{FOLDER}/"))
    assert not any(lock.hold for lock in locks(home, f"{layout.dossier_folder(OTHER)}/"))
    assert home.run("hold", CODE).code == 2, "why is asked for"
    assert home.run("backup", str(tmp_path / "b")).code == 0
    vault = Vault.open(tmp_path / "b", None)
    items = list(vault.items(vault.read_set(vault.sets()[-1])))
    mine = [one for one in items if str(one.get("key", "")).startswith(f"{FOLDER}/")]
    assert mine and all(lock_in(one).hold for one in mine)


@pytest.fixture(scope="module")
def over(home: Home, held: Answer) -> None:
    """Years later: the record of its closure names a day that is over."""
    database = open_database(sqlite_url(home.paths.database))
    dossiers = Dossiers(database, home.bucket("writer"), lock=timedelta(0))

    def earlier(last: DossierRecord) -> DossierRecord:
        assert last.retention is not None
        term = replace(last.retention, closed=date(2020, 5, 4), until=date(2022, 12, 31))
        return replace(last, retention=term)

    dossiers.change(CODE, earlier, act="dossier_state", actor="hong", agency="H00.00")
    database.dispose()


def test_a_dossier_on_hold_stays_after_its_term(home: Home, over: None) -> None:
    assert [one["hold"] for one in home.run("retention", "due").document["due"]] == ["thanh tra"]
    refused = home.run("retention", "dispose", CODE, "--reason", "hết hạn")
    assert refused.code == 2 and "phong tỏa (thanh tra)" in refused.log
    (key, version) = next((o.key, o.version_id) for o in home.bucket().versions(f"{FOLDER}/c/"))
    with pytest.raises(UsageError):
        locking(home).remove_version(key, version)


@pytest.fixture(scope="module")
def proposed(home: Home, over: None) -> Answer:
    released = home.run("hold", CODE, "--release", "--reason", "thanh tra xong")
    assert released.code == 0 and released.document["hold"] is None
    assert not any(lock.hold for lock in locks(home, f"{FOLDER}/"))
    return home.run("retention", "dispose", CODE, "--reason", "hết thời hạn")


def test_the_one_who_proposes_cannot_approve(home: Home, proposed: Answer) -> None:
    assert proposed.code == 1 and proposed.document["proposed"]["by"] == "hong"
    for name in ("hong", " Hong "):
        assert as_person(home, name, "retention", "dispose", CODE, "--approve").code == 1
    assert as_person(home, "lan", "retention", "dispose", OTHER, "--approve").code == 2
    assert len(home.run("dossier", CODE).document["documents"]) == 2


@dataclass(frozen=True)
class Before:
    """What there was, by key, and the answer of the disposal."""

    content: list[str]
    landed: list[str]
    papers: list[str]
    answer: Answer


@pytest.fixture(scope="module")
def disposed(home: Home, proposed: Answer) -> Before:
    """Approved by a second person, the home's process killed on the way."""
    shown = home.run("dossier", CODE).document["documents"]
    assert CODE in {one["dossier"] for one in home.run("find", "giay tiep nhan").document["results"]}
    keys = [one.key for one in home.bucket().versions("")]
    copied = Path(home.settings["SOHOA_SECOND_COPY_FOLDER"])
    content = [key for key in keys if key.startswith(f"{FOLDER}/c/")]
    assert until(lambda: all((copied / key).exists() for key in content))
    names = {entry for one in shown for entry in originals(home, one["id"])}
    landed = [key for key in keys if key.startswith("q/") and key.rpartition("/")[2] in names]
    assert len(landed) == 2
    child = Home(home.root, {**home.settings, "SOHOA_ACTOR": "lan"}).start(
        "retention", "dispose", CODE, "--approve", "--json"
    )
    assert until(lambda: decided(home))
    kill(home.process())
    out, log = child.communicate(timeout=120)
    answer = Answer(child.returncode, json.loads(out), log)
    assert until(lambda: not under_way(home), 90)
    return Before(content, landed, [one["id"] for one in shown], answer)


def decided(home: Home) -> bool:
    """Whether the second person's word is in the bucket; what follows may not have begun."""
    bucket = home.bucket()
    last = sorted(bucket.keys(f"{FOLDER}/h/"))[-1]
    return b'"disposal"' in (bucket.read(last) or b"")


def under_way(home: Home) -> int:
    with closing(sqlite3.connect(home.paths.database)) as connection:
        return int(connection.execute("select count(*) from disposal_open").fetchone()[0])


def originals(home: Home, document: str) -> set[str]:
    with closing(sqlite3.connect(home.paths.database)) as connection:
        query = "select sha256 from held_object where document = ? and role = 'original'"
        return {row[0] for row in connection.execute(query, (document,))}


def test_content_is_gone_in_all_versions_here_and_in_the_second_copy(home: Home, disposed: Before) -> None:
    assert disposed.answer.code in (0, 1), disposed.answer.log
    keys = {one.key for one in home.bucket().versions("")}
    assert not keys & {*disposed.content, *disposed.landed}
    assert not [key for key in keys if key.startswith("s/d_") and key.split("/")[1] in disposed.papers]
    copied = Path(home.settings["SOHOA_SECOND_COPY_FOLDER"])
    assert until(lambda: not any((copied / key).exists() for key in (*disposed.content, *disposed.landed)))
    shown = home.run("dossier", CODE).document
    assert shown["documents"] == [] and shown["disposal"]["objects"] >= len(disposed.content)


def test_words_of_it_are_nowhere_in_the_home(home: Home, disposed: Before) -> None:
    assert {one["dossier"] for one in home.run("find", "giay tiep nhan").document["results"]} <= {OTHER}
    with closing(sqlite3.connect(home.paths.database)) as connection:
        left = connection.execute("select count(*) from page where reason like '%biên bản%' and text is null")
        assert left.fetchone() == (2,)
    digests = [key.rpartition("/")[2] for key in disposed.landed]
    results = "".join(path.read_text("utf-8") for path in home.paths.work.glob("pages/*/*.json"))
    assert results and not any(digest in results for digest in digests)


def test_the_certificate_names_who_what_and_why_and_is_signed(home: Home, disposed: Before) -> None:
    bucket = home.bucket()
    key = home.run("dossier", CODE).document["disposal"]["certificate"]
    stated = json.loads(bucket.read(key) or b"")
    assert (stated["dossier"], stated["reason"]) == (CODE, "hết thời hạn")
    assert (
        stated["proposed_by"]
        == actor_key("H00.00", "hong")
        != stated["approved_by"]
        == actor_key("H00.00", "lan")
    )
    assert {one["key"] for one in stated["objects"]} >= {*disposed.content, *disposed.landed}
    assert {one["document"] for one in stated["papers"]} == set(disposed.papers)
    *_, last = (name for name in bucket.keys(f"{FOLDER}/m/") if name.endswith(".json"))
    check_signature(bucket.read(last) or b"", bucket.read(last.replace(".json", ".agency.p7s")) or b"", ())
    assert {e.key for e in decode(bucket.read(last) or b"", last).entries} == {key}


def test_it_is_gone_on_purpose_and_not_lost(home: Home, disposed: Before) -> None:
    def holds() -> None:
        for words in (
            ("verify", CODE),
            ("verify", disposed.papers[0]),
            ("get", disposed.papers[0], "-o", "/x"),
        ):
            answer = home.run(*words)
            assert answer.code == 2 and "đã hủy" in answer.log, words
        assert home.run("verify", "--all").document["missing"] == []
        found = home.run("fixity")
        assert found.code == 0, found.document
        assert home.run("ledger", "verify").code == 0
        assert len(home.run("dossier", OTHER).document["documents"]) == 1
        assert home.run("retention", "due").document["due"] == []

    holds()
    rebuilt = home.run("rebuild", "--fresh")
    assert rebuilt.document["problems"] == [] and rebuilt.document["documents"] == 1
    home.run("status")
    assert until(lambda: not under_way(home), 90)
    holds()


def test_every_step_is_on_the_ledger_by_its_person(home: Home, disposed: Before, tmp_path: Path) -> None:
    home.run("ledger", "export", "-o", str(tmp_path / "l.jsonl"))
    lines = [json.loads(line) for line in (tmp_path / "l.jsonl").read_text("utf-8").splitlines()]
    bodies = [json.loads(line["body"]) for line in lines if "body" in line]
    mine = [one for one in bodies if CODE in one["objects"]]
    acts = [one["act"] for one in mine]
    for act in ("retain", "legal_hold", "release_hold", "propose_disposal", "decide_disposal"):
        assert act in acts, act
    assert acts.count("dispose") == acts.count("disposed") == 1, "also after a kill"
    people = {one["act"]: one["actor"] for one in mine}
    assert people["propose_disposal"] == actor_key("H00.00", "hong")
    assert people["decide_disposal"] == actor_key("H00.00", "lan")
