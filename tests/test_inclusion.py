"""One document's proof, alone in a file: from its bytes to the signed root of its day; and what `sohoa verify` says of it."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from minio.deleteobjects import DeleteObject

from pipeline.model import Level, SignatureRole
from signing.demo_pki import DemoPki
from storage.database import open_database, sqlite_url
from storage.proof import audit_path, climb, levels, merkle
from storage.roots import Roots
from storage.segments import Segments
from tests.home_in_use import ROOT, SCANS, Home, papers
from tests.papers import make_signer

LOCK = timedelta(days=1)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    home = Home(tmp_path_factory.mktemp("nha") / "h")
    yield home
    home.run("down")


def seal_today(home: Home) -> None:
    """What the home does after midnight."""
    database, bucket = open_database(sqlite_url(home.paths.database)), home.bucket("writer")
    signer = make_signer(DemoPki(folder=home.paths.keys / "demo"), Level.T)
    roots = Roots(
        database,
        bucket,
        Segments(database, bucket, lock=LOCK),
        sign=lambda content: signer.attest(content, SignatureRole.AGENCY),
        agency="H00.00",
        lock=LOCK,
        clock=lambda: datetime.now(UTC) + timedelta(days=1),
    )
    assert len(roots.seal()) >= 1
    database.dispose()


def alone(proof: Path, *more: str) -> tuple[int, str]:
    """The one file, without sohoa on its path."""
    script = proof.parent / "verify_ledger.py"
    script.write_bytes((ROOT / "scripts" / "verify_ledger.py").read_bytes())
    done = subprocess.run(
        [sys.executable, "-I", str(script), str(proof), *more],
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout


@pytest.mark.slow
def test_a_document_is_proven_by_itself_and_its_days_are_renewed(home: Home, tmp_path: Path) -> None:
    taken = home.run("ingest", str(SCANS / "chong-2" / "scan-01.jpg"), "--dossier", "H38.20-261002-0007")
    name = papers(taken.document)[0]["id"]
    early = home.run("ledger", "prove", name, "-o", str(tmp_path / "p.json"))
    assert early.code == 1 and "no signed root yet" in early.document["error"]["message"]
    (found,) = home.run("verify", name).document["results"]
    assert found["verdict"] == "TOTAL_PASSED" and found["inclusion"] is None
    seal_today(home)
    assert home.run("ledger", "verify").code == 0

    proof, pdf, root = tmp_path / "p.json", tmp_path / "a.pdf", home.paths.keys / "demo" / "root.crt"
    assert home.run("ledger", "prove", name, "-o", str(proof)).document["ok"]
    home.run("get", name, "-o", str(pdf))
    code, out = alone(proof, "--file", str(pdf), "--root", str(root))
    assert code == 0 and name in out and "stands under the root" in out
    (found,) = home.run("verify", "--all").document["results"]
    assert found["verdict"] == "TOTAL_PASSED" and found["inclusion"]["ok"] and found["inclusion"]["trusted"]
    assert found["inclusion"]["evidence"] is None and found["inclusion"]["day"]
    assert home.run("review", name, "--set", "title=Quyết định thử").code == 0
    (found,) = home.run("verify", name).document["results"]
    assert found["inclusion"]["ok"], "a corrected record has the same file, and its proof"
    check_attacks(json.loads(proof.read_text("utf-8")), pdf, root, tmp_path)

    due = home.run("renew", "--due", "--days", "5000")
    assert due.code == 1 and [one["way"] for one in due.document["roots"]] == ["first"]
    renewed = home.run("renew", "--days", "5000")
    assert renewed.code == 0, renewed.document
    assert [one["way"] for one in renewed.document["roots"]["done"]] == ["first"]
    assert [one["way"] for one in home.run("renew", "--due", "--days", "5000").document["roots"]] == ["stamp"]
    renewed = home.run("renew", "--days", "5000")
    assert [one["way"] for one in renewed.document["roots"]["done"]] == ["stamp"]
    report = home.run("ledger", "verify")
    assert report.code == 0, report.document["problems"]
    assert [len(one["stamps"]) for one in report.document["evidence"]] == [2]

    proven = home.run("ledger", "prove", name, "--version", "1", "-o", str(proof), "--force")
    assert proven.code == 0 and len(proven.document["evidence"]["stamps"]) == 2
    assert alone(proof, "--file", str(pdf), "--root", str(root))[0] == 0
    assert home.run("ledger", "verify", str(proof), "--file", str(pdf)).code == 0
    (tmp_path / "other.pdf").write_bytes(b"%PDF-1.7")
    assert home.run("ledger", "verify", str(proof), "--file", str(tmp_path / "other.pdf")).code == 5
    assert home.run("ledger", "export", "-o", str(tmp_path / "l.jsonl")).code == 0
    code, out = alone(tmp_path / "l.jsonl", "--root", str(root))
    assert code == 0 and "2 dấu thời gian" in out
    kept = home.bucket()
    (last,) = [one for one in kept.versions("x/evidence/") if one.key.endswith("000002.ers")]
    gone = [DeleteObject(last.key, last.version_id)]  # as only an administrator can
    assert not list(kept._client.remove_objects(kept.name, gone, bypass_governance_mode=True))
    report = home.run("ledger", "verify")
    assert report.code == 5 and f"{last.key} is missing: the ledger names it" in report.document["problems"]


def check_attacks(proof: dict[str, Any], pdf: Path, root: Path, folder: Path) -> None:
    def content(of: str, old: str, new: str) -> Callable[[dict[str, Any]], None]:
        def change(found: dict[str, Any]) -> None:
            assert old in found[of]["content"]
            found[of]["content"] = found[of]["content"].replace(old, new)

        return change

    def value(name: str, new: Any) -> Callable[[dict[str, Any]], None]:
        return lambda found: found.__setitem__(name, new)

    other = "0" * 64
    for change, named in (
        (value("sha256", other), "the file is another one"),
        (value("document", "d_other"), "does not hold this document"),
        (content("manifest", proof["sha256"], other), "not one that the root"),
        (content("root", '"zone"', '"Zone"'), "the signature does not fit"),
        (value("path", proof["path"][:-1]), "too short"),
        (value("path", [*proof["path"], other]), "too long"),
        (value("path", [other, *proof["path"][1:]]), "does not lead"),
        (value("leaf", 10**9), "does not lead"),
        (value("root", 3), "damaged"),
        (value("leaves", "x"), "damaged"),
    ):
        attacked = copy.deepcopy(proof)
        change(attacked)
        (folder / "attacked.json").write_text(json.dumps(attacked), "utf-8")
        code, out = alone(folder / "attacked.json", "--file", str(pdf), "--root", str(root))
        assert code == 5 and named in out, out


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 13])
def test_every_leaf_leads_to_the_root(size: int) -> None:
    mine = [f"leaf {number}".encode() for number in range(size)]
    tree = levels(mine)
    assert tree[-1][0].hex() == merkle(mine)
    for place, leaf in enumerate(mine):
        assert climb(leaf, place, size, audit_path(tree, place)) == merkle(mine)
        assert size == 1 or climb(b"other", place, size, audit_path(tree, place)) != merkle(mine)
