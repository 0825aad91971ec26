"""`sohoa review`: what waits for a person, and settling it; correcting what is stored."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.commands.session import JsonOption, Session, absolute, answer
from pipeline.errors import UsageError

_LISTS = frozenset({"item", "doubtful", "crop"})
"""What may stand without a paper; everything else settles one."""


def register(app: typer.Typer) -> None:
    app.command()(review)


def review(
    context: typer.Context,
    item: Annotated[
        str | None,
        typer.Argument(help="Mã giấy tờ d_…, mặt p_… hay lô b_…; bỏ trống: liệt kê. (What to settle.)"),
    ] = None,
    dossier: Annotated[str | None, typer.Option(help="Thuộc hồ sơ nào. (Its dossier code.)")] = None,
    kind: Annotated[str | None, typer.Option("--type", help="Là loại giấy tờ nào. (Its type key.)")] = None,
    values: Annotated[
        list[str] | None,
        typer.Option("--set", help="TÊN=GIÁ-TRỊ: number, date, title, issuer, signer… (Correct a field.)"),
    ] = None,
    ok: Annotated[
        bool, typer.Option("-k", "--ok", help="Các trường còn ngờ đều đúng. (Confirm as is.)")
    ] = False,
    split_before: Annotated[
        int | None, typer.Option(min=1, help="Tách thành giấy khác từ mặt này. (Split.)")
    ] = None,
    merge: Annotated[bool, typer.Option("--merge", help="Ghép vào giấy phía trước. (Merge.)")] = False,
    move: Annotated[int | None, typer.Option(min=1, help="Chuyển mặt này… (Move a page…)")] = None,
    after: Annotated[int | None, typer.Option(min=1, help="…ra sau mặt này. (…behind this one.)")] = None,
    turn: Annotated[
        str | None, typer.Option(metavar="MẶT=ĐỘ", help="Xoay theo chiều kim: 3=90. (Turn a page.)")
    ] = None,
    aside: Annotated[str | None, typer.Option(help="Để riêng, nêu lý do. (Set aside, why.)")] = None,
    rescan: Annotated[str | None, typer.Option(help="Cần quét lại, nêu lý do. (Scan again, why.)")] = None,
    misfiled: Annotated[
        str | None, typer.Option(help="Để nhầm hồ sơ, nêu lý do; cần hai người. (Wrong dossier, why.)")
    ] = None,
    sheets: Annotated[
        int | None, typer.Option(min=1, help="Lô b_…: số tờ đúng, đã đếm lại. (Sheets counted again.)")
    ] = None,
    reason: Annotated[str | None, typer.Option(help="Vì sao số tờ khác. (Why the count differs.)")] = None,
    undo: Annotated[
        bool, typer.Option("--undo", help="Bỏ quyết định gần nhất của lô. (Take back the last decision.)")
    ] = False,
    take: Annotated[bool, typer.Option("--take", help="Giữ việc này để xem. (Hold it.)")] = False,
    release: Annotated[bool, typer.Option("--release", help="Thôi giữ. (Give it back.)")] = False,
    approve: Annotated[
        bool, typer.Option("--approve", help="Người thứ hai đồng ý. (The second person agrees.)")
    ] = False,
    refuse: Annotated[bool, typer.Option("--refuse", help="Không đồng ý đề nghị. (Refuse.)")] = False,
    version: Annotated[
        int | None, typer.Option(min=1, help="Bản đã xem; đã khác thì không sửa. (The version seen.)")
    ] = None,
    doubtful: Annotated[
        bool, typer.Option("--doubtful", help="Liệt kê cả giấy đã lưu còn trường ngờ. (Stored, with doubts.)")
    ] = False,
    crop: Annotated[
        Path | None,
        typer.Option(
            help="Cắt chỗ của các trường còn ngờ ra thư mục này. (Pictures of the doubtful places.)"
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Việc chờ người: liệt kê, hoặc quyết một việc rồi máy làm tiếp. (What waits for a person.)"""
    from pipeline.commands.intake import exit_code

    session: Session = context.obj
    if crop is not None and not item:
        raise UsageError(
            "--crop needs the document: sohoa review d_… --crop FOLDER", vi="--crop cần mã giấy tờ d_…"
        )
    request = {
        "item": item, "dossier": dossier, "type": kind, "set": values, "ok": ok, "split_before": split_before,
        "merge": merge, "move": move, "after": after, "turn": turn, "aside": aside, "rescan": rescan,
        "misfiled": misfiled, "undo": undo, "take": take, "release": release, "approve": approve,
        "refuse": refuse, "version": version, "doubtful": doubtful,
        "sheets": sheets, "reason": reason,
        "crop": absolute(crop) if crop else None,
    }  # fmt: skip
    if not item and any(request[name] not in (None, False, [], ()) for name in request if name not in _LISTS):
        raise UsageError(
            "say which paper: sohoa review d_… and what to decide",
            vi="Cần mã giấy tờ trước điều quyết định: sohoa review d_…",
        )
    result = session.call("review", request, quiet=as_json or not item)
    if "batches" in result:
        code = exit_code(result["batches"])
    elif item:
        code = int("proposed" in result)
    else:
        code = int(bool(result["waiting"] or result["proposals"]))
    answer(result, as_json=as_json, show=_show, code=code)


