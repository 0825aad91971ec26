"""A stack whose sheets were counted wrongly waits in review, and a person's count settles it; the first stays on record."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.home_in_use import SCANS, Home

pytestmark = pytest.mark.slow

CODE = "H38.20-261002-0011"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    place = Home(tmp_path_factory.mktemp("dem") / "h")
    yield place
    place.run("down")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("chong")
    for name in ("scan-01.jpg", "scan-02.jpg", "scan-03.jpg"):
        (folder / name).write_bytes((SCANS / "chong-2" / name).read_bytes())
    return folder


@pytest.fixture(scope="module")
def batch(home: Home, stack: Path) -> dict[str, Any]:
    """Three sides, all stored; nine sheets declared."""
    taken = home.run("ingest", str(stack), "--dossier", CODE, "--sheets", "9")
    (found,) = taken.document["batches"]
    assert taken.code == 1 and found["state"] == "review"
    assert {page["state"] for page in found["pages"]} <= {"stored", "blank"}
    return dict(found)


def waiting(home: Home) -> list[dict[str, Any]]:
    answer = home.run("review")
    assert answer.code == int(bool(answer.document["waiting"]))
    return list(answer.document["waiting"])


def test_the_batch_is_listed_with_both_numbers_and_the_way_out(home: Home, batch: dict[str, Any]) -> None:
    (item,) = waiting(home)
    assert item["id"] == item["batch"] == batch["id"] and item["pages"] == [0, 1, 2]
    assert (item["captured_sides"], item["expected_sides"]) == (3, 18)
    assert (
        "quét được là 3, đã khai 9 tờ" in item["reason"] and f"sohoa review {batch['id']}" in item["reason"]
    )
    assert item["reason"] == batch["reason"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "--sheets N"),
        (("--sheets", "9"), "--rescan"),
        (("--sheets", "1"), "--reason"),
        (("--sheets", "3", "--rescan", "thiếu tờ"), "--sheets N"),
        (("--sheets", "3", "--dossier", CODE), "giấy tờ"),
        (("--rescan", "-"), "lý do"),
    ],
)
def test_what_cannot_be_is_refused_with_what_to_do(
    home: Home, batch: dict[str, Any], words: tuple[str, ...], said: str
) -> None:
    answer = home.run("review", batch["id"], *words)
    assert answer.code == 2 and said in answer.log, answer.log
    assert [item["id"] for item in waiting(home)] == [batch["id"]]


def test_a_count_is_no_matter_of_a_paper_and_an_unknown_batch_is_named(
    home: Home, batch: dict[str, Any]
) -> None:
    paper = batch["documents"][0]["id"]
    assert "b_…" in home.run("review", paper, "--sheets", "3").log
    unknown = home.run("review", "b_khong_co", "--sheets", "3")
    assert unknown.code == 2 and "Không có lô" in unknown.log


def test_missing_sheets_keep_it_waiting_and_it_says_what_to_do(home: Home, batch: dict[str, Any]) -> None:
    answer = home.run("review", batch["id"], "--rescan", "sáu tờ còn ở bàn số 2")
    (view,) = answer.document["batches"]
    assert answer.code == 1 and view["state"] == "review" and view["expected_sides"] == 18
    assert "sáu tờ còn ở bàn số 2" in view["reason"] and "sohoa ingest" in view["reason"]
    (item,) = waiting(home)
    assert item["reason"] == view["reason"]


def test_a_person_s_count_settles_it_and_the_ledger_keeps_both(
    home: Home, batch: dict[str, Any], stack: Path, tmp_path: Path
) -> None:
    answer = home.run("review", batch["id"], "--sheets", "3", "--reason", "đếm nhầm cả bìa")
    (view,) = answer.document["batches"]
    assert answer.code == 0, answer.document
    assert view["state"] == "done" and view["expected_sides"] == len(view["pages"]) == 3
    assert "Khai 9 tờ, đếm lại là 3 tờ: đếm nhầm cả bìa" in view["reason"]
    assert [page["id"] for page in view["pages"]] == [page["id"] for page in batch["pages"]]
    assert waiting(home) == []
    assert home.run("status").document["batches"] == []
    home.run("retry", batch["id"])
    (kept,) = home.run("status", batch["id"]).document["batches"]
    assert (kept["state"], kept["reason"]) == ("done", view["reason"]), "another attempt changes nothing"
    again = home.run("ingest", str(stack), "--dossier", CODE, "--sheets", "3")
    assert again.code == 0 and again.document["batches"][0]["id"] == batch["id"]
    target = tmp_path / "so-cai.jsonl"
    assert home.run("ledger", "export", "-o", str(target), "--force").code == 0
    lines = [json.loads(line) for line in target.read_text("utf-8").splitlines()]
    entries = [json.loads(line["body"]) for line in lines if "body" in line]
    said = [entry["details"] for entry in entries if entry["act"] == "recount"]
    assert [one["sheets"] for one in said] == [None, 3]
    assert all(one["expected_sides"] == 18 and one["captured_sides"] == 3 for one in said)
    assert home.run("ledger", "verify").code == 0


def test_one_decision_settles_every_exact_copy_and_each_stays_shown(home: Home, tmp_path: Path) -> None:
    """The same side three times, and no code: one paper waits, and its copies go where it goes."""
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        (tmp_path / name).write_bytes((SCANS / "chong-2" / "scan-01.jpg").read_bytes())
    taken = home.run("ingest", str(tmp_path))
    (batch,) = taken.document["batches"]
    copies = ["duplicate", "duplicate"]
    assert sorted(page["state"] for page in batch["pages"]) == [*copies, "review"]
    (item,) = waiting(home)
    answer = home.run("review", item["id"], "--dossier", "H38.20-261002-0012")
    (view,) = answer.document["batches"]
    assert answer.code == 0, answer.document
    (paper,) = view["documents"]
    assert view["state"] == "done" and paper["state"] == "stored"
    assert sorted(page["state"] for page in view["pages"]) == [*copies, "stored"]
    assert all(paper["id"] in page["reason"] for page in view["pages"] if page["state"] == "duplicate")
    assert waiting(home) == []


def test_the_same_files_again_with_another_count_say_where_to_put_it(home: Home, tmp_path: Path) -> None:
    one, two = tmp_path / "mot", tmp_path / "hai"
    for folder, name, tail in ((one, "scan-01.jpg", b"1"), (two, "scan-02.jpg", b"2")):
        folder.mkdir()
        (folder / name).write_bytes((SCANS / "chong-2" / name).read_bytes() + tail)
    (first,) = home.run("ingest", str(one), "--dossier", CODE, "--sheets", "1").document["batches"]
    (again,) = home.run("ingest", str(one), "--dossier", CODE, "--sheets", "2").document["batches"]
    assert again["id"] == first["id"] and "số tờ vẫn là 1" in again["reason"]
    assert f"sohoa review {first['id']} --sheets 2" in again["reason"]
    (same,) = home.run("ingest", str(one), "--dossier", CODE, "--sheets", "1").document["batches"]
    assert "taken in before" in same["reason"] and "--sheets" not in same["reason"]
    home.run("ingest", str(two), "--dossier", CODE)
    (told,) = home.run("ingest", str(two), "--dossier", CODE, "--sheets", "1").document["batches"]
    assert "không khai số tờ" in told["reason"] and "--sheets" not in told["reason"]
