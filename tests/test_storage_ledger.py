"""The ledger attacked from outside: the file edited after the triggers are gone."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DatabaseError

from storage.database import open_database, reading, writing
from storage.ledger import Ledger, actor_key, append, entry_hash

ENTRIES = 6


@pytest.fixture
def database(any_database: Engine) -> Engine:
    return any_database


@pytest.fixture
def ledger(database: Engine) -> Ledger:
    ledger = Ledger(database)
    for number in range(ENTRIES):
        ledger.note(act="view", actor="Nguyễn Văn A", agency="H26", objects=[f"d_{number}"])
    return ledger


class OtherHands:
    """The database without our code and without its triggers."""

    def __init__(self, database: Engine) -> None:
        self._postgres = database.dialect.name == "postgresql"
        raw = database.raw_connection()
        self._connection: Any = raw.driver_connection
        if self._postgres:
            self.execute("alter table ledger disable trigger user")
        else:
            self.execute("drop trigger ledger_no_update")
            self.execute("drop trigger ledger_no_delete")
        self._keep = raw

    def execute(self, statement: str, values: tuple[object, ...] = ()) -> Any:
        return self._connection.execute(statement.replace("?", "%s") if self._postgres else statement, values)

    def commit(self) -> None:
        self._connection.commit()


@pytest.fixture
def file(database: Engine) -> OtherHands:
    return OtherHands(database)


def body(file: OtherHands, seq: int) -> str:
    return str(file.execute("select body from ledger where seq = ?", (seq,)).fetchone()[0])


def test_untouched_ledger_holds(ledger: Ledger) -> None:
    report = ledger.verify()
    assert report.ok and report.entries == ENTRIES and report.problems == ()


def test_changed_entry_is_named(ledger: Ledger, file: OtherHands) -> None:
    file.execute("update ledger set body = replace(body, 'd_2', 'd_9') where seq = 3")
    file.commit()
    assert ledger.verify().problems == ("entry 3 was changed",)


def test_changed_entry_with_its_hash_made_again_breaks_the_next(ledger: Ledger, file: OtherHands) -> None:
    previous = file.execute("select previous from ledger where seq = 3").fetchone()[0]
    forged = body(file, 3).replace("d_2", "d_9")
    file.execute("update ledger set body = ?, hash = ? where seq = 3", (forged, entry_hash(previous, forged)))
    file.commit()
    assert ledger.verify().problems == ("entry 4 does not follow entry 3",)


@pytest.mark.parametrize("first", [1, 3, 5])
def test_removed_entry_is_named(ledger: Ledger, file: OtherHands, first: int) -> None:
    file.execute("delete from ledger where seq = ?", (first,))
    file.commit()
    assert f"entries {first} to {first} are missing" in ledger.verify().problems


def test_removed_entry_with_the_rest_renumbered_is_named(ledger: Ledger, file: OtherHands) -> None:
    file.execute("delete from ledger where seq = 3")
    for seq in range(4, ENTRIES + 1):
        file.execute("update ledger set seq = ? where seq = ?", (seq - 1, seq))
    file.commit()
    problems = ledger.verify().problems
    assert "entry 3 does not follow entry 2" in problems
    assert "entry 3 stands in another's place" in problems


def test_inserted_entry_is_named(ledger: Ledger, file: OtherHands) -> None:
    for seq in range(ENTRIES, 3, -1):
        file.execute("update ledger set seq = ? where seq = ?", (seq + 1, seq))
    before = file.execute("select hash from ledger where seq = 3").fetchone()[0]
    forged = json.dumps({"seq": 4, "act": "view", "objects": ["d_forged"]})
    file.execute("insert into ledger values (4, ?, ?, ?, null)", (before, entry_hash(before, forged), forged))
    file.commit()
    assert "entry 5 does not follow entry 4" in ledger.verify().problems


def test_reordered_entries_are_named(ledger: Ledger, file: OtherHands) -> None:
    for old, new in ((3, 99), (4, 3), (99, 4)):
        file.execute("update ledger set seq = ? where seq = ?", (new, old))
    file.commit()
    problems = ledger.verify().problems
    assert any(problem.startswith("entry 3") for problem in problems)
    assert any(problem.startswith("entry 4") for problem in problems)


@pytest.mark.parametrize("forged", ["", "no json", "[]", "null", '"x"', "[" * 5000, "{}"])
def test_entry_that_is_no_entry_is_named_and_the_walk_goes_on(
    ledger: Ledger, file: OtherHands, forged: str
) -> None:
    previous = file.execute("select previous from ledger where seq = 3").fetchone()[0]
    file.execute("update ledger set body = ?, hash = ? where seq = 3", (forged, entry_hash(previous, forged)))
    file.commit()
    report = ledger.verify()
    assert report.entries == ENTRIES
    assert "entry 3 stands in another's place" in report.problems


def test_entries_can_be_neither_changed_nor_removed_by_our_own_hands(
    database: Engine, ledger: Ledger
) -> None:
    for statement in (
        "update ledger set body = 'x' where seq = 1",
        "update ledger set request = 'x'",
        "delete from ledger where seq = 1",
        "delete from ledger",
        *(["truncate ledger"] if database.dialect.name == "postgresql" else []),
    ):
        with pytest.raises(DatabaseError, match="append-only"), writing(database) as connection:
            connection.execute(text(statement))
    assert ledger.verify().ok


def test_same_request_twice_is_one_entry(database: Engine) -> None:
    for _ in range(3):
        with writing(database) as connection:
            append(connection, act="store", actor="a", agency="H26", objects=["d_1"], request="store:d_1")
    assert Ledger(database).verify().entries == 1


def test_entries_of_many_threads_make_one_chain(database: Engine) -> None:
    ledger = Ledger(database)

    def note(number: int) -> None:
        for turn in range(5):
            ledger.note(act="view", actor=f"a{number}", agency="H26", objects=[f"d_{turn}"])

    threads = [threading.Thread(target=note, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    report = ledger.verify()
    assert report.ok and report.entries == 20


def test_entries_of_two_hosts_make_one_chain(new_postgres: Callable[[], str]) -> None:
    url = new_postgres()
    hosts = [subprocess.Popen([sys.executable, "-c", HOST, url, name]) for name in ("một", "hai")]
    assert [host.wait(60) for host in hosts] == [0, 0]
    database = open_database(url)
    report = Ledger(database).verify()
    assert report.ok and report.entries == 2 * 40 + 1  # the request that both made is there once
    with reading(database) as connection:
        actors = [
            json.loads(row.body)["actor"] for row in connection.execute(text("select body from ledger"))
        ]
    assert len(set(actors[10:60])) == 2  # they did write at the same time
    database.dispose()


HOST = """
import sys
from storage.database import open_database, writing
from storage.ledger import Ledger, append
database = open_database(sys.argv[1])
for number in range(40):
    Ledger(database).note(act="view", actor=sys.argv[2], agency="H26", objects=[str(number)])
    with writing(database) as connection:
        append(connection, act="store", actor="x", agency="H26", objects=["d_1"], request="store:d_1")
