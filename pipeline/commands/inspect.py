"""`sohoa find`, `get`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.commands.session import JsonOption, Session, absolute, answer
from pipeline.errors import UsageError

Purpose = Annotated[
    str | None, typer.Option("--purpose", help="Mục đích, ghi vào sổ cái. (What for; kept on the ledger.)")
]


def register(app: typer.Typer) -> None:
    app.command()(find)
    app.command()(get)


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


def get(
    context: typer.Context,
    document: Annotated[str, typer.Argument(help="Mã giấy tờ d_… (Document id.)")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Tệp đích. (Where to write.)")],
    original: Annotated[
        bool, typer.Option("--original", help="Lấy ảnh gốc. (The originals, into a folder if several.)")
    ] = False,
    version: Annotated[int | None, typer.Option(min=1, help="Phiên bản. (Version number.)")] = None,
    purpose: Purpose = None,
    as_json: JsonOption = False,
) -> None:
    """Tải bản đã ký hoặc ảnh gốc. (Download the signed file, or the originals.)"""
    session: Session = context.obj
    if str(output) == "-":
        raise UsageError("give a file name to write to", vi="Cần tên tệp để ghi")
    result = session.call(
        "get",
        {
            "document": document,
            "output": absolute(output),
            "original": original,
            "version": version,
            "purpose": purpose,
        },
        quiet=True,
    )
    answer(
        result,
        as_json=as_json,
        show=_show_files,
    )


def _show_files(result: dict[str, Any]) -> None:
    for file in result["files"]:
        typer.echo(file["path"])
        if file["recovered"]:
            typer.echo(
                "  lấy từ phiên bản đã khóa: trong kho có thứ che lên nó; hãy chạy `sohoa fixity` (recovered)",
                err=True,
            )


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
    if result["next"]:
        console.print(f"Còn nữa: --after {result['next']}", style="dim")
