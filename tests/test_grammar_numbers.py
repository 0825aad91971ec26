"""Numbers and symbols of documents (Nghị định 30/2020/NĐ-CP Phụ lục III)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.grammar.numbers import ABBREVIATIONS, KNOWN_PARTS, find_number, parse_number, symbol_of

numbers = st.integers(1, 99999).map(lambda n: f"{n:02d}")
parts = st.sampled_from(sorted(part for part in KNOWN_PARTS if part[0].isupper()))
symbols = st.builds(
    lambda kind, rest: "-".join([kind, *rest]),
    st.sampled_from(sorted(ABBREVIATIONS)),
    st.lists(parts, min_size=1, max_size=2),
)


@given(numbers, symbols)
def test_a_number_comes_back_as_it_was_written(number: str, symbol: str) -> None:
    found = parse_number(f"{number}/{symbol}")
    assert found is not None
    assert found.text == f"{number}/{symbol}"
    assert found.familiar
    assert found.kind == ABBREVIATIONS[symbol.split("-")[0]]


@given(numbers, symbols, st.sampled_from([" ", ""]), st.sampled_from("-–—"))
def test_spaces_and_dashes_are_made_plain(number: str, symbol: str, space: str, dash: str) -> None:
    loose = f"Số: {number}{space}/{space}{symbol.replace('-', f'{space}{dash}{space}')}"
    found = find_number(loose)
    assert found is not None and found.text == f"{number}/{symbol}"


@given(numbers, symbols)
def test_no_digit_of_the_number_is_changed(number: str, symbol: str) -> None:
    found = find_number(f"Số {number}/{symbol},")
    assert found is not None and found.number == number


@given(st.text(max_size=60))
def test_any_text_is_read_without_harm(text: str) -> None:
    find_number(text)
    symbol_of(text)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("Số: 04/CT-UBND", "04/CT-UBND"),
        ("Số: 24/TTr -UBND", "24/TTr-UBND"),
        ("Số: 20/2020/QĐ-TTg", "20/2020/QĐ-TTg"),
        ("Số:  12/UBND-VX", "12/UBND-VX"),
        ("157/ QĐ-NĐ-UB", "157/QĐ-NĐ-UB"),
        ("Số: 15/QD-UBND", "15/QĐ-UBND"),
    ],
)
def test_numbers_as_papers_print_them(text: str, number: str) -> None:
    found = find_number(text)
    assert found is not None and found.text == number


def test_a_misread_symbol_is_not_usual() -> None:
    misread = find_number("1720/UBND-KSTTHG")
    assert misread is not None and not misread.familiar and not misread.usual
    own = find_number("12/UBND-XQZW")
    assert own is not None and not own.familiar and own.usual
    cut = find_number("1092/T")
    assert cut is not None and not cut.familiar and not cut.usual


@pytest.mark.parametrize(
    ("read", "symbol"),
    [
        ("86/QĐĐ-UBND", "QĐ-UBND"),
        ("86/QĐĐĐ-UBND", "QĐ-UBND"),
        ("12/HĐĐC-VP", "HĐĐC-VP"),  # a kind of contract
        ("7/ĐĐBQH-VP", "ĐĐBQH-VP"),  # no kind, and ĐBQH is none either
        ("7/ĐĐ", "ĐĐ"),
    ],
)
def test_a_stroke_that_was_read_twice_is_one_letter(read: str, symbol: str) -> None:
    found = find_number(read)
    assert found is not None and found.symbol == symbol
