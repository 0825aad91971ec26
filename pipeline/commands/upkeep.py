"""`sohoa doctor`, `config`, `down`."""

from __future__ import annotations

import json
from typing import Any

import typer

from pipeline.commands.session import JsonOption, Session, answer


def register(app: typer.Typer) -> None:
    app.command()(doctor)
    app.command()(config)
    app.command()(down)


def doctor(context: typer.Context, as_json: JsonOption = False) -> None:
    """Kiểm tra máy và cấu hình, nêu cách sửa. (Probes with remedies.)"""
    session: Session = context.obj
    result = session.call("doctor", {}, quiet=True)

    def show(report: dict[str, Any]) -> None:
        from rich.console import Console
        from rich.markup import escape

        console = Console()
        signs = {"ok": "[green]tốt[/]", "warning": "[yellow]lưu ý[/]", "error": "[red]lỗi[/]"}
        for probe in report["probes"]:
            console.print(f"{signs[probe['state']]}  {escape(probe['name'])}: {escape(probe['found'])}")
            if probe["remedy"]:
                console.print(f"      → {escape(probe['remedy'])}")

    states = {probe["state"] for probe in result["probes"]}
    answer(result, as_json=as_json, show=show, code=4 if "error" in states else 0)


def config(context: typer.Context, as_json: JsonOption = False) -> None:
    """Cấu hình đang dùng; mật khẩu được che. (Effective settings, secrets masked.)"""
    from config.settings import actor, load

    session: Session = context.obj
    settings = load(session.paths.root)
    values = {"home": str(session.paths.root), **settings.model_dump(mode="json"), "actor": actor(settings)}
    answer(
        values,
        as_json=as_json,
        show=_show_config,
    )


def _show_config(values: dict[str, Any]) -> None:
    typer.echo(json.dumps(values, ensure_ascii=False, indent=2))


def down(context: typer.Context, as_json: JsonOption = False) -> None:
    """Dừng tiến trình nền ngay; việc dở dang được làm tiếp lần sau. (Stop the home's process.)"""
    import time

    from pipeline.home.claim import holder

    session: Session = context.obj
    pid = holder(session.paths)
    result = session.call("down", {}, quiet=True, start=False)
    while holder(session.paths) is not None:
        time.sleep(0.05)
    answer(
        {"stopped": result is not None or pid is not None},
        as_json=as_json,
        show=lambda r: typer.echo("Đã dừng." if r["stopped"] else "Không có gì đang chạy."),
    )
