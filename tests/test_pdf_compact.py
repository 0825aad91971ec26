"""The access copy as other programs see it: small, valid, true to the page, and no second original."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pikepdf
import pypdfium2
import pytest
from PIL import Image, ImageDraw

from pipeline.errors import UsageError
from pipeline.files import blob_of
from pipeline.model import Document, Level, ReadPage, SignedDocument
from pipeline.pdf import layers
from pipeline.pdf.archive import write_archive_pdf
from pipeline.pdf.bitonal import colour_rows, group4
from pipeline.pdf.coded_page import code_page
from pipeline.pdf.compact import STRIP, write_access_copy
from pipeline.pdf.images import encode_faithful
from pipeline.sidecar import Sidecar, sidecar_of
from signing.lettering import FONT
from tests.papers import (
    A4,
    AGENCY,
    CAPTURED,
    DPI,
    TEXT,
    make_document,
    make_page,
    printed,
    with_bytes,
    write_scan,
)
from tests.verapdf import broken_rules

SEAL = (900, 1500, 1200, 1800)
RED, BLUE, PALE = (200, 30, 45), (30, 50, 150), (120, 118, 112)


def sealed() -> Image.Image:
    """A tinted sheet with print, a red seal, pen ink over it, and a grey photograph."""
    sheet, _ = printed(TEXT)
    paper = Image.new("RGB", A4, (250, 243, 228))
    paper.paste(sheet, mask=Image.fromarray(255 - np.asarray(sheet.convert("L"))))
    pen = ImageDraw.Draw(paper)
    pen.ellipse(SEAL, outline=RED, width=7)
    pen.ellipse((1020, 1620, 1080, 1680), fill=RED)
    pen.line((1100, 1700, 1300, 1640, 1350, 1720), fill=BLUE, width=4)
    photograph = np.random.default_rng(1).normal(0, 1, (12, 9)).cumsum(0).cumsum(1)
    photograph = 130 + 100 * photograph / np.abs(photograph).max()
    paper.paste(Image.fromarray(photograph.astype(np.uint8)).resize((236, 315)), (200, 1500))
    return paper


def of_picture(sheet: Image.Image, folder: Path, *, bitonal: bool = False) -> ReadPage:
    encoded = encode_faithful(np.asarray(sheet), dpi=DPI, bitonal=bitonal)
    path = folder / f"page-{len(encoded.content)}.img"
    path.write_bytes(encoded.content)
    return make_page(blob_of(path, encoded.media_type), printed(TEXT)[1])


def document_of(page: ReadPage, folder: Path) -> Document:
    pdf = write_archive_pdf(
        [page], folder / "one.pdf", title="Đơn", agency=AGENCY, identifier="d_1", created=CAPTURED
    )
    return replace(make_document(folder), pages=(page,), pdf=pdf)


def copy_of(document: Document, out: Path) -> tuple[Path, Sidecar]:
    sidecar = sidecar_of(with_bytes(document, document.pdf.path.read_bytes(), out))
    pages = [code_page(document.pdf.path, number) for number in range(len(document.pages))]
    write_access_copy(pages, sidecar, out / "copy.pdf", font=FONT)
    return out / "copy.pdf", sidecar


@pytest.fixture(scope="module")
def paper(tmp_path_factory: pytest.TempPathFactory) -> Document:
    folder = tmp_path_factory.mktemp("sealed")
    return document_of(of_picture(sealed(), folder), folder)


@pytest.fixture(scope="module")
def made(paper: Document, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Sidecar]:
    return copy_of(paper, tmp_path_factory.mktemp("copy"))


def shown(path: Path, *, strip: float = 0) -> np.ndarray:
    """The first page at 200 dpi without the strip above it."""
    pixels = pypdfium2.PdfDocument(path)[0].render(scale=DPI / 72).to_numpy()[:, :, 2::-1]
    return np.asarray(pixels[round(strip * DPI / 72) :][: A4[1] - 2])


def test_copy_is_valid_pdfa_2b_and_a_fraction_of_the_page(
    made: tuple[Path, Sidecar], paper: Document
) -> None:
    assert broken_rules(made[0]) == []
    assert made[0].stat().st_size < 0.6 * paper.pdf.size


def test_copy_looks_like_the_page(made: tuple[Path, Sidecar], paper: Document) -> None:
    one, other = shown(paper.pdf.path), shown(made[0], strip=STRIP)
    height = min(len(one), len(other))
    softly = [np.asarray(Image.fromarray(one_of[:height]).reduce(4), dtype=float) for one_of in (one, other)]
    assert np.abs(softly[0] - softly[1]).mean() < 3
    assert np.percentile(np.abs(softly[0] - softly[1]), 99.9) < 45


def test_seal_pen_ink_and_photograph_stay_pictures_at_the_archive_resolution(paper: Document) -> None:
    told = layers.part(np.asarray(sealed()), DPI)
    covered = np.zeros((A4[1] + 32, A4[0] + 32), bool)
    for patch in told.evidence:
        high, wide = patch.pixels.shape[:2]
        inside = np.repeat(np.repeat(patch.blocks, 16, axis=0), 16, axis=1)
        covered[patch.top : patch.top + high, patch.left : patch.left + wide] |= inside
    pixels = np.asarray(sealed()).astype(int)
    coloured = np.abs(pixels[:, :, 0] - pixels[:, :, 2]) > 90
    assert coloured.sum() > 5000
    assert covered[: A4[1], : A4[0]][coloured].all()
    assert covered[1510:1800, 210:430].mean() > 0.6, "the photograph"
    assert not covered[480:960].any(), "print needs no picture"


def test_every_printed_letter_is_in_the_mask_and_no_other(tmp_path: Path) -> None:
    sheet, _ = printed(TEXT)
    mask = layers.part(np.asarray(sheet), DPI).print
    truth = np.asarray(sheet.convert("L").resize(mask.shape[::-1], Image.Resampling.BICUBIC)) < 128
    assert (mask & truth).sum() / truth.sum() > 0.97
    assert (mask & ~truth).sum() / truth.sum() < 0.03


def test_a_bitonal_page_keeps_every_pixel(tmp_path: Path) -> None:
    image, lines = write_scan(tmp_path, TEXT, bitonal=True)
    document = document_of(make_page(image, lines), tmp_path)
    path, _ = copy_of(document, tmp_path)
    assert broken_rules(path) == []
    subprocess.run(["pdfimages", "-tiff", str(path), str(tmp_path / "i")], check=True)
    with Image.open(image.path) as original, Image.open(tmp_path / "i-000.tif") as kept:
        black = np.asarray(original.convert("L")) < 128  # poppler writes a stencil as white where it paints
        assert black.any() and np.array_equal(black, np.asarray(kept.convert("L")) > 127)


def test_copy_says_what_it_is_and_where_it_comes_from(made: tuple[Path, Sidecar]) -> None:
    path, sidecar = made
    top = subprocess.run(
        ["pdftotext", "-x", "0", "-y", "0", "-W", "600", "-H", "15", str(path), "-"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert "BẢN SAO" in top and "không có chữ ký số" in top
    assert sidecar.document in top and sidecar.pdf_sha256 in top
    with pikepdf.open(path) as pdf:
        packet = pdf.Root.Metadata.read_bytes().decode()
        assert f"<dc:source>{sidecar.document} sha256:{sidecar.pdf_sha256}</dc:source>" in packet
        assert "/AcroForm" not in pdf.Root


def test_words_lie_where_they_are_printed(made: tuple[Path, Sidecar]) -> None:
    path, sidecar = made
    words = [word for line in sidecar.pages[0].lines for word in line.words]
    text = subprocess.run(["pdftotext", "-bbox", str(path), "-"], capture_output=True, text=True, check=True)
    pattern = r'<word xMin="([\d.]+)" yMin="([\d.]+)" xMax="([\d.]+)" yMax="([\d.]+)">(.*?)</word>'
    rows = [(*map(float, match[:4]), match[4]) for match in re.findall(pattern, text.stdout)]
    found = [row for row in rows if row[1] > STRIP]
    assert [row[4] for row in found] == [word.text for word in words]
    page = pypdfium2.PdfDocument(path)[0]
    selected, high = page.get_textpage(), page.get_height()
    for (left, top, right, bottom, _), word in zip(found, words, strict=True):
        edges = [word.box.left, word.box.top, word.box.right, word.box.bottom]
        assert [left, right] == pytest.approx([edges[0] * 72 / DPI, edges[2] * 72 / DPI], abs=0.6)
        assert top - 4 <= (edges[1] + edges[3]) / 2 * 72 / DPI + STRIP <= bottom + 4
        low, up = high - bottom, high - top
        assert selected.get_text_bounded(left - 0.2, low - 0.2, right + 0.2, up + 0.2).strip() == word.text
        first = selected.get_index((left + right) / 2, (low + up) / 2, 1, 1)
        marked = selected.get_charbox(first)  # what is coloured when a reader selects
        assert marked[3] - marked[1] == pytest.approx(bottom - top, abs=1)


def test_same_file_gives_the_same_copy(made: tuple[Path, Sidecar], paper: Document, tmp_path: Path) -> None:
    assert copy_of(paper, tmp_path)[0].read_bytes() == made[0].read_bytes()


def test_a_file_of_another_make_is_refused(paper: Document, tmp_path: Path) -> None:
    with pikepdf.open(paper.pdf.path) as pdf:
        pdf.pages[0].obj.Resources.XObject["/Im1"] = pdf.pages[0].obj.Resources.XObject["/Im0"]
        pdf.save(tmp_path / "two.pdf")
    with pytest.raises(UsageError, match="scanned here"):
        code_page(tmp_path / "two.pdf", 0)
    sidecar = sidecar_of(with_bytes(paper, b"x", tmp_path))
    with pytest.raises(UsageError, match="scanned here"):
        write_access_copy([], sidecar, tmp_path / "copy.pdf", font=FONT)


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (700, 3), (97, 131)])
def test_rows_and_masks_of_any_size_come_back_whole(size: tuple[int, int], tmp_path: Path) -> None:
    white = np.random.default_rng(3).random(size) > 0.3
    pdf = pikepdf.Pdf.new()
    rows = pdf.make_stream(colour_rows(white))
    rows.Filter = pikepdf.Array([pikepdf.Name.FlateDecode, pikepdf.Name.RunLengthDecode])
    samples = np.frombuffer(rows.read_bytes(decode_level=pikepdf.StreamDecodeLevel.specialized), np.uint8)
    assert np.array_equal(samples.reshape(*size, 3), np.where(white, 255, 0)[:, :, None].repeat(3, axis=2))
    assert group4(~white) == group4(~white)


@pytest.mark.parametrize("size", [(1, 1), (40, 9), (300, 200)])
def test_small_and_empty_pages_have_layers_too(size: tuple[int, int]) -> None:
    for value in (255, 0, 128):
        told = layers.part(np.full((*size, 3), value, np.uint8), DPI)
        assert told.paper.size and told.ink.size


def test_copy_of_a_signed_file_leaves_the_signed_one_alone(
    document: Document, signed: Callable[[Level], SignedDocument], tmp_path: Path
) -> None:
    file = signed(Level.LTA)
    before = file.pdf.path.read_bytes()
    sidecar = sidecar_of(file)
    pages = [code_page(file.pdf.path, number) for number in range(len(document.pages))]
    write_access_copy(pages, replace(sidecar, document="d_1"), tmp_path / "copy.pdf", font=FONT)
    assert broken_rules(tmp_path / "copy.pdf") == [] and file.pdf.path.read_bytes() == before
    assert (
        "does not contain any signatures"
        in subprocess.run(
            ["pdfsig", str(tmp_path / "copy.pdf")], capture_output=True, text=True, check=False
        ).stdout
    )


@pytest.mark.parametrize(("size", "wide"), [((600, 850), True), ((850, 600), False)])
def test_upright_halves_stand_side_by_side_and_lying_ones_above_each_other(
    size: tuple[int, int], wide: bool, tmp_path: Path
) -> None:
    """One half red, one blue: each is where it belongs, at its size."""
    pages = []
    for number, ink in enumerate((RED, BLUE)):
        sheet = Image.new("RGB", size, "white")
        ImageDraw.Draw(sheet).rectangle((100, 100, size[0] - 100, size[1] - 100), fill=ink)
        (tmp_path / str(number)).mkdir()
        page = replace(of_picture(sheet, tmp_path / str(number)), width=size[0], height=size[1], lines=())
        document = document_of(page, tmp_path / str(number))
        pages.append((code_page(document.pdf.path, 0), document))
    sidecar = sidecar_of(SignedDocument(document=pages[0][1], pdf=pages[0][1].pdf, level=Level.B))
    sidecar = replace(sidecar, pages=(*sidecar.pages, *sidecar.pages))
    out = tmp_path / "joined.pdf"
    write_access_copy([coded for coded, _ in pages], sidecar, out, font=FONT, sheets=[(0, 1)])
    assert broken_rules(out) == []
    picture = shown(out, strip=STRIP)
    high, across = picture.shape[:2]
    first = picture[high // 2, across // 4] if wide else picture[high // 4, across // 2]
    second = picture[high // 2, 3 * across // 4] if wide else picture[3 * high // 4, across // 2]
    assert np.abs(first[:3].astype(int) - RED).max() < 40 and np.abs(second[:3].astype(int) - BLUE).max() < 40
