"""Raw confidence of Tesseract's models made true: of words said to be 95 % sure, about 95 % are right.

The table was fitted on pages made for it (12 916 words, clean to photocopied, five typefaces, 150 to 300 dpi) and
checked on others; docs/decisions/0003-ocr-engine.md holds the figures. It is monotone, so no order changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pipeline.model import Line

_RAW = (0.0, 0.32, 0.50, 0.66, 0.76, 0.826, 0.867, 0.891, 0.909, 0.93, 0.951, 0.963, 0.97, 1.0)
_TRUE = (0.10, 0.30, 0.44, 0.56, 0.62, 0.71, 0.78, 0.865, 0.95, 0.965, 0.970, 0.990, 0.993, 0.995)


def calibrated(raw: float) -> float:
    """Share of words right among those of that raw confidence (0 to 1)."""
    return float(np.interp(raw, _RAW, _TRUE))


def calibrate(lines: Sequence[Line]) -> tuple[Line, ...]:
    """The same lines with calibrated confidences."""
    return tuple(
        replace(
            line, words=tuple(replace(word, confidence=calibrated(word.confidence)) for word in line.words)
        )
        for line in lines
    )
