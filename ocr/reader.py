"""One side, from pixels to words: upright, straight, blank or not, coded, coloured, read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ocr.barcodes import read_barcodes
from ocr.blank import is_blank
from ocr.cells import read_tables
from ocr.coloured import read_coloured
from ocr.confidence import calibrate
from ocr.copy import Copy
from ocr.engine import Engine
from ocr.figures import confirm
from ocr.layout import scaled, scaled_lines, tidy
from ocr.lookalikes import mend_figures
from ocr.missed import find_missed, read_missed
from ocr.pen import read_pen
from ocr.phrases import mend
from ocr.prepare import prepare_tilted
from ocr.regions import find_regions
from ocr.second import look_again
from ocr.shrink import shrunk
from ocr.skew import InkPoints, find_skew, ink_points, straighten, straighten_to, straightened
from ocr.slab_ell import mend_ells
from ocr.tables import find_tables, insert, without_tables
from ocr.tesseract import TesseractEngine
from ocr.under_dot import dot_names
from ocr.upright import apply_turn, certain, densest_band, head_up_share, is_sideways
from ocr.zeros import as_digits, has_marked_zeros, plain_zeros
from pipeline.model import Barcode, Box, Line, Penned, Region, Verdict

Pixels = npt.NDArray[np.uint8]
CONTRACT = "reader-10"
"""Part of the key of page results: changed when reading changes, so that old results are not taken for new."""

DOUBTFUL = 0.55
"""Mean confidence, calibrated, below which a page is tried the other way up."""

COARSE_DPI = 100.0
"""Enough to tell a blank side, a tilt and a direction by; the page is reduced once for all of them."""

PROBE_INCHES = 2.0
"""Height of the band that is read both ways when the shape of the print does not tell which way is up."""

PLAIN = 0.85
"""Mean raw confidence of that band from which it need not be read the other way: 0.91 and more the right way up on
clean and worn pages alike, 0.28 to 0.55 upside down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a side holds; boxes are in pixels of the upright, straight page, `width` x `height`, as it was scanned.

    `picture` is that page, RGB, at `picture_dpi`, which may be coarser: to turn fewer pixels is most of the saving.
    """

    picture: Pixels
    picture_dpi: float
    width: int
    height: int
    turn: int
    skew: float
    verdict: Verdict
    lines: tuple[Line, ...]
    barcodes: tuple[Barcode, ...]
    regions: tuple[Region, ...]
    confidence: float
    penned: tuple[Penned, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Upright:
    """An upright page as scanned, still tilted by `skew` degrees."""

    pixels: Pixels
    skew: float
    dpi: float
    bitonal: bool

    @cached_property
    def shape(self) -> tuple[int, int]:
        return self.pixels.shape[0], self.pixels.shape[1]

    def part(self, window: Box) -> Pixels:
        """A part of the straight page at the scan's resolution."""
        return straighten(self.pixels, self.skew, window)

    def picture(self, dpi: float) -> Pixels:
        """The straight page at `dpi`. A little reduction is one step with the turn, and needs no cubic one."""
        scale = dpi / self.dpi
        if scale > 0.95 or self.bitonal:
            return straighten(shrunk(self.pixels, scale), self.skew)
        whole = 1 / max(1, int(1 / scale))
        return straighten_to(shrunk(self.pixels, whole), self.skew, scale / whole, cubic=False)


