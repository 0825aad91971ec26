"""The two lists that an archive takes with a dossier: mục lục hồ sơ, mục lục văn bản (forms of văn thư, lưu trữ)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from storage.workbook import Sheet

TERMS = {"0": "Vĩnh viễn", "None": "chưa xác định"}


def dossier_lists(
    dossier: str,
    papers: Sequence[tuple[str, dict[str, Any]]],
    *,
    agency: str,
    shelf: str | None,
    years: int | None,
) -> list[Sheet]:
    """One dossier's line, and a line for each of its papers. A doubtful value is marked `(?)`, never left as sure."""
    days = sorted(paper["date"] for _, paper in papers if paper["date"] and "date" not in paper["doubtful"])
    pages = sum(len(paper["pages"]) for _, paper in papers)
    term = TERMS.get(str(years), f"{years} năm")
    span = f"{_day(days[0])} - {_day(days[-1])}" if days else ""
    first = Sheet(
        "Mục lục hồ sơ",
        [agency, "MỤC LỤC HỒ SƠ"],
        [
            ("STT", 6),
            ("Hộp/giá số", 16),
            ("Hồ sơ số", 32),
            ("Tiêu đề hồ sơ", 44),
            ("Thời gian", 24),
            ("Thời hạn bảo quản", 16),
            ("Số giấy tờ", 10),
            ("Số trang", 10),
            ("Ghi chú", 20),
        ],
        [[1, shelf or "", dossier, f"Hồ sơ {dossier}", span, term, len(papers), pages, ""]],
    )
    second = Sheet(
        "Mục lục văn bản",
        [agency, f"MỤC LỤC VĂN BẢN, TÀI LIỆU CỦA HỒ SƠ {dossier}"],
        [
            ("STT", 6),
            ("Số, ký hiệu", 18),
            ("Ngày tháng", 14),
            ("Tên loại, trích yếu nội dung", 60),
            ("Tác giả", 36),
            ("Số trang", 10),
            ("Mức chữ ký", 12),
            ("Tệp", 36),
            ("SHA-256", 68),
        ],
        [_row(number, name, paper) for number, (name, paper) in enumerate(papers, 1)],
    )
    return [first, second]


def _row(number: int, name: str, paper: dict[str, Any]) -> list[Any]:
    def value(field: str, shown: str | None) -> str:
        return f"{shown} (?)" if shown and field in paper["doubtful"] else shown or ""

    title = f"{paper['type_name']}: {paper['title']}" if paper["title"] else paper["type_name"]
    return [
        number,
        value("number", paper["number"]),
        value("date", _day(paper["date"]) if paper["date"] else None),
        value("title", title),
        value("issuer", paper["issuer"]),
        len(paper["pages"]),
        paper["signature_level"] or "không ký",
        name,
        paper["pdf_sha256"],
    ]


def _day(iso: str) -> str:
    return "/".join(reversed(iso.split("-")))
