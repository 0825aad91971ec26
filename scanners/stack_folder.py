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
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline.errors import Tampered, UsageError
from pipeline.files import hash_file, held_alone, write_whole
from pipeline.model import Sha256
from scanners.device import Side, Wish

_STACK, _COMPLETE, _ALARM = "stack.json", "complete", ".alarm"
RETAKEN = "Mặt trước được quét lại cùng mặt sau (front taken again with its back)"


BACKS_AGAIN = "Mặt sau được quét lại từ đầu (backs taken again)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A run of sides scanned in one way, from side `start` of the stack on; `sides` is how many a sheet gives.

    `halves`: two pictures are the halves of one large sheet.
    """

    start: int
    sides: int = 1
    halves: bool = False

    @property
    def pictures(self) -> int:
        """How many pictures a sheet gives."""
        return 2 if self.halves else self.sides

    def role(self, number: int) -> str:
        """What side `number` of the part is."""
        if self.halves:
            return f"a3_part_{number % 2 + 1}"
        return ("front", "back")[number % self.sides]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a stack is: how it is scanned and what was said about it.

    `by_hand`: a one-sided feeder takes the fronts, then the turned stack's backs in reverse; `fronts` is how many
    fronts came, once they are all there. `parts` are the runs scanned in other ways than the one before.
    """

    wish: Wish
    dossier: str | None = None
    procedure: str | None = None
    request: str | None = None
    sheets: int | None = None
    by_hand: bool = False
    fronts: int | None = None
    parts: tuple[Part, ...] = ()

    @property
    def part(self) -> Part:
        """The run under way."""
        return self.parts[-1] if self.parts else Part(start=0, sides=2 if self.wish.duplex else 1)

    @property
    def sides_wanted(self) -> int | None:
        """Sides that the declared sheets have; None too where parts give different numbers."""
        if len(self.parts) > 1 or not self.sheets:
            return None
        return self.sheets * (2 if self.by_hand else self.part.pictures)

    def sheets_in(self, sides: int) -> int:
        """Whole sheets that so many sides are; one whose back or other half never came is none."""
        if self.by_hand:
            return sides if self.fronts is None else self.fronts
        runs = self.parts or (self.part,)
        ends = [*(run.start for run in runs[1:]), sides]
        return sum(max(0, end - run.start) // run.pictures for run, end in zip(runs, ends, strict=True))

    def same_stack(self, other: Job) -> bool:
        """Whether going on with the other's stack is what this command means."""
        mine, theirs = (job.wish.device for job in (self, other))
        said = [(job.dossier, job.procedure, job.request) for job in (self, other)]
        return mine == theirs and said[0] == said[1]


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
            parts = tuple(Part(**part) for part in told.get("parts", ()))
            found.append(cls(path.parent, Job(**{**told, "wish": Wish(**told["wish"]), "parts": parts})))
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
            aside = RETAKEN if retaken else told.get("set_aside")
            found.append(Kept(path=path, sha256=digest, set_aside=aside, alarm=_alarm(path)))
        return found

    def wanted(self) -> list[Kept]:
        """The sides to hand in."""
        return [side for side in self.sides() if side.set_aside is None]

    def in_order(self) -> list[tuple[Kept, str]]:
        """The sides to hand in, in the order of the paper, each with its role.

        Fronts and backs that were taken one after the other lie interleaved; when their numbers differ nothing is
        guessed: the fronts come first, then the backs as they were taken.
        """
        sides, job = self.wanted(), self.job
        if job.by_hand:
            fronts, backs = sides[: job.fronts], sides[job.fronts :] if job.fronts is not None else []
            if len(fronts) == len(backs):
                pairs = zip(fronts, reversed(backs), strict=True)
                return [item for front, back in pairs for item in ((front, "front"), (back, "back"))]
            return [*((side, "front") for side in fronts), *((side, "back") for side in backs)]
        found = []
        runs = job.parts or (job.part,)
        for index, side in enumerate(sides):
            run = next(run for run in reversed(runs) if run.start <= index)
            found.append((side, run.role(index - run.start)))
        return found

    def sides_due(self) -> int | None:
        """How many sides the stack must have to be whole, by what was declared; never its number when it is not."""
        count, job = len(self.wanted()), self.job
        if job.by_hand and job.fronts is not None:
            return 2 * (job.sheets or job.fronts)
        if job.sheets is None:
            return None
        return job.sides_wanted or count + job.sheets - job.sheets_in(count)

    def begin_part(self, wish: Wish, *, halves: bool) -> None:
        """Go on in another way: another source, paper or side."""
        runs = self.job.parts or (self.job.part,)
        run = Part(start=len(self.wanted()), sides=2 if wish.duplex else 1, halves=halves)
        kept = [one for one in runs if one.start < run.start]
        self.say(replace(self.job, wish=wish, parts=(*kept, run)))

    def backs_again(self) -> None:
        """The backs are taken again from the first: those that came stay, set aside."""
        for side in self.wanted()[self.job.fronts or 0 :] if self.job.fronts is not None else []:
            note = {"sha256": side.sha256, "set_aside": BACKS_AGAIN}
            self._write(side.path.with_suffix(".json").name, note)

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
