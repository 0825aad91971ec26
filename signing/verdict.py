"""What verification found, as values; their JSON is that of `sohoa verify --json`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from pipeline.model import Level


class Verdict(StrEnum):
    """ETSI EN 319 102-1 main status, and the absence of any signature."""

    PASSED = "TOTAL_PASSED"
    INDETERMINATE = "INDETERMINATE"
    FAILED = "TOTAL_FAILED"
    NOT_SIGNED = "NOT_SIGNED"


SENTENCES = {
    Verdict.PASSED: "Hợp lệ: chữ ký nguyên vẹn, chứng thư tin cậy, tài liệu không bị sửa sau khi ký",
    Verdict.INDETERMINATE: "Chưa xác định: chữ ký nguyên vẹn nhưng chưa đủ căn cứ để tin cậy",
    Verdict.FAILED: "Không hợp lệ",
    Verdict.NOT_SIGNED: "Tài liệu không có chữ ký số",
}


PACKAGES = (".zip", ".7z", ".rar", ".tar", ".gz", ".tgz")


def no_pdf(name: str) -> str:
    """Why nothing is said of the signatures of a file that is no PDF, and what to do with a package."""
    if name.lower().endswith(PACKAGES):
        return (
            "Tệp này là gói nén, không phải PDF: hãy giải nén rồi kiểm tra thư mục "
            "(a package, no PDF: unpack it, then verify the folder)"
        )
    return "Tệp này không phải PDF nên không có chữ ký để kiểm tra (no PDF, so no signature to check)"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureVerdict:
    """One signature. `changed_after` names what was changed after it, None when nothing was.

    `path` names the certificates from the root (whose SHA-256 is `anchor`) to the signer; `proven_at` is when a trusted
    time-stamp proves it to exist; `strength` says by which algorithms, and until when they are accepted.
    """

    signer: str
    role: str | None
    level: str
    signed_at: str | None
    intact: bool
    trusted: bool | None
    revoked: bool | None
    timestamp: str | None
    covers: str
    changed_after: str | None
    sub_indication: str | None = None
    algorithm: str | None = None
    path: tuple[str, ...] = ()
    proven_at: str | None = None
    strength: str | None = None
    anchor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileVerdict:
    """One file. `problems` are plain sentences, Vietnamese with the English in brackets."""

    target: str
    verdict: Verdict
    sub_indication: str | None = None
    signatures: tuple[SignatureVerdict, ...] = ()
    hash_ok: bool | None = None
    demo_trust: bool = False
    archive: dict[str, Any] | None = None
    problems: tuple[str, ...] = ()
    sha256: str | None = None

    @property
    def sentence(self) -> str:
        """One plain sentence in Vietnamese."""
        text = SENTENCES[self.verdict]
        if self.verdict is Verdict.INDETERMINATE and not self.signatures:
            text = "Chưa xác định: tệp không đọc được như một PDF, nên không kiểm tra được chữ ký"
        if self.verdict is Verdict.FAILED and self.problems:
            text = f"{text}: {self.problems[0]}"
        if self.verdict is Verdict.INDETERMINATE and self.sub_indication:
            text = f"{text} ({self.sub_indication})"
        return f"{text} (gốc tin cậy DEMO, không có giá trị pháp lý)" if self.demo_trust else text

    @property
    def level(self) -> Level | None:
        """The lowest level among the signatures; CMS when any is no PAdES; None without a signature."""
        levels = [Level(signature.level) for signature in self.signatures]
        if Level.CMS in levels:
            return Level.CMS
        return min(levels, key=list(Level).index) if levels else None

    def to_json(self) -> dict[str, Any]:
        """The element of `results`."""
        return {
            "target": self.target,
            "verdict": self.verdict.value,
            "sub_indication": self.sub_indication,
            "verdict_vi": self.sentence,
            "signatures": [asdict(signature) for signature in self.signatures],
            "sha256": self.sha256,
            "hash_ok": self.hash_ok,
            "ledger_ok": None,
            "archive": self.archive,
            "problems": list(self.problems),
        }
