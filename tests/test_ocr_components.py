"""Pieces of a mask are the same in narrow labels as in wide ones, and masks with too many of them get wide ones."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from ocr.components import components


@pytest.mark.parametrize("corners", [True, False])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6])
def test_narrow_labels_tell_the_same_pieces(share: float, corners: bool) -> None:
    mask = (np.random.default_rng(3).random((400, 300)) < share).astype(np.uint8) * 255
    labels, facts = components(mask, corners=corners)
    count, wide, wanted, _ = cv2.connectedComponentsWithStats(mask, connectivity=8 if corners else 4)
    assert labels.dtype == np.uint16
    assert count == len(facts)
    assert np.array_equal(facts, wanted)
    assert np.array_equal(labels, wide)


def test_more_pieces_than_narrow_labels_hold() -> None:
    mask = np.zeros((1200, 900), np.uint8)
    mask[::2, ::2] = 1
    labels, facts = components(mask)
    assert labels.dtype == np.int32
    assert len(facts) == 600 * 450 + 1
    assert labels[0, 0] != labels[1198, 898]


def test_a_mask_of_one_column() -> None:
    labels, facts = components(np.ones((5, 1), np.uint8))
    assert labels.shape == (5, 1)
    assert len(facts) == 2
