"""What a separator sheet's QR code says: `CODE|TO k/n|series`, so that a missing sheet is noticed.

The sheets printed together are one series, numbered 1 to n through all its dossiers. The series is named by what was
printed, so printing the same list again replaces a lost sheet. Any reader of dossier codes finds the code in it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pipeline.grammar.codes import parse_dossier_code

MOST_SHEETS = 999
_MARK = re.compile(r"(?P<code>[^|]+)\|TO (?P<number>\d{1,3})/(?P<total>\d{1,3})\|(?P<series>[0-9a-f]{8})")


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetMark:
    """Sheet `number` of `total` in a series; it begins a paper of the dossier `code`."""

    code: str
    number: int
    total: int
    series: str

    @property
    def text(self) -> str:
        """As written into the QR code."""
        return f"{self.code}|TO {self.number}/{self.total}|{self.series}"


def marks_for(codes: Sequence[str], papers: int) -> tuple[SheetMark, ...]:
    """The sheets of a series: `papers` for each dossier, in the order given."""
    total = len(codes) * papers
    series = hashlib.sha256("\n".join([*codes, str(papers)]).encode()).hexdigest()[:8]
    return tuple(
        SheetMark(code=codes[index // papers], number=index + 1, total=total, series=series)
        for index in range(total)
    )


def read_mark(texts: Iterable[str]) -> SheetMark | None:
    """The mark among the barcodes of a page; None when there is none, or two that differ."""
    found = {mark for text in texts if (mark := _parse(text)) is not None}
    return found.pop() if len(found) == 1 else None


def _parse(text: str) -> SheetMark | None:
    match = _MARK.fullmatch(text.strip())
    code = parse_dossier_code(match["code"]) if match else None
    if match is None or code is None or not 1 <= int(match["number"]) <= int(match["total"]):
        return None
    return SheetMark(
        code=code.text, number=int(match["number"]), total=int(match["total"]), series=match["series"]
    )
