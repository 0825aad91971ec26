"""`sohoa resign` and `sohoa renew`: stored documents get a next version, the old one stays as it was."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from config.settings import Settings
from pipeline.errors import NeedsPerson, SohoaError, Tampered, Unavailable, UsageError
from pipeline.files import write_whole
from pipeline.home.server import Progress
from pipeline.model import Level, Origin
from pipeline.paths import HomePaths
from pipeline.sidecar import document_of
from pipeline.wire import Parts
from signing.standing_evidence import (
    attested_for_trial,
    evidence_ends,
    signed_for_trial,
    unsigned_part,
)
from signing.verdict import Verdict
from storage.renewals import Renewals
from storage.succession import Standing

_RENEWING = threading.Lock()
"""A person's call and the home's own do not renew the same thing twice."""


class SuccessionDesk:
    """Both may be stopped anywhere and called again: what has its next version is passed over."""

    def __init__(self, parts: Parts, paths: HomePaths, settings: Settings) -> None:
        self._parts = parts
        self._succession = parts.succession
        self._renewals = Renewals(parts.records.database)
        self._work = paths.work / "succession"
        self._settings = settings

    def resign(self, arguments: dict[str, Any], actor: str, progress: Progress) -> dict[str, Any]:
        """Sign anew, from the unsigned bytes, what was signed with DEMO keys."""
        if self._settings.mode != "production":
            raise UsageError(
                'these are the demo keys still; set mode = "production" and real keys first',
                vi='Vẫn là khóa thử nghiệm; hãy đặt mode = "production" và khóa thật trước',
            )
        wanted = list(arguments.get("documents") or self._parts.records.catalogue.documents())
        return self._each(wanted, lambda name: self._resign(name, actor), progress)

    def renew(self, arguments: dict[str, Any], actor: str, progress: Progress) -> dict[str, Any]:
        """Another time-stamp over the named documents, or over all whose evidence ends soon."""
        wanted = list(arguments.get("documents") or [])
        with _RENEWING:
            if wanted:
                return self._each(wanted, lambda name: self._renew(name, actor), progress)
            roots = self._renew_roots(self._before(arguments), actor, progress)
            wanted = [one["document"] for one in self.due(arguments, actor, progress)["due"]]
            return {**self._each(wanted, lambda name: self._renew(name, actor), progress), "roots": roots}

    def follow_calendar(
        self, before: datetime, wanted: Sequence[tuple[str, str]], actor: str
    ) -> dict[str, list[dict[str, Any]]]:
        """The home's own renewal of those that end before that time: the days in bulk, then each named document.

        An empty name stands for the days. `refused`: what a person must look at, with the end that it has.
        """
        with _RENEWING:
            roots = (
                self._renew_roots(before, actor, _silent)
                if any(not name for name, _ in wanted)
                else {"failed": []}
            )
            still = {name for name, _, _ in self._renewals.due(before)}
            named = [name for name, _ in wanted if name in still]
            found = self._each(named, lambda name: self._renew(name, actor), _silent)
        ends = dict(wanted)
        refused = [{**one, "ends": ends[one["document"]]} for one in found["failed"] if not one["retry"]]
        return {"refused": refused, "failed": [*roots["failed"], *found["failed"]]}

    def learn(self, most: int) -> bool:
        """Read until when the evidence of versions lasts that nobody has looked at, so many; whether more are left."""
        unknown = self._renewals.unknown()
        for name, version in unknown[:most]:
            self._renewals.learn(name, version, evidence_ends(self._succession.standing(name).content))
        return len(unknown) > most

    def _renew_roots(self, before: datetime, actor: str, progress: Progress) -> dict[str, Any]:
        """The days' evidence in bulk. An authority that is down is told as a reason: the documents get their turn."""
        evidence = self._parts.evidence
        try:
            done, failed = evidence.renew(
                before, actor, lambda n, total: progress({"stage": "renew", "done": n, "total": total})
            )
        except Unavailable as error:
            return {"done": [], "failed": [{"first": None, "reason": error.both, "retry": True}]}
        return {
            "done": [asdict(one) for one in done],
            "failed": [
                {"first": one.first, "last": one.last, "reason": error.both, "retry": error.retry}
                for one, error in failed
            ],
        }

    def _before(self, arguments: dict[str, Any]) -> datetime:
        days = int(arguments.get("days") or self._settings.signing.renew_days)
        return datetime.now(UTC) + timedelta(days=days)

    def due(self, arguments: dict[str, Any], actor: str, progress: Progress) -> dict[str, Any]:
        """The calendar; versions that nobody has looked at yet are read first."""
        unknown = self._renewals.unknown()
        for number, (name, version) in enumerate(unknown, 1):
            self._renewals.learn(name, version, evidence_ends(self._succession.standing(name).content))
            progress({"stage": "renew", "done": number, "total": len(unknown)})
        days = int(arguments.get("days") or self._settings.signing.renew_days)
        before = self._before(arguments)
        due = [
            {"document": name, "version": version, "ends": ends}
            for name, version, ends in self._renewals.due(before)
        ]
        months = [{"month": month, "documents": number} for month, number in self._renewals.calendar()]
        roots = [asdict(one) for one in self._parts.evidence.due(before, actor)]
        return {"days": days, "due": due, "calendar": months, "roots": roots}

    def _each(self, wanted: list[str], work: Callable[[str], bool], progress: Progress) -> dict[str, Any]:
        done, passed, failed = [], 0, []
        for number, name in enumerate(wanted, 1):
            try:
                self._succession.catch_up(name)
                if work(name):
                    done.append(name)
                else:
                    passed += 1
            except UsageError:
                raise
            except SohoaError as error:
                failed.append({"document": name, "reason": error.both, "retry": error.retry})
            progress({"stage": "sign", "done": number, "total": len(wanted)})
        return {"done": done, "passed": passed, "failed": failed}

    def _resign(self, name: str, actor: str) -> bool:
        standing = self._succession.standing(name)
        if standing.sidecar.paper.origin is Origin.INCOMING_SIGNED:
            return self._attest_anew(standing, actor)
        if not signed_for_trial(standing.content):
            return False
        if not self._succession.originals_hold(standing):
            raise Tampered(
                f"an original of {name} is not as it was recorded; run `sohoa fixity`",
                vi=f"Bản gốc của {name} không còn như đã ghi nhận; hãy chạy `sohoa fixity`",
            )
        unsigned = unsigned_part(standing.content, standing.sidecar.unsigned_sha256)
        base, out = self._work / f"{uuid.uuid4().hex}.pdf", self._work / f"{uuid.uuid4().hex}.pdf"
        try:
            pdf = write_whole(base, unsigned, "application/pdf")
            document = document_of(standing.sidecar, pdf, counter=standing.counter)
            step = self._parts.signer.policy.final(document)
            assert step is not None  # incoming files went another way
            signed = self._parts.signer.extend(document, unsigned, (), step, out)
            self._succession.follow(
                standing,
                out.read_bytes(),
                level=signed.level,
                roles=signed.roles,
                act="resign",
                actor=actor,
                details={"replaces": standing.sidecar.pdf_sha256},
            )
        finally:
            base.unlink(missing_ok=True)
            out.unlink(missing_ok=True)
        self._parts.lights.look(name)
        return True

    def _attest_anew(self, standing: Standing, actor: str) -> bool:
        """An incoming file stays as it is; officer and agency vouch for it anew, over a new manifest."""
        found = self._succession.attestations(standing)
        if found and not any(attested_for_trial(one) for one in found):
            return False
        self._succession.follow(
            standing,
            standing.content,
            level=standing.level,
            roles=standing.roles,
            act="resign",
            actor=actor,
            details={"attested": True},
            attest=(self._parts.signer.attest, self._parts.signer.roles),
        )
        return True

    def _renew(self, name: str, actor: str) -> bool:
        standing = self._succession.standing(name)
        if standing.sidecar.paper.origin is Origin.INCOMING_SIGNED:
            raise NeedsPerson(
                f"{name} came in signed and is never changed; the daily roots keep its evidence",
                vi=f"{name} là tệp đã ký từ nơi khác, không được sửa; gốc hằng ngày giữ bằng chứng cho nó",
            )
        if standing.level is not Level.LTA:
            raise NeedsPerson(
                f"{name} is at level {standing.level}, only B-LTA is renewed",
                vi=f"{name} ở mức {standing.level}, chỉ gia hạn mức B-LTA",
            )
        before = self._judge(standing.content, name)
        content = self._parts.signer.renew(standing.content)
        after = self._judge(content, name)
        if len(before) != len(after) or any(new > old for old, new in zip(before, after, strict=True)):
            raise Tampered(
                f"{name} would not verify as well after the renewal as before; nothing was changed",
                vi=f"Sau khi gia hạn, {name} không còn đạt như trước; không thay đổi gì",
            )
        version = self._succession.follow(
            standing, content, level=standing.level, roles=standing.roles, act="renew", actor=actor
        )
        self._renewals.learn(name, version, evidence_ends(content))
        return True

    def _judge(self, content: bytes, name: str) -> list[int]:
        """How the file and each signature of it stand, 0 is best. Raises Tampered when it does not hold."""
        path = self._work / f"{uuid.uuid4().hex}.pdf"
        try:
            write_whole(path, content, "application/pdf")
            found = self._parts.verifier.verify_file(path, expected=None, target=name, expect_signed=True)
        finally:
            path.unlink(missing_ok=True)
        if found.verdict is Verdict.FAILED:
            raise Tampered(
                f"{name} does not verify: {'; '.join(found.problems[:2])}",
                vi=f"{name} không hợp lệ: {'; '.join(found.problems[:2])}",
            )
        whole = 0 if found.verdict is Verdict.PASSED else 1
        return [whole, *(0 if one.intact and one.trusted else 1 for one in found.signatures)]


def _silent(event: dict[str, Any]) -> None:
    """Nobody watches."""
