"""Tables for people: short, in Vietnamese, the reason beside what waits."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

BATCH_STATES = {
    "queued": "đang chờ",
    "running": "đang xử lý",
    "paused": "tạm dừng",
    "done": "xong",
    "review": "cần xem lại",
    "failed": "không nhận được",
}
PAGE_STATES = {
    "queued": "chờ",
    "working": "đang đọc",
    "stored": "đã lưu",
    "blank": "trắng",
    "separator": "tờ phân cách",
    "duplicate": "trùng",
    "review": "cần xem lại",
    "rejected": "bị loại",
}
DOCUMENT_STATES = {
    "working": "đang xử lý",
    "awaiting_signature": "chờ ký",
    "waiting": "chờ dịch vụ",
    "review": "cần xem lại",
    "stored": "đã lưu",
}
FIELDS = {
    "dossier": "mã hồ sơ",
    "type": "loại",
    "title": "trích yếu",
    "number": "số",
    "date": "ngày",
    "issuer": "cơ quan",
    "signer": "người ký",
    "pages": "trang",
}


def show_batches(batches: list[dict[str, Any]]) -> None:
    """Every batch: its papers, and each page that is not simply stored."""
    console = Console()
    if not batches:
        console.print("Không có lô nào đang mở. (No open batches.)")
    for batch in batches:
        counts = Counter(page["state"] for page in batch["pages"])
        pages = ", ".join(f"{count} {PAGE_STATES.get(state, state)}" for state, count in counts.items())
        console.print(
            f"[bold]{escape(Path(batch['source']).name)}[/]  {batch['id']}  "
            f"{BATCH_STATES.get(batch['state'], batch['state'])}  ({pages})"
        )
        if batch.get("reason"):
            console.print(f"  {escape(batch['reason'])}", style="yellow")
        if batch["documents"]:
            console.print(papers_table(batch["documents"]))
        for page in batch["pages"]:
            if page["state"] in ("rejected", "review", "duplicate"):
                name = Path(page["source"]).name
                console.print(
                    f"  {escape(name)}: {PAGE_STATES[page['state']]}: {escape(page['reason'] or '')}",
                    style="yellow",
                )


def papers_table(documents: list[dict[str, Any]]) -> Table:
    """The papers of a batch or a dossier."""
    table = Table(box=None, padding=(0, 1), header_style="dim")
    for title in ("Giấy tờ", "Mã hồ sơ", "Số", "Ngày", "Trang", "Ký", "Trạng thái"):
        table.add_column(title, overflow="fold")
    for paper in documents:
        state = DOCUMENT_STATES.get(paper["state"], paper["state"])
        doubts = ", ".join(FIELDS.get(name, name) for name in paper["doubtful"])
        state += f": {paper['reason']}" if paper.get("reason") else ""
        state += f" (xem lại: {doubts})" if doubts else ""
        table.add_row(
            escape(paper["type_name"] or "?"),
            escape(paper["dossier"] or "chưa rõ"),
            escape(paper["number"] or ""),
            paper["date"] or "",
            str(len(paper["pages"])),
            paper["signature_level"] or "",
            escape(state),
        )
    return table
