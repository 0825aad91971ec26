"""`sohoa sign`, `sohoa resign`, `sohoa renew`: keys of a shift, signatures made elsewhere, signatures that last."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.commands.moments import vietnam_day, vietnam_minute
from pipeline.commands.session import JsonOption, Session, absolute, answer
from pipeline.errors import UsageError

LONGEST_PIN = 256
WAYS = {
    "first": "bằng một dấu thời gian chung (first common time-stamp)",
    "stamp": "bằng dấu thời gian mới (another time-stamp)",
    "tree": "bằng thuật toán băm mạnh hơn (a stronger digest)",
}


class Role(StrEnum):
    """Whose key."""

    OFFICER = "officer"
    AGENCY = "agency"


Documents = Annotated[
    list[str] | None, typer.Argument(help="Mã giấy tờ d_…; bỏ trống: tất cả. (Document ids; empty: all.)")
]


def register(app: typer.Typer) -> None:
    sign = typer.Typer(help="Ký số: mở khóa, ký ở máy khác. (Signing.)", no_args_is_help=True)
    sign.command("unlock")(unlock)
    sign.command("export")(export)
    sign.command("import")(bring_back)
    app.add_typer(sign, name="sign")
    app.command()(resign)
    app.command()(renew)


def unlock(
    context: typer.Context,
    role: Annotated[Role, typer.Argument(help="officer: cán bộ; agency: cơ quan. (Whose key.)")],
    hours: Annotated[float, typer.Option(min=0.1, max=24, help="Giữ bao nhiêu giờ. (A shift in hours.)")] = 8,
    as_json: JsonOption = False,
) -> None:
    """Nhập PIN một lần cho cả ca; PIN chỉ nằm trong bộ nhớ. (One PIN for a shift, in memory only.)"""
    session: Session = context.obj
    request = {"role": role.value, "hours": hours, "pin": _typed(role)}
    result = session.call("sign_unlock", request, quiet=True)
    answer(
        result,
        as_json=as_json,
        show=lambda r: typer.echo(f"Đã mở khóa của {r['holder']} trong {r['hours']:g} giờ. (Unlocked.)"),
    )


def _typed(role: Role) -> str:
    """From the terminal without echo, else the first line of standard input; never from the command line."""
    if sys.stdin.isatty():
        import getpass

        pin = getpass.getpass(f"PIN ({role.value}): ")
    else:
        pin = sys.stdin.readline(LONGEST_PIN).rstrip("\r\n")
    if not pin:
        raise UsageError("no PIN was given", vi="Chưa nhập PIN")
    return pin


def export(
    context: typer.Context,
    folder: Annotated[Path, typer.Option(help="Thư mục nhận tệp. (Where to write.)")] = Path("cho-ky"),
    links: Annotated[
        bool, typer.Option("--links", help="Giao bằng đường dẫn dùng một lần. (One-time links, no folder.)")
    ] = False,
    minutes: Annotated[
        int | None,
        typer.Option(min=1, max=1440, help="Đường dẫn sống bao nhiêu phút. (How long a link lives.)"),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Giao các tệp chờ cán bộ ký ở máy có token, kèm index.json. (Files to be signed elsewhere.)"""
    session: Session = context.obj
    if minutes is not None and not links:
        raise UsageError("--minutes goes with --links", vi="--minutes chỉ dùng cùng --links")
    if links:
        made = session.call("sign_link", {"minutes": minutes}, quiet=as_json)
        answer(made, as_json=as_json, show=_show_links)
    result = session.call("sign_export", {"folder": absolute(folder)}, quiet=as_json)

    def show(found: dict[str, Any]) -> None:
        typer.echo(f"{len(found['documents'])} tệp chờ ký ở {found['folder']} (files to sign)")
        if found["documents"]:
            typer.echo("Ký từng tệp, lưu nguyên, rồi: sohoa sign import THƯ-MỤC")

    answer(result, as_json=as_json, show=show)


def _show_links(result: dict[str, Any]) -> None:
    typer.echo(f"{len(result['links'])} tệp chờ ký, mỗi đường dẫn dùng một lần (one-time links)")
    for one in result["links"]:
        typer.echo(f"{one['document']}  {one['title']}  đến {vietnam_minute(one['expires'])}")
        typer.echo(f"  {one['url']}")


