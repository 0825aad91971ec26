"""Connected pieces of a mask, in labels as narrow as they may be."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
from cv2.typing import MatLike

Labels = npt.NDArray[np.uint16] | npt.NDArray[np.int32]
NARROW = 65_000
"""Labels that 16 bits hold, and some to spare."""


def components(mask: MatLike, *, corners: bool = True) -> tuple[Labels, npt.NDArray[np.int32]]:
    """Which piece each pixel is of, 0 for what is 0 in the mask; and OpenCV's facts of each piece, `CC_STAT_…`.

    `corners`: pixels that touch at a corner only are one piece. A search gives out at most one label for each run of
    pixels in a row, so counting the runs, in a hundredth of the time, tells whether 16 bits do: with them it takes a
    third of the time that it takes with 32.
    """
    runs = cv2.countNonZero(cv2.subtract(mask[:, 1:], mask[:, :-1])) + mask.shape[0]
    labels: Labels
    _, labels, facts, _ = cv2.connectedComponentsWithStats(  # type: ignore[assignment]  # its stub says any number
        mask, connectivity=8 if corners else 4, ltype=cv2.CV_16U if runs < NARROW else cv2.CV_32S
    )
    return labels, facts.astype(np.int32, copy=False)
