"""Evidence records over the signed days: one time-stamp for many, renewed by stamp and by digest, attacked, judged alone."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import cms, core, tsp
from sqlalchemy import Engine

import storage.ledger
from pipeline.errors import Unavailable
from pipeline.files import write_whole
from pipeline.model import Level, SignatureRole
from signing.demo_pki import DemoPki
from signing.evidence import Gate, Trust
from signing.evidence_token import NEVER, EvidenceStamper, digest_until, proves_until
from signing.timestamp import DemoAuthority
from storage import ledger_export
from storage.evidence_record import KINDS, begun, plant, stamped_again
from storage.ledger import Ledger
from storage.manifest import Entry, Manifest, digest, encode
from storage.proof import HASHES as DIGESTS
from storage.proof import ArchiveStamp, hashed, judge_record, leaf_of, read_record
from storage.root_evidence import RootEvidence
from storage.roots import Roots
from storage.s3 import Bucket
from storage.segments import Segments, put_once
from tests.home_in_use import ROOT
from tests.papers import make_signer
from tests.pki import Authority
from tests.test_ledger_out import LOCK, NOON, Clock, note

NOW = dt.datetime.now(dt.UTC)
SOON = NOW + dt.timedelta(days=180)
KEY = "d/aa/bb/X/m/000001.json"
PAPER = b"%PDF-1.7 a paper"
FIRST, SECOND = "x/evidence/2026-03-05/{:06d}.ers", "x/evidence/2026-03-08/{:06d}.ers"


class Chain(core.SequenceOf):  # type: ignore[misc]
    """As RFC 4998 has it; asn1crypto leaves this level out."""

    _child_spec = tsp.ArchiveTimeStamp


class Chains(core.SequenceOf):  # type: ignore[misc]
    _child_spec = Chain


class EvidenceRecord(core.Sequence):  # type: ignore[misc]
    _fields = [
        *[one for one in tsp.EvidenceRecord._fields if one[0] != "archive_time_stamp_sequence"],
        ("archive_time_stamp_sequence", Chains),
    ]


@dataclass
class Days:
    """Three signed days: two under one record, the third under another; three rounds of renewal behind them."""

    bucket: Bucket
    authority: Authority
    trusted: tuple[Path, ...]
    objects: Path
    export: Path
    ledger: Ledger

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.export.read_text("utf-8").splitlines()]


def stamper(authority: Authority, name: str, days: int) -> EvidenceStamper:
    """An authority whose certificate ends in so many days."""
    identity = authority.issue(
        name, signs_documents=False, stamps_time=True, ends=NOW + dt.timedelta(days=days)
    )
    tsa = DemoAuthority(identity, clock=lambda: dt.datetime.now(dt.UTC))
    trust = Trust(roots=(authority.root,), crls=(authority.crl,))
    return EvidenceStamper(tsa, Gate(trust, clock=lambda: dt.datetime.now(dt.UTC)))


def evidence_of(database: Engine, bucket: Bucket, by: EvidenceStamper, **changes: Any) -> RootEvidence:
    usual: dict[str, Any] = {
        "proves_until": proves_until, "digest_until": digest_until, "agency": "H26", "lock": LOCK,
    }  # fmt: skip
    return RootEvidence(database, bucket, by, **{**usual, **changes})


def roots_of(database: Engine, bucket: Bucket, pki: DemoPki, by: EvidenceStamper, day: int) -> Roots:
    signer = make_signer(pki, Level.T)
    signer._timestamper = by._timestamper
    segments = Segments(database, bucket, lock=LOCK)
    sign: Callable[[bytes], bytes] = lambda content: signer.attest(content, SignatureRole.AGENCY)  # noqa: E731
    clock = lambda: NOON + dt.timedelta(days=day)  # noqa: E731
    return Roots(database, bucket, segments, sign=sign, agency="H26", lock=LOCK, clock=clock)


def ways(found: list[Any]) -> list[tuple[str, str, int, str]]:
    return [(one.first, one.last, one.days, one.way) for one in found]


def no_sha256(name: str) -> dt.datetime:
    return NOW + dt.timedelta(days=30) if name == "sha256" else NEVER


@pytest.mark.slow
def test_renewals_of_every_kind_and_every_attack(
    database: Engine, own_bucket: Bucket, pki: DemoPki, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage.ledger, "datetime", Clock)
    bucket, authority = own_bucket, Authority(tmp_path / "tsa")
    short, long = stamper(authority, "Ngắn", 10), stamper(authority, "Dài", 2000)
    for day in (0, 1, 3):
        note(database, day, f"d_{day}")
    keep_manifest(bucket)
    note(database, 3, "d_last", manifest=KEY, manifest_sha256=digest(bucket.read(KEY) or b""))

    assert roots_of(database, bucket, pki, short, 3).seal() == ["2026-03-05", "2026-03-06"]
    evidence = evidence_of(database, bucket, short)
    assert ways(evidence.due(SOON, "nhung")) == [
        ("2026-03-05", "2026-03-05", 1, "first"), ("2026-03-06", "2026-03-06", 1, "first"),
    ]  # fmt: skip
    assert evidence.due(NOW + dt.timedelta(days=5), "nhung") == []

    def down(digest: bytes, algorithm: str) -> bytes:
        raise Unavailable("no answer")

    good, evidence._stamper.stamp = evidence._stamper.stamp, down  # type: ignore[method-assign]
    with pytest.raises(Unavailable):
        evidence.renew(SOON, "nhung")
    assert list(evidence.all()) == []
    evidence._stamper.stamp = good  # type: ignore[method-assign]

    # killed between the object and the database: the next call takes it up
    takes, evidence._take_up = evidence._take_up, lambda actor: None  # type: ignore[method-assign]
    evidence.renew(SOON, "nhung")
    evidence._take_up = takes  # type: ignore[method-assign]
    evidence = evidence_of(database, bucket, long)
    assert ways(evidence.due(SOON, "nhung")) == [("2026-03-05", "2026-03-06", 2, "stamp")]
    assert [key for key, _ in evidence.all()] == [FIRST.format(1)]

    assert roots_of(database, bucket, pki, short, 4).seal() == ["2026-03-08"]
    done, failed = evidence.renew(SOON, "nhung")
    assert ways(done) == [
        ("2026-03-08", "2026-03-08", 1, "first"),
        ("2026-03-05", "2026-03-06", 2, "stamp"),
    ] or (sorted(one.way for one in done) == ["first", "stamp"])
    assert failed == [] and evidence.due(SOON, "nhung") == []

    weak = evidence_of(database, bucket, long, digest_until=no_sha256)
    assert sorted(ways(weak.due(SOON, "nhung"))) == [
        ("2026-03-05", "2026-03-06", 2, "tree"), ("2026-03-08", "2026-03-08", 1, "tree"),
    ]  # fmt: skip
    done, failed = weak.renew(SOON, "nhung")
    assert len(done) == 2 and failed == [] and weak.due(SOON, "nhung") == []
    assert [key for key, _ in weak.all()] == [
        *(FIRST.format(n) for n in (1, 2, 3)),
        *(SECOND.format(n) for n in (1, 2)),
    ]
    held = dict(weak.all())
    last = [read_record(held[key])[-1].stamps[-1] for key in (FIRST.format(3), SECOND.format(2))]
    assert last[0].token == last[1].token and last[0].kind == KINDS["sha384"], (
        "one time-stamp for all of them"
    )
    acts = [json.loads(one.body) for one in Ledger(database).entries()]
    assert [one["objects"][0] for one in acts if one["act"] == "renew_roots"] == [
        FIRST.format(1), SECOND.format(1), FIRST.format(2), FIRST.format(3), SECOND.format(2),
    ]  # fmt: skip
    lock = bucket._client.get_object_retention(bucket.name, FIRST.format(3))
    assert lock is not None and lock.retain_until_date > dt.datetime.now(dt.UTC) + LOCK / 2

    days = exported(database, bucket, authority, pki, tmp_path)
    check_readers(held[FIRST.format(3)], authority, tmp_path)
    check_digests(days)
    code, out = judge(days, tmp_path)
    assert code == 0, out
    assert "2026-03-05 – 2026-03-06: 3 dấu thời gian" in out and "2026-03-08 – 2026-03-08: 2 dấu" in out
    check_attacks(days, tmp_path)

    # a signer who was revoked meanwhile is not renewed over, and says so
    authority.revoke(long._timestamper._builders.source)  # type: ignore[union-attr]
    other = stamper(authority, "Khác", 3000)
    done, failed = evidence_of(database, bucket, other).renew(NOW + dt.timedelta(days=2500), "nhung")
    assert done == [] and len(failed) == 2 and "revoked" in str(failed[0][1])


def keep_manifest(bucket: Bucket) -> None:
    """A manifest of one paper, as a dossier has it."""
    place = f"d/aa/bb/X/c/{digest(PAPER)}.pdf"
    entry = Entry(
        document="d_last", version=1, role="document", key=place, sha256=digest(PAPER), size=len(PAPER),
        media_type="application/pdf",
    )  # fmt: skip
    manifest = Manifest(
        dossier="X", number=1, previous=None, created=NOON, agency="H26", actor="a", entries=(entry,)
    )
    put_once(bucket, place, PAPER, media_type="application/pdf", lock=LOCK)
    put_once(bucket, KEY, encode(manifest), media_type="application/json", lock=LOCK)


def exported(database: Engine, bucket: Bucket, authority: Authority, pki: DemoPki, folder: Path) -> Days:
    """The export, and copies of the bucket's objects beside it."""
    roots = roots_of(database, bucket, pki, stamper(authority, "Thừa", 5), 4)
    evidence = evidence_of(database, bucket, stamper(authority, "Thừa 2", 5))
    lines = ledger_export.lines(Ledger(database), roots.all(), evidence.all(), agency="H26")
    write_whole(folder / "l.jsonl", lines, "application/jsonl")
    for prefix in ("x/", "l/", "d/"):
        for key in bucket.keys(prefix):
            write_whole(folder / "b" / key, bucket.read(key) or b"", "application/octet-stream")
    trusted = (pki.certificate("root"), authority.root)
    return Days(bucket, authority, trusted, folder / "b", folder / "l.jsonl", Ledger(database))


