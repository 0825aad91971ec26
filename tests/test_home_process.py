"""One process a home: started once, killed anywhere, mended by the next command, gone when told."""

from __future__ import annotations

import contextlib
import os
import random
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.home_in_use import SCANS, Home, kill, papers, pids, until

pytestmark = pytest.mark.slow

STACK = SCANS / "chong-2"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    place = Home(tmp_path / "h")
    yield place
    place.run("down")
    assert until(lambda: not pids(str(place.root)), 20), "something outlives the home"


def stored_once(home: Home, stack: Path) -> None:
    """The same command again ends well, and every paper is in the bucket once, signed once."""
    last = home.run("ingest", str(stack))
    if any(page["state"] == "rejected" for batch in last.document["batches"] for page in batch["pages"]):
        last = home.run(
            "retry", last.document["batches"][0]["id"]
        )  # a page lost two readers: set aside, by design
    found = papers(last.document)
    assert {paper["state"] for paper in found} == {"stored"}, last.document
    assert len(found) == 3
    keys = list(home.bucket().keys("d/"))
    assert sorted(key.rpartition("/")[2] for key in keys if key.endswith(".pdf")) == sorted(
        f"{paper['pdf_sha256']}.pdf" for paper in found
    )
    assert sum("/m/" in key for key in keys) == len(found), "one manifest generation a paper"
    report = home.run("verify", "--all").document
    assert {result["verdict"] for result in report["results"]} == {"TOTAL_PASSED"}, report
    assert home.run("ledger", "verify").document["ok"]


def test_two_commands_at_once_start_one_process(home: Home) -> None:
    children = [home.start("status", "--json") for _ in range(3)]
    for child in children:
        child.communicate(timeout=120)
        assert child.returncode == 0
    assert until(lambda: len(pids(f"pipeline.home {home.root}")) == 1, 10)
    home.run("doctor")
    assert len(pids(f"weed -logdir={home.root}")) == 1


def test_killed_in_the_middle_the_same_command_finishes_the_work_once(home: Home) -> None:
    child = home.start("ingest", str(STACK), "--json")
    assert until(lambda: (home.paths.work / "pages").exists(), 90), "reading never began"
    kill(home.process())
    assert until(lambda: home.store() is None, 20), "the store outlived its parent"
    child.communicate(timeout=200)
    stored_once(home, STACK)


def test_a_killed_client_leaves_the_work_running(home: Home) -> None:
    child = home.start("ingest", str(STACK), "--json")
    assert until(lambda: (home.paths.work / "pages").exists(), 90)
    child.kill()
    child.communicate()
    stored_once(home, STACK)


def test_a_killed_store_is_started_again(home: Home) -> None:
    child = home.start("ingest", str(STACK), "--json")
    assert until(lambda: (home.paths.work / "pages").exists(), 90)
    kill(home.store())
    child.communicate(timeout=200)
    stored_once(home, STACK)


def test_down_ends_the_process_and_its_children(home: Home) -> None:
    home.run("doctor")
    assert home.process() and home.store()
    assert home.run("down").document == {"stopped": True}
    assert until(lambda: not pids(str(home.root)), 20)
    assert home.run("down").document == {"stopped": False}


def test_an_idle_process_stops_itself(tmp_path: Path) -> None:
    home = Home(tmp_path / "h", {"SOHOA_PROCESS_IDLE_MINUTES": "0.05"})
    home.run("doctor")
    assert until(lambda: home.process() is None, 40)
    assert until(lambda: not pids(str(home.root)), 20)


def test_a_store_that_cannot_be_reached_is_told_with_exit_code_4(tmp_path: Path) -> None:
    far = {
        "SOHOA_S3_ENDPOINT": "http://127.0.0.1:9",
        "SOHOA_S3_ACCESS_KEY": "a",
        "SOHOA_S3_SECRET_KEY": "b",
    }
    home = Home(tmp_path / "h", far)
    answer = home.run("ingest", str(STACK))
    assert answer.code == 4 and "127.0.0.1:9" in answer.log
    assert all(path.exists() for path in STACK.iterdir())
    home.run("down")


def test_a_home_of_another_user_is_not_readable(home: Home) -> None:
    home.run("status")
    assert home.root.stat().st_mode & 0o077 == 0
    for secret in (home.paths.store / "etc").iterdir():
        assert secret.stat().st_mode & 0o077 == 0, secret


def test_readers_killed_again_and_again_never_hang_a_batch(home: Home) -> None:
    """Idle or at work; a pool with one pipe for all once lost the pages it had been handed, and the batch waited."""
    child = home.start("ingest", str(STACK), "--json")
    assert until(lambda: bool(home.children()), 90)
    for _ in range(15):
        for pid in home.children()[:2]:
            with contextlib.suppress(ProcessLookupError):
                kill(pid)
        until(lambda: False, 1.2)
    child.communicate(timeout=200)
    stored_once(home, STACK)


@pytest.mark.parametrize("seed", range(6))
def test_killed_anywhere_any_number_of_times(home: Home, seed: int) -> None:
    dice = random.Random(seed)
    for _ in range(6):
        child = home.start("ingest", str(STACK), "--json")
        until(lambda: False, dice.uniform(0.3, 8.0))
        victim = dice.choice(["home", "store", "client", "children"])
        chosen = {
            "home": pids(f"pipeline.home {home.root}"),
            "store": pids(f"weed -logdir={home.root}"),
            "client": [child.pid],
            "children": home.children()[:1],
        }[victim]
        for pid in chosen:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        until(lambda: False, dice.uniform(0.0, 2.0))
        child.kill()
        child.communicate()
    stored_once(home, STACK)
