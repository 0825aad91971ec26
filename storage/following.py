"""Where batches stand, in a few bytes each: what a watched folder asks again and again, however large its stacks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Engine, select

from storage.database import reading
from storage.schema import batch, page

AT_ONCE = 500  # bound variables of one query
ALARM = "Nên quét lại"
"""How the reason of a side begins that should be scanned again (`pipeline/raster/quality.py`)."""


def follow(database: Engine, batches: Sequence[str]) -> dict[str, Any]:
    """State of each batch, and its sides that should be scanned again; what is unknown is left out."""
    found: list[dict[str, Any]] = []
    for start in range(0, len(batches), AT_ONCE):
        here = [str(name) for name in batches[start : start + AT_ONCE]]
        alarms: dict[str, list[dict[str, str]]] = defaultdict(list)
        with reading(database) as connection:
            states = connection.execute(select(batch.c.id, batch.c.state).where(batch.c.id.in_(here))).all()
            sides = select(page.c.id, page.c.batch, page.c.source, page.c.reason).where(
                page.c.batch.in_(here), page.c.reason.contains(ALARM)
            )
            for row in connection.execute(sides.order_by(page.c.idx)):
                alarms[row.batch].append({"id": row.id, "source": row.source, "reason": row.reason})
        found += [{"id": row.id, "state": row.state, "alarms": alarms[row.id]} for row in states]
    return {"batches": found}