def judge(
    days: Days, folder: Path, *, lines: list[dict[str, Any]] | None = None, objects: bool = False
) -> tuple[int, str]:
    """The one file alone, elsewhere."""
    export = days.export
    if lines is not None:
        export = folder / "attacked.jsonl"
        export.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    script = folder / "verify_ledger.py"
    script.write_bytes((ROOT / "scripts" / "verify_ledger.py").read_bytes())
    command = [sys.executable, "-I", str(script), str(export)]
    command += [word for root in days.trusted for word in ("--root", str(root))]
    command += ["--objects", str(days.objects)] if objects else []
    done = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout


def check_readers(record: bytes, authority: Authority, folder: Path) -> None:
    """Other programs read it: asn1crypto the whole, OpenSSL each time-stamp over what the hash tree says."""
    found = EvidenceRecord.load(record, strict=True)
    assert found.dump(force=True) == record, "DER"
    assert [one["algorithm"].native for one in found["digest_algorithms"]] == ["sha256", "sha384"]
    chains = found["archive_time_stamp_sequence"]
    assert [len(chain) for chain in chains] == [2, 1]
    assert chains[1][0]["digest_algorithm"]["algorithm"].native == "sha384"
    assert [len(one.native) for one in chains[0][0]["reduced_hashtree"]] == [4], "two roots, two signatures"
    for chain in chains:
        for one in chain:
            token = one["time_stamp"].dump()
            assert cms.ContentInfo.load(token)["content"]["crls"], "its signer's revocation list stands in it"
            (folder / "token").write_bytes(token)
            info = cms.ContentInfo.load(token)["content"]["encap_content_info"]["content"].parsed
            imprint = info["message_imprint"]["hashed_message"].native.hex()
            command = [
                "openssl",
                "ts",
                "-verify",
                "-digest",
                imprint,
                "-in",
                str(folder / "token"),
                "-token_in",
            ]
            judged = subprocess.run(
                [*command, "-CAfile", str(authority.root)], capture_output=True, check=False
            )
            assert judged.returncode == 0, judged.stderr
    first = read_record(record)[0].stamps[0]
    assert first.tree[0] == tuple(sorted(first.tree[0])) and len(set(first.tree[0])) == 4


