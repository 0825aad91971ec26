"""Separator sheets: printed, read back by the real reader however they lie, and missed when one is lost."""

from __future__ import annotations

import itertools
import subprocess
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ocr.barcodes import read_barcodes
from ocr.reader import PageReader, default_engine
from pipeline.grammar.sheet_marks import SheetMark, marks_for, read_mark
from pipeline.model import ReadPage
from tests.classify_pages import CODE, OTHER, decision, intake, page, rows, sort
from tests.home_in_use import Home

CODES = [CODE, OTHER]


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The PDF of the real command, made into pictures as a printer would."""
    folder = tmp_path_factory.mktemp("in")
    home = Home(folder / "h")
    words = ["--dossier", CODE, "--dossier", OTHER.lower(), "--papers", "2", "-o", str(folder / "a.pdf")]
    answer = home.run("sheets", *words)
    assert answer.code == 0 and len(answer.document["sheets"]) == 4
    first = (folder / "a.pdf").read_bytes()
    again = home.run("sheets", "--dossier", OTHER, "-o", str(folder / "a.pdf"))
    assert again.code == 2 and "--force" in again.log and (folder / "a.pdf").read_bytes() == first
    assert home.run("sheets", *words, "--force").code == 0
    assert not home.root.exists(), "printing needs no home"
    subprocess.run(["pdftoppm", "-r", "600", "-gray", "-png", folder / "a.pdf", folder / "p"], check=True)
    return folder


def scanned(picture: Path, *, dpi: int, turn: int, skew: float, stain: bool) -> np.ndarray:
    """The printed sheet as a worn copy on a scanner: blurred, grey, noisy, tilted, turned, perhaps stained."""
    width, height = round(8.27 * dpi), round(11.69 * dpi)
    sheet = Image.open(picture).convert("L").resize((width, height), Image.Resampling.LANCZOS)
    pixels = np.array(sheet).astype(np.float32)
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), skew, 1)
    pixels = cv2.warpAffine(pixels, matrix, (width, height), borderValue=255).astype(np.float32)
    pixels = cv2.GaussianBlur(pixels, (0, 0), dpi / 200).astype(np.float32)
    if stain:
        cv2.ellipse(pixels, (width // 2, round(0.4 * height)), (width // 6, height // 16), 20, 0, 360, 90, -1)
    noisy = pixels * 0.8 + 30 + np.random.default_rng(dpi + turn).normal(0, 10, pixels.shape)
    grey = np.rot90(np.clip(noisy, 0, 255).astype(np.uint8), turn // 90)
    return np.ascontiguousarray(np.dstack([grey] * 3))


@pytest.mark.parametrize(
    ("dpi", "turn", "skew"),
    [(150, 270, -7.0), (200, 0, 4.0), (300, 180, -7.0), (600, 90, 0.0)],
)
def test_a_printed_sheet_is_read_at_any_resolution_and_orientation(
    printed: Path, dpi: int, turn: int, skew: float
) -> None:
    reading = PageReader(default_engine()).read(
        scanned(printed / "p-3.png", dpi=dpi, turn=turn, skew=skew, stain=True), dpi=dpi, bitonal=False
    )
    mark = read_mark(code.text for code in reading.barcodes)
    assert mark == marks_for(CODES, 2)[2] and mark.code == OTHER
    assert mark.series == marks_for(CODES, 2)[0].series


@pytest.mark.slow
@pytest.mark.parametrize("dpi", [150, 200, 300, 400, 600])
def test_codes_are_read_in_every_orientation(printed: Path, dpi: int) -> None:
    lost = []
    for turn, skew, stain in itertools.product((0, 90, 180, 270), (-8, -3, 0, 2, 6), (False, True)):
        pixels = scanned(printed / "p-1.png", dpi=dpi, turn=turn, skew=skew, stain=stain)
        if read_mark(code.text for code in read_barcodes(pixels, dpi)) != marks_for(CODES, 2)[0]:
            lost.append((turn, skew, stain))
    assert lost == []


def test_the_words_of_a_sheet_are_printed_in_vietnamese(printed: Path) -> None:
    pixels = np.array(Image.open(printed / "p-2.png").convert("RGB").resize((1654, 2339)))
    reading = PageReader(default_engine()).read(pixels, dpi=200, bitonal=False)
    text = "\n".join(line.text for line in reading.lines)
    assert "PHIẾU PHÂN CÁCH HỒ SƠ" in text and CODE in text and "Tờ 2/4" in text


@given(
    st.lists(st.sampled_from([CODE, OTHER, "H44.20.3-260907-0007"]), min_size=1, unique=True),
    st.integers(1, 9),
)
def test_marks_survive_being_written_and_read(codes: list[str], papers: int) -> None:
    for mark in marks_for(codes, papers):
        assert read_mark([mark.text, "khác"]) == mark


@pytest.mark.parametrize(
    "text", ["", CODE, f"{CODE}|TO 0/3|0123abcd", f"{CODE}|TO 4/3|0123abcd", "x|TO 1/3|0123abcd"]
)
def test_other_codes_are_no_marks(text: str) -> None:
    assert read_mark([text]) is None


def test_two_sheets_on_one_side_are_no_mark() -> None:
    first, second = marks_for([CODE], 2)
    assert read_mark([first.text, second.text]) is None


def sheet(mark: SheetMark, *, readable: bool = True) -> ReadPage:
    """A printed sheet as read; an unreadable one keeps only its title."""
    return page(rows("PHIẾU PHÂN CÁCH HỒ SƠ", top=420, centre=827), qr=mark.text if readable else None)


def test_a_whole_series_parts_papers_without_a_question() -> None:
    marks = marks_for(CODES, 2)
    found = sort(*itertools.chain.from_iterable((sheet(mark), decision()) for mark in marks))
    assert [paper.dossier for paper in found.papers] == [CODE, CODE, OTHER, OTHER]
    assert [paper.review for paper in found.papers] == [None] * 4 and found.review == {}


def test_a_sheet_is_known_by_its_mark_however_its_words_are_read() -> None:
    (mark,) = marks_for([CODE], 1)
    noise = page(rows(*["chữ đọc nhầm không ra gì cả"] * 12), qr=mark.text)
    assert sort(noise, decision()).separators == (0,)


@pytest.mark.parametrize("lost", [0, 1, 2, 3])
def test_a_lost_sheet_stops_the_papers_it_should_have_parted(lost: int) -> None:
    marks = marks_for(CODES, 2)
    pages = [
        item for n, mark in enumerate(marks) for item in ([sheet(mark)] if n != lost else []) + [decision()]
    ]
    found = sort(*pages)
    assert [text for text in found.review.values() if f"{lost + 1}/4" in text], found.review
    waiting = [paper for paper in found.papers if paper.review]
    assert waiting, "merged silently"
    # No paper goes on under a dossier that the lost sheet might have ended.
    truth = [CODE, CODE, OTHER, OTHER]
    starts = [n for n, item in enumerate(pages) if not item.barcodes]
    for paper in found.papers:
        if not paper.review:
            assert {truth[starts.index(index)] for index in paper.pages} == {paper.dossier}


def test_four_of_seven_unreadable_sheets_are_all_reported() -> None:
    marks, broken = marks_for([CODE], 7), {2, 3, 5, 7}
    pages = [item for mark in marks for item in (sheet(mark, readable=mark.number not in broken), decision())]
    found = sort(*pages)
    told = " ".join(found.review.values())
    assert all(f"{number}/7" in told for number in broken)
    assert len(found.separators) == 7


@pytest.mark.slow
def test_four_of_seven_printed_sheets_whose_codes_were_blotted_out_are_all_reported(tmp_path: Path) -> None:
    """Through the real reader: printed, blotted, scanned, read; the words of a blotted sheet are all that is left."""
    out = tmp_path / "a.pdf"
    assert Home(tmp_path / "h").run("sheets", "--dossier", CODE, "--papers", "7", "-o", str(out)).code == 0
    subprocess.run(["pdftoppm", "-r", "300", "-gray", "-png", out, tmp_path / "p"], check=True)
    broken, reader, pages = {2, 3, 5, 7}, PageReader(default_engine()), []
    for number in range(1, 8):
        pixels = scanned(tmp_path / f"p-{number}.png", dpi=150, turn=0, skew=1.0, stain=False)
        height, width = pixels.shape[:2]
        if number in broken:  # a felt pen over both codes
            for top, bottom in ((0.24, 0.55), (0.78, 0.92)):
                pixels[
                    round(top * height) : round(bottom * height), round(0.25 * width) : round(0.75 * width)
                ] = 40
        reading = reader.read(pixels, dpi=150, bitonal=False)
        assert bool(reading.barcodes) == (number not in broken)
        sheet = replace(page(reading.lines), barcodes=reading.barcodes, dpi=150, width=width, height=height)
        pages += [sheet, decision()]
    found = sort(*pages)
    told = " ".join(found.review.values())
    assert all(f"{number}/7" in told for number in broken), found.review
    assert {2 * (number - 1) for number in range(1, 8)} - set(found.separators) <= {
        2 * (number - 1) for number in broken
    }
    assert not [paper for paper in found.papers if len(paper.pages) > 1 and paper.review is None], (
        "merged silently"
    )


def test_four_of_seven_missing_sheets_are_all_reported() -> None:
    marks, gone = marks_for([CODE], 7), {1, 2, 5, 7}
    pages = [item for mark in marks if mark.number not in gone for item in (sheet(mark), decision())]
    found = sort(*pages)
    told = " ".join(found.review.values())
    assert all(f"{number}/7" in told for number in gone)


def test_unreadable_sheets_of_a_bound_stack_are_reported_but_part_it_all_the_same() -> None:
    marks = marks_for([CODE], 3)
    found = sort(
        sheet(marks[0]), decision(), sheet(marks[1], readable=False), decision(), sheet(marks[2]), decision(),
        batch=replace(intake(), dossier=CODE),
    )  # fmt: skip
    assert [paper.review for paper in found.papers] == [None, None, None]
    assert list(found.review) == [2] and "2/3" in found.review[2]


def test_a_repeated_sheet_is_a_question() -> None:
    first, second = marks_for([CODE], 2)
    found = sort(sheet(first), decision(), sheet(first), decision(), sheet(second), decision())
    assert any("lặp" in text for text in found.review.values())


def test_two_series_in_one_stack_do_not_disturb_each_other() -> None:
    pages = [item for code in CODES for mark in marks_for([code], 2) for item in (sheet(mark), decision())]
    assert sort(*pages).review == {}
