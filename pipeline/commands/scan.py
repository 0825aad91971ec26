"""`sohoa scan`, `devices`: one stack from a scanner. Every side is safe in the spool before the next is pulled."""

from __future__ import annotations

import dataclasses
import signal
import sys
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.commands.requests import RequestOption, code_for, taken_up
from pipeline.commands.session import JsonOption, Session, answer
from pipeline.errors import NeedsPerson, SohoaError, Unavailable, UsageError

if TYPE_CHECKING:
    from scanners.device import DeviceInfo, DeviceOption
    from scanners.stack_folder import StackFolder
    from scanners.trouble import DeviceError


def register(app: typer.Typer) -> None:
    app.command()(scan)
    app.command()(devices)


def scan(
    context: typer.Context,
    device: Annotated[
        str | None, typer.Option(help="Máy quét, hoặc tên trong \\[scanner.TÊN]. (SANE name or profile.)")
    ] = None,
    dossier: Annotated[str | None, typer.Option(help="Mã hồ sơ của cả chồng. (Dossier code.)")] = None,
    procedure: Annotated[str | None, typer.Option(help="Mã thủ tục. (Procedure code.)")] = None,
    request: RequestOption = None,
    sheets: Annotated[int | None, typer.Option(min=1, help="Số tờ đã đếm. (Sheets counted.)")] = None,
    source: Annotated[
        str | None, typer.Option(help="auto, adf, flatbed hoặc tên của máy. (Where paper lies.)")
    ] = None,
    duplex: Annotated[bool, typer.Option("--duplex", help="Quét hai mặt. (Both sides.)")] = False,
    manual_duplex: Annotated[
        bool, typer.Option("--manual-duplex", help="Khay một mặt: hết mặt trước, lật chồng. (Turn by hand.)")
    ] = False,
    halves: Annotated[
        bool, typer.Option("--halves", help="Cứ hai ảnh là hai nửa một tờ A3. (Halves of A3 sheets.)")
    ] = False,
    more: Annotated[
        bool, typer.Option("--more", help="Chồng còn phần khác, chưa chốt. (Another part follows.)")
    ] = False,
    resolution: Annotated[int | None, typer.Option(min=50, help="Điểm ảnh mỗi inch. (dpi.)")] = None,
    mode: Annotated[str | None, typer.Option(help="Color, Gray, Lineart.")] = None,
    paper: Annotated[str | None, typer.Option(help="A3, A4, A5, A6, ID, max. (Paper size.)")] = None,
    image_format: Annotated[str | None, typer.Option("--format", help="jpeg, png.")] = None,
    options: Annotated[
        list[str] | None, typer.Option("--option", help="TÊN=GIÁ-TRỊ của riêng máy. (Driver option.)")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Quét tiếp chồng đang dở. (Go on with the open stack.)")
    ] = False,
    backs_again: Annotated[
        bool, typer.Option("--backs-again", help="Quét lại các mặt sau từ đầu. (Take the backs again.)")
    ] = False,
    finish: Annotated[
        bool, typer.Option("--finish", help="Chốt chồng đang dở như đang có. (End the open stack as it is.)")
    ] = False,
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="Trở về khi đã xếp hàng an toàn. (Only queue.)")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Quét một chồng giấy từ máy quét (SANE). (One stack from a scanner.)"""
    from pipeline.commands.scan_choice import Asked, choose_stack

    session: Session = context.obj
    if request:  # told before any paper moves
        found = taken_up(session, request, dossier)
        request, dossier, procedure = found["id"], found["dossier"], procedure or found["procedure"]
    asked = Asked(
        device=device, dossier=dossier, procedure=procedure, request=request, sheets=sheets, source=source,
        duplex=duplex or None, resolution=resolution, mode=mode, paper=paper, format=image_format,
        options=tuple(options or ()), manual_duplex=manual_duplex or None, halves=halves, backs_again=backs_again,
    )  # fmt: skip
    session.paths.make()
    place = session.paths.spool / "scan"
    stack, seconds = choose_stack(asked, session.paths.root, place, resume=resume, finish=finish)
    with stack.held():
        if finish and stack.wanted():
            stack.finish()
        if not stack.complete:
            _pull(session, stack, seconds, quiet=as_json, more=more)
        _hand_in(session, stack, wait=not no_wait, as_json=as_json)


def _pull(session: Session, stack: StackFolder, seconds: float, *, quiet: bool, more: bool) -> None:
    """Scan what is left of the stack; trouble ends the command with what to do, all sides kept.

    With `more` the end of this part is not the end of the stack, so sheets may still be missing.
    """
    from config.settings import load
    from pipeline.commands.scan_console import Console
    from pipeline.files import need_room
    from scanners.feeding import Watcher, pull
    from scanners.isolated import IsolatedDevice
    from scanners.trouble import DeviceError, Trouble

    console = Console(session, quiet=quiet)
    keep_free = load(session.paths.root).limits.free_disk_mb << 20
    before = {number: signal.signal(number, console.stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        console.begin(stack)
        watcher = Watcher(
            on_side=console.on_side,
            another=console.another,
            stopped=console.stopped,
            need_room=lambda: need_room(stack.folder, keep_free),
            turned=console.turned,
        )
        trouble = pull(IsolatedDevice(seconds=seconds), stack, watcher)
    except SohoaError as error:  # a full disk
        _stop(stack, f"{error.vi}", str(error), error.exit_code, as_json=quiet)
    finally:
        console.end()
        for number, handler in before.items():
            signal.signal(number, handler)
    if isinstance(trouble, DeviceError):
        if not stack.sides():
            stack.hand_over()  # nothing came: there is no stack to go on with
        if not (more and trouble.trouble is Trouble.COUNT):
            _stop(stack, trouble.vi, str(trouble), trouble.trouble.exit_code, as_json=quiet)
    if more:
        _stop(
            stack, "Chồng còn mở cho phần tiếp theo", "the stack is open for its next part", 1, as_json=quiet
        )
    stack.finish()


def _stop(stack: StackFolder, vi: str, english: str, code: int, *, as_json: bool) -> None:
    """Say what to do and where the stack stands, then end."""
    from pipeline.commands.scan_view import open_stack

    kept = len(stack.wanted()) if stack.folder.exists() else 0
    onward = f" Đã giữ {kept} mặt; quét tiếp bằng `sohoa scan --resume`." if kept else ""
    more = f"; {kept} sides are kept, go on with `sohoa scan --resume`" if kept else ""
    sys.stderr.write(f"sohoa: {vi}.{onward}\n       {english}{more}\n")
    state = "review" if code == 1 else "paused"
    views = [open_stack(stack, reason=f"{vi}.{onward} ({english})", state=state)] if kept else []
    answer({"batches": views}, as_json=as_json, show=lambda _: None, code=code)


def _hand_in(session: Session, stack: StackFolder, *, wait: bool, as_json: bool) -> None:
    """The stack becomes one batch; its sides leave the scanner's spool when the home holds them durably."""
    from pipeline.commands.intake import exit_code
    from pipeline.commands.tables import show_batches

    job, sides = stack.job, stack.in_order()
    started = _last_sheet(stack)
    result = session.call(
        "stack",
        {
            "folder": str(stack.folder),
            "files": [str(side.path) for side, _ in sides],
            "roles": [role for _, role in sides],
            "sides": stack.sides_due(),
            "dossier": job.dossier,
            "procedure": job.procedure,
            "request": job.request,
            "begun": True,
            "sheets": job.sheets,
            "wait": wait,
        },
        quiet=as_json,
    )
    stack.hand_over()
    if wait and started is not None:
        result["seconds_from_last_sheet"] = seconds = round(time.time() - started, 1)
        line = (
            f"Từ tờ cuối đến khi hồ sơ đã an toàn: {seconds:.1f} giây (from the last sheet until all is safe)"
        )
        typer.echo(line, err=True)
    code = code_for(session, job.request, exit_code(result["batches"])) if wait else 0
    answer(result, as_json=as_json, show=lambda found: show_batches(found["batches"]), code=code)


