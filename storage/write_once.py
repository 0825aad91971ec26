"""Writers of a key put in line by the database, for S3 servers that take `If-None-Match: *` and ignore it.

docs/decisions/0024-other-s3-servers.md. It holds among all homes on one PostgreSQL database, and inside the one
process of a home on SQLite; not among homes of different databases, which must not share such a bucket.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from zlib import crc32

from sqlalchemy import Engine, text

from storage.database import is_postgres, reading

Turn = Callable[[str], AbstractContextManager[None]]
"""Held while one key is looked at and written; whoever else wants the key waits."""

_LOCK = 7306
_PLACES = 64
"""Keys share this many locks in a process: two keys that wait for each other now and then cost little."""


def turns(database: Engine) -> Turn:
    """Turns for the keys of a bucket. One raises Unavailable when the database is away or the wait too long."""
    local = [threading.Lock() for _ in range(_PLACES)]

    @contextmanager
    def turn(key: str) -> Iterator[None]:
        with local[crc32(key.encode()) % _PLACES]:
            if not is_postgres(database):
                yield
                return
            with reading(database) as connection:
                connection.execute(
                    text("select pg_advisory_xact_lock(:lock, hashtext(:key))"), {"lock": _LOCK, "key": key}
                )
                yield

    return turn
