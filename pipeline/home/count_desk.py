"""What a person says about the sheets of a batch: how many they are, or that some were not scanned."""

from __future__ import annotations

from typing import Any

from pipeline.errors import UsageError
from pipeline.grammar.entries import checked_reason
from storage.sheet_counts import SheetCounts

SAID = ("sheets", "rescan")
MOST_SHEETS = 1_000_000


def decide_count(
    counts: SheetCounts, item: str, arguments: dict[str, Any], actor: str, others: tuple[str, ...]
) -> None:
    """Record `sheets` (with `reason`) or `rescan`, on the ledger. `others` are words that only papers know.

    Raises UsageError for anything else, and for what the count of the batch rules out.
    """
    counts.known(item)
    strange = next((name for name in others if name not in SAID and arguments.get(name)), None)
    if strange is not None:
        raise UsageError(
            f"--{strange.replace('_', '-')} is about a paper: sohoa review d_…; a batch takes --sheets or --rescan",
            vi=f"--{strange.replace('_', '-')} là quyết về giấy tờ (sohoa review d_…); lô thì --sheets hay --rescan",
        )
    said = [name for name in SAID if arguments.get(name)]
    if len(said) != 1:
        raise UsageError(
            f"say how many sheets the batch has: sohoa review {item} --sheets N; or --rescan WHY when some are missing",
            vi=f'Cần ghi số tờ đúng của lô: sohoa review {item} --sheets N; thiếu tờ thì --rescan "lý do"',
        )
    if said == ["rescan"]:
        counts.missing(item, reason=checked_reason(str(arguments["rescan"])), actor=actor)
        return
    sheets = int(arguments["sheets"])
    if not 0 < sheets < MOST_SHEETS:
        raise UsageError("the number of sheets is from 1", vi="Số tờ phải từ 1")
    reason = checked_reason(str(arguments["reason"])) if arguments.get("reason") else None
    counts.recount(item, sheets=sheets, reason=reason, actor=actor)


def only_of_batches(item: str, arguments: dict[str, Any]) -> None:
    """Raises UsageError where a paper or a side is given what only a batch has."""
    for name in ("sheets", "reason"):
        if arguments.get(name):
            raise UsageError(
                f"--{name} is about a batch: sohoa review b_… --sheets N",
                vi=f"--{name} là của lô: sohoa review b_… --sheets N ({item} không phải lô)",
            )
