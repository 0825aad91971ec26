"""What of a folder was taken in before: by path and content, so that an import goes on behind itself."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine, select

from storage.batches import OPEN
from storage.database import reading
from storage.schema import batch, page


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A batch of one file. `settled` is False while work on it goes on, or waits for a service."""

    batch: str
    dossier: str | None
    sha256: str
    settled: bool


def taken_below(database: Engine, folder: str) -> dict[str, list[Taken]]:
    """Batches of single files at or below a folder, by the file's path."""
    query = (
        select(batch.c.id, batch.c.source, batch.c.dossier, batch.c.state, page.c.source_sha256)
        .outerjoin(page, (page.c.batch == batch.c.id) & (page.c.idx == 0))
        .where(batch.c.source.startswith(f"{folder.rstrip('/')}/", autoescape=True))
    )
    found: dict[str, list[Taken]] = {}
    with reading(database) as connection:
        for row in connection.execute(query):
            if row.source_sha256 is not None:  # else not looked into yet: to be taken again, which joins it
                settled = row.state not in (*OPEN, "paused", "failed")
                one = Taken(batch=row.id, dossier=row.dossier, sha256=row.source_sha256, settled=settled)
                found.setdefault(row.source, []).append(one)
    return found
