"""The issuing agency: the left column of the letterhead (Nghị định 30/2020/NĐ-CP, cell 2)."""

from __future__ import annotations

from pipeline.classify.layout import Segment, box_of
from pipeline.classify.printed import worn
from pipeline.classify.view import PageView
from pipeline.grammar.agencies import is_parent, ordinary_case, tidy_name
from pipeline.grammar.folding import fold_words
from pipeline.grammar.numbers import find_number
from pipeline.model import Field

# Of 507 made names claimed at this bar 7 were wrong, by one mark or a lost word, which confidence does not tell.
SURE = 0.75
LONGEST_SYLLABLE = 7
WITHOUT_PLACE = ("Ủy ban nhân dân", "Hội đồng nhân dân", "UBND", "HĐND")
_NO_AGENCY = ("cong hoa", "doc lap", "mau so", "mau ", "ho so so", "v v")


def issuer_field(view: PageView) -> Field | None:
    """The agency's full name in ordinary case, without the agency above it."""
    rows = [row for row in _rows(view) if len(tidy_name(_text(row))) > 2]
    rows = [row for row in rows if not _is_no_agency(_text(row))]
    while len(rows) > 1 and is_parent(tidy_name(_text(rows[0])), tidy_name(_text(rows[1]))):
        rows = rows[1:]
    if not rows:
        return None
    parts = [part for row in rows for part in row]
    confidence = min(part.confidence for part in parts)
    name = ordinary_case(" ".join(tidy_name(_text(row)) for row in rows))
    return Field(
        name="issuer",
        value=name,
        confidence=round(confidence, 3),
        doubtful=_in_doubt(name, confidence, view),
        page=view.index,
        box=box_of(part.box for part in parts),
    )


def _is_no_agency(text: str) -> bool:
    return fold_words(text).startswith(_NO_AGENCY) or find_number(text) is not None


def _in_doubt(name: str, confidence: float, view: PageView) -> bool:
    """A name read from worn print, cut short, or with syllables run together (none has more than seven letters)."""
    words = name.split()
    return (
        confidence < SURE
        or worn(view.page)
        or len(words) < 2
        or name in WITHOUT_PLACE
        or any(len(word) > LONGEST_SYLLABLE or not word.replace("-", "").isalpha() for word in words)
        or name == name.upper()
    )


def _rows(view: PageView) -> list[list[Segment]]:
    """Capital print of the left column, row by row from the top."""
    rows: list[list[Segment]] = []
    for part in view.header.left:
        if part.caps < 0.7 or part.middle > view.header.bottom + part.height:
            continue
        if rows and abs(part.middle - rows[-1][0].middle) < 0.6 * part.height:
            rows[-1].append(part)
        elif rows and part.box.top - rows[-1][0].box.bottom > 1.6 * part.height:
            break
        else:
            rows.append([part])
    return [sorted(row, key=lambda part: part.box.left) for row in rows]


def _text(row: list[Segment]) -> str:
    return " ".join(part.text for part in row)
