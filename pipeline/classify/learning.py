"""Learning what papers of each type say, from papers whose type is known, and how well it is learned.

Every score is held out: each paper is judged by a model that has not seen it. Papers that the rules knew by their
headline are judged with the headline taken away, since the model is asked only where it is lost. scikit-learn is
imported here, when something is learned, and nowhere else: a model in use needs NumPy alone.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from rapidfuzz import fuzz

from pipeline.classify.second_opinion import LIKELY
from pipeline.classify.type_model import (
    MOST_FEATURES,
    Numbers,
    Score,
    TypeModel,
    best,
    features,
    vector,
)
from pipeline.classify.types import DocumentType, TypeCatalogue
from pipeline.errors import UsageError
from pipeline.grammar.folding import compact

FOLDS = 5
FEWEST, MOST = 5, 100
"""Papers of a type from which it is learned, and so many of them at most: those that persons corrected first."""
SHARED = 3
"""Papers in which a feature must occur, so that no model holds a word of one person's paper alone."""
STRENGTH = 30.0
NEAR = 85.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A stored paper whose type is known: by a person's word, else by a sure match of the rules."""

    document: str
    type: str
    text: str
    by_person: bool


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """What was learned, and for every example what a model that had not seen it says, with its belief."""

    model: TypeModel
    held_out: Mapping[str, tuple[str, float]]


def chosen(examples: Sequence[Example]) -> list[Example]:
    """The examples that count: no text twice, not too many of one type, types with enough of them."""
    of_type: dict[str, list[Example]] = defaultdict(list)
    seen: set[str] = set()
    for item in sorted(examples, key=lambda one: (not one.by_person, _spread(one.document))):
        digest = hashlib.sha256(compact(item.text).encode()).hexdigest()
        if item.text.strip() and digest not in seen and len(of_type[item.type]) < MOST:
            seen.add(digest)
            of_type[item.type].append(item)
    kept = {kind: found for kind, found in of_type.items() if len(found) >= FEWEST}
    if len(kept) < 2:
        raise UsageError(
            f"there are not enough papers to learn from: two types with {FEWEST} different papers each are needed",
            vi=f"Chưa đủ giấy tờ để học: cần ít nhất hai loại, mỗi loại {FEWEST} giấy tờ khác nhau",
        )
    return [item for kind in sorted(kept) for item in kept[kind]]


def learn(examples: Sequence[Example], types: TypeCatalogue, *, day: str) -> Lesson:
    """Learn from `examples` (as `chosen`), and score on each by those of other folds. The same gives the same."""
    texts = [_hidden(item, types) for item in examples]
    counted = [features(text) for text in texts]
    whole = [features(item.text) if not item.by_person else None for item in examples]
    labels = [item.type for item in examples]
    folds = _folds(examples)
    said: dict[str, tuple[str, float]] = {}
    for fold in range(FOLDS):
        inside = [n for n in range(len(examples)) if folds[n] != fold]
        if len({labels[n] for n in inside}) < 2:
            continue
        part = _fit(inside, labels, counted, whole, {})
        for n in range(len(examples)):
            if folds[n] == fold:
                said[examples[n].document] = best(part.probabilities(texts[n]))
    head = {
        "day": day,
        "examples": len(examples),
        "by_person": sum(item.by_person for item in examples),
        "training_set": [[item.document, item.type, item.by_person] for item in examples],
        "held_out": _scores(examples, said),
    }
    return Lesson(model=_fit(range(len(examples)), labels, counted, whole, head), held_out=said)


def without_headline(text: str, kind: DocumentType) -> str:
    """The text without the lines that say the type's headline."""
    return "\n".join(line for line in text.splitlines() if not _of_headline(compact(line), kind))


def _of_headline(line: str, kind: DocumentType) -> bool:
    if len(line) < 5:
        return False
    return any(
        (fuzz.partial_ratio(line, wanted) if len(line) <= len(wanted) else fuzz.ratio(line, wanted)) >= NEAR
        or wanted in line
        for wanted in kind.headlines
    )


def _hidden(item: Example, types: TypeCatalogue) -> str:
    kind = types.get(item.type)
    return item.text if item.by_person or kind is None else without_headline(item.text, kind)


def _spread(document: str) -> str:
    return hashlib.sha256(document.encode()).hexdigest()


def _folds(examples: Sequence[Example]) -> list[int]:
    """Every type spread over the folds."""
    seen: Counter[str] = Counter()
    found = []
    for item in examples:
        found.append(seen[item.type] % FOLDS)
        seen[item.type] += 1
    return found


def _fit(
    inside: Sequence[int],
    labels: Sequence[str],
    hidden: Sequence[Counter[str]],
    whole: Sequence[Counter[str] | None],
    head: Mapping[str, Any],
) -> TypeModel:
    """A model of some of the papers; those known by their headline are learned with it and without."""
    from scipy.sparse import csr_matrix, vstack
    from sklearn.linear_model import LogisticRegression

    shown = [(hidden[n], labels[n]) for n in inside]
    shown += [(full, labels[n]) for n in inside if (full := whole[n]) is not None]
    frequency = Counter(name for n in inside for name in hidden[n].keys() | (whole[n] or {}).keys())
    most = sorted((-count, name) for name, count in frequency.items() if count >= SHARED)[:MOST_FEATURES]
    vocabulary = {name: place for place, name in enumerate(sorted(name for _, name in most))}
    counts = np.array([frequency[name] for name in vocabulary], np.float32)
    idf: Numbers = (np.log((1 + len(inside)) / (1 + counts)) + 1).astype(np.float16).astype(np.float32)
    rows = vstack([csr_matrix(vector(found, vocabulary, idf)) for found, _ in shown])
    kinds = sorted(set(labels[n] for n in inside))
    fitted = LogisticRegression(C=STRENGTH, max_iter=300).fit(rows, [label for _, label in shown])
    weights: npt.NDArray[np.float64] = fitted.coef_
    bias: npt.NDArray[np.float64] = fitted.intercept_
    if len(kinds) == 2:  # one row that tells the second type from the first
        weights, bias = np.vstack([-weights, weights]) / 2, np.concatenate([-bias, bias]) / 2
    return TypeModel(
        types=tuple(kinds),
        vocabulary=vocabulary,
        idf=idf,
        weights=weights.astype(np.float16).astype(np.float32),
        bias=bias.astype(np.float32),
        head=head,
    )


def _scores(examples: Sequence[Example], said: Mapping[str, tuple[str, float]]) -> dict[str, Any]:
    """Right of all; and for each type its papers, how often it was suggested, and how often rightly."""
    rows = {item.type: Counter[str]() for item in examples}
    right = corrected = 0
    for item in examples:
        kind, belief = said.get(item.document, ("", 0.0))
        rows[item.type]["papers"] += 1
        right += kind == item.type
        corrected += item.by_person and kind == item.type
        if belief >= LIKELY:
            rows[kind]["suggested"] += 1
            rows[kind]["right"] += kind == item.type
    return {
        "papers": len(examples),
        "right": right,
        "corrected": sum(item.by_person for item in examples),
        "corrected_right": corrected,
        "types": {
            kind: asdict(Score(papers=row["papers"], suggested=row["suggested"], right=row["right"]))
            for kind, row in sorted(rows.items())
        },
    }
