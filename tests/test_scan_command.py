"""`sohoa scan` as a person at the counter uses it: the real command, SANE's own drivers, a real home."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.home_in_use import SCANS, Answer, Home, kill, until
from tests.scanner_in_use import FEEDER, PNM, configured, needs_sane, start_scan

pytestmark = [needs_sane, pytest.mark.slow]
CODE = "H38.20-261002-0007"
SHEETS = sorted((SCANS / "chong-2").iterdir())


SAFE = {"stored", "duplicate"}  # a sheet that an earlier test of the same home has scanned is a duplicate


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    folder = tmp_path_factory.mktemp("home")
    profile = f'''
        [scanner.quay-1]
        device = "{FEEDER}"
        source = "adf"
        resolution = 75
        paper = "A6"
        options = {{ test-picture = "Color pattern" }}
    '''
    place = Home(folder / "h", configured(folder / "sane"))
    place.paths.make()
    place.paths.settings.write_text(profile)
    yield place
    place.run("down")


@pytest.fixture
def tray(tmp_path: Path) -> Path:
    return tmp_path / "tray.ppm"


def lay(tray: Path, sheet: Path) -> None:
    """Lay a sample sheet on the glass."""
    Image.open(sheet).convert("RGB").save(tray.with_suffix(".new"), "PPM")
    tray.with_suffix(".new").replace(tray)


def kept(home: Home) -> list[Path]:
    return sorted(home.paths.spool.glob("scan/*/0*.jpg"))


def answered(child: subprocess.Popen[str]) -> Answer:
    out, log = child.communicate(timeout=240)
    return Answer(child.returncode, json.loads(out) if out.strip() else None, log)


def enter(child: subprocess.Popen[str]) -> None:
    assert child.stdin is not None
    child.stdin.write("\n")
    child.stdin.flush()


def on_the_glass(tray: Path) -> list[str]:
    return ["--device", PNM, "--resolution", "200", "--option", f"filename={tray}", "--json"]


def test_a_killed_scan_resumes_and_becomes_one_batch_read_while_it_grew(home: Home, tray: Path) -> None:
    lay(tray, SHEETS[0])
    first = start_scan(home, *on_the_glass(tray), "--dossier", CODE, "--sheets", str(len(SHEETS)))
    assert until(lambda: len(kept(home)) == 1)
    lay(tray, SHEETS[1])
    enter(first)
    assert until(lambda: len(kept(home)) == 2)
    assert until(lambda: len(list(home.paths.work.glob("pages/*/*.json"))) == 2, 60), "not read ahead"
    kill(first.pid)
    first.communicate()

    (waiting,) = home.run("status").document["batches"]
    assert waiting["state"] == "review" and "sohoa scan --resume" in waiting["reason"]
    assert [page["state"] for page in waiting["pages"]] == ["queued", "queued"]

    lay(tray, SHEETS[2])
    second = start_scan(home, "--resume", "--json")
    for number in range(3, len(SHEETS) + 1):
        assert until(lambda n=number: len(kept(home)) == n)  # type: ignore[misc]
        if number < len(SHEETS):
            lay(tray, SHEETS[number])
            enter(second)
    done = answered(second)
    (batch,) = done.document["batches"]
    assert done.code == 0 and batch["state"] == "done" and batch["expected_sides"] == len(SHEETS)
    assert [page["state"] for page in batch["pages"]] == ["stored"] * len(SHEETS)
    assert {paper["dossier"] for paper in batch["documents"]} == {CODE}
    assert all(page["text"] for page in batch["pages"])
    assert kept(home) == [] and not [
        b for b in home.run("status").document["batches"] if "scan --resume" in (b["reason"] or "")
    ]


def test_trouble_ends_with_what_to_do_and_the_same_command_goes_on(home: Home, tray: Path) -> None:
    lay(tray, SHEETS[0])
    words = [*on_the_glass(tray), "--dossier", CODE]
    short = answered(start_scan(home, *words, "--sheets", "2"))
    (stack,) = short.document["batches"]
    assert short.code == 1 and len(stack["pages"]) == 1 and "--resume" in stack["reason"]
    for switch, code in (("jammed", 1), ("ioerror", 4)):
        broken = answered(
            start_scan(home, *words, "--option", "status=yes", "--option", f"status-{switch}=yes")
        )
        assert broken.code == code and "Đã giữ 1 mặt" in broken.log and len(kept(home)) == 1
        start_scan(
            home, *words, "--option", f"status-{switch}=no", "--option", "filename=/khong/co"
        ).communicate()
    other = answered(start_scan(home, *on_the_glass(tray), "--dossier", "H38.20-261002-0009"))
    assert other.code == 1 and "chồng đang dở" in other.log
    lay(tray, SHEETS[1])
    done = answered(start_scan(home, *words))
    (batch,) = done.document["batches"]
    assert done.code == 0 and len(batch["pages"]) == 2
    assert {page["state"] for page in batch["pages"]} <= SAFE
    none_left = answered(start_scan(home, "--resume"))
    assert none_left.code == 2 and "Không có chồng nào đang dở" in none_left.log


def test_a_stack_is_ended_as_it_is_only_when_a_person_says_so(home: Home, tray: Path) -> None:
    lay(tray, SHEETS[0])
    assert answered(start_scan(home, *on_the_glass(tray), "--dossier", CODE, "--sheets", "3")).code == 1
    done = answered(start_scan(home, "--finish", "--json"))
    (batch,) = done.document["batches"]
    assert done.code == 1 and batch["state"] == "review" and "theo số tờ đã khai phải là 3" in batch["reason"]
    assert batch["pages"][0]["state"] in SAFE


def test_a_feeder_of_a_named_profile_is_scanned_to_its_end(home: Home) -> None:
    assert [item["name"] for item in home.run("devices").document["profiles"]] == ["quay-1"]
    done = answered(start_scan(home, "--device", "quay-1", "--sheets", "10", "--dossier", CODE, "--json"))
    (batch,) = done.document["batches"]
    assert len(batch["pages"]) == 10 and done.code in (0, 1)
    states = [page["state"] for page in batch["pages"]]
    assert set(states) <= {"stored", "duplicate", "review", "blank"}, "every side has a visible state"


def test_a_stack_for_a_request_needs_no_code_typed_and_answers_it(
    home: Home, tray: Path, tmp_path: Path
) -> None:
    other, listed = "H38.20-261002-0008", tmp_path / "yeu-cau.csv"
    listed.write_text(f"Mã yêu cầu,Mã hồ sơ,Mã thành phần\nYC-1,{other},TP-H00.000011\n", "utf-8")
    assert home.run("registry", "import", str(listed), "--requests").document["imported"] == 1
    lay(tray, SHEETS[1])
    done = answered(start_scan(home, *on_the_glass(tray), "--request", "YC-1", "--sheets", "1", "--json"))
    (batch,) = done.document["batches"]
    assert done.code == 0 and "Quét cho YC-1" in done.log, done.log
    (paper,) = batch["documents"]
    assert (paper["dossier"], paper["type"]) == (other, "don_cap_phep_xay_dung")
    (asked,) = home.run("requests", "YC-1").document["requests"]
    assert (asked["state"], asked["documents"]) == ("fulfilled", [paper["id"]])
    again = answered(start_scan(home, *on_the_glass(tray), "--request", "YC-1"))
    assert again.code == 2 and paper["id"] in again.log and kept(home) == []


def test_a_stored_stack_that_leaves_its_request_open_says_so(home: Home, tray: Path, tmp_path: Path) -> None:
    other, listed = "H38.20-261002-0009", tmp_path / "yeu-cau.csv"
    listed.write_text(f"Mã yêu cầu,Mã hồ sơ,Mã thành phần,Số lượng\nYC-2,{other},TP-H00.000011,2\n", "utf-8")
    assert home.run("registry", "import", str(listed), "--requests").document["imported"] == 1
    lay(tray, SHEETS[1])
    done = answered(start_scan(home, *on_the_glass(tray), "--request", "YC-2", "--sheets", "1", "--json"))
    assert [paper["state"] for batch in done.document["batches"] for paper in batch["documents"]] == [
        "stored"
    ]
    assert done.code == 1 and "YC-2 cần quét" in done.log, done.log


def test_a_disk_that_is_nearly_full_stops_before_the_next_sheet(tmp_path: Path, tray: Path) -> None:
    full = Home(tmp_path / "h", {**configured(tmp_path / "sane"), "SOHOA_LIMITS_FREE_DISK_MB": str(1 << 30)})
    lay(tray, SHEETS[0])
    stopped = answered(start_scan(full, *on_the_glass(tray)))
    assert stopped.code == 4 and "Ổ đĩa sắp đầy" in stopped.log and kept(full) == []


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--resume"], 2),
        (["--device", PNM, "--dossier", "sai"], 2),
        (["--device", PNM, "--paper", "A9"], 2),
        (["--device", PNM, "--option", "filename"], 2),
        ([], 2),
        (["--device", "khong-co:1"], 4),
    ],
)
def test_wrong_usage_and_missing_devices_are_told_before_anything_moves(
    tmp_path: Path, words: list[str], code: int
) -> None:
    home = Home(tmp_path / "h", configured(tmp_path / "sane"))
    answer = answered(start_scan(home, *words))
    assert answer.code == code and answer.log.startswith("sohoa: ") and "Traceback" not in answer.log
    assert home.process() is None and not list(home.paths.spool.glob("scan/*"))
