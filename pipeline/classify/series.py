"""Are all separator sheets of a printed series there? A lost one would merge two papers, or two dossiers, silently."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from pipeline.grammar.sheet_marks import SheetMark

MISSING = (
    "Thiếu tờ phân cách {0} của {1}: giấy ở chỗ đó có thể là của giấy tờ hay hồ sơ khác "
    "(separator sheet missing or unreadable)"
)
ORDER = (
    "Tờ phân cách {0}/{2} đứng sau tờ {1}/{2}: tờ bị lặp hoặc chồng giấy bị đảo "
    "(separator sheet repeated or out of order)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Pages after `after` and before `before` (batch indexes; -1 and None: the ends) that a sheet should have parted.

    `where` is the separator to show it at. `parted`: as many unreadable separators stand there as are missing, so
    boundaries are known and only the report remains.
    """

    after: int
    before: int | None
    where: int
    reason: str
    parted: bool

    def holds(self, index: int) -> bool:
        """Whether a page lies in the gap."""
        return self.after < index and (self.before is None or index < self.before)


def gaps(marks: Mapping[int, SheetMark], separators: Collection[int]) -> tuple[Gap, ...]:
    """Where a series is broken; `separators` are all, also those without a mark, `marks` those that were read."""
    found: list[Gap] = []
    for series in dict.fromkeys(mark.series for mark in marks.values()):
        seen = sorted((index, mark) for index, mark in marks.items() if mark.series == series)
        total = seen[0][1].total
        first, last = seen[0], seen[-1]
        start = max((index for index in separators if index < first[0] and index in marks), default=-1)
        end = min((index for index in separators if index > last[0] and index in marks), default=None)
        steps: list[tuple[tuple[int, int], tuple[int | None, int]]] = []
        steps.append(((start, 0), (first[0], first[1].number)))
        steps += [((i, a.number), (j, b.number)) for (i, a), (j, b) in itertools.pairwise(seen)]
        steps.append(((last[0], last[1].number), (end, total + 1)))
        for (after, low), (before, high) in steps:
            where = before if before is not None and before in marks and high <= total else after
            if high <= low:
                reason = ORDER.format(high, low, total)
                found.append(Gap(after=after, before=before, where=where, reason=reason, parted=False))
            elif high > low + 1:
                lost = [index for index in separators if after < index and (before is None or index < before)]
                reason = MISSING.format(_numbers(low + 1, high - 1, total), _dossiers(seen))
                found.append(
                    Gap(
                        after=after,
                        before=before,
                        where=lost[0] if lost else where,
                        reason=reason,
                        parted=len(lost) >= high - low - 1,
                    )
                )
    return tuple(found)


def _numbers(first: int, last: int, total: int) -> str:
    return ", ".join(f"{number}/{total}" for number in range(first, last + 1))


def _dossiers(seen: list[tuple[int, SheetMark]]) -> str:
    codes = list(dict.fromkeys(mark.code for _, mark in seen))
    return f"hồ sơ {codes[0]}" if len(codes) == 1 else f"lượt in có hồ sơ {codes[0]}"
