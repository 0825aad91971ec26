"""The pieces of ink in a part of a page, as large as a word or a line."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from ocr.components import components

Pixels = npt.NDArray[np.uint8]


def pieces_of(grey: Pixels, *, corners: bool = True) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Which piece of ink each pixel of a part is of, 0 for paper; and OpenCV's facts of each piece.

    `corners`: pixels that touch at a corner only are one piece.
    """
    ink = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY_INV | cv2.THRESH_OTSU)[1].astype(np.uint8, copy=False)
    labels, facts = components(ink, corners=corners)
    return labels.astype(np.int32, copy=False), facts
