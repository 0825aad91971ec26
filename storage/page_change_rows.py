"""Page changes in the database: their record, new sides as rows, and the catalogue once the new version is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select, update

from pipeline.model import ReadPage, Sha256, StoredObject, Verdict
from pipeline.records import dump
from pipeline.sidecar import Sidecar
from storage import ledger
from storage.batches import Claim, described
from storage.catalogue import index_words
from storage.database import insert
from storage.manifest import Entry, Manifest, digest
from storage.next_version import hold, signed_as
from storage.page_tables import changed_side, page_change, stack_order
from storage.schema import document, page


@dataclass(frozen=True, slots=True, kw_only=True)
class Laid:
    """A file that lies in the bucket already: the unsigned PDF in staging, an original where originals land."""

    key: str
    sha256: Sha256
    size: int
    media_type: str
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageChange:
    """What becomes of version `base`: `sidecar` as it will be, but for what the signed file adds.

    `fresh` are originals that came with the change; by batch index, `aside` is why a side is set aside, `turned` the
    digest of the new picture of one that was turned. `act` and `pages` say what was asked, for the ledger. `actors` are
    names, the one who decided last.
    """

    document: str
    base: int
    place: str
    sidecar: Sidecar
    unsigned: Laid
    fresh: tuple[Laid, ...]
    aside: dict[int, str]
    turned: dict[int, Sha256]
    act: str
    pages: tuple[int, ...]
    at: datetime
    actors: tuple[str, ...]
    counter: bool

    @property
    def version(self) -> int:
        return self.base + 1


def catalogue(
    connection: Connection,
    change: PageChange,
    claim: Claim,
    side: Sidecar,
    entries: Sequence[Entry],
    generation: tuple[Manifest, StoredObject],
) -> None:
    """Rows, sides, words and the ledger in one transaction; the change is done then."""
    name, (manifest, place) = change.document, generation
    gone = connection.execute(delete(page_change).where(page_change.c.document == name))
    if not gone.rowcount:
        return  # another thread has carried it through
    signed = entries[0]
    before = connection.execute(select(document.c.pages).where(document.c.id == name)).scalar_one()
    connection.execute(insert(stack_order).values(document=name, pages=before).on_conflict_do_nothing())
    connection.execute(
        update(document)
        .where(document.c.id == name)
        .values(
            **described(side.paper, agency=side.agency),
            reason=None,
            light="amber",  # the paper that was scanned again is not safe elsewhere yet
            **signed_as(signed, manifest, level=claim.level, roles=claim.roles),
        )
    )
    hold(connection, name, change.version, entries, manifest=(place.key, place.sha256, place.size))
    _sides(connection, change, side)
    index_words(connection, name, side.paper, "\n".join(_text(one.lines) for one in side.pages))
    _note(connection, change, claim, signed, manifest, place, digest(dump(side)))


def _sides(connection: Connection, change: PageChange, side: Sidecar) -> None:
    """New sides take their state, turned ones their reading, those that left their reason."""
    pages = {one.index: one for one in side.pages}
    rows = connection.execute(
        select(page.c.id, page.c.idx, page.c.state).where(page.c.batch == side.batch)
    ).all()
    for row in rows:
        if row.idx in pages and row.state == "working":
            connection.execute(update(page).where(page.c.id == row.id).values(state="read"))
        elif row.idx in change.aside:
            reason = change.aside[row.idx]
            connection.execute(
                update(page).where(page.c.id == row.id).values(state="rejected", reason=reason)
            )
            touch(connection, change, row.id, None)
        elif row.idx in change.turned:
            one = pages[row.idx]
            connection.execute(
                update(page)
                .where(page.c.id == row.id)
                .values(turn=one.turn, skew=one.skew, confidence=one.confidence, text=_text(one.lines),
                        page_sha256=change.turned[row.idx])
            )  # fmt: skip
            touch(connection, change, row.id, None)


def _note(
    connection: Connection,
    change: PageChange,
    claim: Claim,
    signed: Entry,
    manifest: Manifest,
    place: StoredObject,
    sidecar: Sha256,
) -> None:
    name, version = change.document, change.version
    stands = {"generation": manifest.number, "manifest": place.key, "manifest_sha256": place.sha256}
    details: dict[str, Any] = {
        "version": version,
        **stands,
        "sidecar_sha256": sidecar,
        "change": change.act,
        "pages": list(change.pages),
        "reason": change.sidecar.amended[-1].reason,
    }
    if len(change.actors) > 1:
        details["asked_by"] = change.sidecar.amended[-1].actors[0]
    common: dict[str, Any] = {
        "connection": connection,
        "actor": change.actors[-1],
        "agency": change.sidecar.agency,
    }
    objects = [name, signed.sha256, signed.key]
    request = f"repage:{name}:{version}"
    ledger.append(act="repage", objects=objects, details=details, request=request, **common)
    details = {"level": claim.level, **stands}
    request = f"store:{name}:{version}:{signed.sha256}"
    ledger.append(act="store", objects=objects, details=details, request=request, **common)


def row_of(read: ReadPage, batch: str) -> dict[str, Any]:
    """A new side as a row; a blank one is that from the beginning."""
    return {
        "id": read.page.id,
        "batch": batch,
        "idx": read.page.index,
        "source": read.page.source,
        "source_sha256": read.page.file.sha256,
        "page_sha256": read.image.sha256 if read.image else None,
        "state": "blank" if read.verdict is Verdict.BLANK else "working",
        "reason": read.reason,
        "turn": read.turn,
        "skew": read.skew,
        "confidence": read.confidence,
        "text": read.text,
    }


def touch(connection: Connection, change: PageChange, side: str, role: str | None) -> None:
    """Remember that a page change has to do with a side; how it came stays."""
    values = {"document": change.document, "version": change.version}
    connection.execute(
        insert(changed_side)
        .values(page=side, role=role, **values)
        .on_conflict_do_update(index_elements=["page"], set_=values)
    )


def _text(lines: Sequence[Any]) -> str:
    return "\n".join(line.text for line in lines)
