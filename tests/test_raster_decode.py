from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name
from PIL import Image, ImageOps

from pipeline.errors import Rejected
from pipeline.raster.decode import decode
from pipeline.raster.limits import RasterLimits
from pipeline.raster.picture import Raster
from tests.raster_samples import LIMITS, add_scan, add_text, corner, jpeg, look, marked, save_image, save_pdf

TOP_LEFT, BOTTOM_RIGHT = (True, True), (False, False)


def opened(path: Path, number: int = 1, limits: RasterLimits = LIMITS) -> Raster:
    pages = look(path)
    assert pages[number - 1].reason is None
    return decode(pages[number - 1], limits=limits)


def stands_upright(raster: Raster) -> bool:
    return corner(raster.pixels, of="red") == TOP_LEFT and corner(raster.pixels, of="blue") == BOTTOM_RIGHT


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif", "a.jp2", "a.bmp", "a.webp"])
def test_every_format_gives_the_same_picture_in_rgb(tmp_path: Path, name: str) -> None:
    raster = opened(save_image(tmp_path / name))
    assert raster.pixels.dtype == np.uint8
    assert np.abs(raster.pixels.astype(int) - marked()).mean() < 3
    assert not raster.bitonal


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif"])
def test_exif_orientation_is_honoured(tmp_path: Path, name: str, orientation: int) -> None:
    upright = Image.fromarray(marked(120, 200))
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
    laid = upright if orientation == 1 else upright.transpose(Image.Transpose(undo[orientation]))
    exif = Image.Exif()
    exif[274] = orientation
    laid.save(tmp_path / name, exif=exif)
    with Image.open(tmp_path / name) as check:
        assert ImageOps.exif_transpose(check).size == upright.size
    raster = opened(tmp_path / name)
    assert raster.pixels.shape == (200, 120, 3)
    assert stands_upright(raster)


@pytest.mark.parametrize("mode", ["CMYK", "L", "P", "LA", "RGBA", "I;16"])
@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif"])
def test_every_colour_mode_comes_out_as_rgb(tmp_path: Path, mode: str, name: str) -> None:
    suits = {"a.jpg": ("CMYK", "L"), "a.png": ("L", "P", "LA", "RGBA", "I;16")}
    if mode not in suits.get(name, (mode,)):
        pytest.skip("the format has no such mode")
    grey = Image.fromarray(marked()).convert("L")
    if mode == "I;16":
        picture = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    elif mode in ("CMYK", "P", "RGBA"):
        picture = Image.fromarray(marked()).convert(mode)
    else:
        picture = grey.convert(mode)
    picture.save(tmp_path / name)
    raster = opened(tmp_path / name)
    expected = marked() if mode in ("CMYK", "P", "RGBA") else np.asarray(grey.convert("RGB"))
    assert np.abs(raster.pixels.astype(int) - expected).mean() < 5


def test_what_is_transparent_is_paper(tmp_path: Path) -> None:
    Image.new("RGBA", (50, 50), (0, 0, 0, 0)).save(tmp_path / "a.png")
    assert opened(tmp_path / "a.png").pixels.min() == 255


@pytest.mark.parametrize(("name", "options"), [("a.png", {}), ("a.tif", {"compression": "group4"})])
def test_one_bit_a_pixel_is_bitonal(tmp_path: Path, name: str, options: dict[str, Any]) -> None:
    Image.fromarray(marked()).convert("1").save(tmp_path / name, **options)
    raster = opened(tmp_path / name)
    assert raster.bitonal
    assert set(np.unique(raster.pixels)) == {0, 255}


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif"])
def test_a_stated_resolution_is_kept(tmp_path: Path, name: str) -> None:
    raster = opened(save_image(tmp_path / name, dpi=(200, 200)))
    assert raster.dpi == pytest.approx(200, abs=0.5)
    assert raster.true_size


@pytest.mark.parametrize(
    ("size", "dpi"), [((2480, 3508), 300), ((1654, 2339), 200), ((3508, 2480), 300), ((1748, 2480), 300), ((3024, 4032), 366)]
)  # fmt: skip
@pytest.mark.parametrize("stated", [None, (72, 72), (96, 96)])
def test_without_a_resolution_the_sheet_is_taken_for_a4_or_a5(
    tmp_path: Path, size: tuple[int, int], dpi: float, stated: tuple[int, int] | None
) -> None:
    options: dict[str, Any] = {"dpi": stated} if stated else {}
    Image.new("L", size, 255).save(tmp_path / "a.jpg", **options)
    raster = opened(tmp_path / "a.jpg")
    assert raster.dpi == dpi
    assert not raster.true_size


