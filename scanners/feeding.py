"""Pulling a stack: side after side, each kept before the next; what stops it is told, what came before stays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from scanners.device import Device, Ready
from scanners.stack_folder import Job, StackFolder
from scanners.trouble import DeviceError, Trouble


@dataclass(frozen=True, slots=True)
class Watcher:
    """Who looks on. `on_side` hears of each side kept; `another` is asked before each sheet that a person lays down.

    `need_room` raises DiskFull before a sheet is pulled that could not be kept. `turned` is asked when all fronts are
    there: whether the stack lies in the feeder again, backs up.
    """

    on_side: Callable[[int, Path], None]
    another: Callable[[int], bool]
    stopped: Callable[[], bool] = lambda: False
    need_room: Callable[[], None] = lambda: None
    turned: Callable[[int], bool] = lambda fronts: False


def pull(device: Device, stack: StackFolder, watcher: Watcher) -> DeviceError | None:
    """Scan until the feeder is empty or the person says so; None when the stack is complete.

    After trouble in the middle of a sheet the sheet is put back and both its sides come again, so a front whose
    back never came is set aside once its retake is there. A one-sided feeder is emptied twice, fronts and then backs;
    when their numbers differ both halves stay and a person decides.
    """
    trouble = _pass(device, stack, watcher)
    job = stack.job
    if trouble is None and job.by_hand and job.fronts is None:
        fronts = len(stack.wanted())
        stack.say(replace(job, fronts=fronts))
        if not watcher.turned(fronts):
            return DeviceError(Trouble.TURN, f"{fronts} fronts")
        return _pass(device, stack, watcher)
    return trouble


def _pass(device: Device, stack: StackFolder, watcher: Watcher) -> DeviceError | None:
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
    count = len(stack.wanted())
    if job.fronts is not None and count != 2 * job.fronts:
        return DeviceError(Trouble.HALVES, f"{job.fronts} fronts, {count - job.fronts} backs")
    if job.sheets is not None and job.fronts is None and job.sheets_in(count) < job.sheets:
        return DeviceError(Trouble.COUNT, f"{job.sheets_in(count)} sheets of {job.sheets}")
    if (count - job.part.start) % job.part.pictures:
        return DeviceError(Trouble.CUT, "a sheet without its other side")
    return None


def _pull(device: Device, stack: StackFolder, ready: Ready, watcher: Watcher) -> DeviceError | None:
    job, wanted = stack.job, stack.wanted()
    lonely = wanted[-1] if job.part.sides == 2 and (len(wanted) - job.part.start) % 2 else None
    before = count = len(wanted) - (1 if lonely else 0)
    while True:
        if watcher.stopped():
            return DeviceError(Trouble.STOPPED)
        if not ready.feeds and (_enough(job, count) or not watcher.another(count)):
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


def _enough(job: Job, count: int) -> bool:
    """Whether nobody needs to be asked for another sheet."""
    if job.fronts is not None:
        return count >= 2 * job.fronts
    return job.sheets is not None and job.sheets_in(count) >= job.sheets
