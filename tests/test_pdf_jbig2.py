"""JBIG2 masks as two independent decoders see them: pdfium and poppler give back every pixel."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pikepdf
import pypdfium2
import pytest
from PIL import Image

from pipeline.pdf.bitonal import group4
from pipeline.pdf.coded_page import stencil_of
from pipeline.pdf.jbig2 import BAND, jbig2
from tests.papers import TEXT, printed

Mask = npt.NDArray[np.bool_]


def shown(mask: Mask, folder: Path) -> tuple[Mask, Mask]:
    """The mask as a stencil on a page of one point a pixel, by pdfium and by poppler."""
    height, width = mask.shape
    with pikepdf.new() as pdf:
        stencil = pdf.make_stream(jbig2(mask), Filter=pikepdf.Name.JBIG2Decode)
        stencil.Type, stencil.Subtype = pikepdf.Name.XObject, pikepdf.Name.Image
        stencil.Width, stencil.Height, stencil.BitsPerComponent, stencil.ImageMask = width, height, 1, True
        content = pdf.make_stream(f"q 0 g {width} 0 0 {height} 0 0 cm /M Do Q".encode())
        resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(M=stencil))
        page = pikepdf.Dictionary(
            Type=pikepdf.Name.Page, MediaBox=[0, 0, width, height], Resources=resources, Contents=content
        )
        pdf.pages.append(pikepdf.Page(pdf.make_indirect(page)))
        pdf.save(folder / "mask.pdf")
    with pypdfium2.PdfDocument(folder / "mask.pdf") as document:
        pdfium = np.asarray(document[0].render(no_smoothimage=True).to_pil().convert("L")) < 128
    command = ["pdftoppm", "-r", "72", "-gray", "-singlefile", str(folder / "mask.pdf"), str(folder / "mask")]
    subprocess.run(command, check=True)
    return pdfium, np.asarray(Image.open(folder / "mask.pgm")) < 128


@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.97, 1.0])
@pytest.mark.parametrize(
    "size", [(1, 1), (1, 70), (5, 3), (64, 64), (BAND, 31), (BAND + 1, 90), (3 * BAND + 7, 41)]
)
def test_two_decoders_give_back_every_pixel(size: tuple[int, int], share: float, tmp_path: Path) -> None:
    mask = np.random.default_rng(7).random(size) < share
    for seen in shown(mask, tmp_path):
        assert np.array_equal(seen, mask)


def test_print_comes_back_whole_and_takes_three_quarters_of_group_4(tmp_path: Path) -> None:
    sheet, _ = printed(TEXT)
    mask = np.asarray(sheet.convert("L")) < 128
    for seen in shown(mask, tmp_path):
        assert np.array_equal(seen, mask)
    assert len(jbig2(mask)) < 0.78 * len(group4(mask))


def test_a_shape_across_the_edge_of_a_band_is_whole(tmp_path: Path) -> None:
    """Bands share one coder and see the rows above them: shapes that cross a band's edge are shapes still."""
    tall = np.zeros((2 * BAND, 64), np.bool_)
    tall[BAND - 9 : BAND + 9, 5:40] = True
    for seen in shown(tall, tmp_path):
        assert np.array_equal(seen, tall)


def test_each_mask_is_coded_in_the_way_that_suits_it() -> None:
    """A page of grain would take seconds, and a small mask is larger with JBIG2's segments around it."""
    grain = np.random.default_rng(1).random((1500, 1100)) < 0.5
    assert stencil_of(grain).coding == stencil_of(grain[:8, :8]).coding == "Group4"
    sheet, _ = printed(TEXT)
    assert stencil_of(np.asarray(sheet.convert("L")) < 128).coding == "JBIG2"
