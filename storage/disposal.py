"""A dossier disposed of: proposed by one person, approved by a second, carried through by the home; never by a crash.

The decision is a record of the dossier. Then, each step to be repeated: certificate, a manifest generation in which an
entry `disposed` stands where each paper was, the rows of the catalogue, and at last the objects in all their versions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine, delete, select, update

from pipeline.errors import NeedsPerson, Tampered, UsageError
from pipeline.model import Blob, Sha256, SignatureRole, StoredObject
from storage import layout, ledger
from storage.archive import Archive
from storage.database import insert, reading, writing
from storage.disposal_certificate import DISPOSED, Gone, certificate, objects_of
from storage.disposal_extent import extent, in_use, locked
from storage.disposal_rows import forget, note_gone
from storage.dossier_record import DossierRecord, DossierState
from storage.dossiers import Dossiers
from storage.keeping import Disposal
from storage.keeping_tables import disposal_open, disposal_proposal, disposed_object
from storage.locking import LockingBucket
from storage.manifest import Entry, Manifest, decode, digest
from storage.proof import VIETNAM
from storage.schema import document

JSON = "application/json"
SYSTEM = "system"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What waits for a second person. `name` is the one who asked."""

    reason: str
    name: str
    at: datetime


class Disposals:
    """`remover` is the one identity that may delete; it is used for nothing else. `certificate_lock` is a duration."""

    def __init__(
        self,
        database: Engine,
        archive: Archive,
        dossiers: Dossiers,
        remover: LockingBucket,
        *,
        sign: Callable[[bytes, SignatureRole], bytes],
        agency: str,
        mode: str,
        certificate_lock: timedelta,
        forget_sides: Callable[[set[str]], None],
    ) -> None:
        self._database = database
        self._archive = archive
        self._dossiers = dossiers
        self._remover = remover
        self._sign = sign
        self._agency = agency
        self._mode = mode
        self._certificate_lock = certificate_lock
        self._forget_sides = forget_sides

    def propose(self, code: str, reason: str, actor: str) -> None:
        """Ask for it. Raises UsageError while it may not be."""
        self._may(code)
        key = ledger.actor_key(self._agency, actor)
        values = {"reason": reason, "actor": key, "name": actor, "at": datetime.now(UTC).isoformat()}
        with writing(self._database) as connection:
            connection.execute(
                insert(disposal_proposal)
                .values(code=code, **values)
                .on_conflict_do_update(index_elements=["code"], set_=values)
            )
            ledger.append(
                connection,
                act="propose_disposal",
                actor=actor,
                agency=self._agency,
                objects=[code],
                details={"reason": reason},
            )

    def proposal(self, code: str) -> Proposal | None:
        """What is asked for a dossier."""
        query = select(disposal_proposal).where(disposal_proposal.c.code == code)
        with reading(self._database) as connection:
            row = connection.execute(query).first()
        return Proposal(reason=row.reason, name=row.name, at=datetime.fromisoformat(row.at)) if row else None

    def withdraw(self, code: str, actor: str) -> None:
        """Drop what is asked."""
        self._asked(code)
        with writing(self._database) as connection:
            connection.execute(delete(disposal_proposal).where(disposal_proposal.c.code == code))
            ledger.append(
                connection,
                act="refuse_disposal",
                actor=actor,
                agency=self._agency,
                objects=[code],
                details={},
            )

    def approve(self, code: str, actor: str) -> None:
        """Decide, as a second person; once decided, again changes nothing.

        Raises NeedsPerson for the first person, UsageError while it may not be.
        """
        decided = self._dossiers.record(code).disposal
        by = ledger.actor_key(self._agency, actor)
        if decided is not None and decided.approved_by == by and self._is_asked_no_more(code):
            return
        asked = self._asked(code)
        if _same(asked.name, actor):
            raise NeedsPerson(
                f"{actor} has proposed this; another person approves it (SOHOA_ACTOR)",
                vi=f"{actor} là người đề nghị; cần người thứ hai duyệt",
            )
        last, sha256 = self._may(code)

        def edit(record: DossierRecord) -> DossierRecord:
            _open_to_disposal(record)
            disposal = Disposal(
                reason=asked.reason,
                proposed_by=ledger.actor_key(self._agency, asked.name),
                proposed_at=asked.at,
                approved_by=by,
                approved_at=datetime.now(UTC),
                generation=last.number,
                manifest_sha256=sha256,
            )
            return replace(record, disposal=disposal)

        self._dossiers.change(
            code, edit, act="decide_disposal", actor=actor, agency=self._agency, reason=asked.reason
        )
        with writing(self._database) as connection:
            connection.execute(delete(disposal_proposal).where(disposal_proposal.c.code == code))

    def _is_asked_no_more(self, code: str) -> bool:
        """Whether what was decided is the answer to what was asked last; a kill may have left the question behind."""
        return self.proposal(code) is None or code in self.under_way()

    def under_way(self) -> Sequence[str]:
        """Dossiers whose disposal is decided and not at its end."""
        with reading(self._database) as connection:
            return list(connection.execute(select(disposal_open.c.code)).scalars())

    def finish(self, code: str) -> bool:
        """Carry a decision through as far as it goes; True when all is gone. Raises Unavailable, Tampered."""
        record = self._dossiers.record(code)
        if record.disposal is None:
            self._close(code)
            return True
        placed = self._tombstone(code, record)
        if placed is None:
            self._void(code)
            return True
        tombstone, place, stated = placed
        self._archive.attest_generation(
            code, tombstone.number, self._sign, lock_until=self._until(), roles=(SignatureRole.AGENCY,)
        )
        content = self._archive.read(stated.key)
        if content is None or digest(content) != stated.sha256:
            raise Tampered(
                f"the certificate {stated.key} is gone or changed",
                vi=f"Biên bản hủy {stated.key} đã mất hoặc bị sửa; hãy chạy `sohoa fixity`",
            )
        gone, at = objects_of(content, stated.key)
        self._rows(code, tombstone, place, stated.key, gone, at)
        return self._remove(code, tombstone.number)

    def _may(self, code: str) -> tuple[Manifest, Sha256]:
        """The newest manifest of a dossier that may go. Raises UsageError with the reason why it may not."""
        _open_to_disposal(self._dossiers.record(code))
        with reading(self._database) as connection:
            query = select(document.c.id).where(document.c.dossier == code, document.c.state != "stored")
            waiting = list(connection.execute(query).scalars())
        if waiting:
            raise UsageError(
                f"papers of {code} wait: {', '.join(waiting)}", vi=f"Hồ sơ {code} còn giấy tờ đang chờ"
            )
        newest = self._archive.newest(code)
        last = decode(newest[1], newest[0]) if newest else None
        if newest is None or last is None or all(entry.role == DISPOSED for entry in last.entries):
            raise UsageError(f"{code} holds nothing", vi=f"Hồ sơ {code} không còn nội dung nào")
        reach = extent(self._database, self._remover, code, last)
        until, hold = locked(self._remover, reach.gone)
        if hold:
            raise UsageError(f"{code} is on hold in the store", vi=f"Kho đang phong tỏa hồ sơ {code}")
        if until is not None and until > datetime.now(UTC):
            shown = f"{until.astimezone(VIETNAM):%d/%m/%Y %H:%M}"
            raise UsageError(
                f"objects of {code} are locked until {until.isoformat()}",
                vi=f"Hồ sơ {code} còn bị khóa trong kho đến {shown}; chưa hủy được",
            )
        return last, digest(newest[1])

    def _asked(self, code: str) -> Proposal:
        asked = self.proposal(code)
        if asked is None:
            raise UsageError(
                f"nobody has proposed to dispose of {code}", vi=f"Chưa có ai đề nghị hủy hồ sơ {code}"
            )
        return asked

    def _tombstone(self, code: str, record: DossierRecord) -> tuple[Manifest, tuple[str, str], Entry] | None:
        """The generation after the last one, its key and digest, what pins the certificate.

        None when another generation came first.
        """
        assert record.disposal is not None
        number = record.disposal.generation
        generations = list(self._archive.manifests(code))
        if len(generations) < number or digest(generations[number - 1][1]) != record.disposal.manifest_sha256:
            raise Tampered(
                f"manifest {number} of {code} is not the one that was to go",
                vi=f"Bản kê {number} của hồ sơ {code} không còn đúng; hãy chạy `sohoa fixity`",
            )
        last = decode(generations[number - 1][1], generations[number - 1][0])
        if len(generations) == number:
            made = self._certify(code, record, last)

            def make(newest: Manifest | None) -> Manifest | None:
                assert newest is not None
                return _following(last, record, made) if newest.number == number else None

            self._archive.commit_next(code, make, lock_until=self._until())
            generations = list(self._archive.manifests(code))
        place, content = generations[number]
        following = decode(content, place)
        before = {entry.key for entry in last.entries}
        new = [e for e in following.entries if e.role == DISPOSED and e.key not in before]
        return (following, (place, digest(content)), new[0]) if new else None

    def _certify(self, code: str, record: DossierRecord, last: Manifest) -> StoredObject:
        reach = extent(self._database, self._remover, code, last)
        content = certificate(record, last, reach.gone, reach.shared)
        blob = Blob(path=Path(), sha256=digest(content), size=len(content), media_type=JSON)
        until = self._until()
        kept = self._archive.keep(layout.content(code, blob.sha256, JSON), content, blob, until)
        for one in self._remover.versions(kept.key):
            if one.key == kept.key and self._certificate_lock:
                now = datetime.now(UTC)
                self._remover.extend(one.key, one.version_id, until=until, mode=self._mode, now=now)
        return kept

    def _rows(
        self,
        code: str,
        tombstone: Manifest,
        place: tuple[str, str],
        key: str,
        gone: tuple[Gone, ...],
        at: str,
    ) -> None:
        """Catalogue and ledger in one transaction."""
        newest = [decode(content, name) for name, content in self._archive.manifests(code)][-1]
        papers = [
            entry.document
            for entry in tombstone.entries
            if entry.role == DISPOSED and entry.key == key and not newest.version_of(entry.document)
        ]
        with writing(self._database) as connection:
            note_gone(connection, code, papers, gone, key, at)
            forget(connection, papers, layout.dossier_folder(code), gone)
            ledger.append(
                connection,
                act="dispose",
                actor=SYSTEM,
                agency=self._agency,
                objects=[code, *papers],
                details={
                    "certificate": key,
                    "objects": len(gone),
                    "generation": tombstone.number,
                    "manifest": place[0],
                    "manifest_sha256": place[1],
                },
                request=f"dispose:{code}:{tombstone.number}",
            )

    def _remove(self, code: str, number: int) -> bool:
        """Every version of what the certificate names; what the store refuses stays noted with its reason."""
        left = select(disposed_object).where(
            disposed_object.c.dossier == code, disposed_object.c.removed_at.is_(None)
        )
        with reading(self._database) as connection:
            rows = connection.execute(left).all()
        refused = 0
        for row in rows:
            values: dict[str, str] = {"removed_at": datetime.now(UTC).isoformat(), "trouble": ""}
            if in_use(self._database, row.key, row.sha256):
                values["trouble"] = "in use again"
            else:
                try:
                    for one in list(self._remover.versions(row.key)):
                        if one.key == row.key:
                            self._remover.remove_version(one.key, one.version_id)
                except UsageError as error:
                    values = {"trouble": error.both[:500]}
                    refused += 1
            with writing(self._database) as connection:
                where = (disposed_object.c.key == row.key, disposed_object.c.dossier == code)
                connection.execute(update(disposed_object).where(*where).values(**values))
        self._forget_sides({row.sha256 for row in rows if row.key.startswith("q/")})
        if refused:
            return False
        self._close(code, number)
        return True

    def _void(self, code: str) -> None:
        """A paper came between decision and certificate: nothing has gone, and it must be decided anew."""
        self._dossiers.change(
            code,
            lambda last: replace(last, disposal=None),
            act="void_disposal",
            actor=SYSTEM,
            agency=self._agency,
            reason="có giấy tờ mới đến sau khi duyệt (a paper came after the approval)",
        )
        self._close(code)

    def _close(self, code: str, number: int | None = None) -> None:
        with writing(self._database) as connection:
            connection.execute(delete(disposal_open).where(disposal_open.c.code == code))
            if number is not None:
                ledger.append(
                    connection,
                    act="disposed",
                    actor=SYSTEM,
                    agency=self._agency,
                    objects=[code],
                    details={"generation": number},
                    request=f"disposed:{code}:{number}",
                )

    def _until(self) -> datetime:
        return datetime.now(UTC) + self._certificate_lock


