"""A disk is read once: another root, or another day, judges it again without opening a file; what was changed is noticed."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.model import Level, SignedDocument
from signing.demo_pki import DemoPki, ensure_demo_pki
from signing.isolation import IsolatedVerifier
from signing.reading import RULES, from_bytes, to_bytes, window
from signing.trust import TrustStore
from signing.verdict import Verdict
from signing.verify import judge_reading, read_pdf, verify_pdf
from tests.test_delivery_audit import Auditor

Signed = Callable[[Level], SignedDocument]
NOBODY = TrustStore.of()


@pytest.fixture
def auditor(tmp_path: Path) -> Auditor:
    return Auditor(tmp_path)


@pytest.fixture
def disk(signed: Signed, tmp_path: Path) -> Path:
    """Good at three levels, one harmed, one cut, one that is no PDF."""
    place = tmp_path / "dia"
    place.mkdir()
    for level in (Level.B, Level.LT, Level.LTA):
        shutil.copyfile(signed(level).pdf.path, place / f"{level.name}.pdf")
    good = signed(Level.LTA).pdf.path.read_bytes()
    (place / "hai.pdf").write_bytes(good)
    at = good.index(b"/MediaBox") + 8
    (place / "harmed.pdf").write_bytes(good[:at] + b"y" + good[at + 1 :])
    (place / "cut.pdf").write_bytes(good[: len(good) // 2])
    (place / "junk.pdf").write_bytes(b"no PDF at all")
    return place


def verdicts(document: dict[str, Any]) -> dict[str, tuple[str, str | None]]:
    return {one["target"]: (one["verdict"], one["sub_indication"]) for one in document["results"]}


@pytest.mark.slow
def test_another_root_judges_without_the_files(
    disk: Path, auditor: Auditor, pki: DemoPki, tmp_path: Path
) -> None:
    """First by nobody; then the disk is gone, and a root comes: verdicts and all evidence are those of reading anew."""
    first = auditor.run(disk, "--json").document
    assert {one["verdict"] for one in first["results"]} == {"INDETERMINATE", "TOTAL_FAILED"}
    shutil.move(disk, tmp_path / "away")
    root = ("--trust", pki.certificate("root"))
    page = tmp_path / "r.html"
    again = auditor.run(disk, *root, "--kept", "--json", "--report", "html", "-o", page)
    assert again.code == 5 and not disk.exists(), again.err
    shutil.move(tmp_path / "away", disk)
    anew = auditor.run(disk, *root, "--fresh", "--json").document
    assert again.document["results"] == anew["results"]
    assert verdicts(again.document)["LTA.pdf"] == ("TOTAL_PASSED", None)
    assert verdicts(again.document)["harmed.pdf"][0] == "TOTAL_FAILED"
    assert again.document["read"] and anew["read"] is None
    assert "lần này không mở tệp" in page.read_text("utf-8")
    touched_readings_are_not_believed(disk, auditor, first)


def touched_readings_are_not_believed(disk: Path, auditor: Auditor, by_nobody: dict[str, Any]) -> None:
    """Another file's reading in its place, a damaged one: the file is read, or keeps its verdict."""
    with sqlite3.connect(next((auditor.folder / "cache").rglob("*.sqlite3"))) as base:
        keys = dict(base.execute("SELECT name, sha256 FROM file").fetchall())
        good = base.execute(
            "SELECT reading, window FROM kept WHERE sha256 = ?", (keys["LTA.pdf"],)
        ).fetchone()
        base.execute("UPDATE kept SET reading = ?, window = ? WHERE sha256 = ?", (*good, keys["harmed.pdf"]))
        base.execute("UPDATE kept SET reading = substr(reading, 1, 400) WHERE sha256 = ?", (keys["LT.pdf"],))
    only_kept = verdicts(auditor.run(disk, "--kept", "--json").document)
    assert only_kept["harmed.pdf"][0] == "TOTAL_FAILED" and only_kept["LTA.pdf"][0] == "INDETERMINATE"
    assert verdicts(auditor.run(disk, "--json").document) == verdicts(by_nobody)
    for wrong in ((disk.parent / "nowhere", "--kept"), (disk, "--kept", "--sample", "2")):
        done = CliRunner().invoke(app, ["--home", str(disk.parent / "no-home"), "verify", *map(str, wrong)])
        assert done.exit_code == 2 and not (disk.parent / "no-home").exists(), done.output


