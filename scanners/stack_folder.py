"""A stack under the scanner, on disk: each side is whole there before the next is pulled, so a stack can be resumed.

spool/scan/{id}/stack.json     what is being scanned, and how
                000004.jpg     a side; 000004.json beside it: its digest, taken when it was written
                complete       nothing more is to come; what is left is to hand it in
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline.errors import Tampered, UsageError
from pipeline.files import hash_file, held_alone, write_whole
from pipeline.model import Sha256
from scanners.device import Side, Wish

_STACK, _COMPLETE, _ALARM = "stack.json", "complete", ".alarm"
RETAKEN = "Mặt trước được quét lại cùng mặt sau (front taken again with its back)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a stack is: how it is scanned and what was said about it."""

    wish: Wish
    dossier: str | None = None
    procedure: str | None = None
    sheets: int | None = None

    @property
    def sides_wanted(self) -> int | None:
        """Sides that the declared sheets have."""
        return self.sheets * (2 if self.wish.duplex else 1) if self.sheets else None

    def same_stack(self, other: Job) -> bool:
        """Whether going on with the other's stack is what this command means."""
        mine, theirs = (job.wish.device for job in (self, other))
        return (mine, self.dossier, self.procedure) == (theirs, other.dossier, other.procedure)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A side in the stack; `set_aside` says why it will not be handed in, `alarm` why it should be scanned again."""

    path: Path
    sha256: Sha256
    set_aside: str | None = None
    alarm: str | None = None


class StackFolder:
    """One stack. Sides are numbered from 0 in the order in which they came."""

    def __init__(self, folder: Path, job: Job) -> None:
        self.folder = folder
        self.job = job

    @property
    def id(self) -> str:
        return self.folder.name

    @classmethod
    def begin(cls, place: Path, job: Job) -> StackFolder:
        """A new, empty stack."""
        name = f"scan-{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
        (place / name).mkdir(parents=True, mode=0o700)
        stack = cls(place / name, job)
        stack.say(job)
        return stack

    @classmethod
    def all(cls, place: Path) -> list[StackFolder]:
        """Stacks that are not handed in yet, oldest first."""
        found = []
        for path in sorted(place.glob(f"scan-*/{_STACK}")):
            told = json.loads(path.read_text("utf-8"))
            found.append(cls(path.parent, Job(**{**told, "wish": Wish(**told["wish"])})))
        return found

    def say(self, job: Job) -> None:
        """Write down what the stack is; a later word replaces an earlier one."""
        self.job = job
        self._write(_STACK, asdict(job))

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the stack, so that two commands never add to it at once. Raises UsageError when another holds it."""
        busy = UsageError(
            f"another command is scanning the stack {self.id}; wait for it",
            vi=f"Một lệnh khác đang quét chồng {self.id}; hãy chờ lệnh ấy xong",
        )
        with held_alone(os.open(self.folder / "lock", os.O_CREAT | os.O_RDWR, 0o600), busy):
            yield

    def sides(self) -> list[Kept]:
        """All sides in order, those set aside too. Raises Tampered for one whose bytes changed on the disk.

        A side whose digest was not written yet is whole all the same (it got its name after it was flushed).
        """
        found = []
        for path in sorted(self.folder.glob("[0-9]*")):
            if path.suffix not in (".jpg", ".png"):
                continue
            note, digest = path.with_suffix(".json"), hash_file(path)
            told = json.loads(note.read_text("utf-8")) if note.exists() else {}
            if told.get("sha256", digest) != digest:
                raise Tampered(f"{path} is not what was scanned", vi=f"Tệp {path} đã bị đổi sau khi quét")
            again = told.get("retaken_as")
            retaken = again is not None and (self.folder / again).exists()
            aside = RETAKEN if retaken else None
            found.append(Kept(path=path, sha256=digest, set_aside=aside, alarm=_alarm(path)))
        return found

    def wanted(self) -> list[Kept]:
        """The sides to hand in."""
        return [side for side in self.sides() if side.set_aside is None]

    def next_path(self) -> Path:
        """Where the next side goes."""
        last = max((int(path.stem) for path in self.folder.glob("[0-9]*")), default=-1)
        return self.folder / f"{last + 1:06d}.{'png' if self.job.wish.format == 'png' else 'jpg'}"

    def keep(self, side: Side) -> None:
        """Note a side that is whole on disk."""
        self._write(side.path.with_suffix(".json").name, {"sha256": side.sha256})

    def warn(self, path: Path, alarm: str) -> None:
        """Note that a side should be scanned again; in a file of its own, for the side is noted at the same time."""
        write_whole(path.with_suffix(_ALARM), alarm.encode(), "text/plain")

    def retake(self, side: Kept, path: Path) -> None:
        """A side will be taken again into `path`: from the moment that is whole, this one is set aside."""
        self._write(side.path.with_suffix(".json").name, {"sha256": side.sha256, "retaken_as": path.name})

    @property
    def complete(self) -> bool:
        return (self.folder / _COMPLETE).exists()

    def finish(self) -> None:
        """Nothing more is to come."""
        self._write(_COMPLETE, {})

    def hand_over(self) -> None:
        """The home holds every wanted side now; only what was set aside stays."""
        sides = self.sides()
        # First, so that a stack half removed is never taken for one to go on with.
        (self.folder / _STACK).rename(self.folder / "handed-in.json")
        if all(side.set_aside is None for side in sides):
            shutil.rmtree(self.folder)
            return
        for side in sides:
            if side.set_aside is None:
                side.path.unlink()
                side.path.with_suffix(".json").unlink(missing_ok=True)
                side.path.with_suffix(_ALARM).unlink(missing_ok=True)

    def _write(self, name: str, content: dict[str, Any]) -> None:
        text = json.dumps(content, ensure_ascii=False, indent=1)
        write_whole(self.folder / name, text.encode(), "application/json")


def _alarm(path: Path) -> str | None:
    note = path.with_suffix(_ALARM)
    return note.read_text("utf-8") if note.exists() else None
