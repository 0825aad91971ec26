"""Who signs at which level, first and in the end: policy of each flow, from the settings."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.model import Document, Level, Origin, SignatureRole

ORDER = (SignatureRole.OFFICER, SignatureRole.AGENCY)
RANK = {Level.CMS: 0, Level.B: 1, Level.T: 2, Level.LT: 3, Level.LTA: 4}


def levels_from(least: Level | str) -> tuple[Level, ...]:
    """All levels that are as good as `least`, or better."""
    return tuple(level for level, rank in RANK.items() if rank >= RANK[Level(least)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Roles whose signatures a document carries, and the level that it has."""

    roles: tuple[SignatureRole, ...] = ORDER
    level: Level = Level.LTA

    def reached(self, level: Level | None, roles: tuple[SignatureRole, ...]) -> bool:
        """Whether a document with these signatures needs nothing more."""
        return level is not None and RANK[level] >= RANK[self.level] and set(self.roles) <= set(roles)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """For papers of a counter what is signed while the citizen waits, and what they have in the end.

    For back files one step: the signed daily root is the evidence of the lot (Thông tư 05/2025/TT-BNV asks for the
    agency's signature).
    """

    counter_first: Step = Step()
    counter: Step = Step()
    backfile: Step = Step()

    def first(self, document: Document) -> Step:
        """What is signed before the document is stored."""
        return self.counter_first if document.counter else self.backfile

    def final(self, document: Document) -> Step | None:
        """What the document has in the end; None when it is not ours to sign."""
        if document.paper.origin is Origin.INCOMING_SIGNED:
            return None
        return self.counter if document.counter else self.backfile
