"""Files in watched folders that wait for their end or their scans, in the contract's shape."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from pipeline.paths import HomePaths

REASON = (
    "Tệp mãi chưa ghi xong nên chưa nhận: quét hoặc chép lại, hoặc xóa nếu là tệp hỏng "
    "(the file never completed, so it was not taken)"
)


LONELY = (
    "Tệp kèm đến mà chưa có bản quét nào: bỏ bản quét vào cùng thư mục, hoặc xóa nếu thừa "
    "(a side-car whose scans never came)"
)


def show_unfinished(
    paths: HomePaths, folder: Path, files: Sequence[Path], lonely: Collection[Path] = ()
) -> None:
    """Note what lies unfinished in a folder, and side-cars without scans; nothing, when there is nothing."""
    from pipeline.files import write_whole

    note = _note(paths, folder)
    reasons = {**{str(path): LONELY for path in sorted(lonely)}, **{str(path): REASON for path in files}}
    if reasons:
        paths.make()
        told = {"folder": str(folder), "files": reasons}
        write_whole(note, json.dumps(told, ensure_ascii=False).encode(), "application/json")
    else:
        note.unlink(missing_ok=True)


def unfinished(paths: HomePaths) -> list[dict[str, Any]]:
    """A batch for each folder in which files lie unfinished."""
    return [
        _view(note.stem, json.loads(note.read_text("utf-8")))
        for note in sorted(paths.run.glob("watch-*.json"))
    ]


def _note(paths: HomePaths, folder: Path) -> Path:
    return paths.run / f"watch-{hashlib.sha256(str(folder).encode()).hexdigest()[:12]}.json"


def _view(name: str, told: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": name,
        "source": told["folder"],
        "state": "review",
        "seconds": None,
        "expected_sides": None,
        "reason": "; ".join(dict.fromkeys(told["files"].values())),
        "pages": [
            {
                "id": f"{name}_{index}",
                "source": path,
                "index": index,
                "source_sha256": None,
                "page_sha256": None,
                "role": None,
                "reason": reason,
                "state": "review",
                "turn": None,
                "skew": None,
                "confidence": None,
                "documents": [],
            }
            for index, (path, reason) in enumerate(told["files"].items())
        ],
        "documents": [],
    }
