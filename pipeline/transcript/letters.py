"""What both forms need of the records."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pipeline.model import Box

_UNPRINTED = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""No character of XML 1.0, or none that is printed."""


def printable(text: str) -> str:
    """Text that XML 1.0 can hold."""
    return _UNPRINTED.sub(" ", text)


def surrounding(boxes: Sequence[Box]) -> Box:
    """The smallest box around all of them."""
    return Box(
        left=min(box.left for box in boxes),
        top=min(box.top for box in boxes),
        right=max(box.right for box in boxes),
        bottom=max(box.bottom for box in boxes),
    )
