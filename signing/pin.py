"""Where the PIN of a token or the password of a key file comes from: a file, an agent, or a person for one shift.

A PIN is asked for when a key is opened and is kept nowhere else; it is in no `repr`, log, argv or setting.
"""

from __future__ import annotations

import os
import stat
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pipeline.errors import Unavailable

AGENT_SECONDS = 15.0
LONGEST = 1024


class PinSource(Protocol):
    """Gives the PIN each time it is asked."""

    @property
    def by_hand(self) -> bool:
        """Whether a person typed it: only then is a token's last try spent."""
        ...

    @property
    def valid(self) -> bool:
        """Whether what was opened with it may be used still: a shift ends."""
        ...

    def refused(self) -> None:
        """The PIN that was given is wrong; one that a person typed is forgotten."""
        ...

    def ask(self) -> bytes:
        """The PIN. Raises Unavailable when there is none now; the sentence says how to give one."""
        ...


@dataclass(frozen=True, slots=True)
class PinFile:
    """The first line of a file that only its owner may read."""

    path: Path
    by_hand: bool = False
    valid: bool = True

    def refused(self) -> None:
        pass

    def ask(self) -> bytes:
        try:
            handle = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError as error:
            raise Unavailable(
                f"the PIN file {self.path} cannot be read: {error.strerror}",
                vi=f"Không đọc được tệp PIN {self.path}: {error.strerror}",
            ) from error
        with os.fdopen(handle, "rb") as stream:
            about = os.fstat(handle)
            if (
                not stat.S_ISREG(about.st_mode)
                or about.st_mode & 0o077
                or about.st_uid not in (os.getuid(), 0)
            ):
                raise Unavailable(
                    f"the PIN file {self.path} is open to others; run `chmod 600` on it, as its owner",
                    vi=f"Tệp PIN {self.path} người khác đọc được; hãy chạy `chmod 600`",
                )
            return _line(stream.read(LONGEST), f"tệp {self.path}", f"the file {self.path}")


@dataclass(frozen=True, slots=True)
class PinAgent:
    """The first line that a command writes, as a password store does. It runs without a shell."""

    command: Sequence[str]
    by_hand: bool = False
    valid: bool = True

    def refused(self) -> None:
        pass

    def ask(self) -> bytes:
        name = Path(self.command[0]).name
        try:
            done = subprocess.run(
                list(self.command),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=AGENT_SECONDS,
                check=True,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise Unavailable(
                f"the PIN agent {name} gives none ({type(error).__name__}); start it, or unlock it",
                vi=f"Chương trình giữ PIN {name} không trả lời; hãy khởi động hoặc mở khóa nó",
            ) from None  # the error's text may hold what the agent wrote
        return _line(done.stdout, f"chương trình {name}", f"the agent {name}")


class PinHeld:
    """What a person typed (`sohoa sign unlock`): held in memory until the shift ends or the process stops."""

    by_hand = True

    def __init__(self, role: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._role = role
        self._clock = clock
        self._pin: bytes | None = None
        self._ends = 0.0
        self._lock = threading.Lock()

    def give(self, pin: bytes, seconds: float) -> None:
        """Hold this PIN for so long."""
        with self._lock:
            self._pin, self._ends = pin, self._clock() + seconds

    def refused(self) -> None:
        """Hold none any more."""
        with self._lock:
            self._pin = None

    @property
    def valid(self) -> bool:
        """Whether there is one, within its time."""
        with self._lock:
            return self._pin is not None and self._clock() < self._ends

    def ask(self) -> bytes:
        with self._lock:
            if self._pin is not None and self._clock() < self._ends:
                return self._pin
            self._pin = None
        raise Unavailable(
            f"the {self._role}'s key is locked: no PIN was given for this shift; run `sohoa sign unlock {self._role}`",
            vi=f"Khóa ký ({self._role}) đang khóa: chưa nhập PIN cho ca này; hãy chạy `sohoa sign unlock {self._role}`",
        )


def _line(content: bytes, vi: str, english: str) -> bytes:
    lines = content.splitlines()
    if not lines or not lines[0]:
        raise Unavailable(f"{english} holds no PIN", vi=f"Không có PIN trong {vi}")
    return lines[0]
