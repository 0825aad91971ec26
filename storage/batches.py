"""The working state of batches: what is where. Every method may be called again with the same records."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, delete, select, update

from pipeline.model import (
    Document,
    Intake,
    Level,
    Page,
    Paper,
    ReadPage,
    Sha256,
    SignatureRole,
    Sorting,
    Verdict,
)
from pipeline.records import dump, load
from storage import ledger
from storage.batch_view import batch_view
from storage.database import insert, reading, writing
from storage.home_tables import taken_by
from storage.page_tables import changed_side, stack_order, stack_pages
from storage.schema import batch, document, page
from storage.settling import SHEET_SIDES, count_of, late_sides, settle, tally

OPEN = ("queued", "running")


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The one signed attempt that became a document's."""

    sha256: Sha256
    key: str
    level: Level | None
    roles: tuple[SignatureRole, ...]


class Batches:
    """Working state in the database."""

    def __init__(self, database: Engine, *, home: str | None = None) -> None:
        self._database = database
        self._home = home

    def open(self, intake: Intake) -> None:
        """Record a batch as queued, with its ledger entry."""
        with writing(self._database) as connection:
            connection.execute(
                insert(batch)
                .values(
                    id=intake.id,
                    source=intake.source,
                    agency=intake.agency,
                    actor=intake.actor,
                    received_at=intake.received_at.isoformat(),
                    dossier=intake.dossier,
                    intake=dump(intake).decode(),
                    expected_sides=intake.sides or (intake.sheets * SHEET_SIDES if intake.sheets else None),
                    state="queued",
                    attempt=1,
                    opened_at=time.time(),
                )
                .on_conflict_do_nothing()
            )
            if self._home:
                connection.execute(
                    insert(taken_by).values(batch=intake.id, home=self._home).on_conflict_do_nothing()
                )
            ledger.append(
                connection,
                act="take_in",
                actor=intake.actor,
                agency=intake.agency,
                objects=[intake.id, *(file.blob.sha256 for file in intake.files)],
                details={"files": len(intake.files)},
                request=f"take_in:{intake.id}",
            )

    def intake(self, batch_id: str) -> Intake:
        """The batch as it was taken in."""
        with reading(self._database) as connection:
            found = connection.execute(select(batch.c.intake).where(batch.c.id == batch_id)).scalar_one()
        return load(Intake, found.encode())

    def source_of(self, batch_id: str) -> str | None:
        """Where a known batch came from, None when it is not known."""
        found: str | None = self._one(select(batch.c.source).where(batch.c.id == batch_id))
        return found

    def attempt(self, batch_id: str) -> int | None:
        found: int | None = self._one(select(batch.c.attempt).where(batch.c.id == batch_id))
        return found

    def next_attempt(self, batch_id: str) -> int:
        """Count one more attempt and mark the batch queued."""
        with writing(self._database) as connection:
            connection.execute(
                update(batch)
                .where(batch.c.id == batch_id)
                .values(attempt=batch.c.attempt + 1, state="queued", reason=None)
            )
            number = connection.execute(select(batch.c.attempt).where(batch.c.id == batch_id)).scalar_one()
        return int(number)

    def state(self, batch_id: str) -> str | None:
        found: str | None = self._one(select(batch.c.state).where(batch.c.id == batch_id))
        return found

    def is_open(self, batch_id: str) -> bool:
        """Whether an attempt is under way."""
        return self.state(batch_id) in OPEN

    def is_ours(self, batch_id: str) -> bool:
        """Whether this home took the batch in: it has the originals, and no other home works on it."""
        return bool(self._one(select(batch.c.id).where(batch.c.id == batch_id, *self._ours())))

    def _ours(self) -> list[ColumnElement[bool]]:
        if self._home is None:
            return []
        return [batch.c.id.in_(select(taken_by.c.batch).where(taken_by.c.home == self._home))]

    def running(self) -> list[tuple[str, int]]:
        """Batches of this home under way, with their attempt."""
        with reading(self._database) as connection:
            query = select(batch.c.id, batch.c.attempt).where(batch.c.state.in_(OPEN), *self._ours())
            rows = connection.execute(query)
            return [(row.id, row.attempt) for row in rows]

    def retriable(self) -> list[str]:
        """Batches of this home that trying again may help: paused, or failed with any readable page."""
        with reading(self._database) as connection:
            query = select(batch.c.id).where(batch.c.state.in_(("paused", "failed")), *self._ours())
            rows = connection.execute(query)
            return [row.id for row in rows if not self._hopeless(connection, row.id)]

    def list(self, *, open_only: bool) -> list[str]:
        """Batch ids, oldest first; open means not done."""
        query = select(batch.c.id).order_by(batch.c.opened_at)
        if open_only:
            query = query.where(batch.c.state != "done")
        with reading(self._database) as connection:
            return list(connection.execute(query).scalars())

    def set_state(self, batch_id: str, state: str, reason: str | None = None) -> None:
        with writing(self._database) as connection:
            connection.execute(update(batch).where(batch.c.id == batch_id).values(state=state, reason=reason))

    def set_pages(self, batch_id: str, pages: Sequence[Page]) -> None:
        """Every side of the batch as a row; sides known from an earlier attempt stay as they are."""
        rows = [
            {
                "id": item.id,
                "batch": batch_id,
                "idx": item.index,
                "source": item.source,
                "source_sha256": item.file.sha256,
                "state": "rejected" if item.reason else "working",
                "reason": item.reason,
            }
            for item in pages
        ]
        with writing(self._database) as connection:
            connection.execute(insert(page).on_conflict_do_nothing(), rows)

    def record_read(self, read: Sequence[ReadPage]) -> None:
        """What reading found on each side; one that a page change touched stays as that left it."""
        states = {Verdict.CONTENT: "read", Verdict.BLANK: "blank", Verdict.REJECTED: "rejected"}
        with writing(self._database) as connection:
            for item in read:
                rejected = item.verdict is Verdict.REJECTED
                connection.execute(
                    update(page)
                    .where(page.c.id == item.page.id, page.c.id.not_in(select(changed_side.c.page)))
                    .values(
                        state=states[item.verdict],
                        reason=item.reason,
                        page_sha256=item.image.sha256 if item.image else None,
                        turn=None if rejected else item.turn,
                        skew=None if rejected else item.skew,
                        confidence=None if rejected else item.confidence,
                        text=item.text,
                    )
                )

    def signed(self, batch_id: str) -> dict[str, Sequence[int]]:
        """Documents of a batch that are signed, or laid ready for it, with the indexes that its stack cut them from."""
        query = select(document.c.id, document.c.pages).where(
            document.c.batch == batch_id,
            document.c.state.in_(("stored", "awaiting_signature")) | document.c.staged_sha256.is_not(None),
        )
        with reading(self._database) as connection:
            first = stack_pages(connection, batch_id)
            return {row.id: first.get(row.id) or json.loads(row.pages) for row in connection.execute(query)}

    def record_sorting(self, batch_id: str, sorting: Sorting, documents: Sequence[str]) -> None:
        """Separators, and content pages that wait for a person.

        What an earlier attempt made of the stack, and this one does not (`documents` are the ids of its papers), goes
        unless it has a signature: a side that was read meanwhile may have named the dossier, or lengthened a paper.
        """
        with writing(self._database) as connection:
            unsigned = select(document.c.id).where(
                document.c.batch == batch_id,
                document.c.state.in_(("working", "waiting", "review")),
                document.c.staged_sha256.is_(None),
            )
            for name in set(connection.execute(unsigned).scalars()).difference(documents):
                connection.execute(delete(document).where(document.c.id == name))
            for index in sorting.separators:
                self._set_page(connection, batch_id, index, "separator", None)
            for index, reason in sorting.review.items():
                self._set_page(connection, batch_id, index, "review", reason)
            for index, reason in sorting.aside.items():
                self._set_page(connection, batch_id, index, "rejected", reason)

    def open_document(self, item: Document) -> bool:
        """Record a document. When it is held already, mark these pages as duplicates instead.

        Returns whether the document belongs to this batch.
        """
        paper = item.paper
        values = described(paper, agency=item.agency)
        state = "review" if paper.review else "working"
        with writing(self._database) as connection:
            held = connection.execute(select(document).where(document.c.id == item.id)).one_or_none()
            first = connection.execute(
                select(stack_order.c.pages).where(stack_order.c.document == item.id)
            ).scalar()
            # The same bytes twice in one stack are one document; the second showing is a duplicate too.
            if held is not None and (held.batch, first or held.pages) != (item.batch, values["pages"]):
                for index in paper.pages:
                    reason = f"Trùng với giấy tờ {item.id} đã có trong hồ sơ (already held as {item.id})"
                    self._set_page(connection, item.batch, index, "duplicate", reason)
                return False
            connection.execute(
                insert(document)
                .values(
                    id=item.id, batch=item.batch, state=state, reason=paper.review, light="amber", **values
                )
                .on_conflict_do_update(
                    index_elements=["id"],
                    set_={**values, "state": state, "reason": paper.review},
                    where=document.c.state != "stored",
                )
            )
            return True

    def is_stored(self, document_id: str) -> bool:
        return bool(self._one(select(document.c.state).where(document.c.id == document_id)) == "stored")

    def set_document_state(self, document_id: str, state: str, reason: str | None) -> None:
        with writing(self._database) as connection:
            connection.execute(
                update(document)
                .where(document.c.id == document_id, document.c.state != "stored")
                .values(state=state, reason=reason)
            )

    def claim_signature(
        self,
        document_id: str,
        *,
        sha256: Sha256,
        level: Level | None,
        key: str,
        roles: Sequence[SignatureRole],
    ) -> Claim:
        """Make a signed attempt the document's unless another is already; returns the winner."""
        with writing(self._database) as connection:
            won = connection.execute(
                update(document)
                .where(document.c.id == document_id, document.c.staged_sha256.is_(None))
                .values(
                    staged_sha256=sha256, staged_key=key, signature_level=level, roles=json.dumps(list(roles))
                )
            )
            if won.rowcount:
                who = select(batch.c.actor, batch.c.agency).join(document, document.c.batch == batch.c.id)
                row = connection.execute(who.where(document.c.id == document_id)).one()
                ledger.append(
                    connection,
                    act="sign",
                    actor=row.actor,
                    agency=row.agency,
                    objects=[document_id, sha256],
                    details={"level": level, "roles": list(roles)},
                )
        winner = self.claimed(document_id)
        assert winner is not None
        return winner

    def claimed(self, document_id: str) -> Claim | None:
        """The signed attempt that is the document's, or None."""
        with reading(self._database) as connection:
            row = connection.execute(select(document).where(document.c.id == document_id)).one()
        if row.staged_sha256 is None:
            return None
        return Claim(
            sha256=Sha256(row.staged_sha256),
            key=row.staged_key,
            level=Level(row.signature_level) if row.signature_level else None,
            roles=tuple(SignatureRole(role) for role in json.loads(row.roles or "[]")),
        )

    def settle(self, batch_id: str) -> None:
        """Derive the batch's state from its pages and papers."""
        with writing(self._database) as connection:
            settle(connection, batch_id)

    def progress(self, batch_ids: Sequence[str]) -> dict[str, int]:
        """Counts for a progress bar."""
        with reading(self._database) as connection:
            counts = tally(connection, page, batch_ids)
            papers = tally(connection, document, batch_ids)
        return {
            "pages": sum(counts.values()),
            "pages_done": sum(n for state, n in counts.items() if state not in ("queued", "working")),
            "documents": sum(papers.values()),
            "documents_done": sum(n for state, n in papers.items() if state != "working"),
        }

    def view(self, batch_id: str, *, with_text: bool) -> dict[str, Any]:
        """One element of `batches` in the contract's JSON."""
        with reading(self._database) as connection:
            row = connection.execute(select(batch).where(batch.c.id == batch_id)).one()
            pages = connection.execute(
                select(page).where(page.c.batch == batch_id).order_by(page.c.idx)
            ).all()
            papers = connection.execute(select(document).where(document.c.batch == batch_id)).all()
            late = late_sides(connection, batch_id)
            expected = count_of(connection, batch_id).expected
        return batch_view(row, pages, papers, with_text=with_text, late=late, expected=expected)

    def _one(self, query: Any) -> Any:
        with reading(self._database) as connection:
            return connection.execute(query).scalar()

    @staticmethod
    def _hopeless(connection: Connection, batch_id: str) -> bool:
        states = set(connection.execute(select(page.c.state).where(page.c.batch == batch_id)).scalars())
        return states == {"rejected"}

    @staticmethod
    def _set_page(connection: Connection, batch_id: str, index: int, state: str, reason: str | None) -> None:
        connection.execute(
            update(page)
            .where(page.c.batch == batch_id, page.c.idx == index)
            .values(state=state, reason=reason)
        )


def described(paper: Paper, *, agency: str) -> dict[str, Any]:
    """A document's row as far as its paper tells."""
    fields = {field.name: field for field in paper.fields}
    return {
        "dossier": paper.dossier,
        "origin": paper.origin,
        "agency": agency,
        "type": paper.type,
        "type_name": paper.type_name,
        **{
            name: fields[name].value if name in fields else None
            for name in ("title", "number", "date", "issuer", "signer")
        },
        "paper": dump(paper).decode(),
        "doubtful": json.dumps(doubtful(paper)),
        "pages": json.dumps(list(paper.pages)),
    }


def doubtful(paper: Paper) -> list[str]:
    """Names of fields that are suggestions only, as the contract lists them."""
    known = ("dossier", "type", "title", "number", "date", "issuer", "signer", "pages")
    names = {field.name for field in paper.fields if field.doubtful}
    if paper.dossier is None:
        names.add("dossier")
    return [name for name in known if name in names]
