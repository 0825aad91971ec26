"""The whole journey, on one screen: the order of the stages and nothing else.

`process` is a durable workflow: `run.step` checkpoints a stage's outcome, so that after a crash the work
goes on behind the last finished stage. Reading needs no checkpoint, its results are content-addressed
files; and a paper that is stored already is passed over. Every stage may be repeated without a second
effect.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from pipeline.errors import NeedsPerson, Unavailable
from pipeline.model import Document, Intake, Page, Paper, ReadPage, SignedDocument, Sorting, StoredDocument

T = TypeVar("T")


class Durable(Protocol):
    """What the flow asks of the engine."""

    def step(self, work: Callable[..., T], *args: Any) -> T:
        """Run a stage once; on replay return its recorded outcome."""
        ...

    def each(self, work: Callable[[T], None], items: Sequence[T]) -> None:
        """Run `work` for each item, a few side by side, as one stage."""
        ...


class Stages(Protocol):
    """The stages; each takes the record before it and returns the one after it."""

    def intake(self, batch: str) -> Intake: ...
    def land(self, intake: Intake) -> int: ...
    def split(self, intake: Intake) -> tuple[Page, ...]: ...
    def read(self, intake: Intake, pages: Sequence[Page]) -> tuple[ReadPage, ...]: ...
    def sort(self, intake: Intake, read: Sequence[ReadPage]) -> Sorting: ...
    def assemble(self, intake: Intake, paper: Paper, read: Sequence[ReadPage]) -> Document: ...
    def is_stored(self, document: Document) -> bool: ...
    def sign(self, document: Document) -> SignedDocument: ...
    def store(self, signed: SignedDocument) -> StoredDocument: ...
    def commit(self, stored: StoredDocument) -> None: ...
    def wait(self, document: Document, error: Unavailable) -> None: ...
    def ask(self, document: Document, error: NeedsPerson) -> None: ...
    def settle(self, intake: Intake) -> None: ...
    def pause(self, intake: Intake, error: Unavailable) -> None: ...


def process(batch: str, stages: Stages, run: Durable) -> None:
    """Take one batch through every stage, in the only order there is."""
    intake = stages.intake(batch)
    try:
        run.step(stages.land, intake)
        pages = run.step(stages.split, intake)
        read = stages.read(intake, pages)
        sorting = run.step(stages.sort, intake, read)
        run.each(lambda paper: archive(intake, paper, read, stages), sorting.papers)
        run.step(stages.settle, intake)
    except Unavailable as error:
        stages.pause(intake, error)


def archive(intake: Intake, paper: Paper, read: Sequence[ReadPage], stages: Stages) -> None:
    """Take one sorted paper into the archive; a doubtful one stops for a person, before anybody signs."""
    document = stages.assemble(intake, paper, read)
    if paper.review is not None or stages.is_stored(document):
        return
    try:
        signed = stages.sign(document)
        stored = stages.store(signed)
    except Unavailable as error:
        stages.wait(document, error)
        return
    except NeedsPerson as error:
        stages.ask(document, error)
        return
    stages.commit(stored)
