"""`sohoa person`: the repository by account, for a stated purpose."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from pipeline.commands.session import JsonOption, Session, answer

VALIDITY = {
    "valid": "còn giá trị",
    "expired": "hết giá trị",
    "not_yet": "chưa có giá trị",
    "withdrawn": "hồ sơ đã rút",
    "unknown": "chưa rõ thời hạn",
}
KINDS = {"paper": "giấy tờ", "result": "kết quả"}


def register(app: typer.Typer) -> None:
    app.command()(person)


def person(
    context: typer.Context,
    purpose: Annotated[
        str, typer.Option(help="Mục đích xem, ghi vào sổ cái. (What for; goes on the ledger.)")
    ],
    who: Annotated[
        str,
        typer.Argument(
            metavar="[SỐ|KHÓA|-]",
            help="Số định danh, mã số thuế hay khóa n_…; - hoặc bỏ trống: gõ khi được hỏi, để số không nằm trong "
            "lịch sử lệnh. (Number or key; - asks for it.)",
        ),
    ] = "-",
    as_json: JsonOption = False,
) -> None:
    """Kho theo tài khoản: mọi giấy tờ, kết quả của một tổ chức, cá nhân. (All papers of one owner.)"""
    session: Session = context.obj
    if who == "-":
        if sys.stdin.isatty():
            sys.stderr.write("Số định danh hay mã số thuế (number): ")
            sys.stderr.flush()
        who = sys.stdin.readline().strip()
    result = session.call("person", {"person": who, "purpose": purpose}, quiet=True)
    answer(result, as_json=as_json, show=_show)


def _show(result: dict[str, Any]) -> None:
    names = ", ".join(result["names"]) or "chưa rõ tên"
    typer.echo(
        f"{names}  {result['person']}: {len(result['papers'])} giấy tờ trong {len(result['dossiers'])} hồ sơ"
    )
    for one in result["papers"]:
        number = " ".join(filter(None, (one["number"], one["date"])))
        told = [KINDS[one["kind"]], f"{VALIDITY[one['validity']]} ({one['validity_reason']})"]
        told += [f"phạm vi: {one['scope']}"] if one["scope"] else []
        told += [f"dùng lại {one['reused']} lần"] if one["reused"] else []
        told += ["theo hồ sơ, giấy không ghi chủ"] if one["by_dossier"] else []
        told += ["số định danh còn ngờ"] if not one["sure"] else []
        typer.echo(f"  {one['type_name']}  {number}  {one['document']}  {one['dossier'] or ''}".rstrip())
        typer.echo(f"    {'; '.join(told)}")
