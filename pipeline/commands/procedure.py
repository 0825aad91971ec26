"""`sohoa procedure`: the catalogue of procedures with their required papers."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.commands.session import JsonOption, Session, absolute, answer
from pipeline.errors import UsageError

MapOption = Annotated[
    Path | None, typer.Option("--map", help="Tệp TOML, bảng \\[columns]: cột nào là gì. (Names of columns.)")
]


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="Danh mục thủ tục và thành phần hồ sơ. (Procedures.)", no_args_is_help=True)
    group.command("list")(list_all)
    group.command("show")(show)
    group.command("import")(import_file)
    app.add_typer(group, name="procedure")


def list_all(context: typer.Context, as_json: JsonOption = False) -> None:
    """Mọi thủ tục đang có. (Every procedure.)"""
    versions = _catalogue(context.obj).versions
    rows = [
        {
            "code": item.code,
            "name": item.name,
            "level": item.level.value,
            "effective": item.effective.isoformat(),
            "until": item.until.isoformat() if item.until else None,
            "papers": len(item.papers),
        }
        for items in versions.values()
        for item in items
    ]
    answer({"procedures": rows}, as_json=as_json, show=_show_list)


def show(
    context: typer.Context,
    code: Annotated[str, typer.Argument(help="Mã thủ tục. (Procedure code.)")],
    on: Annotated[
        datetime | None,
        typer.Option("--date", formats=["%Y-%m-%d"], help="Ngày tiếp nhận. (Day of receipt.)"),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Một thủ tục: giấy tờ cần có, loại bản, thời hạn. (One procedure.)"""
    from pipeline.grammar.codes import parse_procedure_code

    day = on.date() if on else date.today()
    wanted = parse_procedure_code(code)
    found = _catalogue(context.obj)
    item = found.get(wanted, day) if wanted else None
    if item is None:
        other = ", ".join(f"{one.effective:%d/%m/%Y}" for one in found.history(wanted)) if wanted else ""
        raise UsageError(
            f"no procedure {code} in force on {day}"
            + (f"; there are versions from {other}" if other else ""),
            vi=f"Không có thủ tục {code} vào ngày {day:%d/%m/%Y}"
            + (f"; có bản hiệu lực từ {other}" if other else ""),
        )
    raw: dict[str, Any] = asdict(item)
    raw["effective"], raw["until"] = (
        item.effective.isoformat(),
        item.until.isoformat() if item.until else None,
    )
    answer(raw, as_json=as_json, show=_show_one)


def import_file(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(help="Tệp CSV hoặc JSON xuất từ cơ sở dữ liệu thủ tục. (The export.)")
    ],
    mapping: MapOption = None,
    as_json: JsonOption = False,
) -> None:
    """Nhập danh mục từ tệp CSV, JSON. (Import an export of the national catalogue.)"""
    session: Session = context.obj
    request = {"file": absolute(file), "map": absolute(mapping) if mapping else None}
    result = session.call("procedure_import", request, quiet=True)
    code = (1 if result["procedures"] else 3) if result["errors"] else 0
    answer(result, as_json=as_json, show=_show_imported, code=code)


def _catalogue(session: Session) -> Any:
    """Straight from the files: looking needs no home's process."""
    import config
    from config.settings import load
    from pipeline.classify.types import TypeCatalogue
    from pipeline.wire_casework import procedure_shelf

    settings = load(session.paths.root)
    types = TypeCatalogue.load(Path(config.__path__[0]) / "document_types.toml")
    return procedure_shelf(session.paths, settings, types).current()


def _show_list(result: dict[str, Any]) -> None:
    for row in result["procedures"]:
        until = f" đến {row['until']}" if row["until"] else ""
        typer.echo(
            f"{row['code']:<14} {row['name']}  ({row['papers']} giấy tờ, từ {row['effective']}{until})"
        )


def _show_one(item: dict[str, Any]) -> None:
    typer.echo(
        f"{item['code']}  {item['name']}\n  {item['sector']}; từ {item['effective']}; {item['source']}"
    )
    for paper in item["papers"]:
        parts = [", ".join(kind.value for kind in paper["copy"])]
        parts += [f"khi {paper['when']}"] if paper["when"] else []
        parts += [f"trong {paper['validity_months']} tháng"] if paper["validity_months"] else []
        parts += [f"{paper['count']} giấy"] if paper["count"] > 1 else []
        parts += ["chỉ xuất trình"] if paper["keep"].value == "shown" else []
        typer.echo(f"  {paper['code']}  {paper['name']}  {'; '.join(filter(None, parts))}".rstrip())
    for result in item["results"]:
        typer.echo(f"  → {result['code']}  {result['name']}")


def _show_imported(result: dict[str, Any]) -> None:
    typer.echo(f"Đã nhập {len(result['procedures'])} thủ tục vào {result['folder']} (imported)")
    for error in result["errors"]:
        typer.echo(f"  dòng {error['row']}: {error['problem']}")
    for note in result["notes"]:
        typer.echo(f"  lưu ý: {note}")
