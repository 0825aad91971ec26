"""`sohoa dossier`: one dossier as a whole."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.commands.session import JsonOption, Session, absolute, answer

STATES = {"open": "đang mở", "supplement": "chờ bổ sung", "withdrawn": "đã rút", "closed": "đã đóng"}
STANDS = {
    "present": ("có", "green"),
    "doubtful": ("CÒN NGỜ", "yellow"),
    "missing": ("THIẾU", "red"),
    "shown": ("xuất trình", "dim"),
    "not_due": ("không cần", "dim"),
}


class State(StrEnum):
    """States of a dossier."""

    OPEN = "open"
    SUPPLEMENT = "supplement"
    WITHDRAWN = "withdrawn"
    CLOSED = "closed"


def register(app: typer.Typer) -> None:
    app.command()(dossier)


def dossier(
    context: typer.Context,
    code: Annotated[str, typer.Argument(help="Mã hồ sơ. (Dossier code.)")],
    procedure: Annotated[str | None, typer.Option(help="Hồ sơ thuộc thủ tục nào. (Its procedure.)")] = None,
    state: Annotated[State | None, typer.Option(help="Chuyển trạng thái. (Change its state.)")] = None,
    marks: Annotated[
        list[str] | None,
        typer.Option(
            "--mark", help="MÃ-THÀNH-PHẦN=shown|not_due|not_digitised|d_…; lặp lại được. (A required paper.)"
        ),
    ] = None,
    reuse: Annotated[
        list[str] | None,
        typer.Option(help="MÃ-THÀNH-PHẦN=d_…: dùng lại giấy tờ đã có trong kho. (Use a paper that is held.)"),
    ] = None,
    reason: Annotated[str | None, typer.Option(help="Lý do, ghi vào sổ cái. (Why.)")] = None,
    slip: Annotated[
        Path | None, typer.Option(help="In phiếu yêu cầu bổ sung ra tệp PDF này. (The supplement slip.)")
    ] = None,
    return_set: Annotated[
        Path | None,
        typer.Option(
            "--return-set", help="Ghi bộ tệp trả hệ thống một cửa vào thư mục này. (The return set.)"
        ),
    ] = None,
    purpose: Annotated[
        str | None,
        typer.Option("--purpose", help="Mục đích, ghi vào sổ cái. (What for; kept on the ledger.)"),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Một hồ sơ: giấy tờ, còn thiếu gì, trạng thái, đèn, mã, phiếu bổ sung, bộ tệp trả. (One dossier.)"""
    session: Session = context.obj
    request = {
        "code": code,
        "procedure": procedure,
        "state": state.value if state else None,
        "marks": marks or [],
        "reuse": reuse or [],
        "reason": reason,
        "slip": absolute(slip) if slip else None,
        "return_set": absolute(return_set) if return_set else None,
        "purpose": purpose,
    }
    result = session.call("dossier", request, quiet=True)
    answer(result, as_json=as_json, show=_show, code=_exit_code(result))


def _exit_code(result: dict[str, Any]) -> int:
    """1 while papers wait, something required is missing in an open dossier, or a file of the set is too large."""
    waits = any(paper["state"] != "stored" for paper in result["documents"])
    lacks = result["complete"] is False and result["state"] in ("open", "supplement")
    return 1 if waits or lacks or result.get("return_set", {}).get("too_large") else 0


def _show(result: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.markup import escape

    from pipeline.commands.keeping import keeping_lines
    from pipeline.commands.requests import STATES as STATES_OF_REQUESTS
    from pipeline.commands.requests import line_of, lines_below
    from pipeline.commands.tables import show_papers

    console = Console(highlight=False)
    light = "XANH: có thể trả bản giấy" if result["light"] == "green" else "VÀNG: giữ bản giấy"
    head = f"{len(result['documents'])} giấy tờ  {light}  {STATES.get(result['state'], result['state'])}"
    console.print(f"[bold]{escape(result['dossier'])}[/]  {head}")
    if result["state_reason"]:
        console.print(f"  {escape(result['state_reason'])}", style="dim")
    for line in keeping_lines(result):
        console.print(escape(line))
    show_papers(result["documents"], console)
    _show_required(result, console)
    for one in result["requests"]:
        console.print(
            f"  Yêu cầu quét, {STATES_OF_REQUESTS[one['state']]}: {escape(line_of(one))}", soft_wrap=True
        )
        for line in lines_below(one):
            console.print(f"    {escape(line)}", style="dim", soft_wrap=True)
    for note in result["notes"]:
        console.print(f"  Lưu ý: {escape(note)}", style="yellow")
    for offer in result["reusable"]:
        about = " ".join(filter(None, (offer["type_name"], offer["number"], offer["date"])))
        console.print(
            f"  Dùng lại được cho {offer['component']}: {escape(about)}, hồ sơ {escape(offer['dossier'])}"
        )
        console.print(
            f"    sohoa dossier {escape(result['dossier'])} --reuse {offer['component']}={offer['document']}"
        )
    if slip := result.get("slip"):
        console.print(f"Phiếu {escape(slip['number'])}: {escape(slip['file'])}", soft_wrap=True)
    if made := result.get("return_set"):
        files = [file for one in (*made["papers"], *made["results"]) for file in one["files"]]
        console.print(f"Bộ tệp trả ({len(files)} tệp): {escape(made['folder'])}", soft_wrap=True)
        for name in made["too_large"]:
            limit = made["max_bytes"] / 1_000_000
            console.print(f"  {escape(name)} lớn hơn {limit:g} MB; bản đã ký được giữ nguyên", style="yellow")


def _show_required(result: dict[str, Any], console: Any) -> None:
    from rich.markup import escape

    procedure = result["procedure"]
    if procedure is None:
        console.print("  Chưa rõ thủ tục; ghi bằng --procedure MÃ để biết còn thiếu gì", style="dim")
        return
    console.print(f"  Thủ tục {procedure['code']}  {escape(procedure['name'] or '')}")
    for one in result["required"]:
        word, style = STANDS[one["stand"]]
        why = f": {one['reason']}" if one["reason"] else ""
        console.print(f"    [{style}]{word:<10}[/] {one['code']}  {escape(one['name'])}{escape(why)}")
    for document, why in result["surplus"].items():
        console.print(f"    [dim]ngoài danh mục[/] {document}: {escape(why)}")
    for code in result["codes"]:
        if code["kind"] != "slip":
            console.print(f"    [dim]mã {escape(code['text'])}  {code['document']}[/]")
