"""`sohoa learn`: a second opinion on types, learned from the papers on record."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from pipeline.commands.session import JsonOption, Session, answer
from pipeline.errors import UsageError


def register(app: typer.Typer) -> None:
    app.command()(learn)


def learn(
    context: typer.Context,
    use: Annotated[
        str | None, typer.Option(help="Dùng phiên bản này cho các lô nhận từ nay. (Use it from now on.)")
    ] = None,
    off: Annotated[bool, typer.Option("--off", help="Thôi dùng. (Use none.)")] = False,
    listing: Annotated[bool, typer.Option("--list", help="Các phiên bản đã học. (Versions.)")] = False,
    as_json: JsonOption = False,
) -> None:
    """Học cách nhận loại giấy tờ từ các giấy đã lưu và đã sửa; chỉ dùng khi có người cho phép. (A second opinion.)"""
    session: Session = context.obj
    if (use is not None) + off + listing > 1:
        raise UsageError(
            "one of --use, --off and --list at a time", vi="Chỉ chọn một trong --use, --off, --list"
        )
    arguments: dict[str, Any] = {"action": "train"}
    if use is not None:
        arguments = {"action": "use", "version": use}
    elif off or listing:
        arguments = {"action": "off" if off else "list"}
    answer(session.call("learn", arguments, quiet=as_json), as_json=as_json, show=_show)


def _show(result: dict[str, Any]) -> None:
    if result["action"] == "train":
        _show_report(result)
        typer.echo(f"\nChưa dùng. Để dùng (to use it): sohoa learn --use {result['version']}")
    elif result["action"] == "list":
        for one in result["versions"]:
            held = one["held_out"]
            typer.echo(
                f"{one['version']}  {one['at'][:10]}  {one['examples']} giấy tờ, đúng {held['right']}/{held['papers']}"
            )
    typer.echo(f"Đang dùng (in use): {result['in_use'] or 'không (none)'}")


def _show_report(result: dict[str, Any]) -> None:
    held, would = result["held_out"], result["would"]
    typer.echo(
        f"Phiên bản {result['version']}: học từ {result['examples']} giấy tờ, {result['by_person']} do người sửa.\n"
        "Thử trên giấy tờ chưa học, đã che tên loại (held out, headline hidden): "
        f"đúng {held['right']}/{held['papers']}; giấy người đã sửa: {held['corrected_right']}/{held['corrected']}"
    )
    for kind, row in held["types"].items():
        say = "" if row["has_say"] else "  (chưa đủ tin để gợi ý)"
        typer.echo(
            f"  {row['name']} [{kind}]: {row['papers']} giấy, gợi ý {row['suggested']}, đúng {row['right']}{say}"
        )
    typer.echo(
        f"Trên {would['looked_at']} giấy chưa chắc loại (would change): gợi ý loại cho {would['suggested']}, "
        f"đánh dấu chưa chắc {would['put_in_doubt']}"
    )
    for one in would["papers"]:
        typer.echo(f"  {one['document']}: {one['before']} → {one['after']} ({one['belief']})")
