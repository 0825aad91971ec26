"""Side-cars beside scans: what they say is held with the stack, what they cannot say is told, none becomes a page."""

from __future__ import annotations

import io
import json
import signal
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import openpyxl
import pytest

import config
from pipeline.companions.entries import Columns, Companion, read_companion
from pipeline.companions.listed import read_list
from pipeline.companions.matching import belongs_to, match
from pipeline.grammar.legacy_codes import LegacyCode
from pipeline.model import ShelfMark
from tests.home_in_use import SCANS, Home, until
from tests.test_legacy_codes import encode

CODE, OTHER = "H38.20-261002-0007", "H38.20-261002-0008"
COLUMNS = Columns.load(Path(config.__path__[0]) / "companion_columns.toml", {"Số hộp cũ": "box"})
HEADINGS = [
    "STT",
    "Tên tệp",
    "Mã hồ sơ",
    "Phông",
    "Mục lục số",
    "Kho",
    "Giá",
    "Hộp số",
    "Hồ sơ số",
    "Tờ số",
    "Tình trạng",
]
VALUES = [1, "scan-00.jpg", CODE, "UBND xã", 2, "A", "3", 12.0, "45", "1-15", "02"]
MARK = ShelfMark(
    fonds="UBND xã", catalogue="2", repository="A", shelf="3", box="12", file_unit="45",
    leaf_from=1, leaf_to=15, condition="02",
)  # fmt: skip


def read(folder: Path, name: str, content: bytes) -> Companion:
    (folder / name).write_bytes(content)
    return read_companion(folder / name, name, COLUMNS)


def workbook(*rows: Sequence[object]) -> bytes:
    book, out = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(out)
    return out.getvalue()


def csv(*rows: Sequence[object], mark: str = ",") -> str:
    return "\r\n".join(
        mark.join(f"{cell:g}" if isinstance(cell, float) else str(cell) for cell in row) for row in rows
    )


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.xlsx", workbook(["BẢNG KÊ HỒ SƠ"], [], HEADINGS, VALUES)),
        ("a.csv", csv(HEADINGS, VALUES).encode()),
        ("a.csv", csv(HEADINGS, VALUES, mark=";").encode("utf-8-sig")),
        ("a.csv", ("sep=;\r\n" + csv(HEADINGS, VALUES, mark=";")).encode("utf-16")),
        ("a.csv", csv(HEADINGS, VALUES, mark="\t").encode("utf-16-le")),
        ("a.json", json.dumps([dict(zip(HEADINGS, VALUES, strict=True))]).encode()),
        ("a.json", json.dumps({"tệp": [dict(zip(HEADINGS, VALUES, strict=True))]}).encode("utf-8-sig")),
    ],
)
def test_every_form_and_encoding_says_the_same(tmp_path: Path, name: str, content: bytes) -> None:
    found = read(tmp_path, name, content)
    assert found.remarks == ()
    (entry,) = found.entries
    assert (entry.file, entry.dossier, entry.shelf) == ("scan-00.jpg", CODE, MARK)


