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
from concurrent.futures import TimeoutError
from pathlib import Path
from typing import TypeVar

from pebble import ProcessExpired, ProcessPool

from pipeline.errors import Rejected, SohoaError
from signing.conditions import OFFLINE, Conditions
from signing.signature_value import SignatureValue, values_of
from signing.trust import TrustStore
from signing.verdict import FileVerdict, Verdict
from signing.verify import verify_pdf

SECONDS = 60.0
MEMORY = 2 << 30
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
    ) -> None:
        self.trust = trust
        self._conditions = conditions
        self._workers = workers
        self._seconds = seconds
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
        task = self._children().schedule(
            _judge,
            args=(path, trust or self.trust, name, expected, expect_signed, conditions or self._conditions),
            timeout=self._seconds,
        )
        try:
            found: FileVerdict = task.result()
            return found
        except TimeoutError:
            reason = f"Kiểm tra quá {self._seconds:.0f} giây nên đã dừng (stopped by time limit)"
        except (ProcessExpired, MemoryError):
            reason = "Tệp làm hỏng trình kiểm tra (the file crashed the verifier)"
        except OSError as error:
            reason = f"Không đọc được tệp (the file cannot be read: {error.strerror})"
        except Exception as error:  # whatever a hostile file leads a library to
            reason = f"Không kiểm tra được tệp (the file cannot be judged: {type(error).__name__})"
        return FileVerdict(
            target=name, verdict=Verdict.INDETERMINATE, sub_indication="FORMAT_FAILURE", problems=(reason,)
        )

    def run(self, work: Callable[[Path], T], path: Path) -> T:
        """Do other work over a hostile file in a child, within the limits. Raises its SohoaError, else Rejected."""
        task = self._children().schedule(work, args=(path,), timeout=self._seconds)
        try:
            found: T = task.result()
            return found
        except (SohoaError, OSError):
            raise
        except (
            Exception
        ) as error:  # out of time, out of memory, or whatever a hostile file leads a library to
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
                    initargs=(os.getpid(),),
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


def _judge(
    path: Path,
    trust: TrustStore,
    target: str,
    expected: str | None,
    expect_signed: bool,
    conditions: Conditions,
) -> FileVerdict:
    return verify_pdf(
        path,
        trust=trust,
        target=target,
        expected_sha256=expected,
        expect_signed=expect_signed,
        conditions=conditions,
    )


def _begin(parent: int) -> None:
    # No PR_SET_PDEATHSIG: it follows the thread that started the child, here one that only answers a request.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for library in ("pyhanko", "pyhanko_certvalidator"):
        logging.getLogger(library).setLevel(logging.CRITICAL)  # the verdict says it, without names in a log
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)