class PageReader:
    """Reads sides with one engine; one of them lives in each worker process."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def read(
        self,
        pixels: Pixels,
        *,
        dpi: float,
        bitonal: bool,
        picture_dpi: float | None = None,
        turn: int | None = None,
    ) -> Reading:
        """Read one side; `pixels` as it came from the scanner. The picture is made at `picture_dpi`, else at `dpi`.

        `turn` is the clockwise turn in degrees that a person says makes it upright; then none is looked for.
        """
        coarse_dpi, picture_dpi = min(dpi, COARSE_DPI), picture_dpi or dpi
        coarse = shrunk(pixels, coarse_dpi / dpi)
        points = ink_points(coarse, coarse_dpi)
        if is_blank(coarse, coarse_dpi).blank:
            return Reading(
                picture=shrunk(pixels, picture_dpi / dpi), picture_dpi=picture_dpi, width=pixels.shape[1],
                height=pixels.shape[0], turn=0, skew=find_skew(points), verdict=Verdict.BLANK, lines=(),
                barcodes=(), regions=(), confidence=1.0,
            )  # fmt: skip
        told = turn is not None
        if turn is None:
            turn = 90 if is_sideways(points) else 0
        skew = find_skew(points.turned(turn))
        upright = apply_turn(pixels, turn)
        if not told and self._is_head_down(upright, points.turned(turn), skew, dpi, bitonal):
            turn += 180
            upright = apply_turn(upright, 180)
        page = _Upright(pixels=upright, skew=skew, dpi=dpi, bitonal=bitonal)
        lines, confidence = self._words(page)
        if not told and confidence < DOUBTFUL:
            other = _Upright(pixels=apply_turn(upright, 180), skew=skew, dpi=dpi, bitonal=bitonal)
            again, surer = self._words(other)
            if surer > confidence:
                turn, page, lines, confidence = (turn + 180) % 360, other, again, surer
        picture = page.picture(picture_dpi)
        height, width = page.shape
        lines = read_coloured(self._engine, page.part, picture, picture_dpi / dpi, dpi, lines)
        return Reading(
            picture=picture,
            picture_dpi=picture_dpi,
            width=width,
            height=height,
            turn=turn,
            skew=skew,
            verdict=Verdict.CONTENT,
            lines=lines,
            barcodes=tuple(
                replace(code, box=straightened(code.box, page.shape, skew))
                for code in read_barcodes(page.pixels, dpi)
            ),
            regions=find_regions(picture, picture_dpi, dpi),
            confidence=confidence,
            penned=read_pen(self._engine, page.part, page.shape, lines),
        )

    def _is_head_down(
        self, pixels: Pixels, points: InkPoints, skew: float, dpi: float, bitonal: bool
    ) -> bool:
        """Whether a page lies upside down; where its shape does not tell, its densest band is read both ways."""
        if not points.telling or certain(points, head_up_share(points, skew)):
            return False
        top, bottom = (round(share * pixels.shape[0]) for share in densest_band(points, PROBE_INCHES))
        tilted = prepare_tilted(pixels[top:bottom], dpi, bitonal=bitonal)
        band = Copy(tilted=tilted, skew=skew, dpi=dpi, bitonal=bitonal)
        image = band.page()
        here = sureness(self._engine.read_page(image, dpi=band.reading_dpi))
        if here >= PLAIN:
            return False
        other = np.ascontiguousarray(image[::-1, ::-1])
        return sureness(self._engine.read_page(other, dpi=band.reading_dpi)) > here

    def _words(self, page: _Upright) -> tuple[tuple[Line, ...], float]:
        """Lines of a page, placed on the straightened page; their mean confidence."""
        tilted = prepare_tilted(page.pixels, page.dpi, bitonal=page.bitonal)
        copy = Copy(tilted=tilted, skew=page.skew, dpi=page.dpi, bitonal=page.bitonal)
        marked: Copy | None = None
        image = copy.page()
        enlarged = copy.shape[1] / image.shape[1]
        tables = find_tables(image, copy.reading_dpi)
        found = self._engine.read_page(without_tables(image, tables), dpi=copy.reading_dpi)
        lines = tidy(scaled_lines(found, enlarged))
        if has_marked_zeros(copy.part, lines):
            marked, copy = copy, replace(copy, tilted=plain_zeros(copy.tilted, copy.dpi))
            image = copy.page()
            found = self._engine.read_page(without_tables(image, tables), dpi=copy.reading_dpi)
            lines = tidy(scaled_lines(found, enlarged))
        if tables:
            tables = tuple(table.scaled(enlarged) for table in tables)
            lines = insert(lines, tables, read_tables(self._engine, copy, tables))
        missed = tuple(
            scaled(box, enlarged)
            for box in find_missed(image, copy.reading_dpi, scaled_lines(lines, 1 / enlarged))
        )
        lines = read_missed(self._engine, copy, missed, lines)
        if self._engine.opinions > 1:
            lines = look_again(self._engine, copy, lines)
        if marked is not None:
            lines = mend_ells(marked.part, as_digits(marked.part, lines))  # faces of codes have both
        lines = dot_names(copy.part, copy.shape, mend_figures(self._engine, copy, lines))
        lines = mend(calibrate(lines))
        confidence = sureness(lines)
        return confirm(self._engine, copy, page.part, page.dpi, lines), confidence


def sureness(lines: Sequence[Line]) -> float:
    """Mean confidence of all words, weighted by their length; 0.0 where there are none."""
    sure = [(word.confidence, len(word.text)) for line in lines for word in line.words]
    weight = sum(length for _, length in sure)
    return sum(c * length for c, length in sure) / weight if weight else 0.0


def default_engine() -> Engine:
    """The engine chosen in docs/decisions/0003-ocr-engine.md."""
    return TesseractEngine()
