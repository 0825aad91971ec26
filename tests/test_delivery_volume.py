"""A disk of many files: memory stays flat, nothing is done twice, and the figures can be stated.

`SOHOA_VOLUME=10000 pytest -m slow tests/test_delivery_volume.py -s` prints those of the manual.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.model import Level, SignedDocument
from signing.delivery.audit import Audit, run_audit
from signing.delivery.audit_store import AuditStore
from signing.trust import TrustStore

FILES = int(os.environ.get("SOHOA_VOLUME", "600"))
MEGABYTE = 1 << 20


def fill(folder: Path, pdf: Path, count: int) -> None:
    """One signed file under many names: each is read, hashed and judged all the same."""
    for number in range(count):
        place = folder / f"{number // 500:03}"
        place.mkdir(parents=True, exist_ok=True)
        os.link(pdf, place / f"000.00.19.H26-260305-{number:05}.1.pdf")


def resident() -> int:
    """Bytes of memory that this process holds now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


@pytest.mark.slow
def test_memory_is_flat_over_many_files(
    signed: Callable[[Level], SignedDocument], trust: TrustStore, tmp_path: Path
) -> None:
    fill(tmp_path / "disk", signed(Level.B).pdf.path, FILES)
    store, held = AuditStore(tmp_path / "progress.sqlite3"), []

    def note(done: int, total: int) -> None:
        if done and done % 50 == 0:
            held.append(resident())

    before = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    run_audit(Audit(targets=(tmp_path / "disk",), workers=2), store, trust, note)
    after = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = sum(
        b.ru_utime + b.ru_stime - a.ru_utime - a.ru_stime for a, b in zip(before, after, strict=True)
    )
    print(
        f"\n{FILES} files: {seconds / FILES:.3f} CPU s a file, {held[0] >> 20} MB at 50, {held[-1] >> 20} MB at the end, "
        f"largest child {after[1].ru_maxrss >> 10} MB"
    )
    assert sum(store.counts().values()) == FILES
    assert held[-1] - held[0] < 24 * MEGABYTE + FILES * 1_000, "a kilobyte a file is for names alone"
    done: list[int] = []
    run_audit(
        Audit(targets=(tmp_path / "disk",), workers=2), store, trust, lambda _, total: done.append(total)
    )
    assert done == [0], "a second run has nothing left to do"
