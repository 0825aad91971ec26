"""The places of a stored paper's doubtful fields as pictures, cut from its signed file on demand; none is kept."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

from pipeline.crop_job import Place, cut
from pipeline.errors import UsageError
from pipeline.files import write_whole
from pipeline.model import Field, Origin, Sha256
from pipeline.paths import HomePaths
from pipeline.sidecar import Sidecar
from pipeline.wire import Parts
from storage.amendments import Current
from storage.decisions import field_view


class CropDesk:
    """Cuts; each time is a view, on the ledger before the first picture leaves."""

    def __init__(self, parts: Parts, paths: HomePaths, *, agency: str) -> None:
        self._parts = parts
        self._work = paths.work / "crops"
        self._agency = agency

    def crop(self, document: str, found: Current, folder: Path, actor: str) -> dict[str, Any]:
        """Write `FIELD.png` for every doubtful field that has a place; the fields with page and box."""
        if folder.exists() and not folder.is_dir():
            raise UsageError(f"{folder} is not a folder", vi=f"{folder} không phải thư mục")
        fields = [field for field in found.sidecar.paper.fields if field.doubtful]
        places = [place for field in fields if (place := _place(found.sidecar, field)) is not None]
        self._parts.records.ledger.note(
            act="view", actor=actor, agency=self._agency, objects=[document],
            details={"crops": [place.name for place in places]},
        )  # fmt: skip
        written = self._written(document, places, folder) if places else {}
        return {
            "document": document,
            "version": found.version,
            "crops": [{**field_view(field), "path": written.get(field.name)} for field in fields],
        }

    def _written(self, document: str, places: list[Place], folder: Path) -> dict[str, str]:
        item = self._parts.records.catalogue.objects(document, original=False, version=None)[0]
        path = self._work / f"{uuid.uuid4().hex}.pdf"
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._parts.archive.fetch(item.key, Sha256(item.sha256), path)
            pictures = self._parts.pool.submit(cut, path, places, self._parts.limits, priority=0).result()
        finally:
            path.unlink(missing_ok=True)
        return {
            name: str(write_whole(folder / f"{name}.png", content, "image/png").path)
            for name, content in pictures
        }


def _place(sidecar: Sidecar, field: Field) -> Place | None:
    """Where a field stands in the stored file; None for one without a place."""
    for number, page in enumerate(sidecar.pages, 1):
        if page.index == field.page and field.box is not None:
            incoming = sidecar.paper.origin is Origin.INCOMING_SIGNED
            return Place(
                name=field.name,
                number=page.number if incoming else number,
                box=field.box,
                size=(page.width, page.height),
                turn=page.turn if incoming else 0,
                skew=page.skew if incoming else 0.0,
            )
    return None