def check_digests(days: Days) -> None:
    """The paper itself is under the stronger digest, not only what names it."""
    lines = (days.objects / "x/2026/03/08/sha384.jsonl").read_text("utf-8").splitlines()
    found = {one["key"]: one["sha384"] for one in map(json.loads, lines)}
    assert found[f"d/aa/bb/X/c/{digest(PAPER)}.pdf"] == hashlib.sha384(PAPER).hexdigest()
    assert KEY in found and any(key.startswith("l/2026/03/08/") for key in found)


def check_attacks(days: Days, folder: Path) -> None:
    """What was taken away, put in another's place, or changed is named."""

    def without(key: str) -> list[dict[str, Any]]:
        return [line for line in days.lines() if line.get("key") != key]

    def swapped(key: str, other: str, name: str) -> list[dict[str, Any]]:
        lines = days.lines()
        given = {line["key"]: line[name] for line in lines if name in line}
        return [
            {**line, name: given[other]} if line.get("key") == key and name in line else line
            for line in lines
        ]

    def changed(at: int) -> list[dict[str, Any]]:
        lines = days.lines()
        for line in lines:
            if line.get("key") == FIRST.format(3):
                content = bytearray(base64.b64decode(line["evidence"]))
                content[at] ^= 1
                line["evidence"] = base64.b64encode(content).decode()
        return lines

    for lines, named in (
        (without(FIRST.format(3)), f"{FIRST.format(3)} is missing: the ledger names it"),
        (without(FIRST.format(1)), f"{FIRST.format(1)} is missing"),
        (without("x/2026/03/06/root.json"), f"{FIRST.format(3)}: covers 2 objects that are not here"),
        (swapped(FIRST.format(3), SECOND.format(2), "evidence"), "another one than the ledger names"),
        (
            swapped("x/2026/03/05/root.json", "x/2026/03/06/root.json", "p7s"),
            "covers 1 objects that are not here",
        ),
        (changed(60), FIRST.format(3)),
        (changed(-40), f"{FIRST.format(3)}: time-stamp 3"),
        (changed(4), "damaged"),
    ):
        code, out = judge(days, folder, lines=lines)
        assert code == 5 and named in out, out
    assert judge(days, folder, objects=True)[0] == 0
    paper = days.objects / f"d/aa/bb/X/c/{digest(PAPER)}.pdf"
    paper.write_bytes(b"%PDF-1.7 another paper")
    code, out = judge(days, folder, objects=True)
    assert code == 5 and "not the bytes whose sha384" in out
    paper.write_bytes(PAPER)
    listing = days.objects / "x/2026/03/08/sha384.jsonl"
    listing.write_bytes(listing.read_bytes() + b"{}\n")
    code, out = judge(days, folder, objects=True)
    assert code == 5 and "leaves out x/2026/03/08/sha384.jsonl" in out


