"""All of one side's work, run in a child process: open, straighten, read, encode.

The result is a content-addressed file, so a redo after a crash skips what is there.
"""

from __future__ import annotations

import dataclasses
import hashlib
import time
from functools import cache
from pathlib import Path

import cv2

from ocr.reader import CONTRACT, PageReader, Reading, default_engine
from ocr.skew import straighten
from ocr.upright import apply_turn
from pipeline.errors import Rejected
from pipeline.files import write_whole
from pipeline.model import Blob, Origin, OwnText, Page, ReadPage, SignedBy, Verdict
from pipeline.pdf.images import archive_dpi, encode_faithful
from pipeline.pdf.own_text import own_text
from pipeline.raster.decode import decode
from pipeline.raster.limits import RasterLimits
from pipeline.raster.picture import Raster
from pipeline.raster.quality import alarms, is_black, rescan
from pipeline.records import dump, load
from signing.stated import stated_signers

PARTS = "pen-2/own-1"
"""Part of the key of page results, as `ocr.reader.CONTRACT`: for what else is found on a page."""


MOST_SKEW = 0.3
"""Degrees of tilt up to which places in the PDF and in the picture are the same."""


@cache
def reader() -> PageReader:
    """The one reader of this process; loading the model takes a quarter of a second."""
    cv2.setNumThreads(1)
    return PageReader(default_engine())


def result_path(page: Page, work: Path) -> Path:
    """Where the result of reading this side stands; the same bytes read by the same reader share it."""
    seed = f"{page.file.sha256}/{page.number}/{page.origin}/{CONTRACT}/{PARTS}"
    if page.turn is not None:
        seed += f"/turn {page.turn}"
    key = hashlib.sha256(seed.encode()).hexdigest()
    return work / "pages" / key[:2] / f"{key}.json"


def known(page: Page, work: Path) -> ReadPage | None:
    """The result of an earlier reading of the same side, or None."""
    path = result_path(page, work)
    if not path.exists():
        return None
    read = load(ReadPage, path.read_bytes())
    if read.image is not None and not read.image.path.exists():
        return None
    return dataclasses.replace(read, page=page)


def read_side(page: Page, work: Path, limits: RasterLimits) -> ReadPage:
    """Read one side. Raises Rejected with the true reason when its pixels cannot be had."""
    earlier = known(page, work)
    if earlier is not None:
        return earlier
    started = time.monotonic()
    raster = decode(page, limits=limits)
    try:
        reading = reader().read(
            raster.pixels,
            dpi=raster.dpi,
            bitonal=raster.bitonal and raster.fine is None,
            picture_dpi=archive_dpi(raster.dpi, bitonal=raster.bitonal),
            turn=page.turn,
        )
    except MemoryError as error:
        raise Rejected("this page needs more memory than allowed", vi="Trang này quá lớn") from error
    if reading.verdict is Verdict.BLANK and page.origin is Origin.CAPTURED and is_black(raster.pixels):
        raise Rejected(
            "this side is all black, not blank; scan the sheet again",
            vi="Mặt đen, không phải mặt trắng; hãy quét lại tờ này",
        )
    path = result_path(page, work)
    picture, picture_dpi = reading.picture, reading.picture_dpi
    if raster.fine is not None:
        straight = 0.0 if reading.verdict is Verdict.BLANK else reading.skew
        picture, picture_dpi = straighten(apply_turn(raster.fine, reading.turn), straight), raster.fine_dpi
    encoded = encode_faithful(picture, dpi=picture_dpi, bitonal=raster.bitonal)
    suffix = {"image/jpeg": ".jpg", "image/png": ".png"}[encoded.media_type]
    image: Blob = write_whole(path.with_suffix(suffix), encoded.content, encoded.media_type)
    read = ReadPage(
        page=page,
        verdict=reading.verdict,
        reason=_rescan(page, raster, blank=reading.verdict is Verdict.BLANK),
        turn=reading.turn,
        skew=round(reading.skew, 3),
        dpi=raster.dpi,
        true_size=raster.true_size,
        width=reading.width,
        height=reading.height,
        image=image,
        confidence=round(reading.confidence, 4),
        lines=reading.lines if reading.verdict is Verdict.CONTENT else (),
        barcodes=reading.barcodes,
        regions=reading.regions,
        penned=reading.penned,
        signed_by=_signers(page),
        own_text=_own_text(page, raster, reading),
        seconds=round(time.monotonic() - started, 3),
    )
    write_whole(path, dump(read), "application/json")
    return read


def _signers(page: Page) -> tuple[SignedBy, ...]:
    """Of the first page of an incoming signed file."""
    return (
        stated_signers(page.file.path) if page.origin is Origin.INCOMING_SIGNED and page.number == 1 else ()
    )


def _own_text(page: Page, raster: Raster, reading: Reading) -> OwnText | None:
    """Of a page that was not scanned here and lies as its PDF shows it; one that had to be turned is no text page."""
    if page.origin is Origin.CAPTURED or reading.turn or abs(reading.skew) > MOST_SKEW:
        return None
    return own_text(page.file.path, page.number - 1, dpi=raster.dpi, lines=reading.lines)


def _rescan(page: Page, raster: Raster, *, blank: bool) -> str | None:
    """Why a side that was scanned here should be scanned again; files made elsewhere are as they are."""
    if page.origin is not Origin.CAPTURED:
        return None
    return rescan(alarms(raster.pixels, dpi=raster.dpi, stated=raster.true_size, blank=blank))
