"""Figures written by pen: a small network over one figure, and the best way to part ink into figures.

The network is trained by scripts/train_digits.py (two convolutions, two dense layers, 11 outputs: the last one is
`no figure`); its weights lie beside this file.
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from ocr import strokes

Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.uint8]
SIDE = 28
MOST_PARTS = 8
WIDEST = 1.35  # of the height: a figure
LEAST = 1e-4
SURE_STROKES, NOT_A_FIGURE = 0.6, 10
SLANTS = (-0.2, 0.0, 0.2)  # each figure is looked at upright and leaning: what it is must not hang on that


@dataclass(frozen=True, slots=True)
class Guess:
    """Figures, and how sure the least certain of them and their parting is, 0 to 1.

    `strokes` is what the reader of stroke directions makes of the same pieces, empty when it is not sure of one.
    """

    text: str
    confidence: float
    strokes: str = ""


@cache
def _weights() -> dict[str, Floats]:
    with np.load(Path(__file__).with_name("digits.npz")) as stored:
        return {name: stored[name].astype(np.float32) for name in stored.files}


def read_figures(parts: Sequence[Mask]) -> Guess | None:
    """The figures that these pieces of ink form, given from left to right in one frame; None when they form none.

    Pieces are masks of one size, 255 is ink. A figure may be of several pieces; a too wide one is tried in two.
    """
    atoms = [piece for part in parts for piece in _cut(part)]
    if not atoms or len(atoms) > MOST_PARTS:
        return None
    spans = [(a, b) for a in range(len(atoms)) for b in range(a + 1, min(a + 4, len(atoms)) + 1)]
    fits = {}
    for first, last in spans:
        whole = np.maximum.reduce(atoms[first:last])
        left, top, wide, high = cv2.boundingRect(whole)
        if wide <= WIDEST * high:
            fits[(first, last)] = whole[top : top + high, left : left + wide]
    if not fits:
        return None
    pictures = [_slanted(_framed(ink), slant) for slant in SLANTS for ink in fits.values()]
    every = _chances(pictures).reshape(len(SLANTS), len(fits), -1).mean(0)
    chances = dict(zip(fits, every, strict=True))
    weights: dict[str, float] = {}
    sure: dict[str, float] = {}
    parted: dict[str, tuple[float, list[tuple[int, int]]]] = {}
    for path in _paths(0, len(atoms), chances.keys()):
        text = "".join(str(int(chances[span][:10].argmax())) for span in path)
        least = [float(chances[span][:10].max()) for span in path]
        weight = math.prod(max(chance, LEAST) for chance in least)
        weights[text] = weights.get(text, 0.0) + weight
        sure[text] = max(sure.get(text, 0.0), min(least))
        parted[text] = max(parted.get(text, (0.0, path)), (weight, path))
    if not weights:
        return None
    text = max(weights, key=lambda one: weights[one])
    share = weights[text] / sum(weights.values())
    return Guess(
        text, round(min(sure[text], share), 4), _by_strokes([fits[span] for span in parted[text][1]])
    )


def _by_strokes(figures: Sequence[Mask]) -> str:
    text = ""
    for ink in figures:
        found = np.mean([strokes.chances(_slanted(_framed(ink), slant)) for slant in SLANTS], axis=0)
        if found.argmax() == NOT_A_FIGURE or found.max() < SURE_STROKES:
            return ""
        text += str(int(found.argmax()))
    return text


def _paths(start: int, end: int, spans: Container[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
    if start == end:
        yield []
        return
    for last in range(start + 1, min(start + 4, end) + 1):
        if (start, last) in spans:
            for rest in _paths(last, end, spans):
                yield [(start, last), *rest]


def _cut(part: Mask) -> list[Mask]:
    """A piece that is wider than a figure, parted where it has least ink; any other as it is."""
    left, top, wide, high = cv2.boundingRect(part)
    if wide < 0.8 * high:
        return [part]
    ink = part[top : top + high, left : left + wide].astype(np.float32).sum(0)
    smooth = np.convolve(ink, np.ones(3) / 3, "same")
    low, up = round(0.25 * wide), round(0.75 * wide)
    if up - low < 2:
        return [part]
    at = left + low + int(smooth[low:up].argmin())
    first, second = part.copy(), part.copy()
    first[:, at:] = 0
    second[:, :at] = 0
    return [first, second]


def _framed(ink: Mask) -> Floats:
    """As MNIST has it: the longer side 20 of 28 pixels, the centre of mass in the middle."""
    scale = 20 / max(ink.shape)
    size = (max(1, round(ink.shape[1] * scale)), max(1, round(ink.shape[0] * scale)))
    small = cv2.resize(ink, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    small = small.astype(np.float32) / 255
    total = max(float(small.sum()), 1e-6)
    down = float((small.sum(1) * np.arange(small.shape[0])).sum()) / total
    across = float((small.sum(0) * np.arange(small.shape[1])).sum()) / total
    move = np.array([[1, 0, 13.5 - across], [0, 1, 13.5 - down]], np.float32)
    return np.asarray(cv2.warpAffine(small, move, (SIDE, SIDE)), np.float32)


def _slanted(picture: Floats, slant: float) -> Floats:
    if not slant:
        return picture
    matrix = np.array([[1, slant, -13.5 * slant], [0, 1, 0]], np.float32)
    return np.asarray(cv2.warpAffine(picture, matrix, (SIDE, SIDE)), np.float32)


def _chances(pictures: Sequence[Floats]) -> Floats:
    w = _weights()
    first = _pooled(np.maximum(_columns(np.stack(pictures)[:, None]) @ w["c1"] + w["b1"], 0))
    second = _pooled(np.maximum(_columns(first.transpose(0, 3, 1, 2)) @ w["c2"] + w["b2"], 0))
    hidden = np.maximum(second.reshape(len(pictures), -1) @ w["d1"] + w["b3"], 0)
    scores = hidden @ w["d2"] + w["b4"]
    scores -= scores.max(1, keepdims=True)
    return np.asarray(np.exp(scores) / np.exp(scores).sum(1, keepdims=True), np.float32)


def _columns(images: Floats) -> Floats:
    windows = np.lib.stride_tricks.sliding_window_view(images, (5, 5), axis=(2, 3))
    count, channels, high, wide = windows.shape[:4]
    return np.ascontiguousarray(windows.transpose(0, 2, 3, 1, 4, 5)).reshape(count, high, wide, channels * 25)


def _pooled(values: Floats) -> Floats:
    count, high, wide, channels = values.shape
    return np.asarray(values.reshape(count, high // 2, 2, wide // 2, 2, channels).max((2, 4)), np.float32)
