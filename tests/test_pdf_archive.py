"""The archive PDF as other programs see it: veraPDF, qpdf, poppler."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pikepdf
import pypdfium2
import pytest
from PIL import Image

from pipeline.files import blob_of
from pipeline.model import Box, Document, Level, Line, SignedDocument, Word
from pipeline.pdf.archive import write_archive_pdf
from tests.papers import CAPTURED, TEXT, make_page, write_scan
from tests.verapdf import broken_rules


def write(pages: list, out: Path, *, title: str = "Đơn đề nghị", created: datetime = CAPTURED) -> bytes:  # type: ignore[type-arg]
    write_archive_pdf(pages, out, title=title, agency="UBND xã", identifier="d_1", created=created)
    return out.read_bytes()


def run(*command: str | Path) -> str:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=True)
    return done.stdout


def test_unsigned_archive_file_is_valid_pdfa_2b(document: Document) -> None:
    assert broken_rules(document.pdf.path) == []


@pytest.mark.parametrize("level", [Level.B, Level.T, Level.LT, Level.LTA])
def test_file_stays_valid_pdfa_2b_after_each_level_of_signing(
    signed: Callable[[Level], SignedDocument], level: Level
) -> None:
    assert broken_rules(signed(level).pdf.path) == []


def test_the_judge_of_pdfa_does_refuse(document: Document, tmp_path: Path) -> None:
    with pikepdf.open(document.pdf.path) as pdf:
        del pdf.Root.OutputIntents
        pdf.save(tmp_path / "worse.pdf")
    assert any("OutputIntent" in rule for rule in broken_rules(tmp_path / "worse.pdf"))


def test_bitonal_page_is_valid_and_shows_black_on_white(tmp_path: Path) -> None:
    image, lines = write_scan(tmp_path, TEXT, bitonal=True)
    write([make_page(image, lines)], tmp_path / "out.pdf")
    assert broken_rules(tmp_path / "out.pdf") == []
    pixels = pypdfium2.PdfDocument(tmp_path / "out.pdf")[0].render(scale=1).to_numpy()
    assert pixels[:20, :20].min() > 250
    assert pixels[150:400].min() < 100


def test_title_and_text_with_control_signs_and_rare_letters_stay_valid(tmp_path: Path) -> None:
    image, _ = write_scan(tmp_path, TEXT)
    box = Box(left=200, top=500, right=400, bottom=540)
    line = Line(words=(Word(text="x\f\x00y😀<&>\ufffe\ud800", box=box, confidence=0.5),), box=box)
    write([make_page(image, (line,))], tmp_path / "out.pdf", title="Đơn\x0c <&> \x00\ud800\ufffe hết")
    assert broken_rules(tmp_path / "out.pdf") == []


def test_same_records_give_the_same_bytes(document: Document, tmp_path: Path) -> None:
    pages = list(document.pages)
    assert write(pages, tmp_path / "one.pdf") == write(pages, tmp_path / "two.pdf")


def test_another_moment_or_page_gives_other_bytes(document: Document, tmp_path: Path) -> None:
    pages = list(document.pages)
    first = write(pages, tmp_path / "one.pdf")
    assert write(pages, tmp_path / "two.pdf", created=datetime(2027, 1, 1, tzinfo=UTC)) != first
    assert write(pages[:1], tmp_path / "three.pdf") != first


def test_a_page_without_picture_is_refused(document: Document, tmp_path: Path) -> None:
    page = replace(document.pages[0], image=None)
    with pytest.raises(ValueError, match="no picture"):
        write([page], tmp_path / "out.pdf")
    assert list(tmp_path.iterdir()) == []


def test_three_hundred_pages_stand_in_a_balanced_tree_with_object_streams(tmp_path: Path) -> None:
    Image.new("RGB", (165, 234), "white").save(tmp_path / "small.jpg")
    image = blob_of(tmp_path / "small.jpg", "image/jpeg")
    pages = [make_page(image, index=index, size=(165, 234), dpi=20) for index in range(300)]
    content = write(pages, tmp_path / "long.pdf")
    assert b"/ObjStm" in content and b"/XRef" in content
    with pikepdf.open(tmp_path / "long.pdf") as pdf:
        assert len(pdf.pages) == 300 == int(pdf.Root.Pages.Count)
        assert depth(pdf.Root.Pages) <= 3
        assert widest(pdf.Root.Pages) <= 20
    assert run("qpdf", "--check", tmp_path / "long.pdf").count("No syntax or stream encoding errors")


def depth(node: pikepdf.Object) -> int:
    return 1 + max((depth(kid) for kid in node.Kids if "/Kids" in kid), default=0)


def widest(node: pikepdf.Object) -> int:
    kids = list(node.Kids)
    return max([len(kids), *(widest(kid) for kid in kids if "/Kids" in kid)])


def test_invisible_words_are_found_whole_and_in_their_place(document: Document) -> None:
    page = document.pages[0]
    expected = [word for line in page.lines for word in line.words]
    shown = re.findall(
        r'<word xMin="([\d.]+)" yMin="([\d.]+)" xMax="([\d.]+)" yMax="([\d.]+)">(.*?)</word>',
        run("pdftotext", "-bbox", "-l", "1", document.pdf.path, "-"),
    )
    assert [text for *_, text in shown] == [word.text for word in expected]
    for (left, top, right, bottom, _), word in zip(shown, expected, strict=True):
        box, scale = word.box, 72 / page.dpi
        assert float(left) == pytest.approx(box.left * scale, abs=1)
        assert float(right) == pytest.approx(box.right * scale, abs=6)  # up to the next word's start
        middle = (float(top) + float(bottom)) / 2
        assert box.top * scale - 4 <= middle <= box.bottom * scale + 4


def test_lines_read_as_they_are_printed(document: Document) -> None:
    text = run("pdftotext", "-l", "1", document.pdf.path, "-")
    assert [line for line in text.splitlines() if line.strip("\f")] == list(TEXT)


def test_text_adds_no_ink(document: Document, tmp_path: Path) -> None:
    bare = [replace(page, lines=()) for page in document.pages]
    write(bare, tmp_path / "bare.pdf")
    one, other = (
        pypdfium2.PdfDocument(path)[0].render(scale=1).to_numpy()
        for path in (document.pdf.path, tmp_path / "bare.pdf")
    )
    assert np.array_equal(one, other)


def test_each_page_is_one_colour_picture_of_200_dpi_at_true_size(document: Document) -> None:
    rows = [line.split() for line in run("pdfimages", "-list", document.pdf.path).splitlines()[2:]]
    assert [row[0] for row in rows] == ["1", "2"]
    for row in rows:
        assert row[5:8] == ["rgb", "3", "8"]
        assert row[8] == "jpeg"
        assert int(row[12]) >= 200 and int(row[13]) >= 200
    sizes = re.search(r"Page size:\s+([\d.]+) x ([\d.]+)", run("pdfinfo", document.pdf.path))
    assert sizes and float(sizes[1]) == pytest.approx(595.3, abs=0.5)
    assert float(sizes[2]) == pytest.approx(841.9, abs=0.5)


def test_picture_in_the_file_is_the_archive_picture_byte_for_byte(document: Document) -> None:
    image = document.pages[0].image
    assert image is not None
    with pikepdf.open(document.pdf.path) as pdf:
        raw = pdf.pages[0].obj.Resources.XObject.Im0.read_raw_bytes()
    assert raw == image.path.read_bytes()
