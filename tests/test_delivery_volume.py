"""A disk of many files by the real command without a home: a bar, flat memory, stopped and gone on with, every kind judged.

`make verify-volume` judges the 10,000 files of the manual's figures; the slow tests a disk of 600.
"""

from __future__ import annotations

import hashlib
import json
import os
import pty
import re
import resource
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from pipeline.model import Document, Level, SignedDocument
from signing.demo_pki import DemoPki
from tests.papers import make_signer
from tests.test_delivery_audit import Auditor, count

FILES = int(os.environ.get("SOHOA_VOLUME", "600"))
MEGABYTE = 1 << 20
EXTRA, MISSING = 1, 3
EVERY_HARMED = 50


def variants(
    signed: Callable[[Level], SignedDocument], document: Document, pki: DemoPki, folder: Path
) -> list[Path]:
    """Signed files that differ: the first at B-LTA, the others at B-B, which an auditor offline cannot follow to its end."""
    files = [signed(Level.LTA).pdf.path, signed(Level.B).pdf.path]
    signer = make_signer(pki, Level.B)
    for number in range(6):
        files.append(signer.sign(document, folder / f"variant-{number}.pdf").pdf.path)
    return files


@dataclass
class Disk:
    folder: Path
    listing: Path
    expected: dict[str, int] = field(default_factory=dict)


def fill(place: Path, files: list[Path], total: int) -> Disk:
    """`total` files below folders of 500, each read, hashed and judged for itself; every 50th with one byte changed."""
    contents = [file.read_bytes() for file in files]
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append(["Tên tệp", "Mã hồ sơ", "Số trang", "Mã băm SHA-256"])
    expected = {"TOTAL_FAILED": 0, "INDETERMINATE": 0, "TOTAL_PASSED": 1}
    for number in range(total - EXTRA):
        content = contents[number % len(contents)]
        below = place / "dia" / f"{number // 500:03}"
        below.mkdir(parents=True, exist_ok=True)
        name = f"000.00.19.H26-260305-{number:05}.1.pdf"
        if number % EVERY_HARMED == 7:
            at = content.index(b"/MediaBox") + 8
            content = content[:at] + b"y" + content[at + 1 :]
            (below / name).write_bytes(content)
            expected["TOTAL_FAILED"] += 1
        else:
            os.link(files[number % len(files)], below / name)
            expected["TOTAL_PASSED" if number % len(files) == 0 else "INDETERMINATE"] += 1
        sheet.append([f"{below.name}/{name}", "H26", 2, hashlib.sha256(content).hexdigest()])
    for number in range(MISSING):
        sheet.append([f"khong-co-{number}.pdf", "H26", 2, ""])
    (place / "dia" / "thua.pdf").write_bytes(contents[0])
    listing = place / "danh-sach.xlsx"
    book.save(listing)
    return Disk(place / "dia", listing, expected)


@dataclass
class Watched:
    """The command on a terminal: what its bar showed, and what memory it and its children held while it worked."""

    arguments: list[str]
    environment: dict[str, str]
    out: Path
    shown: bytearray = field(default_factory=bytearray)
    held: list[tuple[int, int]] = field(default_factory=list)

    def run(self, *, stop_after: int | None = None) -> int:
        """The exit code; with `stop_after`, Ctrl-C once the bar has shown that many files."""
        master, slave = pty.openpty()
        with self.out.open("wb") as out:
            process = subprocess.Popen(
                self.arguments,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=slave,
                preexec_fn=lambda: signal.signal(
                    signal.SIGINT, signal.SIG_DFL
                ),  # not deaf to it as jobs of a shell are
            )
        os.close(slave)
        reader = threading.Thread(target=self._read, args=(master,), daemon=True)
        reader.start()
        stopped = False
        while process.poll() is None:
            time.sleep(0.1)
            done = self.done()
            if done:
                self.held.append((done, resident(process.pid)))
            if stop_after is not None and done >= stop_after and not stopped:
                process.send_signal(signal.SIGINT)
                stopped = True
        reader.join(5)
        os.close(master)
        return process.returncode

    def done(self) -> int:
        """How many files the bar said last."""
        counts = re.findall(rb"(\d+)/\d+", bytes(self.shown[-400:]))
        return int(counts[-1]) if counts else 0

    def _read(self, master: int) -> None:
        try:
            while block := os.read(master, 4096):
                self.shown += block
        except OSError:  # the terminal's other end is closed
            return


