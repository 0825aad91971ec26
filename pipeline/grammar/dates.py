"""Dates as Vietnamese papers write them: `ngày 08 tháng 4 năm 2020`, `24 / 7/ 1993`. Always D/M/Y."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from pipeline.grammar.folding import fold_aligned, nfc

EARLIEST_YEAR, LATEST_YEAR = 1945, 2099
_CLEAN = str.maketrans({"o": "0", "i": "1", "l": "1", "|": "1"})
_DIGIT = r"[0-9oil|]"
# Patterns run over folded text of the same length; ngay may be read ngav, ngau or nguy, thang thing, and spaces vanish.
_SLOT = re.compile(
    r"ng[aou][yvu]\s*(?P<d>.{0,9}?)\s*th[aei]?n[gq]\s*(?P<m>.{0,7}?)\s*n[aă]m\s*(?P<y>[0-9oil|]{4})(?!\d)"
)
# The word tháng was lost or came out as something else: then both figures must stand there in full (`05`, `08`).
_LOST_MONTH = re.compile(
    r"ng[aou][yvu]\s*(?P<d>\d{2})\s+(?:[^\s\d]{1,7}\s+)?(?P<m>\d{2})\s*n[aă]m\s*(?P<y>\d{4})(?!\d)"
)
_NUMERIC = re.compile(
    rf"(?<![\d/.-])(?P<d>{_DIGIT}{{1,2}})\s*(?P<s>[/.-])\s*(?P<m>{_DIGIT}{{1,2}})\s*(?P=s)\s*(?P<y>\d{{4}})(?![\d/])"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DateFound:
    """A date, or the place of one, in a text at [start, end).

    `value` is None when the day or the month cannot be read (a pen filled it in). `clean` means that day,
    month and year were read as digits, nothing repaired. The spans are those of the three parts.
    """

    value: date | None
    start: int
    end: int
    clean: bool
    in_words: bool
    day: tuple[int, int]
    month: tuple[int, int]
    year: tuple[int, int]


def find_dates(text: str) -> tuple[DateFound, ...]:
    """Dates in words and in figures, in the order of the text, overlaps once."""
    folded = fold_aligned(nfc(text))
    found = [_found(match, True) for match in _SLOT.finditer(folded)]
    found += [
        _found(match, True)
        for match in _LOST_MONTH.finditer(folded)
        if not any(item.start < match.end() and match.start() < item.end for item in found)
    ]
    for match in _NUMERIC.finditer(folded):
        if not any(item.start < match.end() and match.start() < item.end for item in found):
            one = _found(match, False)
            if one.value:
                found.append(one)
    return tuple(sorted(found, key=lambda item: item.start))


def parse_date(text: str) -> date | None:
    """The date that `text` states and nothing else, in words or figures."""
    dates = find_dates(text)
    if (
        len(dates) == 1
        and dates[0].value
        and not re.sub(r"\W", "", text[: dates[0].start] + text[dates[0].end :])
    ):
        return dates[0].value
    return None


def _found(match: re.Match[str], in_words: bool) -> DateFound:
    parts = [match[name].strip() for name in ("d", "m", "y")]
    value = _date(*(part.translate(_CLEAN) for part in parts))
    clean = value is not None and all(part.isascii() and part.isdigit() for part in parts)
    return DateFound(
        value=value,
        start=match.start(),
        end=match.end(),
        clean=clean,
        in_words=in_words,
        day=match.span("d"),
        month=match.span("m"),
        year=match.span("y"),
    )


def _date(day: str, month: str, year: str) -> date | None:
    if not (
        re.fullmatch(r"\d{1,2}", day) and re.fullmatch(r"\d{1,2}", month) and re.fullmatch(r"\d{4}", year)
    ):
        return None
    try:
        value = date(int(year), int(month), int(day))
    except ValueError:
        return None
    return value if EARLIEST_YEAR <= value.year <= LATEST_YEAR else None
