"""The places of a paper's doubtful fields as pictures, cut on demand; none is kept.

They come from the signed file of a stored paper, and from the straight pictures of the pages of one still in review.
"""

from __future__ import annotations

import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipeline.crop_job import Place, cut
from pipeline.errors import UsageError
from pipeline.files import write_whole
from pipeline.model import Field, Origin, Page, ReadPage, Sha256
from pipeline.page_job import known
from pipeline.paths import HomePaths
from pipeline.raster.inspect import pages_of
from pipeline.sidecar import Sidecar
from pipeline.wire import Parts
from storage.amendments import Current
from storage.decisions import field_view


class CropDesk:
    """Cuts; each time is a view, on the ledger before the first picture leaves."""

    def __init__(self, parts: Parts, paths: HomePaths, *, agency: str) -> None:
        self._parts = parts
        self._pages = paths.work
        self._work = paths.work / "crops"
        self._agency = agency

    def crop(self, document: str, found: Current, folder: Path, actor: str) -> dict[str, Any]:
        """Write `FIELD.png` for every doubtful field that has a place; the fields with page and box."""
        _check_folder(folder)
        fields = [field for field in found.sidecar.paper.fields if field.doubtful]
        places = [place for field in fields if (place := _place(found.sidecar, field)) is not None]
        self._note(document, [place.name for place in places], actor)
        written = self._written(document, places, folder) if places else {}
        return {
            "document": document,
            "version": found.version,
            "crops": [{**field_view(field), "path": written.get(field.name)} for field in fields],
        }

    def crop_waiting(self, document: str, folder: Path, actor: str) -> dict[str, Any]:
        """The same for a paper in review. Raises UsageError when there is none of that name."""
        _check_folder(folder)
        where = self._parts.records.decisions.place(document)
        paper = self._parts.records.decisions.paper(document)
        if paper is None:
            raise UsageError(f"{document} is no paper", vi=f"{document} không phải một giấy tờ")
        fields = [field for field in paper.fields if field.doubtful]
        sides = self._sides(where["batch"])
        wanted = [
            (field, sides[field.page])
            for field in fields
            if field.page in sides and field.page is not None and field.box is not None
        ]
        self._note(document, [field.name for field, _ in wanted], actor)
        written: dict[str, str] = {}
        for field, side in wanted:
            assert field.box is not None and side.image is not None
            place = Place(name=field.name, number=1, box=field.box, size=(side.width, side.height))
            cutting = self._parts.pool.submit(cut, side.image.path, [place], self._parts.limits, priority=0)
            written.update(_kept(cutting.result(), folder))
        return {
            "document": document,
            "version": None,
            "crops": [{**field_view(field), "path": written.get(field.name)} for field in fields],
        }

    def _sides(self, batch: str) -> dict[int, ReadPage]:
        """The sides of a batch that were read and whose straight pictures are still there, by index."""
        records = self._parts.records
        intake = records.batches.intake(batch)
        turned = records.decisions.arrangement(batch).turned
        pages: list[Page] = []
        looked = self._parts.pool.look_into(intake.files, self._parts.limits, priority=0)  # a person waits
        for file, sides in zip(intake.files, looked, strict=True):
            pages += pages_of(file, sides, batch=batch, first_index=len(pages))
        found = (known(replace(page, turn=turned.get(page.index)), self._pages) for page in pages)
        return {read.page.index: read for read in found if read is not None and read.image is not None}

    def _note(self, document: str, names: list[str], actor: str) -> None:
        self._parts.records.ledger.note(
            act="view", actor=actor, agency=self._agency, objects=[document], details={"crops": names}
        )

    def _written(self, document: str, places: list[Place], folder: Path) -> dict[str, str]:
        item = self._parts.records.catalogue.objects(document, original=False, version=None)[0]
        path = self._work / f"{uuid.uuid4().hex}.pdf"
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._parts.archive.fetch(item.key, Sha256(item.sha256), path)
            pictures = self._parts.pool.submit(cut, path, places, self._parts.limits, priority=0).result()
        finally:
            path.unlink(missing_ok=True)
        return _kept(pictures, folder)


def _kept(pictures: list[tuple[str, bytes]], folder: Path) -> dict[str, str]:
    return {
        name: str(write_whole(folder / f"{name}.png", content, "image/png").path)
        for name, content in pictures
    }


def _check_folder(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is not a folder", vi=f"{folder} không phải thư mục")


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
