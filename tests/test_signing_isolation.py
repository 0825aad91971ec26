"""Hostile files are judged in a child: it may hang or crash, the home goes on, and no child is left behind."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.model import Document, Level, SignedDocument
from signing.delivery.audit import Audit, run_audit
from signing.delivery.audit_store import AuditStore
from signing.demo_pki import DemoPki
from signing.isolation import IsolatedVerifier
from signing.trust import TrustStore
from signing.verdict import Verdict

Signed = Callable[[Level], SignedDocument]

PARENT = """
import sys, time
from pathlib import Path
from signing.isolation import IsolatedVerifier
from signing.trust import TrustStore
if __name__ == "__main__":
    verifier = IsolatedVerifier(TrustStore(anchors=(), demo=None))
    verifier.verify_file(Path(sys.argv[1]), expected=None)
    print("ready", flush=True)
    time.sleep(60)
"""


@pytest.fixture(scope="module")
def verifier(trust: TrustStore) -> Iterator[IsolatedVerifier]:
    verifier = IsolatedVerifier(trust)
    yield verifier
    verifier.close()


def test_verdict_comes_back_whole(verifier: IsolatedVerifier, signed: Signed) -> None:
    found = verifier.verify_file(
        signed(Level.LTA).pdf.path, expected=signed(Level.LTA).pdf.sha256, target="H26-1.1.pdf"
    )
    assert (found.verdict, found.hash_ok, found.target) == (Verdict.PASSED, True, "H26-1.1.pdf")
    shown = found.to_json()
    assert shown["archive"]["pdfa"] == "2b"
    assert [one["level"] for one in shown["signatures"]] == ["B-LTA", "B-LTA"]


def test_level_of_a_file_is_the_lowest_of_its_signatures(
    verifier: IsolatedVerifier, signed: Signed, document: Document
) -> None:
    assert verifier.judge_incoming(signed(Level.T).pdf.path).level is Level.T
    assert verifier.judge_incoming(document.pdf.path).level is None


def test_file_that_is_gone_is_a_verdict_and_no_crash(verifier: IsolatedVerifier, tmp_path: Path) -> None:
    found = verifier.verify_file(tmp_path / "gone.pdf", expected=None)
    assert found.verdict is Verdict.INDETERMINATE and found.problems


def test_out_of_time_is_indeterminate_with_the_reason_and_the_next_file_is_judged(
    trust: TrustStore, signed: Signed
) -> None:
    hasty = IsolatedVerifier(trust, seconds=0.01)
    try:
        found = hasty.verify_file(signed(Level.LTA).pdf.path, expected=None)
        assert found.verdict is Verdict.INDETERMINATE and "0 giây" in found.problems[0]
        hasty._seconds = 30
        assert hasty.verify_file(signed(Level.LTA).pdf.path, expected=None).verdict is Verdict.PASSED
    finally:
        hasty.close()


def bomb(gigabytes: int, where: bytes) -> bytes:
    """A PDF of some kilobytes with a stream that unfolds to so many gigabytes."""
    packer = zlib.compressobj(9, wbits=-15)
    block, times = packer.compress(bytes(1 << 24)) + packer.flush(zlib.Z_FULL_FLUSH), gigabytes * 64
    check = ((times << 24) % 65521) << 16 | 1  # Adler-32 of zeros
    packed = b"\x78\xda" + block * times + packer.flush() + check.to_bytes(4, "big")
    packed = zlib.compress(packed, 9)
    body = b"<</Length %d/Filter[/FlateDecode/FlateDecode]%b>>\nstream\n%b\nendstream"
    objects = [
        b"<</Type/Catalog/Pages 2 0 R%b>>" % (where if where.startswith(b"/Metadata") else b""),
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 100 100]%b>>"
        % (where if where.startswith(b"/Contents") else b""),
        body
        % (len(packed), b"/Type/Metadata/Subtype/XML" if where.startswith(b"/Metadata") else b"", packed),
    ]
    out, places = bytearray(b"%PDF-1.7\n"), []
    for number, one in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, one)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"xref\n0 5\n0000000000 65535 f \n%btrailer\n<</Size 5/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (
        table, len(out),
    )  # fmt: skip
    return bytes(out)


def test_what_unfolds_to_gigabytes_is_stopped_with_the_reason_and_the_folder_goes_on(
    signed: Signed, pki: DemoPki, tmp_path: Path
) -> None:
    """The limit holds in the child; files before and after are judged, in a folder as one by one."""
    disk = tmp_path / "dia"
    disk.mkdir()
    (disk / "a.pdf").write_bytes(signed(Level.LTA).pdf.path.read_bytes())
    (disk / "b-bom.pdf").write_bytes(bomb(2, b"/Contents 4 0 R"))
    (disk / "c-bom.pdf").write_bytes(bomb(2, b"/Metadata 4 0 R"))
    (disk / "d.pdf").write_bytes(signed(Level.LTA).pdf.path.read_bytes() + b"\n")
    assert max(one.stat().st_size for one in disk.glob("*bom.pdf")) < 20_000
    trust = TrustStore.of(tmp_path / "none", demo_root=pki.certificate("root"))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    store = AuditStore()
    run_audit(Audit(targets=(disk,), memory=1200 << 20), store, trust, lambda done, total: None)
    found = {one["target"]: one for one in store.results()}
    store.close()
    assert {name: one["verdict"] for name, one in found.items()} == {
        "a.pdf": "TOTAL_PASSED", "b-bom.pdf": "INDETERMINATE", "c-bom.pdf": "INDETERMINATE", "d.pdf": "TOTAL_FAILED",
    }  # fmt: skip
    for name in ("b-bom.pdf", "c-bom.pdf"):
        assert found[name]["problems"] == [
            "Kiểm tra cần quá 1200 MB bộ nhớ nên đã dừng (stopped by memory limit)"
        ]
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 200 << 10, "the memory was the child's, not ours"


def test_verifier_of_a_killed_parent_does_not_stay(document: Document, tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    parent = subprocess.Popen(
        [sys.executable, str(script), str(document.pdf.path)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    )
    assert parent.stdout is not None and parent.stdout.readline() == b"ready\n"
    children = descendants(parent.pid)
    assert children
    parent.send_signal(signal.SIGKILL)
    parent.wait(5)
    deadline = time.monotonic() + 10
    while any(alive(child) for child in children) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not [child for child in children if alive(child)]


def descendants(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in found]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
