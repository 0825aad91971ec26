"""Verification without a home: files judged by what they carry, with nothing trusted beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from signing.isolation import IsolatedVerifier
from signing.trust import TrustStore


def verify_files(paths: Sequence[Path]) -> dict[str, Any]:
    """Judge files and all PDFs of folders; the contract's JSON."""
    verifier = IsolatedVerifier(TrustStore(anchors=(), demo=None))
    try:
        files = [f for path in paths for f in (sorted(path.rglob("*.pdf")) if path.is_dir() else [path])]
        results = [verifier.verify_file(file, expected=None).to_json() for file in files]
    finally:
        verifier.close()
    return {"results": results, "missing": [], "extra": []}
