"""Files of a watched folder that lie in a batch already, though they are still in the folder."""

from __future__ import annotations

import time
from collections.abc import Sequence

from sqlalchemy import Engine, or_, select

from pipeline.model import Intake, Sha256, SourceFile
from pipeline.records import load
from storage.database import reading
from storage.schema import batch, page

REMEMBERED_SECONDS = 7 * 86400.0
PLACES_AT_ONCE = 500  # bound variables of one query


def held_files(
    database: Engine, folder: str, files: Sequence[SourceFile], dossier: str | None
) -> dict[tuple[str, Sha256], str]:
    """The batch for this dossier in which a file lies, by its path and digest, for those that lie in one.

    A file stays in its folder until its record is safe; whoever looks there again in the meantime, after a restart
    say, finds it here. What was settled long ago no longer counts: a name may come again.
    """
    wanted = {(file.source, file.blob.sha256) for file in files}
    found: dict[tuple[str, Sha256], str] = {}
    recent = or_(batch.c.settled_at.is_(None), batch.c.settled_at > time.time() - REMEMBERED_SECONDS)
    places = [folder, *(file.source for file in files)]
    for start in range(0, len(places), PLACES_AT_ONCE):
        here = batch.c.source.in_(places[start : start + PLACES_AT_ONCE])
        query = select(batch.c.id, batch.c.intake).where(
            here, batch.c.dossier.is_not_distinct_from(dossier), recent
        )
        with reading(database) as connection:
            rows = connection.execute(query).all()
        for row in rows:
            for file in load(Intake, row.intake.encode()).files:
                if (file.source, file.blob.sha256) in wanted:
                    found[file.source, file.blob.sha256] = row.id
    return found


def taken_before(database: Engine, sources: Sequence[str]) -> set[str]:
    """Those of these paths that were ever taken in, as one side or as a file of several."""
    found: set[str] = set()
    for start in range(0, len(sources), PLACES_AT_ONCE):
        here = sources[start : start + PLACES_AT_ONCE]
        with reading(database) as connection:
            found.update(connection.execute(select(page.c.source).where(page.c.source.in_(here))).scalars())
            found.update(connection.execute(select(batch.c.source).where(batch.c.source.in_(here))).scalars())
    return found
