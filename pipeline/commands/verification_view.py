"""What `sohoa verify` says on a console: the sentence, then what is wrong by reason; few files in full."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape

from signing.signing_times import in_vietnam

if TYPE_CHECKING:
    from signing.delivery.report import Report
    from signing.delivery.wording import Wording

IN_FULL = 12
"""So many files are told one by one; more by reason only."""
NAMES = 8
ROLES = {"officer": "cán bộ", "agency": "cơ quan"}
COLOURS = {"TOTAL_PASSED": "green", "TOTAL_FAILED": "red"}


def show_report(report: Report, console: Console | None = None) -> None:
    """Print it."""
    console = console or Console(highlight=False)
    counts = report.store.counts()
    worst = "TOTAL_FAILED" if report.store.missing() else next(iter(counts), "NOT_SIGNED")
    console.print(escape(report.summary()), style=f"bold {COLOURS.get(worst, 'yellow')}", soft_wrap=True)
    few = 0 < sum(counts.values()) <= IN_FULL
    if few:
        for result in report.store.results():
            _one(result, console, report.words)
    for heading, names in report.lists(most=NAMES, by_reason=not few):
        console.print(escape(heading), style="bold", soft_wrap=True)
        for name in names:
            console.print(f"  {escape(name)}", soft_wrap=True)


def _one(result: dict[str, Any], console: Console, words: Wording) -> None:
    colour = COLOURS.get(result["verdict"], "yellow")
    console.print(
        f"[{colour}]{result['verdict']}[/]  {escape(result['target'])}\n  {escape(result['verdict_vi'])}",
        soft_wrap=True,
    )
    for signature in result["signatures"]:
        who = signature["signer"] + (f" ({words.role(signature['role'])})" if signature["role"] else "")
        moment = signature["signed_at"]
        shown = in_vietnam(_moment(moment)) if moment else ""
        console.print(f"  [dim]{escape(who)}  {signature['level']}  {shown}[/]", soft_wrap=True)
    for problem in result["problems"]:
        console.print(f"  {escape(problem)}", style="yellow", soft_wrap=True)


def _moment(text: str) -> Any:
    from datetime import datetime

    return datetime.fromisoformat(text)
