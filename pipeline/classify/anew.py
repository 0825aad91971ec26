"""The fields of a stored paper whose pages were changed: what stood on a page that is gone is read once more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from pipeline.classify.cited import cited_by
from pipeline.classify.paper import Draft, paper_of
from pipeline.classify.types import TypeCatalogue
from pipeline.classify.view import view_page
from pipeline.model import Field, Paper, ReadPage

OF_THE_PAPER = ("dossier", "type", "pages")
"""What persons and the stack have settled; no page alone decides it."""


def with_pages(
    paper: Paper, pages: Sequence[ReadPage], lost: set[int], types: TypeCatalogue, today: date
) -> Paper:
    """The paper with these pages. `lost` are batch indexes of pages that are gone or lie otherwise now.

    A field of a lost page that is read alike again keeps its word, at its new place; one that a person said stays
    certain; where nothing else speaks for it, it becomes a suggestion.
    """
    views = [view_page(page, types) for page in pages]
    first = views[0]
    draft = Draft(
        views=views,
        kind=first.headline.type if first.headline else first.marked,
        receipt=False,
        dossier=None,
        evidence="none",
    )
    read = {f.name: f for f in paper_of(draft, types, needs_dossier=False, today=today).fields}
    old = {f.name: f for f in paper.fields}
    fields = [_again(f, read.get(f.name)) if f.page in lost else f for f in paper.fields]
    fields += [f for name, f in read.items() if name not in old and name not in OF_THE_PAPER]
    return replace(
        paper,
        pages=tuple(page.page.index for page in pages),
        fields=tuple(fields),
        cites=cited_by(views),
    )


def _again(before: Field, now: Field | None) -> Field:
    """A field whose page is gone, by what the paper says now."""
    said = before.evidence in ("operator", "list", "request") and not before.doubtful
    if now is not None and now.value == before.value:
        return replace(before, page=now.page, box=now.box, doubtful=now.doubtful and before.doubtful)
    if said:
        return replace(before, page=None, box=None)
    if now is not None and before.doubtful:
        return now
    return replace(before, page=None, box=None, doubtful=True)
