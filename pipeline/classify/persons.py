"""Whose a paper is: name, identity number, day of birth and address of its owner (Thông tư 01/2023/TT-VPCP Điều 9, 24).

A paper names many persons. What stands behind a label belongs to the person named last before it, and the owner is
whom the paper's kind says (`owner` in config/document_types.toml), else the only one named without a part to play
(mother, father, representative). Where that is not so, or the value is not written as its grammar has it, or was read
with doubt, it is a suggestion.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from rapidfuzz.distance import Levenshtein

from pipeline.classify.passages import Passage, confidence, field_of, letters, passages
from pipeline.classify.types import DocumentType
from pipeline.classify.view import PageView
from pipeline.grammar.addresses import address_in
from pipeline.grammar.dates import find_dates
from pipeline.grammar.folding import fold_aligned, one_line
from pipeline.grammar.identity import IdentityNumber, identity_number
from pipeline.grammar.person_names import name_in, same_name, well_spelled
from pipeline.model import Field, Word

# Words of the language; figures, of which one may be misread; and either, when the same stands elsewhere on the paper.
SURE_WORDS, SURE_FIGURES, AGREED = 0.9, 0.95, 0.5
FRESH = 0.975  # mean confidence of a page whose diacritics can be believed
NEAR = 3  # figures in which two readings of one number differ

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
_NUMBER = re.compile(r"\d(?:[ .]?\d){8,11}(?!\s?\d)")
_YEAR = re.compile(r"((?:19|20)\d\d)(?![\d/.-])")
_NO_PART = re.compile(r"full name|\(?(?:ghi |viet )?(?:bang )?chu in(?: hoa)?[^)]*\)?|day du|khai sinh")
_UNIT = re.compile(r"^\s*(?:xã|phường|thị trấn|huyện|quận|tỉnh|thành phố|TP\.?)\s+", re.IGNORECASE)
FIRST_YEAR = 1900


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """A value and where it stands. `sound`: written as its grammar asks."""

    value: str
    words: tuple[Word, ...]
    view: PageView
    sound: bool
    year: int | None = None
    number: IdentityNumber | None = None


@dataclass(slots=True)
class _Person:
    """Who was named. `role` is what the label says of the part they play, folded; `titled`: by `ông (bà)` only."""

    name: _Found | None
    role: str = ""
    titled: bool = False
    told: dict[str, _Found] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Label:
    kind: str
    start: int
    end: int
    role: str = ""


def person_fields(
    views: Sequence[PageView], kind: DocumentType, *, known: bool, today: date
) -> tuple[Field, ...]:
    """owner, owner_id, birth_date and address as far as they stand on the paper. `known`: its kind is certain."""
    runs = [passage for view in views for passage in passages(view)]
    persons = _persons(runs, today)
    owner, certain = _owner(persons, kind)
    if owner is None:
        return ()
    certain = certain and known
    found: list[Field] = []
    if owner.name is not None:
        found.append(_field("owner", owner.name, certain and _name_is_sure(owner.name, runs)))
    number, born = owner.told.get("id"), owner.told.get("birth")
    fits = number is None or born is None or number.number is None or number.number.fits_year(born.year)
    if number is not None:
        found.append(_field("owner_id", number, certain and fits and _number_is_sure(number, persons, runs)))
    if born is not None:
        sure = certain and fits and born.sound and confidence(born.words) >= SURE_FIGURES
        found.append(_field("birth_date", born, sure))
    home = owner.told.get("address")
    if home is not None:
        found.append(_field("address", home, certain and _home_is_sure(home, runs)))
    return tuple(found)


def _field(name: str, item: _Found, sure: bool) -> Field:
    return field_of(name, item.value, item.words, item.view, sure=sure)


def _persons(runs: Sequence[Passage], today: date) -> list[_Person]:
    """Everybody who is named, with what is told of them up to the next one."""
    persons: list[_Person] = []
    now: _Person | None = None
    before: dict[str, _Found] = {}
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
                now = _Person(name=item, role=label.role, titled=label.kind == "titled")
                if label.kind == "titled" and not (
                    item and told_next and after and _follows(run, item, label, after)
                ):
                    now.role = "?"
                now.told.update(before)
                before = {}
                persons.append(now)
            elif label.kind == "parcel":
                now = None
            elif label.kind != "stop":
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
    found += [_Label(kind="titled", start=m.start(), end=m.end()) for m in _TITLE.finditer(run.text)]
    kept: list[_Label] = []
    for label in sorted(found, key=lambda one: (one.start, one.kind == "titled", -one.end)):
        if not kept or label.start >= kept[-1].end:
            kept.append(label)
    return kept


def _part(told: str) -> str:
    """What a label says of the part a person plays: `người yêu cầu`, not how the name is to be written."""
    return one_line(_NO_PART.sub(" ", told)).strip(" ,()/")


def _name(run: Passage, label: _Label, end: int) -> _Found | None:
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
    return _Found(value=name, words=tuple(words), view=run.view, sound=well_spelled(name))


def _follows(run: Passage, item: _Found, label: _Label, after: _Label) -> bool:
    """Whether what tells a person apart stands right behind the name."""
    between = run.text[label.end : after.start]
    return len(between) - len(item.value) <= 4


def _number(run: Passage, label: _Label, end: int, today: date) -> _Found | None:
    match = _NUMBER.match(run.text, label.end)
    number = identity_number(match.group()) if match else None
    if match is None or number is None:
        return None
    words = run.between(match.start(), match.end())
    whole = "".join(sign for word in words for sign in word.text if sign.isdigit()) == number.text
    return _Found(
        value=number.text,
        words=tuple(words),
        view=run.view,
        sound=whole and number.sound(today),
        number=number,
    )


def _birth(run: Passage, label: _Label, end: int, today: date) -> _Found | None:
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
    return _Found(value=value, words=tuple(words), view=run.view, sound=clean, year=year)


def _home(run: Passage, label: _Label, end: int, today: date) -> _Found | None:
    found = address_in(run.text[label.end : end])
    if found is None:
        return None
    words = run.between(label.end + found.start, label.end + found.end)
    return _Found(value=found.text, words=tuple(words), view=run.view, sound=found.whole)


_VALUES = {"id": _number, "birth": _birth, "address": _home}


def _owner(persons: Sequence[_Person], kind: DocumentType) -> tuple[_Person | None, bool]:
    """Whose paper it is, and whether that is certain."""
    labelled = [person for person in persons if not person.titled]
    wanted = [one for one in labelled if any(role in one.role for role in kind.owner)]
    if wanted:
        return wanted[0], _one(wanted)
    plain = [one for one in labelled if not one.role]
    if plain:
        return plain[0], _one(plain) and not kind.owner
    if labelled:
        return labelled[0], False
    told_apart = [one for one in persons if one.role != "?"]
    if told_apart:
        return told_apart[0], _one(told_apart) and kind.role != "directive"
    return None, False


def _one(persons: Sequence[_Person]) -> bool:
    """Whether they are one person; an unread name may be anybody's."""
    first = persons[0].name
    return first is not None and all(
        one.name is not None and same_name(first.value, one.name.value, letters=False) for one in persons
    )


