"""A change of pages in store and catalogue: decided once, signed once in effect, published once, and rebuilt."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from pipeline.model import Level, ReadPage, SignatureRole
from pipeline.raster.inspect import page_id
from pipeline.sidecar import Amended, SideAside, side_of, sidecar_of
from storage import layout
from storage.amendments import Overtaken
from storage.archive import Archive
from storage.batches import Batches, Claim
from storage.database import reading
from storage.ledger import Ledger
from storage.page_change_rows import Laid, PageChange
from storage.page_changes import PageChanges
from storage.segments import Segments
from tests.papers import make_page, with_bytes, write_scan
from tests.repository import LOCK, Repository
from tests.test_rebuild import rebuild, rows

ROLES = (SignatureRole.OFFICER, SignatureRole.AGENCY)
STATES = "select idx, state, reason from page where batch = 'b_tests' order by idx"


def retake(batch: str, folder: Path) -> ReadPage:
    """The second page, scanned again: a side at the next index of its batch."""
    read = make_page(*write_scan(folder, ("Trang hai quét lại",)), index=2)
    name = page_id(batch, 2, read.page.source, read.page.file.sha256)
    return replace(read, page=replace(read.page, id=name))


def planned(repository: Repository, archive: Archive, read: ReadPage) -> PageChange:
    """Page 2 of the document, at version 2, gives way to `read`."""
    signed = repository.stored[2].signed
    side, folder = sidecar_of(signed), repository.folder
    unsigned = with_bytes(signed.document, b"unsigned anew", folder).pdf
    until = datetime.now(UTC) + LOCK
    original = read.page.file
    key = layout.landing(side.batch, original.sha256)
    archive.keep(key, original.path, original, until)
    first, second = side.pages
    step = Amended(act="repage", actors=("k",), at=datetime.now(UTC), fields=("pages",), reason="mờ")
    paper = replace(side.paper, pages=(0, 2))
    after = replace(
        side,
        paper=paper,
        pages=(first, side_of(read, role="retake")),
        amended=(step,),
        aside=(SideAside(side=second, reason="Đã quét lại: mờ", since=3),),
        unsigned_sha256=unsigned.sha256,
    )
    return PageChange(
        document=side.document,
        base=2,
        place=str(side.paper.dossier),
        sidecar=after,
        unsigned=Laid(
            key=archive.stage(side.document, unsigned),
            sha256=unsigned.sha256,
            size=unsigned.size,
            media_type="application/pdf",
        ),
        fresh=(
            Laid(key=key, sha256=original.sha256, size=original.size, media_type=original.media_type,
                 source=read.page.source),
        ),
        aside={1: "Đã quét lại: mờ"},
        turned={},
        act="replace",
        pages=(2,),
        at=step.at,
        actors=("nhung",),
        counter=False,
    )  # fmt: skip


def attempt(repository: Repository, archive: Archive, content: bytes) -> Claim:
    signed = with_bytes(repository.stored[2].signed.document, content, repository.folder)
    key = archive.stage(signed.document.id, signed.pdf)
    return Claim(sha256=signed.pdf.sha256, key=key, level=Level.LTA, roles=ROLES)


def test_of_two_attempts_one_is_published_however_often_it_is_finished(
    repository: Repository, tmp_path: Path
) -> None:
    archive = Archive(repository.bucket)
    changes = PageChanges(repository.database, archive, lock=LOCK)
    read = retake("b_tests", tmp_path)
    change = planned(repository, archive, read)
    changes.decide(change, [read])
    with pytest.raises(Overtaken):
        changes.decide(change, [read])
    assert changes.pending() == [change] and changes.claimed(change.document) is None
    first = changes.claim(change, attempt(repository, archive, b"one attempt"))
    assert changes.claim(change, attempt(repository, archive, b"another one")) == first
    assert not changes.published(change)
    assert changes.finish(change, first) == changes.finish(change, first) == 3
    assert changes.published(change) and changes.pending() == []

    manifests = list(archive.manifests(change.place))
    held = changes.entries(change.place, change.document, 3)
    assert [e.sha256 for e in held if e.role == "document"] == [first.sha256]
    assert {e.sha256 for e in held if e.role == "original"} == {s.source_sha256 for s in change.sidecar.pages}
    assert len(manifests) == 3 and len(changes.entries(change.place, change.document, 1)) == 4
    with reading(repository.database) as connection:
        states = [tuple(row) for row in connection.execute(text(STATES))]
    assert states == [(0, "read", None), (1, "rejected", "Đã quét lại: mờ"), (2, "read", None)]

    Batches(repository.database).record_read(repository.stored[2].signed.document.pages)
    assert Batches(repository.database).open_document(repository.stored[2].signed.document)
    with reading(repository.database) as connection:
        assert [tuple(row) for row in connection.execute(text(STATES))] == states, "the stack told again"

    Segments(repository.database, repository.bucket, lock=LOCK).publish()
    outcome, made = rebuild(repository)
    assert outcome.problems == [] and rows(made) == rows(repository.database)
    with reading(made) as connection:
        assert [tuple(row) for row in connection.execute(text(STATES))] == states
    made.dispose()


def test_a_change_that_another_version_overtook_is_dropped_and_told(
    repository: Repository, tmp_path: Path
) -> None:
    archive = Archive(repository.bucket)
    changes = PageChanges(repository.database, archive, lock=LOCK)
    read = retake("b_tests", tmp_path)
    change = planned(repository, archive, read)
    changes.decide(change, [read])
    claim = changes.claim(change, attempt(repository, archive, b"too late"))
    signed = with_bytes(repository.stored[2].signed.document, b"extended meanwhile", repository.folder)
    archive.store(signed, sidecar=b"{}", lock_until=datetime.now(UTC) + LOCK)
    with pytest.raises(Overtaken):
        changes.finish(change, claim)
    assert changes.pending() == []
    with reading(repository.database) as connection:
        assert [row.state for row in connection.execute(text(STATES))] == ["read", "read", "rejected"]
        body = connection.execute(text("select body from ledger order by seq desc limit 1")).scalar_one()
    assert "repage_overtaken" in body and Ledger(repository.database).verify().ok
