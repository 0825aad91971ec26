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
from concurrent.futures import TimeoutError
from pathlib import Path

from pebble import ProcessExpired, ProcessPool

from signing.signature_value import SignatureValue, values_of
from signing.trust import TrustStore
from signing.verdict import FileVerdict, Verdict
from signing.verify import verify_pdf

SECONDS = 60.0
MEMORY = 2 << 30


class IsolatedVerifier:
    """One child that judges files, started when it is first needed and again when it was lost."""

    def __init__(self, trust: TrustStore, *, seconds: float = SECONDS) -> None:
        self._trust = trust
        self._seconds = seconds
        self._lock = threading.Lock()
        self._pool: ProcessPool | None = None

    def verify_file(
        self, path: Path, *, expected: str | None, target: str | None = None, expect_signed: bool = False
    ) -> FileVerdict:
        """Judge one file within the limits; what exceeds them is INDETERMINATE, with the reason."""
        name = target or str(path)
        task = self._started().schedule(
            _judge, args=(path, self._trust, name, expected, expect_signed), timeout=self._seconds
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

    def _started(self) -> ProcessPool:
        with self._lock:
            if self._pool is None:
                self._pool = ProcessPool(
                    max_workers=1,
                    max_tasks=200,
                    initializer=_begin,
                    initargs=(os.getpid(),),
                    context=multiprocessing.get_context("spawn"),
                )
            return self._pool

    def signature_values(self, pdf: Path) -> tuple[SignatureValue, ...]:
        """The signatures of a file as values, for an archive package; none when it cannot be taken apart in time."""
        task = self._started().schedule(values_of, args=(pdf,), timeout=self._seconds)
        try:
            found: tuple[SignatureValue, ...] = task.result()
            return found
        except Exception:  # the verdict beside it says what is wrong with the file
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
    path: Path, trust: TrustStore, target: str, expected: str | None, expect_signed: bool
) -> FileVerdict:
    return verify_pdf(path, trust=trust, target=target, expected_sha256=expected, expect_signed=expect_signed)


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