def test_a_late_renewal_and_a_foreign_one_are_named(tmp_path: Path) -> None:
    authority, stranger = Authority(tmp_path / "tsa"), Authority(tmp_path / "stranger")
    kind, objects = (
        KINDS["sha256"],
        {"x/2026/03/05/root.json": b"root", "x/2026/03/05/root.p7s": b"signature"},
    )

    def token(by: Authority, name: str, digest: bytes, at: dt.datetime, ends: dt.datetime) -> bytes:
        import asyncio

        identity = by.issue(
            name, signs_documents=False, stamps_time=True, begins=NOW - dt.timedelta(days=300), ends=ends
        )
        tsa = DemoAuthority(identity, clock=lambda: at)
        return bytes(asyncio.run(tsa.async_timestamp(digest, "sha256")).dump())

    top, (tree,) = plant([[leaf_of(one, kind, ()) for one in objects.values()]], kind)
    ended = NOW - dt.timedelta(days=100)
    first = token(authority, "a", top, NOW - dt.timedelta(days=200), ended)
    record = begun(ArchiveStamp(kind, tree, first))
    from cryptography.x509 import load_pem_x509_certificates

    trusted = load_pem_x509_certificates(authority.root.read_bytes())
    assert judge_record("r", record, objects, trusted)[0] == []
    over = hashed(DIGESTS[kind], first)
    for by, at, named in (
        (authority, NOW, "after the certificate of the one before ended"),
        (authority, NOW - dt.timedelta(days=250), "is older than the one that it renews"),
        (stranger, NOW - dt.timedelta(days=150), "whom no given root vouches for"),
    ):
        second = token(by, "b", over, at, NOW + dt.timedelta(days=900))
        longer = stamped_again(record, first, ArchiveStamp(kind, (), second))
        assert any(named in one for one in judge_record("r", longer, objects, trusted)[0])
    other = token(authority, "c", hashlib.sha256(b"other").digest(), NOW - dt.timedelta(days=150), SOON)
    (wrong,) = judge_record(
        "r", stamped_again(record, first, ArchiveStamp(kind, (), other)), objects, trusted
    )[0]
    assert "time-stamp 2 does not fit what it is over" in wrong


@pytest.mark.parametrize(
    "groups", [[[b"a"]], [[b"a", b"b"], [b"c"]], [[b"a"], [b"b"], [b"c"]], [[b"a", b"b"], [b"c", b"d"]]]
)
def test_every_reduced_tree_leads_to_the_same_top(groups: list[list[bytes]]) -> None:
    from storage.proof import fold

    kind = KINDS["sha256"]
    leaves = [[hashed(DIGESTS[kind], one) for one in group] for group in groups]
    top, trees = plant(leaves, kind)
    for group, tree in zip(leaves, trees, strict=True):
        assert (fold(tree, kind) if tree else group[0]) == top
        assert all(len(one) > 1 or place for place, one in enumerate(tree)), "no first list of one"
        assert not tree or set(group) <= set(tree[0])


@pytest.mark.parametrize(
    "junk", [b"", b"0", b"0\x00", b"0\x80", b"0\x03\x02\x01\x01", b"\x30\x84\xff\xff\xff\xff", b"x" * 50]
)
def test_what_is_no_record_is_told_without_a_crash(junk: bytes) -> None:
    problems, standing = judge_record("r", junk, {}, ())
    assert standing is None and "damaged" in problems[0]
