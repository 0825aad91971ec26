"""Two whole homes on one PostgreSQL and one bucket: each works its own batches, duties are done once, all in one order."""

from __future__ import annotations

import json
import secrets
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from pipeline.errors import Unavailable, UsageError
from pipeline.home.schedule import Job, Schedule
from pipeline.model import Document
from storage.archive import Archive
from storage.batches import Batches
from storage.database import open_database, reading, writing
from storage.home_tables import taken_by
from storage.homes import Homes, Stillness, Terms, forget_homes, one_at_a_time
from storage.ledger import Ledger
from storage.manifest import check_chain, decode
from storage.roots import Roots
from storage.s3 import Bucket
from storage.seaweedfs import EmbeddedStore
from storage.segments import Segments
from tests.home_in_use import SCANS, Home, kill, papers, until
from tests.papers import make_intake
from tests.repository import LOCK

TERMS = Terms(
    host="a", agency="H26", mode="demo", store="http://s3 b", person_key="1" * 64, demo_root="2" * 64
)


@pytest.fixture
def two(new_postgres: Callable[[], str]) -> Iterator[tuple[Engine, Engine]]:
    """Two hosts' connections to one database."""
    url = new_postgres()
    engines = open_database(url), open_database(url)
    yield engines
    for engine in engines:
        engine.dispose()


def test_a_copied_home_is_told_from_its_original(two: tuple[Engine, Engine]) -> None:
    first, copy = Homes(two[0], "home-1"), Homes(two[1], "home-1")
    first.join(TERMS)
    with pytest.raises(Unavailable, match=r"home\.id"):
        copy.join(TERMS)
    other = Homes(two[1], "home-2")
    other.join(replace(TERMS, host="b"))
    assert other.others() == ["a"] and first.others() == ["b"]
    first.stay()
    two[0].dispose()
    assert first._held is not None
    first._held.invalidate()
    first._held.close()
    first._held = None  # as a process that was killed
    assert until(lambda: other.others() == [], 10)
    copy.join(TERMS)


@pytest.mark.parametrize("wrong", ["person_key", "demo_root", "agency", "mode", "store"])
def test_a_home_that_has_not_the_same_is_refused_and_told_what(
    two: tuple[Engine, Engine], wrong: str
) -> None:
    first, second = Homes(two[0], "home-1"), Homes(two[1], "home-2")
    first.join(TERMS)
    with pytest.raises(UsageError, match="need the same"):
        second.join(replace(TERMS, **{wrong: "another"}))
    second.join(TERMS)
    second.join(replace(TERMS, demo_root=None))


def test_what_may_change_is_asked_only_of_homes_that_live(two: tuple[Engine, Engine]) -> None:
    first, second = Homes(two[0], "home-1"), Homes(two[1], "home-2")
    first.join(TERMS)
    assert first._held is not None
    first._held.invalidate()
    first._held.close()
    assert until(lambda: second._alive() == set(), 10)
    second.join(replace(TERMS, store="https://moved b"))
    with pytest.raises(UsageError, match=r"person\.key"):
        second.join(replace(TERMS, person_key="3" * 64))


def test_a_batch_is_of_the_home_that_took_it_in(two: tuple[Engine, Engine], document: Document) -> None:
    Batches(two[0]).open(replace(make_intake(document), id="b_legacy"))
    a, b = Batches(two[0], home="home-1"), Batches(two[1], home="home-2")
    Homes(two[0], "home-1").join(TERMS)
    assert a.running() == [("b_legacy", 1)], "what was nobody's is the first home's"
    Homes(two[1], "home-2").join(TERMS)
    mine = replace(make_intake(document), id="b_mine")
    b.open(mine)
    a.open(mine)
    assert b.running() == [("b_mine", 1)] and a.running() == [("b_legacy", 1)]
    assert b.is_ours("b_mine") and not a.is_ours("b_mine") and a.is_open("b_mine")
    a.set_state("b_legacy", "paused")
    assert a.retriable() == ["b_legacy"] and b.retriable() == []
    with writing(two[0]) as connection:
        forget_homes(connection)
    Homes(two[1], "home-3").join(TERMS)
    with reading(two[0]) as connection:
        assert set(connection.execute(taken_by.select()).all()) == {
            ("b_legacy", "home-3"),
            ("b_mine", "home-3"),
        }


def test_a_duty_is_done_by_one_home_at_a_time(two: tuple[Engine, Engine]) -> None:
    first, second = one_at_a_time(two[0]), one_at_a_time(two[1])
    done: list[str] = []
    schedule = Schedule([Job("seal", 1.0, lambda: done.append("b"), "seal")], second)

    def round_at(now: float) -> None:
        schedule.tick(now)
        assert until(lambda: not schedule._busy.locked(), 10)

    with first("seal") as ours:
        assert ours
        with second("seal") as theirs, second("scrub") as another:
            assert not theirs and another
        round_at(0.0)
        assert done == []
    round_at(2.0)
    assert done == ["b"]
    with first("seal") as ours:
        assert ours


