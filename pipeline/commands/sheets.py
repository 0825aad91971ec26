"""`sohoa sheets`: separator sheets to print."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.commands.session import ForceOption, JsonOption, answer, new_file
from pipeline.errors import UsageError


def register(app: typer.Typer) -> None:
    app.command()(sheets)


def sheets(
    dossiers: Annotated[
        list[str], typer.Option("--dossier", help="Mã hồ sơ; lặp lại được. (Dossier code; repeatable.)")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Tệp PDF để in. (The PDF to print.)")],
    papers: Annotated[int, typer.Option(min=1, help="Số giấy tờ của mỗi hồ sơ. (Papers a dossier.)")] = 1,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """In tờ phân cách có mã QR, đánh số k/n để biết khi thiếu tờ. (Printable separator sheets.)"""
    from pipeline.files import write_whole
    from pipeline.grammar.sheet_marks import MOST_SHEETS, marks_for
    from scanners.separator import sheets_pdf
    from signing.lettering import FONT

    codes = [_code(text) for text in dossiers]
    if len(set(codes)) != len(codes):
        raise UsageError("a dossier code is given twice", vi="Có mã hồ sơ bị nhập hai lần")
    if len(codes) * papers > MOST_SHEETS:
        raise UsageError(
            f"a series holds at most {MOST_SHEETS} sheets; print several",
            vi=f"Một lượt in tối đa {MOST_SHEETS} tờ; hãy chia làm nhiều lượt",
        )
    target = Path(new_file(output, force=force))
    marks = marks_for(codes, papers)
    blob = write_whole(target, sheets_pdf(marks, FONT), "application/pdf")
    result = {
        "file": str(blob.path),
        "sha256": blob.sha256,
        "sheets": [
            {"dossier": mark.code, "number": mark.number, "total": mark.total, "text": mark.text}
            for mark in marks
        ],
    }
    answer(result, as_json=as_json, show=_show)


def _code(text: str) -> str:
    from pipeline.grammar.codes import checked_dossier_code

    return checked_dossier_code(text)


def _show(result: dict[str, Any]) -> None:
    typer.echo(f"Đã ghi {len(result['sheets'])} tờ phân cách vào {result['file']} (sheets written)")
