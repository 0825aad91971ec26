"""Names of persons: what can be one, and what is surely written as one.

OCR loses or changes diacritics, and `NGUYÊN` is as good a word as `NGUYỄN`. Surnames are few, so there the right
spelling is known; what stands behind them has only confidence, and a second place that agrees.
"""

from __future__ import annotations

import re
import unicodedata

from pipeline.grammar.folding import compact, fold, nfc, one_tone_style

MOST_WORDS, LONGEST_WORD = 6, 7
_SURNAMES = """
    Nguyễn Trần Lê Phạm Huỳnh Hoàng Phan Vũ Võ Đặng Bùi Đỗ Hồ Ngô Dương Lý Đào Đinh Lâm Hà Lương Trương Mai Tô Trịnh
    Đoàn Cao Thái Tạ Châu Quách Phùng Vương Lưu Nghiêm Kiều Lò Lô Lù Lữ Lư Vàng Sùng Giàng Giang Thào Mã Ma Hầu Cù Cư
    Quàng Cà Tòng Tống Lục Nông Bế Hứa Triệu Đàm Khuất La Lã Phí Thạch Kim Danh Sơn Chu Đậu Ông Tăng Tôn Nhan Âu Vi
    Hoa Diệp Giáp Lại Thân Thiều Tiêu Bạch Ninh Doãn Dư Đồng Hàn Hạ Khổng Khúc Lỗ Mạc Mạch Ngụy Nhâm Nhữ Ong Phó Phù
    Quang Sầm Sái Tào Thi Thang Từ Tưởng Ưng Viên Văn Vòng Xa Yên Bàn Cầm Cháng Chảo Chẻo Cứ Đèo Điêu Hoà Hờ Lầu Ly
    Lèng Liêu Lường Phàn Phàng Sìn Tải Tẩn Thàng Thò Tráng Vừ Xồng
"""
SURNAMES: frozenset[str] = frozenset(one_tone_style(name).lower() for name in _SURNAMES.split())
_WORD = re.compile(r"[^\W\d_]+")
_VOWELS = set("aeiouy")
_WORDS = """
    ubnd uy ban nhan dan so phong cong ty trung tam van xa phuong huyen tinh thanh pho chi nhanh ho giay chung can cuoc
    quoc tich viet nam toc kinh gioi sinh ngay ong ba chu ten dem
"""
_NO_NAME = frozenset(_WORDS.split())


def name_in(text: str) -> str | None:
    """The name that `text` is, white space as single spaces; None when it cannot be one.

    Two to six words of letters, each beginning with a capital and holding a vowel.
    """
    words = nfc(text).split()
    if not 2 <= len(words) <= MOST_WORDS:
        return None
    if not all(_WORD.fullmatch(word) and word[0].isupper() and len(word) <= LONGEST_WORD for word in words):
        return None
    if not all(word.isupper() or word[1:].islower() or len(word) == 1 for word in words):
        return None
    if not all(_VOWELS & set(fold(word)) for word in words):
        return None
    folded = [fold(word) for word in words]
    if sum(word in _NO_NAME for word in folded[:2]) == 2:
        return None
    return " ".join(words)


def well_spelled(name: str) -> bool:
    """Whether a name begins with a surname that exists as it is spelled, and `Thị` has its dot."""
    words = [one_tone_style(word).lower() for word in unicodedata.normalize("NFC", name).split()]
    return words[0] in SURNAMES and all(word == "thị" for word in words[1:-1] if fold(word) == "thi")


def same_name(one: str, other: str, *, letters: bool = True) -> bool:
    """Whether two names are written alike, capitals and tone style aside; without `letters`, diacritics too."""
    if letters:
        return one_tone_style(one).lower() == one_tone_style(other).lower()
    return compact(one) == compact(other)
