"""`sohoa trust`: the roots that this home believes, and since when."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.commands.session import JsonOption, Session, absolute, answer
from pipeline.errors import UsageError

trust = typer.Typer(no_args_is_help=True, help="Gốc tin cậy: xem, thêm, thôi tin. (Trusted roots.)")


def register(app: typer.Typer) -> None:
    app.add_typer(trust, name="trust")


@trust.command("list")
def list_roots(context: typer.Context, as_json: JsonOption = False) -> None:
    """Các gốc được tin, từ ngày nào đến ngày nào, mã SHA-256. (Roots, terms, SHA-256.)"""
    session: Session = context.obj
    _answer(session.call("trust", {"action": "list"}, quiet=True), as_json=as_json)


@trust.command("add")
def add(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="Chứng thư .crt, .cer, .pem, .der, .p7b. (The certificate.)")],
    begins: Annotated[str | None, typer.Option("--from", help="Tin từ ngày. (Trusted from.)")] = None,
    ends: Annotated[str | None, typer.Option("--until", help="Tin đến hết ngày. (Trusted until.)")] = None,
    pin: Annotated[
        str | None, typer.Option("--sha256", help="SHA-256 đã biết qua đường khác. (Refuse any other.)")
    ] = None,
    note: Annotated[str, typer.Option(help="Căn cứ: công văn, trang của cơ quan. (On what grounds.)")] = "",
    as_json: JsonOption = False,
) -> None:
    """Tin một cơ quan chứng thực. (Trust an authority.)"""
    session: Session = context.obj
    if not file.is_file():
        raise UsageError(f"there is no file {file}", vi=f"Không có tệp {file}")
    arguments = {
        "action": "add", "file": absolute(file), "begins": _day(begins), "ends": _day(ends), "pin": pin, "note": note,
    }  # fmt: skip
    _answer(session.call("trust", arguments, quiet=True), as_json=as_json)


@trust.command("remove")
def remove(
    context: typer.Context,
    sha256: Annotated[str, typer.Argument(help="SHA-256, hay ít nhất 8 chữ đầu. (Or its first 8 digits.)")],
    ends: Annotated[
        str | None, typer.Option("--until", help="Ngày cuối còn tin; mặc định hôm nay. (Last day trusted.)")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Thôi tin từ một ngày; lịch sử vẫn giữ. (Trust no longer; the history stays.)"""
    session: Session = context.obj
    arguments = {"action": "remove", "sha256": sha256, "ends": _day(ends)}
    _answer(session.call("trust", arguments, quiet=True), as_json=as_json)


def _day(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        return dt.date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise UsageError(
            f"{text} is no date like 2026-03-31", vi=f"{text} không phải ngày dạng 2026-03-31"
        ) from error


def _answer(result: dict[str, Any], *, as_json: bool) -> None:
    shown = {**result, "roots": [{k: v for k, v in one.items() if k != "der"} for one in result["roots"]]}
    answer(shown, as_json=as_json, show=_show)


def _term(begins: str | None, ends: str | None) -> str:
    if begins and ends:
        return f"{begins} – {ends}"
    if begins or ends:
        return f"từ {begins}" if begins else f"đến hết {ends}"
    return "không giới hạn thời gian (without a term)"


def _show(result: dict[str, Any]) -> None:
    if not result["roots"]:
        typer.echo("Chưa tin gốc nào. (No root is trusted.)")
    for one in result["roots"]:
        demo = "DEMO: " if one["demo"] else ""
        term = _term(one["begins"], one["ends"])
        typer.echo(
            f"{demo}{one['name']}\n  SHA-256 {one['sha256']}\n  tin (trusted): {term}  {one['note']}".rstrip()
        )
