"""Number and date that a pen wrote into printed blanks: claimed when two kinds of evidence agree, else suggested.

Kinds of evidence: the reader of pen-written figures; the text recogniser on the same ink, lifted out of the page; the
name of the file, where an office named it by number and symbol (`04CT.signed.pdf`; figures without the symbol may be of
a register of incoming papers and count for nothing); the time that a signature inside the file states, since a paper is
signed on the day of its date or within days. None of them is believed alone.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta, timezone
from pathlib import PurePath

from rapidfuzz.distance import Hamming

from pipeline.classify.view import PageView
from pipeline.grammar.folding import fold
from pipeline.grammar.numbers import ABBREVIATIONS, DocumentNumber, find_number, kind_of_symbol
from pipeline.model import Box, Field, Penned

POSSIBLE, LIKELY, SURE = 0.5, 0.75, 0.85
"""Of the reader of figures: with two other kinds beside it, with one of another nature, with one on the same ink."""
SYMBOL_SURE = 0.6
FEW_DAYS, DAYS_AFTER = 3, 7
"""Days from the date of a paper to its signature; later ones happen, and prove nothing then.

The fewer the days, the less it is by chance that a misread date lies in them.
"""
_GLUED = re.compile(r"\W?(\d{1,6})[/⁄]")
VIETNAM = timezone(timedelta(hours=7))


def number_by_pen(view: PageView, found: Field | None) -> Field | None:
    """The number as the pen has it; `found` when that tells no more."""
    ink = _blank(view, "number")
    if ink is None or not ink.text or (found is not None and not found.doubtful):
        return found
    if found is not None and found.box is not None and not _same_row(ink.box, found.box):
        return found
    printed = find_number("0" + "".join(word.text for word in ink.after))
    if printed is None:
        return found
    named = _in_name(view, printed)
    text, agree = _settled(ink, named)
    if not text or _printed_otherwise(ink, text, named=named is not None):
        return found
    number = replace(printed, number=text, symbol=_settled_by_name(printed.symbol, view))
    confidence = min((word.confidence for word in ink.after), default=0.0)
    known = view.headline is not None and kind_of_symbol(number.symbol) == view.headline.type.key
    symbol_sure = number.familiar and (confidence >= SYMBOL_SURE or known)
    return Field(
        name="number",
        value=number.text,
        confidence=round(ink.confidence, 3),
        doubtful=not (agree and symbol_sure),
        evidence="pen",
        page=view.index,
        box=ink.box,
    )


def date_by_pen(view: PageView, found: Field | None) -> Field | None:
    """The date with what the pen wrote of it; `found` when that tells no more."""
    day, month = _blank(view, "day"), _blank(view, "month")
    if day is None or month is None or not day.after or (found is not None and not found.doubtful):
        return found
    year = day.after[0]
    value = _date(day.text, month.text, "".join(sign for sign in year.text if sign.isdigit()))
    if value is None:
        return found
    near = _signed_near(view, value, DAYS_AFTER if _second(day) == day.text else FEW_DAYS)
    sure = _claims(day, near) and _month_is_sure(month, near) and (near or year.confidence >= SURE)
    return Field(
        name="date",
        value=value.isoformat(),
        confidence=round(min(day.confidence, month.confidence), 3),
        doubtful=not sure,
        evidence="signature" if near else "pen",
        page=view.index,
        box=day.box,
    )


def _settled(ink: Penned, named: str | None) -> tuple[str, bool]:
    """The figures of a number, and whether two kinds of evidence agree on them while the third does not deny them."""
    second = _second(ink)
    readings = [ink.text, *([second] if second else [])]
    if named is not None:
        for text in readings:
            same = int(text) == int(named)
            denied = text != ink.text and ink.confidence >= LIKELY
            if same and not denied and (text != ink.text or ink.confidence >= POSSIBLE):
                return text, True
        return ink.text, False
    return ink.text, _sure_alone(ink)


def _settled_by_name(symbol: str, view: PageView) -> str:
    """`ĐC-UBND` under the name BÁO CÁO is `BC-UBND`: one letter misread, and the name of the paper says which."""
    kind, dash, rest = symbol.partition("-")
    if view.headline is None or not view.headline.sure or kind in ABBREVIATIONS:
        return symbol
    meant = [key for key, name in ABBREVIATIONS.items() if name == view.headline.type.key]
    near = bool(meant) and len(meant[0]) == len(kind) and Hamming.distance(meant[0], kind) == 1
    return meant[0] + dash + rest if near else symbol


def _sure_alone(ink: Penned) -> bool:
    """Whether the readers of the ink suffice: both of them and the recogniser, or two where the third says nothing."""
    alike, second = ink.strokes == ink.text, _second(ink)
    if second == ink.text:
        return ink.confidence >= (LIKELY if alike else SURE)
    said = set(ink.second)
    denied = any(len(text) == len(ink.text) and text != ink.text for text in said)
    if not alike or denied or second is not None:
        return False
    return ink.confidence >= (LIKELY if said == {ink.text} else SURE)


def _printed_otherwise(ink: Penned, text: str, *, named: bool) -> bool:
    """Whether the page's own reading has other figures glued to the slash: one of them misleads.

    Read surely they count; else only where no name of a file speaks, and they are more or fewer of the same: then ink
    has run together with the slash.
    """
    first = ink.after[0]
    glued = _GLUED.match(first.text)
    if glued is None or glued[1] == text:
        return False
    return first.confidence >= SURE or (
        not named and (glued[1].startswith(text) or text.startswith(glued[1]))
    )


def _same_row(one: Box, other: Box) -> bool:
    return one.top < other.bottom and other.top < one.bottom


def _second(ink: Penned) -> str | None:
    """What the recogniser read twice at least, and more often than all else together."""
    counted = Counter(ink.second).most_common(1)
    if not counted:
        return None
    text, times = counted[0]
    return text if times >= 2 and 2 * times > len(ink.second) else None


def _in_name(view: PageView, printed: DocumentNumber) -> str | None:
    """The figures beside the first part of the symbol in the file's name."""
    stem = fold(PurePath(view.page.page.source.split("#")[0]).name).replace("đ", "d")
    kind = re.escape(fold(re.split(r"[-.&]", printed.symbol)[0]))
    patterns = (
        rf"(?<!\d)(\d{{1,5}})[\W_]{{0,2}}(?:\d{{4}}[\W_])?{kind}(?![a-z])",
        rf"(?<![a-z]){kind}[\W_]{{0,2}}(\d{{1,5}})(?!\d)",
    )
    found = {match[1] for pattern in patterns for match in re.finditer(pattern, stem)}
    return found.pop() if len(found) == 1 else None


