"""`sohoa stats`: how much of what was received is digitised, and what is not, and why."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.commands.session import ForceOption, JsonOption, Session, answer, new_file

SHOWN = 30
UNITS = {"dossier": "hồ sơ", "paper": "giấy tờ"}


class Dimension(StrEnum):
    """What figures can be split by."""

    AGENCY = "agency"
    PROCEDURE = "procedure"
    MONTH = "month"


def register(app: typer.Typer) -> None:
    app.command()(stats)


def stats(
    context: typer.Context,
    month: Annotated[
        str | None, typer.Option(help="Tháng tiếp nhận, viết 2026-11; bỏ trống: toàn bộ. (Month received.)")
    ] = None,
    by: Annotated[
        Dimension | None, typer.Option(help="Chia theo cơ quan, thủ tục hay tháng. (Split by.)")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Ghi thêm ra tệp .xlsx. (Also as a workbook.)")
    ] = None,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Thống kê số hóa: tử số, mẫu số, tỷ lệ, và hồ sơ chưa số hóa vì sao. (Indicators, and what is missing.)"""
    session: Session = context.obj
    request = {"month": month, "by": by and by.value, "output": output and new_file(output, force=force)}
    result = session.call("stats", request, quiet=True)
    answer(result, as_json=as_json, show=_show)


def _show(result: dict[str, Any]) -> None:
    for one in result["indicators"]:
        percent = "chưa có hồ sơ" if one["percent"] is None else f"{one['percent']} %"
        typer.echo(f"{one['name']}: {one['numerator']}/{one['denominator']} = {percent}")
        typer.echo(f"  căn cứ (source): {one['source']}, từ {one['valid_from']}")
    for group in result["groups"]:
        figures = ", ".join(
            f"{UNITS.get(one['unit'], one['key'])} {group[one['key']]['numerator']}/{group[one['key']]['denominator']}"
            for one in result["indicators"]
        )
        typer.echo(f"  {group['name']}: {figures}")
    left = result["not_digitised"]
    if left:
        typer.echo(f"Chưa số hóa xong {len(left)} hồ sơ (not digitised):")
    for one in left[:SHOWN]:
        typer.echo(f"  {one['dossier']}: {'; '.join(one['reasons'])}")
    if len(left) > SHOWN:
        typer.echo(f"  … và {len(left) - SHOWN} hồ sơ nữa: dùng -o TỆP.xlsx hoặc --json (and more)")
    if result["papers_without_dossier"]:
        typer.echo(f"Giấy tờ chưa gắn hồ sơ (in no dossier, not counted): {result['papers_without_dossier']}")
    if result.get("path"):
        typer.echo(result["path"])
