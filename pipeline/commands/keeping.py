"""`sohoa hold` and `sohoa retention`: how long dossiers are kept, and how they go."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.commands.moments import vietnam_day
from pipeline.commands.session import ForceOption, JsonOption, Session, answer, new_file

CodeArgument = Annotated[str, typer.Argument(help="Mã hồ sơ. (Dossier code.)")]
ReasonOption = Annotated[str | None, typer.Option(help="Lý do, ghi vào sổ cái. (Why.)")]


def register(app: typer.Typer) -> None:
    app.command()(hold)
    retention = typer.Typer(help="Thời hạn bảo quản. (Retention.)", no_args_is_help=True)
    retention.command("due")(retention_due)
    retention.command("dispose")(retention_dispose)
    app.add_typer(retention, name="retention")


def hold(
    context: typer.Context,
    code: CodeArgument,
    reason: ReasonOption = None,
    release: Annotated[bool, typer.Option("--release", help="Thôi phong tỏa. (Lift it.)")] = False,
    as_json: JsonOption = False,
) -> None:
    """Phong tỏa một hồ sơ: không ai hủy được cho đến khi thôi phong tỏa. (Legal hold.)"""
    session: Session = context.obj
    result = session.call("hold", {"code": code, "reason": reason, "release": release}, quiet=True)
    state = result["hold"] or {"applied": True, "trouble": None}
    answer(result, as_json=as_json, show=_show_hold, code=0 if state["applied"] else 1)


def _show_hold(result: dict[str, Any]) -> None:
    for line in [result["dossier"], *keeping_lines(result)]:
        typer.echo(line)
    if not result["hold"]:
        typer.echo("  Không bị phong tỏa. (Not on hold.)")


def retention_due(
    context: typer.Context,
    until: Annotated[
        str | None, typer.Option(help="Tính đến ngày, viết 2037-01-31; bỏ trống: hôm nay. (As of.)")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Ghi thêm ra tệp .xlsx. (Also as a workbook.)")
    ] = None,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Hồ sơ đã hết thời hạn bảo quản. (What is due.)"""
    session: Session = context.obj
    request = {"what": "due", "until": until, "output": output and new_file(output, force=force)}
    answer(session.call("retention", request, quiet=True), as_json=as_json, show=_show_due)


def _show_due(result: dict[str, Any]) -> None:
    typer.echo(f"Hết thời hạn tính đến {result['until']}: {len(result['due'])} hồ sơ (due)")
    for one in result["due"]:
        notes = [f"phong tỏa: {one['hold']}"] if one["hold"] else []
        notes += [f"{one['proposed_by']} đã đề nghị hủy"] if one["proposed_by"] else []
        notes += [] if one["checked"] else ["thời hạn chưa đối chiếu văn bản gốc"]
        tail = f"  [{'; '.join(notes)}]" if notes else ""
        typer.echo(f"  {one['dossier']}  {one['until']}  {one['papers']} giấy tờ  {one['name']}{tail}")
    if result["without_term"]:
        typer.echo(f"Đã đóng, chưa có thời hạn (no term): {', '.join(result['without_term'][:20])}")
        typer.echo("  mở lại rồi đóng lại hồ sơ để ghi thời hạn (open and close it again)")
    if result.get("path"):
        typer.echo(result["path"])


def retention_dispose(
    context: typer.Context,
    code: CodeArgument,
    reason: ReasonOption = None,
    approve: Annotated[
        bool, typer.Option("--approve", help="Người thứ hai duyệt, hủy ngay. (A second person approves.)")
    ] = False,
    withdraw: Annotated[
        bool, typer.Option("--withdraw", help="Bỏ đề nghị hủy. (Drop the proposal.)")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Hủy hồ sơ hết thời hạn: một người đề nghị (--reason), người thứ hai duyệt (--approve). (Disposal.)"""
    session: Session = context.obj
    request = {"what": "dispose", "code": code, "reason": reason, "approve": approve, "withdraw": withdraw}
    result = session.call("retention", request, quiet=True)
    waits = result["proposed"] or (result["disposal"] and not result["disposal"]["done"])
    answer(result, as_json=as_json, show=_show_disposal, code=1 if waits else 0)


def _show_disposal(result: dict[str, Any]) -> None:
    code = result["dossier"]
    if asked := result["proposed"]:
        typer.echo(f"{code}: {asked['by']} đề nghị hủy, chờ người thứ hai (waits for a second person)")
        typer.echo(f"  SOHOA_ACTOR=… sohoa retention dispose {code} --approve")
    for line in keeping_lines({"disposal": result["disposal"]}):
        typer.echo(line)


def keeping_lines(result: dict[str, Any]) -> list[str]:
    """Term, hold and disposal of a dossier, a line each."""
    lines = []
    if one := result.get("retention"):
        end = f"đến hết {one['until']}" if one["until"] else "vĩnh viễn"
        state = (
            f"đã khóa {one['objects']} đối tượng"
            if one["applied"]
            else one["trouble"] or "đang khóa trong kho"
        )
        lines.append(
            f"  Bảo quản {end} ({one['name']}); {state}, {one['lock_mode']} đến {vietnam_day(one['lock_until'])}"
        )
        if not one["checked"]:
            lines.append("  Lưu ý: thời hạn này chưa được đối chiếu với văn bản gốc (term not checked)")
    if one := result.get("hold"):
        state = "" if one["applied"] else f"; {one['trouble'] or 'đang ghi vào kho'}"
        lines.append(f"  PHONG TỎA từ {vietnam_day(one['at'])}: {one['reason']}{state}")
    if one := result.get("disposal"):
        state = "đã hủy" if one["done"] else f"đang hủy {one['removed']}/{one['objects']} đối tượng"
        lines.append(f"  {state} theo biên bản {one['certificate'] or '(đang lập)'}: {one['reason']}")
        if one["trouble"]:
            lines.append(f"  {one['trouble']}")
    return lines
