"""What persons decided in review: kept for the next attempt of the batch, and on the ledger."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, delete, insert, or_, select, update

from pipeline.errors import UsageError
from pipeline.model import Arrangement, Decision, Field, Origin, Paper
from pipeline.records import load
from storage import ledger
from storage.database import reading, writing
from storage.page_tables import stack_pages
from storage.review_tables import ruling
from storage.schema import batch, document, page

SETTLING = ("settle", "rescan")
DOUBT = '"doubtful":true'
"""As it stands in the record of a paper: fields of persons are no part of the column of doubts."""
PAGES = ("pages", "touched")
"""Where the body of a ruling names the pages that it is about."""


class Decisions:
    """The review queue, and the answers to it."""

    def __init__(self, database: Engine) -> None:
        self._database = database

    def waiting(self) -> list[dict[str, Any]]:
        """Papers and single pages that wait for a person, oldest batch first."""
        with reading(self._database) as connection:
            papers = connection.execute(
                select(document, batch.c.source, batch.c.opened_at)
                .join(batch, batch.c.id == document.c.batch)
                .where(document.c.state == "review")
            ).all()
            sides = connection.execute(
                select(page, batch.c.opened_at)
                .join(batch, batch.c.id == page.c.batch)
                .where(page.c.state == "review")
            ).all()
        items = [(row.opened_at, json.loads(row.pages)[0], _paper(row)) for row in papers]
        items += [(row.opened_at, row.idx, _side(row)) for row in sides]
        return [item for _, _, item in sorted(items, key=lambda one: one[:2])]

    def doubtful(self) -> list[dict[str, Any]]:
        """Stored papers with fields (also of persons) that are suggestions only, oldest first: nothing waits."""
        query = (
            select(document, batch.c.source)
            .join(batch, batch.c.id == document.c.batch)
            .where(
                document.c.state == "stored",
                or_(document.c.doubtful != "[]", document.c.paper.contains(DOUBT, autoescape=True)),
            )
            .order_by(document.c.stored_at, document.c.id)
        )
        with reading(self._database) as connection:
            return [{**_paper(row), **_doubts(row)} for row in connection.execute(query)]

    def state(self, item: str) -> str | None:
        """The state of a paper (`d_…`) or a side (`p_…`), None when nothing has that name."""
        table = document if item.startswith("d_") else page
        with reading(self._database) as connection:
            found: str | None = connection.execute(select(table.c.state).where(table.c.id == item)).scalar()
        return found

    def paper(self, item: str) -> Paper | None:
        """What is known of a paper, stored or not; None where it stands nowhere."""
        query = select(document.c.paper).where(document.c.id == item)
        with reading(self._database) as connection:
            body = connection.execute(query).scalar()
        return load(Paper, body.encode()) if body else None

    def of(self, batch_id: str) -> tuple[Decision, ...]:
        """All decisions on papers of a batch, in the order they were taken."""
        return tuple(
            Decision(
                page=row.page,
                dossier=body.get("dossier"),
                type=body.get("type"),
                fields=tuple((name, value) for name, value in body.get("fields", ())),
                confirmed=bool(body.get("confirmed")),
                rescan=body.get("rescan"),
            )
            for row, body in self._rulings(batch_id)
            if row.act in SETTLING
        )

    def arrangement(self, batch_id: str) -> Arrangement:
        """What was decided about the pages of a batch; of two decisions on one page the later one counts."""
        begins: set[int] = set()
        joins: set[int] = set()
        moved: list[tuple[int, int]] = []
        turned: dict[int, int] = {}
        aside: dict[int, str] = {}
        for row, body in self._rulings(batch_id):
            if row.act == "move":
                moved.append((row.page, body["after"]))
            if row.act in ("split", "merge", "move"):
                begins = begins - set(body["joins"]) | set(body["begins"])
                joins = joins - set(body["begins"]) | set(body["joins"])
            elif row.act == "turn":
                turned[row.page] = body["turn"]
            elif row.act == "aside":
                aside.update(dict.fromkeys(body["pages"], body["reason"]))
        return Arrangement(
            begins=frozenset(begins),
            joins=frozenset(joins),
            moved=tuple(moved),
            turned=turned,
            aside=aside,
        )

    def place(self, item: str) -> dict[str, Any]:
        """Batch, state, pages and origin of a paper or side, and the batch's other papers. Raises UsageError."""
        table = document if item.startswith("d_") else page
        with reading(self._database) as connection:
            row = connection.execute(select(table).where(table.c.id == item)).first()
            if row is None:
                raise UsageError(f"nothing is called {item} here", vi=f"Không có {item}")
            others = connection.execute(
                select(document).where(document.c.batch == row.batch, document.c.id != item)
            ).all()
            stack = stack_pages(connection, row.batch)
            sides = {
                one.idx: one for one in connection.execute(select(page).where(page.c.batch == row.batch))
            }
        own = row if item.startswith("d_") else None
        return {
            "batch": row.batch,
            "state": row.state,
            "pages": json.loads(own.pages) if own is not None else [row.idx],
            "signed": own is not None and own.origin == Origin.INCOMING_SIGNED,
            "type": own.type if own is not None else None,
            "papers": [
                {
                    "id": one.id,
                    "state": one.state,
                    "pages": stack.get(one.id) or json.loads(one.pages),
                    "signed": one.origin == Origin.INCOMING_SIGNED,
                }
                for one in others
            ],
            "sides": {index: one.state for index, one in sides.items()},
        }

    def record(
        self, item: str, *, act: str, page_index: int, body: dict[str, Any], actor: str, agency: str
    ) -> str:
        """Keep a decision on a waiting paper (`d_…`) or page (`p_…`); returns its batch.

        The rows of papers in review go: the next attempt makes them anew under what was decided. Raises UsageError
        when nothing of that name waits.
        """
        with writing(self._database) as connection:
            table = document if item.startswith("d_") else page
            row = connection.execute(
                select(table).where(table.c.id == item, table.c.state == "review")
            ).first()
            if row is None:
                raise UsageError(
                    f"{item} does not wait for a person", vi=f"{item} không nằm trong danh sách chờ"
                )
            _not_at_work(connection, row.batch)
            connection.execute(
                insert(ruling).values(
                    batch=row.batch,
                    act=act,
                    page=page_index,
                    body=json.dumps(body, ensure_ascii=False),
                    actor=ledger.actor_key(agency, actor),
                    at=datetime.now(UTC).isoformat(),
                    undone=False,
                )
            )
            _make_anew(connection, row.batch)
            ledger.append(
                connection,
                act="decide",
                actor=actor,
                agency=agency,
                objects=[item, row.batch],
                details={"decision": act, "page": page_index, **_public(body)},
            )
            return str(row.batch)

    def undo(self, batch_id: str, *, actor: str, agency: str) -> str:
        """Take back the newest decision on a batch; returns what it was. Raises UsageError when that is too late.

        Once a paper that it touches is stored, it stands; the paper is corrected then.
        """
        with writing(self._database) as connection:
            row = connection.execute(
                select(ruling)
                .where(ruling.c.batch == batch_id, ruling.c.undone.is_(False))
                .order_by(ruling.c.seq.desc())
            ).first()
            if row is None:
                raise UsageError("nothing is decided here yet", vi="Lô này chưa có quyết định nào")
            _not_at_work(connection, batch_id)
            body = json.loads(row.body)
            touched = {row.page, *(page for name in PAGES for page in body.get(name, ()))}
            stored = connection.execute(
                select(document.c.id, document.c.pages).where(
                    document.c.batch == batch_id, document.c.state != "review"
                )
            ).all()
            stack = stack_pages(connection, batch_id)
            if any(touched & {*json.loads(one.pages), *stack.get(one.id, ())} for one in stored):
                raise UsageError(
                    "a paper with these pages is stored or on its way; correct it instead",
                    vi="Giấy tờ có các trang này đã lưu hoặc đang được lưu; hãy sửa giấy tờ đó",
                )
            connection.execute(update(ruling).where(ruling.c.seq == row.seq).values(undone=True))
            _make_anew(connection, batch_id)
            ledger.append(
                connection,
                act="undo",
                actor=actor,
                agency=agency,
                objects=[batch_id],
                details={"decision": row.act, "page": row.page, "decided_at": row.at},
            )
            return str(row.act)

    def _rulings(self, batch_id: str) -> Iterable[tuple[Any, dict[str, Any]]]:
        query = (
            select(ruling)
            .where(ruling.c.batch == batch_id, ruling.c.undone.is_(False))
            .order_by(ruling.c.seq)
        )
        with reading(self._database) as connection:
            rows = connection.execute(query).all()
        return [(row, json.loads(row.body)) for row in rows]


