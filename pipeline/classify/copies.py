"""Whether a paper is a copy, by what is stamped or printed on it. That it is the original nothing shows: it is asked.

Certified copies bear `Chứng thực bản sao đúng với bản chính` (Nghị định 23/2015/NĐ-CP), copies made by an agency
`SAO Y`, `SAO LỤC` or `TRÍCH SAO` (Nghị định 30/2020/NĐ-CP Điều 25), older ones `SAO Y BẢN CHÍNH`. `BẢN SAO` alone may
also be a copy from the register, which counts like the original: a suggestion.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rapidfuzz import fuzz

from pipeline.classify.layout import Segment
from pipeline.classify.passages import field_of
from pipeline.classify.view import PageView
from pipeline.model import Field

CERTIFIED, COPY = "ban_sao_chung_thuc", "ban_sao"
SURE, LEAST = 0.75, 88.0
_CERTIFIED = "chungthucbansaodungvoibanchinh"
_BY_AGENCY = re.compile(r"sao(?:y|i)(?:banchinh)?|saoluc|trichsao|saoybanchinhso.*")
_ALONE = re.compile(r"bansao(?:so\d+)?")


def copy_field(views: Sequence[PageView]) -> Field | None:
    """`copy_kind`: the strongest evidence on any page, None where there is none."""
    parts = [(view, part) for view in views for part in view.parts]
    for view, part in parts:
        if _says_certified(part):
            return field_of(
                "copy_kind", CERTIFIED, part.words, view, sure=part.confidence >= SURE, evidence="stamp"
            )
    for view, part in parts:
        if part.caps > 0.8 and _BY_AGENCY.fullmatch(part.key):
            return field_of(
                "copy_kind", COPY, part.words, view, sure=part.confidence >= SURE, evidence="stamp"
            )
    for view, part in parts:
        if part.caps > 0.8 and _ALONE.fullmatch(part.key):
            return field_of("copy_kind", COPY, part.words, view, sure=False, evidence="stamp")
    return None


def _says_certified(part: Segment) -> bool:
    """The words of the stamp at the start of a line of their own, tolerant of noise."""
    if len(part.words) > 12:
        return False
    return fuzz.ratio(part.key[: len(_CERTIFIED)], _CERTIFIED) >= LEAST
