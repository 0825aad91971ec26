"""Decisions of persons laid over what sorting found. They win, and say that they are an operator's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pipeline.classify.types import TypeCatalogue
from pipeline.model import Decision, Field, Origin, Paper, Sorting

CONFIRMED = ("dossier", "type", "title", "number", "date", "issuer", "signer", "pages")
"""Fields that every view of a paper shows as doubtful; those of persons are confirmed by naming their value."""
RESCAN = "Chờ quét lại: {0} (to be scanned again)"


def settle(
    sorting: Sorting,
    decisions: Sequence[Decision],
    types: TypeCatalogue,
    copies: Mapping[int, Sequence[int]] | None = None,
) -> Sorting:
    """The sorting with every decision applied; later decisions on the same page win.

    A page that belonged to no paper becomes a paper of its own. Once its dossier is decided, a paper waits for
    nobody. `copies` maps the first page of a paper to those of its exact copies in the stack: what is decided on one
    holds for all, but a copy whose dossier was decided by itself stays in that.
    """
    own = {decision.page for decision in decisions if decision.dossier is not None}
    papers, loose = list(sorting.papers), dict(sorting.review)
    for decision in decisions:
        place = next((n for n, paper in enumerate(papers) if paper.pages[0] == decision.page), None)
        if place is not None:
            papers[place] = _decided(papers[place], decision, types)
            alike = set((copies or {}).get(decision.page, ()))
            alike -= own if decision.dossier is not None else set()
            papers = [_decided(p, decision, types) if p.pages[0] in alike else p for p in papers]
        elif decision.page in loose:
            del loose[decision.page]
            papers.append(_decided(_alone(decision.page, types), decision, types))
    return replace(sorting, papers=tuple(sorted(papers, key=lambda paper: paper.pages)), review=loose)


def _alone(page: int, types: TypeCatalogue) -> Paper:
    kind = types.fallback
    return Paper(
        pages=(page,), dossier=None, type=kind.key, type_name=kind.name, origin=Origin.CAPTURED, review=""
    )


def _decided(paper: Paper, decision: Decision, types: TypeCatalogue) -> Paper:
    fields = {field.name: field for field in paper.fields}
    if decision.rescan is not None:
        return replace(paper, review=RESCAN.format(decision.rescan))
    fields.update(corrected(paper, decision.fields, confirmed=decision.confirmed))
    for name, value in decision.fields:
        if not value:
            fields.pop(name, None)
    if decision.dossier is not None:
        fields["dossier"] = _by_operator("dossier", decision.dossier)
        paper = replace(paper, dossier=decision.dossier, review=None)
    if decision.type is not None:
        kind = types[decision.type]
        fields["type"] = _by_operator("type", kind.key)
        paper = replace(paper, type=kind.key, type_name=kind.name)
    return replace(paper, fields=tuple(fields.values()))


def corrected(paper: Paper, values: Sequence[tuple[str, str]], *, confirmed: bool) -> dict[str, Field]:
    """The fields that a person's word changes, certain now; each keeps its place on the page."""
    known = {field.name: field for field in paper.fields}
    changed: dict[str, Field] = {}
    if confirmed:
        changed = {
            name: replace(field, doubtful=False, confidence=1.0, evidence="operator")
            for name, field in known.items()
            if field.doubtful and name in CONFIRMED
        }
    for name, value in values:
        if value:
            place = known.get(name)
            changed[name] = replace(
                _by_operator(name, value),
                page=place.page if place else None,
                box=place.box if place else None,
            )
    return changed


def _by_operator(name: str, value: str) -> Field:
    return Field(name=name, value=value, confidence=1.0, doubtful=False, evidence="operator")
