"""A live line on the terminal while the home works."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

COUNTED = {
    "import": "Nhập (importing)",
    "verify": "Kiểm tra (verifying)",
    "rebuild": "Dựng lại (rebuilding)",
    "fixity": "Rà soát (scrubbing)",
    "export": "Xuất (exporting)",
    "repair": "Phục hồi (healing)",
    "backup": "Sao lưu (backing up)",
    "backup_check": "Kiểm tra bản sao lưu (checking the backup)",
    "restore": "Khôi phục (restoring)",
}


@contextmanager
def shown() -> Iterator[Callable[[dict[str, Any]], None]]:
    """Yields a function that takes progress events of the home and draws them on stderr."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    with bar:
        pages = bar.add_task("Đang làm (working)", total=None)
        papers = bar.add_task("Giấy tờ (papers)", total=None, visible=False)

        def show(event: dict[str, Any]) -> None:
            if event.get("stage") == "take":
                bar.update(pages, description=f"Tiếp nhận (taking in) {event['files']} tệp")
            elif event.get("stage") == "work":
                bar.update(
                    pages,
                    description="Trang (pages)",
                    completed=event["pages_done"],
                    total=event["pages"] or None,
                )
                bar.update(
                    papers,
                    completed=event["documents_done"],
                    total=event["documents"] or None,
                    visible=bool(event["documents"]),
                )
            elif event.get("stage") in COUNTED:
                bar.update(
                    pages,
                    description=COUNTED[event["stage"]],
                    completed=event["done"],
                    total=event["total"],
                )

        yield show
