"""Names of agencies in ordinary case, as Nghị định 30/2020/NĐ-CP writes them in running text."""

from __future__ import annotations

import pytest

from pipeline.grammar.agencies import is_parent, ordinary_case


@pytest.mark.parametrize(
    ("printed", "name"),
    [
        ("ỦY BAN NHÂN DÂN TỈNH QUẢNG NGÃI", "Ủy ban nhân dân tỉnh Quảng Ngãi"),
        ("UỶ BAN NHÂN DÂN XÃ MÔNG HOÁ", "Ủy ban nhân dân xã Mông Hoá"),
        ("ỦY BANNHÂN DÂN TINH QUANG NGAI", "Ủy ban nhân dân tỉnh Quảng Ngãi"),
        ("ỦY BAN NHÂN DÂN VĂN BÀN", "Ủy ban nhân dân Văn Bàn"),
        ("SỞ TÀI NGUYÊN VÀ MÔI TRƯỜNG", "Sở Tài nguyên và Môi trường"),
        ("SỞ NÔNG NGHIỆP VÀ MÔI TRƯỜNG TỈNH NGHỆ AN", "Sở Nông nghiệp và Môi trường tỉnh Nghệ An"),
        ("BỘ PHẬN TIẾP NHẬN VÀ TRẢ KẾT QUẢ", "Bộ phận tiếp nhận và trả kết quả"),
        ("TRUNG TÂM PHỤC VỤ HÀNH CHÍNH CÔNG", "Trung tâm Phục vụ hành chính công"),
        ("UBND XÃ MƯỜNG XÉN", "UBND xã Mường Xén"),
        ("CÔNG AN XÃ HẬU LỘC", "Công an xã Hậu Lộc"),
        ("HỘI ĐỒNG NHÂN DÂN THÀNH PHỐ CẦN THƠ", "Hội đồng nhân dân thành phố Cần Thơ"),
        ("SỞ Y TẾ HẢI PHÒNG", "Sở Y tế Hải Phòng"),
        ("BỆNH VIỆN PHỤ SẢN", "Bệnh viện Phụ sản"),
        ("Văn phòng Công chứng số 1", "Văn phòng Công chứng số 1"),
    ],
)
def test_capitals_become_the_ordinary_name(printed: str, name: str) -> None:
    assert ordinary_case(printed) == name


@pytest.mark.parametrize(
    ("first", "second", "parent"),
    [
        ("UBND TỈNH NGHỆ AN", "SỞ TƯ PHÁP", True),
        ("TỈNH LÀO CAI", "ỦY BAN NHÂN DÂN XÃ VĂN BÀN", True),
        ("UỶ BAN NHÂN DÂN TỈNH A", "SỞ Y TẾ", True),
        ("SỞ Y TẾ HẢI PHÒNG", "BỆNH VIỆN PHỤ SẢN", True),
        ("BỘ CÔNG AN", "CÔNG AN TỈNH A", True),
        ("ỦY BAN NHÂN DÂN", "TỈNH PHÚ THỌ", False),
        ("ỦY BAN NHÂN DÂN TỈNH HẢI", "PHÒNG", False),
        ("TRUNG TÂM PHỤC VỤ", "HÀNH CHÍNH CÔNG", False),
        ("SỞ NÔNG NGHIỆP VÀ", "MÔI TRƯỜNG", False),
    ],
)
def test_the_agency_above_is_told_from_a_name_in_two_lines(first: str, second: str, parent: bool) -> None:
    assert is_parent(first, second) is parent
