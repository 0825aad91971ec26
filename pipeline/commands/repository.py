"""`sohoa export`, `sohoa fixity`, `sohoa rebuild`: handing over and keeping the repository whole."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.commands.session import ForceOption, JsonOption, Session, answer, new_file


class PackageFormat(StrEnum):
    """Forms of a package."""

    AIP = "aip"
    BAGIT = "bagit"
    ZIP = "zip"
    XLSX = "xlsx"


def register(app: typer.Typer) -> None:
    app.command()(export)
    app.command()(fixity)
    app.command()(rebuild)


def export(
    context: typer.Context,
    dossier: Annotated[str, typer.Argument(help="Mã hồ sơ. (Dossier code.)")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Tệp đích. (Where to write.)")],
    form: Annotated[
        PackageFormat,
        typer.Option(
            "--format", help="aip: gói lưu trữ; bagit: gói bàn giao; zip: để đọc; xlsx: mục lục. (Form.)"
        ),
    ] = PackageFormat.ZIP,
    shelf: Annotated[
        str | None,
        typer.Option(help="Nơi để hồ sơ giấy: kho/giá/hộp; gói AIP cần có. (Where the paper lies.)"),
    ] = None,
    purpose: Annotated[
        str | None, typer.Option(help="Mục đích, ghi vào sổ cái. (What for; kept on the ledger.)")
    ] = None,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Xuất một hồ sơ thành gói bàn giao. (One dossier as a package to hand over.)"""
    session: Session = context.obj
    request: dict[str, Any] = {
        "dossier": dossier,
        "format": form.value,
        "output": new_file(output, force=force),
    }
    request |= {"purpose": purpose, "shelf": shelf, "force": force}
    result = session.call("export", request, quiet=as_json)
    answer(result, as_json=as_json, show=_show_export, code=1 if result["waiting"] else 0)


def _show_export(result: dict[str, Any]) -> None:
    typer.echo(f"{result['path']}: {result['documents']} giấy tờ, {result['files']} tệp (documents, files)")
    if result["waiting"]:
        typer.echo(
            f"  chưa có {result['waiting']} giấy tờ đang chờ trong hồ sơ (not in it: papers that wait)"
        )


def fixity(
    context: typer.Context,
    sample: Annotated[
        int | None, typer.Option(min=1, help="Chỉ xem một mẫu ngẫu nhiên N đối tượng. (A random sample.)")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Hạt giống, để lấy lại đúng mẫu cũ. (Repeats a sample.)")
    ] = None,
    repair: Annotated[
        bool, typer.Option("--repair", help="Phục hồi từ bản sao thứ hai. (Heal from the second copy.)")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Rà soát kho: đọc lại, băm lại, đối chiếu danh mục, bản kê và kho. (Scrub and reconcile.)"""
    session: Session = context.obj
    result = session.call("fixity", {"sample": sample, "seed": seed, "repair": repair}, quiet=as_json)
    answer(result, as_json=as_json, show=_show_fixity, code=fixity_code(result))


def fixity_code(result: dict[str, Any]) -> int:
    """5 when something kept is damaged or gone and not healed; 1 when there is only content that nobody claims."""
    kinds = {finding["kind"] for finding in result["findings"] if not finding["repaired"]}
    if kinds - {"orphan"}:
        return 5
    return 1 if kinds else 0


def _show_fixity(result: dict[str, Any]) -> None:
    size = result["bytes"] / 1_000_000
    typer.echo(f"Đã đọc lại {result['checked']} đối tượng, {size:.1f} MB. (Objects read again.)")
    if result["statement"]:
        typer.echo(f"{result['statement']}; hạt giống (seed) {result['seed']}")
    for finding in result["findings"]:
        typer.echo(f"{finding['key']}\n  {finding['problem']} {finding['detail']}".rstrip())
        if finding["version_id"]:
            typer.echo(f"  version_id {finding['version_id']}")
        if not finding["repaired"]:
            typer.echo(f"  → {finding['remedy']}")
    if not result["findings"]:
        typer.echo("Không có sai lệch. (Nothing is wrong.)")


def rebuild(
    context: typer.Context,
    fresh: Annotated[
        bool,
        typer.Option("--fresh", help="Cất tệp cơ sở dữ liệu cũ, dựng lại. (Move the old database aside.)"),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Dựng lại danh mục, tra cứu và sổ cái chỉ từ kho S3. (The catalogue anew, from the bucket alone.)"""
    from config.settings import actor, load
    from pipeline.commands.progress import shown
    from pipeline.home.rebuilding import rebuild as run

    session: Session = context.obj
    settings = load(session.paths.root)
    who = os.environ.get("SOHOA_ACTOR") or actor(settings)
    if as_json or not sys.stderr.isatty():
        result = run(session.paths, settings, actor=who, fresh=fresh, progress=lambda event: None)
    else:
        with shown() as show:
            result = run(session.paths, settings, actor=who, fresh=fresh, progress=show)
    answer(result, as_json=as_json, show=_show, code=5 if result["problems"] else 0)


def _show(result: dict[str, Any]) -> None:
    typer.echo(
        f"Đã dựng lại {result['documents']} giấy tờ của {result['dossiers']} hồ sơ, {result['entries']} mục sổ cái."
        " (Rebuilt.)"
    )
    if result["aside"]:
        typer.echo(f"Cơ sở dữ liệu cũ ở {result['aside']} (the old database)")
    for problem in result["problems"]:
        typer.echo(f"  SAI LỆCH (does not hold): {problem}")
    if result["unstored"]:
        typer.echo(
            "Lô còn bản gốc trong kho nhưng chưa có giấy tờ nào được lưu; hãy tiếp nhận lại (take in again):"
        )
        for name in result["unstored"]:
            typer.echo(f"  q/{name}/")
    typer.echo("Không có trong kho nên không dựng lại (not rebuilt):")
    for line in result["not_rebuilt"]:
        typer.echo(f"  - {line}")
