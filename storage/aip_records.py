"""What an archive package is made from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature as PREMIS keeps it; value and certificate in Base64."""

    signer: str
    method: str
    value: str
    certificate: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AipPaper:
    """One signed PDF with what the catalogue says of it, and how its signatures were judged just now."""

    name: str
    path: Path
    view: dict[str, Any]
    verdict: str
    signatures: tuple[Signature, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AipDossier:
    """What one package holds. `shelf` is where the paper lies; `years` its retention, 0 for ever, None unknown."""

    dossier: str
    agency_code: str
    agency_name: str
    software: str
    made: datetime
    received: datetime
    papers: Sequence[AipPaper]
    shelf: str | None = None
    years: int | None = None
