"""`sohoa ledger verify`, `sohoa ledger export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.commands.moments import vietnam_day
from pipeline.commands.session import ForceOption, JsonOption, Session, absolute, answer, new_file
from pipeline.errors import UsageError


def register(app: typer.Typer) -> None:
    ledger = typer.Typer(help="Sổ cái. (The ledger.)", no_args_is_help=True)
    ledger.command("verify")(ledger_verify)
    ledger.command("export")(ledger_export)
    ledger.command("prove")(ledger_prove)
    app.add_typer(ledger, name="ledger")


def ledger_verify(
    context: typer.Context,
    file: Annotated[
        Path | None,
        typer.Argument(
            help="Sổ cái đã xuất; bỏ trống: sổ cái của kho này. (An exported ledger.)", readable=False
        ),
    ] = None,
    document: Annotated[
        Path | None,
        typer.Option("--file", help="Tệp mà bằng chứng nói tới. (The document that a proof is about.)"),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Kiểm tra sổ cái: chuỗi băm, các đoạn trong kho, chữ ký từng ngày. (Chain, segments, signed days.)"""
    session: Session = context.obj
    if file is not None and not file.is_file():
        raise UsageError(f"no file {file}", vi=f"Không có tệp {file}")
    if document is not None and not document.is_file():
        raise UsageError(f"no file {document}", vi=f"Không có tệp {document}")
    request = {"file": absolute(file) if file else None, "document": absolute(document) if document else None}
    result = session.call("ledger_verify", request, quiet=True)
    show = _show if "entries" in result else _show_proof
    answer(result, as_json=as_json, show=show, code=0 if result["ok"] else 5)


def ledger_prove(
    context: typer.Context,
    document: Annotated[str, typer.Argument(help="Mã giấy tờ d_…. (Document id.)")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Tệp đích. (Where to write.)")],
    version: Annotated[int | None, typer.Option(min=1, help="Bản thứ mấy. (Which version.)")] = None,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Bằng chứng một giấy tờ đã có trong kho vào ngày nào, không cần cả sổ cái. (Proof for one document.)"""
    session: Session = context.obj
    request = {"document": document, "output": new_file(output, force=force), "version": version}
    result = session.call("ledger_prove", request, quiet=True)
    answer(result, as_json=as_json, show=_show_proof, code=0 if result["ok"] else 5)


def _show_proof(found: dict[str, Any]) -> None:
    state = "đứng dưới gốc (stands under the root)" if found["ok"] else "KHÔNG CHỨNG MINH ĐƯỢC (not proven)"
    typer.echo(f"{found.get('document')} {state} ngày {found['day']}")
    typer.echo(f"  {found.get('signer')}, {found.get('stamped')}, SHA-256 {found.get('sha256')}")
    _say_problems(found)


def ledger_export(
    context: typer.Context,
    output: Annotated[Path, typer.Option("-o", "--output", help="Tệp đích. (Where to write.)")],
    person: Annotated[
        str | None,
        typer.Option(
            help="Phiếu của một người: mã hồ sơ, mã giấy tờ, số định danh, khóa n_… hay khóa trong sổ cái. "
            "(One person's slip.)"
        ),
    ] = None,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Xuất sổ cái để kiểm tra độc lập, hoặc phiếu truy cập của một người. (The ledger, or one person's slip.)"""
    session: Session = context.obj
    request = {"output": new_file(output, force=force), "person": person}
    result = session.call("ledger_export", request, quiet=True)
    answer(result, as_json=as_json, show=lambda r: typer.echo(r["path"]))


def _show(report: dict[str, Any]) -> None:
    state = "nguyên vẹn (holds)" if report["ok"] else "KHÔNG NGUYÊN VẸN (does not hold)"
    typer.echo(f"{report['entries']} mục (entries): {state}")
    typer.echo(f"  {report['segments']} đoạn trong kho (segments), {len(report['roots'])} ngày đã niêm phong")
    if not report["roots"]:
        from storage.proof import UNSEALED  # loads cryptography

        typer.echo(f"  {UNSEALED}")
    for root in report["roots"]:
        typer.echo(f"  {root['day']}: {root['signer']}, {root['stamped'] or 'không có dấu thời gian'}")
    for one in report["evidence"]:
        days = f"{one['days'][0]} – {one['days'][-1]}" if one["days"] else one["key"]
        ends = vietnam_day(one["ends"]) if one["ends"] else "-"
        typer.echo(f"  bằng chứng {days}: {len(one['stamps'])} dấu thời gian, đến {ends}")
    _say_problems(report)


def _say_problems(found: dict[str, Any]) -> None:
    if found["problems"]:
        from storage.proof import in_both  # loads cryptography

        for problem in found["problems"]:
            typer.echo(f"  {in_both(problem)}")
