"""Procedures are data: what is wrong in a file is named, what is right is told apart by day, exports come in row by row."""

from __future__ import annotations

import json
import tomllib
from datetime import date
from pathlib import Path

import pytest

import config
from pipeline.classify.types import TypeCatalogue
from pipeline.errors import UsageError
from pipeline.procedures.catalogue import Keep, ProcedureCatalogue, ProcedureShelf, procedure
from pipeline.procedures.importing import known_headlines, read_export
from pipeline.procedures.writing import file_name, to_toml

FOLDER = Path(config.__path__[0])
TYPES = TypeCatalogue.load(FOLDER / "document_types.toml")
NOW = date(2026, 10, 2)
ONE = """
code = "1.009994"
name = "Cấp giấy phép xây dựng"
level = "xa"
effective = 2021-01-01
[[paper]]
code = "TP-H00.000011"
name = "Đơn"
types = ["don_cap_phep_xay_dung"]
"""


def load(*folders: Path) -> ProcedureCatalogue:
    return ProcedureCatalogue.load(folders, TYPES.types.keys())


def test_the_bundled_procedures_load_and_survive_being_written() -> None:
    found = load(FOLDER / "procedures")
    assert len(found.versions) >= 4
    for (item,) in found.versions.values():
        assert item.papers and item.results and item.source
        assert procedure(tomllib.loads(to_toml(item)), TYPES.types.keys(), "again") == item
    birth = found.get("1.001193", NOW)
    assert birth is not None and {p.keep for p in birth.papers} == {Keep.DIGITISED, Keep.SHOWN}


@pytest.mark.parametrize(
    ("wrong", "right", "named"),
    [
        ("efective = 2021", "effective = 2021", "did you mean effective?"),
        ('"don_cap_phep_xay_dun"', '"don_cap_phep_xay_dung"', "did you mean don_cap_phep_xay_dung?"),
        ("nme = ", "name = ", "did you mean name?"),
        ('"TP-H00.11"', '"TP-H00.000011"', "component code"),
        ('"xã"', '"xa"', "Level"),
        ('"2021-01-01"', "2021-01-01", "is no date"),
    ],
)
def test_what_is_wrong_is_named_with_the_nearest_known_key(
    tmp_path: Path, wrong: str, right: str, named: str
) -> None:
    (tmp_path / "a.toml").write_text(ONE, "utf-8")
    assert load(tmp_path).get("1.009994", NOW)
    (tmp_path / "a.toml").write_text(ONE.replace(right, wrong), "utf-8")
    with pytest.raises(UsageError) as caught:
        load(tmp_path)
    assert named in str(caught.value) and "a.toml" in str(caught.value)


def test_the_version_in_force_on_the_day_counts_and_a_province_has_its_own(tmp_path: Path) -> None:
    later = ONE.replace("2021-01-01", "2026-01-01").replace('"Đơn"', '"Đơn mới"')
    own = ONE.replace('"1.009994"', '"1.009994.H38"').replace('"Đơn"', '"Đơn Lào Cai"')
    for name, text in (("a", ONE), ("b", later), ("c", own)):
        (tmp_path / f"{name}.toml").write_text(text, "utf-8")
    found = load(tmp_path)

    def paper(code: str, day: date) -> str | None:
        item = found.get(code, day)
        return item.papers[0].name if item else None

    assert paper("1.009994", date(2025, 12, 31)) == "Đơn"
    assert paper("1.009994", date(2026, 1, 1)) == "Đơn mới"
    assert paper("1.009994", date(2020, 12, 31)) is None
    assert paper("1.009994.H38", NOW) == "Đơn Lào Cai"
    assert paper("1.009994.H24", NOW) == "Đơn mới"


def test_a_homes_own_folder_comes_after_the_bundled_one_and_is_read_again_when_it_changes(
    tmp_path: Path,
) -> None:
    shelf = ProcedureShelf([FOLDER / "procedures", tmp_path], TYPES.types.keys())
    before = shelf.current().get("1.009994", NOW)
    assert before is not None and shelf.current().get("1.009994", NOW) is before
    (tmp_path / "x.toml").write_text(ONE, "utf-8")
    after = shelf.current().get("1.009994", NOW)
    assert after is not None and after.name == "Cấp giấy phép xây dựng"


