"""What a paper says of itself: claimed when it is printed and clear, doubtful when a pen or wear is in play."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.model import Box, Paper, ReadPage, Region, RegionKind
from tests.classify_pages import decision, letterhead, line, page, receipt, rows, sort, title, words


def paper(read: ReadPage) -> Paper:
    return sort(receipt(), read).papers[-1]


def value(found: Paper, name: str) -> tuple[str | None, bool]:
    """A field's value and whether it is doubtful."""
    item = found.field(name)
    return (item.value, item.doubtful) if item else (None, True)


def test_a_decision_says_all_of_itself() -> None:
    found = paper(decision())
    assert found.type == "quyet_dinh"
    assert value(found, "type") == ("quyet_dinh", False)
    assert value(found, "number") == ("15/QĐ-UBND", False)
    assert value(found, "date") == ("2026-09-08", False)
    assert value(found, "title") == ("Về việc cho phép chuyển mục đích sử dụng đất", False)
    assert value(found, "issuer") == ("Ủy ban nhân dân tỉnh Phú Thọ", False)


def test_columns_that_ocr_joined_are_parted() -> None:
    found = paper(
        page(
            letterhead("TỈNH LÀO CAI", "ỦY BAN NHÂN DÂN XÃ VĂN", "BÀN", number="Số: 139/UBND-XNTTHN"),
            title("GIẤY XÁC NHẬN TÌNH TRẠNG HÔN NHÂN"),
        )
    )
    assert value(found, "issuer") == ("Ủy ban nhân dân xã Văn Bàn", False)
    assert value(found, "type") == ("xac_nhan_hon_nhan", False)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("GIẤY XÁC NHẬN TÌNH TRẠNG HÔN NHÂN", "xac_nhan_hon_nhan"),
        ("TỜ KHAI CẤP GIẤY XÁC NHẬN TÌNH TRẠNG HÔN NHÂN", "to_khai_tinh_trang_hon_nhan"),
        ("GIẤY TIẾP NHẬN HỒ SƠ VÀ HẸN TRẢ KẾT QUẢ", "giay_tiep_nhan"),
        ("TỜ KHAI ĐĂNG KÝ LẠI KHAI SINH", "to_khai_lai_khai_sinh"),
        ("GIẤY ỦY QUYỀN", "giay_uy_quyen"),
        ("GIẤY UỶ QUYỀN", "giay_uy_quyen"),
        ("TRÍCH LỤC KHAI TỬ (BẢN SAO)", "trich_luc_khai_tu"),
        ("GIẦY PHEP XÂY DƯNG", "giay_phep_xay_dung"),
    ],
)
def test_types_are_told_by_their_names(name: str, key: str) -> None:
    found = paper(page(letterhead("ỦY BAN NHÂN DÂN", "XÃ HẠ HÒA", number=None), title(name)))
    assert value(found, "type") == (key, False)


def test_a_name_that_fits_badly_is_doubtful() -> None:
    found = paper(page(letterhead("ỦY BAN NHÂN DÂN", number=None), title("GIẤY PHÍP XXY DỰXG")))
    assert found.type == "giay_phep_xay_dung"
    assert value(found, "type")[1]


def test_headings_with_a_colon_inside_a_paper_name_nothing() -> None:
    second = page(rows("theo quy định.", top=140), title("QUYẾT ĐỊNH:", top=300), rows("Điều 1. Cho phép."))
    assert [paper.pages for paper in sort(decision(), second).papers] == [(0, 1)]


def test_a_letter_has_only_its_subject() -> None:
    found = paper(
        page(
            letterhead("UBND TỈNH NGHỆ AN", "SỞ NÔNG NGHIỆP VÀ MÔI TRƯỜNG", number="Số: 302/SNNMT-ĐĐ"),
            [
                line(words("V/v xác minh nguồn gốc", 345, centre=450)),
                line(words("sử dụng đất", 380, centre=450)),
            ],
            rows("Kính gửi: Ủy ban nhân dân xã Mường Xén", top=460, centre=880),
        )
    )
    assert (found.type, value(found, "type")[1]) == ("cong_van", False)
    assert value(found, "title") == ("V/v xác minh nguồn gốc sử dụng đất", False)
    assert value(found, "issuer") == ("Sở Nông nghiệp và Môi trường", False)


def test_a_number_apart_from_its_slash_was_written_by_pen_and_so_was_the_day() -> None:
    found = paper(decision(number="Số: 23 /QĐ-UBND"))
    assert value(found, "number") == ("23/QĐ-UBND", True)
    assert value(found, "date") == ("2026-09-08", True)


def test_a_number_left_blank_leaves_the_symbol_as_a_suggestion() -> None:
    found = paper(decision(number="Số: /QĐ-UBND"))
    assert value(found, "number") == ("QĐ-UBND", True)


