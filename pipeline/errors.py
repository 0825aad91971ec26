"""Every error a person can meet, as a sentence with a remedy.

    SohoaError                 exit code, whether a retry can help
    ├── UsageError        2    wrong usage or configuration
    ├── Rejected          3    an input that cannot be accepted; it is set aside, never lost
    ├── Unavailable       4    a dependency is down; the same call later may succeed
    │   ├── DiskFull      4
    │   └── Broken        4    a fault that nobody foresaw; its log has the details
    ├── NeedsPerson       1    something waits for a decision
    │   └── AwaitsSignature 1  a document waits to be signed on another machine
    └── Tampered          5    evidence does not hold

Errors of libraries are translated at the border (`raise Unavailable(...) from error`); only these cross
packages. `vi` is for clerks, `str(error)` for engineers.
"""

from __future__ import annotations

from typing import ClassVar


class SohoaError(Exception):
    """Base of all errors that sohoa reports. `vi` is the same sentence in plain Vietnamese."""

    exit_code: ClassVar[int] = 1
    retry: ClassVar[bool] = False

    def __init__(self, message: str, *, vi: str | None = None) -> None:
        super().__init__(message)
        self.vi = vi or message

    def __reduce__(self) -> tuple[object, ...]:  # crosses process borders whole
        return (_rebuild, (type(self), str(self), self.vi))

    @property
    def both(self) -> str:
        """Vietnamese first, English after, as shown in a page's `reason`."""
        return self.vi if self.vi == str(self) else f"{self.vi} ({self})"


def _rebuild(kind: type[SohoaError], message: str, vi: str) -> SohoaError:
    return kind(message, vi=vi)


class UsageError(SohoaError):
    """Wrong arguments or configuration."""

    exit_code = 2


class Rejected(SohoaError):
    """An input that cannot be accepted; the original is kept."""

    exit_code = 3


class Unavailable(SohoaError):
    """A dependency (store, database, time-stamp authority, key) does not answer."""

    exit_code = 4
    retry = True


class DiskFull(Unavailable):
    """No room left; work pauses and resumes when there is."""


class Broken(Unavailable):
    """A part fails in a way that nobody foresaw, and will again: who waits is told at once."""

    retry = False


class NeedsPerson(SohoaError):
    """Something waits for a person's decision."""

    exit_code = 1


class AwaitsSignature(NeedsPerson):
    """A document waits for a signature that is made elsewhere (`sohoa sign export`)."""


class Tampered(SohoaError):
    """Stored evidence does not match what was recorded."""

    exit_code = 5
