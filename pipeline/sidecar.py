"""What stands beside a document in the bucket, so that the catalogue can be made anew from the bucket alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePath
from typing import Any

from pipeline.model import (
    Barcode,
    Blob,
    Document,
    Level,
    Line,
    Origin,
    Page,
    Paper,
    ReadPage,
    Region,
    Sha256,
    ShelfMark,
    SignatureRole,
    SignedDocument,
    Verdict,
)

CONTRACT = "sidecar-1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Amended:
    """One act of a person on the stored document: what, by whom (pseudonymous keys), when, on which fields, why."""

    act: str
    actors: tuple[str, ...]
    at: datetime
    fields: tuple[str, ...] = ()
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SidecarPage:
    """One page as read; `source` is the file's name without its folder, boxes are pixels at `dpi`.

    `own_text_…`: of the text layer of a page made elsewhere, the code before Unicode and the share that agrees.
    `role` is retake or insert for a side that came after the paper was stored.
    """

    index: int
    source: str
    number: int
    source_sha256: Sha256
    turn: int
    skew: float
    dpi: float
    width: int
    height: int
    confidence: float
    lines: tuple[Line, ...]
    barcodes: tuple[Barcode, ...]
    regions: tuple[Region, ...]
    own_text_code: str | None = None
    own_text_agrees: float | None = None
    role: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SideAside:
    """A side that was a page of the document before version `since`, and why it is none any more."""

    side: SidecarPage
    reason: str
    since: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sidecar:
    """One version of a document with its text, word boxes, fields and decisions.

    `validation` is the report on the signatures that an incoming file carried when it came; `amended` what persons
    did to the fields, the place or the pages of the stored document, oldest first; `aside` the sides that left it.
    """

    contract: str
    document: str
    batch: str
    agency: str
    actor: str
    captured_at: datetime
    paper: Paper
    pdf_sha256: Sha256
    unsigned_sha256: Sha256
    level: Level | None
    roles: tuple[SignatureRole, ...]
    validation: dict[str, Any] | None = None
    shelf: ShelfMark | None = None
    pages: tuple[SidecarPage, ...]
    amended: tuple[Amended, ...] = ()
    aside: tuple[SideAside, ...] = ()


def sidecar_of(signed: SignedDocument) -> Sidecar:
    """The sidecar of a signed document. It names no folder of this machine."""
    document = signed.document
    return Sidecar(
        contract=CONTRACT,
        document=document.id,
        batch=document.batch,
        agency=document.agency,
        actor=document.actor,
        captured_at=document.captured_at,
        paper=document.paper,
        pdf_sha256=signed.pdf.sha256,
        unsigned_sha256=document.pdf.sha256,
        level=signed.level,
        roles=signed.roles,
        validation=signed.validation,
        shelf=document.shelf,
        pages=tuple(side_of(page) for page in document.pages),
    )


def document_of(sidecar: Sidecar, pdf: Blob, *, counter: bool) -> Document:
    """The document as far as its sidecar tells, with `pdf` as its file: enough to sign it, not to read it again."""
    pages = tuple(_read(side) for side in sidecar.pages)
    return Document(
        id=sidecar.document,
        batch=sidecar.batch,
        agency=sidecar.agency,
        actor=sidecar.actor,
        captured_at=sidecar.captured_at,
        paper=sidecar.paper,
        pages=pages,
        originals=(),
        pdf=pdf,
        counter=counter,
    )


def _read(side: SidecarPage) -> ReadPage:
    file = Blob(path=Path(side.source), sha256=side.source_sha256, size=0, media_type="")
    page = Page(
        id="", index=side.index, source=side.source, file=file, number=side.number, origin=Origin.CAPTURED
    )
    return ReadPage(
        page=page,
        verdict=Verdict.CONTENT,
        turn=side.turn,
        skew=side.skew,
        dpi=side.dpi,
        width=side.width,
        height=side.height,
        confidence=side.confidence,
        lines=side.lines,
        barcodes=side.barcodes,
        regions=side.regions,
    )


def side_of(read: ReadPage, *, role: str | None = None) -> SidecarPage:
    """A page as the sidecar has it."""
    return SidecarPage(
        index=read.page.index,
        source=PurePath(read.page.source).name,
        number=read.page.number,
        source_sha256=read.page.file.sha256,
        turn=read.turn,
        skew=read.skew,
        dpi=read.dpi,
        width=read.width,
        height=read.height,
        confidence=read.confidence,
        lines=read.lines,
        barcodes=read.barcodes,
        regions=read.regions,
        own_text_code=read.own_text.code if read.own_text else None,
        own_text_agrees=read.own_text.agrees if read.own_text else None,
        role=role,
    )
