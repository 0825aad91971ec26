"""Reading order and what is no word."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ocr.layout import around, tidy, without_rules
from pipeline.model import Box, Line, Word


def line(top: int, *places: tuple[int, str], confidence: float = 0.95) -> Line:
    """Words at their left edges, 14 pixels a letter, 26 high; a phrase is parted at its spaces."""
    words = []
    for left, phrase in places:
        x = left
        for text in phrase.split():
            width = 14 * len(text)
            words.append(
                Word(
                    text=text,
                    box=Box(left=x, top=top, right=x + width, bottom=top + 26),
                    confidence=confidence,
                )
            )
            x += width + 8
    return Line(words=tuple(words), box=around(words))


def test_letterhead_reads_left_block_then_right_block() -> None:
    lines = [
        line(100, (200, "TỈNH LÀO CAI"), (700, "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT")),
        line(140, (150, "ỦY BAN NHÂN DÂN"), (900, "NAM")),
        line(180, (150, "Số: 139/UBND"), (760, "Độc lập - Tự do - Hạnh phúc")),
        line(220, (760, "Văn Bàn, ngày 28 tháng 02 năm 2022")),
        line(300, (300, "GIẤY XÁC NHẬN TÌNH TRẠNG HÔN NHÂN")),
        line(350, (150, "Xét đề nghị của ông Lý A Sình về việc xác nhận tình trạng hôn nhân")),
    ]
    read = tidy(lines)
    assert [row.text for row in read] == [
        "TỈNH LÀO CAI",
        "ỦY BAN NHÂN DÂN",
        "Số: 139/UBND",
        "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT",
        "NAM",
        "Độc lập - Tự do - Hạnh phúc",
        "Văn Bàn, ngày 28 tháng 02 năm 2022",
        "GIẤY XÁC NHẬN TÌNH TRẠNG HÔN NHÂN",
        "Xét đề nghị của ông Lý A Sình về việc xác nhận tình trạng hôn nhân",
    ]
    assert read[0].block != read[3].block
    assert read[0].box.right < read[3].box.left


def test_receivers_stand_apart_from_the_signature() -> None:
    lines = [
        line(100, (150, "Nơi nhận:"), (900, "KT. CHỦ TỊCH")),
        line(140, (150, "- Như trên;"), (900, "PHÓ CHỦ TỊCH")),
        line(180, (150, "- Lưu: VT.")),
    ]
    assert [row.text for row in tidy(lines)] == [
        "Nơi nhận:", "- Như trên;", "- Lưu: VT.", "KT. CHỦ TỊCH", "PHÓ CHỦ TỊCH",
    ]  # fmt: skip


def test_table_is_read_row_by_row() -> None:
    lines = [
        line(100, (150, "STT"), (250, "Tên giấy tờ"), (900, "Số lượng")),
        line(140, (150, "1"), (250, "Đơn đề nghị"), (900, "01")),
        line(180, (150, "2"), (250, "Giấy khai sinh"), (900, "02")),
    ]
    assert [row.text for row in tidy(lines)] == [row.text for row in lines]
    two = [line(100, (150, "Đơn"), (600, "01 bản")), line(140, (150, "Tờ khai"), (600, "02 bản"))]
    assert [row.text for row in tidy(two)] == ["Đơn 01 bản", "Tờ khai 02 bản"]


@pytest.mark.parametrize(
    ("read", "kept"),
    [("|01", "01"), ("[01", "01"), ("02|", "02"), ("[1]", "[1]"), ("09/ĐK)", "09/ĐK)"), ("||", "")],
)
def test_bars_of_tables_are_no_letters(read: str, kept: str) -> None:
    assert without_rules(read) == kept


def test_dirt_is_no_word() -> None:
    assert tidy([line(100, (150, "rhẮẲẰằ=—=———"), confidence=0.05)]) == ()
    assert [r.text for r in tidy([line(100, (150, "Hạnh phúc . ˆ"))])] == ["Hạnh phúc"]
    assert [r.text for r in tidy([line(100, (150, "Độc lập - Tự do"))])] == ["Độc lập - Tự do"]


def test_each_word_stands_once() -> None:
    lines = [line(100, (200, "TỈNH A"), (700, "CỘNG HÒA XÃ HỘI")), line(140, (200, "SỞ B"), (760, "Độc lập"))]
    words = sorted(word.text for row in tidy(lines) for word in row.words)
    assert words == sorted(word.text for row in lines for word in row.words)


def test_a_pair_of_brackets_in_a_line_is_print() -> None:
    (kept,) = tidy([line(100, (150, "[Thông tin chung] |"), (600, "[01"))])
    assert kept.text == "[Thông tin chung] [01"
    (alone,) = tidy([line(100, (150, "[Thông tin"), (600, "|01"))])
    assert alone.text == "Thông tin 01"


def test_a_number_close_to_its_label_is_a_word_of_its_own() -> None:
    (row,) = tidy([line(100, (150, "Số:04/CT-UBND"))])
    assert [word.text for word in row.words] == ["Số:", "04/CT-UBND"]
    assert row.words[0].box.right == row.words[1].box.left < row.words[1].box.right


def test_an_apostrophe_of_a_ruling_is_none_and_a_printed_one_stays() -> None:
    (row,) = tidy([line(100, (150, "'Thửa số N'Thol Hạ"))])
    assert row.text == "Thửa số N'Thol Hạ"
    (row,) = tidy([line(100, (150, "gọi là 'một cửa' từ nay"))])
    assert row.text == "gọi là 'một cửa' từ nay"


def test_a_blank_for_the_pen_does_not_join_the_number_to_the_date() -> None:
    lines = [
        line(100, (150, "ỦY BAN NHÂN DÂN"), (700, "CỘNG HÒA XÃ HỘI CHỦ NGHĨA")),
        line(140, (150, "Số:"), (260, "/TTr-UBND"), (700, "Lào Cai, ngày"), (930, "tháng 02 năm 2025")),
        line(180, (600, "TỜ TRÌNH")),
    ]
    assert [row.text for row in tidy(lines)] == [
        "ỦY BAN NHÂN DÂN", "Số: /TTr-UBND",
        "CỘNG HÒA XÃ HỘI CHỦ NGHĨA", "Lào Cai, ngày tháng 02 năm 2025",
        "TỜ TRÌNH",
    ]  # fmt: skip


def test_a_long_receiver_stays_whole_and_what_a_pen_left_does_not_end_the_columns() -> None:
    lines = [
        line(100, (150, "Nơi nhận:"), (1100, "TM. ỦY BAN")),
        line(140, (150, "- Văn phòng Đoàn đại biểu Quốc hội và hội đồng tỉnh;")),
        line(180, (150, "- Các Sở;"), (1100, "Zo"), (1200, "k")),
        line(220, (150, "- Lưu: VT."), (1100, "Lý A Sình")),
    ]
    assert [row.text for row in tidy(lines)] == [
        "Nơi nhận:", "- Văn phòng Đoàn đại biểu Quốc hội và hội đồng tỉnh;", "- Các Sở;", "- Lưu: VT.",
        "TM. ỦY BAN", "Zo k", "Lý A Sình",
    ]  # fmt: skip


def unsure(text: str, height: int) -> Line:
    """A line of print whose first word is hardly believed and so high."""
    row = line(100, (150, f"{text} việc tăng cường công tác phòng"))
    first = row.words[0]
    odd = replace(first, confidence=0.05, box=replace(first.box, bottom=first.box.top + height))
    return replace(row, words=(odd, *row.words[1:]))


def test_an_unsure_word_as_high_as_its_line_is_print_and_a_speck_is_not() -> None:
    assert tidy([unsure("Về", 27)])[0].text == "Về việc tăng cường công tác phòng"
    for speck in (unsure("Về", 14), unsure("Ẻ", 26), unsure("„b)", 26)):
        assert tidy([speck])[0].text == "việc tăng cường công tác phòng"


def test_the_slash_of_fractions_is_the_slash_of_papers() -> None:
    (row,) = tidy([line(100, (150, "Số: 475\u2044QĐ-UBND"))])
    assert row.text == "Số: 475/QĐ-UBND"
