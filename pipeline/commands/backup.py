"""`sohoa backup`, `sohoa restore`: the whole home to another place, and back."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.commands.moments import vietnam_minute
from pipeline.commands.session import JsonOption, Session, absolute, answer

PathArgument = Annotated[Path, typer.Argument(help="Thư mục sao lưu. (The backup folder.)")]
SetOption = Annotated[
    str | None,
    typer.Option("--set", help="Lần sao lưu; mặc định mới nhất. (Which run; the newest unless named.)"),
]


def register(app: typer.Typer) -> None:
    app.command()(backup)
    app.command()(restore)


def backup(
    context: typer.Context,
    path: PathArgument,
    listing: Annotated[
        bool, typer.Option("--list", help="Liệt kê nội dung đã sao lưu. (List what is in it.)")
    ] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Đọc lại, kiểm tra toàn bộ. (Read and check all of it.)")
    ] = False,
    chosen: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Sao lưu toàn bộ khi đang chạy; lần sau chỉ ghi phần mới. (The whole home, while it runs; only what is new.)"""
    session: Session = context.obj
    folder = Path(absolute(path))
    if listing or verify:
        _look(session, folder, chosen, verify=verify, as_json=as_json)
    result = session.call("backup", {"path": str(folder)}, quiet=as_json)
    answer(result, as_json=as_json, show=_show_backup, code=5 if result["unreadable"] else 0)


def _look(session: Session, folder: Path, chosen: str | None, *, verify: bool, as_json: bool) -> None:
    """What needs the folder and its key only: no home is started."""
    from config.settings import load
    from pipeline.commands.progress import shown
    from storage.backup import check
    from storage.vault import Vault

    vault = Vault.open(folder, load(session.paths.root).backup.key_file)
    run = vault.read_set(chosen)
    told = {name: value for name, value in run.items() if name != "listing"}
    result: dict[str, Any] = {"path": str(folder), "encrypted": vault.seal.encrypts, "sets": vault.sets()}
    if not verify:
        items = (_line(item) for item in vault.items(run))
        answer(
            {**result, "run": told, "items": list(items) if as_json else items},
            as_json=as_json,
            show=_show_list,
        )
    if as_json or not sys.stderr.isatty():
        problems = check(vault, run, lambda event: None)
    else:
        with shown() as show:
            problems = check(vault, run, show)
    result = {**result, "run": told, "ok": not problems, "problems": problems}
    answer(result, as_json=as_json, show=_show_check, code=5 if problems else 0)


def restore(
    context: typer.Context,
    path: PathArgument,
    chosen: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Khôi phục vào một thư mục dữ liệu trống. (Back into an empty home.)"""
    from config.settings import actor, load
    from pipeline.commands.progress import shown
    from pipeline.home.restoring import restore as run

    session: Session = context.obj
    folder = Path(absolute(path))
    who = os.environ.get("SOHOA_ACTOR") or actor(load(session.paths.root))
    if as_json or not sys.stderr.isatty():
        result = run(session.paths, folder, chosen=chosen, actor=who, progress=lambda event: None)
    else:
        with shown() as show:
            result = run(session.paths, folder, chosen=chosen, actor=who, progress=show)
    lost = result["unreadable"] or result["unhidden"]
    answer(result, as_json=as_json, show=_show_restore, code=5 if lost else 0)


def _line(item: dict[str, Any]) -> dict[str, Any]:
    """An item as it is shown: parts are the backup's own business."""
    return {name: value for name, value in item.items() if name != "parts"}


def _show_backup(result: dict[str, Any]) -> None:
    form = "đã mã hóa (encrypted)" if result["encrypted"] else "KHÔNG mã hóa, chỉ dùng cho demo (plain)"
    typer.echo(f"{result['path']}: {result['set']}, {form}")
    typer.echo(
        f"  {result['objects']} đối tượng, {result['files']} tệp, {result['size'] / 1e6:.1f} MB; ghi mới"
        f" {result['new_bytes'] / 1e6:.1f} MB, đã đọc lại và khớp (written anew, read back)"
    )
    for one in result["left_out"]:
        typer.echo(f"  không sao lưu (left out): {one['path']}: {one['reason']}")
    for one in result["unreadable"]:
        typer.echo(f"  KHO KHÔNG TRẢ LẠI ĐƯỢC (the store cannot give it back): {one}")
    if result["unreadable"]:
        typer.echo("  → `sohoa fixity`")


def _show_list(result: dict[str, Any]) -> None:
    run = result["run"]
    typer.echo(f"{result['path']}: {len(result['sets'])} lần sao lưu (runs), đang xem {run['id']}")
    for item in result["items"]:
        if item["kind"] == "left_out":
            typer.echo(f"  left out  {item['path']}: {item['reason']}")
        else:
            lock = item.get("lock") or {}
            until = f"  {lock['mode']} {lock['until']}" if lock.get("mode") else ""
            held = "  hold" if lock.get("hold") else ""
            place = item.get("key") or item.get("path")
            typer.echo(f"  {item['kind']:<9} {item.get('size', 0):>12}  {place}{until}{held}")


def _show_check(result: dict[str, Any]) -> None:
    run = result["run"]
    state = "nguyên vẹn (whole)" if result["ok"] else "KHÔNG NGUYÊN VẸN (damaged)"
    typer.echo(
        f"{result['path']} {run['id']}: {run['objects']} đối tượng, {run['bytes'] / 1e6:.1f} MB: {state}"
    )
    for problem in result["problems"]:
        typer.echo(f"  {problem}")


def _show_restore(result: dict[str, Any]) -> None:
    typer.echo(
        f"Đã khôi phục {result['objects']} đối tượng, {result['files']} tệp vào {result['home']}, đúng như lúc"
        f" {vietnam_minute(result['moment'])} (restored as of then)."
    )
    for one in result["unreadable"]:
        typer.echo(f"  đã mất từ trước khi sao lưu (lost before the backup): {one}")
    for one in result["unhidden"]:
        typer.echo(f"  dấu xóa không đặt lại được (delete marker not set again): {one}")
