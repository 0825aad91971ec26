"""Text of the years before Unicode is turned into it letter by letter; Unicode and other languages stay as they are."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.grammar.codes import find_dossier_codes
from pipeline.grammar.folding import fold, nfc
from pipeline.grammar.legacy_codes import (
    TCVN3,
    VNI,
    LegacyCode,
    code_of,
    decode,
    is_syllable,
    known_letters,
    to_unicode,
)
from pipeline.grammar.numbers import find_number

SMALL = "aàảãáạăằẳẵắặâầẩẫấậđeèẻẽéẹêềểễếệiìỉĩíịoòỏõóọôồổỗốộơờởỡớợuùủũúụưừửữứựyỳỷỹýỵ"
EVERY = SMALL + SMALL.upper()
PROSE = (
    "Căn cứ Luật Tổ chức chính quyền địa phương ngày 19 tháng 6 năm 2015",
    "Ủy ban nhân dân tỉnh Phú Thọ quyết định phê duyệt quy hoạch chi tiết",
    "Sở Nông nghiệp và Phát triển nông thôn đề nghị hỗ trợ thuỷ lợi",
    "Người được ủy quyền ký nhận kết quả giải quyết thủ tục hành chính",
)
SYLLABLES = st.sampled_from(sorted({w for text in PROSE for w in text.lower().split() if w.isalpha()}))


def encode(text: str, code: LegacyCode) -> str:
    """What a program that knows nothing of the font shows of the text; TCVN3 has small letters with tones only."""
    table = TCVN3 if code is LegacyCode.TCVN3 else VNI
    back = {letter: sign for sign, letter in table.items()}
    return "".join(back.get(sign, back.get(sign.lower(), sign)) for sign in nfc(text))


def test_each_letter_of_vietnamese_has_its_place_in_both_codes() -> None:
    marked = {sign for sign in SMALL if not sign.isascii()}
    assert {letter.lower() for letter in TCVN3.values()} == marked == {one.lower() for one in VNI.values()}
    assert len(set(VNI.values())) == len(VNI) == 2 * len(marked)
    assert len(set(TCVN3.values())) == len(TCVN3) == len(marked) + 7
    assert set(known_letters()) == {sign for sign in EVERY if not sign.isascii()}


@pytest.mark.parametrize(
    ("code", "legacy", "text"),
    [
        (LegacyCode.TCVN3, "Céng hoµ x· héi chñ nghÜa ViÖt Nam", "Cộng hoà xã hội chủ nghĩa Việt Nam"),
        (LegacyCode.TCVN3, "§éc lËp - Tù do - H¹nh phóc", "Độc lập - Tự do - Hạnh phúc"),
        (LegacyCode.VNI, "Coäng hoøa xaõ hoäi chuû nghóa Vieät Nam", "Cộng hòa xã hội chủ nghĩa Việt Nam"),
        (LegacyCode.VNI, "ÑOÄC LAÄP - TÖÏ DO - HAÏNH PHUÙC", "ĐỘC LẬP - TỰ DO - HẠNH PHÚC"),
    ],
)
def test_the_motto_as_it_stands_in_old_files(code: LegacyCode, legacy: str, text: str) -> None:
    assert to_unicode(legacy).text == text and to_unicode(legacy).code is code


@given(st.text(alphabet=SMALL + "bcdghklmnpqrstvx0123456789 .,:/-"))
def test_tcvn3_there_and_back(text: str) -> None:
    assert decode(encode(text, LegacyCode.TCVN3), LegacyCode.TCVN3) == nfc(text)


@given(st.lists(st.sampled_from([*EVERY, *"bcdghklmnpqrstvxBCDG 0123/-"])))
def test_vni_there_and_back(signs: list[str]) -> None:
    text = "".join(signs)
    assert decode(encode(text, LegacyCode.VNI), LegacyCode.VNI) == nfc(text)


@given(st.lists(SYLLABLES, min_size=8, max_size=30), st.sampled_from(list(LegacyCode)))
def test_prose_is_recognised_in_its_code(words: list[str], code: LegacyCode) -> None:
    text = " ".join(words)
    turned = to_unicode(encode(text, code))
    if turned.code is None:  # too little to tell, and then nothing is touched
        assert turned.text == nfc(encode(text, code))
    else:
        assert (turned.code, turned.text) == (code, text)


@pytest.mark.parametrize("code", list(LegacyCode))
@pytest.mark.parametrize("text", PROSE)
def test_a_line_is_enough(text: str, code: LegacyCode) -> None:
    turned = to_unicode(encode(text.lower(), code))
    assert (turned.code, turned.text) == (code, text.lower())


@given(st.lists(SYLLABLES, max_size=30), st.sampled_from(["NFC", "NFD"]))
def test_unicode_is_never_turned(words: list[str], form: str) -> None:
    text = unicodedata.normalize(form, " ".join(words))  # type: ignore[arg-type]
    assert to_unicode(text).code is None and to_unicode(text).text == nfc(text)


@pytest.mark.parametrize("text", [*PROSE, *(unicodedata.normalize("NFD", one) for one in PROSE)])
def test_prose_in_unicode_is_never_turned(text: str) -> None:
    assert code_of(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "Société Générale, siège social à Paris, créée en 1864",
        "Größe, Übung, Straße, Verkäufer, möglich",
        "São Paulo, São João, informações, ação, não",
        "El niño, la señora, mañana, corazón, después",
        "Smörgåsbord på svenska, räksmörgås, älg, ö, å",
        "120 m² × 3 ÷ 2 = 180 ± 5 µm §4 ®",
        "Tòa án, hòa giải, lò cò, tóc, bó tay",  # the Vietnamese letters that Latin-1 has as well
        "Bà là cô, má và bé; hòa nhé",
        "plain text",
        "",
    ],
)
def test_other_languages_and_signs_stay(text: str) -> None:
    assert code_of(text) is None and to_unicode(text).text == nfc(text)


@pytest.mark.parametrize(
    "word",
    [
        "quyết",
        "nghiêng",
        "ủy",
        "đường",
        "khuya",
        "yêu",
        "gìn",
        "hoặc",
        "thuở",
        "rượu",
        "hòa",
        "hoà",
        "mía",
        "chúa",
        "giữa",
        "gì",
        "giếng",
        "quý",
        "khoẻ",
        "ngoằn",
        "xoong",
        "tuyết",
        "khuỷu",
        "ngoái",
        "chuối",
        "nguây",
        "quang",
        "yếu",
        "thuế",
    ],
)
def test_syllables(word: str) -> None:
    assert is_syllable(word) and is_syllable(word.upper())


@pytest.mark.parametrize(
    "word", ["quyõt", "zò", "bcd", "sociộtộ", "hat", "àà", "²", "gnràm", "maõ", "soỏ", "teõn", "xaừ"]
)
def test_no_syllables(word: str) -> None:
    assert not is_syllable(word)


@pytest.mark.parametrize("text", ["15/QÐ-UBND", "15/QĐ-UBND", unicodedata.normalize("NFD", "15/QĐ-UBND")])
def test_a_number_is_the_same_with_every_sign_for_its_letter(text: str) -> None:
    found = find_number(f"Số: {text}")
    assert found is not None and found.text == "15/QĐ-UBND"


@pytest.mark.parametrize(
    "text", ["Ðường Ðê Ðiều", "Đường Đê Điều", unicodedata.normalize("NFD", "Đường Đê Điều")]
)
def test_words_are_found_with_every_sign_for_their_letter(text: str) -> None:
    assert fold(text) == "duong de dieu" and fold(text.swapcase()) == "duong de dieu"
    assert nfc(text) == "Đường Đê Điều"


@pytest.mark.parametrize("sign", ["-", "–", "‑"])
def test_a_dossier_code_is_the_same_decomposed_and_with_other_dashes(sign: str) -> None:
    text = unicodedata.normalize("NFD", f"Mã hồ sơ: 000.12.08.H44{sign}260907{sign}0101")
    (found,) = find_dossier_codes(text)
    assert found.code.text == "000.12.08.H44-260907-0101"
