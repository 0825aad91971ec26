"""The state of a batch, derived from its sides and papers, what was declared, and what a person counted since."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Table, func, select, update

from storage.count_tables import recount
from storage.page_tables import changed_side
from storage.schema import batch, document, page

SHEET_SIDES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """Sides captured of a batch against sides declared; `expected` is None where nobody declared any.

    `exact` where the number of sides is known itself, and not only that of sheets. `recounted` is the number of sheets
    that a person counted later, `missing` why a person says that sheets were not scanned.
    """

    captured: int
    expected: int | None
    exact: bool
    declared: str
    recounted: int | None = None
    reason: str | None = None
    missing: str | None = None

    @property
    def agrees(self) -> bool:
        if self.expected is None or self.captured == self.expected:
            return True
        return not self.exact and self.captured == self.expected // SHEET_SIDES


def count_of(connection: Connection, batch_id: str) -> Count:
    """What was declared, captured and counted again; sides that a page change brought are of no declared sheet."""
    row = connection.execute(
        select(batch.c.expected_sides, batch.c.intake).where(batch.c.id == batch_id)
    ).one()
    captured = sum(tally(connection, page, [batch_id]).values()) - len(late_sides(connection, batch_id))
    exact = json.loads(row.intake).get("sides") is not None
    declared = f"{row.expected_sides} mặt" if exact else f"{(row.expected_sides or 0) // SHEET_SIDES} tờ"
    said = connection.execute(
        select(recount).where(recount.c.batch == batch_id).order_by(recount.c.seq.desc())
    ).first()
    if said is not None and said.sides is not None:
        return Count(
            captured=captured,
            expected=said.sides,
            exact=True,
            declared=declared,
            recounted=said.sheets,
            reason=said.reason,
        )
    missing = said.reason if said is not None else None
    return Count(
        captured=captured, expected=row.expected_sides, exact=exact, declared=declared, missing=missing
    )


def settle(connection: Connection, batch_id: str) -> None:
    """Write the batch's state and reason."""
    pages = tally(connection, page, [batch_id])
    papers = set(connection.execute(select(document.c.state).where(document.c.batch == batch_id)).scalars())
    # A page in review by itself tells of the stack, as a missing separator sheet does.
    told = connection.execute(
        select(page.c.reason)
        .where(page.c.batch == batch_id, page.c.state == "review", page.c.reason.is_not(None))
        .order_by(page.c.idx)
    ).scalars()
    count = count_of(connection, batch_id)
    state, reason = _settled(pages, papers, count, list(dict.fromkeys(told)), batch_id=batch_id)
    connection.execute(
        update(batch).where(batch.c.id == batch_id).values(state=state, reason=reason, settled_at=time.time())
    )


def tally(connection: Connection, table: Table, batch_ids: Sequence[str]) -> dict[str, int]:
    """Rows of these batches by state."""
    query = select(table.c.state, func.count()).where(table.c.batch.in_(batch_ids)).group_by(table.c.state)
    return {str(state): int(number) for state, number in connection.execute(query)}


def late_sides(connection: Connection, batch_id: str) -> dict[str, str]:
    """Sides that a page change brought into a batch, with their roles: no sheet of the stack was declared for them."""
    query = (
        select(changed_side.c.page, changed_side.c.role)
        .join(page, page.c.id == changed_side.c.page)
        .where(page.c.batch == batch_id, changed_side.c.role.is_not(None))
    )
    return {row.page: row.role for row in connection.execute(query)}


def differs(count: Count, batch_id: str) -> str:
    """How the count differs, and what settles it."""
    if count.recounted is not None:
        told = (
            f"Số mặt quét được là {count.captured}, đã đếm lại {count.recounted} tờ có {count.expected} mặt"
        )
        told += " (sides differ)"
    elif count.exact:
        told = f"Số mặt quét được là {count.captured}, theo số tờ đã khai phải là {count.expected} (sides differ)"
    else:
        told = f"Số mặt quét được là {count.captured}, đã khai {count.declared} (sheet count differs)"
    if count.missing:
        return (
            f"{told}; còn tờ chưa quét: {count.missing}. Quét các tờ thiếu thành tập riêng (`sohoa ingest`), tờ"
            " của giấy đã lưu thì `sohoa repage d_… --insert-after`; xong thì ghi số tờ của lô này:"
            f" `sohoa review {batch_id} --sheets N` (scan the missing sheets, then say how many this batch has)"
        )
    return (
        f"{told}; đếm lại rồi ghi số tờ đúng: `sohoa review {batch_id} --sheets N`; thiếu tờ thì"
        ' `--rescan "lý do"` (count again)'
    )


def _settled(
    pages: dict[str, int], papers: set[str], count: Count, told: Sequence[str], *, batch_id: str
) -> tuple[str, str | None]:
    if pages.get("rejected", 0) == sum(pages.values()):
        return "failed", "Không nhận được tệp nào (nothing could be accepted)"
    if "waiting" in papers or "working" in papers:
        return "paused", "Đang chờ dịch vụ, sẽ tự thử lại (a service is down; tried again by itself)"
    if "awaiting_signature" in papers:
        signs = "Có giấy tờ chờ ký ở máy khác: `sohoa sign export` (papers wait to be signed elsewhere)"
        told = [signs, *told]
    if not count.agrees:
        return "review", "; ".join([differs(count, batch_id), *told])
    if papers & {"review", "awaiting_signature"} or pages.get("review"):
        return "review", "; ".join(told) or "Có giấy tờ cần người xem lại (papers wait for a person)"
    if count.recounted is not None:
        why = f": {count.reason}" if count.reason else ""
        return "done", f"Khai {count.declared}, đếm lại là {count.recounted} tờ{why} (counted again)"
    return "done", None