def _name_is_sure(item: _Found, runs: Sequence[Passage]) -> bool:
    return item.sound and _words_are_sure(item, item.value, runs)


def _home_is_sure(item: _Found, runs: Sequence[Passage]) -> bool:
    """Every part of it, as `xã Cẩm Khê`, by itself: the letterhead may name the same commune."""
    return item.sound and all(
        _words_are_sure(item, _UNIT.sub("", part).strip(), runs) for part in item.value.split(",")
    )


def _words_are_sure(item: _Found, value: str, runs: Sequence[Passage]) -> bool:
    """Read without doubt on a page without trouble, and nowhere on the paper with other diacritics.

    On worn pages a rare word is taken for a common one with all confidence, and alike wherever it stands (`Mỵ` as
    `My`), so neither confidence nor a second place helps there.
    """
    if item.view.page.confidence < FRESH or _otherwise(value, runs):
        return False
    return confidence(item.words) >= (AGREED if _stands_again(value, runs) else SURE_WORDS)


def _otherwise(value: str, runs: Sequence[Passage]) -> bool:
    """Whether the same letters stand somewhere with other diacritics."""
    folded, written = fold_aligned(value), letters(value)
    return any(
        letters(run.text[at.start() : at.end()]) != written
        for run in runs
        for at in re.finditer(rf"(?<![a-z0-9]){re.escape(folded)}(?![a-z0-9])", run.folded)
    )


def _stands_again(value: str, runs: Sequence[Passage]) -> bool:
    """Whether the same words stand on the paper twice or more, letter by letter."""
    wanted = letters(value)
    return sum(letters(run.text).count(wanted) for run in runs) > 1


def _number_is_sure(item: _Found, persons: Sequence[_Person], runs: Sequence[Passage]) -> bool:
    """Built as the law has it, and read without doubt or twice alike; never beside a reading that nearly agrees."""
    if not item.sound or item.number is None:
        return False
    others = [found for run in runs for found in _NUMBER.findall(run.text)]
    figures = ["".join(sign for sign in text if sign.isdigit()) for text in others]
    if any(0 < Levenshtein.distance(one, item.value) <= NEAR for one in figures):
        return False
    return confidence(item.words) >= (AGREED if figures.count(item.value) > 1 else SURE_FIGURES)
