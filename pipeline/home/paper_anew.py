"""A stored paper with other pages: its sidecar as it will be, and its unsigned file made of the pages' pictures."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline.classify.anew import with_pages
from pipeline.home.new_sides import NewSides
from pipeline.home.page_wish import PageWish, Slot
from pipeline.model import Blob, Page, ReadPage, Sha256, Verdict
from pipeline.pdf.archive import write_archive_pdf
from pipeline.pdf.pictures import pictures_of
from pipeline.raster.inspect import page_id
from pipeline.sidecar import Amended, SideAside, Sidecar, SidecarPage, document_of, side_of
from pipeline.wire import Parts
from storage.amendments import Current
from storage.proof import VIETNAM

ASIDE = {
    "replace": "Đã quét lại, trang này không dùng nữa: {0} (scanned again)",
    "remove": "Đưa ra khỏi giấy tờ đã lưu: {0} (taken out of its paper)",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Anew:
    """The paper as it will be. `pages` are in the new order; a kept one has no picture yet.

    `new` are all sides that came, blank ones too; `turned` those read again; `aside` why a batch index is set aside.
    """

    act: str
    asked: tuple[int, ...]
    step: Amended
    actors: tuple[str, ...]
    sidecar: Sidecar
    slots: tuple[Slot, ...]
    pages: tuple[ReadPage, ...]
    new: tuple[ReadPage, ...]
    turned: tuple[ReadPage, ...]
    aside: dict[int, str]
    folder: Path
    before: list[dict[str, Any]]
    after: list[dict[str, Any]]
    told_aside: list[dict[str, Any]]


class PaperAnew:
    """Plans and makes. Nothing of it is kept before a decision is."""

    def __init__(self, parts: Parts, sides: NewSides) -> None:
        self._archive = parts.archive
        self._catalogue = parts.records.catalogue
        self._changes = parts.page_changes
        self._pool = parts.pool
        self._types = parts.types
        self._sides = sides

    def plan(
        self,
        found: Current,
        wish: PageWish,
        new: tuple[ReadPage, ...],
        step: Amended,
        shared: set[int],
        actors: tuple[str, ...],
        folder: Path,
    ) -> Anew:
        """What the paper becomes; `shared` are batch indexes that other papers use too. Raises Rejected, Tampered."""
        side = found.sidecar
        content = [one for one in new if one.verdict is Verdict.CONTENT]
        slots = wish.arranged(len(side.pages), len(content))
        stored = document_of(side, _no_file(side), counter=False).pages
        role = "retake" if wish.act == "replace" else "insert"
        pages: list[ReadPage] = []
        after: list[SidecarPage] = []
        turned: list[ReadPage] = []
        for slot in slots:
            if slot.before is None:
                assert slot.fresh is not None
                pages.append(content[slot.fresh])
                after.append(side_of(content[slot.fresh], role=role))
            elif slot.turn:
                read = self._read_again(found, side.pages[slot.before], slot.turn, folder)
                turned.append(read)
                pages.append(read)
                after.append(side_of(read, role=side.pages[slot.before].role))
            else:
                pages.append(stored[slot.before])
                after.append(side.pages[slot.before])
        there = {one.index for one in after}
        gone = [one for one in side.pages if one.index not in there]
        reason = ASIDE.get(wish.act, "{0}").format(step.reason)
        aside = {one.index: reason for one in gone if one.index not in shared}
        lost = {one.index for one in gone} | {one.page.index for one in turned}
        version = found.version + 1
        sidecar = replace(
            side,
            paper=with_pages(side.paper, pages, lost, self._types, datetime.now(VIETNAM).date()),
            pages=tuple(after),
            amended=(*side.amended, step),
            aside=(*side.aside, *(SideAside(side=one, reason=reason, since=version) for one in gone
                                  if one.index in aside)),
        )  # fmt: skip
        numbers = {one.index: number for number, one in enumerate(side.pages, 1)}
        return Anew(
            act=wish.act,
            asked=wish.pages,
            step=step,
            actors=actors,
            sidecar=sidecar,
            slots=tuple(slots),
            pages=tuple(pages),
            new=new,
            turned=tuple(turned),
            aside=aside,
            folder=folder,
            before=[_view(number, one, number) for number, one in enumerate(side.pages, 1)],
            after=[_view(number, one, numbers.get(one.index)) for number, one in enumerate(after, 1)],
            told_aside=[
                {"page": numbers[index], "index": index, "reason": why} for index, why in aside.items()
            ],
        )

    def write(self, found: Current, made: Anew) -> Blob:
        """The unsigned file. Kept pages have the pictures of the stored file as they are encoded there."""
        side = made.sidecar
        pages = list(made.pages)
        if any(slot.before is not None and not slot.turn for slot in made.slots):
            item = self._catalogue.objects(side.document, original=False, version=found.version)[0]
            path = made.folder / "stored.pdf"
            self._archive.fetch(item.key, Sha256(item.sha256), path)
            pictures = self._pool.submit(pictures_of, path, made.folder / "pictures", priority=0).result()
            for number, slot in enumerate(made.slots):
                if slot.before is not None and not slot.turn:
                    pages[number] = replace(pages[number], image=pictures[slot.before])
        title = side.paper.field("title")
        return write_archive_pdf(
            pages,
            made.folder / "unsigned.pdf",
            title=title.value if title else side.paper.type_name,
            agency=side.agency,
            identifier=side.document,
            created=made.step.at,
        )

    def _read_again(self, found: Current, side: SidecarPage, turn: int, folder: Path) -> ReadPage:
        """A page from its original, turned by so much more than it is."""
        entries = self._changes.entries(found.place, found.sidecar.document, found.version)
        original = next(e for e in entries if e.role == "original" and e.sha256 == side.source_sha256)
        path = folder / f"original-{side.index}"
        self._archive.fetch(original.key, original.sha256, path)
        blob = Blob(path=path, sha256=original.sha256, size=original.size, media_type=original.media_type)
        several = f"#{side.number}" if side.source.endswith(f"#{side.number}") else ""
        source = f"{original.source}{several}"
        return self._sides.again(
            Page(
                id=page_id(found.sidecar.batch, side.index, source, original.sha256),
                index=side.index,
                source=source,
                file=blob,
                number=side.number,
                origin=found.sidecar.paper.origin,
                turn=(side.turn + turn) % 360,
            )
        )


def _view(number: int, side: SidecarPage, was: int | None) -> dict[str, Any]:
    return {
        "page": number,
        "was": was,
        "index": side.index,
        "source": side.source,
        "role": side.role,
        "turn": side.turn,
        "confidence": side.confidence,
    }


def _no_file(side: Sidecar) -> Blob:
    return Blob(path=Path(), sha256=side.pdf_sha256, size=0, media_type="application/pdf")
