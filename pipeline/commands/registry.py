"""`sohoa registry`: the link to the one-stop system."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.commands.procedure import MapOption
from pipeline.commands.session import JsonOption, Session, absolute, answer


def register(app: typer.Typer) -> None:
    group = typer.Typer(
        help="Kết nối hệ thống một cửa. (The link to the one-stop system.)", no_args_is_help=True
    )
    for work in (status, pull, send):
        group.command()(work)
    group.command("import")(import_file)
    app.add_typer(group, name="registry")


def status(context: typer.Context, as_json: JsonOption = False) -> None:
    """Đã biết bao nhiêu hồ sơ, tin nào chưa gửi được, giấy nào chờ vì hồ sơ chưa được biết. (How it stands.)"""
    _ask(context.obj, {"do": "status"}, as_json)


def pull(context: typer.Context, as_json: JsonOption = False) -> None:
    """Đồng bộ danh sách hồ sơ ngay. (Fetch the list of dossiers now.)"""
    _ask(context.obj, {"do": "pull"}, as_json)


def send(context: typer.Context, as_json: JsonOption = False) -> None:
    """Gửi ngay mọi tin đang chờ. (Send everything that waits now.)"""
    _ask(context.obj, {"do": "send"}, as_json)


def import_file(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="Tệp CSV hoặc JSON của hệ thống một cửa. (The file.)")],
    mapping: MapOption = None,
    requests: Annotated[
        bool, typer.Option("--requests", help="Tệp là danh sách yêu cầu quét. (A list of scan requests.)")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Chỉ kiểm tra, không nhập. (Only check, take nothing.)")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Nhập danh sách hồ sơ, hay yêu cầu quét, từ tệp CSV, JSON. (Import dossiers, or scan requests.)"""
    request = {
        "do": "import_requests" if requests else "import",
        "file": absolute(file),
        "map": absolute(mapping) if mapping else None,
        "dry": dry_run,
    }
    _ask(context.obj, request, as_json)


def _ask(session: Session, request: dict[str, Any], as_json: bool) -> None:
    result = session.call("registry", request, quiet=True)
    code = 1 if result["orphans"] or result["waiting"] or result.get("errors") else 0
    if result.get("errors") and not result["imported"] and not result.get("usable"):
        code = 3
    dry = bool(request.get("dry"))
    answer(result, as_json=as_json, show=lambda told: _show(told, dry=dry), code=code)


def _show(result: dict[str, Any], *, dry: bool) -> None:
    if "imported" in result:
        _show_import(result, dry=dry)
        for error in result["errors"]:
            typer.echo(f"  dòng {error['row']}: {error['problem']}")
        for code in result["accepted"]:
            typer.echo(f"  nhận giấy tờ đang chờ của hồ sơ {code}")
    if "pulled" in result:
        typer.echo(f"Đã đồng bộ {result['pulled']} hồ sơ; {_became(result['requested'])} (fetched)")
    demand = "hồ sơ lạ thì giấy tờ chờ" if result["required"] else "không bắt buộc"
    typer.echo(f"Biết {result['dossiers']} hồ sơ; {demand}. Đã gửi {result['delivered']} tin.")
    for pull in (result["pull"], result["pull_requests"]):
        if pull and pull["trouble"]:
            typer.echo(f"  Đồng bộ gặp lỗi: {pull['trouble']}")
    if open_ones := result["requests"].get("open", 0) + result["requests"].get("orphan", 0):
        typer.echo(f"  {open_ones} yêu cầu quét chưa xong: `sohoa requests`")
    for one in result["waiting"]:
        typer.echo(
            f"  Chưa gửi được: {one['event']} {one['dossier']}, đã thử {one['attempts']} lần: {one['trouble']}"
        )
    for one in result["orphans"]:
        typer.echo(f"  Chờ: {one['id']}, hồ sơ {one['dossier']} chưa có trong hệ thống một cửa")


def _show_import(result: dict[str, Any], *, dry: bool) -> None:
    done = "Chạy thử, chưa nhập gì; dùng được" if dry else "Đã nhập"
    count = result.get("usable", 0) if dry else result["imported"]
    if "taken" in result:
        typer.echo(f"{done} {count} dòng: {_became(result['taken'])} (scan requests)")
    else:
        typer.echo(f"{done} {count} hồ sơ (imported)")


def _became(taken: dict[str, list[str]]) -> str:
    return (
        f"{len(taken['new'])} yêu cầu quét mới, {len(taken['changed'])} đổi, {len(taken['withdrawn'])} hủy, "
        f"{len(taken['same'])} như cũ"
    )
