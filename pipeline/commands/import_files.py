"""`sohoa import`: a folder of files digitised elsewhere, with the list that came with them."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.commands.procedure import MapOption
from pipeline.commands.session import JsonOption, Session, absolute, answer
from pipeline.errors import UsageError

STATES = {
    "stored": "đã lưu",
    "ready": "nhập được",
    "taken": "đã nhập trước đây",
    "duplicate": "trùng với giấy tờ đã có",
    "review": "cần người xem",
    "waiting": "chờ dịch vụ",
    "rejected": "tệp không nhận được",
    "wrong": "dòng sai, chưa nhập",
    "elsewhere": "đã nhập vào hồ sơ khác",
    "unlisted": "tệp không có dòng",
}
IN = ("stored", "ready", "taken", "duplicate")
SHOWN = 20


def register(app: typer.Typer) -> None:
    app.command("import")(import_files)


def import_files(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Thư mục tệp đã số hóa ở nơi khác. (The folder of files.)")],
    listed: Annotated[
        Path, typer.Option("--list", help="Danh sách kèm theo: .xlsx, CSV, JSON. (The list of metadata.)")
    ],
    mapping: MapOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Chỉ xem trước, không nhập gì. (Only look.)")
    ] = False,
    report: Annotated[
        Path | None,
        typer.Option("--report", help="Báo cáo từng dòng: TỆP.xlsx, cùng TỆP.json. (Report of each row.)"),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Nhập tệp số hóa ở nơi khác theo danh sách kèm theo. (Import files digitised elsewhere by their list.)"""
    session: Session = context.obj
    if not listed.expanduser().is_file():
        raise UsageError(f"{listed} is no file", vi=f"Không tìm thấy danh sách {listed}")
    if report is not None and (report.suffix.lower() != ".xlsx" or not report.absolute().parent.is_dir()):
        raise UsageError(
            "--report names an .xlsx file in a folder that is there", vi="--report cần tên tệp .xlsx"
        )
    request = {
        "folder": absolute(folder),
        "list": absolute(listed),
        "map": absolute(mapping) if mapping else None,
        "dry_run": dry_run,
    }
    result = session.call("import", request, quiet=as_json)
    if report is not None:
        _write(result, report)
        result["report"] = [absolute(report), absolute(report.with_suffix(".json"))]
    answer(result, as_json=as_json, show=_show, code=exit_code(result["counts"]))


def exit_code(counts: dict[str, int]) -> int:
    """0 all is in; 1 something waits for a person or was set aside; 3 nothing was accepted; 4 a service is down."""
    inside = sum(counts.get(state, 0) for state in (*IN, "review", "waiting"))
    if counts.get("waiting"):
        return 4
    if not inside:
        return 3
    return 1 if set(counts) - set(IN) else 0


def _write(result: dict[str, Any], report: Path) -> None:
    """Both files appear whole; the .xlsx has one sheet of all rows and one of those that need something."""
    from pipeline.files import write_whole
    from storage.workbook import Sheet, write_workbook

    columns = [
        ("Dòng", 10), ("Tệp", 44), ("Kết quả", 22), ("Lý do", 50), ("Cách xử lý", 40), ("Mã hồ sơ", 26),
        ("Chữ ký có sẵn", 18), ("Số mặt", 8), ("Giấy tờ", 26), ("Lưu ý", 50),
    ]  # fmt: skip
    rows = [(one["state"], _cells(one)) for one in result["results"]]
    heading = [f"Kết quả nhập {result['list']}", f"Thư mục {result['folder']}: {_sum(result)}"]
    sheets = [
        Sheet("Cần xử lý", heading, columns, [cells for state, cells in rows if state not in IN]),
        Sheet("Mọi dòng", heading, columns, [cells for _, cells in rows]),
    ]
    write_workbook(sheets, report)
    text = json.dumps(result, ensure_ascii=False, indent=1).encode()
    write_whole(report.with_suffix(".json"), text + b"\n", "application/json")


def _cells(one: dict[str, Any]) -> list[Any]:
    return [
        one["row"] or "", one["file"], STATES[one["state"]], one["reason"] or "", one["remedy"] or "",
        one["dossier"] or "", one["signatures"] or "", one["sides"] or "", ", ".join(one["documents"]),
        "; ".join(one["remarks"]),
    ]  # fmt: skip


def _sum(result: dict[str, Any]) -> str:
    return ", ".join(f"{count} {STATES[state]}" for state, count in result["counts"].items())


def _show(result: dict[str, Any]) -> None:
    typer.echo(f"{result['rows']} dòng: {_sum(result)}")
    open_ones = [one for one in result["results"] if one["state"] not in IN]
    for one in open_ones[:SHOWN]:
        typer.echo(f"  {one['row'] or 'tệp'} {one['file']}: {one['reason']}. {one['remedy']}")
    if len(open_ones) > SHOWN:
        typer.echo(f"  và {len(open_ones) - SHOWN} mục nữa, xem --report (and more)")
    told = Counter(remark for one in result["results"] for remark in one["remarks"])
    for remark, count in told.most_common(10):
        typer.echo(f"  lưu ý: {remark}" + (f" ({count} dòng)" if count > 1 else ""))
    if result["passed_over"]:
        typer.echo(f"  {len(result['passed_over'])} tệp không phải ảnh, PDF nên bỏ qua (passed over)")
    for path in result.get("report", []):
        typer.echo(f"Báo cáo (report): {path}")
