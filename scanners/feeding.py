"""Pulling a stack: side after side, each kept before the next; what stops it is told, what came before stays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from scanners.device import Device, Ready
from scanners.stack_folder import StackFolder
from scanners.trouble import DeviceError, Trouble


@dataclass(frozen=True, slots=True)
class Watcher:
    """Who looks on. `on_side` hears of each side kept; `another` is asked before each sheet that a person lays down.

    `need_room` raises DiskFull before a sheet is pulled that could not be kept.
    """

    on_side: Callable[[int, Path], None]
    another: Callable[[int], bool]
    stopped: Callable[[], bool] = lambda: False
    need_room: Callable[[], None] = lambda: None


def pull(device: Device, stack: StackFolder, watcher: Watcher) -> DeviceError | None:
    """Scan until the feeder is empty or the person says so; None when the stack is complete.

    After trouble in the middle of a sheet the sheet is put back and both its sides come again, so a front whose
    back never came is set aside once its retake is there.
    """
    job = stack.job
    try:
        ready = device.open(job.wish)
        trouble = _pull(device, stack, ready, watcher)
    except DeviceError as error:
        return error
    finally:
        device.close()
    if trouble is not None:
        return trouble
    count, wanted = len(stack.wanted()), job.sides_wanted
    if wanted is not None and count < wanted:
        return DeviceError(Trouble.COUNT, f"{count} sides of {wanted}")
    if job.wish.duplex and count % 2:
        return DeviceError(Trouble.CUT, "a front without its back")
    return None


def _pull(device: Device, stack: StackFolder, ready: Ready, watcher: Watcher) -> DeviceError | None:
    job, wanted = stack.job, stack.wanted()
    lonely = wanted[-1] if job.wish.duplex and len(wanted) % 2 else None
    before = count = len(wanted) - (1 if lonely else 0)
    while True:
        if watcher.stopped():
            return DeviceError(Trouble.STOPPED)
        if not ready.feeds and (_enough(count, job.sides_wanted) or not watcher.another(count)):
            return None
        watcher.need_room()
        path = stack.next_path()
        if lonely is not None:
            stack.retake(lonely, path)
            lonely = None
        side = device.next_page(path, job.wish.format)
        if side is None:
            return DeviceError(Trouble.EMPTY) if count == before else None
        stack.keep(side)
        count += 1
        watcher.on_side(count, side.path)


def _enough(count: int, wanted: int | None) -> bool:
    return wanted is not None and count >= wanted
