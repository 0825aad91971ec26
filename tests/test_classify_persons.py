"""Whose a paper is: claimed when label, grammar and reading agree, a suggestion otherwise, nobody else's ever."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

from ocr.reader import PageReader, default_engine
from pipeline.classify.copies import copy_field
from pipeline.classify.view import view_page
from pipeline.grammar.addresses import address_in
from pipeline.grammar.identity import identity_number
from pipeline.grammar.machine_zone import check_digit, read_zone
from pipeline.grammar.person_names import name_in, well_spelled
from pipeline.model import Paper, ReadPage
from storage.batches import doubtful
from tests.classify_pages import TODAY, TYPES, letterhead, page, receipt, rows, sort, title

ID = "025185001234"


def paper(*lines: str, name: str = "ĐƠN ĐỀ NGHỊ", confidence: float = 0.98) -> Paper:
    head = letterhead("UBND XÃ HẠ HÒA", number=None)
    return sort(receipt(), page(head, title(name), rows(*lines), confidence=confidence)).papers[-1]


def told(found: Paper) -> dict[str, tuple[str, bool]]:
    names = ("owner", "owner_id", "birth_date", "address", "parcel", "copy_kind")
    return {field.name: (field.value, field.doubtful) for field in found.fields if field.name in names}


def test_a_form_says_whose_it_is_with_places() -> None:
    found = paper(
        "Họ và tên: Nguyễn Thị Hoa",
        "Ngày, tháng, năm sinh: 12/06/1985. Giới tính: Nữ",
        f"Số CCCD: {ID} cấp ngày 02/03/2021",
        "Nơi thường trú: khu 4, xã Hạ Hòa, tỉnh Phú Thọ",
        "Đề nghị cấp đổi giấy chứng nhận cho thửa đất số 117, tờ bản đồ số 34",
    )
    assert told(found) == {
        "owner": ("Nguyễn Thị Hoa", False),
        "owner_id": (ID, False),
        "birth_date": ("1985-06-12", False),
        "address": ("khu 4, xã Hạ Hòa, tỉnh Phú Thọ", False),
        "parcel": ("thửa đất số 117, tờ bản đồ số 34", False),
    }
    for name in told(found):
        field = found.field(name)
        assert field and field.page == 1 and field.box and field.box.left >= 240 and field.confidence > 0.9


@pytest.mark.parametrize(
    "label",
    [
        "Ho va tên:",
        "HỌ VÀ TÊN :",
        "Họ, chữ đệm, tên:",
        "Họ, chữ đệm và tên;",
        "Họ và tên (chữ in hoa):",
        "1.1. Tên:",
    ],
)
def test_labels_may_be_read_with_noise(label: str) -> None:
    assert told(paper(f"{label} TRẦN VĂN NAM"))["owner"] == ("TRẦN VĂN NAM", False)


def test_what_is_told_of_another_person_is_not_the_owners() -> None:
    found = paper(
        "Họ, chữ đệm, tên người yêu cầu: Trần Văn Nam",
        "Giấy tờ tùy thân: CCCD số 025085004321",
        "Họ, chữ đệm, tên: TRẦN THỊ MAI",
        "Ngày, tháng, năm sinh: 01/02/2024",
        "Họ, chữ đệm, tên người mẹ: Lê Thị Lan. Năm sinh: 1990. Số CCCD: 025190000777",
        name="TỜ KHAI ĐĂNG KÝ KHAI SINH",
    )
    assert told(found) == {"owner": ("Trần Văn Nam", False), "owner_id": ("025085004321", False)}
    child = paper(
        "Họ, chữ đệm, tên: TRẦN THỊ MAI",
        "Ngày, tháng, năm sinh: 01/02/2024",
        "Họ, chữ đệm, tên người mẹ: Lê Thị Lan. Số CCCD: 025190000777",
        name="GIẤY KHAI SINH",
    )
    assert told(child) == {"owner": ("TRẦN THỊ MAI", False), "birth_date": ("2024-02-01", False)}


@pytest.mark.parametrize(
    "lines",
    [
        ("Họ và tên: Nguyễn Thị Hoa", "Họ và tên: Trần Văn Nam"),
        ("Họ và tên: Nguyên Thị Hoa",),
        ("Họ và tên: Nguyễn Thi Hoa",),
        ("Họ và tên: Nguyễn Thị Hoa~0.7",),
        ("Họ và tên: Nguyễn Thị Hoa", "Người làm đơn", "Nguyễn Thị Hòa"),
        ("Bên A: ông Nguyễn Văn Hoa, sinh năm 1970", "Bên B: ông Trần Văn Nam, sinh năm 1980"),
        ("Giao ông Nguyễn Văn Hoa chủ trì, phối hợp thực hiện",),
    ],
)
def test_a_name_in_doubt_is_a_suggestion(lines: tuple[str, ...]) -> None:
    assert told(paper(*lines)).get("owner", ("", True))[1]


def test_worn_pages_claim_no_diacritics() -> None:
    found = told(paper("Họ và tên: Nguyễn Thị Hoa", f"Số CCCD: {ID}", confidence=0.965))
    assert found == {"owner": ("Nguyễn Thị Hoa", True), "owner_id": (ID, False)}


@pytest.mark.parametrize(
    ("number", "born"),
    [
        ("999185001234", ""), ("025885001234", ""), (ID, "1986"), (f"{ID}~0.8", ""), ("025 185 0O1234", ""),
        ("02518500123", ""), ("0251850012345", ""),
    ],
)  # fmt: skip
def test_a_number_against_its_structure_is_never_claimed(number: str, born: str) -> None:
    found = told(
        paper("Họ và tên: Nguyễn Thị Hoa", *([f"Sinh năm: {born}"] if born else []), f"Số CCCD: {number}")
    )
    assert found.get("owner_id", ("", True))[1]


def test_old_numbers_of_nine_figures() -> None:
    found = told(paper("Họ tên: Nguyễn Thị Hoa", "Sinh năm: 1950", "CMND số: 131234567 do Công an tỉnh cấp"))
    assert found["owner_id"] == ("131234567", False) and found["birth_date"] == ("1950", False)


def test_papers_of_a_stack_that_nearly_agree_are_all_in_doubt() -> None:
    def of(name: str, number: str) -> ReadPage:
        head = letterhead("UBND XÃ HẠ HÒA", number=None)
        return page(head, title("ĐƠN ĐỀ NGHỊ"), rows(f"Họ và tên: {name}", f"Số CCCD: {number}"))

    first, second = sort(receipt(), of("Phạm Thị My", ID), of("Phạm Thị Mỵ", ID[:-1] + "8")).papers[1:]
    assert all(doubt for found in (first, second) for _, doubt in told(found).values())
    again = sort(receipt(), of("Phạm Thị Mỵ", ID), of("PHẠM THỊ MỴ", ID)).papers[1:]
    assert not any(doubt for found in again for _, doubt in told(found).values())


def test_doubt_about_persons_is_none_about_the_paper() -> None:
    found = paper("Họ và tên: Nguyên Thị Hoa", "Thửa đất số 12,~0.4 tờ bản đồ số 3")
    assert all(doubt for _, doubt in told(found).values()) and len(told(found)) == 2
    assert not {"owner", "parcel"} & set(doubtful(found))


@pytest.mark.parametrize(
    ("lines", "value", "doubt"),
    [
        (("a) Thửa đất số: 045", "b) Tờ bản đồ số: 7"), "thửa đất số 45, tờ bản đồ số 7", False),
        (("Thửa số 12 tờ bản đồ số 5",), "thửa đất số 12, tờ bản đồ số 5", False),
        (
            ("Thửa đất số 1, tờ bản đồ số 2", "Thửa đất số 3, tờ bản đồ số 2"),
            "thửa đất số 1, tờ bản đồ số 2",
            True,
        ),
    ],
)
def test_parcels(lines: tuple[str, ...], value: str, doubt: bool) -> None:
    assert told(paper(*lines))["parcel"] == (value, doubt)


@pytest.mark.parametrize(
    "text", ["Thửa đất số 8 4 tờ bản đồ số 3", "thửa đất có nguồn gốc từ năm 1998", "Thửa đất số 12/5"]
)
def test_what_is_no_parcel(text: str) -> None:
    assert "parcel" not in told(paper(text))


@pytest.mark.parametrize(
    ("text", "value", "doubt"),
    [
        ("CHỨNG THỰC BẢN SAO ĐÚNG VỚI BẢN CHÍNH", "ban_sao_chung_thuc", False),
        ("Chứng thưc bản sao đúng vơi bản chinh", "ban_sao_chung_thuc", False),
        ("SAO Y BẢN CHÍNH", "ban_sao", False),
        ("SAO LỤC", "ban_sao", False),
        ("TRÍCH SAO", "ban_sao", False),
        ("BẢN SAO", "ban_sao", True),
    ],
)
def test_copies_say_so(text: str, value: str, doubt: bool) -> None:
    assert told(paper("Nội dung của giấy tờ", text))["copy_kind"] == (value, doubt)


@pytest.mark.parametrize(
    "text", ["Bản sao", "Đề nghị cấp bản sao: Có", "Nộp bản sao chứng thực giấy khai sinh", "Bản chính 01"]
)
def test_words_about_copies_make_none(text: str) -> None:
    assert "copy_kind" not in told(paper(text))
    assert copy_field([view_page(page(rows(text)), TYPES)]) is None


def zone(born: str = "850612", sex: str = "F") -> tuple[str, str, str]:
    """The three lines of the card of `ID`."""
    till = "350612"
    upper = f"{ID[3:]}{check_digit(ID[3:])}{ID}<<0"
    days = (f"{born}{check_digit(born)}", f"{till}{check_digit(till)}")
    over_all = check_digit(upper + days[0] + days[1] + "<" * 11)
    return (
        f"IDVNM{upper}",
        f"{days[0]}{sex}{days[1]}VNM{'<' * 11}{over_all}",
        "NGUYEN<<THI<HOA".ljust(30, "<"),
    )


def test_check_digits_as_icao_has_them() -> None:
    # Doc 9303 part 3, section 4.9 and appendix: the worked examples
    assert check_digit("520727") == 3 and check_digit("AB2134<<<") == 5


def test_the_zone_of_a_card() -> None:
    found = read_zone(["CĂN CƯỚC", *zone()], TODAY)
    assert found and found.sound
    assert (found.owner_id, found.born, found.name) == (ID, date(1985, 6, 12), "NGUYEN THI HOA")
    noisy = [
        zone()[0].replace("ID", "TD").replace("<<", "«"),
        zone()[1].replace("<" * 11, " < <<( ‹«"),
        zone()[2],
    ]
    again = read_zone(noisy, TODAY)
    assert again is not None and again.sound


@given(st.integers(0, 1), st.integers(0, 28), st.integers(1, 9))
def test_one_wrong_figure_is_always_found(row: int, at: int, more: int) -> None:
    lines = list(zone())
    if lines[row][at].isdecimal():
        wrong = str((int(lines[row][at]) + more) % 10)
        lines[row] = lines[row][:at] + wrong + lines[row][at + 1 :]
        found = read_zone(lines, TODAY)
        assert found is None or not found.sound


def test_fields_by_the_zone() -> None:
    moved = [one for n, text in enumerate(zone()) for one in rows(text, top=1500 + 60 * n)]
    face = rows("Họ và tên / Full name: NGUYỄN THỊ HOA", f"Số / No.: {ID}")
    card = page(title("CĂN CƯỚC CÔNG DÂN"), face, moved)
    found = sort(receipt(), card).papers[-1]
    assert told(found)["owner_id"] == (ID, False) and told(found)["birth_date"] == ("1985-06-12", False)
    assert told(found)["owner"] == ("NGUYỄN THỊ HOA", False)
    field = found.field("owner_id")
    assert field and field.evidence == "mrz" and field.box and field.box.top == 1500
    texts = (zone()[0], zone("850613")[1][:-1] + "9", zone()[2])
    broken = [one for n, text in enumerate(texts) for one in rows(text, top=1500 + 60 * n)]
    wrong = sort(receipt(), page(title("CĂN CƯỚC CÔNG DÂN"), broken)).papers[-1]
    assert all(doubt for _, doubt in told(wrong).values())


@given(st.text(max_size=60))
def test_any_text_is_borne(text: str) -> None:
    name_in(text), address_in(text), identity_number(text), read_zone([text, text, text], TODAY)


@given(st.from_regex(r"[0-9]{12}", fullmatch=True))
def test_twelve_figures_tell_year_and_sex(text: str) -> None:
    found = identity_number(text)
    assert found and found.born is not None and str(found.born).endswith(text[4:6])
    assert not found.sound(TODAY) or 1900 <= found.born <= TODAY.year
    assert found.male == (int(text[3]) % 2 == 0)


def test_surnames_are_spelled() -> None:
    assert well_spelled("Hoàng Văn Thụ") and well_spelled("HOÀ THỊ LAN") and well_spelled("Sùng A Páo")
    assert not well_spelled("Nguyên Văn A") and not well_spelled("Pham Thị Lan")
    assert name_in("ỦY BAN NHÂN DÂN") is None and name_in("Trần Văn 3") is None and name_in("Nam") is None


FONTS = Path("/usr/share/fonts/truetype/liberation2")


@pytest.fixture(scope="module")
def reader() -> PageReader:
    return PageReader(default_engine())


def drawn(reader: PageReader, texts: dict[int, tuple[str, int, str]]) -> tuple[str, ...]:
    sheet = Image.new("RGB", (1654, 1400), "white")
    pen = ImageDraw.Draw(sheet)
    for top, (text, size, face) in texts.items():
        pen.text((300, top), text, font=ImageFont.truetype(str(FONTS / face), size), fill="black")
    return tuple(line.text for line in reader.read(np.asarray(sheet), dpi=200, bitonal=False, turn=0).lines)


def test_a_zone_in_print_is_read(reader: PageReader) -> None:
    lines = drawn(
        reader,
        {700 + 60 * n: (text, 36, "LiberationMono-Bold.ttf") for n, text in enumerate(zone())}
        | {200: ("Nơi thường trú / Place of residence", 32, "LiberationSerif-Regular.ttf")},
    )
    found = read_zone(lines, TODAY)
    assert found is not None and found.sound and found.owner_id == ID, lines


@pytest.mark.parametrize("face", ["LiberationMono-Regular.ttf", "LiberationSerif-Regular.ttf"])
def test_papers_of_the_nineties_are_told(reader: PageReader, face: str) -> None:
    """Typewritten, the old spelling, `NĐ-UB` symbols, days in figures."""
    sheet = Image.new("RGB", (1654, 2339), (244, 238, 214))
    pen = ImageDraw.Draw(sheet)
    for left, top, text in (
        (150, 160, "UỶ BAN NHÂN DÂN"),
        (150, 210, "TỈNH HẢI HƯNG"),
        (150, 260, "Số: 157/QĐ-UB"),
        (760, 160, "CỘNG HOÀ XÃ HỘI CHỦ NGHĨA VIỆT NAM"),
        (860, 210, "Độc lập - Tự do - Hạnh phúc"),
        (820, 260, "Hải Dương, ngày 24 tháng 7 năm 1993"),
        (620, 400, "QUYẾT ĐỊNH"),
        (420, 450, "Về việc: Giao quyền sử dụng đất ở dân cư"),
        (150, 560, "Căn cứ Luật Tổ chức Hội đồng nhân dân và Uỷ ban nhân dân;"),
        (150, 610, "Xét đề nghị của Ban quản lý ruộng đất,"),
    ):
        pen.text((left, top), text, font=ImageFont.truetype(str(FONTS / face), 32), fill=(40, 36, 40))
    read = reader.read(np.asarray(sheet), dpi=200, bitonal=False, turn=0)
    seen = replace(page(rows("x")), lines=read.lines, confidence=read.confidence, regions=read.regions)
    found = sort(receipt(), seen).papers[-1]
    values = {field.name: (field.value, field.doubtful) for field in found.fields}
    assert found.type == "quyet_dinh"
    assert values["number"][0] == "157/QĐ-UB"
    assert values["date"][0] == "1993-07-24"
    assert values["title"][0] == "Về việc: Giao quyền sử dụng đất ở dân cư"
    assert values["issuer"][0].lower().startswith("ủy ban nhân dân tỉnh hải hưng")


def test_a_form_in_the_old_spelling() -> None:
    found = sort(
        receipt(),
        page(
            letterhead("UỶ BAN NHÂN DÂN", "XÃ HẠ HOÀ", number=None),
            title("ĐƠN XIN XÁC NHẬN"),
            rows(
                "Họ và tên: Hoà Thị Thuý",
                "Chỗ ở hiện nay: xóm 4, xã Hạ Hoà, tỉnh Hoà Bình",
                "CMND số: 131234567",
            ),
        ),
    ).papers[-1]
    assert told(found) == {
        "owner": ("Hoà Thị Thuý", False),
        "owner_id": ("131234567", False),
        "address": ("xóm 4, xã Hạ Hoà, tỉnh Hoà Bình", False),
    }
