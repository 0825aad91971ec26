"""One-time links for papers that are signed elsewhere: made, used once each way, ended; tokens only as digests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, delete, select, update

from pipeline.model import Sha256
from storage.awaiting import Waiting
from storage.database import insert, reading, writing
from storage.link_tables import signing_link as link

MOST_REFUSALS = 8
REMEMBERED = timedelta(days=7)
"""How long a link that has ended is known, so that its holder is told so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """`actor` is who made it and answers for it; `sha256` the unsigned bytes that it gives out."""

    document: str
    sha256: Sha256
    actor: str
    expires: datetime
    fetched: bool
    returned: bool
    refusals: int

    def ended(self, now: datetime) -> bool:
        """Whether nothing can be given back by it any more."""
        return self.returned or self.expires <= now or self.refusals >= MOST_REFUSALS


class SigningLinks:
    """Every change is one compare-and-set, so a link that is used twice at once works once."""

    def __init__(self, database: Engine) -> None:
        self._database = database

    def issue(self, made: Sequence[tuple[str, Waiting]], *, actor: str, port: int, expires: datetime) -> None:
        """New links, by the digests of their tokens; an earlier link of the same paper ends."""
        with writing(self._database) as connection:
            forgotten = (datetime.now(UTC) - REMEMBERED).isoformat()
            connection.execute(delete(link).where(link.c.expires < forgotten))
            for token_sha256, item in made:
                connection.execute(delete(link).where(link.c.document == item.document))
                connection.execute(
                    insert(link).values(
                        token_sha256=token_sha256,
                        document=item.document,
                        sha256=item.sha256,
                        actor=actor,
                        port=port,
                        expires=expires.isoformat(),
                        refusals=0,
                    )
                )

    def look(self, token_sha256: str) -> Link | None:
        with reading(self._database) as connection:
            row = connection.execute(select(link).where(link.c.token_sha256 == token_sha256)).one_or_none()
        if row is None:
            return None
        return Link(
            document=row.document,
            sha256=Sha256(row.sha256),
            actor=row.actor,
            expires=datetime.fromisoformat(row.expires),
            fetched=row.fetched is not None,
            returned=row.returned is not None,
            refusals=row.refusals,
        )

    def fetch(self, token_sha256: str) -> bool:
        """Take the one download; False when it was taken before."""
        return self._set_once(token_sha256, "fetched")

    def unfetch(self, token_sha256: str) -> None:
        """The download broke off, so it may be tried again."""
        with writing(self._database) as connection:
            chosen = update(link).where(link.c.token_sha256 == token_sha256)
            connection.execute(chosen.values(fetched=None))

    def give_back(self, token_sha256: str) -> bool:
        """Take the one return; False when it was taken before."""
        return self._set_once(token_sha256, "returned")

    def refused(self, token_sha256: str) -> None:
        """What came was refused, or it was used again; after a few times the link ends. A return may be tried again."""
        with writing(self._database) as connection:
            chosen = update(link).where(link.c.token_sha256 == token_sha256)
            connection.execute(chosen.values(refusals=link.c.refusals + 1))

    def reopen(self, token_sha256: str) -> None:
        """What came was not taken, so another try is due."""
        with writing(self._database) as connection:
            chosen = update(link).where(link.c.token_sha256 == token_sha256)
            connection.execute(chosen.values(returned=None))

    def live(self, now: datetime) -> int | None:
        """The port at which links are awaited; None when there is none."""
        query = select(link.c.port).where(
            link.c.returned.is_(None), link.c.expires > now.isoformat(), link.c.refusals < MOST_REFUSALS
        )
        with reading(self._database) as connection:
            return connection.execute(query.limit(1)).scalar()

    def _set_once(self, token_sha256: str, column: str) -> bool:
        with writing(self._database) as connection:
            done = connection.execute(
                update(link)
                .where(link.c.token_sha256 == token_sha256, link.c[column].is_(None))
                .values({column: datetime.now(UTC).isoformat()})
            )
            return bool(done.rowcount)
