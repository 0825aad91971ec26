"""Tone marks are mended inside fixed phrases; digits, codes and names never."""

from __future__ import annotations

import pytest

from ocr.layout import around
from ocr.phrases import MENDED, attested, mend, pairs
from pipeline.grammar.folding import fold, nfc
from pipeline.model import Box, Line, Word


def mended(text: str, confidence: float = 0.97) -> Line:
    words = tuple(
        Word(text=part, box=Box(left=50 * n, top=0, right=50 * n + 40, bottom=20), confidence=confidence)
        for n, part in enumerate(text.split())
    )
    return mend([Line(words=words, box=around(words))])[0]


@pytest.mark.parametrize(
    ("read", "meant"),
    [
        ("hợp đồng chuyến nhượng", "hợp đồng chuyển nhượng"),
        ("được sửa đối, bố sung", "được sửa đổi, bổ sung"),
        ("kế từ ngày ký", "kể từ ngày ký"),
        ("VÀ HẸN TRẢ KẾT QUÁ", "VÀ HẸN TRẢ KẾT QUẢ"),
        ("Chuyến nhượng cho bên B", "Chuyển nhượng cho bên B"),
    ],
)
def test_marks_are_mended(read: str, meant: str) -> None:
    assert mended(read).text == meant


@pytest.mark.parametrize(
    "text",
    [
        "xã Văn Bàn, tỉnh Lào Cai",  # a place, not văn bản
        "UBND VĂN BÀN",
        "bà Bố Sung",
        "số 15, đường số 3",
        "000.12.08.H44-260907-0101",
        "1720/UBND-KSTTHC",
        "cái bàn chính giữa phòng",
        "đối diện chợ",
        "kế toán trưởng",
        "Số tài khoản của bên A",
        "Nhân viên của công ty",
        "văn hóa, xã hội",
        "sự cố liên quan",
        "cơ sở dự bị đại học",
    ],
)
def test_right_text_stays(text: str) -> None:
    line = mended(text)
    assert line.text == text
    assert all(word.confidence == 0.97 for word in line.words)


def test_a_mended_word_is_not_sure() -> None:
    first, second = mended("chuyến nhượng").words
    assert (first.confidence, second.confidence) == (MENDED, 0.97)


def test_a_sure_word_asks_for_more_than_a_pair() -> None:
    assert mended("trả kết quá cho dân").text == "trả kết quả cho dân"
    assert mended("hồ sơ địa chỉnh").text == "hồ sơ địa chính"
    assert mended("thửa địa chỉnh", 0.97).text == "thửa địa chỉnh"
    assert mended("thửa địa chỉnh", 0.6).text == "thửa địa chính"


def test_an_attested_pair_stands_however_unsure() -> None:
    for text in ("số tài sản", "nghĩa vụ tại ngũ", "xử lý đồ vật"):
        assert mended(text, 0.5).text == text


def test_only_marks_ever_change() -> None:
    for text in ("hợp đông chuyên nhượng số 12/2023", "QUYÊN SỬ DUNG ĐẤT 240,5 m2", "ho so dia chinh"):
        assert fold(mended(text).text) == fold(text)


def test_phrase_list_is_sound() -> None:
    assert len(pairs()) > 300
    for key, spellings in pairs().items():
        for pair in spellings:
            assert tuple(map(fold, pair)) == key
            assert all(nfc(part) == part and part.isalpha() for part in pair)


def test_attested_pairs_are_sound() -> None:
    assert not attested() & {pair for spellings in pairs().values() for pair in spellings}
    assert all(len(pair) == 2 and all(nfc(part) == part for part in pair) for pair in attested())


def test_titles_are_mended_in_capitals_only() -> None:
    assert mended("CHỦ TICH").text == "CHỦ TỊCH"
    assert mended("KẾ HOACH").text == "KẾ HOẠCH"
    assert mended("có chứng chỉ thì được").text == "có chứng chỉ thì được"
    assert mended("VĂN BÀN").text == "VĂN BÀN"
    assert mended("chi tiết; chỉ phí phát sinh").text == "chi tiết; chi phí phát sinh"
