"""What the archive's rules ask of a file's form, against what it shows (Thông tư 05/2025/TT-BNV Điều 8)."""

from __future__ import annotations

from typing import Any

LEAST_DPI = 200
TEXTS = {
    "unreadable": ("không mở được để xem hình thức", "its form cannot be looked at"),
    "pdfa": ("không khai là PDF/A", "does not claim to be PDF/A"),
    "dpi": (f"độ phân giải dưới {LEAST_DPI} dpi", f"resolution below {LEAST_DPI} dpi"),
    "colour": ("ảnh không phải màu 24 bit", "pictures are not in 24-bit colour"),
    "text_layer": ("không có lớp chữ", "no text layer"),
    "name": ("tên tệp không theo quy tắc <mã hồ sơ>.<số thứ tự>.pdf", "not named <dossier code>.<number>.pdf"),
    "pages": ("số trang khác danh sách", "page count differs from the list"),
}  # fmt: skip


def breaches(archive: dict[str, Any] | None, *, pages: int | None = None) -> list[str]:
    """Codes of TEXTS that a PDF's form breaches; what could not be measured breaches nothing."""
    if archive is None:
        return ["unreadable"]
    found = []
    if archive["pdfa"] is None:
        found.append("pdfa")
    if archive["dpi"] is not None and archive["dpi"] < LEAST_DPI:
        found.append("dpi")
    if archive["colour"] is not None and archive["colour"] != "24-bit":
        found.append("colour")
    if not archive["text_layer"]:
        found.append("text_layer")
    if archive["name"] is False:
        found.append("name")
    if pages is not None and archive["pages"] != pages:
        found.append("pages")
    return found
