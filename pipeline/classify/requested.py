"""A stack that was scanned for a request: its papers are held against what was asked for.

The request is strong evidence for the dossier, by way of the intake, and names the component of a paper whose type
agrees. Where they disagree neither wins: the paper waits for a person.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from pipeline.classify.types import TypeCatalogue
from pipeline.model import Field, Paper, Sorting

OTHER_TYPE = (
    "Yêu cầu quét {0} cần {1} ({2}), máy đọc giấy này là {3}; hãy xem rồi quyết "
    "(the paper is not what was asked for)"
)
OTHER_DOSSIER = (
    "Yêu cầu quét {0} nay ghi hồ sơ {1}, chồng giấy được gắn hồ sơ {2} (the request names another dossier)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a request asks for. `types` are the keys of the types that the component may be; none: not known."""

    request: str
    dossier: str
    component: str
    name: str = ""
    types: frozenset[str] = frozenset()


def as_asked(sorting: Sorting, asked: Asked, types: TypeCatalogue, decided: Collection[int]) -> Sorting:
    """The sorting with the request's words. `decided` are first pages of papers on which a person has spoken."""
    papers = tuple(_held_against(paper, asked, types, paper.pages[0] in decided) for paper in sorting.papers)
    return replace(sorting, papers=papers)


def _held_against(paper: Paper, asked: Asked, types: TypeCatalogue, decided: bool) -> Paper:
    kind = types.get(paper.type)
    if paper.review is not None or (kind is not None and kind.role == "process"):
        return paper  # receipts and slips of the one-stop shop lie on top of what was asked for
    if paper.dossier != asked.dossier:
        if decided or paper.dossier is None:
            return paper
        return replace(paper, review=OTHER_DOSSIER.format(asked.request, asked.dossier, paper.dossier))
    if asked.types and paper.type not in asked.types:
        if decided:
            return paper
        name = asked.name or "thành phần này"
        return replace(paper, review=OTHER_TYPE.format(asked.request, name, asked.component, paper.type_name))
    mine = {
        "request": Field(
            name="request", value=asked.request, confidence=1.0, doubtful=False, evidence="request"
        ),
        # while nobody knows which types the component may be, the request alone does not claim it
        "component": Field(
            name="component",
            value=asked.component,
            confidence=1.0 if asked.types else 0.5,
            doubtful=not asked.types,
            evidence="request",
        ),
    }
    said = {field.name for field in paper.fields if field.evidence == "operator"}
    kept = [field for field in paper.fields if field.name not in mine or field.name in said]
    return replace(paper, fields=(*kept, *(field for name, field in mine.items() if name not in said)))