def read(path: Path, **mapping: str) -> tuple[dict[str, list[str]], list[tuple[int, str]], list[str]]:
    found = read_export(path, mapping, known_headlines(TYPES.all), today=NOW)
    papers = {item.code: [paper.name for paper in item.papers] for item in found.procedures}
    return papers, [(one.row, one.problem) for one in found.errors], list(found.notes)


CSV = """Mã thủ tục;Tên thủ tục;Cấp thực hiện;Mã thành phần;Tên thành phần;Bản chính;Bản sao;Bắt buộc;Điều kiện;Thời hạn (tháng)
1.004222;Đăng ký thường trú;Cấp Xã;TP-H24.000001;Tờ khai thay đổi thông tin cư trú (Mẫu CT01);1;0;1;;
1.004222;Đăng ký thường trú;Cấp Xã;TP-H24.000002;Giấy tờ chứng minh chỗ ở hợp pháp;0;1;0;chưa có trong dữ liệu;6
9.004223;Sai mã;Cấp Xã;TP-H24.000003;Đơn;1;0;1;;
2.000815;Chứng thực bản sao;Cấp Xã;TP-H24.000004;Bản chính;một;0;1;;
2.000815;Chứng thực bản sao;Cấp Xã;TP-H24.000005;Bản sao;1;0;1;;
"""


def test_an_export_comes_in_row_by_row_and_no_half_list_of_papers(tmp_path: Path) -> None:
    (tmp_path / "tthc.csv").write_text(CSV, "utf-8-sig")
    papers, errors, notes = read(tmp_path / "tthc.csv")
    assert list(papers) == ["1.004222"] and len(papers["1.004222"]) == 2
    assert [row for row, _ in errors] == [4, 5]
    assert "9.004223" in errors[0][1] and "'một'" in errors[1][1]
    assert len(notes) == 1 and "chỗ ở hợp pháp" in notes[0], "the form was told by its headline"


def test_an_export_as_nested_json_with_foreign_headings_needs_a_mapping(tmp_path: Path) -> None:
    rows = {
        "data": [
            {
                "maTTHC": "1.004222",
                "ten": "Đăng ký thường trú",
                "hieuLuc": "2025-07-01",
                "thanhPhan": [
                    {"ma": "TP-H24.000001", "tenTP": "Tờ khai"},
                    {"ma": "TP-H24.000002", "tenTP": "Giấy tờ"},
                ],
            }
        ]
    }
    (tmp_path / "a.json").write_text(json.dumps(rows), "utf-8")
    with pytest.raises(UsageError, match="procedure_code"):
        read(tmp_path / "a.json")
    papers, errors, _ = read(
        tmp_path / "a.json", procedure_code="maTTHC", procedure_name="ten", paper_code="ma", paper_name="tenTP",
        effective="hieuLuc",
    )  # fmt: skip
    assert papers == {"1.004222": ["Tờ khai", "Giấy tờ"]} and errors == []
    with pytest.raises(UsageError, match="did you mean paper_code"):
        read(tmp_path / "a.json", paper_cod="ma")


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"a,b\n1\n", b"", b'"a', b"[" * 100_000])
def test_a_file_that_is_no_table_is_refused_with_a_sentence(tmp_path: Path, content: bytes) -> None:
    for name in ("a.csv", "a.json"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UsageError):
            read(tmp_path / name)


def test_names_that_are_hostile_stay_inside_their_file(tmp_path: Path) -> None:
    raw = tomllib.loads(ONE)
    raw["name"] = 'a"\n[[paper]]\ncode = "x\x7f\x00'
    item = procedure(raw, TYPES.types.keys(), "test")
    again = procedure(tomllib.loads(to_toml(item)), TYPES.types.keys(), "test")
    assert again == item and "/" not in file_name(item)
