"""What a dossier's record says of keeping: its term, a hold on it, its disposal. All persons by pseudonymous key."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime

from pipeline.model import Sha256

GOVERNANCE, COMPLIANCE = "GOVERNANCE", "COMPLIANCE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """The term that was set at closure. `until` is the last day of keeping, None for ever.

    `lock_until` is what the store is told, in `mode`; in demo it is short, whatever `until` says.
    """

    term: str
    name: str
    source: str
    checked: bool
    closed: date
    until: date | None
    mode: str
    lock_until: datetime

    def not_shorter_than(self, earlier: Retention | None) -> Retention:
        """The longer of both: a dossier that is closed a second time keeps what it was promised."""
        if earlier is None:
            return self
        longer = earlier if _end(earlier) > _end(self) else self
        return replace(
            longer,
            lock_until=max(self.lock_until, earlier.lock_until),
            mode=COMPLIANCE if COMPLIANCE in (self.mode, earlier.mode) else GOVERNANCE,
        )

    def over(self, today: date) -> bool:
        """Whether the term has ended."""
        return self.until is not None and today > self.until


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Nothing of the dossier may be disposed of while this stands."""

    reason: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Disposal:
    """Two persons have decided that the content goes. `generation` is the manifest that listed it last."""

    reason: str
    proposed_by: str
    proposed_at: datetime
    approved_by: str
    approved_at: datetime
    generation: int
    manifest_sha256: Sha256


def _end(retention: Retention) -> date:
    return retention.until or date.max
