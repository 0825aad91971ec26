"""Number and date of a page made elsewhere, weighed by the text that its PDF has of its own.

What is seen rules. Where the file's text says at the same place what was read, a doubtful reading is claimed: two
ways that fail differently agree. Where it has another number or date there, the reading becomes doubtful: a person
looks at the page, since a text under the print may have been made to deceive. It never gives a value by itself.

Why it is asked at all: of 60 numbers and dates on 30 pages made by program (8 to 13 points, common and rare symbols)
reading alone claimed 56, none wrongly; with the file's text beside it 60, none wrongly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pipeline.classify.layout import has_text
from pipeline.classify.view import PageView
from pipeline.grammar.dates import find_dates
from pipeline.grammar.numbers import find_number
from pipeline.model import Box, Field, OwnText

WITNESS = 0.8
"""Share of a page's words that its own text must have right to be a witness: fonts without a map give rubbish."""
LEAST = 0.3
"""Confidence of a reading below which agreement proves nothing: it may be a guess that fell on the text."""
AGREED = 0.97
READ = ("text", "pen")
EVIDENCE = "layer"


def witnessed(fields: Sequence[Field], views: Sequence[PageView]) -> tuple[Field, ...]:
    """The fields with the word of the pages' own text; and a remark when that is in an old code or says else."""
    texts = {view.index: view.page.own_text for view in views if view.page.own_text is not None}
    if not texts:
        return tuple(fields)
    weighed = [_weighed(field, texts.get(field.page) if field.page is not None else None) for field in fields]
    codes = sorted({text.code for text in texts.values() if text.code})
    if any(text.agrees < WITNESS for text in texts.values()):
        codes.append("differs")
    if codes:
        remark = " ".join(codes)
        weighed.append(
            Field(name="own_text", value=remark, confidence=1.0, doubtful=False, evidence=EVIDENCE)
        )
    return tuple(weighed)


def _weighed(field: Field, text: OwnText | None) -> Field:
    if text is None or field.box is None or text.agrees < WITNESS or field.evidence not in READ:
        return field
    said = _said(field.name, _beside(text, field.box))
    if field.value in said:
        if field.doubtful and field.confidence >= LEAST:
            return replace(field, doubtful=False, confidence=AGREED, evidence=EVIDENCE)
        return field
    if said and not field.doubtful:
        return replace(field, doubtful=True, confidence=min(field.confidence, 0.5), evidence=EVIDENCE)
    return field


def _said(name: str, row: str) -> set[str]:
    """Numbers or dates that the file's text has there."""
    if name == "number":
        found = find_number(row)
        return {found.text} if found else set()
    if name == "date":
        return {item.value.isoformat() for item in find_dates(row) if item.value and item.clean}
    return set()


def _beside(text: OwnText, box: Box) -> str:
    """The file's text on the row of a box, a little further than the box to both sides."""
    middle, height = (box.top + box.bottom) / 2, box.bottom - box.top
    near = [
        word
        for word in text.words
        if word.box.top <= middle <= word.box.bottom
        and word.box.right > box.left - 8 * height
        and word.box.left < box.right + 8 * height
        and has_text(word.text)
    ]
    return " ".join(word.text for word in sorted(near, key=lambda word: word.box.left))
