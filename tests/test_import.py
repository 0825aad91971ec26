"""A delivery of files digitised elsewhere: each row and each file is answered for, and the papers are what the list says."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from PIL import Image

import config
from pipeline.companions.entries import Columns, headings_in
from pipeline.companions.listed import ListRow, lay, read_list
from pipeline.errors import Rejected
from tests.home_in_use import BRISK, ROOT, SCANS, Home, papers, until

CODE, OTHER = "H38.20-261002-0007", "H38.20-261002-0008"
FOLDER = Path(config.__path__[0])
COLUMNS = Columns.load(FOLDER / "companion_columns.toml", headings_in(FOLDER / "import_columns.toml"))
TODAY = date(2026, 11, 25)
HEADINGS = ["Tên tệp", "Mã hồ sơ", "Loại văn bản", "Số ký hiệu", "Ngày ban hành", "Trích yếu", "Chủ giấy tờ"]
HEADINGS += ["Số CCCD", "Có giá trị đến", "Phạm vi", "Hộp số"]


def table(path: Path, *rows: Sequence[object]) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


def rows_of(path: Path) -> tuple[ListRow, ...]:
    return read_list(path, COLUMNS, {"giaykhaisinh": "giay_khai_sinh"}, TODAY)


def test_a_row_is_checked_cell_by_cell(tmp_path: Path) -> None:
    good = ["a.pdf", CODE, "Giấy khai sinh", "12/2020/KS", date(2020, 3, 2), "Về việc", "Nguyễn Văn A"]
    good += ["001085000123", "Vô thời hạn", "cả nước", 7]
    bad = ["b.pdf", "sai", "Loại lạ", "??", "31/02/2020", "=1+1", "", "12", "", "", ""]
    first, second = rows_of(table(tmp_path / "a.xlsx", ["BẢNG KÊ"], [], HEADINGS, good, bad))
    assert (first.file, first.dossier, first.wrong, first.remarks) == ("a.pdf", CODE, (), ())
    assert first.said is not None and first.said.type == "giay_khai_sinh"
    told = dict(first.said.fields)
    assert (told["date"], told["owner_id"], told["valid_to"]) == ("2020-03-02", "001085000123", "vô thời hạn")
    assert first.shelf is not None and first.shelf.box == "7"
    assert len(second.wrong) == 2, "a wrong code and a formula hold the file back"
    assert len(second.remarks) == 4, "what is no type, number, day, identity is read from the paper"
    with pytest.raises(Rejected, match="no column names the files"):
        rows_of(table(tmp_path / "b.xlsx", ["Cột lạ", "Mã hồ sơ"], ["a", CODE]))


def test_a_table_of_2019_names_its_files_by_their_codes(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        "DocCode,FileCode,FileCatalog,OrganId,TypeName,CodeNumber,CodeNotation,IssuedDate,Subject\n"
        "H49.64.33.2001.160.1,H49.64.33.2001.160,2,H49.64,Quyết định,12,QĐ-UBND,02/03/2001,Về việc\n"
    )
    (row,) = rows_of(path)
    assert lay([row], ["H49.64.33.2001.160.1.pdf", "H49.64.33.2001.160.2.pdf"]).files == {
        0: "H49.64.33.2001.160.1.pdf"
    }
    assert row.shelf is not None and (row.shelf.file_unit, row.shelf.catalogue) == ("H49.64.33.2001.160", "2")
    assert row.said is not None and dict(row.said.fields)["number"] == "12/QĐ-UBND" and not row.wrong


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("12.pdf", None),  # there are two
        ("1978/12.pdf", "kho/1978/12.pdf"),
        ("D:\\quet\\kho\\1979\\12.PDF", "kho/1979/12.pdf"),
        ("1980/12.pdf", None),  # never the one of another year
        ("13", "kho/1978/13.pdf"),
        ("1978/13", "kho/1978/13.pdf"),
        ("../13.pdf", None),
        ("", None),
    ],
)
def test_a_row_means_one_file_or_none(written: str, found: str | None) -> None:
    files = ["kho/1978/12.pdf", "kho/1979/12.pdf", "kho/1978/13.pdf"]
    beside = lay([ListRow(place="dòng 2", file=written)], files)
    assert beside.files == ({0: found} if found else {})
    assert (0 in beside.wrong) == (found is None)
    assert beside.unlisted == [name for name in files if name != found]


def test_two_rows_on_one_file_leave_it_to_a_person() -> None:
    rows = [ListRow(place=f"dòng {n}", file="a.pdf") for n in (2, 3)]
    assert lay(rows, ["a.pdf"]).files == {}
    assert "dòng 2, dòng 3" in lay(rows, ["a.pdf"]).wrong[0]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    place = Home(tmp_path_factory.mktemp("home") / "h")
    yield place
    place.run("down")


def by_file(document: Any) -> dict[str, dict[str, Any]]:
    return {one["file"]: one for one in document["results"]}


@pytest.mark.slow
def test_a_delivery_goes_in_whole_and_a_second_run_changes_nothing(home: Home, tmp_path: Path) -> None:
    scans = [SCANS / "chong-2" / f"scan-0{number}.jpg" for number in (1, 2, 3)]
    signed = tmp_path / "signed.pdf"
    taken = home.run("ingest", str(scans[0]), "--dossier", CODE)
    assert home.run("get", papers(taken.document)[0]["id"], "-o", str(signed)).code == 0
    disk = tmp_path / "dia"
    (disk / "hop-1").mkdir(parents=True)
    shutil.copy(signed, disk / "hop-1" / "ky.pdf")
    harmed = bytearray(signed.read_bytes())
    place = harmed.index(b"/Producer") if b"/Producer" in harmed else 2000
    harmed[place + 12] ^= 1
    (disk / "hong-chu-ky.pdf").write_bytes(harmed)
    first, *rest = [Image.open(path).convert("RGB") for path in scans[1:]]
    first.save(disk / "quet.pdf", save_all=True, append_images=rest, resolution=200)
    (disk / "vo.pdf").write_bytes(b"%PDF-1.7 broken")
    (disk / "khong-dong.pdf").write_bytes(signed.read_bytes()[:100])
    listed = table(
        tmp_path / "bang-ke.xlsx",
        HEADINGS,
        ["hop-1/ky.pdf", OTHER, "", "", "", "", "", "", "", "", 3],
        ["hong-chu-ky.pdf", OTHER],
        ["quet", OTHER, "Giấy khai sinh", "77/2019/KS", "5/6/2019", "", "Trần Thị Bê", "001085000123",
         "1/1/2030", "cả nước", 3],
        ["vo.pdf", OTHER],
        ["mat.pdf", OTHER],
        ["khac.pdf", "sai mã"],
    )  # fmt: skip
    words = ("import", str(disk), "--list", str(listed))
    before = home.run(*words, "--dry-run")
    assert before.code == 1
    looked = by_file(before.document)
    assert (
        looked["hop-1/ky.pdf"]["state"] == "ready" and looked["hop-1/ky.pdf"]["signatures"] == "TOTAL_PASSED"
    )
    assert (
        looked["hong-chu-ky.pdf"]["signatures"] == "TOTAL_FAILED" and looked["vo.pdf"]["state"] == "rejected"
    )
    assert len(home.run("status", "--all").document["batches"]) == 1, "looking takes nothing in"

    report = tmp_path / "ket-qua.xlsx"
    done = home.run(*words, "--report", str(report))
    found = by_file(done.document)
    states = {name: one["state"] for name, one in found.items()}
    assert states == {
        "hop-1/ky.pdf": "stored",
        "hong-chu-ky.pdf": "review",
        "quet.pdf": "stored",
        "vo.pdf": "rejected",
        "mat.pdf": "wrong",
        "khac.pdf": "wrong",
        "khong-dong.pdf": "unlisted",
    }, found
    assert done.code == 1
    assert all(one["reason"] and one["remedy"] for one in found.values() if one["state"] != "stored")
    assert json.loads(report.with_suffix(".json").read_text())["counts"] == done.document["counts"]
    sheet = openpyxl.load_workbook(report)["Cần xử lý"]
    assert sheet.max_row == 3 + 5 and "mat.pdf" in [cell.value for cell in sheet["B"]]

    kept = home.run("dossier", OTHER).document["documents"]
    scanned = next(paper for paper in kept if len(paper["pages"]) == 2)
    assert (scanned["type"], scanned["number"], scanned["date"]) == (
        "giay_khai_sinh",
        "77/2019/KS",
        "2019-06-05",
    )
    ky = next(paper for paper in kept if paper["id"] in found["hop-1/ky.pdf"]["documents"])
    assert ky["origin"] == "incoming_signed" and found["hop-1/ky.pdf"]["signatures"] == "TOTAL_PASSED"
    out = tmp_path / "lai.pdf"
    assert home.run("get", ky["id"], "-o", str(out)).code == 0 and out.read_bytes() == signed.read_bytes()
    hits = home.run("find", "Trần Thị Bê").document["results"]
    assert scanned["id"] in [hit["document"] for hit in hits]

    batches = len(home.run("status", "--all").document["batches"])
    again = by_file(home.run(*words).document)
    assert {name: one["state"] for name, one in again.items()} == states
    assert "đã nhập trước đây (taken in before)" in again["quet.pdf"]["remarks"]
    assert len(home.run("status", "--all").document["batches"]) == batches
    shutil.copy(disk / "quet.pdf", disk / "quet-2.pdf")
    table(listed, HEADINGS, ["quet-2.pdf", OTHER], ["quet.pdf", CODE])
    twice = by_file(home.run(*words).document)
    assert twice["quet-2.pdf"]["state"] == "duplicate" and twice["quet.pdf"]["state"] == "elsewhere"


def uncoded(listed: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Papers without the code that a sweep gives them some seconds after they were stored."""
    return [{**one, "code": None} for one in listed]


