"""A home as a user has it: the real `sohoa` command in a folder of its own, and what is left of it in the system."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.paths import HomePaths
from storage.s3 import Bucket, Endpoint
from storage.seaweedfs import EmbeddedStore

ROOT = Path(__file__).resolve().parent.parent
SCANS = ROOT / "samples" / "scans"
BUCKET = "sohoa-arch"
BRISK = {"SOHOA_PROCESS_STORE_SECONDS": "0.1"}
"""The store needs 15 s to end by itself, and is ended after 3: hundreds of times in the tests. All who start a command
on one home give it the same settings."""


@dataclass(frozen=True)
class Answer:
    """What a command left: exit code, its JSON document, its log."""

    code: int
    document: Any
    log: str


@dataclass
class Home:
    """`run` waits for a command, `start` does not."""

    root: Path
    settings: dict[str, str] = field(default_factory=dict)
    prefix: tuple[str, ...] = ()

    @property
    def paths(self) -> HomePaths:
        return HomePaths(self.root)

    def start(self, *words: str) -> subprocess.Popen[str]:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), **BRISK, **self.settings}
        command = [*self.prefix, sys.executable, "-m", "pipeline.cli", "--home", str(self.root), *words]
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
        )

    def run(self, *words: str, timeout: float = 240) -> Answer:
        """A command with `--json`; its stdout must be one JSON document."""
        child = self.start(*words, "--json")
        out, log = child.communicate(timeout=timeout)
        return Answer(child.returncode, json.loads(out) if out.strip() else None, log)

    def process(self) -> int | None:
        """Process id of the home's process, None when none runs."""
        return next(iter(pids(f"pipeline.home {self.root}")), None)

    def children(self) -> list[int]:
        """Process ids of its readers and verifiers; those of other homes on this machine are none of them."""
        mine = self.process()
        return children_of(mine) if mine else []

    def store(self) -> int | None:
        return next(iter(pids(f"weed -logdir={self.root}")), None)

    def bucket(self, role: str = "admin") -> Bucket:
        endpoint: Endpoint = EmbeddedStore.at(self.paths.store, bucket=BUCKET).endpoint(role)
        return Bucket(endpoint)


def children_of(parent: int) -> list[int]:
    """Process ids of the working children that this process spawned."""
    listed = Path(f"/proc/{parent}/task").glob("*/children")
    own = {int(pid) for one in listed for pid in one.read_text("ascii").split()}
    return [pid for pid in pids("multiprocessing.spawn") if pid in own]


def pids(pattern: str) -> list[int]:
    """Processes whose command line holds `pattern`, zombies left out."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal() or int(entry.name) == os.getpid():
            continue
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if pattern in line:
            found.append(int(entry.name))
    return sorted(found)


def kill(pid: int | None) -> None:
    """SIGKILL, as a power switch for one process."""
    assert pid is not None, "nothing to kill"
    os.kill(pid, signal.SIGKILL)


def until(true: Callable[[], bool], seconds: float = 30.0) -> bool:
    """Whether a condition comes true in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if true():
            return True
        time.sleep(0.05)
    return true()


def states(document: Any) -> list[str]:
    return sorted(paper["state"] for batch in document["batches"] for paper in batch["documents"])


def papers(document: Any) -> list[dict[str, Any]]:
    return [paper for batch in document["batches"] for paper in batch["documents"]]
