"""Dates as Vietnamese papers write them: always day, month, year."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.grammar.dates import find_dates, parse_date

days = st.dates(min_value=date(1946, 1, 1), max_value=date(2099, 12, 31))


@given(days)
def test_words_and_figures_say_the_same_day(day: date) -> None:
    assert parse_date(f"ngày {day:%d} tháng {day:%m} năm {day.year}") == day
    assert parse_date(f"ngày {day.day} tháng {day.month} năm {day.year}") == day
    assert parse_date(f"{day:%d/%m}/{day.year}") == day
    assert parse_date(f"{day.day} / {day.month}/ {day.year}") == day


@given(days)
def test_the_day_comes_first(day: date) -> None:
    found = parse_date(f"{day:%d/%m}/{day.year}")
    assert found is not None and (found.day, found.month) == (day.day, day.month)


@given(days, st.text(" abcđê,.", max_size=20))
def test_a_date_is_found_where_it_stands(day: date, before: str) -> None:
    text = f"{before} Hạ Hòa, ngày {day:%d} tháng {day:%m} năm {day.year}"
    (found,) = [item for item in find_dates(text) if item.in_words]
    assert found.value == day and found.clean
    assert text[slice(*found.day)].strip() == f"{day:%d}"
    assert text[slice(*found.year)].strip() == str(day.year)


@given(st.text(max_size=60))
def test_any_text_is_read_without_harm(text: str) -> None:
    find_dates(text)


@pytest.mark.parametrize(
    ("text", "value", "clean"),
    [
        ("ngày tháng 3 năm 2024", None, False),
        ("ngày 2 thángØŸ năm 2021", None, False),
        ("ngày 05 HINH 08 năm 2023", date(2023, 8, 5), True),
        ("ngày 06 03 năm 2025", date(2025, 3, 6), True),
        ("ngày 6 3 năm 2025", None, False),
        ("ngày l4 tháng O2 năm 2025", date(2025, 2, 14), False),
        ("ngày 31 tháng 02 năm 2025", None, False),
        ("ngày 17 tháng 11 năm 2902", None, False),
    ],
)
def test_what_cannot_be_read_is_not_made_up(text: str, value: date | None, clean: bool) -> None:
    found = find_dates(text)
    assert (found[0].value if found else None) == value
    assert (found[0].clean if found else False) is clean


@pytest.mark.parametrize("word", ["ngày", "ngàv", "ngàu", "NGÀY", "ngaỳ", "ngùy"])
def test_the_word_before_the_day_may_be_misread_and_the_figures_stand(word: str) -> None:
    (found,) = find_dates(f"Tiên Yên, {word} 16 tháng 12 năm 2023")
    assert found.value == date(2023, 12, 16) and found.clean
