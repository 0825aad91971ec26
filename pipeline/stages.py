"""The stages, made of real parts: what `flow.py` calls, one method an arrow.

Everything here may run again after a crash: results are content-addressed, stores are conditional, and
the catalogue recognises what it already holds.
"""

from __future__ import annotations

import hashlib
import shutil
import uuid
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from pipeline.classify.late import behind_signed, without_signed
from pipeline.classify.listed import as_listed, one_paper
from pipeline.classify.requested import Asked, as_asked
from pipeline.classify.second_opinion import with_opinion
from pipeline.classify.settled import settle
from pipeline.classify.sorting import sort_pages
from pipeline.classify.type_model import TypeModel
from pipeline.classify.types import TypeCatalogue
from pipeline.errors import AwaitsSignature, NeedsPerson, Rejected, Unavailable
from pipeline.files import blob_of
from pipeline.grammar.receipt_codes import ReceiptForm
from pipeline.model import (
    Blob,
    Document,
    Intake,
    Level,
    Origin,
    Page,
    Paper,
    ReadPage,
    SignatureRole,
    SignedDocument,
    Sorting,
    StoredDocument,
    Verdict,
)
from pipeline.page_job import known, read_side, result_path
from pipeline.page_pool import PagePool
from pipeline.pdf.archive import write_archive_pdf
from pipeline.raster.inspect import pages_of
from pipeline.raster.limits import RasterLimits
from pipeline.records import dump
from pipeline.sidecar import sidecar_of
from signing.signer import Signer
from signing.verdict import FileVerdict
from signing.verdict import Verdict as Judgement
from storage.archive import Archive
from storage.awaiting import Awaiting
from storage.batches import Batches
from storage.catalogue import Catalogue
from storage.decisions import Decisions
from storage.lights import Lights

ROWS_AT_ONCE = 100
"""Read sides told to the database in one transaction: a shelf of blank sides must not be one commit each."""


class IncomingJudge(Protocol):
    """Judges an incoming file's signatures; runs in a child with limits."""

    def __call__(self, pdf: Path) -> FileVerdict: ...


