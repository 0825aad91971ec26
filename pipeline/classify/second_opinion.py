"""The model's word on the type of papers, laid beside the rules: never over a match of theirs, never as certain.

Where the rules found no type, the likeliest one is a suggestion. Where they matched only weakly and the model is all
but sure of another type, the type becomes doubtful, and stays the one that the rules gave. Nothing else changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pipeline.classify.type_model import TypeModel, best
from pipeline.classify.types import TypeCatalogue
from pipeline.model import Field, Paper, ReadPage, Sorting

LIKELY = 0.5
"""Belief from which a type is worth suggesting; a person settles it in any case."""
STRONG, HARDLY = 0.9, 0.05
"""Belief in another type, and in the one of the rules, that together put a weak match in doubt."""
WEAK = 0.9
"""Confidence of the rules in a type below which their match is weak (`classify/paper.py`)."""
PROVEN, ENOUGH = 0.8, 5
"""Held-out precision, and suggestions it was measured on, without which the model has no say on a type."""
EVIDENCE = "model"


def with_opinion(
    sorting: Sorting, read: Sequence[ReadPage], model: TypeModel, types: TypeCatalogue
) -> Sorting:
    """The sorting with the model's opinion on every paper."""
    texts = {page.page.index: page.text for page in read}
    return replace(
        sorting,
        papers=tuple(weighed(paper, texts.get(paper.pages[0], ""), model, types) for paper in sorting.papers),
    )


def weighed(paper: Paper, text: str, model: TypeModel, types: TypeCatalogue) -> Paper:
    """One paper whose first page reads `text`."""
    field = paper.field("type")
    if field is None or not text.strip():
        return paper
    unknown = field.doubtful and paper.type == types.fallback.key
    if not unknown and (field.doubtful or field.confidence >= WEAK):
        return paper
    beliefs = model.probabilities(text)
    key, belief = best(beliefs)
    kind = types.get(key)
    if kind is None or not has_say(model, key):
        return paper
    if unknown and belief >= LIKELY and kind is not types.fallback:
        said = Field(name="type", value=key, confidence=round(belief, 3), doubtful=True, evidence=EVIDENCE)
        return replace(_with(paper, said), type=key, type_name=kind.name)
    # Of a type that it never learned the model can say nothing.
    if not unknown and key != paper.type and belief >= STRONG and beliefs.get(paper.type, 1.0) <= HARDLY:
        return _with(paper, replace(field, doubtful=True, confidence=0.5))
    return paper


def has_say(model: TypeModel, kind: str) -> bool:
    """Whether the model showed on papers that it had not seen that it knows this type."""
    score = model.score(kind)
    return score.suggested >= ENOUGH and score.precision >= PROVEN


def _with(paper: Paper, field: Field) -> Paper:
    others = tuple(item for item in paper.fields if item.name != field.name)
    return replace(paper, fields=(*others, field))
