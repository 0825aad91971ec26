"""Which device and which stack a `sohoa scan` means: options, profiles of the settings, and stacks left open."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from config.sections_intake import Scanner
from config.settings import load
from pipeline.errors import NeedsPerson, UsageError
from pipeline.grammar.codes import checked_dossier_code
from scanners.device import PAPERS, Wish
from scanners.isolated import IsolatedDevice
from scanners.stack_folder import Job, Part, StackFolder
from scanners.trouble import DeviceError, Trouble


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The options of the command; None where nothing was said."""

    device: str | None = None
    dossier: str | None = None
    procedure: str | None = None
    request: str | None = None
    sheets: int | None = None
    source: str | None = None
    duplex: bool | None = None
    resolution: int | None = None
    mode: str | None = None
    paper: str | None = None
    format: str | None = None
    options: Sequence[str] = ()
    manual_duplex: bool | None = None
    halves: bool = False
    backs_again: bool = False


def choose_stack(
    asked: Asked, home: Path, place: Path, *, resume: bool, finish: bool
) -> tuple[StackFolder, float]:
    """The stack to go on with or a new one, and how long a side may take.

    A stack left open is never forgotten: another stack on the same device has to wait until it is ended.
    """
    profiles = load(home).scanner
    waiting = [stack for stack in StackFolder.all(place) if _fits(stack, asked, profiles)]
    if resume or finish:
        if not waiting:
            raise UsageError("no stack is open", vi="Không có chồng nào đang dở; quét chồng mới: sohoa scan")
        if len(waiting) != 1:
            raise UsageError(
                f"{len(waiting)} stacks are open; name the one by --device or --dossier",
                vi=f"Có {len(waiting)} chồng đang dở; hãy chỉ rõ bằng --device hoặc --dossier",
            )
        (stack,) = waiting
        _go_on(stack, asked, finish=finish)
        return stack, _seconds(stack.job.wish.device, profiles)
    wish, seconds = wish_of(asked, profiles, seen)
    by_hand = _by_hand(asked, profiles, wish)
    parts = (Part(start=0, sides=1, halves=True),) if asked.halves else ()
    job = Job(
        wish=wish,
        dossier=_code(asked.dossier),
        procedure=asked.procedure,
        request=asked.request,
        sheets=asked.sheets,
        by_hand=by_hand,
        parts=parts,
    )  # a wrong code is told before any paper moves
    for stack in StackFolder.all(place):
        if stack.job.same_stack(job):
            _go_on(stack, asked, finish=False)
            return stack, seconds
        if stack.job.wish.device == wish.device:
            raise NeedsPerson(
                f"the stack {stack.id} of this scanner is still open: `sohoa scan --resume` or `--finish` first",
                vi=f"Máy quét này còn chồng đang dở ({len(stack.wanted())} mặt, "
                f"hồ sơ {stack.job.dossier or 'chưa rõ'}); "
                "hãy quét tiếp bằng `sohoa scan --resume` hoặc chốt bằng `sohoa scan --finish`",
            )
    return StackFolder.begin(place, job), seconds


def wish_of(
    asked: Asked, profiles: Mapping[str, Scanner], devices: Callable[[], Sequence[str]]
) -> tuple[Wish, float]:
    """How to scan: the command's word, else the profile's, else the default."""
    profile = profiles.get(asked.device or "")
    if asked.device is None and len(profiles) == 1:
        (profile,) = profiles.values()
    name = profile.device if profile else asked.device or _only(devices())
    base = profile or Scanner(device=name)
    paper = asked.paper or base.paper
    if paper not in (*PAPERS, "max"):
        raise UsageError(
            f"unknown paper {paper}; known are {', '.join(PAPERS)}, max", vi=f"Không có khổ giấy {paper}"
        )
    picture = asked.format or base.format
    if picture not in ("jpeg", "png"):
        raise UsageError(f"unknown format {picture}; jpeg or png", vi=f"Không có định dạng {picture}")
    wish = Wish(
        device=name,
        source=asked.source or base.source,
        duplex=base.duplex if asked.duplex is None else asked.duplex,
        resolution=asked.resolution or base.resolution,
        mode=asked.mode or base.mode,
        paper=paper,
        format=picture,
        options={**base.options, **pairs(asked.options)},
    )
    return wish, base.page_seconds