"""


def test_failed_transaction_leaves_no_entry(database: Engine) -> None:
    with pytest.raises(ZeroDivisionError), writing(database) as connection:
        append(connection, act="store", actor="a", agency="H26", objects=["d_1"])
        raise ZeroDivisionError
    assert Ledger(database).verify().entries == 0


def test_names_of_persons_stand_outside_the_chain(ledger: Ledger, file: OtherHands) -> None:
    bodies = " ".join(row[0] for row in file.execute("select body from ledger"))
    assert "Nguyễn" not in bodies and actor_key("H26", "Nguyễn Văn A") in bodies
    file.execute("delete from actor_name")
    file.commit()
    assert ledger.verify().ok


def test_chain_can_be_checked_with_nothing_but_sha256(ledger: Ledger, file: OtherHands) -> None:
    previous = "0" * 64
    for seq, before, own, content in file.execute(
        "select seq, previous, hash, body from ledger order by seq"
    ):
        assert before == previous and json.loads(content)["seq"] == seq
        previous = hashlib.sha256(f"{before}\n{content}".encode()).hexdigest()
        assert previous == own


def test_ledger_survives_reopening(database: Engine, ledger: Ledger) -> None:
    again = open_database(database.url)
    Ledger(again).note(act="view", actor="b", agency="H26", objects=[])
    assert Ledger(again).verify().entries == ENTRIES + 1
    assert ledger.verify().ok
    again.dispose()
