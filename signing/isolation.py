"""Verification in a child process: a hostile PDF can hang or crash the child, never the home."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pipeline.child import ChildLost, Children
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
_TASKS = 200
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
        self._seconds = seconds
        self._memory = memory
        self._children = Children(_begin, count=workers, memory=memory, tasks=_TASKS)

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
        try:
            with self._children.one() as child:
                return child.run(work, *arguments, seconds=self._seconds)
        except MemoryError:
            return self._out_of_memory
        except ChildLost as lost:
            # Libraries in C end the process when they get no memory; its last peak tells that from another crash.
            return (
                self._out_of_memory
                if lost.peak > self._memory // 2
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
        try:
            with self._children.one() as child:
                return child.run(work, path, seconds=self._seconds)
        except SohoaError:
            raise
        except (
            Exception
        ) as error:  # out of time, out of memory, or whatever a hostile file leads a library to
            if isinstance(error, OSError) and not isinstance(error, TimeoutError):
                raise
            raise Rejected(
                f"{path.name} cannot be read within the limits ({type(error).__name__})",
                vi=f"Không đọc được {path.name} trong giới hạn cho phép ({type(error).__name__})",
            ) from error

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
        """End the children."""
        self._children.end()


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


def _begin() -> None:
    for library in ("pyhanko", "pyhanko_certvalidator"):
        logging.getLogger(library).setLevel(logging.CRITICAL)  # the verdict says it, without names in a log
