"""The issuing agency: the left column of the letterhead (Nghị định 30/2020/NĐ-CP, cell 2)."""

from __future__ import annotations

import re

from rapidfuzz.distance import Levenshtein

from pipeline.classify.layout import Segment, box_of
from pipeline.classify.printed import worn
from pipeline.classify.view import PageView
from pipeline.grammar.agencies import is_parent, ordinary_case, tidy_name
from pipeline.grammar.folding import fold_words
from pipeline.grammar.numbers import find_number
from pipeline.grammar.provinces import PROVINCES
from pipeline.model import Field

# Of 507 made names claimed at this bar 7 were wrong, by one mark or a lost word, which confidence does not tell.
SURE = 0.75
LONGEST_SYLLABLE = 7
_OF_PROVINCE = re.compile(
    r"(?P<body>uy ban nhan dan|hoi dong nhan dan) (?P<kind>tinh|thanh pho) (?P<place>.+)"
)
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
    signed = _by_signature(name, view)
    return Field(
        name="issuer",
        value=signed or _by_place(name, view) or name,
        confidence=round(confidence, 3),
        doubtful=not signed and not _by_place(name, view) and _in_doubt(name, confidence, view),
        evidence="signature" if signed else "text",
        page=view.index,
        box=box_of(part.box for part in parts),
    )


def _by_signature(name: str, view: PageView) -> str | None:
    """The agency in whose name the file is signed, when the letterhead reads nearly so."""
    for signer in view.page.signed_by:
        stated = ordinary_case(tidy_name(signer.name))
        if len(stated.split()) > 1 and _nearly(name, stated):
            return stated
    return None


def _by_place(name: str, view: PageView) -> str | None:
    """`Ủy ban nhân dân tỉnh Quảng Ngãi` where the place beside the date is that province: two words for one name."""
    match = _OF_PROVINCE.fullmatch(fold_words(name))
    place = fold_words(view.place)
    if match is None or not place:
        return None
    for unit in PROVINCES.values():
        if fold_words(unit.name) == place and _nearly(match["place"], place):
            body = "Hội đồng nhân dân" if match["body"].startswith("hoi") else "Ủy ban nhân dân"
            kind = "thành phố" if match["kind"] == "thanh pho" else "tỉnh"
            return f"{body} {kind} {unit.name}"
    return None


def _nearly(read: str, known: str) -> bool:
    """Whether each word was read right, but for its marks and one letter: `Ngaài` is Ngãi, and Nam is not."""
    one, two = fold_words(read).split(), fold_words(known).split()
    return len(one) == len(two) and all(
        Levenshtein.distance(a, b) <= (1 if len(b) > 3 else 0) for a, b in zip(one, two, strict=True)
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
