"""A stored paper gets other pages: a new signed version, the one before stays; sides are neither lost nor doubled."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from PIL import Image, ImageEnhance

from pipeline.errors import UsageError
from pipeline.home.page_wish import wish_of
from tests.home_in_use import SCANS, Home, kill, papers, until
from tests.verapdf import broken_rules

STACK = SCANS / "chong-1"
WHY = ("--reason", "trang quét mờ")
SENSITIVE = "to_khai_khai_sinh"
VERSIONS = "select count(distinct version) from held_object where document = ? and role = 'document'"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    place = Home(
        tmp_path_factory.mktemp("trang") / "h", {"SOHOA_REVIEW_SECOND_PERSON_TYPES": json.dumps([SENSITIVE])}
    )
    yield place
    place.run("down")


@pytest.fixture(scope="module")
def stack(home: Home, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A stack of one dossier: four sides of two sheets, the last one blank."""
    folder = tmp_path_factory.mktemp("chong")
    for number in (0, 3, 4, 5):
        shutil.copy(STACK / f"scan-0{number}.jpg", folder)
    (batch,) = home.run("ingest", str(folder), "--sheets", "2").document["batches"]
    assert batch["state"] == "done" and batch["expected_sides"] == len(batch["pages"]) == 4
    return dict(batch)


@pytest.fixture(scope="module")
def contract(stack: dict[str, Any]) -> dict[str, Any]:
    """The paper of two pages."""
    return dict(next(paper for paper in stack["documents"] if len(paper["pages"]) == 2))


