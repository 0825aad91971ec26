"""The ledger outside the database: segments, signed days, and an export attacked by someone who can recompute hashes."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

import storage.ledger
from pipeline.errors import Tampered, Unavailable
from pipeline.files import write_whole
from pipeline.model import Level, SignatureRole
from signing.demo_pki import DemoPki
from storage import ledger_export
from storage.database import writing
from storage.ledger import Ledger, append
from storage.proof import Entry, entry_hash, entry_of, leaves, line_of, merkle
from storage.roots import Roots
from storage.s3 import Bucket
from storage.segments import Segments
from tests.home_in_use import ROOT
from tests.papers import make_signer

NOON = datetime(2026, 3, 5, 5, 0, tzinfo=UTC)
"""Noon in Vietnam."""
LOCK = timedelta(days=1)


class Clock(datetime):
    """Stands in for the ledger's clock."""

    moment = NOON

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        return cls.moment


@dataclass
class Kept:
    """A ledger of three days with what it needs."""

    database: Engine
    bucket: Bucket
    ledger: Ledger
    segments: Segments
    roots: Roots


def note(database: Engine, day: int, *objects: str, **details: Any) -> None:
    Clock.moment = NOON + timedelta(days=day)
    with writing(database) as connection:
        act = "store" if details else "view"
        append(connection, act=act, actor="nhung", agency="H26", objects=objects, details=details)


@pytest.fixture
def kept(database: Engine, own_bucket: Bucket, pki: DemoPki, monkeypatch: pytest.MonkeyPatch) -> Kept:
    monkeypatch.setattr(storage.ledger, "datetime", Clock)
    signer = make_signer(pki, Level.T)
    segments = Segments(database, own_bucket, lock=LOCK)
    roots = Roots(
        database,
        own_bucket,
        segments,
        sign=lambda content: signer.attest(content, SignatureRole.AGENCY),
        agency="H26",
        lock=LOCK,
        clock=lambda: NOON + timedelta(days=3),
    )
    for day in (0, 1, 3):
        for number in range(3):
            note(database, day, f"d_{day}_{number}")
    note(database, 3, "d_last", manifest="d/aa/bb/X/m/000001.json", manifest_sha256="0" * 64)
    return Kept(database, own_bucket, Ledger(database), segments, roots)


