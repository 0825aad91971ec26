"""Several homes on one PostgreSQL: each known by name and alive or not, and what they must have alike.

docs/decisions/0025-several-hosts.md. All locks here are advisory ones of the database, which lets them go by itself
when the connection of a dead host ends. On SQLite there is one home, so nothing is asked.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, delete, literal, select, text
from sqlalchemy.exc import SQLAlchemyError

from pipeline.errors import Unavailable, UsageError
from storage.database import insert, is_postgres, reading, writing
from storage.home_tables import home, taken_by
from storage.schema import batch

STILL_SECONDS = 15.0
_ALIVE, _DUTY, _STILL = 7307, 7308, 7309
"""Number spaces of our advisory locks, beside those of storage/database.py and storage/write_once.py."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a home works with. Of all homes of one database, ever, `person_key` and `demo_root` are the same."""

    host: str
    agency: str
    mode: str
    store: str
    person_key: str
    demo_root: str | None


ALWAYS = {
    "person_key": "HOME/person.key, which makes owners' pseudonyms",
    "demo_root": "HOME/keys/demo, whose root the demo signatures trust",
}
MEANWHILE = {"agency": "agency.code", "mode": "mode", "store": "s3.endpoint and s3.bucket"}


class Homes:
    """The place of one home among those of its database."""

    def __init__(self, database: Engine, own: str) -> None:
        self._database = database
        self._own = own
        self._held: Connection | None = None

    def join(self, terms: Terms) -> None:
        """Say that this home lives and what it works with, and take what nobody has taken in.

        Raises UsageError when it cannot be one of these homes, Unavailable while another process bears its name.
        """
        self.stay()
        alive = self._alive()
        with writing(self._database) as connection:
            for other in connection.execute(select(home).where(home.c.id != self._own)):
                self._compare(other, terms, ALWAYS)
                if other.id in alive:
                    self._compare(other, terms, MEANWHILE)
            values = {**asdict(terms), "started_at": datetime.now(UTC).isoformat()}
            connection.execute(
                insert(home)
                .values(id=self._own, **values)
                .on_conflict_do_update(index_elements=["id"], set_=values)
            )
            nobodys = select(batch.c.id, literal(self._own)).where(
                batch.c.id.not_in(select(taken_by.c.batch))
            )
            connection.execute(taken_by.insert().from_select(["batch", "home"], nobodys))

    def stay(self) -> None:
        """Hold on to the name of this home, again when the connection was lost. Two copies of a home are told apart."""
        if not is_postgres(self._database):
            return
        if self._held is not None:
            try:
                self._held.execute(text("select 1"))
                return
            except SQLAlchemyError:
                self._held.invalidate()
                self._held.close()
                self._held = None
        self._held = _try(self._database, _ALIVE, self._own)
        if self._held is None:
            raise Unavailable(
                f"another process works on this database as {self._own}; was the home copied? Then remove "
                "home.id from the copy",
                vi="Có tiến trình khác đang dùng cùng tên thư mục này trên cơ sở dữ liệu; nếu HOME là bản chép "
                "từ máy khác, hãy xóa tệp home.id trong bản chép",
            )

    def others(self) -> list[str]:
        """Hosts whose homes are at work on this database now."""
        with reading(self._database) as connection:
            rows = connection.execute(select(home.c.id, home.c.host).where(home.c.id != self._own)).all()
        alive = self._alive()
        return sorted(row.host for row in rows if row.id in alive)

    def works_on(self, batch_id: str) -> tuple[str, bool]:
        """The host whose home has the batch, and whether it is at work now."""
        query = select(home.c.id, home.c.host).join(taken_by, taken_by.c.home == home.c.id)
        with reading(self._database) as connection:
            found = connection.execute(query.where(taken_by.c.batch == batch_id)).first()
        return (found.host, found.id in self._alive() or found.id == self._own) if found else ("", False)

    def _alive(self) -> set[str]:
        if not is_postgres(self._database):
            return set()
        with reading(self._database) as connection:
            return set(
                connection.execute(
                    text(
                        "select h.id from home h join pg_locks l on l.locktype = 'advisory' and l.granted "
                        "and l.database = (select oid from pg_database where datname = current_database()) "
                        "and l.classid = :space and l.objid::bigint = (hashtext(h.id)::bigint & 4294967295)"
                    ),
                    {"space": _ALIVE},
                ).scalars()
            )

    def _compare(self, other: Any, terms: Terms, names: dict[str, str]) -> None:
        for name, what in names.items():
            theirs, ours = getattr(other, name), getattr(terms, name)
            if theirs is not None and ours is not None and theirs != ours:
                raise UsageError(
                    f"the home on {other.host} works on this database with another {what}; homes of one database "
                    "need the same: copy it from there",
                    vi=f"Máy {other.host} dùng chung cơ sở dữ liệu này nhưng khác {what}; hãy chép từ máy đó sang",
                )


def forget_homes(connection: Connection) -> None:
    """After a restore no batch is anybody's: the home that starts takes them."""
    connection.execute(delete(taken_by))
    connection.execute(delete(home))


def one_at_a_time(database: Engine) -> Callable[[str], AbstractContextManager[bool]]:
    """Turns for what only one home may do at a moment: `with turn(name) as ours`, False while another does it."""

    @contextmanager
    def turn(name: str) -> Iterator[bool]:
        if not is_postgres(database):
            yield True
            return
        held = _try(database, _DUTY, name)
        try:
            yield held is not None
        finally:
            if held is not None:
                _let_go(held)

    return turn


class Stillness:
    """Held by who needs the ledger's objects in the bucket not to run ahead of the database; other homes wait too.

    A thread may take it again.
    """

    def __init__(self, database: Engine) -> None:
        self._database = database
        self._lock = threading.RLock()
        self._depth = 0
        self._held: Connection | None = None

    def __enter__(self) -> None:
        self._lock.acquire()
        try:
            if self._depth == 0 and is_postgres(self._database):
                self._held = self._wait()
            self._depth += 1
        except BaseException:
            self._lock.release()
            raise

    def _wait(self) -> Connection:
        until = time.monotonic() + STILL_SECONDS
        while (held := _try(self._database, _STILL, "")) is None:
            if time.monotonic() > until:
                raise Unavailable(
                    "another home is backing up; what waits for it is tried again",
                    vi="Máy khác đang sao lưu; việc đang chờ sẽ được thử lại",
                )
            time.sleep(0.1)
        return held

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        if self._depth == 0 and self._held is not None:
            _let_go(self._held)
            self._held = None
        self._lock.release()


def _try(database: Engine, space: int, name: str) -> Connection | None:
    """A connection that holds a lock as long as it lives, None when another holds it. Raises Unavailable."""
    try:
        connection = database.connect().execution_options(isolation_level="AUTOCOMMIT")
        query = text("select pg_try_advisory_lock(:space, hashtext(:name))")
        if connection.execute(query, {"space": space, "name": name}).scalar():
            return connection
        connection.close()
        return None
    except SQLAlchemyError as error:
        raise Unavailable(
            "the database does not answer", vi="Cơ sở dữ liệu không trả lời; sẽ thử lại"
        ) from error


def _let_go(connection: Connection) -> None:
    """Give the lock back, and end the connection: one that went back to the pool would keep what it could not give.

    The end alone would do, but the server may be a while about noticing it.
    """
    with suppress(SQLAlchemyError):
        connection.execute(text("select pg_advisory_unlock_all()"))
    connection.invalidate()
    connection.close()
