"""`sohoa get`: files out of the repository."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.commands.inspect import Purpose
from pipeline.commands.session import ForceOption, JsonOption, Session, absolute, answer
from pipeline.errors import UsageError


class Profile(StrEnum):
    """Forms of the PDF."""

    FAITHFUL = "faithful"
    COMPACT = "compact"
    JOINED = "joined"


class TextForm(StrEnum):
    """Forms of the text."""

    HOCR = "hocr"
    ALTO = "alto"
    TXT = "txt"


def register(app: typer.Typer) -> None:
    app.command()(get)


def get(
    context: typer.Context,
    document: Annotated[str, typer.Argument(help="Mã giấy tờ d_… (Document id.)")],
    output: Annotated[
        str, typer.Option("-o", "--output", help="Tệp đích; có / ở cuối là thư mục. (File, or folder/.)")
    ],
    original: Annotated[
        bool, typer.Option("--original", help="Lấy ảnh gốc. (The originals, into a folder if several.)")
    ] = False,
    profile: Annotated[
        Profile,
        typer.Option(
            help="faithful: bản đã ký; compact: bản xem gọn, không có chữ ký; "
            "joined: bản xem gọn, hai nửa tờ A3 ghép lại. (The signed file, or a copy.)"
        ),
    ] = Profile.FAITHFUL,
    form: Annotated[
        TextForm | None,
        typer.Option("--format", help="Chỉ lấy chữ, kèm vị trí từng từ. (The text, with places of words.)"),
    ] = None,
    halves: Annotated[
        list[int] | None,
        typer.Option(
            min=1, help="Với joined: trang này và trang sau là hai nửa một tờ. (First half's page.)"
        ),
    ] = None,
    version: Annotated[int | None, typer.Option(min=1, help="Phiên bản. (Version number.)")] = None,
    force: ForceOption = False,
    purpose: Purpose = None,
    as_json: JsonOption = False,
) -> None:
    """Tải bản đã ký, bản xem gọn, ảnh gốc hoặc chữ. (Download the signed file, a copy, originals or text.)"""
    session: Session = context.obj
    if output in ("-", ""):
        raise UsageError("give a file name to write to", vi="Cần tên tệp để ghi")
    if halves and profile is not Profile.JOINED:
        raise UsageError("--halves goes with --profile joined", vi="--halves chỉ dùng với --profile joined")
    result = session.call(
        "get",
        {
            "document": document,
            "output": absolute(Path(output)),
            "folder": output.endswith("/"),
            "original": original,
            "profile": profile.value,
            "format": form.value if form else None,
            "halves": halves or [],
            "version": version,
            "force": force,
            "purpose": purpose,
        },
        quiet=True,
    )
    answer(result, as_json=as_json, show=_show_files)


def _show_files(result: dict[str, Any]) -> None:
    for file in result["files"]:
        typer.echo(file["path"])
        if file["recovered"]:
            typer.echo(
                "  lấy từ phiên bản đã khóa: trong kho có thứ che lên nó; hãy chạy `sohoa fixity` (recovered)",
                err=True,
            )