def _claims(ink: Penned, near: bool) -> bool:
    second = _second(ink)
    if near and second is not None and second == ink.text:
        return ink.confidence >= POSSIBLE
    if near:
        return ink.confidence >= LIKELY
    return _sure_alone(ink)


def _month_is_sure(month: Penned, near: bool) -> bool:
    """A month is printed as a rule, and then the page's own reading agrees."""
    read = "".join(word.text for word in month.after).strip(" .,")
    if read.isdecimal() and int(read) == int(month.text):
        return month.confidence >= POSSIBLE
    return _claims(month, near)


def _signed_near(view: PageView, value: date, most: int) -> bool:
    """Whether a signature inside the file states the day of the date, or one within days after it.

    Official signatures state a time that is often seven hours off, so the day before counts as well.
    """
    for signer in view.page.signed_by:
        if signer.at is not None:
            zoned = signer.at if signer.at.tzinfo else signer.at.replace(tzinfo=VIETNAM)
            late = (zoned.astimezone(VIETNAM).date() - value).days
            if -1 <= late <= most:
                return True
    return False


def _blank(view: PageView, name: str) -> Penned | None:
    found: Sequence[Penned] = [one for one in view.page.penned if one.name == name and one.text]
    return found[0] if found else None


def _date(day: str, month: str, year: str) -> date | None:
    """The date of these figures; a day has two (Nghị định 30/2020/NĐ-CP: below ten with a zero)."""
    if not (day.isdecimal() and month.isdecimal() and year.strip().isdecimal()) or len(day) != 2:
        return None
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None
