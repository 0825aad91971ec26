"""Working state: what is where, one winner of a signature, and nothing silently lost."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine

from pipeline.model import Document, Level, Sha256, SignatureRole, Sorting, Verdict
from storage.batches import Batches, Claim
from storage.catalogue import Catalogue
from storage.ledger import Ledger
from tests.papers import as_stored, make_intake, with_bytes


@pytest.fixture
def database(any_database: Engine) -> Engine:
    return any_database


@pytest.fixture
def batches(database: Engine, document: Document) -> Batches:
    batches = Batches(database)
    batches.open(make_intake(document))
    batches.set_pages(document.batch, [page.page for page in document.pages])
    batches.record_read(document.pages)
    batches.open_document(document)
    return batches


def claim(batches: Batches, document: str, content: str) -> Claim:
    return batches.claim_signature(
        document,
        sha256=Sha256(content * 64),
        level=Level.LT,
        key=f"s/{content}",
        roles=[SignatureRole.OFFICER],
    )


def test_signature_has_one_winner_under_threads(batches: Batches, document: Document) -> None:
    start, winners = threading.Barrier(8), []

    def race(number: int) -> None:
        start.wait()
        winners.append(claim(batches, document.id, f"{number:x}"))

    threads = [threading.Thread(target=race, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(winners) == 8 and len(set(winners)) == 1
    assert batches.claimed(document.id) == winners[0]
    assert winners[0].roles == (SignatureRole.OFFICER,) and winners[0].level is Level.LT


def test_later_attempt_does_not_replace_the_winner(batches: Batches, document: Document) -> None:
    assert batches.claimed(document.id) is None
    first = claim(batches, document.id, "a")
    assert claim(batches, document.id, "b") == first
    batches.open_document(document)  # a retry opens it again
    assert batches.claimed(document.id) == first


def test_batch_opened_twice_is_one_batch_and_one_entry(
    batches: Batches, database: Engine, document: Document
) -> None:
    batches.open(make_intake(document))
    assert batches.list(open_only=False) == [document.batch]
    assert batches.intake(document.batch) == make_intake(document)
    assert Ledger(database).verify().entries == 1


def test_attempts_are_counted(batches: Batches, document: Document) -> None:
    assert batches.attempt(document.batch) == 1
    assert batches.next_attempt(document.batch) == 2
    assert batches.running() == [(document.batch, 2)]


def test_batch_is_paused_while_a_paper_waits_and_done_when_it_is_stored(
    batches: Batches, database: Engine, document: Document, tmp_path: Path
) -> None:
    batches.set_document_state(document.id, "waiting", "TSA down")
    batches.settle(document.batch)
    assert batches.state(document.batch) == "paused"
    assert batches.retriable() == [document.batch]
    Catalogue(database).commit(as_stored(with_bytes(document, b"signed", tmp_path)))
    batches.settle(document.batch)
    assert batches.state(document.batch) == "done"
    assert batches.retriable() == []
    view = batches.view(document.batch, with_text=True)
    assert [page["state"] for page in view["pages"]] == ["stored", "stored"]
    assert view["pages"][0]["text"] == document.pages[0].text
    assert json.dumps(view)


def test_stored_document_never_goes_back_to_work(
    batches: Batches, database: Engine, document: Document, tmp_path: Path
) -> None:
    Catalogue(database).commit(as_stored(with_bytes(document, b"signed", tmp_path)))
    batches.set_document_state(document.id, "waiting", "late message")
    batches.open_document(document)
    assert batches.is_stored(document.id)


def test_batch_with_fewer_sides_than_declared_needs_a_person(
    database: Engine, document: Document, tmp_path: Path
) -> None:
    batches = Batches(database)
    batches.open(replace(make_intake(document), sheets=5))
    batches.set_pages(document.batch, [page.page for page in document.pages])
    batches.record_read(document.pages)
    batches.open_document(document)
    Catalogue(database).commit(as_stored(with_bytes(document, b"signed", tmp_path)))
    batches.settle(document.batch)
    view = batches.view(document.batch, with_text=False)
    assert view["state"] == "review" and "5" in view["reason"]
    assert "text" not in view["pages"][0]


def test_batch_of_nothing_but_rejected_pages_failed_and_is_not_tried_again(
    database: Engine, document: Document
) -> None:
    batches = Batches(database)
    batches.open(make_intake(document))
    pages = [replace(page.page, reason="hỏng") for page in document.pages]
    batches.set_pages(document.batch, pages)
    batches.record_read(
        [replace(page, verdict=Verdict.REJECTED, reason="hỏng", image=None) for page in document.pages]
    )
    batches.settle(document.batch)
    assert batches.state(document.batch) == "failed"
    assert batches.retriable() == []
    assert [page["reason"] for page in batches.view(document.batch, with_text=False)["pages"]] == ["hỏng"] * 2


def test_same_document_of_another_batch_is_shown_as_duplicate(batches: Batches, document: Document) -> None:
    other = replace(
        document,
        batch="b_other",
        pages=tuple(replace(page, page=replace(page.page, id=f"{page.page.id}x")) for page in document.pages),
    )
    batches.open(make_intake(other))
    batches.set_pages("b_other", [page.page for page in other.pages])
    batches.record_read(other.pages)
    assert batches.open_document(other) is False
    view = batches.view("b_other", with_text=False)
    assert [page["state"] for page in view["pages"]] == ["duplicate", "duplicate"]
    assert all(document.id in page["reason"] for page in view["pages"])
    batches.settle("b_other")
    assert batches.state("b_other") == "done"


def test_every_side_is_in_exactly_one_visible_state(batches: Batches, document: Document) -> None:
    batches.record_sorting(
        document.batch, Sorting(papers=(), separators=(0,), review={1: "không rõ hồ sơ"}), [document.id]
    )
    view = batches.view(document.batch, with_text=False)
    assert [page["state"] for page in view["pages"]] == ["separator", "review"]
    progress = batches.progress([document.batch])
    assert progress["pages"] == progress["pages_done"] == 2


def test_the_same_bytes_twice_in_one_stack_are_one_document_and_a_duplicate(
    batches: Batches, document: Document
) -> None:
    again = [
        replace(page, page=replace(page.page, id=f"p_again_{n}", index=len(document.pages) + n))
        for n, page in enumerate(document.pages)
    ]
    batches.set_pages(document.batch, [page.page for page in again])
    batches.record_read(again)
    second = replace(document.paper, pages=tuple(page.page.index for page in again))
    for _ in range(2):  # a retry changes nothing
        assert not batches.open_document(replace(document, paper=second, pages=tuple(again)))
        assert batches.open_document(document)
    view = batches.view(document.batch, with_text=False)
    assert [page["state"] for page in view["pages"]] == ["working", "working", "duplicate", "duplicate"]
    assert [paper["pages"] for paper in view["documents"]] == [[0, 1]]


def test_what_a_stack_lacks_is_the_reason_of_the_batch(batches: Batches, document: Document) -> None:
    batches.record_sorting(
        document.batch,
        Sorting(papers=(), separators=(0,), review={0: "Thiếu tờ phân cách 2/3"}),
        [document.id],
    )
    batches.set_document_state(document.id, "review", "hồ sơ?")
    batches.settle(document.batch)
    view = batches.view(document.batch, with_text=False)
    assert (view["state"], view["reason"]) == ("review", "Thiếu tờ phân cách 2/3")
    assert view["pages"][0]["state"] == "review"


def test_what_an_earlier_sorting_made_goes_unless_it_is_signed(batches: Batches, document: Document) -> None:
    nothing = Sorting(papers=(), separators=())
    batches.open_document(replace(document, paper=replace(document.paper, review="hồ sơ?")))
    batches.record_sorting(document.batch, nothing, [document.id])
    assert [paper["id"] for paper in batches.view(document.batch, with_text=False)["documents"]] == [
        document.id
    ]
    assert batches.signed(document.batch) == {}
    batches.record_sorting(document.batch, nothing, ["d_other"])
    assert batches.view(document.batch, with_text=False)["documents"] == []

    batches.open_document(document)
    batches.claim_signature(document.id, sha256=Sha256("a" * 64), level=Level.B, key="s/x", roles=())
    batches.record_sorting(document.batch, nothing, ["d_other"])
    assert batches.signed(document.batch) == {document.id: list(document.paper.pages)}