def pairs(options: Sequence[str]) -> dict[str, str]:
    """`NAME=VALUE` words as a dictionary."""
    found = {}
    for text in options:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise UsageError(
                f"--option {text} is not NAME=VALUE", vi=f"--option {text} phải có dạng TÊN=GIÁ-TRỊ"
            )
        found[name] = value
    return found


def seen() -> list[str]:
    """Names of the scanners that SANE sees now."""
    scanner = IsolatedDevice(seconds=60.0)
    try:
        return [item.name for item in scanner.list()]
    except DeviceError as error:
        raise NeedsPerson(str(error), vi=error.vi) from error
    finally:
        scanner.close()


def _only(devices: Sequence[str]) -> str:
    if not devices:
        error = DeviceError(Trouble.GONE)
        raise NeedsPerson(str(error), vi=error.vi)
    if len(devices) > 1:
        raise UsageError(
            f"several scanners are there, name one by --device: {', '.join(devices)}",
            vi=f"Có nhiều máy quét, hãy chọn bằng --device: {', '.join(devices)}",
        )
    return devices[0]


def _fits(stack: StackFolder, asked: Asked, profiles: Mapping[str, Scanner]) -> bool:
    profile = profiles.get(asked.device or "")
    named = profile.device if profile else asked.device
    device = named in (None, stack.job.wish.device)
    return device and asked.dossier in (None, stack.job.dossier)


def _with(job: Job, asked: Asked) -> Job:
    """The open stack's job with what this command says anew: the sheet count, and options of the driver."""
    options = {**job.wish.options, **pairs(asked.options)}
    return dataclasses.replace(
        job, sheets=asked.sheets or job.sheets, wish=dataclasses.replace(job.wish, options=options)
    )


def _go_on(stack: StackFolder, asked: Asked, *, finish: bool) -> None:
    """The open stack with what this command says anew; another way of scanning begins another part."""
    stack.say(_with(stack.job, asked))
    if asked.backs_again:
        if stack.job.fronts is None:
            raise UsageError("this stack has no backs yet", vi="Chồng này chưa có mặt sau nào")
        stack.backs_again()
    now = stack.job.wish
    said = {
        name: value
        for name in ("source", "paper", "duplex", "resolution", "mode")
        if (value := getattr(asked, name)) is not None and value != getattr(now, name)
    }
    if finish or not (said or asked.halves != stack.job.part.halves):
        return
    if stack.job.by_hand:
        raise UsageError(
            "a stack turned by hand is scanned in one way",
            vi="Chồng quét lật tay không trộn được cách quét khác",
        )
    if said.get("source") == "flatbed":
        said.setdefault("duplex", False)
    stack.begin_part(dataclasses.replace(now, **said), halves=asked.halves)


def _by_hand(asked: Asked, profiles: Mapping[str, Scanner], wish: Wish) -> bool:
    """Whether the stack is turned by hand. Raises UsageError for a device that takes both sides by itself."""
    profile = next((one for one in profiles.values() if one.device == wish.device), None)
    wanted = asked.manual_duplex or (profile is not None and profile.manual_duplex and not asked.duplex)
    if wanted and (wish.duplex or asked.halves):
        raise UsageError(
            "--manual-duplex excludes --duplex and --halves",
            vi="--manual-duplex không dùng cùng --duplex hay --halves",
        )
    return bool(wanted and wish.source != "flatbed")


def _seconds(device: str, profiles: Mapping[str, Scanner]) -> float:
    fitting = [profile for profile in profiles.values() if profile.device == device]
    return (fitting[0] if fitting else Scanner(device=device)).page_seconds


def _code(text: str | None) -> str | None:
    return None if text is None else checked_dossier_code(text)
