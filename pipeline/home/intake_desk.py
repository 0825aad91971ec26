"""Taking in: from paths to durably queued batches, and watching them until they are settled."""

from __future__ import annotations

import dataclasses
import os
import shutil
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from config.settings import Settings
from pipeline.acquire import Bound, batch_id, batches, claim, is_companion, natural, portions, stacks
from pipeline.companions.matching import Matched
from pipeline.errors import SohoaError, UsageError
from pipeline.files import blob_of, chunks, write_whole
from pipeline.grammar.codes import checked_dossier_code, parse_procedure_code
from pipeline.home.companion_desk import CompanionDesk
from pipeline.home.counter_desk import CounterDesk
from pipeline.home.server import Progress
from pipeline.model import Intake, Lane, SourceFile
from pipeline.page_job import known as read_before
from pipeline.page_job import read_side, result_path
from pipeline.paths import HomePaths
from pipeline.raster.inspect import pages_of
from pipeline.wire import Parts
from storage.held_files import held_files

POLL_SECONDS, POLL_SHARE, LONGEST_POLL = 0.1, 0.02, 0.5
"""Between two looks at open batches: a share of the time that was waited already, within bounds."""
MEND_SECONDS, GRACE_SECONDS = 2.0, 0.5
MOST_ATTEMPTS = 10
FORGOTTEN = "Bị ngắt giữa chừng, sẽ tự thử lại (interrupted; tried again by itself)"
COUNTER, BACKFILE = 1, 10
BEFORE = "Đã tiếp nhận trước đây (the same files were taken in before)"
SYSTEM = "system"
SAFE = {"stored", "blank", "separator"}


