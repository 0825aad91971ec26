"""Dossier codes: both forms, round trips, and repair only in slots of digits."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from pipeline.grammar.codes import CodeForm, find_dossier_codes, parse_dossier_code
from pipeline.grammar.provinces import PROVINCES, one_province, provinces_named

TODAY = date(2026, 10, 1)
digits = st.text("0123456789", min_size=4, max_size=4)
days = st.dates(min_value=date(2021, 1, 1), max_value=date(2025, 6, 1)).map(lambda day: f"{day:%y%m%d}")
provinces = st.sampled_from(sorted(PROVINCES))
# Letters that look like digits are never issued inside groups.
group2 = st.text("0123456789ABCDEFGHKMNPRTUVXY", min_size=2, max_size=2)
group3 = st.text("0123456789ABCDEFGHKMNPRTUVXY", min_size=3, max_size=3)
old_codes = st.builds(
    lambda v, z, y, m, d, n: f"{v}.{z}.{y}.{m}-{d}-{n}", group3, group2, group2, provinces, days, digits
)
new_codes = st.builds(
    lambda m, groups, d, n: f"{m}.{'.'.join(groups)}-{d}-{n}",
    provinces,
    st.lists(group2, min_size=1, max_size=4),
    days,
    digits,
)
codes = old_codes | new_codes


@given(codes)
def test_a_code_comes_back_as_it_was_written(code: str) -> None:
    found = parse_dossier_code(code)
    assert found is not None and found.text == code
    assert parse_dossier_code(found.text) == found


@given(old_codes)
def test_the_old_form_has_its_province_last(code: str) -> None:
    found = parse_dossier_code(code)
    assert found is not None
    assert (found.form, found.level1) == (CodeForm.OLD, code[10:13])


@given(codes, st.text("abc đê,:;()\n", max_size=12), st.text(" ,.;)\n", max_size=6))
def test_a_code_is_found_in_running_text_and_nothing_of_it_is_changed(
    code: str, before: str, after: str
) -> None:
    found = find_dossier_codes(f"{before} Mã hồ sơ: {code}{after} hết", TODAY)
    assert [item.code.text for item in found] == [code]
    assert not found[0].repaired


@given(codes, st.sampled_from("–—−‑"), st.sampled_from(["", " "]))
def test_any_dash_is_a_dash(code: str, dash: str, space: str) -> None:
    found = find_dossier_codes(code.replace("-", f"{space}{dash}{space}"), TODAY)
    assert [item.code.text for item in found] == [code]


@given(codes, st.data())
def test_letters_become_digits_only_in_slots_of_digits_and_never_unseen(
    code: str, data: st.DataObject
) -> None:
    tail = range(code.index("-") + 1, len(code))
    places = [place for place in tail if code[place] in "01"]
    if not places:
        return
    place = data.draw(st.sampled_from(places))
    wrong = {"0": "O", "1": "l"}[code[place]]
    found = find_dossier_codes(code[:place] + wrong + code[place + 1 :], TODAY)
    assert [item.code.text for item in found] == [code]
    assert found[0].repaired and not found[0].certain
    assert parse_dossier_code(code[:place] + wrong + code[place + 1 :]) is None


@given(codes, st.data())
def test_a_digit_is_never_turned_into_another(code: str, data: st.DataObject) -> None:
    place = data.draw(st.sampled_from([n for n in range(len(code) - 4, len(code))]))
    other = data.draw(st.sampled_from([sign for sign in "0123456789" if sign != code[place]]))
    changed = code[:place] + other + code[place + 1 :]
    assert [item.code.text for item in find_dossier_codes(changed, TODAY)] == [changed]


@given(st.text(max_size=60))
def test_any_text_is_read_without_harm(text: str) -> None:
    for item in find_dossier_codes(text, TODAY):
        assert parse_dossier_code(item.code.text) is not None or item.doubt


def test_what_speaks_against_a_code_is_said() -> None:
    def doubt(code: str) -> str | None:
        (item,) = find_dossier_codes(code, TODAY)
        return item.doubt

    assert doubt("000.00.02.H38-250702-7695") is None
    assert doubt("000.00.02.H63-250702-7695") == "mã tỉnh đã đóng trước ngày tiếp nhận"
    assert doubt("000.00.02.H63-250630-7695") is None
    assert doubt("000.00.02.H38-270102-7695") == "ngày trong mã ở tương lai"
    assert doubt("000.00.02.H99-250702-7695") == "không có mã tỉnh này"
    assert doubt("H38-250702-7695") == "mã chỉ có mã tỉnh"
    assert find_dossier_codes("000.00.02.H38-251302-7695", TODAY) == ()


def test_letters_of_groups_stay() -> None:
    (item,) = find_dossier_codes("000.A0.01.H26-210212-9090", TODAY)
    assert item.code.text == "000.A0.01.H26-210212-9090" and item.certain


def test_provinces_that_became_one_are_one() -> None:
    assert one_province("H62") == one_province("H28") == frozenset({"H44", "H62", "H28"})
    assert provinces_named("xã Hạ Hòa, tỉnh Phú Thọ") == frozenset({"H44"})
    assert provinces_named("Cộng hòa xã hội chủ nghĩa Việt Nam") == frozenset()


def test_the_tail_of_an_old_code_is_cut_and_not_certain() -> None:
    for text in ("002 00 63 H01-230616-1749", "0603.29.46. H01-230616-1749"):
        (item,) = find_dossier_codes(f"Mã hồ sơ: {text}", TODAY)
        assert item.cut and not item.certain
    (item,) = find_dossier_codes("1. H44.20.3-260207-0007", TODAY)
    assert not item.cut and item.certain