@pytest.fixture(scope="module")
def again(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The contract's second page, scanned once more."""
    path = tmp_path_factory.mktemp("quet-lai") / "quet-lai.jpg"
    with Image.open(STACK / "scan-04.jpg") as picture:
        ImageEnhance.Brightness(picture).enhance(0.97).save(path, quality=92, dpi=(200, 200))
    return path


def batch_of(home: Home, stack: dict[str, Any]) -> dict[str, Any]:
    (batch,) = home.run("status", stack["id"]).document["batches"]
    return dict(batch)


def paper_of(home: Home, stack: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in batch_of(home, stack)["documents"] if one["id"] == name)


def conserved(batch: dict[str, Any]) -> None:
    """Sides declared = sides stored + sides set aside with a reason, and each stored one is in one paper."""
    count = {"stored": 0, "aside": 0}
    for side in batch["pages"]:
        stored = side["state"] == "stored"
        assert stored == (len(side["documents"]) == 1), side
        assert stored or side["state"] in ("blank", "separator") or side["reason"], side
        count["stored" if stored else "aside"] += 1
    assert sum(count.values()) == len(batch["pages"]) == batch["expected_sides"]
    assert sum(len(paper["pages"]) for paper in batch["documents"]) == count["stored"]


def signed(home: Home, name: str, path: Path, version: int | None = None) -> Path:
    words = ("--version", str(version)) if version else ()
    assert home.run("get", name, "-o", str(path), "--force", *words).code == 0
    return path


def pictures(path: Path) -> list[str]:
    """Digests of the pages' pictures as they are encoded in a file."""
    with pikepdf.open(path) as pdf:
        raw = [page.obj.Resources.XObject.Im0.read_raw_bytes() for page in pdf.pages]
    return [hashlib.sha256(one).hexdigest() for one in raw]


def valid(path: Path) -> bool:
    judged = subprocess.run(["pdfsig", str(path)], capture_output=True, text=True).stdout
    return judged.count("Signature is Valid") == 2 and broken_rules(path) == []


def rows(home: Home, queries: dict[str, str]) -> dict[str, list[tuple[Any, ...]]]:
    with sqlite3.connect(home.paths.database) as connection:
        return {name: connection.execute(query).fetchall() for name, query in queries.items()}


def ask(home: Home, query: str, *values: str) -> Any:
    with sqlite3.connect(home.paths.database, timeout=30) as connection:
        return connection.execute(query, values).fetchone()[0]


def test_a_trial_shows_before_and_after_and_changes_nothing(
    home: Home, stack: dict[str, Any], contract: dict[str, Any], again: Path
) -> None:
    seen = home.run("repage", contract["id"], "--replace", "2", "--from", str(again), "--dry-run")
    assert seen.code == 0, seen.log
    assert [one["was"] for one in seen.document["before"]] == [1, 2]
    assert [one["was"] for one in seen.document["after"]] == [1, None]
    now = batch_of(home, stack)
    assert (now["pages"], now["documents"]) == (stack["pages"], stack["documents"])


@pytest.mark.parametrize(
    ("request_", "sentence"),
    [
        ({}, "một việc"),
        ({"turn": ["2:90"], "remove": [1]}, "một việc"),
        ({"replace": 3, "file": "a.jpg"}, "trang 1 đến 2"),
        ({"replace": 2}, "--from"),
        ({"remove": [1], "file": "a.jpg"}, "--from"),
        ({"remove": [1, 2]}, "--misfiled"),
        ({"remove": [1, 1]}, "một lần"),
        ({"order": "1,2"}, "--order"),
        ({"order": "2,2"}, "một lần"),
        ({"order": "2,x"}, "trang 1 đến 2"),
        ({"turn": ["2:45"]}, "--turn"),
        ({"turn": ["2:90", "2:90"]}, "một lần"),
        ({"insert_after": 3, "file": "a.jpg"}, "trang 0 đến 2"),
    ],
)
def test_a_wish_that_cannot_be_is_refused_with_a_sentence(request_: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError) as refused:
        wish_of(request_, 2)
    assert sentence in refused.value.vi


def test_wishes_arrange_pages() -> None:
    def shown(count: int, fresh: int, **request: Any) -> list[tuple[int | None, int, int | None]]:
        return [(s.before, s.turn, s.fresh) for s in wish_of(request, count).arranged(count, fresh)]

    assert shown(2, 1, replace=1, file="a") == [(None, 0, 0), (1, 0, None)]
    assert shown(2, 2, insert_after=0, file="a") == [(None, 0, 0), (None, 0, 1), (0, 0, None), (1, 0, None)]
    assert shown(2, 1, insert_after=2, file="a")[-1] == (None, 0, 0)
    assert shown(3, 0, remove=[1, 3]) == [(1, 0, None)]
    assert shown(3, 0, order="3,1,2") == [(2, 0, None), (0, 0, None), (1, 0, None)]
    assert shown(2, 0, turn=["2=270"]) == [(0, 0, None), (1, 270, None)]


REFUSED = (
    (("--replace", "2", "--from", "again"), 2, "lý do"),
    (("--insert-after", "1", "--from", "scan-05.jpg", *WHY), 2, "mặt trắng"),
    (("--insert-after", "1", "--from", "scan-06.jpg", *WHY), 2, "tờ phân cách"),
    (("--insert-after", "1", "--from", "scan-07.jpg", *WHY), 2, "H24-260915-0042"),
    (("--insert-after", "1", "--from", "scan-03.jpg", *WHY), 2, "đúng trang này"),
    (("--replace", "2", "--from", "broken", *WHY), 3, "cắt cụt"),
    (("--replace", "2", "--from", "signed", *WHY), 2, "sohoa ingest"),
    (("--remove", "1", "--version", "7", *WHY), 2, "bản 1"),
)


def test_what_must_not_be_is_refused_with_a_sentence(
    home: Home, stack: dict[str, Any], contract: dict[str, Any], again: Path, tmp_path: Path
) -> None:
    (tmp_path / "broken.jpg").write_bytes((STACK / "scan-04.jpg").read_bytes()[:20_000])
    files = {
        "again": str(again),
        "broken": str(tmp_path / "broken.jpg"),
        "signed": str(signed(home, contract["id"], tmp_path / "signed.pdf")),
        **{path.name: str(path) for path in STACK.iterdir()},
    }
    before = batch_of(home, stack)
    for words, code, sentence in REFUSED:
        answer = home.run("repage", contract["id"], *(files.get(word, word) for word in words))
        assert answer.code == code and sentence in answer.log, (words, answer.log)
    assert batch_of(home, stack) == before


@pytest.mark.slow
def test_an_incoming_signed_paper_never_changes(home: Home, contract: dict[str, Any], tmp_path: Path) -> None:
    path = signed(home, contract["id"], tmp_path / "signed.pdf", 1)
    (incoming,) = papers(home.run("ingest", str(path)).document)
    answer = home.run("repage", incoming["id"], "--turn", "1:90", *WHY)
    assert answer.code == 2 and "không bao giờ bị sửa" in answer.log
    assert signed(home, incoming["id"], tmp_path / "again.pdf").read_bytes() == path.read_bytes()


@pytest.mark.slow
def test_a_page_scanned_again_is_a_new_signed_version_and_the_old_one_stays(
    home: Home, stack: dict[str, Any], contract: dict[str, Any], again: Path, tmp_path: Path
) -> None:
    name = contract["id"]
    answer = home.run("repage", name, "--replace", "2", "--from", str(again), *WHY)
    assert answer.code == 0 and answer.document["version"] == 2, answer.log
    first, second = signed(home, name, tmp_path / "1.pdf", 1), signed(home, name, tmp_path / "2.pdf")
    assert hashlib.sha256(first.read_bytes()).hexdigest() == contract["pdf_sha256"]
    assert valid(first) and valid(second)
    old, new = pictures(first), pictures(second)
    assert len(new) == 2 and new[0] == old[0] and new[1] != old[1], "what stays is not encoded again"
    batch = batch_of(home, stack)
    paper = paper_of(home, stack, name)
    assert paper["pages"] == [1, 4] and paper["pdf_sha256"] != contract["pdf_sha256"]
    assert paper["signature_level"] == contract["signature_level"]
    assert paper["doubtful"] == contract["doubtful"], "what was on the page is read alike again"
    assert (batch["pages"][2]["state"], batch["pages"][4]["role"]) == ("rejected", "retake")
    assert "trang quét mờ" in batch["pages"][2]["reason"]
    conserved(batch)
    kept = tmp_path / "goc"
    assert home.run("get", name, "-o", str(kept), "--original", "--version", "1").code == 0
    digests = {hashlib.sha256(one.read_bytes()).hexdigest() for one in kept.iterdir()}
    assert stack["pages"][2]["source_sha256"] in digests, "the page that was taken out is kept"
    twice = home.run("repage", name, "--replace", "2", "--from", str(again), *WHY)
    assert twice.code == 2 and "đúng trang này" in twice.log


@pytest.mark.slow
def test_pages_are_added_turned_and_taken_out(
    home: Home, stack: dict[str, Any], contract: dict[str, Any], tmp_path: Path
) -> None:
    name = contract["id"]
    first, last = paper_of(home, stack, name)["pages"]
    new = len(batch_of(home, stack)["pages"])
    late = tmp_path / "sot.tif"
    sides = [Image.open(STACK / f"scan-0{number}.jpg") for number in (1, 5, 2)]
    sides[0].save(late, save_all=True, append_images=sides[1:], dpi=(200, 200))
    for words, pages in (
        (("--insert-after", "1", "--from", str(late)), [first, new, new + 2, last]),
        (("--turn", "3:180", "--turn", "1:90"), [first, new, new + 2, last]),
        (("--remove", "2"), [first, new + 2, last]),
    ):
        answer = home.run("repage", name, *words, *WHY)
        assert answer.code == 0, answer.log
        assert paper_of(home, stack, name)["pages"] == pages
        conserved(batch_of(home, stack))
    batch = batch_of(home, stack)
    assert [batch["pages"][n]["state"] for n in range(new, new + 3)] == ["rejected", "blank", "stored"]
    assert (batch["pages"][first]["turn"], batch["pages"][new + 2]["turn"]) == (90, 180)
    newest = signed(home, name, tmp_path / "6.pdf")
    with pikepdf.open(newest) as pdf:
        boxes = [[float(side) for side in page.MediaBox] for page in pdf.pages]
    assert [width > height for _, _, width, height in boxes] == [True, False, False]
    assert valid(newest) and home.run("verify", name).code == 0
    found = home.run("find", "hợp đồng").document["results"]
    assert name in {one["document"] for one in found}


@pytest.mark.slow
def test_a_sensitive_type_needs_a_second_person(home: Home, again: Path) -> None:
    taken = home.run("ingest", str(STACK / "scan-08.jpg"), "--dossier", "000.03.27.H24-260915-0042")
    (paper,), (other,) = papers(taken.document), taken.document["batches"]
    assert paper["type"] == SENSITIVE and paper["state"] == "stored"
    first, second = (Home(home.root, {**home.settings, "SOHOA_ACTOR": who}) for who in ("lan", "minh"))
    asked = first.run("repage", paper["id"], "--insert-after", "1", "--from", str(again), *WHY)
    assert asked.code == 1 and asked.document["proposed"] == paper["id"]
    assert paper_of(home, other, paper["id"])["pages"] == paper["pages"]
    (waiting,) = first.run("review").document["proposals"]
    assert waiting["item"] == paper["id"] and waiting["by"] == "lan"
    assert first.run("review", paper["id"], "--approve").code == 2
    agreed = second.run("review", paper["id"], "--approve")
    assert agreed.code == 0 and agreed.document["version"] == 2, agreed.log
    assert agreed.document["proposals"] == []
    assert len(paper_of(home, other, paper["id"])["pages"]) == 2


@pytest.mark.slow
def test_the_stack_told_again_leaves_changed_papers_as_they_are(home: Home, stack: dict[str, Any]) -> None:
    before = batch_of(home, stack)
    home.run("retry", stack["id"])
    after = batch_of(home, stack)
    assert (after["pages"], after["documents"]) == (before["pages"], before["documents"])
    assert after["state"] == "done"


DECIDED = "select count(*) from page_change"
SIGNED = "select count(*) from page_change where staged_sha256 is not null"


@pytest.mark.slow
@pytest.mark.parametrize("moment", [SIGNED, DECIDED])
def test_a_kill_publishes_one_version_wherever_it_strikes(
    home: Home, stack: dict[str, Any], contract: dict[str, Any], moment: str
) -> None:
    name = contract["id"]
    base = int(ask(home, VERSIONS, name))
    child = home.start("repage", name, "--order", "2,1,3", *WHY)
    assert until(lambda: ask(home, moment) or ask(home, VERSIONS, name) > base, 60)
    kill(home.process())
    child.communicate(timeout=60)
    home.run("status", stack["id"])
    assert until(lambda: not ask(home, DECIDED), 90), "the next start goes on"
    assert int(ask(home, VERSIONS, name)) == base + 1
    assert home.run("verify", name).code == 0
    conserved(batch_of(home, stack))


@pytest.mark.slow
def test_the_catalogue_comes_back_from_the_bucket(
    home: Home, stack: dict[str, Any], contract: dict[str, Any], tmp_path: Path
) -> None:
    queries = {
        "document": "select id, batch, dossier, type, pages, paper, doubtful, key, generation, pdf_sha256, stored_at, "
        "signature_level, state from document order by id",
        "held": "select document, version, role, key, sha256, size, source from held_object order by 1, 2, 3, 4",
        "words": "select document, folded, exact from document_words order by document",
        "page": "select id, batch, idx, source, source_sha256, turn, text, state, reason from page "
        f"where state in ('read', 'rejected') and batch = '{stack['id']}' order by idx",
        "role": "select page, document, role from changed_side where role is not null and page in "
        "(select id from page where state in ('read', 'rejected')) order by 1",
    }
    assert home.run("fixity").code == 0 and home.run("ledger", "verify").code == 0
    before = rows(home, queries)
    assert home.run("rebuild", "--fresh").code == 0
    assert rows(home, queries) == before
    assert home.run("verify", contract["id"]).code == 0 and home.run("fixity").code == 0
    out = tmp_path / "ledger.jsonl"
    home.run("ledger", "export", "-o", str(out), "--force")
    acts = [json.loads(line)["body"] for line in out.read_text().splitlines() if '"body"' in line]
    told = [json.loads(one) if isinstance(one, str) else one for one in acts]
    changes = [one for one in told if one["act"] == "repage"]
    assert {"insert_after", "turn", "remove", "order"} <= {one["details"]["change"] for one in changes}
    assert all(one["details"]["reason"] == "trang quét mờ" for one in changes)
