"""Confidences keep their order and mean what they say."""

from __future__ import annotations

import numpy as np
import pytest

from ocr.confidence import calibrated


def test_monotone_and_within_bounds() -> None:
    values = [calibrated(raw) for raw in np.linspace(0, 1, 501)]
    assert values == sorted(values)
    assert 0 < values[0] < 0.2 and 0.98 < values[-1] < 1


@pytest.mark.parametrize(
    ("raw", "right"), [(0.5, 0.44), (0.75, 0.60), (0.87, 0.78), (0.91, 0.95), (0.96, 0.98)]
)
def test_shares_counted_on_made_pages(raw: float, right: float) -> None:
    assert calibrated(raw) == pytest.approx(right, abs=0.03)


def test_sure_begins_where_nine_of_ten_are_right() -> None:
    """Printed numbers are claimed from 0.88 on: the engine's 0.88, of which four of five are right, is below."""
    assert calibrated(0.88) < 0.88 < calibrated(0.90)