def _last_sheet(stack: StackFolder) -> float | None:
    """When the side that came last was whole on disk, in seconds of the epoch; None for a stack without sides."""
    return max((side.path.stat().st_mtime for side in stack.wanted()), default=None)


def devices(
    context: typer.Context,
    device: Annotated[
        str | None, typer.Argument(help="Xem lựa chọn của máy này. (Show its options.)")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Liệt kê máy quét, hoặc các lựa chọn của một máy. (Scanners, or one scanner's options.)"""
    from config.settings import load
    from scanners.isolated import IsolatedDevice
    from scanners.trouble import DeviceError

    session: Session = context.obj
    profiles = load(session.paths.root).scanner
    scanner = IsolatedDevice(seconds=60.0)
    try:
        if device is None:
            found = scanner.list()
            names = {name: profile.device for name, profile in profiles.items()}
            result: dict[str, Any] = {
                "devices": [dataclasses.asdict(item) for item in found],
                "profiles": [{"name": name, "device": target} for name, target in names.items()],
            }
            answer(result, as_json=as_json, show=lambda _: _show_devices(found, names))
        from pipeline.commands.scan_choice import Asked, wish_of

        wish, _ = wish_of(Asked(device=device), profiles, lambda: ())
        scanner.open(
            dataclasses.replace(wish, options={}, source="auto", duplex=False, resolution=1, mode="")
        )
        offered = scanner.options()
        result = {"device": wish.device, "options": [dataclasses.asdict(item) for item in offered]}
        answer(result, as_json=as_json, show=lambda _: _show_options(offered))
    except DeviceError as error:
        raise as_sohoa_error(error) from error
    finally:
        scanner.close()


def as_sohoa_error(error: DeviceError) -> SohoaError:
    """The same sentence with the exit code of its kind."""
    kinds: dict[int, type[SohoaError]] = {1: NeedsPerson, 2: UsageError}
    return kinds.get(error.trouble.exit_code, Unavailable)(str(error), vi=error.vi)


def _show_devices(found: tuple[DeviceInfo, ...], profiles: dict[str, str]) -> None:
    for item in found:
        names = ", ".join(name for name, device in profiles.items() if device == item.name)
        typer.echo(f"{item.name}\t{item.vendor} {item.model}\t{names}")
    if not found:
        typer.echo("Không thấy máy quét nào; kiểm tra dây, nguồn điện, mạng. (No scanner is seen.)")


def _show_options(offered: tuple[DeviceOption, ...]) -> None:
    for item in offered:
        span = (
            f"{item.between[0]:g}..{item.between[1]:g}"
            if item.between
            else " | ".join(map(str, item.choices))
        )
        typer.echo(f"{item.name} = {item.value}\t{span} {item.unit}\t{item.title}")
