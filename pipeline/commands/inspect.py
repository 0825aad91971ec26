"""`sohoa find`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from pipeline.commands.session import JsonOption, Session, answer

Purpose = Annotated[
    str | None, typer.Option("--purpose", help="Mục đích, ghi vào sổ cái. (What for; kept on the ledger.)")
]


def register(app: typer.Typer) -> None:
    app.command()(find)


def find(
    context: typer.Context,
    query: Annotated[
        list[str],
        typer.Argument(help="Từ cần tìm, có dấu hay không dấu. (Words, with or without diacritics.)"),
    ],
    limit: Annotated[int, typer.Option(min=1, max=500, help="Số kết quả một trang. (Results a page.)")] = 20,
    after: Annotated[
        str | None, typer.Option(help="Trang sau: giá trị `next` của trang trước. (Next page.)")
    ] = None,
    purpose: Purpose = None,
    as_json: JsonOption = False,
) -> None:
    """Tìm giấy tờ theo mã hồ sơ, số, tên, hay bất kỳ từ nào. (Search.)"""
    session: Session = context.obj
    result = session.call(
        "find", {"query": " ".join(query), "limit": limit, "after": after, "purpose": purpose}, quiet=True
    )
    answer(result, as_json=as_json, show=_show_found)


def _show_found(result: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.markup import escape

    console = Console(highlight=False)
    if not result["results"]:
        console.print("Không tìm thấy. (Nothing found.)")
    for hit in result["results"]:
        console.print(
            f"[bold]{escape(hit['type_name'] or '?')}[/]  {hit['document']}  {escape(hit['dossier'] or '')}"
        )
        if hit["title"]:
            console.print(f"  {escape(hit['title'])}")
        console.print(f"  [dim]{escape(hit['snippet'] or '')}[/]")
    if result["newest_first"]:
        console.print(
            "Hơn 1.000 kết quả: xếp mới nhất trước. (More than 1,000 hits: the newest first.)", style="dim"
        )
    if result["next"]:
        console.print(f"Còn nữa: --after {result['next']}", style="dim")