class IntakeDesk:
    """Receives paths, returns what became of them in the contract's shape."""

    _taking: ClassVar[dict[Path, threading.Lock]] = defaultdict(threading.Lock)
    """By folder, shared by all desks of the process: a shelf that is taken in holds up no counter's folder."""

    def __init__(self, parts: Parts, paths: HomePaths, settings: Settings) -> None:
        self._parts = parts
        self._batches = parts.records.batches
        self._spool = paths.spool
        self._work = paths.work
        self._requests = parts.casework.requests
        self._counters = CounterDesk(
            parts.records.ledger, parts.records.requests, lambda: self._requests, paths, settings
        )
        self._companions = CompanionDesk(parts, settings)
        self._settings = settings

    def ingest(self, arguments: dict[str, Any], actor: str, progress: Progress) -> dict[str, Any]:
        """Take in every stack below the given paths; wait for them unless told not to."""
        bound = self._bound(arguments, actor)
        known: dict[str, str | None] = {}
        ignored: list[str] = []
        for text in arguments["paths"]:
            for found, files, passed in stacks(Path(text)):
                ignored += [str(p) for p in passed if not files or not is_companion(p)]
                if files:
                    progress({"stage": "take", "source": str(found), "files": len(files)})
                    known.update(self._take(found, files, bound))
        if not known:
            raise UsageError(
                "nothing to take in: no images or PDFs there", vi="Không có ảnh hay PDF nào để tiếp nhận"
            )
        return {"batches": self._settled(known, arguments, progress), "ignored": ignored}

    def take(self, arguments: dict[str, Any], actor: str, progress: Progress) -> dict[str, Any]:
        """Take in named files of one folder as one stack, without waiting; returns the batches' ids."""
        folder = Path(str(arguments["folder"]))
        named = sorted((Path(str(name)) for name in arguments["files"]), key=natural)
        files = tuple(path for path in named if not is_companion(path))
        if not files:
            return {"batches": [], "dossier": None}
        lane = Lane(self._settings.watch.priority) if self._settings.watch.priority else None
        bound = dataclasses.replace(self._bound(arguments, actor), lane=lane)
        if arguments.get("counter"):
            bound = self._counters.apply(str(arguments["counter"]), arguments["ages"], bound)
        with self._taking[
            folder
        ]:  # two watchers of a share without locks: what one takes, the other finds held
            return {"batches": list(self._take(folder, files, bound, once=True)), "dossier": bound.dossier}

    def take_listed(self, path: Path, bound: Bound) -> tuple[str, str | None]:
        """Take in one file that the list of an import describes; its batch, and a note when it was there before."""
        ((batch, note),) = self._take(path, (path,), bound, roles={}).items()
        return batch, note

    def stack(self, arguments: dict[str, Any], actor: str, progress: Progress) -> dict[str, Any]:
        """Take in a scanned stack and answer like `ingest`."""
        files = tuple(Path(str(name)) for name in arguments["files"])
        bound = dataclasses.replace(self._bound(arguments, actor), lane=Lane.COUNTER)
        if arguments.get("sides"):
            bound = dataclasses.replace(bound, sides=int(arguments["sides"]))
        roles = dict(zip(map(str, files), arguments.get("roles", ()), strict=False))
        known = self._take(Path(str(arguments["folder"])), files, bound, roles=roles)
        return {"batches": self._settled(known, arguments, progress)}

    def _settled(
        self, known: dict[str, str | None], arguments: dict[str, Any], progress: Progress
    ) -> list[dict[str, Any]]:
        """The views of batches that were taken in, with a note each; after waiting for them unless told not to."""
        if arguments.get("wait", True):
            self.watch(list(known), progress)
        return [
            self._with_note(self._batches.view(batch, with_text=True), note) for batch, note in known.items()
        ]

    def read_ahead(self, arguments: dict[str, Any], actor: str, progress: Progress) -> dict[str, Any]:
        """Begin to read a side that is scanned while its stack is still growing; the batch finds the result."""
        path = Path(str(arguments["file"]))
        if not path.resolve().is_relative_to(self._spool.resolve()):
            raise UsageError(f"{path} is not in the spool")
        file = SourceFile(source=str(path), blob=blob_of(path, "application/octet-stream"))
        limits, work = self._parts.limits, self._work
        (sides,) = self._parts.pool.look_into((file,), limits, priority=0)
        for page in pages_of(file, sides, batch="", first_index=0):
            if not page.reason and read_before(page, work) is None:
                key = str(result_path(page, work))
                self._parts.pool.submit_once(key, read_side, page, work, limits, priority=0)
        return {}

    def release(self, arguments: dict[str, Any], actor: str, progress: Progress) -> dict[str, Any]:
        """Which of a batch's files may leave the hot folder: all their sides are safe. Noted on the ledger first."""
        batch = str(arguments["batch"])
        view = self._batches.view(batch, with_text=False)
        safe: dict[str, str] = {}
        unsafe: set[str] = set()
        for page in view["pages"]:
            source = (
                str(page["source"]).rpartition("#")[0] if "#" in Path(page["source"]).name else page["source"]
            )
            if page["state"] in SAFE:
                safe[source] = page["source_sha256"]
            else:
                unsafe.add(source)
        files = {source: digest for source, digest in safe.items() if source not in unsafe}
        if files:
            self._note("release", actor, [batch, *files.values()])
        companions = (
            {} if unsafe else {c.source: c.blob.sha256 for c in self._batches.intake(batch).companions}
        )
        return {"files": files, "companions": companions, "batch": view}

    def retry(self, arguments: dict[str, Any], actor: str, progress: Progress) -> dict[str, Any]:
        """Do again what waits or failed: the given batches, or all that can be helped by trying."""
        wanted = list(arguments.get("batches") or self._batches.retriable())
        for batch in wanted:
            if self._batches.attempt(batch) is None:
                raise UsageError(f"no batch {batch}", vi=f"Không có lô {batch}")
        if wanted:
            self._note("retry", actor, wanted)
        for batch in wanted:
            self.again(batch)
        if arguments.get("wait", True):
            self.watch(wanted, progress)
        return {"batches": [self._batches.view(batch, with_text=False) for batch in wanted]}

    def again(self, batch: str) -> None:
        """Start the next attempt of a batch; finished documents stay as they are.

        One that another home took in is begun there, within `mend`'s time.
        """
        self._begin(batch, self._batches.next_attempt(batch))

    def _begin(self, batch: str, attempt: int) -> None:
        if self._batches.is_ours(batch):
            self._parts.engine.start(batch, attempt, priority=_priority(self._batches.intake(batch)))
        elif self._batches.state(batch) == "queued":
            host, _ = self._parts.homes.works_on(batch)
            reason = f"Máy {host} làm tiếp khi đang chạy (the host that took it in goes on)"
            self._batches.set_state(batch, "queued", reason=reason)

    def retry_waiting(self) -> None:
        """Start again what waits for a service."""
        for batch in self._batches.retriable():
            if self._batches.state(batch) == "paused":
                self._note("retry", SYSTEM, [batch])
                self.again(batch)

    def mend_forgotten(self) -> None:
        """Batches that nobody works on any more are begun again."""
        for batch, attempt in self._batches.running():
            self._mend(batch, attempt)

    def _mend(self, batch: str, attempt: int) -> None:
        """Raises Unavailable when not even that can be written down."""
        engine = self._parts.engine
        if not self._batches.is_ours(batch) or engine.lives(batch, attempt):
            return
        time.sleep(GRACE_SECONDS)  # one that just ended, or just began, is not forgotten
        if engine.lives(batch, attempt) or self._batches.attempt(batch) != attempt:
            return
        if not self._batches.is_open(batch):
            return
        reason = engine.failure(batch, attempt)
        if reason is not None:
            self._batches.set_state(
                batch, "failed", reason=f"Lỗi khi xử lý, hãy chạy `sohoa retry`: {reason}"
            )
        elif not engine.knows(batch, attempt):
            self._begin(batch, attempt)
        elif attempt < MOST_ATTEMPTS:
            self.again(batch)
        else:
            self._batches.set_state(batch, "paused", reason=FORGOTTEN)

    def watch(self, wanted: list[str], progress: Progress) -> None:
        """Report progress until no batch is under way. Raises Unavailable when the database cannot be written."""
        last: dict[str, Any] = {}
        began = looked = time.monotonic()
        while True:
            figures = self._batches.progress(wanted)
            if figures != last:
                progress({"stage": "work", **figures})
                last = figures
            open_batches = [batch for batch in wanted if self._batches.is_open(batch)]
            if not open_batches:
                return
            if time.monotonic() - looked > MEND_SECONDS:
                if not any(self._worked_on(batch) for batch in open_batches):
                    return
                for batch in open_batches:
                    self._mend(batch, self._batches.attempt(batch) or 1)
                looked = time.monotonic()
            # Who has waited long does not miss a moment more; a look takes milliseconds from the readers.
            time.sleep(min(LONGEST_POLL, max(POLL_SECONDS, POLL_SHARE * (time.monotonic() - began))))

    def _worked_on(self, batch: str) -> bool:
        """Whether its home runs; a batch of a host that is down is not waited for."""
        return self._batches.is_ours(batch) or self._parts.homes.works_on(batch)[1]

    def _bound(self, arguments: dict[str, Any], actor: str) -> Bound:
        dossier = arguments.get("dossier")
        if dossier is not None:
            dossier = checked_dossier_code(dossier)
        request = arguments.get("request")
        if request is not None and not arguments.get("begun"):
            asked = self._requests.usable(str(request), actor=actor, dossier=dossier)
            request, dossier = asked["id"], asked["dossier"]
        procedure = arguments.get("procedure")
        if procedure is not None:
            procedure = parse_procedure_code(str(procedure))
            if procedure is None:
                raise UsageError(
                    f"{arguments['procedure']} is no procedure code; one looks like 1.001193 or 1.000948.H38",
                    vi=f"{arguments['procedure']} không phải mã thủ tục; ví dụ đúng: 1.001193, 1.000948.H38",
                )
        sheets = arguments.get("sheets")
        return Bound(
            agency=self._settings.agency.code,
            actor=actor,
            dossier=dossier,
            procedure=procedure,
            sheets=int(sheets) if sheets else None,
            request=str(request) if request else None,
        )

    def _take(
        self,
        found: Path,
        files: tuple[Path, ...],
        bound: Bound,
        *,
        once: bool = False,
        roles: Mapping[str, str] | None = None,
    ) -> dict[str, str | None]:
        """Claim files and queue them; with `once`, a file that lies in a batch already is not put into another."""
        folder = self._spool / f"in-{uuid.uuid4().hex}"
        keep = self._settings.limits.free_disk_mb << 20
        try:
            claimed = tuple(claim(path, folder, n, keep_free=keep) for n, path in enumerate(files))
        except SohoaError:
            shutil.rmtree(folder, ignore_errors=True)  # copies; the originals are where they were
            raise
        claimed = tuple(dataclasses.replace(file, role=(roles or {}).get(file.source)) for file in claimed)
        if once:
            # A request whose sender died is answered late: what it names may be stored and gone by now.
            claimed = tuple(file for file in claimed if not (file.reason and _vanished(file)))
        urgent = bound.lane is Lane.COUNTER or (bound.lane is None and bound.dossier is not None)
        looked = self._parts.pool.look_into(claimed, self._parts.limits, priority=0 if urgent else BACKFILE)
        counts = {file.source: sides.count for file, sides in zip(claimed, looked, strict=True)}
        beside: tuple[SourceFile, ...] = ()
        matched = Matched()
        if roles is None:  # what lies beside the sides of a scanned stack are its own notes
            beside, matched = self._companions.beside(found, files, folder / "beside", keep_free=keep)
        bound = dataclasses.replace(bound, companions=beside)
        known: dict[str, str | None] = {}
        for said, portion in portions(claimed, lambda f: counts[f.source], bound, matched):
            if once:
                held = held_files(self._parts.records.database, str(found.absolute()), portion, said.dossier)
                known.update(dict.fromkeys(held.values(), "Đã tiếp nhận trước đây (taken in before)"))
                for file in portion:
                    if (file.source, file.blob.sha256) in held:
                        file.blob.path.unlink(missing_ok=True)
                portion = tuple(file for file in portion if (file.source, file.blob.sha256) not in held)
            for intake in batches(found, portion, lambda f: counts[f.source], said, datetime.now(UTC)):
                batch, note = self._queue(intake)
                known[batch] = note
        shutil.rmtree(folder / "beside", ignore_errors=True)  # each batch has its own copy
        if folder.exists() and not any(folder.iterdir()):
            folder.rmdir()
        return known

    def _queue(self, intake: Intake) -> tuple[str, str | None]:
        """Open the batch and start its first attempt; the same stack again leads to the record that is there."""
        earlier = self._batches.source_of(intake.id)
        if earlier is not None and earlier != intake.source:
            salted = batch_id(
                intake.files, Bound(agency=intake.agency, actor="", dossier=intake.dossier), intake.source
            )
            intake = dataclasses.replace(intake, id=salted)
            earlier = self._batches.source_of(intake.id)
        if earlier is not None:
            self._note("take_in", intake.actor, [intake.id], again=True)
            for file in intake.files:
                file.blob.path.unlink(missing_ok=True)
            if intake.id in self._batches.retriable():
                self.again(intake.id)
            else:
                self._begin(intake.id, self._batches.attempt(intake.id) or 1)
            return intake.id, BEFORE + self._other_count(intake)
        home = self._spool / intake.id
        home.mkdir(parents=True, exist_ok=True)
        moved = tuple(_moved(file, home) for file in intake.files)
        beside = tuple(_copied(file, home) for file in intake.companions)
        intake = dataclasses.replace(intake, files=moved, companions=beside)
        self._batches.open(intake)
        self._begin(intake.id, 1)
        return intake.id, None

    def _other_count(self, intake: Intake) -> str:
        """What to do about a count of sheets that is told for a batch taken in before with another, or with none."""
        told = self._batches.intake(intake.id).sheets
        if intake.sheets is None or intake.sheets == told:
            return ""
        if told is None:
            return "; lúc ấy không khai số tờ nên số này không được đối chiếu (no count was declared then)"
        return f"; số tờ vẫn là {told}, ghi lại: `sohoa review {intake.id} --sheets {intake.sheets}` (not changed)"

    def _note(self, act: str, actor: str, objects: list[str], **details: Any) -> None:
        self._parts.records.ledger.note(
            act=act, actor=actor, agency=self._settings.agency.code, objects=objects, details=details
        )

    @staticmethod
    def _with_note(view: dict[str, Any], note: str | None) -> dict[str, Any]:
        view["reason"] = "; ".join(filter(None, (view.get("reason"), note))) or None
        return view


def _vanished(file: SourceFile) -> bool:
    """Whether a file of a watched folder is not there any more; its empty stand-in goes too."""
    if os.path.lexists(file.source):
        return False
    file.blob.path.unlink(missing_ok=True)
    return True


def _priority(intake: Intake) -> int:
    return COUNTER if intake.urgent else BACKFILE


def _copied(file: SourceFile, folder: Path) -> SourceFile:
    with file.blob.path.open("rb") as stream:
        target = folder / f"beside-{file.blob.path.name}"
        return dataclasses.replace(file, blob=write_whole(target, chunks(stream), file.blob.media_type))


def _moved(file: SourceFile, folder: Path) -> SourceFile:
    target = folder / file.blob.path.name
    shutil.move(file.blob.path, target)
    return dataclasses.replace(file, blob=dataclasses.replace(file.blob, path=target))
