"""`sohoa counter`: whose papers come next at a counter."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from pipeline.commands.requests import RequestOption, line_of
from pipeline.commands.session import JsonOption, Session, answer
from pipeline.errors import UsageError


def register(app: typer.Typer) -> None:
    app.command()(counter)


def counter(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Tên quầy, như trong \\[counter.TÊN]. (The counter.)")],
    dossier: Annotated[
        str | None, typer.Option(help="Mã hồ sơ, gõ hoặc quét từ mã QR. (Typed, or from a QR gun.)")
    ] = None,
    request: RequestOption = None,
    clear: Annotated[bool, typer.Option("--clear", help="Thôi gắn. (End the binding.)")] = False,
    as_json: JsonOption = False,
) -> None:
    """Gắn các tệp sắp tới của một quầy với một hồ sơ. (Bind a counter's next files to a dossier.)"""
    if (dossier or request) and clear:
        raise UsageError(
            "--clear stands alone, without --dossier and --request",
            vi="--clear phải dùng một mình, không kèm --dossier hay --request",
        )
    session: Session = context.obj
    result = session.call(
        "counter", {"name": name, "dossier": dossier, "request": request, "clear": clear}, quiet=True
    )
    answer(result, as_json=as_json, show=_show)


def _show(result: dict[str, Any]) -> None:
    if result["bound"]:
        asked = f", yêu cầu quét {result['request']}" if result["request"] else ""
        typer.echo(f"Quầy {result['counter']}: hồ sơ {result['dossier']}{asked} (bound until idle)")
    else:
        default = f"; mặc định {result['dossier']}" if result["dossier"] else ""
        typer.echo(f"Quầy {result['counter']}: chưa gắn hồ sơ nào{default} (not bound)")
    for one in result["requests"]:
        typer.echo(f"  Cần quét: {line_of(one)}")