def test_72_dpi_is_believed_on_a_sheet_of_that_size(tmp_path: Path) -> None:
    raster = opened(save_image(tmp_path / "a.jpg", marked(595, 842), dpi=(72, 72)))
    assert (raster.dpi, raster.true_size) == (72, True)


def test_a_fax_is_brought_to_one_resolution(tmp_path: Path) -> None:
    Image.fromarray(marked(1728, 1145)).convert("1").save(
        tmp_path / "a.tif", compression="group4", dpi=(204, 98)
    )
    raster = opened(tmp_path / "a.tif")
    assert raster.dpi == pytest.approx(204)
    assert raster.pixels.shape[:2] == (pytest.approx(1145 * 204 / 98, abs=1), 1728)
    assert raster.bitonal and set(np.unique(raster.pixels)) == {0, 255}


def test_a_sideways_photo_swaps_its_two_resolutions(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(marked(400, 200)).save(tmp_path / "a.jpg", dpi=(200, 100), exif=exif)
    raster = opened(tmp_path / "a.jpg")
    assert raster.pixels.shape == (400, 400, 3)


def test_pages_of_a_tiff_come_in_their_order_and_previews_do_not_shift_them(tmp_path: Path) -> None:
    pictures = [Image.fromarray(marked(100 + 10 * n, 150)) for n in range(3)]
    preview = Image.fromarray(marked(20, 30))
    preview.encoderinfo = {"tiffinfo": {254: 1}}
    pictures[0].save(tmp_path / "a.tif", save_all=True, append_images=[preview, *pictures[1:]])
    assert [opened(tmp_path / "a.tif", n).pixels.shape[1] for n in (1, 2, 3)] == [100, 110, 120]


def test_a_damaged_image_is_rejected_with_a_sentence(tmp_path: Path) -> None:
    path = save_image(tmp_path / "a.png", np.random.default_rng(1).integers(0, 255, (99, 99, 3), np.uint8))
    content = bytearray(path.read_bytes())
    content[200:9000] = bytes(8800)
    path.write_bytes(content)
    with pytest.raises(Rejected) as caught:
        decode(look(path)[0], limits=LIMITS)
    assert "hỏng" in caught.value.vi and "damaged" in str(caught.value)


def scan_pdf(path: Path, *, pixels: Any = None, **options: Any) -> Path:
    shown = marked(827, 1169) if pixels is None else pixels
    pdf = pikepdf.new()
    add_scan(pdf, jpeg(shown), width=shown.shape[1], height=shown.shape[0], **options)
    return save_pdf(pdf, path)


def test_a_scanned_page_gives_its_own_pixels(tmp_path: Path) -> None:
    raster = opened(scan_pdf(tmp_path / "a.pdf"))
    assert raster.pixels.shape == (1169, 827, 3)
    assert raster.dpi == pytest.approx(100, abs=0.1)
    assert raster.true_size
    assert stands_upright(raster)


W, H = 595.276, 841.89


@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
@pytest.mark.parametrize(
    "matrix",
    [f"{W} 0 0 {H} 0 0", f"{-W} 0 0 {H} {W} 0", f"{W} 0 0 {-H} 0 {H}", f"{-W} 0 0 {-H} {W} {H}",
     f"0 {H} {W} 0 0 0", f"0 {H} {-W} 0 {W} 0", f"0 {-H} {W} 0 0 {H}", f"0 {-H} {-W} 0 {W} {H}"],
)  # fmt: skip
def test_taken_pixels_lie_as_the_page_shows_them(tmp_path: Path, matrix: str, rotate: int) -> None:
    plain = scan_pdf(tmp_path / "a.pdf", matrix=matrix, rotate=rotate)
    taken = opened(plain)
    over = scan_pdf(tmp_path / "b.pdf", matrix=matrix, rotate=rotate, extra=b"0 0 1 1 re f")
    shown = opened(over)
    assert shown.dpi == 200 > taken.dpi  # the one that had to be rendered
    assert (taken.pixels.shape[0] > taken.pixels.shape[1]) == (shown.pixels.shape[0] > shown.pixels.shape[1])
    for patch in ("red", "blue"):
        assert corner(taken.pixels, of=patch) == corner(shown.pixels, of=patch)


def test_a_scan_inside_a_form_gives_its_own_pixels(tmp_path: Path) -> None:
    pdf = pikepdf.new()
    page = add_scan(pdf, jpeg(marked(827, 1169)), width=827, height=1169)
    form = pdf.make_stream(
        b"q 100 0 0 100 0 0 cm /Im0 Do Q", Type=Name.XObject, Subtype=Name.Form, BBox=[0, 0, 100, 100],
        Matrix=[W / 100, 0, 0, H / 100, 0, 0], Resources=page.obj.Resources,
    )  # fmt: skip
    page.obj.Resources = Dictionary(XObject=Dictionary(Fm0=form))
    page.obj.Contents = pdf.make_stream(b"/Fm0 Do")
    raster = opened(save_pdf(pdf, tmp_path / "a.pdf"))
    assert raster.pixels.shape == (1169, 827, 3)
    assert raster.dpi == pytest.approx(100, abs=0.1)


def test_invisible_text_does_not_make_a_scan_be_rendered(tmp_path: Path) -> None:
    layer = b"BT 3 Tr /F1 9 Tf 20 20 Td (lop chu) Tj ET"
    assert opened(scan_pdf(tmp_path / "a.pdf", extra=layer)).pixels.shape == (1169, 827, 3)


def test_text_over_a_scan_shows(tmp_path: Path) -> None:
    blank = np.full((1169, 827, 3), 255, np.uint8)
    over = b"BT /F1 90 Tf 100 400 Td (DA NHAN) Tj ET"
    assert opened(scan_pdf(tmp_path / "a.pdf", pixels=blank, extra=over)).pixels.min() < 50


def test_a_stamp_laid_over_a_scan_as_an_annotation_shows(tmp_path: Path) -> None:
    pdf = pikepdf.new()
    blank = np.full((1169, 827, 3), 255, np.uint8)
    page = add_scan(pdf, jpeg(blank), width=827, height=1169)
    look_of_it = pdf.make_stream(
        b"1 0 0 rg 0 0 200 50 re f", Type=Name.XObject, Subtype=Name.Form, BBox=[0, 0, 200, 50]
    )
    field = pdf.make_indirect(
        Dictionary(
            Type=Name.Annot, Subtype=Name.Widget, FT=Name.Sig, T=pikepdf.String("s"), F=132, Rect=[300, 700, 500, 750],
            AP=Dictionary(N=look_of_it), P=page.obj,
            V=Dictionary(Type=Name.Sig, Filter=Name("/Adobe.PPKLite"), Contents=pikepdf.String(b"0"), ByteRange=[0, 1, 2, 3]),
        )
    )  # fmt: skip
    page.obj.Annots = Array([field])
    pdf.Root.AcroForm = Dictionary(Fields=Array([field]), SigFlags=3)
    raster = opened(save_pdf(pdf, tmp_path / "a.pdf"))
    red = (raster.pixels[:, :, 0] > 200) & (raster.pixels[:, :, 1] < 50)
    assert red.sum() / red.size == pytest.approx(200 * 50 / (W * H), rel=0.05)
    assert corner(raster.pixels, of="red") == (False, True)


def test_a_one_bit_scan_in_a_pdf_is_bitonal(tmp_path: Path) -> None:
    pdf = pikepdf.new()
    bits = np.zeros((1169, 832), np.uint8)
    bits[300:] = 1
    add_scan(pdf, np.packbits(bits).tobytes(), width=832, height=1169, ColorSpace=Name.DeviceGray, BitsPerComponent=1,
             Filter=None)  # fmt: skip
    raster = opened(save_pdf(pdf, tmp_path / "a.pdf"))
    assert raster.bitonal
    assert raster.pixels[100, 100].tolist() == [0, 0, 0] and raster.pixels[900, 100].tolist() == [255] * 3


def test_a_stencil_is_shown_in_its_colour(tmp_path: Path) -> None:
    pdf = pikepdf.new()
    add_scan(pdf, bytes(104 * 1169), width=832, height=1169, ColorSpace=None, BitsPerComponent=1, Filter=None, ImageMask=True,
             matrix="1 0 0 rg 595.276 0 0 841.89 0 0")  # fmt: skip
    assert opened(save_pdf(pdf, tmp_path / "a.pdf")).pixels[500, 500].tolist() == [255, 0, 0]


def test_a_page_of_text_is_rendered_at_300_dpi(tmp_path: Path) -> None:
    pdf = pikepdf.new()
    add_text(pdf, "Don xin cap giay chung nhan quyen su dung dat lan dau")
    raster = opened(save_pdf(pdf, tmp_path / "a.pdf"))
    assert raster.dpi == 300
    assert raster.pixels.shape[:2] == (pytest.approx(3508, abs=1), pytest.approx(2480, abs=1))


def test_a_scan_laid_askew_is_rendered(tmp_path: Path) -> None:
    path = scan_pdf(tmp_path / "a.pdf", matrix="595 20 -20 841 10 -10")
    assert opened(path).dpi == 200


def test_a_cut_off_jpeg_inside_a_pdf_is_rejected_instead_of_coming_out_grey(tmp_path: Path) -> None:
    pdf = pikepdf.new()
    content = jpeg(marked(827, 1169))
    add_scan(pdf, content[: len(content) // 2], width=827, height=1169)
    (page,) = look(save_pdf(pdf, tmp_path / "a.pdf"))
    with pytest.raises(Rejected) as caught:
        decode(page, limits=LIMITS)
    assert "cắt cụt" in caught.value.vi


def test_an_absurd_sheet_size_is_rejected_and_a_large_one_rendered_coarser(tmp_path: Path) -> None:
    pdf = pikepdf.new()
    pdf.add_blank_page(page_size=(14400, 14400))
    pdf.add_blank_page(page_size=(3370, 4768))
    path = save_pdf(pdf, tmp_path / "a.pdf")
    small = RasterLimits(max_pixels=9_000_000)
    with pytest.raises(Rejected):
        opened(path, 1, small)
    raster = opened(path, 2, small)
    assert raster.pixels.shape[0] * raster.pixels.shape[1] <= 9_100_000
    assert raster.pixels.shape[0] / raster.dpi * 72 == pytest.approx(4768, rel=0.01)


def test_an_oversize_picture_in_a_pdf_is_rejected_before_it_is_decoded(tmp_path: Path) -> None:
    pdf = pikepdf.new()
    add_scan(pdf, b"\xff\xd8\xff", width=60_000, height=60_000)
    (page,) = look(save_pdf(pdf, tmp_path / "a.pdf"))
    with pytest.raises(Rejected) as caught:
        decode(page, limits=LIMITS)
    assert "60000" in str(caught.value)


def test_a_page_number_that_is_not_there_is_rejected(tmp_path: Path) -> None:
    for path in (scan_pdf(tmp_path / "a.pdf"), save_image(tmp_path / "a.tif")):
        page = dataclasses.replace(look(path)[0], number=7)
        with pytest.raises(Rejected):
            decode(page, limits=LIMITS)


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif"])
@pytest.mark.parametrize(("dpi", "kept"), [(600, 300), (1200, 300), (400, 400)])
def test_a_picture_of_very_high_resolution_is_halved_and_its_size_stays(
    suffix: str, dpi: int, kept: int, tmp_path: Path
) -> None:
    sheet = Image.new("RGB", (2 * dpi, 3 * dpi), "white")
    sheet.paste((200, 30, 40), (0, 0, dpi, dpi))
    path = tmp_path / f"a.{suffix}"
    sheet.save(path, dpi=(dpi, dpi))
    raster = opened(path, 1, LIMITS)
    assert raster.dpi == pytest.approx(kept, rel=0.001)
    assert raster.pixels.shape == (3 * kept, 2 * kept, 3)
    assert raster.true_size
    red = raster.pixels[kept // 2, kept // 2].astype(int)
    assert abs(red - (200, 30, 40)).max() <= 3
    assert (raster.pixels[-kept:, -kept // 2 :] > 250).all()


def test_a_fine_bitonal_picture_is_read_reduced_and_kept_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    sheet = Image.new("1", (1200, 1800), 1)
    sheet.putpixel((600, 900), 0)
    sheet.save(path, dpi=(600, 600), compression="group4")
    raster = opened(path, 1, LIMITS)
    assert (raster.dpi, raster.pixels.shape, raster.bitonal) == (300, (900, 600, 3), True)
    assert raster.fine is not None and (raster.fine_dpi, raster.fine.shape) == (600, (1800, 1200))
    assert np.argwhere(raster.fine == 0).tolist() == [[900, 600]]
