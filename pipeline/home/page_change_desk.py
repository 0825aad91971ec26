"""`sohoa repage`: a stored paper gets other pages, which is a new version with new signatures."""

from __future__ import annotations

import logging
import shutil
import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from config.settings import Settings
from pipeline.errors import AwaitsSignature, SohoaError, Unavailable, UsageError
from pipeline.files import blob_of
from pipeline.grammar.entries import checked_reason
from pipeline.home.correction_desk import CorrectionDesk
from pipeline.home.new_sides import NewSides
from pipeline.home.page_wish import ACTS, PageWish, wish_of
from pipeline.home.paper_anew import Anew, PaperAnew
from pipeline.home.server import Progress
from pipeline.model import (
    Document,
    Level,
    Origin,
    ReadPage,
    Sha256,
    SignatureRole,
    SignedDocument,
    SourceFile,
)
from pipeline.paths import HomePaths
from pipeline.sidecar import Amended, Sidecar, document_of
from pipeline.wire import Parts
from storage import layout, ledger
from storage.amendments import Current, Overtaken
from storage.batches import Claim
from storage.page_change_rows import Laid, PageChange
from storage.turns import Turns

logger = logging.getLogger("sohoa.pages")
CANCELLED = "Thôi đổi trang (the change was taken back)"
_CHANGING = threading.Lock()
"""A person's call and the clock do not carry the same change through twice."""


