"""A second reader of pen-written figures, of another nature: it knows the directions of strokes, cell by cell.

Trained by scripts/train_strokes.py; its weights lie beside this file. What it and the network of ocr/digits.py read
alike is surer than what either reads alone.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
DIRECTIONS, CELLS, CELL = 8, 7, 4
FEATURES = DIRECTIONS * CELLS**2


@cache
def _weights() -> dict[str, Floats]:
    with np.load(Path(__file__).with_name("strokes.npz")) as stored:
        return {name: stored[name].astype(np.float32) for name in stored.files}


def directions(picture: Floats) -> Floats:
    """How strong the edges of a picture of 28 x 28 (1.0 is ink) are in each direction, in each of 7 x 7 cells."""
    soft = cv2.GaussianBlur(picture, (0, 0), 0.8)
    across, down = cv2.Sobel(soft, cv2.CV_32F, 1, 0), cv2.Sobel(soft, cv2.CV_32F, 0, 1)
    size, angle = cv2.cartToPolar(across, down)
    bins = np.floor(np.asarray(angle) / (2 * np.pi) * DIRECTIONS).astype(np.int64) % DIRECTIONS
    planes = np.asarray(size)[None] * (bins[None] == np.arange(DIRECTIONS)[:, None, None])
    cells = planes.reshape(DIRECTIONS, CELLS, CELL, CELLS, CELL).sum((2, 4)).ravel()
    return np.asarray(np.sqrt(cells / (np.linalg.norm(cells) + 1e-6)), np.float32)


def chances(picture: Floats) -> Floats:
    """Of the ten figures, and last of no figure."""
    w = _weights()
    scores = np.maximum(directions(picture) @ w["w1"] + w["b1"], 0) @ w["w2"] + w["b2"]
    scores = np.exp(scores - scores.max())
    return np.asarray(scores / scores.sum(), np.float32)