def test_blue_ink_over_the_number_makes_it_doubtful() -> None:
    read = decision()
    ink = Region(kind=RegionKind.BLUE_INK, box=Box(left=400, top=240, right=600, bottom=290))
    assert value(paper(replace(read, regions=(ink,))), "number") == ("15/QĐ-UBND", True)


def test_a_number_is_claimed_when_two_readings_agree_on_it() -> None:
    assert value(paper(decision(number="Số: 15/QĐ-UBND~0.9")), "number") == ("15/QĐ-UBND", False)
    assert value(paper(decision(number="Số: 15/QĐ-UBND~0.7")), "number") == ("15/QĐ-UBND", True)
    assert value(paper(decision(number="Số: 15/QĐ-UBNB~0.96")), "number")[1]


def test_a_symbol_of_an_office_s_own_is_claimed_on_a_clear_page_only() -> None:
    own = decision(number="Số: 87/GXN-VPOAT")
    assert value(paper(own), "number") == ("87/GXN-VPOAT", False)
    assert value(paper(replace(own, confidence=0.93)), "number") == ("87/GXN-VPOAT", True)


def test_a_lost_slash_is_put_back_as_a_suggestion() -> None:
    assert value(paper(decision(number="Số: 91UBND-XNTTHN")), "number") == ("91/UBND-XNTTHN", True)


