"""What an audit says, in Vietnamese and in English: plain sentences, no file's own words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

Language = Literal["vi", "en"]
MOST_SAME = 5
"""Names of files with the same bytes that are told; the JSON holds all."""
VERDICTS = {
    "TOTAL_PASSED": ("Hợp lệ", "Valid"),
    "INDETERMINATE": ("Chưa xác định", "Undetermined"),
    "TOTAL_FAILED": ("Không hợp lệ", "Not valid"),
    "NOT_SIGNED": ("Không có chữ ký", "Not signed"),
}
REASONS = {
    "HASH_FAILURE": (
        "nội dung khác lúc ký, hoặc khác mã băm đã ghi",
        "the content is not what was signed, or not the recorded hash",
    ),
    "SIG_CRYPTO_FAILURE": ("giá trị chữ ký không khớp", "the signature value does not hold"),
    "FORMAT_FAILURE": (
        "chữ ký hoặc cấu trúc tệp hỏng, hoặc có dữ liệu lạ",
        "a signature or the file's structure is broken, or holds foreign data",
    ),
    "SIG_CONSTRAINTS_FAILURE": ("tệp bị sửa sau khi ký", "the file was changed after signing"),
    "REVOKED": ("chứng thư đã bị thu hồi", "the certificate was revoked"),
    "REVOKED_NO_POE": (
        "chứng thư đã bị thu hồi, không chứng minh được là ký trước đó",
        "the certificate was revoked, and nothing proves that it signed before",
    ),
    "EXPIRED": ("chứng thư hết hạn trước khi ký", "the certificate had expired before it signed"),
    "NOT_YET_VALID": ("chứng thư chưa có hiệu lực khi ký", "the certificate was not yet valid"),
    "OUT_OF_BOUNDS_NO_POE": (
        "chứng thư đã hết hạn, không chứng minh được giờ ký",
        "the certificate has expired, and nothing proves when it signed",
    ),
    "NO_CERTIFICATE_CHAIN_FOUND": (
        "chưa có gốc tin cậy cho người ký; nhập bằng `sohoa trust add`",
        "no trusted root leads to the signer; import it with `sohoa trust add`",
    ),
    "CERTIFICATE_CHAIN_GENERAL_FAILURE": (
        "thiếu dữ liệu thu hồi trong tệp; thử `--online`",
        "revocation data are not in the file; try `--online`",
    ),
    "TRY_LATER": (
        "chưa có dữ liệu thu hồi đủ mới; thử `--online`",
        "no revocation data that are recent enough; try `--online`",
    ),
    "NO_POE": ("không chứng minh được giờ ký", "nothing proves when it was signed"),
    "CHAIN_CONSTRAINTS_FAILURE": (
        "chứng thư không được cấp cho việc ký này",
        "the certificate was not issued for such signing",
    ),
    "CRYPTO_CONSTRAINTS_FAILURE": (
        "thuật toán yếu vào ngày được xét",
        "an algorithm is weak on the day that counts",
    ),
    "CRYPTO_CONSTRAINTS_FAILURE_NO_POE": (
        "thuật toán đã yếu, không chứng minh được là ký trước đó",
        "an algorithm is weak, and nothing proves earlier signing",
    ),
    "GENERIC": ("không đánh giá được đầy đủ", "it could not be judged in full"),
}
UNDETERMINED = {
    "FORMAT_FAILURE": (
        "không đọc được đầy đủ cấu trúc tệp hoặc chữ ký",
        "the structure or a signature cannot be read in full",
    ),
}
"""Where the same sub-indication is no failure."""
COVERAGE = {
    "entire_file": ("toàn bộ tệp", "the whole file"),
    "entire_revision": ("trọn phiên bản lúc ký", "the whole file as it was when signed"),
    "block_from_start": ("một đoạn từ đầu tệp", "a block from the beginning of the file"),
    "unclear": ("không rõ", "not clear"),
}
ROLES = {"officer": ("cán bộ", "officer"), "agency": ("cơ quan", "agency")}
_ENGLISH = re.compile(r" \(([a-z][A-Za-z0-9 ,;'-]*)\)")
"""The English of a finding, in brackets behind the Vietnamese; what holds a detail of the file is none."""
_CODE = re.compile(r"(.*): ([A-Z_]{6,})")
LABELS = {
    "title": ("Báo cáo kiểm tra hồ sơ điện tử", "Report on the verification of electronic records"),
    "target": ("Đối tượng", "Subject"),
    "made": ("Lập lúc", "Made"),
    "as_of": ("Xét tại ngày", "As of"),
    "now": ("hiện tại", "now"),
    "read": ("Lần đọc tệp", "Files read"),
    "read_before": ("{} đến {}; lần này không mở tệp", "{} to {}; not opened this time"),
    "trust": ("Gốc tin cậy", "Trusted roots"),
    "nobody": ("không gốc nào: người ký chưa thể được xác nhận", "none: no signer can be confirmed"),
    "online": ("Hỏi máy chủ thu hồi", "Revocation servers asked"),
    "yes": ("có", "yes"),
    "no": ("không, chỉ theo chứng cứ trong tệp", "no, by the evidence in the files alone"),
    "groups": ("Theo kết luận và lý do", "By verdict and reason"),
    "forms": ("Hình thức tệp lưu trữ", "Form of the archive files"),
    "missing": ("Có trong danh sách, thiếu tệp", "Listed, and missing"),
    "extra": ("Có tệp, không có trong danh sách", "There, and not listed"),
    "duplicates": ("Trùng", "Duplicates"),
    "sample": ("Mẫu", "Sample"),
    "files": ("Từng tệp", "File by file"),
    "signatures": ("Chữ ký", "Signatures"),
    "file": ("Tệp", "File"),
    "verdict": ("Kết luận", "Verdict"),
    "reason": ("Lý do", "Reason"),
    "signer": ("Người ký", "Signer"),
    "level": ("Mức", "Level"),
    "signed_at": ("Giờ ký", "Signed at"),
    "proven_at": ("Giờ được chứng minh", "Proven at"),
    "path": ("Đường chứng thực", "Trust path"),
    "strength": ("Thuật toán", "Algorithms"),
    "covers": ("Phạm vi ký", "Coverage"),
    "changed": ("Thay đổi sau khi ký", "Changes after signing"),
    "revoked": ("Thu hồi", "Revocation"),
    "pages": ("Số trang", "Pages"),
    "text_layer": ("Lớp chữ", "Text layer"),
    "colour": ("Màu", "Colour"),
    "count": ("Số tệp", "Files"),
    "problems": ("Ghi nhận", "Findings"),
    "role": ("Vai trò", "Role"),
    "intact": ("Nguyên vẹn", "Intact"),
    "trusted": ("Được tin", "Trusted"),
    "trusted_yes": ("có", "yes"),
    "trusted_no": ("không", "no"),
    "always": ("không giới hạn thời gian", "without a term"),
    "more": ("và {} tệp nữa", "and {} more"),
    "page": ("Trang {}", "Page {}"),
    "none": ("Không", "None"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wording:
    """Texts in one language."""

    language: Language = "vi"

    def pick(self, pair: tuple[str, str]) -> str:
        return pair[0] if self.language == "vi" else pair[1]

    def __getitem__(self, label: str) -> str:
        return self.pick(LABELS[label])

    def verdict(self, verdict: str) -> str:
        return self.pick(VERDICTS[verdict])

    def reason(self, verdict: str, sub: str | None) -> str:
        """The sentence of a group: verdict and reason."""
        text = self.verdict(verdict)
        if sub is None:
            return text
        known = (UNDETERMINED if verdict == "INDETERMINATE" else {}).get(sub) or REASONS.get(sub)
        return f"{text}: {self.pick(known)} ({sub})" if known else f"{text} ({sub})"

    def cause(self, sub: str | None) -> str:
        """What a signature comes to, by its own sub-indication."""
        if sub is None:
            return "?"
        known = VERDICTS["TOTAL_PASSED"] if sub == "OK" else REASONS.get(sub)
        return f"{self.pick(known)} ({sub})" if known else sub

    def finding(self, text: str) -> str:
        """A finding in this language as far as it is told in it; names and details of the file are kept."""
        code = _CODE.fullmatch(text)
        if code and code[2] in REASONS:
            whose = self.finding(code[1])
            if self.language == "en":
                whose = whose.replace("Chữ ký của", "Signature of", 1)
            return f"{whose}: {self.cause(code[2])}"
        english = _ENGLISH.findall(text)
        plain = _ENGLISH.sub("", text)
        if self.language == "vi" or not english:
            return plain
        return f"{'; '.join(english).capitalize()} [{plain}]"

    def covers(self, covers: str) -> str:
        return self.pick(COVERAGE.get(covers, COVERAGE["unclear"]))

    def role(self, role: str | None) -> str:
        return self.pick(ROLES[role]) if role in ROLES else role or ""

    def answer(self, yes: bool | None) -> str:
        """Yes, no, or nothing."""
        return "" if yes is None else self["trusted_yes" if yes else "trusted_no"]

    def revoked(self, revoked: bool | None) -> str:
        pair = {
            True: ("đã thu hồi", "revoked"),
            False: ("không bị thu hồi", "not revoked"),
            None: ("chưa rõ", "not known"),
        }
        return self.pick(pair[revoked])

    def summary(self, counts: dict[str, int], *, missing: int, demo: bool = False) -> str:
        """The one plain sentence that comes first."""
        total, failed = sum(counts.values()), counts.get("TOTAL_FAILED", 0)
        parts = ", ".join(f"{count} {self.verdict(name).lower()}" for name, count in counts.items())
        if self.language == "vi":
            begin = (
                "ĐẠT"
                if total and not failed and not missing and counts.get("TOTAL_PASSED", 0) == total
                else ("KHÔNG ĐẠT" if failed or missing else "CHƯA KẾT LUẬN ĐƯỢC")
            )
            text = f"{begin}: đã kiểm tra {total} tệp, {parts or 'không có tệp nào'}"
            text += f"; thiếu {missing} tệp so với danh sách" if missing else ""
            return text + (" (gốc tin cậy DEMO, không có giá trị pháp lý)." if demo else ".")
        begin = (
            "PASSED"
            if total and not failed and not missing and counts.get("TOTAL_PASSED", 0) == total
            else ("FAILED" if failed or missing else "UNDETERMINED")
        )
        text = f"{begin}: {total} {'file' if total == 1 else 'files'} checked, {parts or 'no file'}"
        are = "listed file is" if missing == 1 else "listed files are"
        text += f"; {missing} {are} missing" if missing else ""
        return text + (" (DEMO root, without legal force)." if demo else ".")


def duplicate_text(one: dict[str, Any], language: Language) -> str:
    """One duplicate in words."""
    if "listed" in one:
        text = ("{} ghi {} lần trong danh sách", "{} is listed {} times")[language == "en"]
        return text.format(one["listed"], one["times"])
    names, left = one["files"][:MOST_SAME], len(one["files"]) - MOST_SAME
    text = ("cùng nội dung: ", "same bytes: ")[language == "en"] + ", ".join(names)
    return text + (", " + LABELS["more"][language == "en"].format(left) if left > 0 else "")
