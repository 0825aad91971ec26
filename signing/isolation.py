"""Verification in a child process: a hostile PDF can hang or crash the child, never the home."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import resource
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import TimeoutError, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pebble import ProcessExpired, ProcessPool

from pipeline.errors import Rejected, SohoaError
from signing.conditions import OFFLINE, Conditions
from signing.reading import Reading, from_bytes, to_bytes, window
from signing.signature_value import SignatureValue, values_of
from signing.trust import TrustStore
from signing.verdict import FileVerdict, Verdict
from signing.verify import judge_reading, read_pdf

SECONDS = 60.0
MEMORY = 2 << 30
"""Bytes of address space of a child."""
SAMPLED = 0.2
"""Seconds between two looks at how much memory the children hold."""
T = TypeVar("T")


class IsolatedVerifier:
    """Children that judge files, started when first needed and again when lost; each is replaced after 200 files."""

    def __init__(
        self,
        trust: TrustStore,
        *,
        seconds: float = SECONDS,
        conditions: Conditions = OFFLINE,
        workers: int = 1,
        memory: int = MEMORY,
    ) -> None:
        self.trust = trust
        self._conditions = conditions
        self._workers = workers
        self._seconds = seconds
        self._memory = memory
        self._peaks: dict[int, int] = {}
        self._lock = threading.Lock()
        self._pool: ProcessPool | None = None

    def verify_file(
        self,
        path: Path,
        *,
        expected: str | None,
        target: str | None = None,
        expect_signed: bool = False,
        conditions: Conditions | None = None,
        trust: TrustStore | None = None,
    ) -> FileVerdict:
        """Judge one file within the limits; what exceeds them is INDETERMINATE, with the reason."""
        name = target or str(path)
        asked = _Asked(trust or self.trust, name, expected, expect_signed, conditions or self._conditions)
        found = self._within(_judge, path, asked)
        return found if isinstance(found, FileVerdict) else _unjudged(name, found)

    def read_file(
        self,
        path: Path,
        *,
        expected: str | None,
        target: str,
        expect_signed: bool = False,
        conditions: Conditions | None = None,
        like: bytes = b"",
    ) -> tuple[FileVerdict, Kept | None]:
        """Judge one file and keep its reading, compressed by the window `like`; None where it could not be read."""
        asked = _Asked(self.trust, target, expected, expect_signed, conditions or self._conditions)
        found = self._within(_read, path, asked, like)
        return (_unjudged(target, found), None) if isinstance(found, str) else found

    def judge_kept(
        self,
        kept: bytes,
        *,
        expected: str | None,
        target: str,
        expect_signed: bool = False,
        conditions: Conditions | None = None,
        like: bytes = b"",
        sha256: str | None = None,
    ) -> FileVerdict | None:
        """Judge a file by its kept reading, without the file.

        None when the reading is damaged, of other rules, or not that of the file with this SHA-256.
        """
        asked = _Asked(self.trust, target, expected, expect_signed, conditions or self._conditions)
        found = self._within(_judge_again, kept, asked, like, sha256)
        return _unjudged(target, found) if isinstance(found, str) else found

    def _within(self, work: Callable[..., T], *arguments: Any) -> T | str:
        """What the work in a child comes to, or why it came to nothing."""
        task = self._children().schedule(work, args=arguments, timeout=self._seconds)
        while not wait([task], timeout=SAMPLED).done:
            self._peaks.update(_peaks())
        try:
            found: T = task.result()
            return found
        except MemoryError:
            return self._out_of_memory
        except ProcessExpired as lost:
            # Libraries in C end the process when they get no memory; its last peak tells that from another crash.
            peak = self._peaks.pop(lost.pid or 0, 0)
            return (
                self._out_of_memory
                if peak > self._memory // 2
                else "Tệp làm hỏng trình kiểm tra (the file crashed the verifier)"
            )
        except TimeoutError:
            return f"Kiểm tra quá {self._seconds:.0f} giây nên đã dừng (stopped by time limit)"
        except OSError as error:
            return f"Không đọc được tệp (the file cannot be read: {error.strerror})"
        except Exception as error:  # whatever a hostile file leads a library to
            return f"Không kiểm tra được tệp (the file cannot be judged: {type(error).__name__})"

    @property
    def _out_of_memory(self) -> str:
        return f"Kiểm tra cần quá {self._memory >> 20} MB bộ nhớ nên đã dừng (stopped by memory limit)"

    def run(self, work: Callable[[Path], T], path: Path) -> T:
        """Do other work over a hostile file in a child, within the limits. Raises its SohoaError, else Rejected."""
        task = self._children().schedule(work, args=(path,), timeout=self._seconds)
        try:
            found: T = task.result()
            return found
        except SohoaError:
            raise
        except (
            Exception
        ) as error:  # out of time, out of memory, or whatever a hostile file leads a library to
            if isinstance(error, OSError) and not isinstance(error, TimeoutError | ProcessExpired):
                raise
            raise Rejected(
                f"{path.name} cannot be read within the limits ({type(error).__name__})",
                vi=f"Không đọc được {path.name} trong giới hạn cho phép ({type(error).__name__})",
            ) from error

    def _children(self) -> ProcessPool:
        with self._lock:
            if self._pool is None:
                self._pool = ProcessPool(
                    max_workers=self._workers,
                    max_tasks=200,
                    initializer=_begin,
                    initargs=(os.getpid(), self._memory),
                    context=multiprocessing.get_context("spawn"),
                )
            return self._pool

    def signature_values(self, pdf: Path) -> tuple[SignatureValue, ...]:
        """The signatures of a file as values, for an archive package; none when it cannot be taken apart in time."""
        try:
            return self.run(values_of, pdf)
        except (SohoaError, OSError):  # the verdict beside it says what is wrong with the file
            return ()

    def judge_incoming(self, pdf: Path) -> FileVerdict:
        """What an incoming signed file is worth as it comes in; its own path stays out of the report."""
        return self.verify_file(pdf, expected=None, target="incoming")

    def close(self) -> None:
        """End the child."""
        with self._lock, contextlib.suppress(Exception):
            if self._pool is not None:
                self._pool.stop()
                self._pool.join(timeout=5)


@dataclass(frozen=True, slots=True)
class Kept:
    """A reading as bytes, and what helps to compress those that come after it."""

    reading: bytes
    window: bytes


@dataclass(frozen=True, slots=True)
class _Asked:
    trust: TrustStore
    target: str
    expected: str | None
    expect_signed: bool
    conditions: Conditions

    def of(self, reading: Reading) -> FileVerdict:
        return judge_reading(
            reading,
            trust=self.trust,
            target=self.target,
            expected_sha256=self.expected,
            expect_signed=self.expect_signed,
            conditions=self.conditions,
        )


def _unjudged(target: str, reason: str) -> FileVerdict:
    return FileVerdict(
        target=target, verdict=Verdict.INDETERMINATE, sub_indication="FORMAT_FAILURE", problems=(reason,)
    )


def _judge(path: Path, asked: _Asked) -> FileVerdict:
    return asked.of(read_pdf(path))


def _read(path: Path, asked: _Asked, like: bytes) -> tuple[FileVerdict, Kept | None]:
    reading = read_pdf(path)
    return asked.of(reading), Kept(to_bytes(reading, like), window(reading))


def _judge_again(kept: bytes, asked: _Asked, like: bytes, sha256: str | None) -> FileVerdict | None:
    try:
        reading = from_bytes(kept, like)
    except ValueError:
        return None
    return asked.of(reading) if sha256 in (None, reading.sha256) else None


def _begin(parent: int, memory: int) -> None:
    # No PR_SET_PDEATHSIG: it follows the thread that started the child, here one that only answers a request.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for library in ("pyhanko", "pyhanko_certvalidator"):
        logging.getLogger(library).setLevel(logging.CRITICAL)  # the verdict says it, without names in a log
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _peaks() -> dict[int, int]:
    """The most address space that each child of ours had so far, in bytes; empty where the kernel does not tell."""
    found: dict[int, int] = {}
    for children in Path("/proc/self/task").glob("*/children"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            for pid in map(int, children.read_text("ascii").split()):
                status = Path(f"/proc/{pid}/status").read_text("utf-8")
                found[pid] = int(status.split("VmPeak:")[1].split()[0]) << 10
    return found


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)
