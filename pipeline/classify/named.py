"""Persons that a paper names, each with what stands behind labels up to the next person."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from pipeline.classify.passages import Passage
from pipeline.classify.view import PageView
from pipeline.grammar.addresses import address_in
from pipeline.grammar.dates import find_dates
from pipeline.grammar.folding import one_line
from pipeline.grammar.identity import IdentityNumber, identity_number
from pipeline.grammar.person_names import name_in, well_spelled
from pipeline.model import Word

# Labels as they stand in folded text; OCR drops and invents signs between their words.
_LABELS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "name",
        re.compile(
            r"(?:ho\s*(?:,|va)?\s*(?:(?:chu|ten)\s*dem\s*(?:,|va)?\s*)?(?:va\s*)?ten(?:\s*khai\s*sinh)?"
            r"(?P<role>[^:;.\d]{0,60}?)\s*[:;]\s*(?:ong|ba)?\s*"
            r"|(?:^|(?<=\d\.)|(?<=\d\)))\s*ten\s*:\s*|tiep nhan ho so cua\s*:?\s*(?:ong\s*(?:\(ba\)|/\s*ba)?)?\s*:?\s*"
            r"|\btoi ten la\s*:?\s*|\btoi la\s*:\s*)"
        ),
    ),
    (
        "id",
        re.compile(
            r"(?:(?:so\s*)?(?:the\s*)?(?:can cuoc(?:\s*cong dan)?|c\.?c\.?c\.?d|cmnd|cmtnd|cmt|"
            r"chung minh (?:nhan dan|thu)|"
            r"dinh danh(?:\s*ca nhan)?)(?:\s*[/,(]\s*[a-z /,()]{2,60}?)?(?:\s*so)?\s*[:.]{0,2}\s*"
            r"|(?:^|\s)so\s*/\s*n[o0]\.?\s*:?\s*)(?=\d)"
        ),
    ),
    ("birth", re.compile(
        r"(?:ngay\s*,?\s*thang\s*,?\s*nam\s*sinh|ngay\s*sinh|sinh\s*ngay|nam\s*sinh|sinh\s*nam)"
        r"(?:\s*/\s*date of birth)?\s*[:.]?\s*"
    )),
    ("address", re.compile(
        r"(?:noi\s*(?:cu tru|thuong tru|o hien nay|o hien tai)|(?:ho khau\s*)?thuong tru(?:\s*tai)?|cu tru\s*tai|"
        r"cho o hien nay|dia chi(?:\s*(?:thuong tru|lien he|noi o|cu tru))?)(?:\s*/\s*place of residence)?\s*[:.]?\s*"
    )),
    ("parcel", re.compile(r"thua dat|to ban do|\bdat tai\b")),
    ("stop", re.compile(
        r"gioi tinh|dan toc|quoc tich|que quan|noi sinh|nghe nghiep|(?:so\s*)?dien thoai|quan he|"
        r"giay to (?:tuy|nhan) than|ngay cap|noi cap|co gia tri|tinh trang hon nhan|kinh gui|email|ma so thue|noi dung"
    )),
)  # fmt: skip
_TITLE = re.compile(
    r"(?<!\w)(?:[ÔO]ng|ông|ÔNG|[Bb]à|BÀ)\b(?:\s*[(/,]\s*(?:[Bb]à|BÀ|[Bb]a)\s*\)?)?\s*:?\s+(?=[A-ZĐÀ-Ỹ])"
)
_NAME = re.compile(r"[A-ZĐÀ-Ỹ][^\W\d_]*(?:\s+[A-ZĐÀ-Ỹ][^\W\d_]*){1,5}")
_ENDS = re.compile(r"[.,;:()\[\]/|…_]|\.{2,}")
_BARE = re.compile(r"ho\s*(?:,|va)?\s*(?:(?:chu|ten)\s*dem\s*(?:,|va)?\s*)?(?:va\s*)?ten\s+")
FIGURES = re.compile(r"[0-9](?:[ .]?[0-9]){8,11}(?!\s?\d)")
_YEAR = re.compile(r"((?:19|20)\d\d)(?![\d/.-])")
_NO_PART = re.compile(r"full name|\(?(?:ghi |viet )?(?:bang )?chu in(?: hoa)?[^)]*\)?|day du|khai sinh")
FIRST_YEAR = 1900


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A value and where it stands. `sound`: written as its grammar asks."""

    value: str
    words: tuple[Word, ...]
    view: PageView
    sound: bool
    year: int | None = None
    number: IdentityNumber | None = None


@dataclass(slots=True)
class Person:
    """Who was named. `role` is what the label says of the part they play, folded; `titled`: by `ông (bà)` only."""

    name: Told | None
    role: str = ""
    titled: bool = False
    told: dict[str, Told] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Label:
    kind: str
    start: int
    end: int
    role: str = ""


