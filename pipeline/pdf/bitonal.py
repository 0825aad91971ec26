"""Black and white in PDF: as 24-bit rows of the archive picture, and as CCITT Group 4 masks. Both without loss.

A 24-bit picture of two values is long runs of one byte. RunLengthDecode writes them as pairs that repeat from row to
row, which Flate then finds; together they take three fifths of what Flate alone does with PNG's predictors, in a sixth
of its time. Both filters are in PDF/A-2 (LZW is not).
"""

from __future__ import annotations

import io
import zlib

import numpy as np
import numpy.typing as npt
from PIL import Image
from PIL.TiffImagePlugin import (
    FILLORDER,
    PHOTOMETRIC_INTERPRETATION,
    ROWSPERSTRIP,
    STRIPBYTECOUNTS,
    STRIPOFFSETS,
    TiffImageFile,
)

LONGEST = 126
"""Bytes of a run: 42 whole pixels of three bytes, so that runs break at the same place of a pixel; at most 128."""
END_OF_DATA = b"\x80"


def colour_rows(white: npt.NDArray[np.bool_]) -> bytes:
    """RGB samples of 8 bits for `[/FlateDecode /RunLengthDecode]` (ISO 32000-1, 7.4.5); `white` is (height, width)."""
    flat = white.reshape(-1)
    starts = np.concatenate([[0], np.flatnonzero(flat[1:] != flat[:-1]) + 1])
    lengths = np.diff(np.concatenate([starts, [flat.size]])) * 3
    pieces = -(-lengths // LONGEST)
    count = np.full(int(pieces.sum()), LONGEST)
    count[np.cumsum(pieces) - 1] = lengths - (pieces - 1) * LONGEST
    pairs = np.empty((count.size, 2), np.uint8)
    pairs[:, 0] = 257 - count
    pairs[:, 1] = np.repeat(np.where(flat[starts], np.uint8(255), np.uint8(0)), pieces)
    return zlib.compress(pairs.tobytes() + END_OF_DATA, 6)


def group4(black: npt.NDArray[np.bool_]) -> bytes:
    """CCITT T.6 data of a mask for `/CCITTFaxDecode` with K -1: a stencil that paints where `black` is true."""
    height = black.shape[0]
    buffer = io.BytesIO()
    # One strip for the whole picture, nought where nothing is painted (T.6's white), whatever the TIFF calls it: the
    # strip is then just the data that PDF wants. To ask for white as nought by tag costs Pillow a second.
    Image.fromarray(black).save(buffer, "TIFF", compression="group4", tiffinfo={ROWSPERSTRIP: height})
    content = buffer.getvalue()
    with Image.open(io.BytesIO(content)) as tiff:
        tags = dict(tiff.tag_v2) if isinstance(tiff, TiffImageFile) else {}
    starts, sizes = tags.get(STRIPOFFSETS, ()), tags.get(STRIPBYTECOUNTS, ())
    if len(starts) != 1 or tags.get(PHOTOMETRIC_INTERPRETATION) != 1 or tags.get(FILLORDER, 1) != 1:
        raise ValueError("the TIFF writer laid the mask out in another way")
    return content[starts[0] : starts[0] + sizes[0]]
