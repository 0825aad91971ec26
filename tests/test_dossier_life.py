"""One dossier from an unknown code to its close, with a one-stop system beside it that is away when it is told things."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.home_in_use import SCANS, Answer, Home, papers, until
from tests.one_stop import SECRET, TOKEN, OneStop, check, link_to

CODE, OTHER = "H38.20-261002-0007", "H38.20-261001-0001"
OWNER = "010086002951"  # as the form of the samples has it: a paper of another person is not offered
EXPORT = """Mã TTHC,Tên TTHC,Hiệu lực từ,Mã thành phần,Tên thành phần,Loại giấy tờ,Bản chính
1.009994,Cấp giấy phép xây dựng,01/01/2026,TP-H38.000001,Đơn đề nghị,don_cap_phep_xay_dung,1
1.009994,Cấp giấy phép xây dựng,01/01/2026,KQ-H38.000009,Quyết định,quyet_dinh,1
1.004222,Đăng ký thường trú,32/01/2026,TP-H38.000002,Tờ khai,to_khai_cu_tru,1
"""


@pytest.fixture(scope="module")
def system() -> Iterator[OneStop]:
    made = OneStop(down=True)
    yield made
    made.close()


@pytest.fixture(scope="module")
def home(system: OneStop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    folder = tmp_path_factory.mktemp("mot-cua")
    settings = {
        **link_to(system.url, folder),
        "SOHOA_RETURNS_URL": f"{system.url}/sets",
        "SOHOA_RETURNS_FOLDER": str(folder / "tra"),
        "SOHOA_RETURNS_MAX_MB": "0.001",
    }
    place = Home(folder / "h", settings)
    yield place
    place.run("down")


@pytest.fixture(scope="module")
def orphaned(home: Home) -> Answer:
    return home.run("ingest", str(SCANS / "chong-2"))


@pytest.fixture(scope="module")
def accepted(home: Home, system: OneStop, orphaned: Answer) -> Answer:
    known = {
        "procedure": "1.009994",
        "applicant": "Trần Thị Hồng",
        "owner_id": OWNER,
        "address": "Tổ 3, Sa Pa",
    }
    system.dossiers += [{"code": f"H38.20-260901-{n:04}"} for n in range(1, 6)]
    system.dossiers += [{"code": "không phải mã"}, {"code": CODE, **known}]
    answer = home.run("registry", "pull")
    assert until(lambda: home.run("status", "--all").document["batches"][0]["state"] == "done", 60)
    return answer


@pytest.fixture(scope="module")
def lacking(home: Home, accepted: Answer) -> Answer:
    return home.run("dossier", CODE)


@pytest.fixture(scope="module")
def supplemented(home: Home, lacking: Answer, tmp_path_factory: pytest.TempPathFactory) -> Answer:
    out = tmp_path_factory.mktemp("phieu") / "phieu.pdf"
    return home.run("dossier", CODE, "--state", "supplement", "--slip", str(out))


@pytest.fixture(scope="module")
def completed(
    home: Home, supplemented: Answer, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Answer, Answer]:
    """A newer list of papers is imported, by which the dossier is complete."""
    file = tmp_path_factory.mktemp("tthc") / "tthc.csv"
    file.write_text(EXPORT, "utf-8")
    return home.run("procedure", "import", str(file)), home.run("dossier", CODE)


def stands(answer: Answer) -> dict[str, str]:
    return {one["code"]: one["stand"] for one in answer.document["required"]}


def test_papers_of_a_dossier_that_the_registry_does_not_know_wait_and_are_not_lost(
    home: Home, system: OneStop, orphaned: Answer
) -> None:
    assert orphaned.code == 1
    assert {(p["state"], p["dossier"], p["key"]) for p in papers(orphaned.document)} == {
        ("review", CODE, None)
    }
    assert all("orphan" in p["reason"] for p in papers(orphaned.document))
    assert f"/api/dossiers/{CODE}" in system.asked, "it was asked, at once"
    said = home.run("review", papers(orphaned.document)[0]["id"], "--dossier", CODE)
    assert {p["state"] for p in papers(said.document)} == {"review"}, "a person cannot overrule it"


def test_they_are_taken_in_when_the_registry_learns_the_code(home: Home, accepted: Answer) -> None:
    assert accepted.document["pulled"] == 6
    assert "không phải mã" in accepted.document["pull"]["trouble"]
    (batch,) = home.run("status", "--all").document["batches"]
    assert {p["state"] for p in batch["documents"]} == {"stored"}
    assert home.run("registry", "status").document["orphans"] == []


@pytest.fixture(scope="module")
def pulled(home: Home, system: OneStop, accepted: Answer) -> tuple[Answer, list[str]]:
    """A second dossier of the same owner is known; what was asked of the one-stop system for it."""
    system.dossiers.append({"code": OTHER, "owner_id": OWNER})
    before = len(system.asked)
    answer = home.run("registry", "pull")
    return answer, [path for path in system.asked[before:] if path.startswith("/api/dossiers")]


def test_a_second_pull_goes_on_where_the_first_ended(
    home: Home, system: OneStop, pulled: tuple[Answer, list[str]]
) -> None:
    answer, asked = pulled
    assert answer.document["pulled"] == 1
    assert asked == [f"/api/dossiers?limit=500&since={len(system.dossiers) - 1}"]
    system.silent = True
    assert home.run("registry", "pull").code == 4
    assert "503" in home.run("registry", "status").document["pull"]["trouble"]
    system.silent = False


def test_what_is_missing_is_told_with_codes_and_surplus(lacking: Answer) -> None:
    assert lacking.code == 1 and lacking.document["complete"] is False
    assert lacking.document["procedure"]["from"] == "registry"
    assert stands(lacking) == {
        "TP-H00.000011": "present", "TP-H00.000012": "missing", "TP-H00.000013": "missing", "TP-H00.000014": "not_due"
    }  # fmt: skip
    assert sorted(lacking.document["surplus"].values()) == [
        "giấy của bộ phận một cửa, không phải thành phần hồ sơ",
        "thủ tục không yêu cầu loại giấy tờ này",
    ]
    codes = lacking.document["codes"]
    assert len(codes) == 3 and len({code["text"] for code in codes}) == 3
    form = next(code for code in codes if code["type_code"])
    assert form["text"] == f"{OWNER}.TP-H00.000011.{CODE}-GT001"
    assert (form["owner_id"], form["type_code"], form["seq"]) == (OWNER, "TP-H00.000011", 1)


def test_closing_is_refused_while_papers_are_missing(home: Home, lacking: Answer) -> None:
    refused = home.run("dossier", CODE, "--state", "closed")
    assert refused.code == 1 and "Bản vẽ thiết kế" in refused.log
    assert home.run("dossier", CODE).document["state"] == "open"


WRONG = [
    ("--procedure", "khong-phai-ma"),
    ("--mark", "TP-H00.999999=shown"),
    ("--mark", "TP-H00.000012=x"),
    ("--mark", "TP-H00.000012=d_00000000000000000000"),
    ("--mark", "TP-H00.000012=not_digitised"),
    ("--reuse", "TP-H00.000012=d_00000000000000000000"),
    ("--state", "withdrawn"),
    ("--slip", "/khong/co/thu/muc/x.pdf"),
    ("--return-set", "/khong/co/thu/muc"),
]


def test_wrong_words_end_with_2_and_change_nothing(home: Home, lacking: Answer) -> None:
    for words in WRONG:
        answer = home.run("dossier", CODE, *words)
        assert answer.code == 2 and answer.log.startswith("sohoa: ") and "Traceback" not in answer.log, words
    assert home.run("dossier", CODE).document == lacking.document


def test_the_slip_has_the_forms_fields_an_embedded_font_and_a_number_of_its_own(
    home: Home, supplemented: Answer
) -> None:
    slip = supplemented.document["slip"]
    path = Path(slip["file"])
    content = path.read_bytes()
    assert hashlib.sha256(content).hexdigest() == slip["sha256"]
    text = subprocess.run(
        ["pdftotext", "-layout", path, "-"], capture_output=True, text=True, check=True
    ).stdout
    for words in (
        "PHIẾU YÊU CẦU BỔ SUNG, HOÀN THIỆN HỒ SƠ", "Trần Thị Hồng", OWNER, "Tổ 3, Sa Pa", CODE, f"{CODE}-BS1",
        "Bản vẽ thiết kế xây dựng", "Lý do:", "NGƯỜI HƯỚNG DẪN", "Thông tư số 03/2025/TT-VPCP",
    ):  # fmt: skip
        assert words in text, words
    fonts = subprocess.run(
        ["pdffonts", path], capture_output=True, text=True, check=True
    ).stdout.splitlines()[2:]
    assert fonts and all(line.split()[-5] == "yes" for line in fonts), "every font is embedded"
    again = home.run("dossier", CODE, "--slip", str(path)).document["slip"]
    assert (again["number"], again["sha256"]) == (slip["number"], slip["sha256"]), "the same slip is the same"


def test_what_could_not_be_told_waits_with_the_reason(
    home: Home, system: OneStop, supplemented: Answer
) -> None:
    assert until(lambda: system.refused > 0)
    waiting = home.run("registry", "status").document["waiting"]
    assert [one["event"] for one in waiting] == ["supplement.needed"]
    assert until(lambda: "503" in home.run("registry", "status").document["waiting"][0]["trouble"])
    assert system.taken == []


def test_an_import_names_its_wrong_rows_and_the_newer_list_counts(completed: tuple[Answer, Answer]) -> None:
    imported, view = completed
    assert imported.code == 1
    assert [row["row"] for row in imported.document["errors"]] == [4]
    assert [one["code"] for one in imported.document["procedures"]] == ["1.009994"]
    assert view.document["complete"] is True and stands(view) == {"TP-H38.000001": "present"}


def test_a_result_gets_its_code(completed: tuple[Answer, Answer]) -> None:
    (result,) = [code for code in completed[1].document["codes"] if code["kind"] == "result"]
    assert (result["text"], result["result_code"]) == (f"{CODE}-KQ1", "KQ-H38.000009")


def test_the_messages_arrive_when_the_system_is_back_each_signed(
    home: Home, system: OneStop, completed: tuple[Answer, Answer]
) -> None:
    system.down = False
    home.run("registry", "send")
    assert until(lambda: home.run("registry", "status").document["waiting"] == [])
    assert system.wrong == []
    (needed,) = system.of("supplement.needed")
    assert [one["component"] for one in needed.data["lacking"]] == ["TP-H00.000012", "TP-H00.000013"]
    (result,) = system.of("result.stored")
    assert result.data["result"] == f"{CODE}-KQ1" and len(result.data["sha256"]) == 64
    (digitised,) = system.of("dossier.digitised")
    assert len(digitised.data["papers"]) == 3
    (posted,) = system.of("return_set")
    with zipfile.ZipFile(io.BytesIO(posted.body)) as package:
        index = json.loads(package.read("index.json"))
        check("ReturnSet", index)
        for one in (*index["papers"], *index["results"]):
            for file in one["files"]:
                assert hashlib.sha256(package.read(file["file"])).hexdigest() == file["sha256"]


def test_the_return_set_lies_in_the_counters_folder_and_is_the_same_every_time(
    home: Home, completed: tuple[Answer, Answer], tmp_path: Path
) -> None:
    there = Path(home.settings["SOHOA_RETURNS_FOLDER"]) / CODE
    names = sorted(path.name for path in there.iterdir())
    assert names == ["KQ-H38.000009.1.pdf", "TP-H38.000001.1.pdf", "index.json"]
    answer = home.run("dossier", CODE, "--return-set", str(tmp_path / "bo"))
    made = answer.document["return_set"]
    assert answer.code == 1 and len(made["too_large"]) == 2, "files above the limit are named"
    for path in there.iterdir():
        assert (tmp_path / "bo" / CODE / path.name).read_bytes() == path.read_bytes()
    form = next(p for p in answer.document["documents"] if p["type"] == "don_cap_phep_xay_dung")
    assert hashlib.sha256((there / "TP-H38.000001.1.pdf").read_bytes()).hexdigest() == form["pdf_sha256"]
    (there / "TP-H38.000001.1.pdf").write_bytes(b"changed by somebody")
    (there / "rac.pdf").write_bytes(b"left behind")
    home.run("dossier", CODE)
    assert sorted(path.name for path in there.iterdir()) == names
    assert [p.name for p in there.parent.iterdir()] == [CODE], "nothing half-made is left"


@pytest.fixture(scope="module")
def reused(
    home: Home, completed: tuple[Answer, Answer], pulled: tuple[Answer, list[str]]
) -> tuple[Answer, Answer]:
    """A second dossier of the same person as it is offered a paper, and after it took it."""
    view = home.run("dossier", OTHER, "--procedure", "1.009994")
    (offer,) = view.document["reusable"]
    return view, home.run("dossier", OTHER, "--reuse", f"{offer['component']}={offer['document']}")


def test_a_paper_that_is_held_for_the_person_is_offered_and_used_again(
    home: Home, reused: tuple[Answer, Answer], tmp_path: Path
) -> None:
    view, used = reused
    (offer,) = view.document["reusable"]
    assert (offer["component"], offer["dossier"]) == ("TP-H38.000001", CODE)
    assert view.document["documents"] == []
    (one,) = used.document["required"]
    assert (one["stand"], one["reused"]) == ("present", offer["document"]) and used.document[
        "complete"
    ] is True
    made = home.run("dossier", OTHER, "--return-set", str(tmp_path)).document["return_set"]
    assert [file["document"] for one in made["papers"] for file in one["files"]] == [offer["document"]]


def test_a_secret_is_shown_nowhere(home: Home, completed: tuple[Answer, Answer]) -> None:
    shown = home.run("config")
    told = json.dumps(shown.document) + shown.log + home.paths.log.read_text("utf-8", "replace")
    told += json.dumps(home.run("registry", "status").document)
    assert SECRET not in told and TOKEN not in told


@pytest.mark.slow
def test_states_marks_and_codes_come_back_from_the_bucket_alone(
    home: Home, reused: tuple[Answer, Answer]
) -> None:
    closed = home.run("dossier", CODE, "--state", "closed", "--reason", "đã trả kết quả")
    assert closed.code == 0 and closed.document["state"] == "closed"
    assert home.run("dossier", CODE, "--state", "withdrawn", "--reason", "x").code == 2, (
        "only a reopened one can"
    )
    before = [home.run("dossier", code).document for code in (CODE, OTHER)]
    rebuilt = home.run("rebuild", "--fresh")
    assert rebuilt.code == 0 and rebuilt.document["problems"] == []
    after = [home.run("dossier", code).document for code in (CODE, OTHER)]
    kept = ("state", "state_reason", "codes", "required", "results", "procedure")
    for old, new in zip(before, after, strict=True):
        assert {k: without_source(new, k) for k in kept} == {k: without_source(old, k) for k in kept}
    assert home.run("ledger", "verify").code == 0
    assert home.run("fixity").code == 0
    reopened = home.run("dossier", CODE, "--state", "open", "--reason", "khiếu nại")
    assert reopened.document["state"] == "open"


def without_source(document: dict[str, Any], key: str) -> Any:
    """The registry's copy is not in the bucket, so the procedure is the record's by then."""
    return document[key]["code"] if key == "procedure" and document[key] else document[key]


def test_a_file_is_a_registry_too(home: Home, completed: tuple[Answer, Answer], tmp_path: Path) -> None:
    file = tmp_path / "ho-so.csv"
    file.write_text(
        "Mã hồ sơ;Số CCCD\nH38.20-261003-0001;001099012345\nsai;1\nH38.20-261003-0002;12\n", "utf-8"
    )
    answer = home.run("registry", "import", str(file))
    assert answer.code == 1 and answer.document["imported"] == 1
    assert [row["row"] for row in answer.document["errors"]] == [3, 4]
    shutil.rmtree(tmp_path)
