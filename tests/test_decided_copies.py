"""What is decided on a paper holds for its exact copies in the stack, and never moves one that was decided by itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.classify.settled import settle
from pipeline.model import Decision, Origin, Paper, Sorting
from tests.classify_pages import CODE, OTHER, TYPES

COPIES = {0: (1, 2), 1: (0, 2), 2: (0, 1)}


def stack() -> Sorting:
    """Three copies of a paper without a code, and another one behind them."""
    kind = TYPES.fallback
    first = Paper(
        pages=(0,),
        dossier=None,
        type=kind.key,
        type_name=kind.name,
        origin=Origin.CAPTURED,
        review="chưa rõ mã hồ sơ",
    )
    return Sorting(papers=tuple(replace(first, pages=(page,)) for page in range(4)))


@pytest.mark.parametrize(
    ("decisions", "dossiers"),
    [
        ([Decision(page=0, dossier=CODE)], [CODE, CODE, CODE, None]),
        ([Decision(page=2, dossier=CODE)], [CODE, CODE, CODE, None]),
        ([Decision(page=3, dossier=CODE)], [None, None, None, CODE]),
        ([Decision(page=0, dossier=CODE), Decision(page=1, dossier=OTHER)], [CODE, OTHER, OTHER, None]),
    ],
)
def test_copies_go_where_the_paper_goes(decisions: list[Decision], dossiers: list[str | None]) -> None:
    papers = settle(stack(), decisions, TYPES, COPIES).papers
    assert [paper.dossier for paper in papers] == dossiers
    assert [paper.review is None for paper in papers] == [code is not None for code in dossiers]


def test_a_type_said_first_is_kept_whichever_copy_the_dossier_is_said_of() -> None:
    said = [Decision(page=0, fields=(("number", "04/CT-UBND"),)), Decision(page=2, dossier=CODE)]
    papers = settle(stack(), said, TYPES, COPIES).papers
    found = [paper.field("number") for paper in papers]
    assert [field.value if field else None for field in found] == ["04/CT-UBND"] * 3 + [None]