def export(kept: Kept, path: Path) -> list[dict[str, Any]]:
    write_whole(path, ledger_export.lines(kept.ledger, kept.roots.all(), agency="H26"), "application/jsonl")
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def judge(path: Path, *more: str) -> tuple[int, str]:
    """The one file alone: isolated, elsewhere, without sohoa on its path."""
    script = path.parent / "verify_ledger.py"
    script.write_bytes((ROOT / "scripts" / "verify_ledger.py").read_bytes())
    done = subprocess.run(
        [sys.executable, "-I", str(script), str(path), *more],
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout


def copy_objects(kept: Kept, folder: Path, *prefixes: str) -> Path:
    for prefix in prefixes:
        for key in kept.bucket.keys(prefix):
            write_whole(folder / key, kept.bucket.read(key) or b"", "application/octet-stream")
    return folder


def chained(lines: list[dict[str, Any]], *, renumber: bool) -> list[dict[str, Any]]:
    """Every hash, and the head, made again: what a forger does who knows the format."""
    made: list[dict[str, Any]] = []
    previous, seq = "0" * 64, 0
    for line in lines:
        if "body" not in line:
            made.append(line)
            continue
        seq = seq + 1 if renumber else line["seq"]
        body = json.loads(line["body"]) | {"seq": seq}
        text_ = json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        own = entry_hash(previous, text_)
        made.append(json.loads(line_of(Entry(seq, previous, own, text_))))
        previous = own
    made[-1] = {"head": made[-1]["head"] | {"last": seq, "hash": previous}}
    return made


def test_entries_are_in_the_bucket_once_by_day_and_locked(kept: Kept) -> None:
    assert kept.segments.publish() == 10
    keys = list(kept.bucket.keys("l/"))
    assert keys == [
        "l/2026/03/05/000000000001-000000000003.jsonl",
        "l/2026/03/06/000000000004-000000000006.jsonl",
        "l/2026/03/08/000000000007-000000000010.jsonl",
    ]
    sent = [entry_of(json.loads(line)) for _, content in kept.segments.all() for line in content.splitlines()]
    assert sent == list(kept.ledger.entries())
    note(kept.database, 3, "d_more")
    assert kept.segments.publish() == kept.segments.publish() == 11
    assert len(list(kept.bucket.keys("l/"))) == 4
    lock = kept.bucket._client.get_object_retention(kept.bucket.name, keys[0])
    assert lock is not None and lock.retain_until_date > datetime.now(UTC) + LOCK / 2


def test_a_crash_between_sending_and_noting_sends_the_same_again(kept: Kept) -> None:
    kept.segments.publish()
    with writing(kept.database) as connection:
        connection.execute(text("update ledger_segment set sha256 = null where first = 7"))
    note(kept.database, 3, "d_meanwhile")
    assert kept.segments.publish() == 11
    ranges = [key.rpartition("/")[2] for key in kept.bucket.keys("l/")]
    assert ranges[2:] == ["000000000007-000000000010.jsonl", "000000000011-000000000011.jsonl"]


def test_another_ledger_under_the_same_numbers_is_refused(
    kept: Kept, tmp_path: Path, own_bucket: Bucket
) -> None:
    from storage.database import open_database, sqlite_url

    kept.segments.publish()
    other = open_database(sqlite_url(tmp_path / "other.sqlite3"))
    for number in range(3):
        note(other, 0, f"forged_{number}")
    note(other, 1, "x")
    with pytest.raises(Tampered, match="sohoa rebuild"):
        Segments(other, own_bucket, lock=LOCK).publish()
    other.dispose()


def test_missed_days_are_sealed_one_after_another_and_today_is_not(kept: Kept) -> None:
    assert kept.roots.seal() == ["2026-03-05", "2026-03-06"]
    assert kept.roots.seal() == []
    first, second = (json.loads(root.content) for root in kept.roots.all())
    assert (first["first"], first["last"], second["first"], second["last"]) == (1, 3, 4, 6)
    assert first["previous"] is None and second["previous"]
    assert kept.roots.sealed() == "2026-03-06" and kept.roots.overdue() is None
    acts = [json.loads(entry.body)["act"] for entry in kept.ledger.entries(11)]
    assert acts == ["seal_day", "seal_day"]


def test_a_signature_that_cannot_be_made_now_is_made_later(kept: Kept, database: Engine) -> None:
    def down(content: bytes) -> bytes:
        raise Unavailable("no time-stamp")

    good, kept.roots._sign = kept.roots._sign, down
    with pytest.raises(Unavailable):
        kept.roots.seal()
    assert kept.roots.sealed() is None and kept.roots.overdue() == "2026-03-05"
    kept.roots._sign = good
    assert kept.roots.seal() == ["2026-03-05", "2026-03-06"]


def test_the_manifests_of_a_day_are_under_its_root(kept: Kept) -> None:
    kept.roots._clock = lambda: NOON + timedelta(days=4)
    kept.roots.seal()
    last = json.loads(list(kept.roots.all())[-1].content)
    assert last["manifests"] == [{"key": "d/aa/bb/X/m/000001.json", "sha256": "0" * 64}]
    mine = [(e.seq, e.hash) for e in kept.ledger.entries(last["first"], last["last"])]
    assert merkle(leaves(mine, last["manifests"])) == last["root"] != merkle(leaves(mine, []))


def test_openssl_accepts_the_signature_of_a_day(kept: Kept, pki: DemoPki, tmp_path: Path) -> None:
    kept.roots.seal()
    root = next(kept.roots.all())
    assert root.signature
    (tmp_path / "root.json").write_bytes(root.content)
    (tmp_path / "root.p7s").write_bytes(root.signature)
    command = ["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", str(tmp_path / "root.p7s")]
    command += ["-content", str(tmp_path / "root.json"), "-CAfile", str(pki.certificate("root"))]
    done = subprocess.run(
        [*command, "-purpose", "any", "-out", "/dev/null"], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_an_untouched_export_holds_and_names_who_sealed_it(kept: Kept, pki: DemoPki, tmp_path: Path) -> None:
    kept.roots.seal()
    export(kept, tmp_path / "l.jsonl")
    objects = copy_objects(kept, tmp_path / "bucket", "x/", "l/")
    code, out = judge(tmp_path / "l.jsonl", "--objects", str(objects), "--root", str(pki.certificate("root")))
    assert code == 0, out
    assert "2026-03-05" in out and "2026-03-06" in out and "trusted" in out and "DEMO" in out


def test_roots_of_strangers_are_not_believed(kept: Kept, tmp_path: Path) -> None:
    from tests.pki import Authority

    kept.roots.seal()
    export(kept, tmp_path / "l.jsonl")
    stranger = Authority(tmp_path / "stranger")
    code, out = judge(tmp_path / "l.jsonl", "--root", str(stranger.root))
    assert code == 5 and "vouches" in out


Attack = Callable[[list[dict[str, Any]]], list[dict[str, Any]]]


def changed(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    lines[1]["body"] = lines[1]["body"].replace("d_0_1", "d_9_9")
    return lines


def removed(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return lines[:1] + lines[2:]


def swapped(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [lines[1], lines[0], *lines[2:]]


def inserted(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [*lines[:2], dict(lines[1]), *lines[2:]]


def tail(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return lines[:4] + [line for line in lines if "body" not in line]


def unheaded(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return lines[:-1]


@pytest.mark.parametrize(
    ("attack", "named"),
    [
        (changed, "entry 2 was changed"),
        (removed, "entries 2 to 2 are missing"),
        (swapped, "out of order"),
        (inserted, "entry 2 stands after entry 2"),
        (tail, "the head names entry"),
        (unheaded, "no head"),
    ],
)
def test_a_plain_attack_on_the_export_is_named(
    kept: Kept, tmp_path: Path, attack: Attack, named: str
) -> None:
    kept.roots.seal()
    lines = attack(export(kept, tmp_path / "l.jsonl"))
    (tmp_path / "l.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    code, out = judge(tmp_path / "l.jsonl")
    assert code == 5 and named in out, out


@pytest.mark.parametrize(
    ("attack", "named"),
    [
        (changed, "entries 1 to 3 are not those that the root of 2026-03-05 seals"),
        (removed, "entries 1 to 3 are not those that the root of 2026-03-05 seals"),
        (swapped, "entries 1 to 3 are not those"),
        (inserted, "entries 1 to 3 are not those"),
        (tail, "entries 5 to 6 are missing: the root of 2026-03-06 seals them"),
    ],
)
def test_a_forger_who_makes_every_hash_again_fails_at_the_signed_day(
    kept: Kept, tmp_path: Path, attack: Attack, named: str
) -> None:
    kept.roots.seal()
    lines = chained(attack(export(kept, tmp_path / "l.jsonl")), renumber=True)
    (tmp_path / "l.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    code, out = judge(tmp_path / "l.jsonl")
    assert code == 5 and named in out, out


def test_a_forger_who_drops_the_roots_too_fails_at_the_bucket(kept: Kept, tmp_path: Path) -> None:
    kept.roots.seal()
    lines = export(kept, tmp_path / "l.jsonl")
    forged = chained([line for line in tail(lines) if "root" not in line], renumber=True)
    (tmp_path / "l.jsonl").write_text("".join(json.dumps(line) + "\n" for line in forged))
    assert judge(tmp_path / "l.jsonl")[0] == 0, "nothing in the file alone can tell"
    objects = copy_objects(kept, tmp_path / "roots", "x/")
    code, out = judge(tmp_path / "l.jsonl", "--objects", str(objects))
    assert code == 5 and "the root of 2026-03-06 seals them" in out
    objects = copy_objects(kept, tmp_path / "segments", "l/")
    code, out = judge(tmp_path / "l.jsonl", "--objects", str(objects))
    assert code == 5 and "entries 7 to 10 are missing" in out


def test_a_changed_manifest_and_a_changed_root_are_named(kept: Kept, tmp_path: Path) -> None:
    kept.roots._clock = lambda: NOON + timedelta(days=4)
    kept.roots.seal()
    lines = export(kept, tmp_path / "l.jsonl")
    write_whole(tmp_path / "b" / "d/aa/bb/X/m/000001.json", b"{}", "application/json")
    code, out = judge(tmp_path / "l.jsonl", "--objects", str(tmp_path / "b"))
    assert code == 5 and "d/aa/bb/X/m/000001.json: the manifest is not the one" in out
    for line in lines:
        if "root" in line:
            line["root"] = line["root"].replace('"H26"', '"H27"')
            assert base64.b64decode(line["p7s"])
    (tmp_path / "l.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    code, out = judge(tmp_path / "l.jsonl")
    assert code == 5 and "x/2026/03/05/root.json: the signature does not fit these bytes" in out


@pytest.mark.parametrize(
    "junk", ["", "[]\n", "null\n", "{}\n", "\x00\xff\n", '{"root": 1, "p7s": "x"}\n', '{"head": 3}\n']
)
def test_what_is_no_export_is_told_without_a_crash(tmp_path: Path, junk: str) -> None:
    (tmp_path / "l.jsonl").write_text(junk, "latin-1")
    code, out = judge(tmp_path / "l.jsonl")
    assert code == 5 and out


@pytest.mark.parametrize("cut", [1, 40, 400, -1])
def test_a_damaged_signature_is_named(kept: Kept, tmp_path: Path, cut: int) -> None:
    kept.roots.seal()
    lines = export(kept, tmp_path / "l.jsonl")
    for line in lines:
        if "root" in line:
            line["p7s"] = base64.b64encode(base64.b64decode(line["p7s"])[:cut]).decode()
    (tmp_path / "l.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    code, out = judge(tmp_path / "l.jsonl")
    assert code == 5 and "signature" in out


def test_without_a_signed_day_nothing_is_said_to_be_proven(kept: Kept, pki: DemoPki, tmp_path: Path) -> None:
    export(kept, tmp_path / "l.jsonl")
    code, out = judge(tmp_path / "l.jsonl", "--root", str(pki.certificate("root")))
    assert code == 0 and "chưa có ngày nào được ký" in out
    kept.roots.seal()
    export(kept, tmp_path / "sealed.jsonl")
    assert "chưa có ngày nào được ký" not in judge(tmp_path / "sealed.jsonl")[1]