def resident(pid: int) -> int:
    """Bytes of memory that a process holds now."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()
    except OSError:
        return 0


def spent() -> float:
    """CPU seconds of all ended children and theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.mark.slow
def test_disk_of_many_files_is_judged_with_flat_memory_a_bar_and_a_stop_in_between(
    signed: Callable[[Level], SignedDocument], document: Document, pki: DemoPki, tmp_path: Path
) -> None:
    disk = fill(tmp_path, variants(signed, document, pki, tmp_path), FILES)
    auditor, progress = Auditor(tmp_path), tmp_path / "progress.sqlite3"
    words: list[str | Path] = [
        "--list",
        disk.listing,
        "--trust",
        pki.certificate("root"),
        "--progress",
        progress,
    ]
    command = auditor.command(disk.folder, *words)
    environment = {**auditor.environment, "TERM": "xterm", "COLUMNS": "100"}
    before = spent()
    first = Watched(command, environment, tmp_path / "first.txt")
    assert first.run(stop_after=FILES // 3) not in (0, 1, 5), "stopped, so no verdict on the whole"
    kept = count(progress)
    assert FILES // 3 - 20 <= kept < FILES, "what was judged is kept"
    rest = Watched(command, environment, tmp_path / "rest.txt")
    assert rest.run() == 5
    assert rest.done() == FILES - kept, "what was judged is not judged again"
    seconds = spent() - before
    held = [bytes_ for done, bytes_ in rest.held if done >= 50]
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10
    figures = f"{FILES} files: {seconds / FILES:.3f} CPU s a file, {held[0] >> 20} MB at 50, {max(held) >> 20} MB at most"
    print(f"\n{figures}, largest process {largest} MB")
    assert max(held) - held[0] < 24 * MEGABYTE + FILES * 1_000, "a kilobyte a file is for names alone"

    told = auditor.run(disk.folder, *words, "--json")
    summary: dict[str, Any] = json.loads(told.out)
    assert (told.code, len(summary["results"])) == (5, FILES)
    assert {key: n for key, n in summary["summary"]["verdicts"].items() if n} == disk.expected
    assert (len(summary["missing"]), summary["extra"]) == (MISSING, ["thua.pdf"])
    assert all(one["hash_ok"] is not False for one in summary["results"]), (
        "the list has the hash of every file"
    )
    judge_again_without_the_disk(auditor, disk, progress, environment, seconds)


def judge_again_without_the_disk(
    auditor: Auditor, disk: Disk, progress: Path, environment: dict[str, str], first: float
) -> None:
    """Another circle of roots (here: nobody) over what was read, while the disk is away: no file is opened."""
    away = disk.folder.rename(disk.folder.with_name("away"))
    command = auditor.command(disk.folder, "--progress", progress, "--kept", "--json")
    before = spent()
    again = Watched(command, environment, away.with_name("again.json"))
    assert again.run() == 5
    seconds = spent() - before
    results = json.loads(again.out.read_text("utf-8"))["results"]
    assert len(results) == FILES and not any(one["verdict"] == "TOTAL_PASSED" for one in results)
    assert sum(one["verdict"] == "TOTAL_FAILED" for one in results) == disk.expected["TOTAL_FAILED"]
    size = progress.stat().st_size
    print(
        f"again: {seconds / FILES:.3f} CPU s a file (first {first / FILES:.3f}), progress file {size / FILES / 1024:.1f} KB a file"
    )