def _show(result: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.markup import escape

    from pipeline.commands.repage import show as show_pages
    from pipeline.commands.tables import FIELDS, show_batches

    console = Console(highlight=False)
    if "crops" in result:
        _crops(console, result)
        return
    if "batches" in result:
        show_batches(result["batches"], console)
        return
    if "after" in result:
        show_pages(result)
        return
    if "amended" in result:
        done = result["amended"]
        names = ", ".join(FIELDS.get(name, name) for name in done["changed"])
        console.print(
            f"{done['document']}: đã sửa {names}; nay là bản {done['version']} (corrected)"
            if names
            else f"{done['document']}: không có gì khác; chủ giấy tờ, số định danh, ngày sinh, địa chỉ, thửa đất thì"
            " nêu từng giá trị bằng --set (nothing changed; fields of a person are confirmed by --set)"
        )
        return
    for key, words in _DONE.items():
        if key in result:
            console.print(f"{result[key]}: {words}")
            return
    if not result["waiting"] and not result["proposals"]:
        console.print("Không có gì chờ người xem. (Nothing waits.)")
    for item in result["waiting"]:
        _item(console, item)
        console.print(f"  {escape(item['reason'] or '')}", style="yellow")
        if item["held"]:
            console.print(f"  đang do {escape(item['held']['name'])} giữ (held)", style="dim")
    for one in result["proposals"]:
        console.print(f"[bold]{one['item']}[/]  {escape(one['by'])} đề nghị, chờ người thứ hai (proposed)")
        console.print(f"  {escape(_words(one['request']))}", style="yellow")
        console.print(f"  sohoa review {one['item']} --approve | --refuse", style="dim")
    for item in result.get("doubtful", ()):
        _item(console, item)
        told = ", ".join(_told(field) for field in item["fields"])
        console.print(f"  còn ngờ: {escape(told)} (doubtful)", style="yellow")
        if item["cited"]:
            console.print(
                "  giấy khác của hồ sơ viện dẫn đúng số và ngày này (cited alike): --ok", style="green"
            )
    if result["waiting"]:
        first = result["waiting"][0]["id"]
        said = "--sheets SỐ-TỜ" if first.startswith("b_") else "--dossier MÃ-HỒ-SƠ"
        console.print(f"Quyết một việc: sohoa review {first} {said}", style="dim")


_DONE = {
    "held": "đã giữ cho bạn (held)",
    "released": "đã thôi giữ (released)",
    "refused": "đã bỏ đề nghị (refused)",
    "proposed": "đã ghi đề nghị, chờ người thứ hai (proposed)",
}


def _crops(console: Any, result: dict[str, Any]) -> None:
    from rich.markup import escape

    if not result["crops"]:
        console.print(f"{result['document']}: không còn trường nào ngờ (nothing is doubtful)")
    for field in result["crops"]:
        console.print(f"{escape(_told(field))}: {escape(field['path'] or 'không rõ vị trí (no place)')}")


def _told(field: dict[str, Any]) -> str:
    from pipeline.commands.tables import FIELDS

    name = FIELDS.get(field["name"], field["name"])
    return f"{name} “{field['value']}”" if field["value"] else name


def _item(console: Any, item: dict[str, Any]) -> None:
    from rich.markup import escape

    if item["id"].startswith("b_"):
        console.print(f"[bold]{item['id']}[/]  cả lô [dim]{escape(Path(item['source']).name)}[/]")
        return
    pages = ", ".join(str(page + 1) for page in item["pages"])
    told = " ".join(filter(None, (item["number"], item["date"])))
    console.print(
        f"[bold]{item['id']}[/]  {escape(item['type_name'] or 'mặt giấy')} {escape(told)} "
        f"[dim]{escape(Path(item['source']).name)}, mặt {pages}[/]"
    )


def _words(request: dict[str, Any]) -> str:
    said = request.get("repage") or request
    return "; ".join(f"{name}: {value}" for name, value in said.items() if name != "staged")
