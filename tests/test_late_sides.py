"""Sides read after their stack was told apart once: signed papers stay as they were, nothing is left behind them."""

from __future__ import annotations

from pipeline.classify.late import behind_signed, without_signed
from pipeline.model import Field, Origin, Paper, Sorting


def paper(*pages: int, origin: Origin = Origin.CAPTURED) -> Paper:
    fields = tuple(Field(name=f"f{n}", value=str(n), confidence=1.0, doubtful=False, page=n) for n in pages)
    return Paper(
        pages=pages, dossier="000.00.03.H24-250820-7308", type="quyet_dinh", type_name="Quyết định",
        origin=origin, fields=fields,
    )  # fmt: skip


def cut(sorting: Sorting) -> list[tuple[tuple[int, ...], bool]]:
    """Pages of each paper, and whether it waits."""
    return [(one.pages, one.review is not None) for one in sorting.papers]


def test_what_was_signed_stays_as_it_was_cut_and_a_late_page_waits() -> None:
    sorting = Sorting(papers=(paper(0), paper(1, 2, 3), paper(4, 5)), separators=())
    found = behind_signed(sorting, {"d_a": [0], "d_b": [1, 3], "d_c": [5]})
    assert cut(found) == [((0,), False), ((1, 3), False), ((2,), True), ((4,), True), ((5,), False)]
    late = found.papers[2]
    assert "d_b" in (late.review or "") and [field.name for field in late.fields] == ["f2"]


def test_nothing_changes_where_nothing_is_signed_or_all_is_as_before() -> None:
    sorting = Sorting(papers=(paper(0, 1), paper(2)), separators=())
    assert behind_signed(sorting, {}) == sorting
    assert behind_signed(sorting, {"d_a": [0, 1], "d_b": [2]}) == sorting


def test_a_signed_file_that_came_in_is_one_paper_whatever_was_read_late() -> None:
    sorting = Sorting(papers=(paper(0, 1, origin=Origin.INCOMING_SIGNED),), separators=())
    assert behind_signed(sorting, {"d_a": [0]}) == sorting


def test_pages_that_a_signed_paper_has_already_are_no_other_paper() -> None:
    sorting = Sorting(papers=(paper(0), paper(1, 2)), separators=())
    assert cut(behind_signed(sorting, {"d_a": [0, 1, 2]})) == []


def test_a_signed_paper_is_not_opened_again_under_another_id() -> None:
    sorting = Sorting(papers=(paper(0), paper(1), paper(2)), separators=())
    signed = {"d_a": [0], "d_b": [1]}
    assert cut(without_signed(sorting, ["d_a", "d_other", "d_c"], signed)) == [((0,), False), ((2,), False)]