@pytest.mark.slow
def test_unchanged_files_are_not_opened_and_changed_ones_are_noticed(
    disk: Path, auditor: Auditor, pki: DemoPki, signed: Signed
) -> None:
    """A change that hides its time is seen by the status of the file; what nothing tells of is not looked at."""
    root = ("--trust", pki.certificate("root"))
    assert auditor.run(disk, "--json").code == 5
    content = (disk / "LT.pdf").read_bytes()
    at = content.index(b"/MediaBox") + 8
    replace_unseen(disk / "LT.pdf", content[:at] + b"y" + content[at + 1 :])
    (disk / "B.pdf").write_bytes((disk / "B.pdf").read_bytes() + b"\nmore")
    (disk / "new.pdf").write_bytes(signed(Level.LTA).pdf.path.read_bytes())
    (disk / "hai.pdf").unlink()
    unchanged = disk / "LTA.pdf"
    replace_unseen(unchanged, bytes(unchanged.stat().st_size))
    with sqlite3.connect(next((auditor.folder / "cache").rglob("*.sqlite3"))) as base:
        base.execute("UPDATE file SET status = ? WHERE name = 'LTA.pdf'", (unchanged.stat().st_ctime_ns,))
    found = verdicts(auditor.run(disk, *root, "--json").document)
    assert found["LT.pdf"] == ("TOTAL_FAILED", "HASH_FAILURE")
    assert found["B.pdf"][0] == "TOTAL_FAILED"
    assert found["new.pdf"] == ("TOTAL_PASSED", None) and "hai.pdf" not in found
    assert found["LTA.pdf"] == ("TOTAL_PASSED", None), "it was opened, though nothing told of a change"
    os.utime(unchanged)
    assert verdicts(auditor.run(disk, *root, "--json").document)["LTA.pdf"][0] == "INDETERMINATE"


def replace_unseen(path: Path, content: bytes) -> None:
    """Other bytes of the same length under the same time of change."""
    before = path.stat()
    assert before.st_size == len(content)
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_reading_comes_back_as_it_was_and_damage_is_told(
    signed: Signed, pki: DemoPki, tmp_path: Path
) -> None:
    trust = TrustStore.of(tmp_path / "none", demo_root=pki.certificate("root"))
    stranger = TrustStore.of(
        tmp_path / "none",
        demo_root=ensure_demo_pki(tmp_path / "other", agency="Xa", officer="B").certificate("root"),
    )
    like = window(read_pdf(signed(Level.B).pdf.path))
    for level in (Level.B, Level.T, Level.LT, Level.LTA):
        path = signed(level).pdf.path
        reading = read_pdf(path)
        kept = to_bytes(reading, like)
        assert from_bytes(kept, like) == reading
        assert len(kept) < len(to_bytes(reading)), "what is the same in other files is kept once"
        for believed in (trust, stranger, NOBODY):
            again = judge_reading(from_bytes(kept, like), trust=believed, target=str(path))
            assert again == verify_pdf(path, trust=believed)
        wrong = judge_reading(reading, trust=trust, target="x.pdf", expected_sha256="0" * 64)
        assert (wrong.verdict, wrong.sub_indication) == (Verdict.FAILED, "HASH_FAILURE")
        for harmed in (
            kept[:-1],
            kept[:40] + b"\0" + kept[41:],
            b"",
            to_bytes(replace(reading, rules=RULES + "x")),
        ):
            with pytest.raises(ValueError, match=r"."):
                from_bytes(harmed, like)
        with pytest.raises(ValueError, match=r"."):
            from_bytes(kept, b"another window")


def test_child_takes_no_reading_of_another_file(signed: Signed, pki: DemoPki) -> None:
    trust = TrustStore.of(pki.folder / "none", demo_root=pki.certificate("root"))
    verifier = IsolatedVerifier(NOBODY)
    try:
        path = signed(Level.LTA).pdf.path
        verdict, kept = verifier.read_file(path, expected=None, target="a.pdf")
        assert verdict.verdict is Verdict.INDETERMINATE and kept is not None
        verifier.trust = trust
        found = verifier.judge_kept(kept.reading, expected=None, target="a.pdf", sha256=verdict.sha256)
        assert found is not None and found.verdict is Verdict.PASSED and found.demo_trust
        assert verifier.judge_kept(kept.reading, expected=None, target="a.pdf", sha256="0" * 64) is None
        assert verifier.judge_kept(b"junk", expected=None, target="a.pdf") is None
    finally:
        verifier.close()
