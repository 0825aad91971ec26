"""One page of a PDF as pdfium sees it: is it a plain scan, has it a text of its own.

A plain scan is one picture that fills the page, with nothing else to be seen: its pixels are taken as
they are instead of being rendered anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import pypdfium2 as pdfium
import pypdfium2.raw as raw
from pypdfium2 import PdfMatrix

MAX_OBJECTS = 5_000
MAX_DEPTH = 5
FULL_PAGE = 0.6
"""Share of the page that pictures cover from which it counts as a scan."""
OWN_TEXT = 40
"""Letters on a page from which its text is more than a stamp."""
UNSEEN_NOTES = (raw.FPDF_ANNOT_LINK, raw.FPDF_ANNOT_POPUP)
INVISIBLE = raw.FPDF_TEXTRENDERMODE_INVISIBLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """The one picture of a page.

    `right` and `down` are where its rows and columns run when the page is displayed (points, y
    downwards), the page's own turn included.
    """

    image: pdfium.PdfImage
    right: tuple[float, float]
    down: tuple[float, float]


def objects(page: pdfium.PdfPage) -> Iterator[pdfium.PdfObject]:
    """The first objects of a page, forms opened up, within bounds."""
    return islice(page.get_objects(max_depth=MAX_DEPTH), MAX_OBJECTS)


def placed(item: pdfium.PdfObject) -> PdfMatrix:
    """The matrix of an object in page coordinates, the forms around it included."""
    matrix = item.get_matrix()
    around = item.container
    while around is not None:
        matrix = matrix.multiply(around.get_matrix())
        around = around.container
    return matrix


def is_full_scan(page: pdfium.PdfPage) -> bool:
    """Whether pictures cover most of the page, in one piece or in strips."""
    left, bottom, right, top = page.get_bbox()
    covered = 0.0
    for item in objects(page):
        if item.type == raw.FPDF_PAGEOBJ_IMAGE:
            box = placed(item).on_rect(0, 0, 1, 1)
            across = min(right, box[2]) - max(left, box[0])
            down = min(top, box[3]) - max(bottom, box[1])
            covered += max(0.0, across) * max(0.0, down)
    return bool(covered > FULL_PAGE * max(1.0, (right - left) * (top - bottom)))


def has_own_text(page: pdfium.PdfPage) -> bool:
    """Whether the page holds text that more than labels it; text over a scan is a reading of it."""
    if is_full_scan(page):
        return False
    return len("".join(page.get_textpage().get_text_bounded().split())) >= OWN_TEXT


def is_empty(page: pdfium.PdfPage) -> bool:
    """Whether the page shows nothing at all, as the back of a sheet in a born-digital file."""
    return next(objects(page), None) is None and not _has_notes(page)


def plain_scan(page: pdfium.PdfPage) -> Scan | None:
    """The picture that is the whole page, or None when anything else shows or it is laid askew."""
    if _has_notes(page):
        return None
    image: pdfium.PdfImage | None = None
    for number, item in enumerate(objects(page)):
        if number + 1 == MAX_OBJECTS:
            return None
        if item.type == raw.FPDF_PAGEOBJ_IMAGE:
            if image is not None:
                return None
            image = item
        elif item.type == raw.FPDF_PAGEOBJ_TEXT:
            if raw.FPDFTextObj_GetTextRenderMode(item) != INVISIBLE:
                return None
        elif item.type != raw.FPDF_PAGEOBJ_FORM:
            return None
    if image is None or _shows_through(image):
        return None
    return _laid_straight(image, page)


def scan_dpi(page: pdfium.PdfPage) -> float | None:
    """Resolution of a picture that fills the page, whatever lies over it; None without one."""
    area = page.get_width() * page.get_height()
    for item in objects(page):
        if item.type == raw.FPDF_PAGEOBJ_IMAGE:
            a, b, c, d, _, _ = placed(item).get()
            if abs(a * d - b * c) > FULL_PAGE * area:
                width, height = item.get_px_size()
                across, down = (a * a + b * b) ** 0.5 / 72, (c * c + d * d) ** 0.5 / 72
                return float(max(width / across, height / down))
    return None


def _has_notes(page: pdfium.PdfPage) -> bool:
    """Whether anything is annotated that may show, such as the stamp of a signature."""
    for number in range(min(raw.FPDFPage_GetAnnotCount(page), MAX_OBJECTS)):
        note = raw.FPDFPage_GetAnnot(page, number)
        if not note:
            continue
        kind = raw.FPDFAnnot_GetSubtype(note)
        raw.FPDFPage_CloseAnnot(note)
        if kind not in UNSEEN_NOTES:
            return True
    return False


def _shows_through(image: pdfium.PdfImage) -> bool:
    """Whether the picture is a stencil or has a transparency mask, so that its pixels alone are not it."""
    about = image.get_metadata()
    stencil = about.bits_per_pixel == 1 and about.colorspace == raw.FPDF_COLORSPACE_UNKNOWN
    return stencil or bool(raw.FPDFPageObj_HasTransparency(image))


def _laid_straight(image: pdfium.PdfImage, page: pdfium.PdfPage) -> Scan | None:
    matrix = placed(image)
    a, b, c, d, _, _ = matrix.get()
    box, sheet = matrix.on_rect(0, 0, 1, 1), page.get_bbox()
    slack = 0.01 * max(sheet[2] - sheet[0], sheet[3] - sheet[1])
    if any(abs(one - other) > slack for one, other in zip(box, sheet, strict=True)):
        return None
    if max(abs(b), abs(c)) > 0.001 * max(abs(a), abs(d)) and max(abs(a), abs(d)) > 0.001 * max(
        abs(b), abs(c)
    ):
        return None
    right, down = (a, -b), (-c, d)
    for _ in range(page.get_rotation() // 90 % 4):
        right, down = (-right[1], right[0]), (-down[1], down[0])
    return Scan(image=image, right=right, down=down)
