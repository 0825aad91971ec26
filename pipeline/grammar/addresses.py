"""Addresses in Vietnam: parts by commas from the house to the province, which ends them.

Provinces are known, old and new (pipeline/grammar/provinces.py), so the end of an address can be told; what stands
before it can only be read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pipeline.grammar.folding import fold_aligned, nfc, one_line, one_tone_style
from pipeline.grammar.provinces import PROVINCES, province_named

LONGEST = 200
_PROVINCE = re.compile(
    r"(?:^|[,;\-–]\s*|\s)(?:tinh|thanh pho|tp\.?|t\.)\s*(?P<name>[a-z][a-z .\-–]{2,28}?)\s*(?=[.,;:()]|$)"
)
_SPELLED = frozenset(one_tone_style(item.name).lower() for item in PROVINCES.values()) | {
    "thừa thiên huế", "thừa thiên - huế",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressFound:
    """An address at [start, end) of a text. `whole`: it ends with a province that is spelled as it should be."""

    text: str
    start: int
    end: int
    whole: bool


def address_in(text: str) -> AddressFound | None:
    """The address that `text` begins with; without a province, up to the end of its sentence."""
    text = nfc(text)
    start = len(text) - len(text.lstrip(" :.…_"))
    for match in _PROVINCE.finditer(fold_aligned(text[:LONGEST])):
        name = text[match.start("name") : match.end("name")]
        known = province_named(name)
        if known is None or match.start("name") <= start:
            continue
        before = text[start : match.start("name")]
        spelled = one_tone_style(one_line(name)).lower() in _SPELLED
        named_part = bool(re.search(r"[^\W\d_]{2}", before))
        return AddressFound(
            text=one_line(text[start : match.end("name")]),
            start=start,
            end=match.end("name"),
            whole=spelled and named_part and _clean(before),
        )
    rest = re.split(r"[.;:]\s|[.;:]$", text[start:], maxsplit=1)[0].strip(" ,")
    if not 6 <= len(rest) <= LONGEST or "," not in rest:
        return None
    return AddressFound(text=one_line(rest), start=start, end=start + len(rest), whole=False)


def _clean(text: str) -> bool:
    """Whether only what stands in addresses is there."""
    return re.fullmatch(r"[\w\s,.;/()\-–]*", text) is not None and "_" not in text
