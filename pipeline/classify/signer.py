"""Who signed: the name under a position at the foot of a paper (Nghị định 30/2020/NĐ-CP, cells 7a and 7b).

Attachments with other names may follow, so the first page that has a position rules, not the last page.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pipeline.classify.layout import Segment
from pipeline.classify.view import PageView
from pipeline.grammar.folding import fold_words
from pipeline.model import Field

SURE = 0.75
_POSITION = re.compile(
    r"(?:(?:k t|kt|t l|tl|tuq|q) )?(?:pho )?"
    r"(?:chu tich|giam doc|tong giam doc|truong phong|chanh van phong|bo truong|thu truong|thu tuong|cuc truong|"
    r"chi cuc truong|truong ban|truong cong an|hieu truong|vien truong|cong chung vien|chanh thanh tra)(?: .{0,40})?"
)
_NAME = re.compile(r"[^\W\d_]+(?: [^\W\d_]+){1,4}")


def signer_field(views: Sequence[PageView]) -> Field | None:
    """The name below the last position of the first page that has one."""
    for view in views:
        positions = [part for part in view.parts if _is_position(view, part)]
        for position in sorted(positions, key=lambda part: -part.middle):
            name = _name_under(view, position)
            if name is not None:
                confidence = round(name.confidence, 3)
                return Field(
                    name="signer",
                    value=name.text,
                    confidence=confidence,
                    doubtful=confidence < SURE,
                    page=view.index,
                    box=name.box,
                    evidence="signature",
                )
    return None


def _is_position(view: PageView, part: Segment) -> bool:
    low = part.middle > max(0.15 * view.page.height, view.header.bottom)
    return low and part.caps > 0.75 and bool(_POSITION.fullmatch(fold_words(part.text)))


def _name_under(view: PageView, position: Segment) -> Segment | None:
    below = [
        part
        for part in view.parts
        if 0 < part.middle - position.middle < 0.22 * view.page.height
        and abs(part.centre - position.centre) < 0.1 * view.page.width
        and _NAME.fullmatch(part.text)
        and all(word.text[0].isupper() for word in part.words)
        and not _is_position(view, part)
        and part.caps < 0.75
    ]
    return min(below, key=lambda part: part.middle, default=None)