def persons_in(runs: Sequence[Passage], today: date) -> list[Person]:
    """Everybody who is named, with what is told of them up to the next one."""
    persons: list[Person] = []
    now: Person | None = None
    before: dict[str, Told] = {}
    for run in runs:
        labels = _labels(run)
        for at, label in enumerate(labels):
            end = labels[at + 1].start if at + 1 < len(labels) else len(run.text)
            if label.kind in ("name", "titled"):
                item = _name(run, label, end)
                if label.kind == "titled" and item is None:
                    continue
                after = labels[at + 1] if at + 1 < len(labels) else None
                told_next = after is not None and after.kind in ("id", "birth", "address")
                now = Person(name=item, role=label.role, titled=label.kind == "titled")
                if label.kind == "titled" and not (
                    item and told_next and after and _follows(run, item, label, after)
                ):
                    now.role = "?"
                now.told.update(before)
                before = {}
                persons.append(now)
            elif label.kind == "parcel":
                now = None
            elif label.kind != "stop" and (now is None or label.kind not in now.told):
                value = _VALUES[label.kind](run, label, end, today)
                if value is None:
                    continue
                if now is not None:
                    now.told.setdefault(label.kind, value)
                elif label.kind == "id" and not persons:
                    before.setdefault("id", value)  # cards have the number above the name
    return persons


def _labels(run: Passage) -> list[_Label]:
    """Labels in the order of the text, none inside another."""
    found = [
        _Label(
            kind=kind,
            start=match.start(),
            end=match.end(),
            role=_part(match.groupdict().get("role") or ""),
        )
        for kind, pattern in _LABELS
        for match in pattern.finditer(run.folded)
    ]
    # a colon that stands alone is lost with the specks
    found += [
        _Label(kind="name", start=m.start(), end=m.end())
        for m in _BARE.finditer(run.folded)
        if run.text[m.end() : m.end() + 1].isupper()
    ]
    found += [_Label(kind="titled", start=m.start(), end=m.end()) for m in _TITLE.finditer(run.text)]
    kept: list[_Label] = []
    for label in sorted(found, key=lambda one: (one.start, one.kind == "titled", -one.end)):
        if not kept or label.start >= kept[-1].end:
            kept.append(label)
    return kept


def _part(told: str) -> str:
    """What a label says of the part a person plays: `người yêu cầu`, not how the name is to be written."""
    return one_line(_NO_PART.sub(" ", told)).strip(" ,()/")


def _name(run: Passage, label: _Label, end: int) -> Told | None:
    text = run.text[label.end : end]
    lead = len(text) - len(text.lstrip())
    text = _ENDS.split(text.strip(), maxsplit=1)[0].strip()
    if label.kind == "titled":
        match = _NAME.match(text)
        text = match.group() if match else ""
    name = name_in(text)
    if name is None:
        return None
    start = label.end + lead
    words = run.between(start, start + len(text))
    return Told(value=name, words=tuple(words), view=run.view, sound=well_spelled(name))


def _follows(run: Passage, item: Told, label: _Label, after: _Label) -> bool:
    """Whether what tells a person apart stands right behind the name."""
    between = run.text[label.end : after.start]
    return len(between) - len(item.value) <= 4


def _number(run: Passage, label: _Label, end: int, today: date) -> Told | None:
    match = FIGURES.match(run.text, label.end)
    number = identity_number(match.group()) if match else None
    if match is None or number is None:
        return None
    words = run.between(match.start(), match.end())
    whole = "".join(sign for word in words for sign in word.text if sign.isdigit()) == number.text
    return Told(
        value=number.text,
        words=tuple(words),
        view=run.view,
        sound=whole and number.sound(today),
        number=number,
    )


def _birth(run: Passage, label: _Label, end: int, today: date) -> Told | None:
    text = run.text[label.end : min(end, label.end + 40)]
    dates = [item for item in find_dates(text) if item.start <= 6 and item.value]
    if dates and dates[0].value is not None:
        day, (start, stop) = dates[0].value, (dates[0].start, dates[0].end)
        value, year, clean = day.isoformat(), day.year, dates[0].clean and day <= today
    else:
        match = _YEAR.match(text.lstrip())
        if match is None:
            return None
        start = len(text) - len(text.lstrip())
        stop, value, year = start + 4, match[1], int(match[1])
        clean = FIRST_YEAR <= year <= today.year
    words = run.between(label.end + start, label.end + stop)
    return Told(value=value, words=tuple(words), view=run.view, sound=clean, year=year)


def _home(run: Passage, label: _Label, end: int, today: date) -> Told | None:
    found = address_in(run.text[label.end : end])
    if found is None:
        return None
    words = run.between(label.end + found.start, label.end + found.end)
    return Told(value=found.text, words=tuple(words), view=run.view, sound=found.whole)


_VALUES = {"id": _number, "birth": _birth, "address": _home}
