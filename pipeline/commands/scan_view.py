"""Stacks that still lie at the scanner, in the contract's shape: kept and visible, not yet a batch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from scanners.stack_folder import StackFolder

LEFT_OPEN = (
    "Chồng đang quét dở: quét tiếp bằng `sohoa scan --resume`, chốt bằng `sohoa scan --finish` "
    "(a stack left open at the scanner)"
)


def open_stack(stack: StackFolder, *, reason: str = LEFT_OPEN, state: str = "review") -> dict[str, Any]:
    """One element of `batches` for a stack that is not handed in."""
    sides = stack.in_order()
    job = stack.job
    return {
        "id": stack.id,
        "source": str(stack.folder),
        "state": state,
        "seconds": None,
        "expected_sides": job.sides_wanted,
        "reason": reason,
        "pages": [
            {
                "id": f"{stack.id}_{index}",
                "source": str(side.path),
                "index": index,
                "source_sha256": side.sha256,
                "page_sha256": None,
                "role": role,
                "reason": side.alarm,
                "state": "queued",
                "turn": None,
                "skew": None,
                "confidence": None,
                "documents": [],
            }
            for index, (side, role) in enumerate(sides)
        ],
        "documents": [],
    }


def open_stacks(spool: Path) -> list[dict[str, Any]]:
    """Every stack left open in a home's spool."""
    return [open_stack(stack) for stack in StackFolder.all(spool / "scan") if stack.wanted()]
