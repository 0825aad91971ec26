"""`sohoa repage`: other pages for a stored paper, as its next version."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.commands.session import JsonOption, Session, absolute, answer


def register(app: typer.Typer) -> None:
    app.command()(repage)


def repage(
    context: typer.Context,
    item: Annotated[str, typer.Argument(metavar="d_…", help="Mã giấy tờ đã lưu. (A stored document.)")],
    replace: Annotated[
        int | None, typer.Option(min=1, help="Thay trang này bằng --from. (Replace this page.)")
    ] = None,
    insert_after: Annotated[
        int | None, typer.Option(min=0, help="Thêm --from sau trang này; 0: lên đầu. (Add behind it.)")
    ] = None,
    source: Annotated[
        Path | None, typer.Option("--from", metavar="TỆP", help="Tệp quét mới. (The new scan.)")
    ] = None,
    remove: Annotated[
        list[int] | None, typer.Option(min=1, help="Đưa trang này ra, bản gốc vẫn giữ. (Take a page out.)")
    ] = None,
    order: Annotated[
        str | None, typer.Option(metavar="2,1,3", help="Thứ tự mới, đủ mọi trang. (The new order.)")
    ] = None,
    turn: Annotated[
        list[str] | None,
        typer.Option(metavar="TRANG:ĐỘ", help="Xoay thêm theo chiều kim: 2:90. (Turn clockwise.)"),
    ] = None,
    reason: Annotated[str | None, typer.Option(help="Lý do, ghi vào sổ cái. (Why.)")] = None,
    version: Annotated[
        int | None, typer.Option(min=1, help="Bản đã xem; đã khác thì không đổi. (The version seen.)")
    ] = None,
    cancel: Annotated[
        bool, typer.Option("--cancel", help="Thôi lần đổi trang còn chờ ký. (Take a waiting change back.)")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Chỉ xem trước và sau. (Only show before and after.)")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Đổi trang của giấy tờ đã lưu: thành bản mới, ký lại; bản cũ giữ nguyên. (Other pages: a new version.)"""
    session: Session = context.obj
    request = {
        "item": item, "replace": replace, "insert_after": insert_after, "remove": remove, "order": order,
        "turn": turn, "file": absolute(source) if source else None, "reason": reason, "version": version,
        "cancel": cancel, "dry_run": dry_run,
    }  # fmt: skip
    result = session.call("repage", request, quiet=as_json)
    code = int("proposed" in result or "waits" in result)
    answer(result, as_json=as_json, show=show, code=code)


def show(result: dict[str, Any]) -> None:
    """What became of it, page by page."""
    from rich.console import Console
    from rich.markup import escape

    console = Console(highlight=False)
    if "proposed" in result:
        console.print(f"{result['proposed']}: đã ghi đề nghị, chờ người thứ hai (proposed)")
        console.print(f"  sohoa review {result['proposed']} --approve | --refuse", style="dim")
        return
    if "cancelled" in result:
        console.print(
            f"{result['cancelled']}: đã thôi đổi trang, vẫn là bản {result['version']} (taken back)"
        )
        return
    for side in result["after"]:
        was = f"trang {side['was']} cũ" if side["was"] else "mặt mới (new)"
        turned = f", xoay {side['turn']}°" if side["turn"] else ""
        console.print(f"  {side['page']}. {was}{turned}  [dim]{escape(side['source'])}[/]")
    for gone in result["aside"]:
        console.print(f"  trang {gone['page']} cũ: để riêng, {escape(gone['reason'])}", style="yellow")
    if result.get("dry_run"):
        console.print("Xem thử, chưa đổi gì. (Nothing was changed.)")
    elif "waits" in result:
        console.print(f"Đã ghi nhận, chờ ký lại: {escape(result['waits'])}", style="yellow")
    else:
        console.print(
            f"{result['document']}: nay là bản {result['version']}, đã ký lại; bản trước vẫn giữ (stored)"
        )
