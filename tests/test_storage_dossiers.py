"""Records of a dossier: chained in the bucket, adopted after a crash, never numbered twice; messages wait and are kept once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from pipeline.errors import Tampered, UsageError
from pipeline.procedures.issuing import Templates
from storage import layout
from storage.database import open_database, sqlite_url
from storage.dossier_record import DossierRecord, DossierState, IssuedCode, check_records
from storage.dossiers import Dossiers
from storage.ledger import Ledger
from storage.outbox import Outbox
from storage.rebuild import Rebuilder
from storage.s3 import Bucket
from storage.segments import Segments

CODE = "H38.20-261002-0007"
LOCK = timedelta(days=1)
Edit = Callable[[DossierRecord], DossierRecord]


def into(state: DossierState) -> Edit:
    return lambda last: replace(last, state=state)


def change(dossiers: Dossiers, edit: Edit) -> DossierRecord:
    return dossiers.change(CODE, edit, act="dossier_state", actor="nhung", agency="H38.20", reason="vì thế")


@pytest.fixture
def dossiers(database: Engine, own_bucket: Bucket) -> Dossiers:
    return Dossiers(database, own_bucket, lock=LOCK)


def contents(bucket: Bucket) -> list[tuple[str, bytes]]:
    keys = sorted(bucket.keys(f"{layout.dossier_folder(CODE)}/h/"))
    return [(key, bucket.read(key) or b"") for key in keys]


def test_each_change_is_a_record_and_an_entry_and_no_change_is_none(
    dossiers: Dossiers, database: Engine, own_bucket: Bucket
) -> None:
    assert dossiers.record(CODE).number == 0
    change(dossiers, into(DossierState.SUPPLEMENT))
    change(dossiers, into(DossierState.SUPPLEMENT))
    last = change(dossiers, into(DossierState.CLOSED))
    assert (last.number, dossiers.record(CODE)) == (2, last)
    held = contents(own_bucket)
    assert len(held) == 2 and check_records(held) == []
    assert "nhung" not in "".join(content.decode() for _, content in held), "persons stand by their key"
    entries = [entry.body for entry in Ledger(database).entries()]
    assert len(entries) == 2 and held[1][0] in entries[1] and "vì thế" in entries[1]


def test_a_record_that_a_killed_process_left_is_adopted_before_the_next(
    dossiers: Dossiers, own_bucket: Bucket, tmp_path: Path
) -> None:
    change(dossiers, into(DossierState.SUPPLEMENT))
    behind = open_database(sqlite_url(tmp_path / "behind.sqlite3"))  # knows nothing of that record
    other = Dossiers(behind, own_bucket, lock=LOCK)
    last = change(other, into(DossierState.CLOSED))
    assert last.number == 2 and check_records(contents(own_bucket)) == []
    assert len(list(Ledger(behind).entries())) == 2 and Ledger(behind).verify().ok
    seen = change(dossiers, into(DossierState.CLOSED))  # the first one was behind in turn
    assert seen == last and len(contents(own_bucket)) == 2
    behind.dispose()


def test_many_at_once_lose_no_change_and_give_no_code_twice(
    dossiers: Dossiers, database: Engine, own_bucket: Bucket
) -> None:
    def issue(last: DossierRecord) -> DossierRecord:
        seq = len(last.codes) + 1
        code = IssuedCode(
            text=f"{CODE}-KQ{seq}", kind="result", seq=seq, document=f"d{seq}", issued_at=datetime.now(UTC)
        )
        return replace(last, codes=(*last.codes, code))

    writers = [dossiers, Dossiers(database, own_bucket, lock=LOCK)]
    threads = [threading.Thread(target=change, args=(writers[n % 2], issue)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    texts = [code.text for code in dossiers.record(CODE).codes]
    assert texts == [f"{CODE}-KQ{n}" for n in range(1, 7)] and check_records(contents(own_bucket)) == []


def test_a_record_that_is_gone_or_does_not_follow_is_no_ground_to_go_on(
    dossiers: Dossiers, own_bucket: Bucket
) -> None:
    change(dossiers, into(DossierState.SUPPLEMENT))
    own_bucket._client.remove_object(own_bucket.name, layout.dossier_record(CODE, 1))
    with pytest.raises(Tampered):
        change(dossiers, into(DossierState.CLOSED))
    assert dossiers.record(CODE).state is DossierState.SUPPLEMENT


def test_records_come_back_by_the_rebuild_also_from_under_a_delete_marker(
    dossiers: Dossiers, database: Engine, own_bucket: Bucket, tmp_path: Path
) -> None:
    change(dossiers, into(DossierState.SUPPLEMENT))
    before = change(dossiers, into(DossierState.WITHDRAWN))
    Segments(database, own_bucket, lock=LOCK).publish()
    own_bucket._client.remove_object(own_bucket.name, layout.dossier_record(CODE, 1))
    made = open_database(sqlite_url(tmp_path / "anew.sqlite3"))
    assert Rebuilder(own_bucket, made, lambda event: None).run().problems == []
    again = Dossiers(made, own_bucket, lock=LOCK)
    assert again.record(CODE) == before and again.unsaid() == []
    made.dispose()


def test_a_message_is_kept_once_and_waits_longer_each_time_but_never_for_good(database: Engine) -> None:
    box = Outbox(database)
    for _ in range(2):
        box.put("result.stored:x", event="result.stored", dossier=CODE, payload={"a": "Đ"})
    for attempt in range(1, 15):
        (message,) = box.due(10)
        box.failed(message, "bên nhận trả lời 503")
        assert box.due(10) == [] and box.waiting()[0]["attempts"] == attempt
        box.hurry()
    (message,) = box.due(10)
    box.done(message, actor="system", agency="H38", host="one-stop.test")
    assert not box.pending() and box.delivered() == 1
    assert not box.put("result.stored:x", event="result.stored", dossier=CODE, payload={}), "it was told"


@pytest.mark.parametrize(
    "text",
    ["{dossier}-KQ", "KQ{seq}", "{dossier}{seq}{ngay}", "{dossier.__class__}{seq}", "{dossier}{seq:x9}"],
)
def test_a_template_that_could_give_one_code_twice_or_reach_elsewhere_is_refused(
    tmp_path: Path, text: str
) -> None:
    file = tmp_path / "codes.toml"
    file.write_text(f'[[template]]\nkind = "result"\neffective = 2020-01-01\ntext = "{text}"\n', "utf-8")
    with pytest.raises(UsageError):
        Templates.load(file)


def test_the_template_of_the_day_counts_and_unknown_parts_go_with_their_sign(tmp_path: Path) -> None:
    file = tmp_path / "codes.toml"
    row = '[[template]]\nkind = "paper"\neffective = {0}\ntext = "{1}"\n'
    old = row.replace("{0}", "2023-01-01").replace("{1}", "{dossier}/{seq}")
    new = row.replace("{0}", "2026-01-01").replace("{1}", "{owner_id}.{type_code}.{dossier}-{seq:03}")
    file.write_text(new + old, "utf-8")
    found = Templates.load(file)

    def code(year: int, owner: str, kind: str) -> str:
        template = found.on("paper", datetime(year, 6, 1).date())
        return template.render(dossier="H38", owner_id=owner, type_code=kind, seq=7)

    assert code(2020, "1", "TP") == code(2025, "1", "TP") == "H38/7"
    assert [code(2026, *parts) for parts in (("1", "TP"), ("", "TP"), ("1", ""), ("", ""))] == [
        "1.TP.H38-007", "TP.H38-007", "1.H38-007", "H38-007"
    ]  # fmt: skip
