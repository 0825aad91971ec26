"""A stored document gets other pages: a new signed file as its next version; the one before stays as it was.

What is decided stands in the database first, with the unsigned file in the bucket. A signed attempt becomes the
change's by one compare-and-set; content, manifest and catalogue follow in this order, and every step may be repeated.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine, delete, func, select, update
from sqlalchemy.exc import IntegrityError

from pipeline.errors import Tampered
from pipeline.model import Blob, Level, ReadPage, Sha256, SignatureRole, StoredObject
from pipeline.records import dump, load
from pipeline.sidecar import Sidecar
from storage import layout, ledger
from storage.amendments import Overtaken
from storage.archive import LEAST_LOCK, Archive
from storage.batches import Claim
from storage.database import reading, writing
from storage.manifest import Entry, Manifest, decode, digest
from storage.page_change_rows import PageChange, catalogue, row_of, touch
from storage.page_tables import changed_side, page_change
from storage.review_tables import amendment
from storage.schema import document, held, page

JSON, PDF = "application/json", "application/pdf"
WAITS = "Đang chờ ký lại sau khi đổi trang (waits to be signed anew after a change of pages)"
OVERTAKEN = "Không đổi trang nữa vì giấy tờ vừa được sửa (the paper was changed meanwhile)"


class PageChanges:
    """Page changes on their way, and their end. `lock` is that of new objects."""

    def __init__(self, database: Engine, archive: Archive, *, lock: timedelta) -> None:
        self._database = database
        self._archive = archive
        self._lock = lock

    def next_index(self, batch: str) -> int:
        """The batch index that a side added now would have."""
        with reading(self._database) as connection:
            last = connection.execute(select(func.max(page.c.idx)).where(page.c.batch == batch)).scalar()
        return int(last if last is not None else -1) + 1

    def used_elsewhere(self, batch: str, name: str) -> set[int]:
        """Batch indexes of pages of the batch's other documents."""
        query = select(document.c.pages).where(document.c.batch == batch, document.c.id != name)
        with reading(self._database) as connection:
            return {index for pages in connection.execute(query).scalars() for index in json.loads(pages)}

    def entries(self, place: str, name: str, version: int) -> list[Entry]:
        """What the newest manifest pins for this version. Raises Tampered when it pins nothing."""
        last: Manifest | None = None
        for key, content in self._archive.manifests(place):
            last = decode(content, key)
        mine = [e for e in (last.entries if last else ()) if (e.document, e.version) == (name, version)]
        if not any(e.role == "document" for e in mine):
            raise Tampered(
                f"no manifest of {place} holds version {version} of {name}",
                vi="Bản kê của hồ sơ không có giấy tờ này",
            )
        return mine

    def decide(self, change: PageChange, sides: Sequence[ReadPage]) -> None:
        """Keep what was decided, with its new sides as rows. Raises Overtaken when `base` is not the newest version."""
        name, side = change.document, change.sidecar
        roles = {one.index: one.role for one in side.pages}
        with writing(self._database) as connection:
            newest = select(func.max(held.c.version)).where(held.c.document == name)
            other = select(amendment.c.document).where(amendment.c.document == name)
            if connection.execute(newest).scalar() != change.base or connection.execute(other).first():
                raise Overtaken
            try:
                values = {"body": dump(change).decode(), "unsigned_sha256": change.unsigned.sha256}
                connection.execute(page_change.insert().values(document=name, **values))
                for one in sides:
                    connection.execute(page.insert().values(**row_of(one, side.batch)))
            except IntegrityError as error:
                raise Overtaken from error
            for one in sides:
                role = roles.get(one.page.index) or ("retake" if change.act == "replace" else "insert")
                touch(connection, change, one.page.id, role)
            connection.execute(update(document).where(document.c.id == name).values(reason=WAITS))

    def pending(self, name: str | None = None) -> list[PageChange]:
        """What a crash or a service that is down has broken off."""
        query = select(page_change.c.body)
        if name is not None:
            query = query.where(page_change.c.document == name)
        with reading(self._database) as connection:
            bodies = list(connection.execute(query).scalars())
        return [load(PageChange, body.encode()) for body in bodies]

    def claimed(self, name: str) -> Claim | None:
        """The signed attempt that is the change's, None without one."""
        with reading(self._database) as connection:
            row = connection.execute(select(page_change).where(page_change.c.document == name)).first()
        if row is None or row.staged_sha256 is None:
            return None
        return Claim(
            sha256=Sha256(row.staged_sha256),
            key=row.staged_key,
            level=Level(row.level) if row.level else None,
            roles=tuple(SignatureRole(role) for role in json.loads(row.roles)),
        )

    def claim(self, change: PageChange, attempt: Claim) -> Claim:
        """Make a signed attempt the change's unless another is already; the winner. Raises Overtaken without a row."""
        with writing(self._database) as connection:
            won = connection.execute(
                update(page_change)
                .where(page_change.c.document == change.document, page_change.c.staged_sha256.is_(None))
                .values(
                    staged_key=attempt.key,
                    staged_sha256=attempt.sha256,
                    level=attempt.level,
                    roles=json.dumps(list(attempt.roles)),
                )
            )
            if won.rowcount:
                ledger.append(
                    connection,
                    act="sign",
                    actor=change.actors[-1],
                    agency=change.sidecar.agency,
                    objects=[change.document, attempt.sha256],
                    details={"level": attempt.level, "roles": list(attempt.roles), "version": change.version},
                )
        winner = self.claimed(change.document)
        if winner is None:
            raise Overtaken
        return winner

    def finish(self, change: PageChange, claim: Claim) -> int:
        """Content, manifest, catalogue; returns the new version. Raises Overtaken, Tampered, Unavailable."""
        side = replace(change.sidecar, pdf_sha256=claim.sha256, level=claim.level, roles=claim.roles)
        try:
            entries, generation = self._place(change, claim, side)
        except Overtaken:
            self.drop(change, "repage_overtaken", change.actors[-1], OVERTAKEN)
            raise
        with writing(self._database) as connection:
            catalogue(connection, change, claim, side, entries, generation)
        return change.version

    def _place(
        self, change: PageChange, claim: Claim, side: Sidecar
    ) -> tuple[list[Entry], tuple[Manifest, StoredObject]]:
        base = self.entries(change.place, change.document, change.base)
        until = change.at + max(self._lock, LEAST_LOCK)
        content = dump(side)
        beside = Blob(path=Path(), sha256=digest(content), size=len(content), media_type=JSON)
        needed = {one.source_sha256 for one in side.pages}
        originals = [e for e in base if e.role == "original" and e.sha256 in needed]
        entries = [
            replace(
                next(e for e in base if e.role == "document"),
                version=change.version,
                key=self._copy(change.place, claim.key, claim.sha256, PDF, until),
                sha256=claim.sha256,
                size=self._size(claim),
                signature_level=claim.level,
                retain_until=until,
            ),
            replace(
                next(e for e in base if e.role == "sidecar"),
                version=change.version,
                key=self._archive.keep(
                    layout.content(change.place, beside.sha256, JSON), content, beside, until
                ).key,
                sha256=beside.sha256,
                size=beside.size,
                retain_until=until,
            ),
            *(replace(e, version=change.version) for e in originals),
        ]
        there = {e.sha256 for e in originals}
        for one in change.fresh:
            if one.sha256 in needed - there:
                entries.append(
                    Entry(
                        document=change.document,
                        version=change.version,
                        role="original",
                        key=self._copy(
                            change.place, one.key, one.sha256, one.media_type, until, source=one.source
                        ),
                        sha256=one.sha256,
                        size=one.size,
                        media_type=one.media_type,
                        source=one.source,
                        retain_until=until,
                    )
                )
        return entries, self._commit(change, claim, entries, until)

    def _commit(
        self, change: PageChange, claim: Claim, entries: Sequence[Entry], until: datetime
    ) -> tuple[Manifest, StoredObject]:
        """The next generation with these entries, unless one has the signed file already."""

        def make(last: Manifest | None) -> Manifest | None:
            mine = [e for e in (last.entries if last else ()) if e.document == change.document]
            newest = max((e.version for e in mine), default=0)
            published = {e.sha256 for e in mine if e.version == change.version and e.role == "document"}
            if newest == change.version and claim.sha256 in published:
                return None
            if last is None or newest != change.base:
                raise Overtaken
            return replace(
                last,
                number=last.number + 1,
                previous=None,
                created=change.at,
                agency=change.sidecar.agency,
                actor=change.actors[-1],
                entries=(*last.entries, *entries),
            )

        return self._archive.commit_next(change.place, make, lock_until=until)

    def _copy(
        self, place: str, key: str, sha256: Sha256, media_type: str, until: datetime, *, source: str = ""
    ) -> str:
        """An object of the bucket at its locked place, checked on its way."""
        target = layout.content(place, sha256, media_type, source)
        with tempfile.TemporaryDirectory(prefix="sohoa-pages-") as folder:
            path = Path(folder) / "object"
            self._archive.fetch(key, sha256, path)
            blob = Blob(path=path, sha256=sha256, size=path.stat().st_size, media_type=media_type)
            return self._archive.keep(target, path, blob, until).key

    def _size(self, claim: Claim) -> int:
        with tempfile.TemporaryDirectory(prefix="sohoa-pages-") as folder:
            path = Path(folder) / "object"
            self._archive.fetch(claim.key, claim.sha256, path)
            return path.stat().st_size

    def published(self, change: PageChange) -> bool:
        """Whether a manifest has the new version already, so that only the catalogue waits for it."""
        last: Manifest | None = None
        for key, content in self._archive.manifests(change.place):
            last = decode(content, key)
        return last is not None and last.version_of(change.document) > change.base

    def drop(self, change: PageChange, act: str, actor: str, reason: str) -> bool:
        """The new sides are set aside with the reason, and the ledger says so; False when nothing is on its way."""
        with writing(self._database) as connection:
            gone = connection.execute(delete(page_change).where(page_change.c.document == change.document))
            if not gone.rowcount:
                return False
            sides = select(changed_side.c.page).where(
                changed_side.c.document == change.document,
                changed_side.c.version == change.version,
                changed_side.c.role.is_not(None),
            )
            connection.execute(
                update(page)
                .where(page.c.id.in_(sides), page.c.state == "working")
                .values(state="rejected", reason=reason)
            )
            connection.execute(
                update(document)
                .where(document.c.id == change.document, document.c.reason == WAITS)
                .values(reason=None)
            )
            ledger.append(
                connection,
                act=act,
                actor=actor,
                agency=change.sidecar.agency,
                objects=[change.document],
                details={
                    "base": change.base, "change": change.act, "pages": list(change.pages), "reason": reason,
                },
            )  # fmt: skip
            return True
