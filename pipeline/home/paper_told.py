"""A paper as other systems are told of it (`Paper` in docs/registry.openapi.json)."""

from __future__ import annotations

from typing import Any

from pipeline.home.case_view import Case


def paper_told(case: Case, paper: dict[str, Any]) -> dict[str, Any]:
    """Its code, component, type and what it says, with the digest of the signed file."""
    code = case.record.code_of(paper["id"], "paper")
    return {
        "document": paper["id"],
        "code": code.text if code else None,
        "component": case.found.component_of(paper["id"]) if case.found else None,
        "type": paper["type"],
        "number": paper["number"],
        "date": paper["date"],
        "doubtful": paper["doubtful"],
        "sha256": paper["pdf_sha256"],
        "signature_level": paper["signature_level"],
    }
