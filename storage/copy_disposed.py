"""The second copy of what was disposed of goes too, after the first; a place that refuses is asked again each day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, delete, or_, select, update

from pipeline.errors import UsageError
from storage.copy_tables import copy_item
from storage.database import reading, writing
from storage.keeping_tables import disposed_object as gone
from storage.schema import held
from storage.second_place import SecondPlace

AGAIN = timedelta(days=1)


def remove_disposed(database: Engine, place: SecondPlace) -> None:
    """Called by the one thread that copies, so nothing is copied there meanwhile. Raises Unavailable."""
    before = (datetime.now(UTC) - AGAIN).isoformat()
    due = select(gone.c.key, gone.c.trouble).where(
        gone.c.removed_at.is_not(None),
        gone.c.copy_removed_at.is_(None),
        or_(gone.c.trouble == "", gone.c.removed_at < before),
        gone.c.key.not_in(select(held.c.key)),
    )
    with reading(database) as connection:
        rows = connection.execute(due).all()
    for row in rows:
        now = datetime.now(UTC).isoformat()
        try:
            place.remove(row.key)
        except UsageError as error:  # its lock there is not over
            values = {"trouble": error.both[:500], "removed_at": now}
        else:
            values = {"trouble": "", "copy_removed_at": now}
        with writing(database) as connection:
            connection.execute(update(gone).where(gone.c.key == row.key).values(**values))
            if "copy_removed_at" in values:
                connection.execute(delete(copy_item).where(copy_item.c.key == row.key))