def _open_to_disposal(record: DossierRecord) -> None:
    """Raises UsageError while a dossier is open, on hold, without a term, or its term is not over."""
    code, retention = record.dossier, record.retention
    if record.hold is not None:
        raise UsageError(
            f"{code} is on hold: {record.hold.reason}; `sohoa hold {code} --release` first",
            vi=f"Hồ sơ {code} đang bị phong tỏa ({record.hold.reason}); không được hủy",
        )
    if record.state is not DossierState.CLOSED or retention is None:
        raise UsageError(
            f"{code} is not closed; only a closed dossier has a term",
            vi=f"Hồ sơ {code} chưa đóng; không được hủy",
        )
    if not retention.over(datetime.now(VIETNAM).date()):
        end = f"{retention.until:%d/%m/%Y}" if retention.until else "vĩnh viễn"
        raise UsageError(
            f"{code} is to be kept until {retention.until or 'for ever'}",
            vi=f"Hồ sơ {code} còn thời hạn bảo quản: {end} ({retention.name}); không được hủy",
        )


def _following(last: Manifest, record: DossierRecord, made: StoredObject) -> Manifest:
    """The generation in which each paper's place is taken by the certificate; earlier certificates stay."""
    disposal = record.disposal
    assert disposal is not None
    papers = dict.fromkeys(e.document for e in last.entries if e.role != DISPOSED)
    entries = [entry for entry in last.entries if entry.role == DISPOSED]
    for name in papers:
        version = max(e.version for e in last.entries if e.document == name)
        entries.append(
            Entry(
                document=name, version=version + 1, role=DISPOSED, key=made.key, sha256=made.sha256, size=made.size,
                media_type=JSON,
            )
        )  # fmt: skip
    return Manifest(
        dossier=last.dossier,
        number=last.number + 1,
        previous=None,
        created=disposal.approved_at,
        agency=last.agency,
        actor=disposal.approved_by,
        entries=tuple(entries),
    )


def _same(one: str, other: str) -> bool:
    return one.strip().casefold() == other.strip().casefold()
