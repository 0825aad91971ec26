"""Which papers are there: at most one requirement a paper, doubt never counts as there, reasons in plain words."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

import config
from pipeline.classify.types import TypeCatalogue
from pipeline.procedures.catalogue import CopyKind, Procedure, ProcedureCatalogue
from pipeline.procedures.completeness import Completeness, HeldPaper, Mark, Stand, judge, months_after

FOLDER = Path(config.__path__[0])
TYPES = TypeCatalogue.load(FOLDER / "document_types.toml")
ALL = ProcedureCatalogue.load([FOLDER / "procedures"], TYPES.types.keys())
RECEIVED = date(2026, 10, 2)


def known(code: str) -> Procedure:
    found = ALL.get(code, RECEIVED)
    assert found is not None
    return found


BUILD, MARRIAGE, LAND = known("1.009994"), known("1.000894"), known("1.012756.H05")


def held(name: str, kind: str, **more: object) -> HeldPaper:
    paper = HeldPaper(id=name, type=kind, role=TYPES[kind].role, settled=True)
    return replace(paper, **more)  # type: ignore[arg-type]


def stands(found: Completeness) -> dict[str, str]:
    return {one.paper.code[-2:]: one.stand.value for one in found.standings}


FULL = [held("d1", "don_cap_phep_xay_dung"), held("d2", "giay_chung_nhan_qsdd"), held("d3", "ban_ve")]


def test_present_missing_and_not_due_are_told_apart() -> None:
    assert judge(BUILD, FULL, [], received=RECEIVED).complete
    found = judge(BUILD, FULL[:2], [], received=RECEIVED)
    assert stands(found) == {"11": "present", "12": "present", "13": "missing", "14": "not_due"}
    assert not found.complete and found.standings[3].reason == "chỉ cần khi có công trình liền kề"


def test_a_doubtful_paper_is_not_counted_as_there() -> None:
    doubtful = replace(FULL[2], settled=False, why_not="loại giấy còn ngờ")
    found = judge(BUILD, [*FULL[:2], doubtful], [], received=RECEIVED)
    assert stands(found)["13"] == "doubtful" and found.standings[2].reason == "loại giấy còn ngờ"
    assert not found.complete
    assert judge(BUILD, [doubtful, *FULL], [], received=RECEIVED).complete, "the certain one goes before it"


def test_the_wrong_kind_of_copy_and_an_expired_paper_are_doubtful_with_the_reason() -> None:
    copied = replace(FULL[1], copy=CopyKind.COPY.value)
    found = judge(BUILD, [FULL[0], copied, FULL[2]], [], received=RECEIVED)
    assert found.standings[1].reason == "cần bản sao chứng thực hoặc bản điện tử, giấy này là bản sao"
    paper = held("d1", "xac_nhan_hon_nhan", day=date(2026, 4, 1))
    old = judge(MARRIAGE, [paper], [], received=RECEIVED).standings[1]
    assert old.stand is Stand.DOUBTFUL and "01/10/2026" in old.reason
    last_day = judge(MARRIAGE, [replace(paper, day=date(2026, 4, 2))], [], received=RECEIVED)
    assert last_day.standings[1].stand is Stand.PRESENT


def test_what_nobody_asked_for_is_surplus_with_the_reason() -> None:
    more = [held("d4", "giay_tiep_nhan"), held("d5", "don_cap_phep_xay_dung"), held("d6", "giay_khai_sinh")]
    found = judge(BUILD, [*FULL, *more], [], received=RECEIVED)
    assert found.surplus == {
        "d4": "giấy của bộ phận một cửa, không phải thành phần hồ sơ",
        "d5": "đã đủ số giấy tờ loại này",
        "d6": "thủ tục không yêu cầu loại giấy tờ này",
    }


def test_a_result_is_no_surplus_and_what_is_asked_and_given_is_told_by_its_date() -> None:
    permit = held("d7", "giay_phep_xay_dung")
    assert judge(BUILD, [*FULL, permit], [], received=RECEIVED).results == {"d7": "KQ-H00.000004"}
    old = held("d1", "giay_chung_nhan_qsdd", day=date(2019, 5, 1))
    new = held("d2", "giay_chung_nhan_qsdd", day=date(2026, 10, 20))
    found = judge(LAND, [new, old], [], received=RECEIVED)
    assert found.standings[1].documents == ("d1",) and found.results == {"d2": "KQ-H00.000006"}
    assert judge(LAND, [new], [], received=RECEIVED).standings[1].stand is Stand.MISSING
    undated = judge(LAND, [replace(old, day=None)], [], received=RECEIVED)
    assert undated.standings[1].stand is Stand.DOUBTFUL and "ngày" in undated.standings[1].reason
    said = Mark(component="TP-H05.000040", kind="paper", document="d1")
    assert (
        judge(LAND, [replace(old, day=None)], [said], received=RECEIVED).standings[1].stand is Stand.PRESENT
    )


def test_a_persons_word_settles_a_requirement() -> None:
    shown = Mark(component="TP-H00.000013", kind="shown", reason="bản vẽ khổ A0, đã xem")
    found = judge(BUILD, FULL[:2], [shown], received=RECEIVED)
    assert found.complete and found.standings[2].stand is Stand.SHOWN
    other = held("d9", "don_de_nghi")
    named = Mark(component="TP-H00.000013", kind="paper", document="d9")
    found = judge(BUILD, [*FULL[:2], other], [named], received=RECEIVED)
    assert found.complete and found.standings[2].documents == ("d9",) and not found.surplus


@given(
    st.lists(st.sampled_from([k for k in TYPES.types]), max_size=12), st.sampled_from([BUILD, MARRIAGE, LAND])
)
def test_every_paper_is_in_exactly_one_place(kinds: list[str], item: Procedure) -> None:
    papers = [held(f"d{n}", kind, day=date(2026, 9, 1)) for n, kind in enumerate(kinds)]
    found = judge(item, papers, [], received=RECEIVED)
    placed = [name for one in found.standings for name in one.documents]
    assert sorted([*placed, *found.results, *found.surplus]) == sorted(paper.id for paper in papers)
    for one in found.standings:
        assert len(one.documents) <= one.paper.count
        if one.stand is Stand.MISSING:  # nothing that would satisfy it lies idle
            assert not any(p.type in one.paper.types for p in papers if p.id in found.surplus)


def test_months_end_where_the_month_ends() -> None:
    assert months_after(date(2026, 8, 31), 6) == date(2027, 2, 28)
    assert months_after(date(2023, 8, 31), 6) == date(2024, 2, 29)
    assert months_after(date(2026, 1, 15), 12) == date(2027, 1, 15)