def _make_anew(connection: Connection, batch_id: str) -> None:
    """Papers in review were never signed; what the next attempt makes of their pages takes their place."""
    connection.execute(delete(document).where(document.c.batch == batch_id, document.c.state == "review"))
    # Should the process end here, the clock finds a batch that nobody works on.
    connection.execute(update(batch).where(batch.c.id == batch_id).values(state="queued"))


def _not_at_work(connection: Connection, batch_id: str) -> None:
    state = connection.execute(select(batch.c.state).where(batch.c.id == batch_id)).scalar()
    if state in ("queued", "running"):
        raise UsageError(
            f"batch {batch_id} is being worked on; decide when it rests",
            vi="Lô này đang được xử lý; hãy quyết lại sau ít phút",
        )


def _public(body: dict[str, Any]) -> dict[str, Any]:
    """What of a decision the ledger keeps: names of fields, not what stands in them."""
    kept = {key: value for key, value in body.items() if key != "fields"}
    if body.get("fields"):
        kept["fields"] = [name for name, _ in body["fields"]]
    return kept


def _doubts(row: Any) -> dict[str, Any]:
    """All doubtful fields with their places; `doubtful` names those of the contract."""
    fields = [field_view(field) for field in load(Paper, row.paper.encode()).fields if field.doubtful]
    return {"doubtful": json.loads(row.doubtful), "dossier": row.dossier, "fields": fields}


def _paper(row: Any) -> dict[str, Any]:
    return {
        "id": row.id,
        "batch": row.batch,
        "source": row.source,
        "pages": json.loads(row.pages),
        "type": row.type,
        "type_name": row.type_name,
        "number": row.number,
        "date": row.date,
        "reason": row.reason,
    }


def field_view(field: Field) -> dict[str, Any]:
    """A field as `sohoa review --json` has it; `page` is the batch index, the box in pixels of the upright page."""
    box = field.box
    return {
        "name": field.name,
        "value": field.value,
        "confidence": field.confidence,
        "evidence": field.evidence,
        "page": field.page,
        "box": [box.left, box.top, box.right, box.bottom] if box else None,
    }


def _side(row: Any) -> dict[str, Any]:
    return {
        "id": row.id,
        "batch": row.batch,
        "source": row.source,
        "pages": [row.idx],
        "type": None,
        "type_name": None,
        "number": None,
        "date": None,
        "reason": row.reason,
    }
