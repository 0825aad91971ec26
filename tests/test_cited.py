"""A pen-written number or day is claimed when another paper of the dossier cites this paper by all it says, never by less."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.classify.cited import agreed, citations
from pipeline.classify.sorting import sort_pages
from pipeline.classify.view import view_page
from pipeline.model import Cited, Field, Paper, ReadPage
from tests.classify_pages import (
    CODE,
    OTHER,
    TODAY,
    TYPES,
    intake,
    letterhead,
    numbered,
    page,
    rows,
    separator,
    sort,
    title,
)
from tests.test_pen import ink

WHOLE = "Căn cứ Quyết định số 15/QĐ-UBND ngày 08/9/2026 của Ủy ban"


def penned(number: float = 0.7, day: float = 0.7, *, figures: str = "15", on: str = "08") -> ReadPage:
    """A decision whose number and day a pen wrote: without other witness both are suggestions."""
    head = letterhead(
        "ỦY BAN NHÂN DÂN", "XÃ HẠ HÒA", number="Số: /QĐ-UBND", place="Hạ Hòa, ngày tháng 9 năm 2026"
    )
    read = page(head, title("QUYẾT ĐỊNH", "Về việc cho phép chuyển mục đích", "sử dụng đất"))
    blanks = (
        ink("number", figures, number, beside="/QĐ-UBND"),
        ink("day", on, day),
        ink("month", "9", 0.96, "9", "9"),
    )
    return replace(read, penned=blanks)


def citing(*lines: str, own: str = "Số: 21/TB-UBND") -> ReadPage:
    """A notice of the same dossier that speaks of other papers."""
    head = letterhead("ỦY BAN NHÂN DÂN", "XÃ HẠ HÒA", number=own, place="Hạ Hòa, ngày 12 tháng 9 năm 2026")
    return page(head, title("THÔNG BÁO", "Về việc nộp nghĩa vụ tài chính"), rows(*lines))


def told(*pages: ReadPage, dossier: str | None = CODE) -> dict[str, Field]:
    """Number and date of the decision."""
    papers = sort(*pages, batch=intake(dossier=dossier)).papers
    (paper,) = (one for one in papers if one.type == "quyet_dinh")
    return {field.name: field for field in paper.fields if field.name in ("number", "date")}


def doubts(found: dict[str, Field]) -> set[str]:
    return {name for name, field in found.items() if field.doubtful}


def test_without_another_paper_both_are_suggestions() -> None:
    found = told(penned())
    assert (found["number"].value, found["date"].value) == ("15/QĐ-UBND", "2026-09-08")
    assert doubts(found) == {"number", "date"}


@pytest.mark.parametrize(
    "lines",
    [
        (WHOLE,),
        ("Theo Quyết định số 15/QĐ-UBND ngày 08 tháng 9 năm 2026",),
        ("Căn cứ Quyết định số 15/QĐ-UBND của Ủy ban nhân dân", "xã Hạ Hòa ngày 08 tháng 9 năm 2026"),
        (WHOLE, "và Quyết định số 33/QĐ-STNMT ngày 01/7/2026"),
    ],
)
def test_a_paper_that_cites_number_and_date_settles_both(lines: tuple[str, ...]) -> None:
    found = told(penned(), citing(*lines))
    assert doubts(found) == set()
    assert {field.evidence for field in found.values()} == {"cited"}
    assert (found["number"].value, found["date"].value) == ("15/QĐ-UBND", "2026-09-08")


@pytest.mark.parametrize(
    "lines",
    [
        ("Căn cứ Quyết định số 15/QĐ-UBND của Ủy ban nhân dân xã",),  # no date
        ("Căn cứ Quyết định số 16/QĐ-UBND ngày 08/9/2026",),  # another number of the day
        ("Căn cứ Quyết định số 15/QĐ-UBND ngày 09/9/2026",),  # another day
        ("Căn cứ Quyết định số 15/QĐ-STNMT ngày 08/9/2026",),  # another office
        ("Căn cứ Quyết định số 15/2026/QĐ-UBND ngày 08/9/2026",),  # a normative paper
        (WHOLE, "và Quyết định số 16/QĐ-UBND ngày 08/9/2026"),  # either could be meant
        (WHOLE, "và Quyết định số 15/QĐ-UBND ngày 08/7/2026"),
        ("Căn cứ Quyết định số~0.6 15/QĐ-UBND~0.6 ngày 08/9/2026",),  # badly read
        ("Quyết định số 15/QĐ-UBND, Thông báo 21 ngày 08/9/2026",),  # whose date?
        ("Quyết định số 15/QĐ-UBND. Ngày 08/9/2026 hộ ông Nam nộp đơn",),
    ],
)
def test_less_than_all_of_it_claims_nothing(lines: tuple[str, ...]) -> None:
    found = told(penned(), citing(*lines))
    assert doubts(found) == {"number", "date"}
    assert (found["number"].value, found["date"].value) == ("15/QĐ-UBND", "2026-09-08")


def test_ink_that_is_hardly_read_stays_doubtful() -> None:
    assert doubts(told(penned(0.4), citing(WHOLE))) == {"number", "date"}


def test_a_copy_of_the_same_paper_is_no_witness() -> None:
    assert doubts(told(penned(), citing(WHOLE, own="Số: 15/QĐ-UBND"))) == {"number", "date"}


def test_a_paper_of_another_dossier_is_no_witness() -> None:
    papers = sort(separator(CODE), penned(), separator(OTHER), citing(WHOLE)).papers
    assert [paper.dossier for paper in papers] == [CODE, OTHER]
    assert papers[0].field("number").doubtful and papers[0].field("date").doubtful  # type: ignore[union-attr]


def test_a_letterhead_is_no_citation() -> None:
    plain = citing("Căn cứ hồ sơ đề nghị")
    assert list(citations(view_page(plain, TYPES))) == []


def stored(*pages: ReadPage) -> tuple[Paper, ...]:
    return sort(*pages, batch=intake(dossier=CODE)).papers


def test_a_paper_that_was_stored_before_is_a_witness_too() -> None:
    before = stored(citing(WHOLE))
    assert before[0].cites == (Cited(number="15/QĐ-UBND", date="2026-09-08"),)
    asked: list[str] = []

    def earlier(dossier: str) -> tuple[Paper, ...]:
        asked.append(dossier)
        return before

    pages = numbered([penned()])
    (paper,) = sort_pages(intake(dossier=CODE), pages, types=TYPES, today=TODAY, earlier=earlier).papers
    assert asked == [CODE]
    assert {paper.field(name).evidence for name in ("number", "date")} == {"cited"}  # type: ignore[union-attr]
    sort_pages(intake(dossier=CODE), numbered([citing(WHOLE)]), types=TYPES, today=TODAY, earlier=earlier)
    assert asked == [CODE], "nothing is asked for a paper without doubts"


def test_a_paper_that_comes_later_speaks_for_the_stored_one_but_changes_nothing_by_itself() -> None:
    (paper,), later = stored(penned()), stored(citing(WHOLE))
    assert agreed(paper, later) != paper
    assert agreed(paper, stored(citing(WHOLE, "và Quyết định số 16/QĐ-UBND ngày 08/9/2026"))) == paper
    assert agreed(paper, [replace(later[0], dossier=OTHER)]) == paper


def test_laws_and_decrees_are_not_kept_as_citations() -> None:
    (paper,) = stored(citing("Căn cứ Nghị định số 101/2024/NĐ-CP ngày 29 tháng 7 năm 2024 của Chính phủ"))
    assert paper.cites == ()


def test_a_page_with_nothing_but_a_letterhead_and_one_without_words_cite_nothing() -> None:
    head = letterhead(
        "ỦY BAN NHÂN DÂN", "XÃ HẠ HÒA", number="Số: 21/TB-UBND", place="Hạ Hòa, ngày 12 tháng 9 năm 2026"
    )
    assert list(citations(view_page(page(head), TYPES))) == []
    assert list(citations(view_page(page(), TYPES))) == []
