"""Under which conditions a file is judged: as of which day, and whether anybody may be asked."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """`as_of` (aware; None: now). `online`: servers that certificates name may be asked, `timeout` seconds each.

    Servers at private addresses are asked only when `hosts` names them: the addresses come from the file.
    """

    as_of: dt.datetime | None = None
    online: bool = False
    timeout: float = 10.0
    hosts: tuple[str, ...] = ()

    @property
    def moment(self) -> dt.datetime:
        return self.as_of or dt.datetime.now(dt.UTC)

    @property
    def mark(self) -> str:
        """What of the conditions changes a verdict, for caches."""
        return f"{self.as_of.isoformat() if self.as_of else 'now'}|{self.online}"


OFFLINE = Conditions()
