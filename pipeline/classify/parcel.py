"""The land parcel that a paper is about: its number and the map sheet it lies on (thửa đất số, tờ bản đồ số)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.classify.passages import Passage, confidence, field_of, passages
from pipeline.classify.view import PageView
from pipeline.model import Field, Word

SURE, AGREED = 0.95, 0.5
_N = r"(?P<{0}>\d{{1,5}}(?:-\d{{1,3}})?)(?![\d/]|\s?\d|[.,]\d)"
_BOTH = re.compile(
    rf"thua\s*(?:dat\s*)?(?:so|s6)?\s*[:.]?\s*{_N.format('plot')}\s*[,;.]?\s*(?:thuoc\s*)?t[o0]\s*ban\s*d[o0]\s*"
    rf"(?:dia chinh\s*)?(?:so|s6)?\s*[:.]?\s*{_N.format('sheet')}"
)
_PLOT = re.compile(rf"thua\s*(?:dat\s*)?(?:so|s6)\s*[:.]?\s*{_N.format('plot')}")
_SHEET = re.compile(rf"t[o0]\s*ban\s*d[o0]\s*(?:dia chinh\s*)?(?:so|s6)\s*[:.]?\s*{_N.format('sheet')}")
NEXT = 3  # passages in which the sheet may follow the plot, each on its line


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parcel:
    plot: str
    sheet: str
    words: tuple[Word, ...]
    view: PageView


def parcel_field(views: Sequence[PageView]) -> Field | None:
    """The parcel when the paper names one and no other; the first of several is a suggestion."""
    runs = [passage for view in views for passage in passages(view)]
    found = [parcel for at in range(len(runs)) for parcel in _in(runs, at)]
    if not found:
        return None
    first = found[0]
    same = [one for one in found if (one.plot, one.sheet) == (first.plot, first.sheet)]
    least = AGREED if len(same) > 1 else SURE
    value = f"thửa đất số {first.plot}, tờ bản đồ số {first.sheet}"
    sure = len(same) == len(found) and confidence(first.words) >= least
    return field_of("parcel", value, first.words, first.view, sure=sure)


def _in(runs: Sequence[Passage], at: int) -> list[_Parcel]:
    run = runs[at]
    found = [_parcel(run, match, run, match) for match in _BOTH.finditer(run.folded)]
    if found:
        return found
    plot = _PLOT.search(run.folded)
    if plot is None:
        return []
    for other in runs[at : at + NEXT]:
        sheet = _SHEET.search(other.folded)
        if sheet is not None and other.view is run.view:
            return [_parcel(run, plot, other, sheet)]
    return []


def _parcel(run: Passage, plot: re.Match[str], other: Passage, sheet: re.Match[str]) -> _Parcel:
    return _Parcel(
        plot=str(int(plot["plot"])) if plot["plot"].isdigit() else plot["plot"],
        sheet=str(int(sheet["sheet"])) if sheet["sheet"].isdigit() else sheet["sheet"],
        words=(*run.between(*plot.span("plot")), *other.between(*sheet.span("sheet"))),
        view=run.view,
    )
