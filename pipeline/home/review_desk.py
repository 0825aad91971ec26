"""The review desk: what waits for a person, and what a person says about it."""

from __future__ import annotations

from typing import Any

from pipeline.errors import UsageError
from pipeline.grammar.codes import parse_dossier_code
from pipeline.home.intake_desk import IntakeDesk
from pipeline.home.server import Progress
from pipeline.wire import Parts


class ReviewDesk:
    """Lists, decides, and lets the batch go on."""

    def __init__(self, parts: Parts, intake: IntakeDesk, *, agency: str) -> None:
        self._decisions = parts.records.decisions
        self._batches = parts.records.batches
        self._types = parts.types
        self._intake = intake
        self._agency = agency

    def review(self, arguments: dict[str, Any], actor: str, progress: Progress) -> dict[str, Any]:
        """All that waits; or, with `item`, a decision on it and what became of its batch."""
        item = arguments.get("item")
        if not item:
            return {"waiting": self._decisions.waiting()}
        dossier, kind = arguments.get("dossier"), arguments.get("type")
        if dossier is None and kind is None:
            raise UsageError("say --dossier or --type", vi="Cần nêu --dossier hoặc --type")
        if dossier is not None:
            code = parse_dossier_code(dossier)
            if code is None:
                raise UsageError(f"{dossier} is no dossier code", vi=f"{dossier} không phải mã hồ sơ")
            dossier = code.text
        if kind is not None and self._types.get(kind) is None:
            raise UsageError(
                f"{kind} is no document type; the keys stand in config/document_types.toml",
                vi=f"Không có loại giấy tờ {kind}",
            )
        batch = self._decisions.record(item, dossier=dossier, type=kind, actor=actor, agency=self._agency)
        self._intake.again(batch)
        self._intake.watch([batch], progress)
        return {"batches": [self._batches.view(batch, with_text=False)], "waiting": self._decisions.waiting()}