def bomb(folder: Path) -> bytes:
    """A spreadsheet whose sheet unpacks to 300 MB of zeros."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", bytes(300 << 20))
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", csv(["Hép sè", "Hå s¬"], ["Nguyễn", 2]).encode(), "TCVN3"),
        ("a.csv", "Hép,b\r\n1,2".encode("latin-1"), "UTF-8"),
        ("a.csv", "Hộp số".encode()[:-1] + b"\xff,b\r\n1,2", "UTF-8"),
        ("a.csv", b"\xff\xfea\0b", "UTF-8"),
        ("a.csv", b"a,b\0\r\n" * 30, "byte rỗng"),
        ("a.csv", b"", "trống"),
        ("a.csv", csv(["Cột lạ", "Cột khác"], [1, 2]).encode(), "không nhận ra cột nào"),
        ("a.csv", csv(["Hộp", "Kho"], *[[1, 2]] * 20_001).encode(), "quá 20000 dòng"),
        ("a.json", b"{", "JSON sai cú pháp"),
        ("a.json", b"[" * 100_000, "JSON sai cú pháp"),
        ("a.json", b"[1, 2]", "danh sách đối tượng"),
        ("a.xlsx", b"PK\x03\x04 broken", "không phải bảng tính"),
        ("a.xlsx", b"\xd0\xcf\x11\xe0 encrypted by a password", "mật khẩu"),
        ("a.xls", b"\xd0\xcf\x11\xe0", "lưu lại thành .xlsx"),
        ("a.xlsx", b" " * (17 << 20), "16 MB"),
    ],
)  # fmt: skip
def test_a_hostile_table_is_one_clear_sentence(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    found = read(tmp_path, name, content)
    assert found.entries == () and len(found.remarks) == 1 and said in found.remarks[0], found.remarks


@pytest.mark.parametrize("code", list(LegacyCode))
@pytest.mark.parametrize("form", ["csv of bytes", "csv in UTF-8", "xlsx", "json"])
def test_a_table_in_an_old_code_is_turned_and_flagged(tmp_path: Path, code: LegacyCode, form: str) -> None:
    """Lists typed in .VnTime or VNI- fonts: saved as bytes, or as letters that Latin-1 has in those places."""
    rows = [
        [encode(str(one), code) for one in row]
        for row in (HEADINGS, [*VALUES[:3], "UBND xã Thường Tín", *VALUES[4:]])
    ]
    content = {
        "csv of bytes": csv(*rows).encode("latin-1"),
        "csv in UTF-8": csv(*rows).encode(),
        "xlsx": workbook(*rows),
        "json": json.dumps([dict(zip(*rows, strict=True))]).encode(),
    }[form]
    found = read(tmp_path, f"a.{form.split()[0]}", content)
    (entry,) = found.entries
    assert (entry.file, entry.dossier) == ("scan-00.jpg", CODE)
    assert entry.shelf is not None and (entry.shelf.fonds, entry.shelf.file_unit) == (
        "UBND xã Thường Tín",
        "45",
    )
    (remark,) = found.remarks
    assert code in remark and "soát lại" in remark


def test_a_list_in_an_old_code_flags_every_row_of_it(tmp_path: Path) -> None:
    heads = [encode(one, LegacyCode.TCVN3) for one in ("Tên tệp", "Mã hồ sơ", "Hộp số", "Tình trạng")]
    (tmp_path / "ds.csv").write_bytes(
        csv(heads, ["a.pdf", CODE, 1, "02"], ["b.pdf", CODE, 2, "02"]).encode("latin-1")
    )
    rows = read_list(tmp_path / "ds.csv", COLUMNS, {}, date(2026, 10, 1))
    assert [row.file for row in rows] == ["a.pdf", "b.pdf"]
    assert all("TCVN3" in row.remarks[-1] for row in rows)


def test_a_zip_bomb_is_not_unpacked(tmp_path: Path) -> None:
    (remark,) = read(tmp_path, "a.xlsx", bomb(tmp_path)).remarks
    assert "nén bất thường" in remark


def test_an_entity_bomb_in_a_sheet_is_refused(tmp_path: Path) -> None:
    entities = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    evil = f'<!DOCTYPE x [<!ENTITY a0 "boom">{entities}]><worksheet><sheetData><row><c t="inlineStr"><is><t>&a9;</t>'
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook(HEADINGS, VALUES))) as good, zipfile.ZipFile(out, "w") as bad:
        for item in good.infolist():
            is_sheet = item.filename == "xl/worksheets/sheet1.xml"
            bad.writestr(item.filename, evil if is_sheet else good.read(item))
    (remark,) = read(tmp_path, "a.xlsx", out.getvalue()).remarks
    assert "hỏng" in remark


def test_a_formula_is_not_believed_and_wrong_values_are_named(tmp_path: Path) -> None:
    rows: list[list[object]] = [
        ["Tệp", "Mã hồ sơ", "Hộp", "Tờ số"],
        ["a.jpg", "=A1", "=1+1", "15-1"],
        ["b.jpg", "sai", 7, "x"],
    ]
    found = read(tmp_path, "a.xlsx", workbook(*rows))
    assert [(entry.dossier, entry.shelf) for entry in found.entries] == [
        (None, None),
        (None, ShelfMark(box="7")),
    ]
    told = "\n".join(found.remarks)
    assert told.count("công thức") == 2 and "ngược" in told and "“sai” không phải mã hồ sơ" in told
    assert "dòng 3: “x” không phải khoảng tờ" in told


def test_a_site_has_headings_of_its_own(tmp_path: Path) -> None:
    (entry,) = read(tmp_path, "a.csv", csv(["so hop cu", "KHO"], ["9", "B"]).encode()).entries
    assert entry.shelf == ShelfMark(box="9", repository="B")


def test_rows_and_files_that_lack_each_other_are_told(tmp_path: Path) -> None:
    table = csv(
        ["Tệp", "Mã hồ sơ"],
        ["D:\\quet\\A.JPG", CODE],
        ["b", OTHER],
        ["c.jpg", OTHER],
        ["", OTHER],
        ["", CODE],
    )
    found = match(["a.jpg", "b.jpg", "d.jpg"], [read(tmp_path, "k.csv", table.encode())])
    assert {name: entry.dossier for name, entry in found.entries.items()} == {"a.jpg": CODE, "b.jpg": OTHER}
    assert "không có tệp “c.jpg”" in found.remarks[0] and "dòng 4" in found.remarks[0]
    assert sum("không ghi tên tệp" in text for text in found.remarks) == 2
    assert "không có dòng nào" in found.of_files["d.jpg"][0]


def test_a_word_on_the_whole_folder_gives_way_to_a_files_own_and_differing_rows_to_nobody(
    tmp_path: Path,
) -> None:
    whole = read(tmp_path, "lo.json", json.dumps({"Kho": "A"}).encode())
    own = read(tmp_path, "a.jpg.json", json.dumps({"Kho": "B"}).encode())
    twice = read(tmp_path, "k.csv", csv(["Tệp", "Kho"], ["b.jpg", "C"], ["b.jpg", "D"]).encode())
    found = match(["a.jpg", "b.jpg", "c.jpg"], [whole, own, twice])
    assert found.entries["a.jpg"].shelf == ShelfMark(repository="B")
    assert found.entries["c.jpg"].shelf == ShelfMark(repository="A")
    assert "b.jpg" not in found.entries and "nói khác nhau" in found.of_files["b.jpg"][0]
    assert (
        belongs_to("a.json", ["a.jpg", "b.jpg"]) == "a.jpg"
        and belongs_to("a.json", ["a.jpg", "a.png"]) is None
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    place = Home(tmp_path_factory.mktemp("home") / "h", {"SOHOA_WATCH_QUIET": "0.5"})
    yield place
    place.run("down")


def test_what_a_spreadsheet_says_goes_with_the_papers_into_the_bucket(home: Home, tmp_path: Path) -> None:
    scans = [SCANS / "chong-2" / f"scan-0{number}.jpg" for number in (1, 2)]
    for scan in scans:
        (tmp_path / scan.name).write_bytes(scan.read_bytes())
    second = [2, "scan-02.jpg", OTHER, *VALUES[3:9], "16-20", "02"]
    (tmp_path / "bang-ke.xlsx").write_bytes(
        workbook(HEADINGS, [*VALUES[:1], "scan-01.jpg", *VALUES[2:]], second, [3, "x.jpg"])
    )
    done = home.run("ingest", str(tmp_path))
    first, last = sorted(done.document["batches"], key=lambda batch: batch["shelf"]["leaf_from"])
    assert [len(batch["pages"]) for batch in (first, last)] == [1, 1], (
        "two dossiers are two stacks; no page but scans"
    )
    assert {paper["dossier"] for paper in first["documents"]} == {CODE}
    assert {paper["dossier"] for paper in last["documents"]} == {OTHER}
    assert (last["shelf"]["leaf_from"], last["shelf"]["leaf_to"], last["shelf"]["box"]) == (16, 20, "12")
    assert [
        text for batch in (first, last) for text in batch["remarks"] if "x.jpg" in text
    ] and done.code == 1
    bucket = home.bucket()
    kept = [bucket.read(key) for key in bucket.keys(f"q/{first['id']}/")]
    assert (tmp_path / "bang-ke.xlsx").read_bytes() in kept, "the side-car itself is kept"
    sidecars = [
        json.loads(bucket.read(key) or b"{}")
        for key in bucket.keys("d/")
        if key.endswith(".json") and "/c/" in key
    ]
    assert {(side["paper"]["dossier"], side["shelf"]["leaf_to"]) for side in sidecars} == {
        (CODE, 15),
        (OTHER, 20),
    }
    shown = home.run("status", first["id"]).document["batches"][0]
    assert shown["shelf"]["fonds"] == "UBND xã"


def test_a_person_and_a_side_car_that_disagree_leave_it_to_a_person(home: Home, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes((SCANS / "chong-2" / "scan-03.jpg").read_bytes())
    (tmp_path / "a.json").write_text(json.dumps({"Mã hồ sơ": OTHER}))
    done = home.run("ingest", str(tmp_path), "--dossier", CODE)
    (batch,) = done.document["batches"]
    assert done.code == 1 and "tệp kèm ghi" in batch["remarks"][0]
    assert all(paper["dossier"] not in (CODE, OTHER) for paper in batch["documents"])


def test_a_watched_folder_takes_side_cars_with_the_scans_and_lets_them_go_last(
    home: Home, tmp_path: Path
) -> None:
    child = home.start("watch", "--folder", str(tmp_path), "--json")
    try:
        (tmp_path / "b.csv").write_text(csv(["Mã hồ sơ", "Hộp"], [CODE, "77"]))
        (tmp_path / "b.jpg").write_bytes((SCANS / "chong-2" / "scan-00.jpg").read_bytes())
        assert until(lambda: not list(tmp_path.iterdir()), 90), list(tmp_path.iterdir())
    finally:
        child.send_signal(signal.SIGTERM)
        child.communicate(timeout=60)
    (batch,) = [b for b in home.run("status", "--all").document["batches"] if b["source"] == str(tmp_path)]
    assert batch["shelf"]["box"] == "77" and len(batch["pages"]) == 1


def test_a_side_car_by_itself_is_no_page(home: Home, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(csv(["Hộp", "Kho"], ["1", "2"]))
    assert home.run("ingest", str(tmp_path / "a.csv")).code == 2