def test_an_identity_number_is_no_document_number() -> None:
    form = page(
        rows("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "Độc lập - Tự do - Hạnh phúc", top=140, centre=827),
        title("TỜ KHAI ĐĂNG KÝ KHAI SINH", top=300),
        rows("Số CCCD: 040080001234 cấp ngày 01/7/2021", "Căn cứ Quyết định số 15/QĐ-UBND", top=420),
    )
    assert paper(form).field("number") is None


def test_a_form_is_dated_above_its_signature_even_when_the_year_wraps() -> None:
    heading = rows("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "Độc lập - Tự do - Hạnh phúc", top=140, centre=827)
    plain = page(
        heading,
        title("TỜ KHAI ĐĂNG KÝ KHAI SINH", top=300),
        rows("Ngày sinh: 14/02/2025. Căn cứ Luật ngày 18 tháng 01 năm 2024 của Quốc hội"),
        rows("Hậu Lộc, ngày 14 tháng 02 năm 2025", "Người yêu cầu", top=1500, centre=1250),
    )
    assert value(paper(plain), "date") == ("2025-02-14", False)
    wrapped = page(
        heading,
        title("TỜ KHAI ĐĂNG KÝ KHAI SINH", top=300),
        [
            line(
                words("Đề nghị cấp bản sao: Có", 1500),
                words("Làm tại: Hậu Lộc, ngày 14 tháng 02 năm", 1500, centre=1250),
            ),
            line(words("Số lượng: 03 bản", 1542), words("2025", 1542, centre=1250)),
        ],
    )
    assert value(paper(wrapped), "date") == ("2025-02-14", False)


@pytest.mark.parametrize(
    ("first", "second", "doubtful"),
    [
        ("Hạ Hòa, ngày 08 tháng 9 năm", "2026", False),
        ("Hạ Hòa, ngày 08 tháng 9", "năm 2026", False),
        ("Hạ Hòa, ngày 08", "tháng 9 năm 2026", True),  # the day has no neighbour to show that it is print
    ],
)
def test_a_date_under_the_motto_goes_on_in_the_next_line(first: str, second: str, doubtful: bool) -> None:
    head = letterhead("ỦY BAN NHÂN DÂN", "TỈNH PHÚ THỌ", place=first)
    read = page(head, rows(second, top=295, centre=1190), title("QUYẾT ĐỊNH"), rows("Điều 1. Công nhận."))
    assert value(paper(read), "date") == ("2026-09-08", doubtful)
    apart = page(head, rows(second, top=520, centre=1190), title("QUYẾT ĐỊNH"), rows("Điều 1. Công nhận."))
    assert paper(apart).field("date") is None, "what stands far below is no part of it"


def test_two_dates_above_signatures_are_for_a_person() -> None:
    form = page(
        rows("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "Độc lập - Tự do - Hạnh phúc", top=140, centre=827),
        title("ĐƠN ĐỀ NGHỊ TÁCH THỬA ĐẤT, HỢP THỬA ĐẤT", top=300),
        rows("Hậu Lộc, ngày 14 tháng 02 năm 2025", top=1200, centre=1250),
        rows("Hậu Lộc, ngày 20 tháng 02 năm 2025", top=1700, centre=1250),
    )
    assert value(paper(form), "date") == ("2025-02-14", True)


def test_a_contract_begins_with_its_date() -> None:
    contract = page(
        rows("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "Độc lập - Tự do - Hạnh phúc", top=140, centre=827),
        title("HỢP ĐỒNG TẶNG CHO QUYỀN SỬ DỤNG ĐẤT", "Số công chứng: 506/HĐTC, quyển số 03/2025", top=300),
        rows("Hôm nay, ngày 22 tháng 05 năm 2025, tại Văn phòng công chứng, chúng tôi gồm có:"),
    )
    assert value(paper(contract), "date") == ("2025-05-22", False)
    assert value(paper(contract), "number") == ("506/HĐTC", False)


def test_a_taller_day_is_by_pen() -> None:
    read = decision()
    lines = []
    for item in read.lines:
        found = tuple(
            replace(
                word,
                confidence=0.92,
                box=replace(word.box, top=word.box.top - 14, bottom=word.box.bottom + 6),
            )
            if word.text == "08"
            else word
            for word in item.words
        )
        lines.append(replace(item, words=found))
    assert value(paper(replace(read, lines=tuple(lines))), "date") == ("2026-09-08", True)


def test_a_stamp_in_the_margin_does_not_cut_the_abstract() -> None:
    read = decision()
    stamp = line(words("CÔNG VĂN ĐẾN", 425, x=90, confidence=0.4))
    found = paper(replace(read, lines=(*read.lines[:5], stamp, *read.lines[5:])))
    assert value(found, "title")[0] == "Về việc cho phép chuyển mục đích sử dụng đất"


def test_the_signer_stands_under_the_position() -> None:
    read = page(
        letterhead("ỦY BAN NHÂN DÂN", "TỈNH PHÚ THỌ"),
        title("QUYẾT ĐỊNH", "Về việc cho phép"),
        rows("Điều 1. Cho phép."),
        rows("KT. CHỦ TỊCH", "PHÓ CHỦ TỊCH", top=1500, centre=1250),
        rows("Phan Văn Tài", top=1720, centre=1250),
    )
    assert value(paper(read), "signer") == ("Phan Văn Tài", False)


def test_a_paper_cited_in_the_body_lends_no_number() -> None:
    read = page(
        letterhead("ỦY BAN NHÂN DÂN", "XÃ HẠ HÒA", number=None),
        title("GIẤY PHÉP XÂY DỰNG"),
        rows("Số 118/2025/NĐ-CP ngày 09 tháng 6 năm 2025 của Chính phủ", top=700),
        rows("số 119/2025/NĐ-CP", top=430),
    )
    assert paper(read).field("number") is None


def test_a_name_cut_short_or_run_together_is_doubtful() -> None:
    for rows_of_agency in (("ỦY BAN NHÂN DÂN",), ("ỦY BAN NHÂN DÂN", "TỈNH HÒABÌNHX")):
        assert value(paper(page(letterhead(*rows_of_agency), title("QUYẾT ĐỊNH"))), "issuer")[1]


def test_a_day_beside_a_number_that_is_lost_is_doubtful() -> None:
    read = page(letterhead("ỦY BAN NHÂN DÂN", "TỈNH PHÚ THỌ", number=None), title("QUYẾT ĐỊNH"))
    assert value(paper(read), "date") == ("2026-09-08", True)


def test_a_single_figure_where_the_decree_has_two_must_be_read_beyond_doubt() -> None:
    for place, doubtful in (
        ("Hạ Hòa, ngày 14 tháng 1~0.9 năm 2026", True),
        ("Hạ Hòa, ngày 14 tháng 9~0.9 năm 2026", False),
        ("Hạ Hòa, ngày 14 tháng 1 năm 2026", False),
    ):
        read = page(letterhead("ỦY BAN NHÂN DÂN", "TỈNH PHÚ THỌ", place=place), title("QUYẾT ĐỊNH"))
        assert value(paper(read), "date")[1] is doubtful


def test_an_abstract_goes_on_across_the_gap_and_the_letters_of_a_seal() -> None:
    head = letterhead("ỦY BAN NHÂN DÂN", "TỈNH PHÚ THỌ", number="Số: 15/CT-UBND")
    parted = line(
        words("Về việc tăng cường các biện pháp", 420, x=420), words("bảo đảm an toàn giao", 420, x=905)
    )
    sealed = line(words("BẢO~0.4 tTht~0.1 Về việc tăng cường các biện pháp", 420, x=520))
    rest = title("thông trên địa bàn tỉnh", top=460)
    told = value(paper(page(head, title("CHỈ THỊ"), [parted], rest)), "title")
    assert told[0] == "Về việc tăng cường các biện pháp bảo đảm an toàn giao thông trên địa bàn tỉnh"
    told = value(paper(page(head, title("CHỈ THỊ"), [sealed], rest)), "title")
    assert told[0] == "Về việc tăng cường các biện pháp thông trên địa bàn tỉnh"
