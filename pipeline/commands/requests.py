"""`sohoa requests`: papers that the one-stop system asks to be digitised, and the option to scan for one."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from pipeline.commands.session import JsonOption, Session, answer
from pipeline.errors import UsageError

STATES = {"open": "cần quét", "orphan": "chờ hồ sơ", "fulfilled": "xong", "withdrawn": "đã hủy"}
RequestOption = Annotated[
    str | None,
    typer.Option(
        "--request",
        help="Mã yêu cầu quét; mã hồ sơ và mã thành phần lấy từ đó. (The scan request it answers.)",
    ),
]


def register(app: typer.Typer) -> None:
    app.command()(requests)


def requests(
    context: typer.Context,
    name: Annotated[
        str | None,
        typer.Argument(metavar="[ID]", help="Mã yêu cầu; bỏ trống: các yêu cầu cần quét. (Its id.)"),
    ] = None,
    dossier: Annotated[str | None, typer.Option(help="Chỉ của hồ sơ này. (Of one dossier.)")] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Cả yêu cầu đã xong, đã hủy. (Those over too.)")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Yêu cầu quét của hệ thống một cửa, gần hạn trước. (What is asked to be digitised, the soonest due first.)"""
    if name and (dossier or everything):
        raise UsageError(
            "give an id, or --dossier and --all",
            vi="Nêu mã yêu cầu, hoặc --dossier và --all, không dùng cả hai",
        )
    session: Session = context.obj
    result = session.call("requests", {"id": name, "dossier": dossier, "all": everything}, quiet=True)
    waits = any(one["state"] in ("open", "orphan") for one in result["requests"])
    answer(result, as_json=as_json, show=_show, code=int(waits))


def taken_up(session: Session, name: str, dossier: str | None) -> dict[str, Any]:
    """The request to scan for, shown to the person; with the `procedure` of its dossier. Raises UsageError."""
    result = session.call("requests", {"use": name, "dossier": dossier}, quiet=True)
    (found,) = result["requests"]
    typer.echo(f"Quét cho {line_of(found)}", err=True)
    return {**found, "procedure": result["procedure"]}


def code_for(session: Session, name: str | None, code: int) -> int:
    """The exit code of what was scanned for a request: 1 where all is stored and the request still open."""
    return 1 if name and code == 0 and _unanswered(session, name) else code


def _unanswered(session: Session, name: str) -> bool:
    """Whether what was scanned for a request has not answered it; then the person is told why."""
    (found,) = session.call("requests", {"id": name}, quiet=True)["requests"]
    if found["state"] == "fulfilled":
        return False
    typer.echo(f"Yêu cầu {name} {STATES[found['state']]} (not answered yet)", err=True)
    for line in lines_below(found):
        typer.echo(f"  {line}", err=True)
    return True


def line_of(one: dict[str, Any]) -> str:
    """One request on one line, for people."""
    from pipeline.grammar.entries import COPIES

    amount = ", ".join(
        filter(None, (f"{one['count']} giấy" if one["count"] > 1 else "", COPIES.get(one["copy"], "")))
    )
    due = f"{'QUÁ HẠN' if one.get('overdue') else 'hạn'} {_day(one['due'])}" if one["due"] else ""
    words = (one["id"], f"hồ sơ {one['dossier']}", one["component"], one["name"], amount, due)
    return "  ".join(filter(None, words))


def _day(iso: str) -> str:
    return "/".join(reversed(iso.split("-")))


def _show(result: dict[str, Any]) -> None:
    if not result["requests"]:
        typer.echo("Không có yêu cầu quét nào đang chờ. (Nothing is asked for.)")
    for one in result["requests"]:
        typer.echo(f"{STATES[one['state']]:<10} {line_of(one)}")
        for line in lines_below(one):
            typer.echo(f"           {line}")


def lines_below(one: dict[str, Any]) -> list[str]:
    """What else is to be known of a request: who asks, what answers it, whether that was told."""
    lines = [f"người yêu cầu: {one['asked_by']}"] if one["asked_by"] else []
    lines += [one["reason"]] if one["reason"] else []
    lines += [f"giấy: {', '.join(one['documents'])}"] if one["documents"] else []
    for paper in one.get("under_way", ()):
        look = f", xem: sohoa review {paper['id']}" if paper["state"] == "review" else ""
        lines.append(f"đã quét, chưa lưu: {paper['id']}{look}")
    told = one["callback"]
    if told and told["state"] == "waiting":
        trouble = f": {told['trouble']}" if told["trouble"] else ""
        lines.append(f"chưa báo được cho hệ thống một cửa, đã thử {told['attempts']} lần{trouble}")
    elif told:
        lines.append("đã báo hệ thống một cửa")
    return lines
