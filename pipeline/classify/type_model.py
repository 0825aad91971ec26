"""A linear model of what papers of each type say: a second opinion beside the rules, read from plain arrays.

Features are folded words, pairs of words and pieces of words of three and four letters, weighted by TF-IDF; a
paper's type is told by logistic regression. Words with a digit in them are no features: numbers and codes are of
one person, not of a type. Learned by `pipeline/classify/learning.py`; here it is only read and asked, with NumPy
alone. The file is a ZIP of arrays without any pickled object, so that reading one cannot run anything.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.errors import UsageError
from pipeline.grammar.folding import fold_words

FORMAT = "type-model-1"
MOST_WORDS = 400
"""Words of a page that are looked at, from its top."""
MOST_FEATURES, MOST_TYPES = 20_000, 500
MOST_BYTES = 64 << 20
NGRAMS = (3, 4)
Numbers = npt.NDArray[np.float32]


def features(text: str) -> Counter[str]:
    """What a page's text is to the model."""
    words = [word for word in fold_words(text).split()[:MOST_WORDS] if word.isalpha()]
    found: Counter[str] = Counter(words)
    found.update(f"{one} {other}" for one, other in pairwise(words))
    for word in words:
        edged = f"<{word}>"
        found.update(edged[n : n + size] for size in NGRAMS for n in range(len(edged) - size + 1))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How the model did on papers of a type that it had not seen: papers, suggestions of it, right ones."""

    papers: int
    suggested: int
    right: int

    @property
    def precision(self) -> float:
        return self.right / self.suggested if self.suggested else 0.0

    @property
    def recall(self) -> float:
        return self.right / self.papers if self.papers else 0.0


@dataclass(frozen=True, kw_only=True)
class TypeModel:
    """`weights` are types x features; `head` says of what and when it was made, with its held-out scores."""

    types: tuple[str, ...]
    vocabulary: Mapping[str, int]
    idf: Numbers
    weights: Numbers
    bias: Numbers
    head: Mapping[str, Any]

    def probabilities(self, text: str) -> dict[str, float]:
        """The share of belief that each type gets; sums to 1."""
        scores = self.weights @ vector(features(text), self.vocabulary, self.idf) + self.bias
        raised = np.exp(scores - scores.max())
        return dict(zip(self.types, (raised / raised.sum()).tolist(), strict=True))

    def score(self, kind: str) -> Score:
        """The held-out score of a type; of an unknown one nothing was seen."""
        row = self.head["held_out"]["types"].get(kind)
        return Score(**row) if row else Score(papers=0, suggested=0, right=0)

    def to_bytes(self) -> bytes:
        """The model as a file; the same model gives the same bytes."""
        buffer = io.BytesIO()
        terms = sorted(self.vocabulary, key=self.vocabulary.__getitem__)
        np.savez_compressed(
            buffer,
            head=_text({**self.head, "format": FORMAT, "types": self.types, "terms": terms}),
            idf=self.idf.astype(np.float16),
            weights=self.weights.astype(np.float16),
            bias=self.bias.astype(np.float32),
        )
        return buffer.getvalue()


def version_of(content: bytes) -> str:
    """The name of a model: from its bytes."""
    return "v" + hashlib.sha256(content).hexdigest()[:12]


def vector(found: Mapping[str, int], vocabulary: Mapping[str, int], idf: Numbers) -> Numbers:
    """TF-IDF of the features that the vocabulary has, of length one."""
    made = np.zeros(len(idf), np.float32)
    for name, count in found.items():
        place = vocabulary.get(name)
        if place is not None:
            made[place] = (1 + np.log(count)) * idf[place]
    length = float(np.linalg.norm(made))
    return made / np.float32(length) if length else made


def read_model(content: bytes) -> TypeModel:
    """A model from its file. Raises UsageError for anything that is none; runs nothing that it holds."""
    try:
        if len(content) > MOST_BYTES or _unpacked(content) > MOST_BYTES:
            raise ValueError("too large")
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            head = json.loads(bytes(arrays["head"]).decode())
            idf, weights, bias = (arrays[name].astype(np.float32) for name in ("idf", "weights", "bias"))
        types, terms = tuple(map(str, head.pop("types"))), [str(term) for term in head.pop("terms")]
        whole = head.pop("format") == FORMAT and weights.shape == (len(types), len(terms))
        whole = whole and idf.shape == (len(terms),) and bias.shape == (len(types),)
        whole = whole and 2 <= len(types) <= MOST_TYPES and len(set(terms)) == len(terms) <= MOST_FEATURES
        if not whole or not all(np.isfinite(array).all() for array in (idf, weights, bias)):
            raise ValueError("arrays that do not fit")
        for row in head["held_out"]["types"].values():
            Score(**{name: int(count) for name, count in row.items()})
    except (ValueError, KeyError, TypeError, AttributeError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise UsageError(
            f"this is no model of types that can be read: {error}; train it again: sohoa learn",
            vi="Mô hình phân loại không đọc được; hãy học lại bằng `sohoa learn`",
        ) from error
    vocabulary = {term: place for place, term in enumerate(terms)}
    return TypeModel(types=types, vocabulary=vocabulary, idf=idf, weights=weights, bias=bias, head=head)


def best(probabilities: Mapping[str, float]) -> tuple[str, float]:
    """The likeliest type and its share; of equal ones the first by name."""
    return max(sorted(probabilities.items()), key=lambda item: item[1])


def _text(value: Mapping[str, Any]) -> npt.NDArray[np.uint8]:
    return np.frombuffer(json.dumps(value, ensure_ascii=False, sort_keys=True).encode(), np.uint8)


def _unpacked(content: bytes) -> int:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members: Sequence[zipfile.ZipInfo] = archive.infolist()
    return sum(member.file_size for member in members)
