"""JBIG2 of a mask, without loss: one generic region, coded pixel by pixel (ITU-T T.88 / ISO/IEC 14492).

Each pixel is coded by how likely it is among its 16 neighbours above and before it; no shape is ever kept in place of
another, since symbol dictionaries are not used. Takes a quarter to a third less than Group 4. No kept library encodes
it. Most of a page is white among white, which the coder passes over in long steps; the rest costs half a microsecond
a pixel.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from itertools import chain, starmap

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]

# T.88 Table E.1: how probable the less probable symbol is, the next state after the more and after the less probable
# one, and whether the two change places.
_STATES = (
    (0x5601, 1, 1, 1), (0x3401, 2, 6, 0), (0x1801, 3, 9, 0), (0x0AC1, 4, 12, 0), (0x0521, 5, 29, 0),
    (0x0221, 38, 33, 0), (0x5601, 7, 6, 1), (0x5401, 8, 14, 0), (0x4801, 9, 14, 0), (0x3801, 10, 14, 0),
    (0x3001, 11, 17, 0), (0x2401, 12, 18, 0), (0x1C01, 13, 20, 0), (0x1601, 29, 21, 0), (0x5601, 15, 14, 1),
    (0x5401, 16, 14, 0), (0x5101, 17, 15, 0), (0x4801, 18, 16, 0), (0x3801, 19, 17, 0), (0x3401, 20, 18, 0),
    (0x3001, 21, 19, 0), (0x2801, 22, 19, 0), (0x2401, 23, 20, 0), (0x2201, 24, 21, 0), (0x1C01, 25, 22, 0),
    (0x1801, 26, 23, 0), (0x1601, 27, 24, 0), (0x1401, 28, 25, 0), (0x1201, 29, 26, 0), (0x1101, 30, 27, 0),
    (0x0AC1, 31, 28, 0), (0x09C1, 32, 29, 0), (0x08A1, 33, 30, 0), (0x0521, 34, 31, 0), (0x0441, 35, 32, 0),
    (0x02A1, 36, 33, 0), (0x0221, 37, 34, 0), (0x0141, 38, 35, 0), (0x0111, 39, 36, 0), (0x0085, 40, 37, 0),
    (0x0049, 41, 38, 0), (0x0025, 42, 39, 0), (0x0015, 43, 40, 0), (0x0009, 44, 41, 0), (0x0005, 45, 42, 0),
    (0x0001, 45, 43, 0), (0x5601, 46, 46, 0),
)  # fmt: skip
_NEIGHBOURS = (
    (-2, -2), (-2, -1), (-2, 0), (-2, 1), (-2, 2),
    (-1, -3), (-1, -2), (-1, -1), (-1, 0), (-1, 1), (-1, 2), (-1, 3),
    (0, -4), (0, -3), (0, -2), (0, -1),
)  # fmt: skip
"""Rows and columns from the pixel: template 0 with its four adaptive pixels where the standard puts them."""
_ADAPTIVE = bytes((3, 0xFF, 0xFD, 0xFF, 2, 0xFE, 0xFE, 0xFE))
"""Columns and rows, signed: (3, -1), (-3, -1), (2, -2), (-2, -2)."""
BAND = 256
"""Rows whose pixels are looked at together."""
_PAGE, _REGION = 48, 39
"""Segment types: page information, immediate lossless generic region."""


def jbig2(black: Mask) -> bytes:
    """Segments of an embedded stream for `/JBIG2Decode` (ISO 32000-1, 7.4.7); `black` is (height, width).

    As with Group 4, a stencil made of it paints where `black` is true.
    """
    height, width = black.shape
    page = struct.pack(">IIIIBH", width, height, 0, 0, 1, 0)
    region = struct.pack(">IIIIBB", width, height, 0, 0, 0, 0) + _ADAPTIVE + _coded(black)
    return _segment(0, _PAGE, page) + _segment(1, _REGION, region)


def _segment(number: int, kind: int, data: bytes) -> bytes:
    return struct.pack(">IBBBI", number, kind, 0, 1, len(data)) + data


_QE = [qe for qe, *_ in _STATES for _ in (0, 1)]
_MORE = [2 * more + likely for _, more, _, _ in _STATES for likely in (0, 1)]
_LESS = [2 * less + (likely ^ swap) for _, _, less, swap in _STATES for likely in (0, 1)]
"""By state: twice its number in the table, and one more where black is the likelier."""
_HALF = 0x8000
"""The interval is doubled when it falls below."""


def _coded(black: Mask) -> bytes:
    """All pixels, row by row, by the arithmetic coder; looked at in bands, as a page of them all would be a lot."""
    height, width = black.shape
    above = np.zeros((2, width), np.bool_)
    bands = (black[top : top + BAND] for top in range(0, height, BAND))
    before = (black[top - 2 : top] if top else above for top in range(0, height, BAND))
    return _arithmetic(chain.from_iterable(starmap(_places, zip(before, bands, strict=True))))


def _places(above: Mask, band: Mask) -> Iterator[tuple[int, int, bool]]:
    """Of a band: so many white pixels among white, then a pixel in its context; the last pixel is always told."""
    contexts, pixels = _contexts(np.concatenate([above, band])), band.reshape(-1)
    told = (contexts != 0) | pixels
    told[-1:] = True
    places = np.flatnonzero(told)
    whites = np.diff(places, prepend=-1) - 1
    return zip(whites.tolist(), contexts[places].tolist(), pixels[places].tolist(), strict=True)


def _contexts(rows: Mask) -> npt.NDArray[np.uint16]:
    """The neighbours of each pixel from the third row on, as one number; beside the picture is white."""
    height, width = rows.shape[0] - 2, rows.shape[1]
    around = np.zeros((height + 2, width + 8), np.uint16)
    around[:, 4 : 4 + width] = rows
    found = np.zeros((height, width), np.uint16)
    for row, column in _NEIGHBOURS:
        found <<= 1
        found |= around[2 + row : 2 + row + height, 4 + column : 4 + column + width]
    return found.reshape(-1)


def _arithmetic(places: Iterable[tuple[int, int, bool]]) -> bytes:
    """T.88 Annex E: `a` is the interval, `c` the code, `ct` the shifts until the next byte, as the standard has them.

    One loop, for a call for each pixel would double its time.
    """
    state = [0] * (1 << len(_NEIGHBOURS))
    out = bytearray(1)  # a byte before the first, as a carry is looked for there
    a, c, ct = _HALF, 0, 12
    for white, context, pixel in places:
        while white >= 0:
            here, bit = context, pixel
            if white:
                known = state[0]
                if not known & 1:  # as many as leave the interval large at one stroke
                    steps = min(white, (a - _HALF) // _QE[known])
                    a, c, white = a - steps * _QE[known], c + steps * _QE[known], white - steps
                if white:
                    here, bit = 0, False
            white -= 1
            known = state[here]
            qe = _QE[known]
            a -= qe
            likely = bit == known & 1
            if likely and a & _HALF:
                c += qe
                continue
            if likely == (a < qe):
                a = qe
            else:
                c += qe
            state[here] = _MORE[known] if likely else _LESS[known]
            shift = 16 - a.bit_length()
            a <<= shift
            while shift >= ct:
                shift -= ct
                c, ct = _byte_out(out, c << ct)
            c, ct = c << shift, ct - shift
    return _flushed(out, a, c, ct)


def _byte_out(out: bytearray, c: int) -> tuple[int, int]:
    """One byte of the code leaves it; what stays, and the shifts until the next. After 0xFF a bit is stuffed."""
    if out[-1] != 0xFF and c >= 1 << 27:
        out[-1] += 1
        c &= (1 << 27) - 1
    if out[-1] == 0xFF:
        out.append(c >> 20)
        return c & 0xFFFFF, 7
    out.append(c >> 19)
    return c & 0x7FFFF, 8


def _flushed(out: bytearray, a: int, c: int, ct: int) -> bytes:
    """The rest of the code, with as many ones at its end as the interval allows, and the marker that ends it."""
    most = c | 0xFFFF
    c = most if most < c + a else most - _HALF
    for _ in range(2):
        c, ct = _byte_out(out, c << ct)
    if out[-1] == 0xFF:
        out.pop()
    return bytes(out[1:]) + b"\xff\xac"
