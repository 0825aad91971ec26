"""A stored paper is corrected, linked and taken out by new generations; its signed file stays as it is."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.home_in_use import SCANS, Answer, Home, papers
from tests.papers import printed

pytestmark = pytest.mark.slow

CODE = "H38.20-261002-0007"
OTHER = "H38.20-261002-0011"
HOSTILE = (
    "number=khong phai so",
    "number=1/" + "Q" * 70,
    "date=2024-02-30",
    "date=2999-01-01",
    "date=15 thang",
    "title=" + "a" * 1001,
    "title=12345",
    "signer=Nguyễn \u202eVăn A",
    "issuer=\x1b[2J",
    "owner_id=12",
    "khong_co=1",
    "number",
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    place = Home(tmp_path_factory.mktemp("sua") / "h")
    yield place
    place.run("down")


@pytest.fixture(scope="module")
def stored(home: Home) -> dict[str, Any]:
    """A paper scanned by itself: stored, and in no dossier yet."""
    (paper,) = papers(home.run("ingest", str(SCANS / "chong-2" / "scan-01.jpg")).document)
    assert paper["state"] == "stored" and paper["dossier"] is None
    return paper


def as_(home: Home, person: str) -> Home:
    return Home(home.root, {"SOHOA_ACTOR": person})


def shown(home: Home, code: str, document: str) -> dict[str, Any]:
    view = home.run("dossier", code).document
    return next(paper for paper in view["documents"] if paper["id"] == document)


def ledger(home: Home, path: Path) -> list[dict[str, Any]]:
    assert home.run("ledger", "export", "-o", str(path), "--force").code == 0
    return [json.loads(line)["body"] for line in path.read_text().splitlines() if '"body"' in line]


def rows(home: Home) -> dict[str, list[tuple[Any, ...]]]:
    queries = {
        "document": "select id, dossier, type, title, number, date, issuer, signer, paper, doubtful, key, "
        "generation, pdf_sha256, stored_at from document order by id",
        "held": "select document, version, role, key, sha256, size, source from held_object order by 1, 2, 3, 4",
        "words": "select document, folded, exact from document_words order by rowid",
    }
    with sqlite3.connect(home.paths.database) as connection:
        return {name: connection.execute(query).fetchall() for name, query in queries.items()}


@pytest.mark.parametrize("word", HOSTILE)
def test_a_value_that_cannot_be_is_refused_and_changes_nothing(
    home: Home, stored: dict[str, Any], word: str
) -> None:
    before = rows(home)
    assert home.run("review", stored["id"], "--set", word).code == 2
    assert rows(home) == before


def test_a_correction_is_a_new_version_with_the_same_signed_file(
    home: Home, stored: dict[str, Any], tmp_path: Path
) -> None:
    words = ["number= 04 / CT-UBND", "date=15/3/2024", "title=Về việc chống lụt", "signer=Trần Văn Bình"]
    answer = home.run("review", stored["id"], *(part for word in words for part in ("--set", word)))
    assert answer.code == 0, answer.log
    assert answer.document["amended"]["version"] == 2
    (hit,) = home.run("find", '"Về việc chống lụt"').document["results"]
    assert hit["document"] == stored["id"]
    assert home.run("get", stored["id"], "-o", str(tmp_path / "a.pdf")).code == 0
    assert hashlib.sha256((tmp_path / "a.pdf").read_bytes()).hexdigest() == stored["pdf_sha256"]
    assert home.run("verify", stored["id"]).code == 0
    again = home.run("review", stored["id"], "--set", "number=04/CT-UBND")
    assert again.code == 0 and again.document["amended"]["changed"] == []
    assert home.run("review", stored["id"], "--set", "date=2024-03-16", "--version", "1").code == 2


def test_a_paper_without_a_dossier_is_linked_once(home: Home, stored: dict[str, Any], tmp_path: Path) -> None:
    answer = home.run("review", stored["id"], "--dossier", CODE)
    assert answer.code == 0, answer.log
    paper = shown(home, CODE, stored["id"])
    assert (paper["number"], paper["date"], paper["dossier"]) == ("04/CT-UBND", "2024-03-15", CODE)
    assert not {"number", "date", "title", "signer", "dossier"} & set(paper["doubtful"])
    assert CODE in paper["key"] and paper["pdf_sha256"] == stored["pdf_sha256"]
    assert home.run("verify", CODE).code == 0
    for version in ("1", "3"):
        path = tmp_path / f"{version}.pdf"
        assert home.run("get", stored["id"], "-o", str(path), "--version", version).code == 0
        assert hashlib.sha256(path.read_bytes()).hexdigest() == stored["pdf_sha256"]
    out = str(tmp_path / "o.zip")
    assert home.run("export", CODE, "-o", out, "--format", "bagit").document["documents"] == 1
    refused = home.run("review", stored["id"], "--dossier", OTHER)
    assert refused.code == 2 and "--misfiled" in refused.log


def test_an_incoming_signed_paper_is_linked_unchanged_and_vouched_for_there(
    home: Home, stored: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "den.pdf"
    home.run("get", stored["id"], "-o", str(path))
    (paper,) = papers(home.run("ingest", str(path)).document)
    assert (paper["origin"], paper["dossier"]) == ("incoming_signed", None)
    assert home.run("review", paper["id"], "--dossier", OTHER, "--ok").code == 0
    placed = shown(home, OTHER, paper["id"])
    assert placed["pdf_sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    keys = [key for key in home.bucket().keys("d/") if f"/{OTHER}/m/" in key]
    assert sum(key.endswith(".p7s") for key in keys) == 2


def test_a_misfiled_paper_leaves_by_two_persons(home: Home, stored: dict[str, Any], tmp_path: Path) -> None:
    first, second = as_(home, "lan"), as_(home, "minh")
    asked = first.run("review", stored["id"], "--misfiled", "để nhầm hồ sơ")
    assert asked.code == 1 and shown(home, CODE, stored["id"])
    assert first.run("review").document["proposals"][0]["item"] == stored["id"]
    assert first.run("review", stored["id"], "--approve").code == 2
    assert second.run("review", stored["id"], "--approve").code == 0
    assert not home.run("dossier", CODE).document["documents"]
    assert home.run("review").document["proposals"] == []
    assert first.run("review", stored["id"], "--dossier", CODE).code == 0, "and goes back as one without"
    entry = next(e for e in ledger(home, tmp_path / "l.jsonl") if _act(e) == "remove")
    assert "asked_by" in json.dumps(entry)


def _act(entry: Any) -> str:
    return str((json.loads(entry) if isinstance(entry, str) else entry)["act"])


def test_of_two_corrections_at_once_none_is_lost_unseen(home: Home, stored: dict[str, Any]) -> None:
    seen = home.run("review", stored["id"], "--ok").document["amended"]["version"]
    answers: list[Answer] = []

    def correct(day: int) -> None:
        words = ("--set", f"date=2024-03-{day:02d}", "--version", str(seen))
        answers.append(home.run("review", stored["id"], *words))

    threads = [threading.Thread(target=correct, args=(day,)) for day in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.code for answer in answers) == [0, 2, 2]


def test_what_is_held_by_one_person_is_not_settled_by_another(home: Home, stored: dict[str, Any]) -> None:
    first, second = as_(home, "lan"), as_(home, "minh")
    assert first.run("review", stored["id"], "--take").code == 0
    refused = second.run("review", stored["id"], "--set", "date=2024-03-15")
    assert refused.code == 2 and "lan" in refused.log
    assert second.run("review", stored["id"], "--take").code == 2
    assert first.run("review", stored["id"], "--set", "date=2024-03-15").code == 0
    assert second.run("review", stored["id"], "--take").code == 0, "settled, so held no longer"
    assert second.run("review", stored["id"], "--release").code == 0


def test_the_scrub_and_a_rebuild_find_all_of_it(home: Home) -> None:
    assert home.run("fixity").document["findings"] == []
    assert home.run("ledger", "verify").code == 0
    before = rows(home)
    home.run("down")
    made = home.run("rebuild", "--fresh")
    assert made.code == 0 and made.document["problems"] == [], made.document
    assert rows(home) == before
    assert home.run("verify", "--all").code == 0


def test_fields_of_persons_are_kept_found_cut_out_and_corrected(home: Home, tmp_path: Path) -> None:
    sheet, _ = printed(
        (
            "ĐƠN ĐỀ NGHỊ",
            "Họ và tên: Phạm Quang Lộc",
            "Số CCCD: 025885001234 cấp năm 2021",
            "Ngày sinh: 12/06/1985",
            "Thửa đất số 117, tờ bản đồ số 34",
            "Người làm đơn",
            "Phạm Quang Lộc",
        )
    )
    scan = tmp_path / "don.png"
    sheet.save(scan, dpi=(200, 200))
    (paper,) = papers(home.run("ingest", str(scan)).document)
    assert set(paper["doubtful"]) <= {
        "dossier",
        "type",
        "title",
        "number",
        "date",
        "issuer",
        "signer",
        "pages",
    }
    assert not {"owner", "owner_id", "birth_date", "parcel"} & set(paper), "the contract's keys only"
    assert home.run("find", "12/06/1985").document["results"][0]["document"] == paper["id"]
    listed = home.run("review", "--doubtful").document["doubtful"]
    (fields,) = [one["fields"] for one in listed if one["id"] == paper["id"]]
    number = next(field for field in fields if field["name"] == "owner_id")
    assert number["value"] == "025885001234" and number["page"] == 0 and len(number["box"]) == 4
    out = tmp_path / "cat"
    cut = home.run("review", paper["id"], "--crop", str(out))
    assert cut.code == 0, cut.log
    paths = {one["name"]: one["path"] for one in cut.document["crops"]}
    assert paths["owner_id"] == str(out / "owner_id.png")
    with Image.open(paths["owner_id"]) as picture:
        left, top, right, bottom = number["box"]
        assert right - left < picture.width < right - left + 120 and bottom - top < picture.height < 150
        grey = np.asarray(picture.convert("L"))
        assert (grey < 100).any(axis=0).sum() > 0.5 * (right - left), "the figures are in it"
    assert home.run("review", "--crop", str(out)).code == 2
    assert home.run("review", paper["id"], "-k").code == 0
    still = home.run("review", paper["id"], "--crop", str(tmp_path / "nua")).document["crops"]
    assert "owner_id" in {one["name"] for one in still}, (
        "what the list of doubts does not show is not confirmed"
    )
    words = (
        "--set",
        "owner_id=025085001234",
        "--set",
        "parcel=thửa đất số 118",
        "--set",
        "copy_kind=ban_chinh",
    )
    assert home.run("review", paper["id"], *words).code == 0
    assert home.run("review", paper["id"], "--set", "copy_kind=that").code == 2
    assert home.run("find", "025085001234").document["results"][0]["document"] == paper["id"]
    left_over = home.run("review", paper["id"], "--crop", str(tmp_path / "het")).document["crops"]
    assert "owner_id" not in {one["name"] for one in left_over}