class PageChangeDesk:
    """Checks what is asked, makes the new file, has it signed and stored; each step may be repeated after a crash."""

    def __init__(self, parts: Parts, paths: HomePaths, settings: Settings) -> None:
        self._parts = parts
        self._changes = parts.page_changes
        self._agency = settings.agency.code
        self._sensitive = set(settings.review.second_person_types)
        self._lock = settings.provisional_lock
        self._work = paths.work / "repage"
        self._corrections = CorrectionDesk(parts, agency=self._agency)
        self._turns = Turns(parts.records.database, agency=self._agency)
        self._sides = NewSides(parts, paths, settings)
        self._anew = PaperAnew(parts, self._sides)

    def repage(self, arguments: dict[str, Any], actor: str, progress: Progress) -> dict[str, Any]:
        """One act on the pages of a stored paper; with `dry_run` only what it would be."""
        item = str(arguments["item"])
        if arguments.get("cancel"):
            return self.cancel(item, str(arguments.get("reason") or ""), actor)
        found = self._corrections.current(item, arguments.get("version"))
        self._may_change(found)
        wish = wish_of(arguments, len(found.sidecar.pages))
        if arguments.get("dry_run") and not arguments.get("reason"):
            arguments = {**arguments, "reason": "xem thử"}
        reason = checked_reason(str(arguments.get("reason") or ""))
        self._turns.check(item, actor)
        with self._folder() as folder:
            path = arguments.get("file")
            file = self._sides.claim(Path(str(path)), folder) if path else None
            made = self._made(found, wish, file, reason, (actor,), folder)
            if arguments.get("dry_run"):
                return {
                    "document": item,
                    "version": found.version,
                    "changed": False,
                    "dry_run": True,
                    **_told(made),
                }
            if found.sidecar.paper.type in self._sensitive:
                return self._propose(found, arguments, file, reason, actor)
            return self._carry(found, made, file, progress)

    def agreed(
        self, item: str, request: dict[str, Any], actors: Sequence[str], progress: Progress
    ) -> dict[str, Any]:
        """What one person proposed and another agrees to; the paper must be as the first one saw it."""
        found = self._corrections.current(item, int(request["version"]))
        self._may_change(found)
        wish = wish_of(request, len(found.sidecar.pages))
        with self._folder() as folder:
            file = self._staged(request["staged"], folder) if request.get("staged") else None
            made = self._made(found, wish, file, str(request["reason"]), actors, folder)
            answer = self._carry(found, made, file, progress)
        self._turns.done(item)
        return answer

    def cancel(self, item: str, reason: str, actor: str) -> dict[str, Any]:
        """Take back a change that waits to be signed; its new sides are set aside. Raises UsageError without one."""
        found = self._corrections.current(item, None)
        why = checked_reason(reason)
        with _CHANGING:
            dropped = [
                self._changes.drop(change, "repage_cancel", actor, f"{CANCELLED}: {why}")
                for change in self._changes.pending(item)
                if not self._changes.published(change)
            ]
        if not any(dropped):
            raise UsageError(
                f"no change of the pages of {item} waits", vi=f"{item} không có lần đổi trang nào đang chờ"
            )
        return {"document": item, "version": found.version, "changed": False, "cancelled": item}

    def finish(self, names: Sequence[str]) -> list[str]:
        """Go on with the changes of these documents; those that had one. What still waits comes next time."""
        mine = [change for name in names for change in self._changes.pending(name)]
        self._finish_each(mine)
        return [change.document for change in mine]

    def finish_all(self) -> None:
        """Carry through what a crash or a service that was down has broken off. What still waits comes next time."""
        self._finish_each(self._changes.pending())

    def _finish_each(self, changes: Sequence[PageChange]) -> None:
        for change in changes:
            try:
                self._finish(change)
            except Overtaken:
                logger.warning(
                    "%s: another version came first; the change of pages was dropped", change.document
                )
            except SohoaError as error:  # the others are not held up
                logger.warning("%s waits to be signed anew: %s", change.document, error)

    def _may_change(self, found: Current) -> None:
        """Raises UsageError for a paper whose file is not one that we made of pictures, or that we cannot sign now."""
        side = found.sidecar
        if side.paper.origin is not Origin.CAPTURED:
            raise UsageError(
                f"{side.document} was not scanned here: its file never changes; take in the replacement as a paper "
                "of its own, it supersedes this one",
                vi=f"{side.document} không phải bản quét: tệp này không bao giờ bị sửa; hãy tiếp nhận tệp thay thế như "
                "một giấy tờ mới",
            )
        if self._changes.pending(side.document):
            raise UsageError(
                f"an earlier change of the pages of {side.document} waits to be signed; take it back by --cancel",
                vi=f"Lần đổi trang trước của {side.document} còn chờ ký; muốn thôi thì dùng --cancel",
            )

    def _made(
        self,
        found: Current,
        wish: PageWish,
        file: SourceFile | None,
        reason: str,
        actors: Sequence[str],
        folder: Path,
    ) -> Anew:
        """The paper with its other pages, nothing of it kept yet."""
        side = found.sidecar
        new: tuple[ReadPage, ...] = ()
        if file is not None:
            new = self._sides.read(file, side, self._changes.next_index(side.batch), wish)
        keys = tuple(ledger.actor_key(self._agency, name) for name in actors)
        step = Amended(act="repage", actors=keys, at=datetime.now(UTC), fields=("pages",), reason=reason)
        shared = self._changes.used_elsewhere(side.batch, side.document)
        return self._anew.plan(found, wish, new, step, shared, tuple(actors), folder)

    def _propose(
        self, found: Current, arguments: dict[str, Any], file: SourceFile | None, reason: str, actor: str
    ) -> dict[str, Any]:
        """Ask a second person; the new side lies in the bucket meanwhile, unlocked."""
        item = found.sidecar.document
        words = {k: v for k, v in arguments.items() if k in (*ACTS, "file") and v not in (None, [], "")}
        if file is not None:
            words["staged"] = {
                "key": self._parts.archive.stage(item, file.blob),
                "sha256": file.blob.sha256,
                "source": file.source,
            }
        request = {"repage": {**words, "reason": reason, "version": found.version}}
        self._turns.propose(item, request, actor)
        return {"document": item, "version": found.version, "changed": False, "proposed": item}

    def _carry(
        self, found: Current, made: Anew, file: SourceFile | None, progress: Progress
    ) -> dict[str, Any]:
        """Make the file, keep the decision, and carry it through as far as the services let."""
        progress(
            {"stage": "work", "pages": len(made.slots), "pages_done": 0, "documents": 1, "documents_done": 0}
        )
        unsigned = self._anew.write(found, made)
        side = made.sidecar
        fresh: tuple[Laid, ...] = ()
        if file is not None:
            fresh = (self._land(file, side),)
        change = PageChange(
            document=side.document,
            base=found.version,
            place=found.place,
            sidecar=replace(made.sidecar, unsigned_sha256=unsigned.sha256),
            unsigned=Laid(
                key=self._parts.archive.stage(side.document, unsigned),
                sha256=unsigned.sha256,
                size=unsigned.size,
                media_type=unsigned.media_type,
            ),
            fresh=fresh,
            aside=made.aside,
            turned={page.page.index: page.image.sha256 for page in made.turned if page.image},
            act=made.act,
            pages=made.asked,
            at=made.step.at,
            actors=made.actors,
            counter=self._parts.records.batches.intake(side.batch).dossier is not None,
        )
        self._changes.decide(change, made.new)
        answer = {"document": side.document, **_told(made)}
        try:
            version = self._finish(change)
        except (Unavailable, AwaitsSignature) as error:
            return {**answer, "version": found.version, "changed": False, "waits": error.both}
        return {**answer, "version": version, "changed": True}

    def _finish(self, change: PageChange) -> int:
        """Sign once in effect, then store. Raises Unavailable when it must wait, Overtaken when it is dropped."""
        with _CHANGING:
            if not self._changes.pending(change.document):
                return change.version
            claim = self._changes.claimed(change.document) or self._sign(change)
            version = self._changes.finish(change, claim)
        self._parts.lights.look(change.document)
        return version

    def _sign(self, change: PageChange) -> Claim:
        with self._folder() as folder:
            path = folder / "unsigned.pdf"
            self._parts.archive.fetch(change.unsigned.key, change.unsigned.sha256, path)
            document = document_of(change.sidecar, blob_of(path, "application/pdf"), counter=change.counter)
            if change.fresh:  # the officer vouches for when the sides were captured: now
                document = replace(document, captured_at=change.at)
            signed = self._signed(change, document, folder / "signed.pdf")
            key = self._parts.archive.stage(change.document, signed.pdf)
        attempt = Claim(sha256=signed.pdf.sha256, key=key, level=signed.level, roles=signed.roles)
        return self._changes.claim(change, attempt)

    def _signed(self, change: PageChange, document: Document, out: Path) -> SignedDocument:
        """Signed here; or from what the officer signed elsewhere, for which the unsigned file is laid ready."""
        signer, awaiting = self._parts.signer, self._parts.awaiting
        step = signer.policy.final(document)
        assert step is not None  # only captured papers come here
        back = awaiting.back(change.document, change.unsigned.sha256)
        if back is not None:
            path = out.with_name("back.pdf")
            self._parts.archive.fetch(back.key, back.sha256, path)
            step = signer.policy.first(document) if back.cms else step
            signed = signer.extend(document, path.read_bytes(), (SignatureRole.OFFICER,), step, out)
            return replace(signed, level=Level.CMS) if back.cms else signed
        try:
            return signer.extend(document, document.pdf.path.read_bytes(), (), step, out)
        except AwaitsSignature:
            awaiting.put(change.document, document.pdf, change.unsigned.key)
            raise

    def _land(self, file: SourceFile, side: Sidecar) -> Laid:
        """The new side's original beside those of its stack, locked and read back."""
        at = datetime.now(UTC) + self._lock
        key = layout.landing(side.batch, file.blob.sha256)
        self._parts.archive.keep(key, file.blob.path, file.blob, at)
        return Laid(
            key=key,
            sha256=file.blob.sha256,
            size=file.blob.size,
            media_type=file.blob.media_type,
            source=file.source,
        )

    def _staged(self, words: dict[str, Any], folder: Path) -> SourceFile:
        path = folder / "proposed"
        self._parts.archive.fetch(str(words["key"]), Sha256(str(words["sha256"])), path)
        return SourceFile(source=str(words["source"]), blob=blob_of(path, "application/octet-stream"))

    @contextmanager
    def _folder(self) -> Iterator[Path]:
        folder = self._work / uuid.uuid4().hex
        folder.mkdir(parents=True, mode=0o700)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _told(made: Anew) -> dict[str, Any]:
    """Pages before and after, and what is set aside, for people and the review screen."""
    return {"act": made.act, "before": made.before, "after": made.after, "aside": made.told_aside}
