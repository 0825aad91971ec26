"""A batch as the contract shows it, derived from its rows."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

WORKING = {"working", "awaiting_signature", "waiting"}


def batch_view(
    row: Any,
    pages: Sequence[Any],
    papers: Sequence[Any],
    *,
    with_text: bool,
    late: Mapping[str, str],
    expected: int | None,
) -> dict[str, Any]:
    """One element of `batches`. `late` are roles of sides that a page change brought; the act declared them.

    `expected` are the sides of the stack itself as declared, or as a person counted them later.
    """
    belongs: dict[int, list[Any]] = defaultdict(list)
    for paper in papers:
        for index in json.loads(paper.pages):
            belongs[index].append(paper)
    intake = json.loads(row.intake)
    roles = {file["source"]: file.get("role") for file in intake["files"]}
    seconds = round(row.settled_at - row.opened_at, 2) if row.settled_at else None
    return {
        "id": row.id,
        "source": row.source,
        "state": row.state,
        "seconds": seconds,
        "expected_sides": expected + len(late) if expected is not None else None,
        "reason": _reason(row, pages),
        "shelf": intake.get("shelf"),
        "remarks": intake.get("remarks", []),
        "pages": [
            {
                **_page(item, belongs[item.idx], with_text=with_text),
                "role": late.get(item.id) or roles.get(item.source),
            }
            for item in pages
        ],
        "documents": [document_view(paper) for paper in sorted(papers, key=lambda p: json.loads(p.pages))],
    }


def _reason(row: Any, pages: Sequence[Any]) -> str | None:
    """A batch that is done says both how its count was settled and what to scan again."""
    if row.reason and row.state != "done":
        return str(row.reason)
    return "; ".join(filter(None, (row.reason, _rescans(pages)))) or None


def _rescans(pages: Sequence[Any]) -> str | None:
    """What the scanner's operator should do before the citizen leaves; the pages go on all the same."""
    count = sum(row.state == "read" and row.reason is not None for row in pages)
    return f"{count} mặt nên quét lại trước khi trả giấy (sides to scan again)" if count else None


def _page(row: Any, papers: list[Any], *, with_text: bool) -> dict[str, Any]:
    state, reason = row.state, row.reason
    if state == "read":
        states = {paper.state for paper in papers}
        if states == {"stored"}:
            state = "stored"
        elif "review" in states:
            state = "review"
            why = next(p.reason for p in papers if p.state == "review")
            why = why or "Cần người xem lại (needs a person)"
            reason = f"{why}; {reason}" if reason else why
        else:
            state = "working"
    view = {
        "id": row.id,
        "source": row.source,
        "index": row.idx,
        "source_sha256": row.source_sha256,
        "page_sha256": row.page_sha256,
        "role": None,
        "reason": reason,
        "state": state,
        "turn": row.turn,
        "skew": row.skew,
        "confidence": row.confidence,
        "documents": [paper.id for paper in papers],
    }
    if with_text:
        view["text"] = row.text
    return view


def own_text_remarks(row: Any) -> list[str]:
    """What a person should know of the text that a file made elsewhere has of its own."""
    fields = json.loads(row.paper).get("fields", [])
    told: list[str] = next((field["value"].split() for field in fields if field["name"] == "own_text"), [])
    codes = ", ".join(code for code in told if code != "differs")
    remarks = []
    if codes:
        remarks.append(
            f"chữ sẵn có trong tệp là bảng mã {codes}, đã chuyển sang Unicode (its own text was {codes})"
        )
    if "differs" in told:
        remarks.append("chữ sẵn có trong tệp khác với chữ trên trang (its own text differs from the page)")
    return remarks


def document_view(row: Any) -> dict[str, Any]:
    """One element of `documents`."""
    return {
        "id": row.id,
        "dossier": row.dossier,
        "origin": row.origin,
        "agency": row.agency,
        "type": row.type,
        "type_name": row.type_name,
        "pages": json.loads(row.pages),
        "title": row.title,
        "number": row.number,
        "date": row.date,
        "issuer": row.issuer,
        "signer": row.signer,
        "doubtful": json.loads(row.doubtful),
        "state": row.state,
        "reason": row.reason,
        "light": row.light,
        "pdf_sha256": row.pdf_sha256,
        "bucket": row.bucket,
        "key": row.key,
        "version_id": row.version_id,
        "signature_level": row.signature_level,
        "remarks": own_text_remarks(row),
    }
