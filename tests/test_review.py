"""What is doubtful waits for a person; a person's word settles it, once, on the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from tests.home_in_use import SCANS, Home, papers

CODE = "H38.20-261002-0007"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    place = Home(tmp_path_factory.mktemp("xem") / "h")
    yield place
    place.run("down")


@pytest.fixture(scope="module")
def waiting(home: Home, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a paper that nobody can place: a form without code, separator or receipt."""
    stack = tmp_path_factory.mktemp("chong-la")
    (stack / "a.jpg").write_bytes((SCANS / "chong-2" / "scan-01.jpg").read_bytes())
    taken = home.run("ingest", str(stack))
    assert taken.code == 1
    (paper,) = papers(taken.document)
    assert paper["state"] == "review" and paper["dossier"] is None and paper["pdf_sha256"] is None
    return str(paper["id"])


def test_what_waits_is_listed_with_its_reason(home: Home, waiting: str) -> None:
    answer = home.run("review")
    (item,) = answer.document["waiting"]
    assert answer.code == 1
    assert item["id"] == waiting and "mã hồ sơ" in item["reason"] and item["pages"] == [0]


@pytest.mark.parametrize("words", [(), ("--dossier", "khong-phai-ma"), ("--type", "khong_co_loai_nay")])
def test_a_decision_that_says_nothing_usable_is_refused(
    home: Home, waiting: str, words: tuple[str, ...]
) -> None:
    assert home.run("review", waiting, *words).code == 2
    assert len(home.run("review").document["waiting"]) == 1


def test_a_decision_stores_the_paper_in_its_dossier_and_nothing_waits_any_more(
    home: Home, waiting: str, tmp_path: Path
) -> None:
    answer = home.run("review", waiting, "--dossier", CODE, "--type", "don_cap_phep_xay_dung")
    (paper,) = papers(answer.document)
    assert answer.code == 0, answer.document
    assert (paper["state"], paper["dossier"], paper["signature_level"]) == ("stored", CODE, "B-LTA")
    assert "dossier" not in paper["doubtful"]
    assert home.run("review").document["waiting"] == []
    assert home.run("status", "--all").document["batches"][0]["state"] == "done"
    assert home.run("verify", "--all").code == 0
    assert home.run("review", waiting, "--dossier", CODE).code == 2, "it is settled"


def test_the_place_of_a_doubt_is_seen_before_it_is_settled(home: Home, tmp_path: Path) -> None:
    """A contract whose number was printed over: it waits for a dossier, and its number is shown as it stands."""
    sheet = Image.open(SCANS / "chong-1" / "scan-03.jpg").convert("RGB")
    ImageDraw.Draw(sheet).line((880, 372, 960, 384), fill=(30, 40, 160), width=7)
    stack = tmp_path / "chong"
    stack.mkdir()
    sheet.save(stack / "a.jpg", dpi=(200, 200))
    (paper,) = papers(home.run("ingest", str(stack)).document)
    assert paper["state"] == "review"
    cut = home.run("review", paper["id"], "--crop", str(tmp_path / "cat"))
    assert cut.code == 0, cut.log
    shown = {one["name"]: one for one in cut.document["crops"]}
    assert set(paper["doubtful"]) - {"dossier"} <= set(shown)
    for name, one in shown.items():
        if one["box"]:
            with Image.open(one["path"]) as picture:
                assert picture.width > one["box"][2] - one["box"][0], name
    assert [one for one in shown.values() if one["box"]], "a doubt with a place"
    views = home.run("ledger", "verify")
    assert views.code == 0