def bring_back(
    context: typer.Context,
    paths: Annotated[list[Path], typer.Argument(help="Tệp hay thư mục đã ký. (Signed files or folders.)")],
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Trở về ngay. (Do not wait.)")] = False,
    as_json: JsonOption = False,
) -> None:
    """Nhận lại tệp đã ký; chỉ nhận đúng tệp đã giao, thêm đúng một chữ ký. (Signed files back.)"""
    session: Session = context.obj
    request = {"paths": [absolute(path) for path in paths], "wait": not no_wait}
    result = session.call("sign_import", request, quiet=as_json)
    answer(result, as_json=as_json, show=_show_import, code=import_code(result))


def import_code(result: dict[str, Any]) -> int:
    """0 all accepted; 1 some refused; 3 none accepted; 4 a service is down, or papers wait for one."""
    from pipeline.commands.intake import exit_code

    states = [one["state"] for one in result["files"]]
    if "waiting" in states:
        return 4
    if "accepted" not in states:
        return 3
    later = exit_code(result["batches"]) if result["batches"] else 0
    return 1 if "refused" in states and later == 0 else later


def _show_import(result: dict[str, Any]) -> None:
    signs = {"accepted": "nhận", "refused": "TỪ CHỐI (refused)", "waiting": "chờ (waits)"}
    for one in result["files"]:
        typer.echo(f"{signs[one['state']]}  {Path(one['path']).name}  {one['document'] or ''}")
        if one["reason"]:
            typer.echo(f"      {one['reason']}")


def resign(context: typer.Context, documents: Documents = None, as_json: JsonOption = False) -> None:
    """Ký lại bằng khóa chính thức những gì đã ký DEMO; bản cũ vẫn giữ. (Real keys instead of DEMO ones.)"""
    session: Session = context.obj
    result = session.call("resign", {"documents": documents or []}, quiet=as_json)
    answer(result, as_json=as_json, show=_show_each, code=each_code(result))


def renew(
    context: typer.Context,
    documents: Documents = None,
    due: Annotated[bool, typer.Option("--due", help="Chỉ xem lịch đến hạn. (Only the calendar.)")] = False,
    days: Annotated[
        int | None, typer.Option(min=1, help="Đến hạn trong bao nhiêu ngày. (Due within so many days.)")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Gia hạn bằng chứng trước khi dấu thời gian hết hạn. (Renew evidence before it ends.)"""
    session: Session = context.obj
    if due:
        result = session.call("renew_due", {"days": days}, quiet=as_json)
        answer(result, as_json=as_json, show=_show_due, code=1 if result["due"] or result["roots"] else 0)
    result = session.call("renew", {"documents": documents or [], "days": days}, quiet=as_json)
    answer(result, as_json=as_json, show=_show_each, code=each_code(result))


def each_code(result: dict[str, Any]) -> int:
    """0 all done; 4 when trying again helps; 1 when a person must look."""
    failed = [*result["failed"], *result.get("roots", {}).get("failed", ())]
    if any(one["retry"] for one in failed):
        return 4
    return 1 if failed else 0


def _show_each(result: dict[str, Any]) -> None:
    typer.echo(
        f"Xong {len(result['done'])}, không cần {result['passed']}, chưa được {len(result['failed'])}."
        " (Done, not needed, failed.)"
    )
    for one in result["failed"]:
        typer.echo(f"  {one['document']}: {one['reason']}")
    for one in result.get("roots", {}).get("done", ()):
        typer.echo(f"  ngày {one['first']} – {one['last']}: đã gia hạn bằng chứng {WAYS[one['way']]}")
    for one in result.get("roots", {}).get("failed", ()):
        typer.echo(f"  gốc ngày {one['first'] or ''} (daily roots): {one['reason']}")


def _show_due(result: dict[str, Any]) -> None:
    typer.echo(f"Đến hạn trong {result['days']} ngày: {len(result['due'])} giấy tờ (due)")
    for one in result["due"][:50]:
        typer.echo(f"  {one['document']}  bản {one['version']}  đến {vietnam_day(one['ends'])}")
    for one in result["roots"][:50]:
        until = vietnam_day(one["ends"]) if one["ends"] else "chưa có dấu thời gian (no time-stamp)"
        typer.echo(f"  gốc ngày {one['first']} – {one['last']} (daily roots): {until}")
    for one in result["calendar"]:
        typer.echo(f"  {one['month']}: {one['documents']} giấy tờ hết hạn bằng chứng (evidence ends)")
