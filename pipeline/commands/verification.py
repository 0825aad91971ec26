"""`sohoa verify`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.commands.session import JsonOption, Session, absolute, answer
from pipeline.errors import UsageError


def register(app: typer.Typer) -> None:
    app.command()(verify)


def verify(
    context: typer.Context,
    targets: Annotated[
        list[str] | None,
        typer.Argument(help="Tệp, thư mục, mã giấy tờ hay mã hồ sơ. (File, folder, document, dossier.)"),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Mọi giấy tờ trong kho. (All that is stored.)")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Kiểm tra chữ ký, mã băm, sổ cái. (Signatures, hashes, ledger.)"""
    session: Session = context.obj
    if bool(targets) == everything:
        raise UsageError("give what to verify, or --all", vi="Cần nêu thứ cần kiểm tra, hoặc --all")
    files = [absolute(Path(t)) for t in targets or [] if Path(t).exists()]
    named = [t for t in targets or [] if not Path(t).exists()]
    if files and not named and not session.paths.root.exists():
        from signing.offline import verify_files

        result = verify_files([Path(f) for f in files])
    else:
        result = session.call("verify", {"files": files, "named": named, "all": everything}, quiet=as_json)
    answer(result, as_json=as_json, show=_show, code=exit_code(result))


def exit_code(report: dict[str, Any]) -> int:
    """5 when anything failed or is missing, 1 when anything is undecided, else 0."""
    verdicts = {result["verdict"] for result in report["results"]}
    if "TOTAL_FAILED" in verdicts or report["missing"]:
        return 5
    return 1 if verdicts & {"INDETERMINATE", "NOT_SIGNED"} else 0


def _show(report: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.markup import escape

    console = Console(highlight=False)
    colours = {"TOTAL_PASSED": "green", "TOTAL_FAILED": "red"}
    for result in report["results"]:
        console.print(
            f"[{colours.get(result['verdict'], 'yellow')}]{result['verdict']}[/]  "
            f"{escape(result['target'])}\n  {escape(result['verdict_vi'])}"
        )
        for signature in result["signatures"]:
            who = signature["signer"] + (f" ({signature['role']})" if signature["role"] else "")
            console.print(f"  [dim]{escape(who)}  {signature['level']}  {_local(signature['signed_at'])}[/]")
        for problem in result["problems"]:
            console.print(f"  {escape(problem)}", style="yellow")
    counts: dict[str, int] = {}
    for result in report["results"]:
        counts[result["verdict"]] = counts.get(result["verdict"], 0) + 1
    console.print("  ".join(f"{verdict}: {count}" for verdict, count in sorted(counts.items())))
    for name in ("missing", "extra"):
        for item in report[name]:
            console.print(f"{name}: {escape(str(item))}", style="red")


def _local(moment: str | None) -> str:
    """A time as clerks read it, in Vietnamese time; the JSON keeps what was signed."""
    if not moment:
        return ""
    from datetime import datetime
    from zoneinfo import ZoneInfo

    return (
        datetime.fromisoformat(moment)
        .astimezone(ZoneInfo("Asia/Ho_Chi_Minh"))
        .strftime("%d/%m/%Y %H:%M:%S %z")
    )
