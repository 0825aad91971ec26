"""A paper collected from a stack, and the record that is made of it: type, dossier, and what it says of itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from pipeline.classify.copies import copy_field
from pipeline.classify.dating import date_field
from pipeline.classify.identity_card import with_zone
from pipeline.classify.issuer import issuer_field
from pipeline.classify.numbering import number_field
from pipeline.classify.own_layer import witnessed
from pipeline.classify.parcel import parcel_field
from pipeline.classify.penned import date_by_pen, number_by_pen
from pipeline.classify.persons import person_fields
from pipeline.classify.signer import signer_field
from pipeline.classify.subject import title_field
from pipeline.classify.types import LETTER, DocumentType, TypeCatalogue
from pipeline.classify.view import PageView
from pipeline.grammar.codes import DossierCode
from pipeline.grammar.numbers import kind_of_symbol
from pipeline.model import Field, Origin, Paper

FAINT = 0.92
"""Similarity of a headline below which its type is a weak match: a second opinion may put it in doubt."""


@dataclass(slots=True)
class Draft:
    """A paper being collected. `reason` says why it has no dossier, `review` what a person must decide about it."""

    views: list[PageView]
    kind: DocumentType | None
    receipt: bool
    dossier: DossierCode | None
    evidence: str
    reason: str | None = None
    review: str | None = None
    doubts: set[str] = field(default_factory=set)

    @property
    def origin(self) -> Origin:
        return self.views[0].page.page.origin


def paper_of(draft: Draft, types: TypeCatalogue, *, needs_dossier: bool, today: date) -> Paper:
    """The record of a collected paper. A file scanned by itself needs no dossier yet."""
    first = draft.views[0]
    number = number_by_pen(first, number_field(first))
    kind, doubtful = _kind(draft, number, types)
    found = [
        number,
        date_by_pen(first, date_field(draft.views)),
        title_field(first),
        issuer_field(first),
        signer_field(draft.views),
        Field(name="type", value=kind.key, confidence=_sureness(first, doubtful), doubtful=doubtful),
        *with_zone(draft.views, person_fields(draft.views, kind, known=not doubtful, today=today), today),
        parcel_field(draft.views),
        copy_field(draft.views),
    ]
    review = draft.review
    if draft.dossier is not None and review is None:
        found.append(
            Field(
                name="dossier",
                value=draft.dossier.text,
                confidence=1.0,
                doubtful=False,
                evidence=draft.evidence,
            )
        )
    if draft.doubts:
        found.append(Field(name="pages", value="", confidence=0.5, doubtful=True))
    if draft.dossier is None and review is None and needs_dossier:
        review = draft.reason
    return Paper(
        pages=tuple(view.index for view in draft.views),
        dossier=draft.dossier.text if draft.dossier and draft.review is None else None,
        type=kind.key,
        type_name=kind.name,
        origin=draft.origin,
        fields=witnessed([item for item in found if item is not None], draft.views),
        review=review,
    )


def _sureness(first: PageView, doubtful: bool) -> float:
    """How sure a type is: less when its headline is badly read, or there is only the `V/v` of a letter."""
    if doubtful:
        return 0.5
    weak = first.headline.score < FAINT if first.headline is not None else first.is_letter
    return 0.8 if weak else 0.95


def _kind(draft: Draft, number: Field | None, types: TypeCatalogue) -> tuple[DocumentType, bool]:
    """The type and whether it is doubtful: by headline, as a letter, by the symbol of its number, or unknown."""
    first = draft.views[0]
    symbol = number.value.split("/")[-1] if number is not None else ""
    by_symbol = types.get(kind_of_symbol(symbol))
    if first.headline is not None:
        kind = first.headline.type
        if by_symbol is not None and kind.role == by_symbol.role == "directive":
            return kind, kind is not by_symbol
        return kind, not first.headline.sure
    if draft.kind is not None:
        return draft.kind, True
    if first.is_letter:
        return types[LETTER], False
    if by_symbol is None and symbol and "kinhgui" in first.key and first.header.present:
        return types[LETTER], True
    return by_symbol or types.fallback, True
