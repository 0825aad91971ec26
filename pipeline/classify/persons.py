"""Whose a paper is: name, identity number, day of birth and address of its owner (Thông tư 01/2023/TT-VPCP Điều 9, 24).

A paper names many persons. What stands behind a label belongs to the person named last before it, and the owner is
whom the paper's kind says (`owner` in config/document_types.toml), else the only one named without a part to play
(mother, father, representative). Where that is not so, or the value is not written as its grammar has it, or was read
with doubt, it is a suggestion.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from rapidfuzz.distance import Levenshtein

from pipeline.classify.named import FIGURES, Person, Told, persons_in
from pipeline.classify.passages import Passage, confidence, field_of, letters, passages
from pipeline.classify.types import DocumentType
from pipeline.classify.view import PageView
from pipeline.grammar.folding import fold_aligned
from pipeline.grammar.person_names import same_name
from pipeline.model import Field

# Words of the language; figures, of which one may be misread; and either, when the same stands elsewhere on the paper.
SURE_WORDS, SURE_FIGURES, AGREED = 0.9, 0.95, 0.5
FRESH = 0.975  # mean confidence of a page whose diacritics can be believed
_UNIT = re.compile(r"^\s*(?:xã|phường|thị trấn|huyện|quận|tỉnh|thành phố|TP\.?)\s+", re.IGNORECASE)
NEAR = 3  # figures in which two readings of one number differ


def person_fields(
    views: Sequence[PageView], kind: DocumentType, *, known: bool, today: date
) -> tuple[Field, ...]:
    """owner, owner_id, birth_date and address as far as they stand on the paper. `known`: its kind is certain."""
    runs = [passage for view in views for passage in passages(view)]
    persons = persons_in(runs, today)
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
        found.append(_field("owner_id", number, certain and fits and _number_is_sure(number, runs)))
    if born is not None:
        sure = certain and fits and born.sound and confidence(born.words) >= SURE_FIGURES
        found.append(_field("birth_date", born, sure))
    home = owner.told.get("address")
    if home is not None:
        found.append(_field("address", home, certain and _home_is_sure(home, runs)))
    return tuple(found)


def _field(name: str, item: Told, sure: bool) -> Field:
    return field_of(name, item.value, item.words, item.view, sure=sure)


def _owner(persons: Sequence[Person], kind: DocumentType) -> tuple[Person | None, bool]:
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


def _one(persons: Sequence[Person]) -> bool:
    """Whether they are one person; an unread name may be anybody's."""
    first = persons[0].name
    return first is not None and all(
        one.name is not None and same_name(first.value, one.name.value, letters=False) for one in persons
    )


def _name_is_sure(item: Told, runs: Sequence[Passage]) -> bool:
    return item.sound and _words_are_sure(item, item.value, runs)


def _home_is_sure(item: Told, runs: Sequence[Passage]) -> bool:
    """Every part of it, as `xã Cẩm Khê`, by itself: the letterhead may name the same commune."""
    return item.sound and all(
        _words_are_sure(item, _UNIT.sub("", part).strip(), runs) for part in item.value.split(",")
    )


def _words_are_sure(item: Told, value: str, runs: Sequence[Passage]) -> bool:
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
    return sum(run.letters.count(wanted) for run in runs) > 1


def _number_is_sure(item: Told, runs: Sequence[Passage]) -> bool:
    """Built as the law has it, and read without doubt or twice alike; never beside a reading that nearly agrees."""
    if not item.sound or item.number is None:
        return False
    others = [found for run in runs for found in FIGURES.findall(run.text)]
    figures = ["".join(sign for sign in text if sign.isdigit()) for text in others]
    if any(0 < Levenshtein.distance(one, item.value) <= NEAR for one in figures):
        return False
    return confidence(item.words) >= (AGREED if figures.count(item.value) > 1 else SURE_FIGURES)
