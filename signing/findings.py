"""What speaks against a file, as it is looked through."""

from __future__ import annotations

from dataclasses import dataclass, field

HASH, CONSTRAINTS, FORMAT = "HASH_FAILURE", "SIG_CONSTRAINTS_FAILURE", "FORMAT_FAILURE"
CRYPTO = "SIG_CRYPTO_FAILURE"
CHAIN = "CHAIN_CONSTRAINTS_FAILURE"
NO_CHAIN, WEAK, GENERIC = "NO_CERTIFICATE_CHAIN_FOUND", "CRYPTO_CONSTRAINTS_FAILURE", "GENERIC"


@dataclass(slots=True)
class Findings:
    """The first failure, else the first doubt, names the sub-indication."""

    failures: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def fail(self, indication: str, sentence: str) -> None:
        self.failures.append(indication)
        self.problems.append(sentence)

    def doubt(self, indication: str, sentence: str | None = None) -> None:
        self.doubts.append(indication)
        if sentence:
            self.problems.append(sentence)

    def name(self, sentence: str) -> None:
        """Something to be known that changes no verdict."""
        self.problems.append(sentence)

    def join(self, other: Findings) -> None:
        """All that another look found, after what is here."""
        self.failures += other.failures
        self.doubts += other.doubts
        self.problems += other.problems
