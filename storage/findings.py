"""What a look at the bucket can find, each kind told apart, with what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What is wrong with an object, or between catalogue, manifest and bucket."""

    ROT = "bit_rot"
    MISSING = "missing"
    COVERED = "covered"
    HIDDEN = "delete_marker"
    ORPHAN = "orphan"
    MANIFEST = "manifest_changed"
    CHAIN = "chain_broken"
    UNLISTED = "not_in_catalogue"
    UNPINNED = "not_in_manifest"
    LEDGER = "ledger_broken"
    SIGNATURE = "attestation_broken"
    COPY = "second_copy_damaged"


SENTENCES = {
    Kind.ROT: (
        "dữ liệu trên đĩa đã hỏng: kho báo lỗi hoặc trả về nội dung khác (bit rot)",
        "`sohoa fixity --repair` lấy lại từ bản sao thứ hai (take it from the second copy)",
    ),
    Kind.MISSING: (
        "đối tượng đã mất (missing)",
        "`sohoa fixity --repair` lấy lại từ bản sao thứ hai (take it from the second copy)",
    ),
    Kind.COVERED: (
        "bị phiên bản mới che (a newer version stands over the locked one)",
        "bản đã khóa vẫn đọc được theo version_id; `sohoa get` tự lấy bản đó (the locked one is still there)",
    ),
    Kind.HIDDEN: (
        "bị dấu xóa che (a delete marker stands over the locked version)",
        "bản đã khóa vẫn đọc được theo version_id; quản trị kho bỏ dấu xóa (remove the marker)",
    ),
    Kind.ORPHAN: (
        "nội dung không thuộc bản kê nào (content without a manifest)",
        "thường do một lần lưu bị ngắt; chạy lại `sohoa ingest` với chồng giấy đó (take the stack in again)",
    ),
    Kind.MANIFEST: (
        "bản kê bị cắt cụt hoặc bị sửa (truncated or changed manifest)",
        "đọc phiên bản đã khóa theo version_id, hoặc lấy từ bản sao lưu (read the locked version by its id)",
    ),
    Kind.CHAIN: (
        "chuỗi bản kê bị đứt (the chain of manifests is broken)",
        "tìm bản kê thiếu trong bản sao lưu (find the missing one in the second copy)",
    ),
    Kind.UNLISTED: (
        "có trong bản kê, không có trong danh mục (in the manifest, not in the catalogue)",
        "`sohoa rebuild --fresh`",
    ),
    Kind.UNPINNED: (
        "có trong danh mục, không có trong bản kê (in the catalogue, not in the manifest)",
        "so với bản sao lưu; danh mục dựng lại bằng `sohoa rebuild --fresh` (compare with the second copy)",
    ),
    Kind.SIGNATURE: (
        "chữ ký rời trên bản kê không còn đúng (the detached signature over a manifest does not hold)",
        "`sohoa fixity --repair` lấy lại từ bản sao thứ hai (take it from the second copy)",
    ),
    Kind.COPY: (
        "bản sao thứ hai hỏng hoặc thiếu ở đây (the second copy is damaged here)",
        "sohoa tự chép lại; nếu lặp lại, hãy kiểm tra ổ đĩa đó (copied again by itself; look at that disk)",
    ),
    Kind.LEDGER: ("sổ cái không nguyên vẹn (the ledger does not hold)", "`sohoa ledger verify`"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is not as recorded. `version_id` is the version that still holds the recorded bytes."""

    kind: Kind
    key: str
    document: str | None = None
    expected: str | None = None
    version_id: str | None = None
    detail: str = ""
    repaired: bool = False

    def to_json(self) -> dict[str, Any]:
        """The finding with its sentence and its remedy."""
        sentence, remedy = SENTENCES[self.kind]
        return {
            "kind": self.kind.value,
            "key": self.key,
            "document": self.document,
            "expected_sha256": self.expected,
            "version_id": self.version_id,
            "problem": sentence,
            "detail": self.detail,
            "remedy": remedy,
            "repaired": self.repaired,
        }