class RealStages:
    """Implements `flow.Stages`."""

    def __init__(
        self,
        *,
        batches: Batches,
        decisions: Decisions,
        awaiting: Awaiting,
        lights: Lights,
        catalogue: Catalogue,
        archive: Archive,
        signer: Signer,
        pool: PagePool,
        types: TypeCatalogue,
        limits: RasterLimits,
        work: Path,
        lock: timedelta,
        judge_incoming: IncomingJudge,
        unknown_dossier: Callable[[str], str | None] = lambda code: None,
        asked: Callable[[Intake], Asked | None] = lambda intake: None,
        receipts: Sequence[ReceiptForm] = (),
        opinion: Callable[[datetime], TypeModel | None] = lambda at: None,
    ) -> None:
        self._batches = batches
        self._decisions = decisions
        self._awaiting = awaiting
        self._lights = lights
        self._catalogue = catalogue
        self._archive = archive
        self._signer = signer
        self._pool = pool
        self._types = types
        self._limits = limits
        self._work = work
        self._lock = lock
        self._judge_incoming = judge_incoming
        self._unknown_dossier = unknown_dossier
        self._asked = asked
        self._receipts = receipts
        self._opinion = opinion

    def intake(self, batch: str) -> Intake:
        """The batch as it was taken in."""
        return self._batches.intake(batch)

    def land(self, intake: Intake) -> int:
        """Originals into the bucket, read back; returns how many."""
        self._batches.set_state(intake.id, "running")
        self._archive.land(intake, lock_until=intake.received_at + self._lock)
        return len(intake.files)

    def split(self, intake: Intake) -> tuple[Page, ...]:
        """All sides, in order; counted before anything is read."""
        pages: list[Page] = []
        looked = self._pool.look_into(intake.files, self._limits, priority=_priority(intake))
        for file, sides in zip(intake.files, looked, strict=True):
            pages += pages_of(file, sides, batch=intake.id, first_index=len(pages))
        self._batches.set_pages(intake.id, pages)
        return tuple(pages)

    def read(self, intake: Intake, pages: Sequence[Page]) -> tuple[ReadPage, ...]:
        """Every side upright, straight and read; what cannot be read is rejected with its reason."""
        priority = _priority(intake)
        turned = self._decisions.arrangement(intake.id).turned
        pages = [replace(page, turn=turned.get(page.index)) for page in pages]
        running: list[ReadPage | tuple[Future[ReadPage], bool]] = []
        for page in pages:
            done = _rejected(page, page.reason) if page.reason else known(page, self._work)
            running.append(done or self._begin(page, priority))
        read: list[ReadPage] = []
        told = 0
        for page, item in zip(pages, running, strict=True):
            if told < len(read) and not (isinstance(item, ReadPage) or item[0].done()):
                self._batches.record_read(read[told:])  # nobody waits for what is read already
                told = len(read)
            read.append(item if isinstance(item, ReadPage) else self._outcome(page, *item))
            if len(read) - told >= ROWS_AT_ONCE:
                self._batches.record_read(read[told:])
                told = len(read)
        self._batches.record_read(read[told:])
        return tuple(read)

    def _begin(self, page: Page, priority: int) -> tuple[Future[ReadPage], bool]:
        key = str(result_path(page, self._work))
        return self._pool.submit_once(key, read_side, page, self._work, self._limits, priority=priority)

    def _outcome(self, page: Page, task: Future[ReadPage], joined: bool) -> ReadPage:
        try:
            return replace(task.result(), page=page)
        except Exception as error:
            if joined:  # reading ahead had other files under its hands; their end is not this page's
                again = self._pool.submit(read_side, page, self._work, self._limits, priority=0)
                return self._outcome(page, again, joined=False)
            if isinstance(error, Rejected):
                return _rejected(page, error.both)
            raise

    def sort(self, intake: Intake, read: Sequence[ReadPage]) -> Sorting:
        """Papers, separators and what a person must decide; what one has decided already is laid over it."""
        found = sort_pages(
            intake,
            read,
            types=self._types,
            today=intake.received_at.date(),
            arrangement=one_paper(intake, read, self._decisions.arrangement(intake.id)),
            receipts=self._receipts,
            earlier=self._catalogue.papers,
        )
        model = self._opinion(intake.received_at)
        if model is not None:
            found = with_opinion(found, read, model, self._types)
        if intake.listed is not None:
            found = as_listed(found, intake.listed, self._types)
        signed = self._batches.signed(intake.id)
        found = behind_signed(found, signed)
        copies = _copies(intake, found.papers, read)
        decisions = self._decisions.of(intake.id)
        sorting = settle(found, decisions, self._types, copies)
        asked = self._asked(intake)
        if asked is not None:
            spoken = {decision.page for decision in decisions}
            sorting = as_asked(
                sorting, asked, self._types, spoken.union(*(copies.get(n, ()) for n in spoken))
            )
        sorting = replace(sorting, papers=tuple(self._orphaned(paper) for paper in sorting.papers))
        names = [document_id(intake, paper, [read[n] for n in paper.pages]) for paper in sorting.papers]
        sorting = without_signed(sorting, names, signed)
        self._batches.record_sorting(intake.id, sorting, names)
        return sorting

    def _orphaned(self, paper: Paper) -> Paper:
        """A paper whose dossier the one-stop system does not know waits, whoever named the dossier."""
        if paper.dossier is None or paper.review is not None:
            return paper
        return replace(paper, review=self._unknown_dossier(paper.dossier))

    def assemble(self, intake: Intake, paper: Paper, read: Sequence[ReadPage]) -> Document:
        """The paper's PDF: PDF/A-2b made here, or the incoming signed file itself."""
        pages = tuple(read[index] for index in paper.pages)
        identifier = document_id(intake, paper, pages)
        sources = {page.page.file.sha256 for page in pages}
        originals = tuple(file for file in intake.files if file.blob.sha256 in sources)
        if paper.origin is Origin.INCOMING_SIGNED:
            pdf = replace(originals[0].blob, media_type="application/pdf")
        else:
            pdf = self._write_pdf(intake, paper, pages, identifier)
        document = Document(
            id=identifier,
            batch=intake.id,
            agency=intake.agency,
            actor=intake.actor,
            captured_at=intake.received_at,
            paper=paper,
            pages=pages,
            originals=originals,
            pdf=pdf,
            counter=intake.dossier is not None,
            shelf=intake.shelf,
        )
        self._batches.open_document(document)
        return document

    def is_stored(self, document: Document) -> bool:
        """Whether an earlier attempt brought it to the end."""
        return self._batches.is_stored(document.id)

    def sign(self, document: Document) -> SignedDocument:
        """Signed once in effect: a staged attempt becomes the document's by one compare-and-set."""
        if document.paper.origin is Origin.INCOMING_SIGNED:
            return self._as_it_came(document)
        claim = self._batches.claimed(document.id)
        if claim is None:
            out = self._work / "documents" / document.id / f"attempt-{uuid.uuid4().hex}.pdf"
            signed = self._signed(document, out)
            key = self._archive.stage(document.id, signed.pdf)
            claim = self._batches.claim_signature(
                document.id, sha256=signed.pdf.sha256, level=signed.level, key=key, roles=signed.roles
            )
            if claim.sha256 == signed.pdf.sha256:
                return signed
        path = self._work / "documents" / document.id / f"{claim.sha256}.pdf"
        if not path.exists():
            self._archive.fetch(claim.key, claim.sha256, path)
        return SignedDocument(
            document=document, pdf=blob_of(path, "application/pdf"), level=claim.level, roles=claim.roles
        )

    def _signed(self, document: Document, out: Path) -> SignedDocument:
        """Signed here; or from what the officer signed elsewhere, for which the unsigned file is laid ready."""
        back = self._awaiting.back(document.id, document.pdf.sha256)
        if back is not None:
            path = out.with_name(f"{back.sha256}.pdf")
            self._archive.fetch(back.key, back.sha256, path)
            step = self._signer.policy.first(document)
            signed = self._signer.extend(document, path.read_bytes(), (SignatureRole.OFFICER,), step, out)
            return replace(signed, level=Level.CMS) if back.cms else signed
        try:
            return self._signer.sign(document, out)
        except AwaitsSignature:
            self._awaiting.put(document.id, document.pdf, self._archive.stage(document.id, document.pdf))
            raise

    def _as_it_came(self, document: Document) -> SignedDocument:
        """An incoming file with the report on its signatures; a broken one is for a person to decide."""
        verdict = self._judge_incoming(document.pdf.path)
        if verdict.verdict is Judgement.FAILED:
            raise NeedsPerson(
                f"the signature on this file does not hold: {verdict.problems[0]}",
                vi=f"Chữ ký có sẵn trên tệp không còn nguyên vẹn: {verdict.problems[0]}",
            )
        return SignedDocument(
            document=document, pdf=document.pdf, level=verdict.level, validation=verdict.to_json()
        )

    def store(self, signed: SignedDocument) -> StoredDocument:
        """Content, read-back, manifest: the bucket holds it, locked, before the catalogue says so."""
        until = signed.document.captured_at + self._lock
        stored = self._archive.store(signed, sidecar=dump(sidecar_of(signed)), lock_until=until)
        if signed.document.paper.origin is Origin.INCOMING_SIGNED:
            self._archive.attest(stored, self._signer.attest, lock_until=until, roles=self._signer.roles)
        return stored

    def commit(self, stored: StoredDocument) -> None:
        """Catalogue and ledger in one transaction, last of all; then the work files have done their duty."""
        self._catalogue.commit(stored)
        self._lights.look(stored.signed.document.id)
        shutil.rmtree(self._work / "documents" / stored.signed.document.id, ignore_errors=True)

    def wait(self, document: Document, error: Unavailable) -> None:
        """The document keeps what it reached and says what it waits for."""
        self._batches.set_document_state(document.id, "waiting", error.both)

    def ask(self, document: Document, error: NeedsPerson) -> None:
        """The document waits for a person, unchanged and unsigned."""
        state = "awaiting_signature" if isinstance(error, AwaitsSignature) else "review"
        self._batches.set_document_state(document.id, state, error.both)

    def settle(self, intake: Intake) -> None:
        """Derive the batch's state from its pages and papers."""
        self._batches.settle(intake.id)

    def pause(self, intake: Intake, error: Unavailable) -> None:
        """The whole batch waits for a store or a disk, and says so; the clock starts its next attempt."""
        self._batches.set_state(intake.id, "paused", error.both)

    def _write_pdf(self, intake: Intake, paper: Paper, pages: tuple[ReadPage, ...], identifier: str) -> Blob:
        folder = self._work / "documents" / identifier
        folder.mkdir(parents=True, exist_ok=True)
        title = paper.field("title")
        return write_archive_pdf(
            pages,
            folder / "unsigned.pdf",
            title=title.value if title else paper.type_name,
            agency=intake.agency,
            identifier=identifier,
            created=intake.received_at,
        )


def _priority(intake: Intake) -> int:
    """In the page pool: what somebody at a counter waits for goes first."""
    return 0 if intake.urgent else 10


def document_id(intake: Intake, paper: Paper, pages: Sequence[ReadPage]) -> str:
    """The same pages of the same dossier are the same document; without a dossier, of the same batch."""
    seed = [intake.agency, paper.dossier or intake.id]
    seed += [f"{page.page.file.sha256}#{page.page.number}" for page in pages]
    return "d_" + hashlib.sha256("\n".join(seed).encode()).hexdigest()[:20]


def _copies(intake: Intake, papers: Sequence[Paper], read: Sequence[ReadPage]) -> dict[int, tuple[int, ...]]:
    """First pages of papers to those of their exact copies: what would be the same document."""
    alike: dict[str, list[int]] = defaultdict(list)
    for paper in papers:
        alike[document_id(intake, paper, [read[index] for index in paper.pages])].append(paper.pages[0])
    return {
        page: tuple(other for other in pages if other != page)
        for pages in alike.values()
        if len(pages) > 1
        for page in pages
    }


def _rejected(page: Page, reason: str | None) -> ReadPage:
    return ReadPage(page=page, verdict=Verdict.REJECTED, reason=reason)
