"""`sohoa ingest`, `status`, `retry`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.commands.requests import RequestOption, code_for, taken_up
from pipeline.commands.session import JsonOption, Session, absolute, answer
from pipeline.errors import UsageError


def register(app: typer.Typer) -> None:
    app.command()(ingest)
    app.command()(status)
    app.command()(retry)


def ingest(
    context: typer.Context,
    paths: Annotated[
        list[Path],  # what cannot be read becomes a rejected page, so it is not for the parser to refuse
        typer.Argument(help="Tệp hoặc thư mục ảnh, PDF. (Files or folders.)", readable=False),
    ],
    dossier: Annotated[str | None, typer.Option(help="Mã hồ sơ của cả chồng. (Dossier code.)")] = None,
    procedure: Annotated[str | None, typer.Option(help="Mã thủ tục. (Procedure code.)")] = None,
    request: RequestOption = None,
    sheets: Annotated[int | None, typer.Option(min=1, help="Số tờ đã đếm. (Sheets counted.)")] = None,
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="Trở về khi đã xếp hàng an toàn. (Only queue.)")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Tiếp nhận ảnh quét và PDF, lưu thành hồ sơ điện tử. (Take in scans and PDFs.)"""
    session: Session = context.obj
    for path in paths:
        if not path.expanduser().exists() and not path.is_symlink():
            raise UsageError(f"{path} does not exist", vi=f"Không tìm thấy {path}")
    if request:
        taken_up(session, request, dossier)
    result = session.call(
        "ingest",
        {
            "paths": [absolute(path) for path in paths],
            "dossier": dossier,
            "procedure": procedure,
            "request": request,
            "sheets": sheets,
            "wait": not no_wait,
        },
        quiet=as_json,
    )
    code = 0 if no_wait else code_for(session, request, exit_code(result["batches"]))
    answer(result, as_json=as_json, show=_show, code=code)


def status(
    context: typer.Context,
    batch: Annotated[str | None, typer.Argument(help="Mã lô; bỏ trống: các lô đang mở. (Batch id.)")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Mọi lô. (Every batch.)")] = False,
    as_json: JsonOption = False,
) -> None:
    """Đang ở đâu: lô, trang, giấy tờ. (What is where.)"""
    session: Session = context.obj
    if batch and everything:
        raise UsageError("give a batch or --all, not both", vi="Chỉ dùng một trong hai: mã lô hoặc --all")
    result = session.call("status", {"batch": batch, "all": everything}, quiet=True)
    if batch is None:
        from pipeline.commands.scan_view import open_stacks
        from pipeline.commands.watch_view import unfinished

        result["batches"] += [*open_stacks(session.paths.spool), *unfinished(session.paths)]
    answer(result, as_json=as_json, show=_show, code=_told(exit_code(result["batches"])))


def retry(
    context: typer.Context,
    batches: Annotated[
        list[str] | None, typer.Argument(help="Mã lô; bỏ trống: mọi lô đang chờ. (Batch ids.)")
    ] = None,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Trở về ngay. (Do not wait.)")] = False,
    as_json: JsonOption = False,
) -> None:
    """Làm lại việc bị lỗi hoặc đang chờ. (Do again what failed or waits.)"""
    session: Session = context.obj
    result = session.call("retry", {"batches": batches or [], "wait": not no_wait}, quiet=as_json)
    answer(result, as_json=as_json, show=_show_again, code=0 if no_wait else exit_code(result["batches"]))


def exit_code(batches: list[dict[str, Any]]) -> int:
    """0 all stored; 1 something waits or was set aside; 3 nothing could be accepted; 4 a dependency is down."""
    pages = [page for batch in batches for page in batch["pages"]]
    papers = [paper for batch in batches for paper in batch["documents"]]
    if pages and all(page["state"] == "rejected" for page in pages):
        return 3
    if any(paper["state"] == "waiting" for paper in papers) or any(b["state"] == "paused" for b in batches):
        return 4
    calm_pages = {"stored", "blank", "separator", "duplicate"}
    waits = any(page["state"] not in calm_pages for page in pages)
    waits = waits or any(batch.get("remarks") for batch in batches)
    waits = waits or any(paper["state"] != "stored" or "dossier" in paper["doubtful"] for paper in papers)
    return 1 if waits or any(batch["state"] not in ("done",) for batch in batches) else 0


def _told(code: int) -> int:
    """Asking where things are is never refused: what was set aside is one of the things that wait."""
    return 1 if code == 3 else code


def _show_again(result: dict[str, Any]) -> None:
    if result["batches"]:
        _show(result)
    else:
        typer.echo(
            "Không có việc nào cần làm lại; việc chờ người xem: `sohoa review`. (Nothing to do again; see review.)"
        )


def _show(result: dict[str, Any]) -> None:
    from pipeline.commands.tables import show_batches

    show_batches(result["batches"])
    if copy := result.get("second_copy"):
        trouble = f"; {copy['trouble']}" if copy["trouble"] else ""
        typer.echo(
            f"Bản sao thứ hai (second copy) {copy['place']}: {copy['copied']} đối tượng, còn {copy['waiting']},"
            f" trễ (lag) {copy['lag_seconds']} giây{trouble}"
        )
    for path in result.get("ignored", []):
        typer.echo(f"Bỏ qua (not a scan): {path}", err=True)