@pytest.mark.slow
def test_an_owners_papers_are_shown_for_a_purpose_only_and_no_number_stays_behind(
    home: Home, tmp_path: Path
) -> None:
    image = Image.open(SCANS / "chong-2" / "scan-02.jpg").convert("L").rotate(0.3)
    image.save(tmp_path / "ks.pdf", resolution=200)
    image.rotate(0.2).save(tmp_path / "cu.pdf", resolution=200)
    row = ["Giấy khai sinh", "", "", "", "Lê Văn Tám", "079085000456"]
    listed = table(
        tmp_path / "l.xlsx",
        HEADINGS,
        ["ks.pdf", CODE, *row, "1/1/2040", "cả nước"],
        ["cu.pdf", OTHER, *row, "31/12/2020"],
    )
    done = home.run("import", str(tmp_path), "--list", str(listed))
    assert done.code == 0, done.document
    assert home.run("person", "079085000456").code == 2, "no purpose, no answer"
    for purpose in ("x", "cho 079085000456 xem"):
        assert home.run("person", "079085000456", "--purpose", purpose).code == 2
    told = home.run("person", "079 085 000 456", "--purpose", "xét hỗ trợ hộ nghèo").document
    assert told["names"] == ["Lê Văn Tám"] and told["dossiers"] == [CODE, OTHER]
    by_dossier = {one["dossier"]: one for one in told["papers"]}
    assert (by_dossier[CODE]["validity"], by_dossier[CODE]["scope"]) == ("valid", "cả nước")
    assert (by_dossier[OTHER]["validity"], by_dossier[OTHER]["reused"]) == ("expired", 0)
    again = home.run("person", told["person"], "--purpose", "đối chiếu hồ sơ").document
    assert uncoded(again["papers"]) == uncoded(told["papers"])
    asked = subprocess.run(
        [sys.executable, "-m", "pipeline.cli", "--home", str(home.root), "person", "-", "--purpose", "đối chiếu hồ sơ"],
        input="079085000456\n", capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT), **BRISK},
    )  # fmt: skip
    assert asked.returncode == 0 and "Lê Văn Tám" in asked.stdout and "079085000456" not in asked.stdout
    assert home.run("person", "n_" + 20 * "0", "--purpose", "đối chiếu hồ sơ").code == 2
    wrong = home.run("person", "12345678", "--purpose", "đối chiếu hồ sơ")
    assert wrong.code == 2 and "12345678" not in wrong.log
    nobody = home.run("person", "079085000457", "--purpose", "đối chiếu hồ sơ").document
    assert nobody["papers"] == [] and nobody["person"] != told["person"]

    slip, ledger = tmp_path / "phieu.txt", tmp_path / "so.jsonl"
    assert home.run("ledger", "export", "--person", "079085000456", "-o", str(slip)).code == 0
    text = slip.read_text()
    assert "xét hỗ trợ hộ nghèo" in text and "đối chiếu hồ sơ" in text and told["person"] in text
    assert home.run("ledger", "export", "-o", str(ledger)).code == 0
    for place in (text, ledger.read_text(), home.paths.log.read_text()):
        assert "079085000456" not in place and "079085000457" not in place


@pytest.mark.slow  # four pages more
def test_a_run_that_is_cut_off_goes_on_where_it_was(home: Home, tmp_path: Path) -> None:
    disk = tmp_path / "dia"
    disk.mkdir()
    for number in range(4):
        image = Image.open(SCANS / "chong-2" / "scan-02.jpg").convert("L").rotate(0.1 * number)
        image.save(disk / f"{number}.pdf", resolution=200)
    listed = table(tmp_path / "l.xlsx", ["Tệp", "Mã hồ sơ"], *[[f"{n}.pdf", CODE] for n in range(4)])
    words = ("import", str(disk), "--list", str(listed))
    child = home.start(*words, "--json")
    assert until(lambda: any((home.paths.work / "pages").glob("*/*.json")), 60)
    child.kill()
    child.wait()
    home.run("down")
    done = home.run(*words)
    assert {one["state"] for one in done.document["results"]} == {"stored"}, done.document
    assert len({d for one in done.document["results"] for d in one["documents"]}) == 4
