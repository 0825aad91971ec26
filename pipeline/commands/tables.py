"""Tables for people: short, in Vietnamese, the reason beside what waits."""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

ID_WIDTH = 22
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
    "owner": "chủ giấy tờ",
    "owner_id": "số định danh",
    "birth_date": "ngày sinh",
    "address": "địa chỉ",
    "parcel": "thửa đất",
    "copy_kind": "bản chính hay bản sao",
    "valid_from": "có giá trị từ",
    "valid_to": "có giá trị đến",
    "scope": "phạm vi",
}

SHELF = {
    "fonds": "phông",
    "catalogue": "mục lục",
    "repository": "kho",
    "shelf": "giá",
    "box": "hộp",
    "file_unit": "hồ sơ",
    "leaves": "tờ",
    "condition": "tình trạng",
}


def show_batches(batches: list[dict[str, Any]], console: Console | None = None) -> None:
    """Every batch: its papers by dossier, and each page that is not simply stored."""
    console = console or Console(highlight=False)
    if not batches:
        console.print("Không có lô nào đang mở. (No open batches.)")
    for batch in batches:
        counts = Counter(page["state"] for page in batch["pages"])
        pages = ", ".join(f"{count} {PAGE_STATES.get(state, state)}" for state, count in counts.items())
        state = BATCH_STATES.get(batch["state"], batch["state"])
        console.print(
            f"[bold]Lô {escape(Path(batch['source']).name)}[/]  {state}: {pages}  [dim]{batch['id']}[/]"
        )
        if batch.get("reason"):
            console.print(f"  {escape(batch['reason'])}", style="yellow")
        if batch.get("shelf"):
            console.print(f"  [dim]{escape(shelf_mark(batch['shelf']))}[/]")
        for remark in batch.get("remarks", []):
            console.print(f"  {escape(remark)}", style="yellow")
        show_papers(batch["documents"], console)
        for page in batch["pages"]:
            if page["reason"] or page["state"] in ("rejected", "review", "duplicate"):
                name = Path(page["source"]).name
                console.print(
                    f"  {escape(name)}: {PAGE_STATES[page['state']]}: {escape(page['reason'] or '')}",
                    style="yellow",
                )


def shelf_mark(shelf: dict[str, Any]) -> str:
    """Where the paper lies, in the words of an archive's list."""
    leaves = "-".join(str(shelf[name]) for name in ("leaf_from", "leaf_to") if shelf.get(name) is not None)
    told = {**shelf, "leaves": leaves}
    return ", ".join(f"{word} {told[name]}" for name, word in SHELF.items() if told.get(name))


def show_papers(documents: list[dict[str, Any]], console: Console) -> None:
    """Papers in the order of the stack, a heading wherever the dossier changes."""
    for dossier, papers in groupby(documents, key=lambda paper: paper["dossier"]):
        console.print(f"  Hồ sơ [cyan]{escape(dossier or 'chưa rõ mã')}[/]", highlight=False)
        table = Table(box=None, padding=(0, 1), show_header=False, pad_edge=True)
        table.add_column(width=2)
        for ratio in (9, 5, 1, 2, 6):
            # The first column keeps an id whole, so that it can be copied from a narrow window.
            table.add_column(overflow="fold", ratio=ratio, min_width=ID_WIDTH if ratio == 9 else None)
        for paper in papers:
            table.add_row(*_row(paper))
        console.print(table)


def _row(paper: dict[str, Any]) -> tuple[str, ...]:
    state = DOCUMENT_STATES.get(paper["state"], paper["state"])
    doubts = ", ".join(FIELDS.get(name, name) for name in paper["doubtful"])
    state += f": {paper['reason']}" if paper.get("reason") else ""
    state += f"; còn ngờ: {doubts}" if doubts else ""
    state += "".join(f"; {remark}" for remark in paper.get("remarks", []))
    number = " ".join(filter(None, (paper["number"], paper["date"])))
    return (
        "",
        f"{escape(paper['type_name'] or '?')}\n[dim]{paper['id']}[/]",
        escape(number),
        str(len(paper["pages"])),
        paper["signature_level"] or "",
        escape(state),
    )
