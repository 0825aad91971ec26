"""Which pages make one large sheet: what the scanner knew, what a person says, and what cannot be."""

from __future__ import annotations

import pytest

from pipeline.errors import UsageError
from pipeline.pdf.halves import FIRST, SECOND, sheets_of


def test_the_scanners_roles_pair_the_parts() -> None:
    assert sheets_of(["front", FIRST, SECOND, None, FIRST, SECOND]) == [(0,), (1, 2), (3,), (4, 5)]


def test_a_part_without_its_other_half_stays_alone() -> None:
    assert sheets_of([FIRST, SECOND, FIRST, "front"]) == [(0, 1), (2,), (3,)]


def test_a_person_goes_before_the_scanner() -> None:
    assert sheets_of([FIRST, SECOND, None], [1]) == [(0,), (1, 2)]


@pytest.mark.parametrize("said", [[], [2], [5], [-1], [0, 1]])
def test_what_makes_no_sheet_is_refused(said: list[int]) -> None:
    with pytest.raises(UsageError):
        sheets_of([None, None, None], said)
