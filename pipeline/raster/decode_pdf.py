"""The pixels of a PDF page: taken as they are from a plain scan, else rendered with what lies over them.

Annotations show, since the stamp of a signature is one. pdfium is built without a script engine.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pypdfium2 as pdfium
import pypdfium2.raw as raw

from pipeline.errors import Rejected
from pipeline.raster.limits import RasterLimits
from pipeline.raster.pdf_page import Scan, plain_scan, scan_dpi
from pipeline.raster.picture import Pixels, Raster, sized
from pipeline.raster.wholeness import jpeg_ends

RENDERED_DPI = (200.0, 400.0)
"""A scan with a stamp over it is rendered at its own resolution, within these."""
RENDERED_PIXELS = 100_000_000


def decode_pdf(path: Path, number: int, limits: RasterLimits) -> Raster:
    """Page `number` (from 0). Raises Rejected with the true reason."""
    try:
        document = pdfium.PdfDocument(path)
        try:
            document.init_forms()
            page = document[number]
            scan = plain_scan(page)
            return _taken(scan, limits) if scan else _rendered(page, limits)
        finally:
            document.close()
    except (pdfium.PdfiumError, IndexError, AssertionError) as error:
        raise Rejected(
            f"page {number + 1} of the PDF cannot be shown; save or scan it again",
            vi=f"Không mở được trang {number + 1} của PDF; hãy lưu hoặc quét lại",
        ) from error


def _taken(scan: Scan, limits: RasterLimits) -> Raster:
    width, height = scan.image.get_px_size()
    if width * height > limits.max_pixels:
        raise Rejected(
            f"the picture on the page is {width} x {height} pixels; scan it at a lower resolution",
            vi=f"Ảnh trong trang quá lớn: {width} x {height} điểm ảnh; hãy quét ở độ phân giải thấp hơn",
        )
    _check_jpeg(scan.image)
    try:
        bitmap = scan.image.get_bitmap()
    except pdfium.PdfiumError as error:
        raise _damaged() from error
    one_bit = scan.image.get_metadata().bits_per_pixel == 1
    pixels = _three_channels(bitmap.to_numpy())
    if pixels.shape[:2] != (height, width):
        raise _damaged()
    across, down = (_dots(size, way) for size, way in ((width, scan.right), (height, scan.down)))
    lying = abs(scan.right[1]) > abs(scan.right[0])
    if lying:
        across, down = down, across
    turned = _turned(pixels, scan, lying=lying)
    bitonal = one_bit and bool(np.isin(turned[::7], (0, 255)).all())
    return sized(turned, across, down, limits=limits, bitonal=bitonal)


def _check_jpeg(image: pdfium.PdfImage) -> None:
    """A JPEG that is cut off inside its PDF would come out grey below the cut, without a word."""
    if image.get_filters() == ["DCTDecode"] and not jpeg_ends(bytes(image.get_data())):
        raise _damaged()


def _damaged() -> Rejected:
    return Rejected(
        "the picture on this page of the PDF is damaged or cut off; scan it again",
        vi="Ảnh trong trang PDF này bị hỏng hoặc bị cắt cụt; hãy quét lại",
    )


def _dots(pixels: int, way: tuple[float, float]) -> float:
    return pixels * 72 / max(1e-6, float(np.hypot(*way)))


def _three_channels(pixels: Pixels) -> Pixels:
    """RGB from what pdfium gives: grey, BGR, BGRx or BGRA."""
    if pixels.ndim == 2 or pixels.shape[2] == 1:
        return cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB).astype(np.uint8, copy=False)
    code = cv2.COLOR_BGR2RGB if pixels.shape[2] == 3 else cv2.COLOR_BGRA2RGB
    return cv2.cvtColor(pixels, code).astype(np.uint8, copy=False)


def _turned(pixels: Pixels, scan: Scan, *, lying: bool) -> Pixels:
    """Rows and columns laid as the page shows them."""
    across, down = (scan.down, scan.right) if lying else (scan.right, scan.down)
    if lying:
        pixels = pixels.transpose(1, 0, 2)
    if across[0] < 0:
        pixels = pixels[:, ::-1]
    if down[1] < 0:
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


def _rendered(page: pdfium.PdfPage, limits: RasterLimits) -> Raster:
    own = scan_dpi(page)
    dpi = min(max(own, RENDERED_DPI[0]), RENDERED_DPI[1]) if own else float(limits.pdf_dpi)
    inches = page.get_width() / 72 * (page.get_height() / 72)
    allowed = min(limits.max_pixels, RENDERED_PIXELS)
    if inches * dpi * dpi > allowed:
        dpi = float(np.sqrt(allowed / inches))
    if inches <= 0 or dpi < 50 or max(page.get_size()) / 72 * dpi > 60_000:
        raise Rejected(
            "the sheet size that this page of the PDF states makes no sense; save or scan it again",
            vi="Khổ giấy ghi trong trang PDF này vô lý; hãy lưu hoặc quét lại",
        )
    bitmap = page.render(
        scale=dpi / 72, may_draw_forms=True, rev_byteorder=True, force_bitmap_format=raw.FPDFBitmap_BGR
    )
    return Raster(pixels=np.array(bitmap.to_numpy()[:, :, :3]), dpi=dpi, true_size=True, bitonal=False)
