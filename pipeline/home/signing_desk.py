"""The signing desk: PINs of a shift, files that are signed elsewhere, signatures that follow in the background."""

from __future__ import annotations

import hashlib
import json
import logging
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from config.settings import Settings
from pipeline.errors import Rejected, SohoaError, Unavailable, UsageError
from pipeline.files import write_whole
from pipeline.home.intake_desk import IntakeDesk
from pipeline.home.page_change_desk import PageChangeDesk
from pipeline.home.server import Progress
from pipeline.model import Blob, Level, Sha256, SignatureRole
from pipeline.paths import HomePaths
from pipeline.sidecar import document_of
from pipeline.wire import Parts
from signing.elsewhere import Named, Returned, check_returned
from signing.keys import certificates
from signing.policy import levels_from
from storage.awaiting import Waiting

logger = logging.getLogger("sohoa.home")
CONTRACT = "sign-export-1"
MOST_BYTES = 1 << 30
SYSTEM = "system"


class SigningDesk:
    """Verbs of `sohoa sign`, and what the clock does for signatures."""

    def __init__(self, parts: Parts, paths: HomePaths, settings: Settings) -> None:
        self._parts = parts
        self._paths = paths
        self._settings = settings
        self._intake = IntakeDesk(parts, paths, settings)
        self._pages = PageChangeDesk(parts, paths, settings)

    def unlock(self, arguments: dict[str, Any], actor: str, progress: Progress) -> dict[str, Any]:
        """Hold a role's PIN for a shift and try the key with it; what waited for it goes on."""
        role, hours = str(arguments["role"]), float(arguments["hours"])
        held = self._parts.signing.held.get(role)
        if held is None:
            raise UsageError(
                f"no PIN is typed for the {role}: see [signing.{role}], its kind, pin_file and pin_agent",
                vi=f"Khóa ({role}) không dùng PIN nhập tay; xem [signing.{role}]",
            )
        held.give(str(arguments["pin"]).encode(), hours * 3600)
        state = next(one for one in self._parts.signer.key_states() if one.role.value == role)
        if state.error is not None:
            held.refused()
            raise state.error
        self._note("unlock_key", actor, [], {"role": role, "hours": hours, "holder": state.holder})
        self._intake.retry_waiting()
        return {"role": role, "holder": state.holder, "hours": hours}

    def test_keys(self) -> None:
        """The self-test at the start; its outcome is on the ledger."""
        states = self._parts.signer.key_states()
        failed = {one.role.value: str(one.error) for one in states if one.error is not None}
        for role, reason in failed.items():
            logger.warning("the %s's key does not sign: %s", role, reason)
        self._note("test_keys", SYSTEM, [], {"ok": not failed, "failed": sorted(failed)})

    def export(self, arguments: dict[str, Any], actor: str, progress: Progress) -> dict[str, Any]:
        """Write every file that waits for the officer, and an index of them."""
        folder = Path(str(arguments["folder"]))
        waiting = self._parts.awaiting.all()
        if folder.exists() and not folder.is_dir():
            raise UsageError(f"{folder} is no folder", vi=f"{folder} không phải thư mục")
        self._note("sign_export", actor, [one.document for one in waiting], {"files": len(waiting)})
        rows = []
        for number, one in enumerate(waiting, 1):
            name = f"{one.document}.pdf"
            self._parts.archive.fetch(one.key, one.sha256, folder / name)
            rows.append(
                {
                    "file": name,
                    "document": one.document,
                    "dossier": one.dossier,
                    "title": one.title,
                    "sha256": one.sha256,
                    "size": one.size,
                }
            )
            progress({"stage": "export", "done": number, "total": len(waiting)})
        index = {"contract": CONTRACT, "role": SignatureRole.OFFICER.value, "documents": rows}
        folder.mkdir(parents=True, exist_ok=True)
        content = json.dumps(index, ensure_ascii=False, indent=1).encode()
        write_whole(folder / "index.json", content, "application/json")
        return {"folder": str(folder), "documents": rows}

    def bring_back(self, arguments: dict[str, Any], actor: str, progress: Progress) -> dict[str, Any]:
        """Take signed files in; each is accepted, refused with the reason, or waits for a service."""
        paths = [found for name in arguments["paths"] for found in _pdfs(Path(str(name)))]
        if not paths:
            raise UsageError("no PDF there", vi="Không có tệp PDF nào ở đó")
        results, accepted = [], []
        for number, path in enumerate(paths, 1):
            result = self._one(path, actor)
            results.append(result)
            if result["state"] == "accepted":
                accepted.append(str(result["document"]))
            progress({"stage": "import", "done": number, "total": len(paths)})
        batches = self._go_on(accepted, progress, wait=bool(arguments.get("wait", True)))
        return {"files": results, "batches": batches}

    def receive(self, path: Path, actor: str, document: str) -> dict[str, Any]:
        """One signed file of that very paper, as `bring_back` takes it; what follows runs in the background."""
        result = self._one(path, actor, only=document)
        if result["state"] == "accepted":
            self._go_on([document], lambda event: None, wait=False)
        return result

    def extend(self) -> None:
        """Add to stored documents what policy asks for in the background: the agency's signature, the level."""
        for name in unfinished(self._parts):
            try:
                self._extend(name)
            except Unavailable:
                raise  # the others wait for the same key or service
            except SohoaError as error:
                logger.warning("%s gets no further signature: %s", name, error)

    def look_at_lights(self) -> None:
        """Turn green what a second copy has been acknowledged for meanwhile."""
        self._parts.lights.look()

    def _extend(self, name: str) -> None:
        succession = self._parts.succession
        if succession.catch_up(name):
            return
        standing = succession.standing(name)
        if standing.level is Level.CMS:
            return
        pdf = Blob(path=Path(), sha256=standing.sidecar.pdf_sha256, size=0, media_type="application/pdf")
        document = document_of(standing.sidecar, pdf, counter=standing.counter)
        step = self._parts.signer.policy.final(document)
        if step is None or step.reached(standing.level, standing.roles):
            return
        out = self._paths.work / "extend" / f"{name}-{uuid.uuid4().hex}.pdf"
        try:
            signed = self._parts.signer.extend(document, standing.content, standing.roles, step, out)
            succession.follow(
                standing,
                out.read_bytes(),
                level=signed.level,
                roles=signed.roles,
                act="extend",
                actor=SYSTEM,
            )
        finally:
            out.unlink(missing_ok=True)

    def _one(self, path: Path, actor: str, *, only: str | None = None) -> dict[str, Any]:
        result: dict[str, Any] = {"path": str(path), "document": only, "state": "refused", "reason": None}
        try:
            content = _read(path)
            item = self._whose(content)
            if only not in (None, item.document):
                raise Rejected(
                    "it is another paper than the link's", vi="Không phải giấy tờ của đường dẫn này"
                )
            result["document"] = item.document
            found = self._checked(item, path, content)
            self._parts.signer.signer_proof(found.certificate, list(found.others))
            self._take(item, path, content, found, actor)
            result["state"] = "accepted"
        except Unavailable as error:
            result["state"], result["reason"] = "waiting", error.both
        except (Rejected, OSError) as error:
            result["reason"] = error.both if isinstance(error, SohoaError) else str(error)
            self._note("sign_refused", actor, [str(result["document"] or path.name)], {"reason": str(error)})
        return result

    def _whose(self, content: bytes) -> Waiting:
        """The document whose bytes the file begins with. Raises Rejected."""
        known = self._parts.awaiting.came_back(Sha256(hashlib.sha256(content).hexdigest()))
        if known is not None:
            raise Rejected(
                f"it was taken in before, for {known}", vi=f"Đã nhận tệp này trước đây, cho {known}"
            )
        digest, at, found = hashlib.sha256(), 0, None
        for size, sha256, document in sorted(self._parts.awaiting.prefixes()):
            if size > len(content):
                break
            digest.update(content[at:size])
            at = size
            if digest.hexdigest() == sha256:
                found = document
        if found is None:
            raise Rejected(
                "it does not begin with the bytes of a paper that waits: another file, or saved anew by a program",
                vi="Không phải tệp đã giao để ký: là tệp khác, hoặc đã bị phần mềm lưu lại",
            )
        item = next((one for one in self._parts.awaiting.all() if one.document == found), None)
        if item is None:
            raise Rejected(
                f"the paper {found} does not wait for a signature any more",
                vi=f"Giấy tờ {found} không còn chờ ký",
            )
        return item

    def _checked(self, item: Waiting, path: Path, content: bytes) -> Returned:
        """In a child process with limits. Raises Rejected."""
        ours = self._paths.work / "returned" / f"{uuid.uuid4().hex}.pdf"
        try:
            write_whole(ours, content[: item.size], "application/pdf")
            theirs = write_whole(ours.with_suffix(".signed"), content, "application/pdf")
            task = self._parts.pool.submit(check_files, ours, theirs.path, self._named(), priority=0)
            found: Returned = task.result()
            return found
        finally:
            ours.unlink(missing_ok=True)
            ours.with_suffix(".signed").unlink(missing_ok=True)

    def _take(self, item: Waiting, path: Path, content: bytes, found: Returned, actor: str) -> None:
        copy = write_whole(
            self._paths.work / "returned" / f"{uuid.uuid4().hex}.pdf", content, "application/pdf"
        )
        try:
            key = self._parts.archive.stage(item.document, copy)
        finally:
            copy.path.unlink(missing_ok=True)
        agency = self._settings.agency.code
        won = self._parts.awaiting.accept(
            item, sha256=copy.sha256, key=key, signer=found.signer, cms=found.cms, actor=actor, agency=agency
        )
        if not won:
            raise Rejected(
                f"another signed file came first for {item.document}",
                vi=f"Giấy tờ {item.document} đã có bản ký khác nhận trước",
            )

    def _go_on(self, documents: Sequence[str], progress: Progress, *, wait: bool) -> list[dict[str, Any]]:
        batches = self._parts.records.batches
        changed = self._pages.finish(documents)  # stored papers whose pages were changed
        theirs = self._parts.awaiting.batches_of(changed) if changed else []
        documents = [name for name in documents if name not in changed]
        wanted = list(dict.fromkeys(self._parts.awaiting.batches_of(documents))) if documents else []
        for batch in wanted:
            self._intake.again(batch)
        if wait:
            self._intake.watch(wanted, progress)
        shown = dict.fromkeys((*wanted, *theirs))
        return [batches.view(batch, with_text=False) for batch in shown]

    def _named(self) -> Named:
        section = self._settings.signing.officer
        pinned = None
        if section.certificate is not None:
            pinned = hashlib.sha256(certificates(section.certificate)[0]).hexdigest()
        policy = self._parts.signer.policy
        levels = {policy.counter_first.level, policy.counter.level, policy.backfile.level}
        return Named(
            certificate_sha256=pinned,
            subject=section.subject or None,
            accept_cms=section.accept_cms,
            need_timestamp=levels != {Level.B},
        )

    def _note(self, act: str, actor: str, objects: list[str], details: dict[str, Any]) -> None:
        self._parts.records.ledger.note(
            act=act, actor=actor, agency=self._settings.agency.code, objects=objects, details=details
        )


def unfinished(parts: Parts) -> list[str]:
    """Stored papers that wait for the agency's signature, or for the level that they have in the end."""
    policy = parts.signer.policy
    if policy.counter_first == policy.counter:
        return []
    agency = SignatureRole.AGENCY in policy.counter.roles
    return parts.succession.unfinished(levels_from(policy.counter.level), agency=agency)


def check_files(ours: Path, theirs: Path, named: Named) -> Returned:
    """`check_returned` over files, for a child process."""
    return check_returned(ours.read_bytes(), theirs.read_bytes(), named)


def _pdfs(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(one for one in path.iterdir() if one.suffix.lower() == ".pdf" and one.is_file())
    if not path.is_file():
        raise UsageError(f"no file {path}", vi=f"Không có tệp {path}")
    return [path]


def _read(path: Path) -> bytes:
    if path.is_symlink() or path.stat().st_size > MOST_BYTES:
        raise Rejected(f"{path.name} is a link, or too large", vi=f"{path.name} là liên kết hoặc quá lớn")
    return path.read_bytes()
