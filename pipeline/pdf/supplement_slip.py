"""Phiếu yêu cầu bổ sung, hoàn thiện hồ sơ, to print and sign.

Form: Mẫu số 02, Phụ lục I, Thông tư 03/2025/TT-VPCP (15/9/2025); before that Mẫu số 02, Thông tư 01/2018/TT-VPCP. The
fields follow the form of 2018; the layout of 2025 was not at hand. QR at the top left: Thông tư 01/2023/TT-VPCP
(dossier, procedure, owner, name of the paper, system, time).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from pipeline.pdf.print_sheet import Sheet

TITLE = "PHIẾU YÊU CẦU BỔ SUNG, HOÀN THIỆN HỒ SƠ"
NEW_FORM = date(2025, 9, 15)
DOTS = "…………………………"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slip:
    """What stands on the slip. `at` is in Vietnamese time; `lacking` are whole sentences, one a paper."""

    number: str
    agency: str
    dossier: str
    procedure_code: str
    procedure_name: str
    applicant: str
    owner_id: str
    address: str
    phone: str
    email: str
    lacking: Sequence[str]
    reason: str
    officer: str
    at: datetime


def form_of(day: date) -> str:
    """The form in force on a day."""
    if day >= NEW_FORM:
        return "Mẫu số 02, Phụ lục I, Thông tư số 03/2025/TT-VPCP"
    return "Mẫu số 02, Phụ lục, Thông tư số 01/2018/TT-VPCP"


def slip_pdf(slip: Slip, font: Path) -> bytes:
    """The slip as a PDF of one page or, with a long list, of several."""
    sheet = Sheet(font)
    parts = (
        slip.dossier,
        slip.procedure_code,
        slip.owner_id,
        TITLE,
        "sohoa",
        f"{slip.at:%Y-%m-%dT%H:%M:%S%z}",
    )
    sheet.code("|".join(parts), 40, 34, 62)
    half = (sheet.left + 32 + 290) / 2 + 20
    other = 425.0
    _centred(sheet, slip.agency.upper(), half, 48, 10, 185)
    sheet.put(half, 82, "BỘ PHẬN TIẾP NHẬN VÀ TRẢ KẾT QUẢ", 9.5, bold=True, centred=True)
    sheet.put(half, 100, f"Số: {slip.number}", 11, centred=True)
    sheet.put(other, 48, "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", 10.5, bold=True, centred=True)
    sheet.put(other, 63, "Độc lập - Tự do - Hạnh phúc", 11, bold=True, centred=True)
    sheet.rule(other - 72, other + 72, 68)
    sheet.put(other, 100, f"Ngày {slip.at:%d} tháng {slip.at:%m} năm {slip.at:%Y}", 11, centred=True)
    sheet.put(other, 28, form_of(slip.at.date()), 7.5, centred=True)
    sheet.y = 122
    sheet.paragraph(TITLE, 14, bold=True, centred=True, gap=8)
    sheet.paragraph(f"Hồ sơ của: {slip.applicant or DOTS * 3}", 12)
    if slip.owner_id:
        sheet.paragraph(f"Số định danh: {slip.owner_id}", 12)
    sheet.paragraph(f"Mã hồ sơ: {slip.dossier}", 12)
    sheet.paragraph(f"Nội dung yêu cầu giải quyết: {slip.procedure_name} ({slip.procedure_code})", 12)
    sheet.paragraph(f"Địa chỉ: {slip.address or DOTS * 3}", 12)
    sheet.paragraph(f"Số điện thoại: {slip.phone or DOTS}   Email: {slip.email or DOTS}", 12)
    sheet.paragraph("Yêu cầu hoàn thiện hồ sơ gồm những nội dung sau:", 12)
    for number, sentence in enumerate(slip.lacking, 1):
        sheet.paragraph(f"{number}. {sentence}", 12, indent=18)
    sheet.paragraph(f"Lý do: {slip.reason or DOTS * 3}", 12, gap=8)
    sheet.paragraph(
        f"Trong quá trình hoàn thiện hồ sơ nếu có vướng mắc, ông/bà liên hệ với {slip.officer} "
        f"số điện thoại {DOTS} để được hướng dẫn.",
        12,
        gap=14,
    )
    sheet.need(120)
    sheet.put(other, sheet.y + 14, "NGƯỜI HƯỚNG DẪN", 12, bold=True, centred=True)
    sheet.put(other, sheet.y + 29, "(Ký và ghi rõ họ tên)", 11, centred=True)
    sheet.put(other, sheet.y + 100, slip.officer, 12, bold=True, centred=True)
    return sheet.pdf(title=f"{TITLE} {slip.dossier}")


def _centred(sheet: Sheet, text: str, x: float, y: float, size: float, room: float) -> None:
    """A name in at most two lines."""
    words = text.split()
    cut = len(words)
    while cut > 1 and sheet.width(" ".join(words[:cut]), size) > room:
        cut -= 1
    for number, line in enumerate((" ".join(words[:cut]), " ".join(words[cut:]))):
        fit = min(1.0, room / max(sheet.width(line, size), 1.0))
        sheet.put(x, y + number * size * 1.3, line, size * fit, centred=True)
