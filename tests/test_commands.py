"""What a user does, with the real command on one home: take in, look, find, fetch, verify, and wrong usage."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.home_in_use import SCANS, Answer, Home, papers

STACK = SCANS / "chong-2"
CODE = "H38.20-261002-0007"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    place = Home(tmp_path_factory.mktemp("home") / "h")
    yield place
    place.run("down")
    assert place.process() is None and place.store() is None


@pytest.fixture(scope="module")
def taken(home: Home) -> Answer:
    return home.run("ingest", str(STACK))


def decision(taken: Answer) -> dict[str, Any]:
    return next(paper for paper in papers(taken.document) if paper["type"] == "quyet_dinh")


def test_a_stack_becomes_stored_signed_papers_of_its_dossier(taken: Answer) -> None:
    (batch,) = taken.document["batches"]
    assert batch["state"] == "done" and taken.code == 0
    assert [page["index"] for page in batch["pages"]] == list(range(len(batch["pages"])))
    assert {page["state"] for page in batch["pages"]} == {"stored"}
    stored = papers(taken.document)
    assert {(paper["dossier"], paper["signature_level"], paper["state"]) for paper in stored} == {
        (CODE, "B-LTA", "stored")
    }
    assert {paper["light"] for paper in stored} == {"amber"}, "demo keys never give a green light"
    for page in batch["pages"]:
        for name in page["documents"]:
            assert page["index"] in next(p for p in stored if p["id"] == name)["pages"]


def test_the_same_stack_again_is_the_same_record_with_the_reason(home: Home, taken: Answer) -> None:
    again = home.run("ingest", str(STACK))
    assert [p["id"] for p in papers(again.document)] == [p["id"] for p in papers(taken.document)]
    assert "trước đây" in again.document["batches"][0]["reason"]
    assert len(home.run("status", "--all").document["batches"]) == 1


def test_the_same_paper_in_another_stack_is_shown_as_a_duplicate(
    home: Home, taken: Answer, tmp_path: Path
) -> None:
    stack = tmp_path / "lai"
    stack.mkdir()
    first = sorted(STACK.iterdir())[0]
    (stack / "a.jpg").write_bytes(first.read_bytes())
    again = home.run("ingest", str(stack), "--dossier", CODE)
    (page,) = again.document["batches"][0]["pages"]
    assert page["state"] == "duplicate" and papers(taken.document)[0]["id"] in page["reason"]
    assert (stack / "a.jpg").exists()


def test_words_are_found_with_and_without_diacritics(home: Home, taken: Answer) -> None:
    wanted = decision(taken)["id"]
    for query in ("quyết định", "quyet dinh", "QUYẾT ĐỊNH"):
        hits = home.run("find", query).document["results"]
        assert wanted in [hit["document"] for hit in hits], query
    assert home.run("find", "không thể nào có từ này xyzzy").document == {
        "results": [],
        "next": None,
        "newest_first": False,
    }


def test_the_signed_file_and_the_originals_come_back_byte_for_byte(
    home: Home, taken: Answer, tmp_path: Path
) -> None:
    paper = decision(taken)
    assert home.run("get", paper["id"], "-o", str(tmp_path / "a.pdf")).code == 0
    assert hashlib.sha256((tmp_path / "a.pdf").read_bytes()).hexdigest() == paper["pdf_sha256"]
    assert home.run("get", paper["id"], "-o", str(tmp_path / "goc"), "--original").code == 0
    mine = {path.read_bytes() for path in (tmp_path / "goc").iterdir()}
    sources = [taken.document["batches"][0]["pages"][index]["source"] for index in paper["pages"]]
    assert mine == {Path(source).read_bytes() for source in sources}


def test_everything_stored_verifies(home: Home, taken: Answer) -> None:
    report = home.run("verify", "--all")
    assert report.code == 0
    assert {result["verdict"] for result in report.document["results"]} == {"TOTAL_PASSED"}
    assert all("DEMO" in result["verdict_vi"] for result in report.document["results"])
    assert all(result["ledger_ok"] and result["hash_ok"] for result in report.document["results"])
    assert home.run("ledger", "verify").document["ok"]
    past = home.run("verify", "--all", "--kept", "--as-of", "2020-01-01").document["results"]
    assert {one["target"] for one in past} == {one["target"] for one in report.document["results"]}
    assert all(one["read_at"] and one["hash_ok"] and one["verdict"] == "INDETERMINATE" for one in past)


def test_a_flipped_byte_in_a_downloaded_file_is_found(home: Home, taken: Answer, tmp_path: Path) -> None:
    home.run("get", decision(taken)["id"], "-o", str(tmp_path / "a.pdf"))
    content = bytearray((tmp_path / "a.pdf").read_bytes())
    content[len(content) // 3] ^= 1
    (tmp_path / "a.pdf").write_bytes(content)
    report = home.run("verify", str(tmp_path / "a.pdf"))
    assert report.code == 5
    assert report.document["results"][0]["verdict"] == "TOTAL_FAILED"


def test_a_dossier_shows_its_papers(home: Home, taken: Answer) -> None:
    view = home.run("dossier", CODE).document
    assert [p["id"] for p in view["documents"]] == [p["id"] for p in papers(taken.document)]
    assert view["light"] == "amber"


def test_status_leaves_out_texts_but_of_one_batch(home: Home, taken: Answer) -> None:
    batch = taken.document["batches"][0]["id"]
    assert "text" not in home.run("status", "--all").document["batches"][0]["pages"][0]
    assert home.run("status", batch).document["batches"][0]["pages"][0]["text"]


def test_the_doctor_finds_a_working_home(home: Home, taken: Answer) -> None:
    report = home.run("doctor")
    assert report.code == 0
    states = {probe["name"]: probe["state"] for probe in report.document["probes"]}
    assert "error" not in states.values() and len(states) >= 7


def test_settings_are_shown_without_secrets(home: Home) -> None:
    secret = "rat-bi-mat-1234567"
    other = Home(home.root, {"SOHOA_S3_SECRET_KEY": secret})
    shown = other.run("config")
    assert shown.code == 0 and secret not in json.dumps(shown.document) + shown.log


@pytest.mark.parametrize(
    "words",
    [
        ("get", "d_00000000000000000000", "-o", "x.pdf"),
        ("dossier", "H38.20-261002-9999"),
        ("status", "b_00000000000000000000"),
        ("verify", "d_00000000000000000000"),
        ("verify",),
        ("ingest", "/khong/co/thu/muc/nay"),
        ("ingest", str(STACK), "--dossier", "sai-ma"),
        ("retry", "b_00000000000000000000"),
        ("review", "--undo"),
        ("review", "--dossier", "H38.20-261002-0007"),
        ("backup", "/proc/khong/co"),
        ("sheets", "--dossier", "H38.20-261002-0007", "-o", "/tmp"),
    ],
)
def test_wrong_usage_ends_with_2_and_a_sentence(home: Home, words: tuple[str, ...]) -> None:
    answer = home.run(*words)
    assert answer.code == 2
    assert answer.log.startswith("sohoa: ") and "Traceback" not in answer.log


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("khong-co-lenh-nay",), "Không có lệnh khong-co-lenh-nay."),
        (("vefiry",), "Không có lệnh vefiry; có phải là 'verify'?"),
        (("ledger", "nham"), "Không có lệnh nham."),
        (("ingest",), "Thiếu paths (Tệp hoặc thư mục ảnh, PDF)."),
        (("get", "d_00000000000000000000"), "Thiếu -o / --output"),
        (("scan", "--shets", "3"), "Không có lựa chọn --shets; có phải là "),
        (("ingest", "giay", "--sheets", "0"), "--sheets phải là số từ 1."),
        (("ingest", "giay", "--sheets", "ba"), "--sheets phải là số nguyên."),
        (("export", "H38", "-o", "x", "--format", "rar"), "--format không nhận 'rar'; chọn một trong: 'aip'"),
    ],
)
def test_what_the_parser_refuses_is_a_vietnamese_sentence(
    home: Home, words: tuple[str, ...], sentence: str
) -> None:
    answer = home.run(*words)
    assert answer.code == 2 and answer.document["error"]["exit_code"] == 2
    assert answer.log.startswith(f"sohoa: {sentence}"), answer.log
    assert "--help" in answer.document["error"]["vi"] and "--help" in answer.document["error"]["message"]


def test_help_names_the_tables_of_the_settings(home: Home) -> None:
    for command, table in (("scan", "[scanner.TÊN]"), ("counter", "[counter.TÊN]"), ("import", "[columns]")):
        told, _ = Home(home.root, {"COLUMNS": "160"}).start(command, "--help").communicate(timeout=60)
        assert table in told and "Lựa chọn" in told and "Cách viết (Usage)" in told


def test_a_place_that_cannot_be_written_is_named(home: Home, taken: Answer) -> None:
    for place, said in (
        ("/proc/khong-co/ban.pdf", "Không có thư mục để ghi /proc"),
        ("/etc/passwd/ban.pdf", "Không có thư mục để ghi /etc"),
        ("/proc/ban.pdf", "Không dùng được /proc"),
    ):
        answer = home.run("get", decision(taken)["id"], "-o", place)
        assert answer.code == 2 and answer.log.startswith(f"sohoa: {said}"), answer.log
    assert Home(Path("/etc/passwd")).run("status").code == 2


def test_an_unknown_setting_names_the_nearest(home: Home) -> None:
    answer = Home(home.root, {"SOHOA_LIMITS_PAGE_SECOND": "9"}).run("config")
    assert answer.code == 2 and "page_seconds" in answer.log
    assert answer.log.startswith("sohoa: Không có mục cấu hình limits.page_second")
    answer = Home(home.root, {"SOHOA_MODE": "rat-bi-mat"}).run("config")
    assert answer.code == 2 and answer.log.startswith("sohoa: Mục cấu hình mode có giá trị không dùng được")
    assert "rat-bi-mat" not in answer.log and "'demo' or 'production'" in answer.log
