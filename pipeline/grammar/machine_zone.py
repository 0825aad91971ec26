"""The machine readable zone of Vietnamese identity cards: three lines of thirty signs (ICAO Doc 9303 part 5, TD1).

First line: `IDVNM`, the last nine figures of the identity number and their check digit, then the number whole. Second:
day of birth, sex, last day of validity, each with its check digit, and at the end one over all three. Third: the name
without diacritics. OCR turns the filler `<` into many things, so lines are laid out anew before they are summed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from pipeline.grammar.folding import fold
from pipeline.grammar.identity import identity_number

WEIGHTS = (7, 3, 1)
# What OCR makes of the filler; letters only where a filler must stand.
_FILLER = str.maketrans({"«": "<<", "‹": "<", "›": "<", "»": "<<", "(": "<", "{": "<", "[": "<", "≤": "<"})
_DIGITS = str.maketrans(
    {"O": "0", "Q": "0", "D": "0", "I": "1", "L": "1", "|": "1", "B": "8", "S": "5", "Z": "2"}
)
_D = r"[0-9OQDIL|BSZ]"
_FILL = r"[<KCELS«]*?"
_FIRST = re.compile(rf"[I1LT|]D?[<]?VN[MN](?P<no>{_D}{{9}})(?P<c>{_D})(?P<id>{_D}{{12}}){_FILL}(?P<x>{_D})")
_SECOND = re.compile(
    rf"(?P<born>{_D}{{6}})(?P<cb>{_D})(?P<sex>[MF<])(?P<till>{_D}{{6}})(?P<ct>{_D})VN[MN]{_FILL}(?P<all>{_D})"
)
_NAME = re.compile(r"(?P<last>[A-Z]+)<<(?P<first>[A-Z]+(?:<[A-Z]+)*)<*[<KCELS]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineZone:
    """What the zone says. `sound`: every check digit holds and its parts agree with each other.

    `name` is in capitals without diacritics, as the zone has it; None when its line was not read. `rows` are the
    places, in the lines that were given, of the three lines.
    """

    owner_id: str
    born: date | None
    name: str | None
    sound: bool
    rows: tuple[int, int, int | None]


def check_digit(text: str) -> int:
    """Figures count as they are, letters from ten on, the filler nothing; weights 7, 3, 1 in turn."""
    values = [0 if sign == "<" else int(sign, 36) for sign in text]
    return sum(value * WEIGHTS[n % 3] for n, value in enumerate(values)) % 10


def read_zone(lines: Sequence[str], today: date) -> MachineZone | None:
    """The zone among the lines of a page, or None. What cannot be summed is not sound; nothing is put right by sums."""
    squeezed = [re.sub(r"\s+", "", fold(line).upper()).translate(_FILLER) for line in lines]
    for at, line in enumerate(squeezed):
        first = _FIRST.fullmatch(line)
        second = _SECOND.fullmatch(squeezed[at + 1]) if first and at + 1 < len(squeezed) else None
        if first is None or second is None:
            continue
        third = _NAME.fullmatch(squeezed[at + 2]) if at + 2 < len(squeezed) else None
        return _zone(first, second, third, at, today)
    return None


def _zone(
    first: re.Match[str], second: re.Match[str], third: re.Match[str] | None, at: int, today: date
) -> MachineZone:
    number, check, whole, extra = (_figures(first[name]) for name in ("no", "c", "id", "x"))
    born, of_born, till, of_till, over_all = (
        _figures(second[name]) for name in ("born", "cb", "till", "ct", "all")
    )
    upper = f"{number}{check}{whole}".ljust(24, "<") + extra
    sums = (
        (number, check),
        (born, of_born),
        (till, of_till),
        (f"{upper}{born}{of_born}{till}{of_till}".ljust(50, "<"), over_all),
    )
    identity = identity_number(whole)
    holds = all(check_digit(text) == int(digit) for text, digit in sums)
    agrees = (
        identity is not None
        and identity.sound(today)
        and whole.endswith(number)
        and (identity.born or 0) % 100 == int(born[:2])
        and second["sex"] == ("M" if identity.male else "F")
    )
    day = _day(born, identity.born if identity else None)
    name = None if third is None else f"{third['last']} {third['first'].replace('<', ' ')}"
    return MachineZone(
        owner_id=whole,
        born=day,
        name=name,
        sound=holds and agrees and day is not None,
        rows=(at, at + 1, at + 2 if third is not None else None),
    )


def _figures(text: str) -> str:
    return text.translate(_DIGITS)


def _day(text: str, year: int | None) -> date | None:
    try:
        return date(year or 0, int(text[2:4]), int(text[4:6]))
    except ValueError:
        return None
