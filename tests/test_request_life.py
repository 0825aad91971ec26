"""A scan request from the one-stop system to its answer: pulled, listed, scanned for, fulfilled, told; and opened again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.home_in_use import SCANS, Answer, Home, papers, until
from tests.one_stop import OneStop, link_to

pytestmark = pytest.mark.slow

CODE, UNKNOWN = "H38.20-261002-0007", "H38.20-261003-0009"
FORM, LAND, RESULT = "TP-H00.000011", "TP-H00.000012", "KQ-H00.000004"
FIRST = {
    "id": "YC-1", "dossier": CODE, "component": FORM, "name": "Đơn đề nghị cấp giấy phép", "copy": "",
    "asked_by": "Bộ phận Một cửa xã Bát Xát", "asked_at": "2026-11-30T08:00:00+07:00", "due": "2026-12-09",
}  # fmt: skip
SECOND = {"id": "YC-2", "dossier": CODE, "component": LAND, "due": "2026-10-05"}
ORPHAN = {"id": "YC-3", "dossier": UNKNOWN, "component": FORM}
NEVER = {"id": "YC-9", "dossier": CODE, "component": "../../x"}


@pytest.fixture(scope="module")
def system() -> Iterator[OneStop]:
    made = OneStop(
        dossiers=[{"code": CODE, "procedure": "1.009994"}],
        requests=[FIRST, SECOND, NEVER, ORPHAN],
        strict=False,
    )
    yield made
    made.close()


@pytest.fixture(scope="module")
def home(system: OneStop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    folder = tmp_path_factory.mktemp("yeu-cau")
    (folder / "quay").mkdir()
    settings = {
        **link_to(system.url, folder),
        "SOHOA_COUNTER": json.dumps({"quay-1": {"folder": str(folder / "quay")}}),
    }
    place = Home(folder / "h", settings)
    yield place
    place.run("down")


@pytest.fixture(scope="module")
def pulled(home: Home) -> Answer:
    home.run("status")  # what the clock pulls at the start is there or not; the command pulls the rest
    assert until(lambda: home.run("requests").document["requests"] != [], 60)
    return home.run("registry", "pull")


@pytest.fixture(scope="module")
def other(home: Home, pulled: Answer) -> Answer:
    """Two sides that are not what the second request asks for."""
    return home.run("ingest", str(SCANS / "chong-2" / "scan-02.jpg"), "--request", "YC-2")


@pytest.fixture(scope="module")
def scanned(home: Home, other: Answer) -> Answer:
    answer = home.run("ingest", str(SCANS / "chong-2" / "scan-01.jpg"), "--request", "YC-1")
    assert until(lambda: request(home, "YC-1")["state"] == "fulfilled", 30), answer.log
    return answer


@pytest.fixture(scope="module")
def opened_again(home: Home, scanned: Answer) -> dict[str, Any]:
    (paper,) = papers(scanned.document)
    one, two = (Home(home.root, {**home.settings, "SOHOA_ACTOR": name}) for name in ("lan", "minh"))
    assert one.run("review", paper["id"], "--misfiled", "để nhầm hồ sơ").document["proposed"] == paper["id"]
    assert two.run("review", paper["id"], "--approve").code in (0, 1)
    assert until(lambda: request(home, "YC-1")["state"] == "open", 30)
    return request(home, "YC-1")


def request(home: Home, name: str) -> dict[str, Any]:
    (found,) = home.run("requests", name).document["requests"]
    return dict(found)


def test_requests_are_pulled_and_listed_by_the_day_they_are_due(home: Home, pulled: Answer) -> None:
    listed = home.run("requests")
    assert listed.code == 1
    assert [(one["id"], one["state"], one["overdue"]) for one in listed.document["requests"]] == [
        ("YC-2", "open", True), ("YC-1", "open", False), ("YC-3", "orphan", False)
    ]  # fmt: skip
    assert listed.document["requests"][1]["asked_by"] == FIRST["asked_by"]
    assert "YC-9" in pulled.document["pull_requests"]["trouble"], "a hostile code is told, not taken"
    assert home.run("registry", "pull").document["requested"]["new"] == []
    in_dossier = home.run("dossier", CODE).document["requests"]
    assert {one["id"] for one in in_dossier} == {"YC-1", "YC-2"}


WRONG = [
    (("--request", "YC-0"), "Không có yêu cầu quét"),
    (("--request", "../x y"), "mã yêu cầu quét"),
    (("--request", "YC-1", "--dossier", UNKNOWN), CODE),
]


@pytest.mark.parametrize(("words", "says"), WRONG)
def test_a_wrong_request_is_told_before_anything_is_taken(
    home: Home, pulled: Answer, words: tuple[str, ...], says: str
) -> None:
    answer = home.run("ingest", str(SCANS / "chong-2" / "scan-01.jpg"), *words)
    assert answer.code == 2 and says in answer.log and "Traceback" not in answer.log


def test_what_is_not_the_paper_that_was_asked_for_waits_unsigned(home: Home, other: Answer) -> None:
    (paper,) = papers(other.document)
    assert other.code == 1 and (paper["state"], paper["pdf_sha256"]) == ("review", None)
    assert "YC-2" in paper["reason"] and LAND in paper["reason"]
    found = request(home, "YC-2")
    assert found["state"] == "open"
    assert [(one["id"], one["state"]) for one in found["under_way"]] == [(paper["id"], "review")]
    assert f"sohoa review {paper['id']}" in home.start("requests", "YC-2").communicate(timeout=60)[0]


def test_a_person_decides_and_the_request_stays_open(home: Home, other: Answer, scanned: Answer) -> None:
    (paper,) = papers(other.document)
    home.run("review", paper["id"], "--dossier", CODE)
    (stored,) = [one for one in home.run("dossier", CODE).document["documents"] if one["id"] == paper["id"]]
    assert stored["state"] == "stored"
    found = request(home, "YC-2")
    assert (found["state"], found["documents"], found["under_way"]) == ("open", [], [])


def test_the_paper_takes_dossier_and_component_and_the_one_stop_system_is_told(
    home: Home, system: OneStop, scanned: Answer
) -> None:
    (paper,) = papers(scanned.document)
    assert (paper["state"], paper["dossier"]) == ("stored", CODE) and "YC-1" in scanned.log
    found = request(home, "YC-1")
    assert (found["state"], found["documents"]) == ("fulfilled", [paper["id"]])
    assert until(lambda: system.of("request.fulfilled") != [], 30) and system.wrong == []
    (told,) = system.of("request.fulfilled")
    assert (told.data["request"], told.data["component"]) == ("YC-1", FORM)
    (answer,) = told.data["papers"]
    assert (answer["document"], answer["component"]) == (paper["id"], FORM)
    assert answer["sha256"] == paper["pdf_sha256"] and FORM in answer["code"]
    assert until(lambda: request(home, "YC-1")["callback"]["state"] == "delivered", 30)
    over = home.run("ingest", str(SCANS / "chong-2" / "scan-01.jpg"), "--request", "YC-1")
    assert over.code == 2 and paper["id"] in over.log


def test_a_misfiled_paper_opens_its_request_again(
    home: Home, system: OneStop, opened_again: dict[str, Any]
) -> None:
    assert opened_again["documents"] == [] and "không còn trong hồ sơ" in opened_again["reason"]
    assert until(lambda: system.of("request.reopened") != [], 30)
    (told,) = system.of("request.reopened")
    assert told.data["request"] == "YC-1" and told.data["papers"] == []
    assert home.run("ledger", "verify").code == 0


def test_a_counter_is_bound_to_a_request_and_shows_what_is_asked_for(
    home: Home, opened_again: dict[str, Any]
) -> None:
    bound = home.run("counter", "quay-1", "--request", "YC-1").document
    assert (bound["dossier"], bound["request"]) == (CODE, "YC-1")
    assert [one["id"] for one in bound["requests"]] == ["YC-2", "YC-1"]
    assert home.run("counter", "quay-1", "--request", "YC-1", "--dossier", UNKNOWN).code == 2
    shown = home.start("counter", "quay-1")
    out, _ = shown.communicate(timeout=60)
    assert "yêu cầu quét YC-1" in out and f"Cần quét: YC-2  hồ sơ {CODE}" in out


def test_a_withdrawn_request_cannot_be_scanned_for(
    home: Home, system: OneStop, opened_again: dict[str, Any]
) -> None:
    assert system.requests is not None
    system.requests += [{**SECOND, "cancelled": True}]
    assert home.run("registry", "pull").document["requested"]["withdrawn"] == ["YC-2"]
    refused = home.run("ingest", str(SCANS / "chong-2" / "scan-00.jpg"), "--request", "YC-2")
    assert refused.code == 2 and "đã hủy" in refused.log
    assert "YC-2" not in {one["id"] for one in home.run("requests").document["requests"]}


def test_one_that_was_not_listed_yet_is_asked_for_by_its_id(
    home: Home, system: OneStop, opened_again: dict[str, Any]
) -> None:
    assert system.requests is not None
    system.requests += [{"id": "YC-5", "dossier": CODE, "component": FORM, "due": "2026-12-24"}]
    answer = home.run("ingest", str(SCANS / "chong-2" / "scan-01.jpg"), "--request", "YC-5", "--no-wait")
    assert answer.code == 0 and "hạn 24/12/2026" in answer.log


def test_a_dossier_that_becomes_known_opens_its_requests(
    home: Home, system: OneStop, opened_again: dict[str, Any]
) -> None:
    system.dossiers.append({"code": UNKNOWN, "procedure": "1.009994"})
    home.run("registry", "pull")
    assert request(home, "YC-3")["state"] == "open"


def test_a_file_of_requests_is_tried_and_then_taken(
    home: Home, opened_again: dict[str, Any], tmp_path: Path
) -> None:
    file = tmp_path / "yeu-cau.csv"
    file.write_text(f"Mã yêu cầu,Mã hồ sơ,Mã thành phần\nYC-7,{CODE},{LAND}\nYC-8,sai,{LAND}\n", "utf-8")
    bad = tmp_path / "sai.csv"
    bad.write_text("Mã yêu cầu,Mã hồ sơ,Mã thành phần\nYC-7,sai,TP\n", "utf-8")
    said = home.start("registry", "import", str(bad), "--requests", "--dry-run").communicate(timeout=60)[0]
    assert "Chạy thử, chưa nhập gì; dùng được 0 dòng" in said
    tried = home.run("registry", "import", str(file), "--requests", "--dry-run")
    assert tried.code == 1 and tried.document["taken"]["new"] == ["YC-7"]
    assert [row["row"] for row in tried.document["errors"]] == [3]
    assert "YC-7" not in {one["id"] for one in home.run("requests").document["requests"]}
    taken = home.run("registry", "import", str(file), "--requests")
    assert (taken.document["imported"], taken.document["taken"]["new"]) == (1, ["YC-7"])
    again = home.run("registry", "import", str(file), "--requests")
    assert again.document["taken"]["same"] == ["YC-7"]


def test_after_a_rebuild_requests_are_pulled_anew_and_find_their_papers(
    home: Home, system: OneStop, opened_again: dict[str, Any]
) -> None:

    def at_work() -> list[str]:
        return [
            b["id"] for b in home.run("status").document["batches"] if b["state"] in ("queued", "running")
        ]

    assert until(lambda: not at_work(), 60)
    listed = home.run("requests", "--dossier", CODE, "--all").document["requests"]
    before = {one["id"]: (one["state"], one["documents"]) for one in listed}
    rebuilt = home.run("rebuild", "--fresh")
    assert rebuilt.code == 0 and any("yêu cầu quét" in one for one in rebuilt.document["not_rebuilt"])
    home.run("registry", "pull")
    before.pop("YC-7", None)  # that came from a file

    def now() -> dict[str, Any]:
        listed = home.run("requests", "--dossier", CODE, "--all").document["requests"]
        return {one["id"]: (one["state"], one["documents"]) for one in listed}

    assert until(lambda: now() == before, 30), (now(), before)


def test_what_is_stored_already_answers_a_request_although_the_procedure_is_not_known(tmp_path: Path) -> None:
    home = Home(tmp_path / "h")
    try:
        stored = papers(home.run("ingest", str(SCANS / "chong-2")).document)
        (form,) = (paper["id"] for paper in stored if paper["type"] == "don_cap_phep_xay_dung")
        asked = tmp_path / "yeu-cau.csv"
        asked.write_text(
            f"Mã yêu cầu,Mã hồ sơ,Mã thành phần\nYC-1,{CODE},{FORM}\nYC-2,{CODE},{LAND}\n", "utf-8"
        )
        home.run("registry", "import", str(asked), "--requests")
        assert (request(home, "YC-1")["state"], request(home, "YC-1")["documents"]) == ("fulfilled", [form])
        assert request(home, "YC-2")["state"] == "open", "no paper of that type is there"
    finally:
        home.run("down")