def test_a_backup_on_one_host_holds_the_ledger_still_on_the_other(
    two: tuple[Engine, Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.homes.STILL_SECONDS", 0.3)
    here, there = Stillness(two[0]), Stillness(two[1])
    with here, here, pytest.raises(Unavailable), there:
        pass
    with there:
        pass


def test_two_homes_that_seal_at_once_make_one_root_a_day(
    two: tuple[Engine, Engine], own_bucket: Bucket
) -> None:
    """Even without taking turns: the signature of the one that came second is not kept."""
    for database in two:
        Ledger(database).note(act="start", actor="system", agency="H26", objects=[])
    tomorrow, start, sealed = datetime.now(UTC) + timedelta(days=1), threading.Barrier(2), list[str]()

    def seal(database: Engine) -> None:
        segments = Segments(database, own_bucket, lock=LOCK)
        roots = Roots(
            database,
            own_bucket,
            segments,
            sign=lambda content: secrets.token_bytes(64),
            agency="H26",
            lock=LOCK,
            clock=lambda: tomorrow,
        )
        start.wait()
        sealed.extend(roots.seal())

    threads = [threading.Thread(target=seal, args=(database,)) for database in two]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(sealed)) == 1
    keys = list(own_bucket.keys("x/"))
    assert sorted(key.rpartition("/")[2] for key in keys) == ["root.json", "root.p7s"]
    assert len(list(own_bucket.versions("x/"))) == 2
    acts = [json.loads(entry.body)["act"] for entry in Ledger(two[1]).entries()]
    assert acts.count("seal_day") == 1 and Ledger(two[0]).verify().ok


@pytest.mark.slow
def test_both_homes_take_in_papers_of_one_dossier_and_one_is_killed(
    store: EmbeddedStore, own_bucket: Bucket, new_postgres: Callable[[], str], tmp_path: Path
) -> None:
    """A is killed in the middle and started again; B neither takes its batch over nor loses its own."""
    endpoint, url = replace(store.endpoint("admin"), bucket=own_bucket.name), new_postgres()
    settings = {
        "SOHOA_DATABASE_URL": url,
        "SOHOA_S3_ENDPOINT": f"http://{endpoint.host}",
        "SOHOA_S3_ACCESS_KEY": endpoint.access_key,
        "SOHOA_S3_SECRET_KEY": endpoint.secret_key,
        "SOHOA_S3_BUCKET": endpoint.bucket,
    }
    a, b = Home(tmp_path / "a", settings), Home(tmp_path / "b", settings)
    assert a.run("status", "--all").code == 0
    refused = b.run("status", "--all")
    stranger = b.run("ingest", str(SCANS / "chong-1"))
    assert stranger.code == 2 and "person.key" in stranger.log, (refused.log, stranger.log)
    b.run("down")
    shutil.copy(a.paths.person_key, b.paths.person_key)
    shutil.rmtree(b.paths.keys)
    shutil.copytree(a.paths.keys, b.paths.keys)

    pictures = sorted((SCANS / "chong-2").glob("*.jpg"))
    half = len(pictures) // 2
    for name, files in (("xa", pictures[:half]), ("xb", pictures[half:])):
        (tmp_path / name).mkdir()
        for file in files:
            shutil.copy(file, tmp_path / name / file.name)
    words = ("--dossier", "H38.20-261002-0007", "--json")
    first = a.start("ingest", str(tmp_path / "xa"), *words)
    second = b.start("ingest", str(tmp_path / "xb"), *words)
    assert until(lambda: any((a.paths.work / "pages").glob("*/*.json")), 120), "reading never began"
    kill(a.process())
    first.communicate(timeout=240)
    out, log = second.communicate(timeout=400)
    theirs = json.loads(out)
    assert second.returncode in (0, 1), log
    database = open_database(url)
    with reading(database) as connection:
        mine = connection.execute(text("select id, state, attempt from batch where source like '%/xa'")).one()
    assert mine.attempt == 1, "nobody but its own home begins the batch of the dead one again"
    again = a.run("ingest", str(tmp_path / "xa"), *words[:2], timeout=400)
    assert again.code in (0, 1), again.log
    stored = [p["id"] for p in papers(again.document) + papers(theirs) if p["state"] == "stored"]
    assert len(set(stored)) == len(stored) == 3, (again.document, theirs)

    manifests = list(Archive(own_bucket).manifests("H38.20-261002-0007"))
    held = {e.document for e in decode(manifests[-1][1], manifests[-1][0]).entries}
    assert check_chain(manifests) == [] and held >= set(stored)
    for home, other in ((a, theirs), (b, again.document)):
        for paper in papers(other):
            if paper["state"] == "stored":
                got = home.run("get", paper["id"], "-o", str(tmp_path / f"{paper['id']}.pdf"))
                assert got.code == 0, got.log
        assert home.run("verify", "--all").code == 0
        assert home.run("ledger", "verify").document["ok"]
        assert home.run("fixity").document["findings"] == []
    assert Ledger(database).verify().ok
    there = b.run("retry", mine.id, timeout=400)
    assert there.code in (0, 1), there.log
    with reading(database) as connection:
        after = connection.execute(
            text("select state, attempt from batch where id = :b"), {"b": mine.id}
        ).one()
        begun = connection.execute(
            text("select application_name from dbos.workflow_status where workflow_uuid = :w"),
            {"w": f"{mine.id}.2"},
        ).scalar_one()
    assert after.attempt == 2 and after.state in ("done", "review")
    assert begun == f"sohoa-{(a.root / 'home.id').read_text()}", "begun at its own home"
    a.run("down")
    asleep = b.run("retry", mine.id)
    assert asleep.document["batches"][0]["state"] == "queued", asleep.log
    assert "làm tiếp khi đang chạy" in asleep.document["batches"][0]["reason"]
    b.run("down")
    database.dispose()
