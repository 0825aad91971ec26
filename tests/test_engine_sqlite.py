"""What the engine of the flow expects of SQLite is there, whichever SQLite Python stands on."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

from pipeline.engine import _tell_subseconds
from tests.home_in_use import SCANS, Home, until


def test_milliseconds_are_known_to_an_old_sqlite() -> None:
    connection = sqlite3.connect(":memory:")
    _tell_subseconds(connection, None)
    connection.execute("create table t (a, at integer not null default (unixepoch('subsec') * 1000))")
    connection.execute("insert into t (a) values (1)")
    ((at,),) = connection.execute("select at from t")
    assert abs(at / 1000 - time.time()) < 10


def test_a_home_that_fails_at_its_start_says_so_at_once(tmp_path: Path) -> None:
    """And does not keep the caller waiting for one more start, fifty times."""
    home = Home(tmp_path / "h", {})
    assert home.run("ingest", str(SCANS / "chong-2" / "scan-01.jpg")).code in (0, 1)
    home.run("down")
    database = tmp_path / "h" / "db" / "sohoa.sqlite3"
    with sqlite3.connect(database) as connection:
        connection.execute("alter table application_versions rename to hidden")
    started = time.monotonic()
    failed = home.run("ingest", str(SCANS / "chong-2"))
    assert failed.code == 4 and "home.log" in failed.log and "OperationalError" in failed.log
    assert time.monotonic() - started < 60
    assert home.run("status").code == 0, "what is known can be looked at all the same"
    assert until(lambda: home.process() is None, 30)
    with sqlite3.connect(database) as connection:
        connection.execute("alter table hidden rename to application_versions")
    assert home.run("ingest", str(SCANS / "chong-2")).code == 0
    home.run("down")
