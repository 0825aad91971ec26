"""Before anything is stored a person may cut a stack in another way; every word of it can be taken back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.home_in_use import SCANS, Answer, Home, papers

pytestmark = pytest.mark.slow

CODE = "H38.20-261002-0007"
SHEETS = ("scan-02", "scan-03", "scan-04")  # a form, and a contract of two pages; no receipt, so all wait


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    place = Home(tmp_path_factory.mktemp("trang") / "h")
    stack = tmp_path_factory.mktemp("chong-giay")
    for name in SHEETS:
        (stack / f"{name}.jpg").write_bytes((SCANS / "chong-1" / f"{name}.jpg").read_bytes())
    assert place.run("ingest", str(stack)).code == 1
    yield place
    place.run("down")


def cut(home: Home) -> list[list[int]]:
    """How the pages that wait are told apart."""
    return [item["pages"] for item in home.run("review").document["waiting"]]


def item(home: Home, page: int) -> str:
    """The waiting paper that begins with a page."""
    waiting = home.run("review").document["waiting"]
    return next(str(one["id"]) for one in waiting if one["pages"][0] == page)


def undo(home: Home) -> Answer:
    (batch,) = home.run("status", "--all").document["batches"]
    return home.run("review", str(batch["id"]), "--undo")


def sides(answer: Answer) -> list[dict[str, Any]]:
    (batch,) = answer.document["batches"]
    return list(batch["pages"])


@pytest.mark.parametrize(
    ("page", "words", "after"),
    [
        (1, ("--split-before", "3"), [[0], [1], [2]]),
        (1, ("--merge",), [[0, 1, 2]]),
        (1, ("--move", "3", "--after", "1"), [[0, 2], [1]]),
        (1, ("--move", "2", "--after", "1"), [[0, 1], [2]]),
    ],
)
def test_pages_are_told_apart_as_a_person_says_until_it_is_taken_back(
    home: Home, page: int, words: tuple[str, ...], after: list[list[int]]
) -> None:
    assert cut(home) == [[0], [1, 2]]
    assert home.run("review", item(home, page), *words).code == 1
    assert cut(home) == after
    assert undo(home).code == 1
    assert cut(home) == [[0], [1, 2]]


@pytest.mark.parametrize(
    "words",
    [
        ("--split-before", "2"),
        ("--split-before", "9"),
        ("--move", "2"),
        ("--move", "1", "--after", "2"),
        ("--turn", "2=45"),
        ("--turn", "1=90"),
        ("--aside", "   "),
        ("--merge", "--dossier", CODE),
        ("--misfiled", "nhầm"),
    ],
)
def test_what_cannot_be_done_to_these_pages_is_refused(home: Home, words: tuple[str, ...]) -> None:
    assert home.run("review", item(home, 1), *words).code == 2
    assert cut(home) == [[0], [1, 2]]


def test_a_page_is_turned_and_read_again(home: Home) -> None:
    answer = home.run("review", item(home, 1), "--turn", "3=180")
    assert [side["turn"] for side in sides(answer)] == [0, 0, 180]
    assert [side["turn"] for side in sides(undo(home))] == [0, 0, 0]


def test_a_paper_waits_for_a_new_scan_or_is_set_aside_with_the_reason(home: Home) -> None:
    home.run("review", item(home, 0), "--rescan", "bị mờ")
    reasons = [one["reason"] for one in home.run("review").document["waiting"]]
    assert "bị mờ" in reasons[0] and "bị mờ" not in reasons[1]
    answer = home.run("review", item(home, 0), "--aside", "đã quét lại ở lô khác")
    first = sides(answer)[0]
    assert (first["state"], first["reason"]) == ("rejected", "đã quét lại ở lô khác")
    assert cut(home) == [[1, 2]]


def test_once_stored_the_pages_stand(home: Home) -> None:
    words = ("--dossier", CODE, "--set", "number=1207/HĐCN", "--set", "date=28/8/2026")
    answer = home.run("review", item(home, 1), *words)
    assert answer.code == 1, "a side was set aside"
    (paper,) = papers(answer.document)
    assert (paper["state"], paper["pages"], paper["number"]) == ("stored", [1, 2], "1207/HĐCN")
    assert not {"number", "date"} & set(paper["doubtful"])
    assert undo(home).code == 2
    assert home.run("review", paper["id"], "--split-before", "3").code == 2
    assert home.run("verify", "--all").code == 0
    assert home.run("ledger", "verify").code == 0


def test_a_sensitive_type_needs_a_second_person(home: Home) -> None:
    (paper,) = home.run("dossier", CODE).document["documents"]
    home.run("down")
    kind = {"SOHOA_REVIEW_SECOND_PERSON_TYPES": json.dumps([paper["type"]])}
    first, second = (Home(home.root, {**kind, "SOHOA_ACTOR": name}) for name in ("lan", "minh"))
    assert first.run("review", paper["id"], "--set", "title=Chuyển nhượng").code == 1
    assert first.run("dossier", CODE).document["documents"][0]["title"] != "Chuyển nhượng"
    assert second.run("review", paper["id"], "--approve").code == 0
    assert second.run("dossier", CODE).document["documents"][0]["title"] == "Chuyển nhượng"
    second.run("down")
