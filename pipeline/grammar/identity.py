"""Identity numbers of persons: the old nine figures (CMND) and the twelve of the identity card (số định danh cá nhân).

The twelve are three of the province of birth registration, one of century and sex, two of the year of birth, six of
chance (Nghị định 137/2015/NĐ-CP Điều 13; Thông tư 59/2021/TT-BCA Điều 4 and Phụ lục; kept by Nghị định
70/2024/NĐ-CP). They carry no check digit: a misread figure of the last six cannot be told, so only confidence speaks
for those. Nine figures (Nghị định 05/1999/NĐ-CP) have no structure that could be checked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

_PROVINCES = """
    001 002 004 006 008 010 011 012 014 015 017 019 020 022 024 025 026 027 030 031 033 034 035 036 037 038 040 042 044
    045 046 048 049 051 052 054 056 058 060 062 064 066 067 068 070 072 074 075 077 079 080 082 083 084 086 087 089 091
    092 093 094 095 096
"""
OF_BIRTH = frozenset(_PROVINCES.split())
"""Codes of the 63 provinces; a number keeps its code after the mergers of 01/7/2025."""
ABROAD = range(101, 300)
"""Codes of countries, for persons whose birth was registered abroad."""
FIRST_YEAR = 1900
_GROUPED = re.compile(r"[0-9](?:[ .]?[0-9]){8,11}")


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityNumber:
    """A number as written, figures only. Birth year and sex follow from twelve figures; nine tell nothing."""

    text: str
    born: int | None = None
    male: bool | None = None
    place: str | None = None

    def sound(self, today: date) -> bool:
        """Whether nothing speaks against it: a province that exists, a year of birth that has come."""
        if len(self.text) == 9:
            return len(set(self.text)) > 1
        return self.place in OF_BIRTH and self.born is not None and self.born <= today.year

    def fits_year(self, year: int | None) -> bool:
        """Whether the year of birth told elsewhere agrees, as far as both are known."""
        return year is None or self.born is None or year == self.born


def identity_number(text: str) -> IdentityNumber | None:
    """The number that `text` is, groups of figures parted by spaces or points; None for any other length."""
    if not _GROUPED.fullmatch(text.strip()):
        return None
    figures = re.sub(r"\D", "", text)
    if len(figures) == 9:
        return IdentityNumber(text=figures)
    if len(figures) != 12:
        return None
    century, male = divmod(int(figures[3]), 2)
    return IdentityNumber(
        text=figures,
        born=FIRST_YEAR + 100 * century + int(figures[4:6]),
        male=male == 0,
        place=figures[:3] if figures[:3] in OF_BIRTH or int(figures[:3]) in ABROAD else None,
    )
