"""Visible signatures stand near their corner and over nothing that a reader needs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyhanko.pdf_utils.reader import PdfFileReader

from pipeline.model import Barcode, Box, Document, Level, Line, ReadPage, Region, RegionKind, Word
from signing.appearance import variants
from signing.demo_pki import DemoPki
from signing.lettering import Lettering
from signing.placement import Rectangle, place
from tests.papers import A4, AGENCY, OFFICER, make_signer

LINES = ("DEMO – không có giá trị pháp lý", "SAO Y", AGENCY, "05/03/2026 08:30:00 +07:00")
FONT = Lettering().program("".join(LINES))
GROUPS = variants(LINES, FONT, 10)


@pytest.fixture
def page(document: Document) -> ReadPage:
    return replace(document.pages[0], lines=(), barcodes=(), regions=())


def points(box: Box, page: ReadPage) -> Rectangle:
    scale, up = 72 / page.dpi, page.height * 72 / page.dpi
    return box.left * scale, up - box.bottom * scale, box.right * scale, up - box.top * scale


def overlap(one: Rectangle, other: Rectangle) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def box_at(left: int, top: int, width: int, height: int) -> Box:
    return Box(left=left, top=top, right=left + width, bottom=top + height)


def line(box: Box) -> Line:
    return Line(words=(Word(text="chữ", box=box, confidence=1.0),), box=box)


def test_on_an_empty_page_they_stand_in_the_two_upper_corners(page: ReadPage) -> None:
    across, up = page.width * 72 / page.dpi, page.height * 72 / page.dpi
    left, _ = place(page, GROUPS, right=False)
    right, shape = place(page, GROUPS, right=True, taken=[left])
    assert left[0] < 30 and up - left[3] < 30
    assert across - right[2] < 30 and up - right[3] < 30
    assert shape.size == 10
    assert not overlap(left, right)


boxes = st.builds(
    box_at,
    st.integers(0, A4[0] - 40),
    st.integers(0, A4[1] // 2),
    st.integers(20, 700),
    st.integers(20, 300),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    words=st.lists(boxes, max_size=12),
    codes=st.lists(boxes, max_size=2),
    seals=st.lists(boxes, max_size=3),
    right=st.booleans(),
)
def test_they_cover_no_word_code_seal_or_ink(
    page: ReadPage, words: list[Box], codes: list[Box], seals: list[Box], right: bool
) -> None:
    """The lower half of the page is free, so there is always a place."""
    full = replace(
        page,
        lines=tuple(line(box) for box in words),
        barcodes=tuple(Barcode(text="x", format="QRCode", box=box) for box in codes),
        regions=tuple(Region(kind=RegionKind.RED_SEAL, box=box) for box in seals),
    )
    first, _ = place(full, GROUPS, right=not right)
    found, _ = place(full, GROUPS, right=right, taken=[first])
    across, up = page.width * 72 / page.dpi, page.height * 72 / page.dpi
    assert found[0] >= 0 and found[1] >= 0 and found[2] <= across and found[3] <= up
    assert not overlap(found, first)
    for box in (*words, *codes, *seals):
        assert not overlap(found, points(box, full))


def test_smaller_text_is_taken_before_it_leaves_the_upper_part(page: ReadPage) -> None:
    rows = tuple(line(box_at(0, top, A4[0], 40)) for top in range(130, A4[1], 60))
    found, shape = place(replace(page, lines=rows), GROUPS, right=True)
    assert shape.size < 10
    assert page.height * 72 / page.dpi - found[3] < 50


@pytest.mark.parametrize("size", [A4, (200, 200), (40, 3000), (3000, 40), (1, 1)])
def test_page_without_any_room_still_gets_one_inside_it(page: ReadPage, size: tuple[int, int]) -> None:
    full = replace(page, width=size[0], height=size[1], lines=(line(box_at(0, 0, *size)),))
    found, _ = place(full, GROUPS, right=True)
    across, up = size[0] * 72 / page.dpi, size[1] * 72 / page.dpi
    assert 0 <= found[0] < found[2] and found[1] < found[3] <= up + 1
    assert found[0] <= across


def test_in_the_signed_file_they_are_where_nothing_is_printed(
    document: Document, pki: DemoPki, tmp_path: Path
) -> None:
    made = make_signer(pki, Level.B).sign(document, tmp_path / "signed.pdf")
    with made.pdf.path.open("rb") as stream:
        notes = PdfFileReader(stream).root["/Pages"]["/Kids"][0]["/Annots"]
        places = [tuple(float(edge) for edge in note.get_object()["/Rect"]) for note in notes]
    assert len(places) == 2
    page = document.pages[0]
    for found in places:
        for printed in page.lines:
            for word in printed.words:
                assert not overlap(found, points(word.box, page)), word.text  # type: ignore[arg-type]
    officer, agency = places
    assert officer[0] < agency[0]


def test_text_is_broken_to_fit_and_never_lost() -> None:
    for group in GROUPS:
        for shape in group:
            assert " ".join(shape.lines).split() == " ".join(LINES).split()
            assert all(FONT.width(text, shape.size) <= shape.width for text in shape.lines)


def test_font_has_the_name_of_the_officer() -> None:
    font = Lettering().program(OFFICER)
    assert all(font.glyphs[sign] > 0 and font.advances[sign] > 0 for sign in OFFICER)
