"""`sohoa review`: what waits for a person, and settling it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.commands.session import JsonOption, Session, answer


def register(app: typer.Typer) -> None:
    app.command()(review)


def review(
    context: typer.Context,
    item: Annotated[
        str | None, typer.Argument(help="Mã giấy tờ d_… hay mặt p_…; bỏ trống: liệt kê. (What to settle.)")
    ] = None,
    dossier: Annotated[str | None, typer.Option(help="Thuộc hồ sơ nào. (Its dossier code.)")] = None,
    kind: Annotated[str | None, typer.Option("--type", help="Là loại giấy tờ nào. (Its type key.)")] = None,
    as_json: JsonOption = False,
) -> None:
    """Việc chờ người: liệt kê, hoặc quyết một việc rồi máy làm tiếp. (What waits for a person.)"""
    from pipeline.commands.intake import exit_code

    session: Session = context.obj
    result = session.call(
        "review", {"item": item, "dossier": dossier, "type": kind}, quiet=as_json or not item
    )
    code = exit_code(result["batches"]) if item else int(bool(result["waiting"]))
    answer(result, as_json=as_json, show=_show, code=code)


def _show(result: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.markup import escape

    from pipeline.commands.tables import show_batches

    console = Console(highlight=False)
    if "batches" in result:
        show_batches(result["batches"], console)
        return
    if not result["waiting"]:
        console.print("Không có gì chờ người xem. (Nothing waits.)")
    for item in result["waiting"]:
        pages = ", ".join(str(page + 1) for page in item["pages"])
        console.print(
            f"[bold]{item['id']}[/]  {escape(item['type_name'] or 'mặt giấy')}  "
            f"[dim]{escape(Path(item['source']).name)}, mặt {pages}[/]"
        )
        console.print(f"  {escape(item['reason'] or '')}", style="yellow")
    if result["waiting"]:
        console.print(
            f"Quyết một việc: sohoa review {result['waiting'][0]['id']} --dossier MÃ-HỒ-SƠ", style="dim"
        )
