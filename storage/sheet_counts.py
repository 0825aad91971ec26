"""Batches whose sides do not match the declared sheets: listed until a person has counted again, on the ledger."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, select

from pipeline.errors import UsageError
from storage import ledger
from storage.count_tables import recount
from storage.database import insert, reading, writing
from storage.schema import batch, page
from storage.settling import SHEET_SIDES, Count, count_of, differs, settle

RESTING = ("review", "done")


class SheetCounts:
    """The count of a batch, and what a person says about it. The first declaration stays on record."""

    def __init__(self, database: Engine, *, agency: str) -> None:
        self._database = database
        self._agency = agency

    def waiting(self) -> list[dict[str, Any]]:
        """Batches that rest with another number of sides than declared, oldest first."""
        query = (
            select(batch.c.id, batch.c.source)
            .where(batch.c.state == "review", batch.c.expected_sides.is_not(None))
            .order_by(batch.c.opened_at, batch.c.id)
        )
        found = []
        with reading(self._database) as connection:
            for row in connection.execute(query).all():
                count = count_of(connection, row.id)
                if not count.agrees:
                    sides = select(page.c.idx).where(page.c.batch == row.id).order_by(page.c.idx)
                    found.append(
                        {
                            "id": row.id,
                            "batch": row.id,
                            "source": row.source,
                            "pages": list(connection.execute(sides).scalars()),
                            "type": None,
                            "type_name": None,
                            "number": None,
                            "date": None,
                            "reason": differs(count, row.id),
                            "captured_sides": count.captured,
                            "expected_sides": count.expected,
                        }
                    )
        return found

    def known(self, name: str) -> str:
        """The batch itself. Raises UsageError when there is none of that name."""
        with reading(self._database) as connection:
            if connection.execute(select(batch.c.id).where(batch.c.id == name)).first() is None:
                raise UsageError(f"no batch {name}", vi=f"Không có lô {name}")
        return name

    def recount(self, name: str, *, sheets: int, reason: str | None, actor: str) -> None:
        """Record that the captured sides are those of so many sheets, and settle the batch by it.

        Raises UsageError where nothing was declared, where sheets are more than sides, and where they have more sides
        than two each without a reason (an A3 sheet in parts, a side scanned again).
        """
        self._say(name, sheets=sheets, reason=reason, actor=actor)

    def missing(self, name: str, *, reason: str, actor: str) -> None:
        """Record that sheets were not scanned: the batch goes on waiting, and says what to do."""
        self._say(name, sheets=None, reason=reason, actor=actor)

    def _say(self, name: str, *, sheets: int | None, reason: str | None, actor: str) -> None:
        with writing(self._database) as connection:
            state = connection.execute(select(batch.c.state).where(batch.c.id == name)).scalar()
            if state not in RESTING:
                raise UsageError(
                    f"batch {name} does not rest; say it when its papers are settled",
                    vi=f"Lô {name} chưa làm xong; hãy ghi khi lô đã dừng (`sohoa status {name}`)",
                )
            count = count_of(connection, name)
            _may_say(count, name, sheets, reason)
            connection.execute(
                insert(recount).values(
                    batch=name,
                    sheets=sheets,
                    sides=None if sheets is None else count.captured,
                    reason=reason,
                    actor=ledger.actor_key(self._agency, actor),
                    at=datetime.now(UTC).isoformat(),
                )
            )
            ledger.append(
                connection,
                act="recount",
                actor=actor,
                agency=self._agency,
                objects=[name],
                details={
                    "expected_sides": count.expected,
                    "captured_sides": count.captured,
                    "sheets": sheets,
                    "reason": reason,
                },
            )
            settle(connection, name)


def _may_say(count: Count, name: str, sheets: int | None, reason: str | None) -> None:
    if count.expected is None:
        raise UsageError(
            f"no sheets were declared for {name}; there is nothing to compare",
            vi=f"Lô {name} không khai số tờ nên không có gì để đối chiếu",
        )
    if sheets is None:
        if count.agrees:
            raise UsageError(
                f"the count of {name} is settled; scan more sheets as a stack of their own",
                vi=f"Số tờ của lô {name} đã khớp; tờ sót thì quét thành tập riêng",
            )
        return
    if sheets > count.captured:
        raise UsageError(
            f"{count.captured} sides cannot be {sheets} sheets; are some missing? sohoa review {name} --rescan WHY",
            vi=f"Chỉ có {count.captured} mặt, không thể là {sheets} tờ; còn thiếu tờ thì:"
            f' sohoa review {name} --rescan "lý do"',
        )
    if sheets * SHEET_SIDES < count.captured and not reason:
        raise UsageError(
            f"{sheets} sheets have {sheets * SHEET_SIDES} sides, {count.captured} were scanned; say why: --reason",
            vi=f"{sheets} tờ có nhiều nhất {sheets * SHEET_SIDES} mặt mà đã quét {count.captured}; hãy nêu"
            ' --reason "vì sao" (khổ A3 quét từng phần, quét lại…)',
        )
