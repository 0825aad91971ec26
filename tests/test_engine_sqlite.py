"""What the engine of the flow expects of SQLite is there, whichever SQLite Python stands on."""

from __future__ import annotations

import sqlite3
import time

from pipeline.engine import _tell_subseconds


def test_milliseconds_are_known_to_an_old_sqlite() -> None:
    connection = sqlite3.connect(":memory:")
    _tell_subseconds(connection, None)
    connection.execute("create table t (a, at integer not null default (unixepoch('subsec') * 1000))")
    connection.execute("insert into t (a) values (1)")
    ((at,),) = connection.execute("select at from t")
    assert abs(at / 1000 - time.time()) < 10
