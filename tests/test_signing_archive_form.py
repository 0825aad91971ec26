"""What an auditor is told about a file's form, on our own files, on others', and on hostile ones."""

from __future__ import annotations

import io
import random
import time
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pikepdf
import pytest
from pikepdf import Name
from PIL import Image

from pipeline.model import Document, Level, SignedDocument
from pipeline.pdf.archive import write_archive_pdf
from signing.archive_form import archive_form
from tests.papers import CAPTURED, TEXT, make_page, write_scan
from tests.raster_samples import add_scan, add_text, jpeg, marked

NAME = "000.00.19.H26-260305-0001.3.pdf"


def test_archive_file_shows_all_that_the_rules_ask(document: Document) -> None:
    assert archive_form(document.pdf.path, name=NAME) == {
        "pdfa": "2b", "dpi": 200, "colour": "24-bit", "text_layer": True, "name": True, "pages": 2,
    }  # fmt: skip


def test_signing_changes_none_of_it(document: Document, signed: Callable[[Level], SignedDocument]) -> None:
    before = archive_form(document.pdf.path, name=NAME)
    assert archive_form(signed(Level.LTA).pdf.path, name=NAME) == before


def test_bitonal_pages_are_called_so(tmp_path: Path) -> None:
    with pikepdf.new() as pdf:
        rows = zlib.compress(b"\xff" * (207 * 2339))
        add_scan(
            pdf, rows, width=1654, height=2339,
            ColorSpace=Name.DeviceGray, BitsPerComponent=1, Filter=Name.FlateDecode,
        )  # fmt: skip
        pdf.save(tmp_path / "out.pdf")
    found = archive_form(tmp_path / "out.pdf", name="out.pdf")
    assert found is not None
    assert (found["colour"], found["dpi"], found["name"]) == ("bitonal", 200, False)


def test_bitonal_scan_is_archived_in_24_bits(tmp_path: Path) -> None:
    image, lines = write_scan(tmp_path, TEXT, bitonal=True)
    out = tmp_path / "out.pdf"
    write_archive_pdf([make_page(image, lines)], out, title="x", agency="x", identifier="x", created=CAPTURED)
    found = archive_form(out, name=out.name)
    assert found is not None
    assert (found["colour"], found["dpi"]) == ("24-bit", 200)


def test_worst_page_counts_for_resolution_and_colour(document: Document, tmp_path: Path) -> None:
    buffer, out = io.BytesIO(), tmp_path / "out.pdf"
    Image.new("L", (827, 1169), 255).save(buffer, "JPEG")
    with pikepdf.open(document.pdf.path) as pdf:
        add_scan(pdf, buffer.getvalue(), width=827, height=1169, ColorSpace=Name.DeviceGray)
        pdf.save(out)
    found = archive_form(out, name=out.name)
    assert found is not None
    assert (found["colour"], found["dpi"], found["text_layer"]) == ("grey", 100, True)


def test_picture_that_contradicts_its_description_gives_no_guess(tmp_path: Path) -> None:
    buffer, out = io.BytesIO(), tmp_path / "out.pdf"
    Image.new("L", (827, 1169), 255).save(buffer, "JPEG")
    with pikepdf.new() as pdf:
        add_scan(pdf, buffer.getvalue(), width=827, height=1169, ColorSpace=Name.DeviceRGB)
        pdf.save(out)
    found = archive_form(out, name=out.name)
    assert found is not None
    assert found["colour"] is None


def test_scan_without_text_and_without_pdfa_says_so(tmp_path: Path) -> None:
    with pikepdf.new() as pdf:
        add_scan(pdf, jpeg(marked()), width=413, height=585)
        pdf.save(tmp_path / "plain.pdf")
    found = archive_form(tmp_path / "plain.pdf", name="plain.pdf")
    assert found is not None
    assert (found["pdfa"], found["text_layer"], found["dpi"]) == (None, False, 50)


def test_picture_inside_a_form_counts_at_its_size_on_the_page(tmp_path: Path) -> None:
    with pikepdf.new() as pdf:
        page = add_scan(pdf, jpeg(marked()), width=413, height=585)
        form = pdf.make_stream(
            b"q 1 0 0 1 0 0 cm /Im0 Do Q",
            Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.Form, BBox=[0, 0, 1, 1], Resources=page.obj.Resources,
        )  # fmt: skip
        page.obj.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Fm0=form))
        page.obj.Contents = pdf.make_stream(b"q 297.638 0 0 420.945 0 0 cm /Fm0 Do Q")
        pdf.save(tmp_path / "form.pdf")
    found = archive_form(tmp_path / "form.pdf", name="form.pdf")
    assert found is not None
    assert found["dpi"] == 100


def test_born_digital_page_has_text_and_no_resolution(tmp_path: Path) -> None:
    with pikepdf.new() as pdf:
        add_text(pdf, "Uy ban nhan dan")
        pdf.save(tmp_path / "text.pdf")
    found = archive_form(tmp_path / "text.pdf", name="text.pdf")
    assert found is not None
    assert (found["text_layer"], found["dpi"], found["colour"]) == (True, None, None)


@pytest.mark.parametrize(
    ("name", "fits"),
    [
        ("H49.64.33.2001.160.1.pdf", True),
        ("000.00.19.H26-260305-0001.12.PDF", True),
        ("scan0001.pdf", False),
        ("Đơn đề nghị.1.pdf", False),
        ("H26-1.pdf", False),
        ("../H26-260305-0001.1.pdf", False),
        ("d_0123456789abcdef0123", None),
    ],
)
def test_file_name_is_judged_by_its_form(document: Document, name: str, fits: bool | None) -> None:
    found = archive_form(document.pdf.path, name=name)
    assert found is not None
    assert found["name"] is fits


@pytest.mark.parametrize(
    ("packet", "claim"),
    [
        (b'<rdf:Description pdfaid:part="1" pdfaid:conformance="A"/>', "1a"),
        (b"<pdfaid:part>3</pdfaid:part><pdfaid:conformance>u</pdfaid:conformance>", "3u"),
        (b"<pdfaid:part>4</pdfaid:part>", "4"),
        ('<x pdfaid:part="2" pdfaid:conformance="B"/>'.encode("utf-16"), "2b"),
        (b"<x>nothing of the kind</x>", None),
        (b"", None),
    ],
)
def test_claim_of_pdfa_is_read_in_every_spelling(tmp_path: Path, packet: bytes, claim: str | None) -> None:
    for packed in (False, True):
        with pikepdf.new() as pdf:
            add_text(pdf, "x")
            pdf.Root.Metadata = pdf.make_stream(packet)
            pdf.save(tmp_path / "claim.pdf", compress_streams=packed, fix_metadata_version=False)
        found = archive_form(tmp_path / "claim.pdf", name="claim.pdf")
        assert found is not None
        assert found["pdfa"] == claim


def test_bomb_in_the_metadata_is_not_opened(tmp_path: Path) -> None:
    bomb = zlib.compress(b" " * (100 << 20), 9)
    with pikepdf.new() as pdf:
        add_text(pdf, "x")
        pdf.Root.Metadata = pdf.make_stream(b"")
        pdf.Root.Metadata.write(bomb, filter=pikepdf.Name.FlateDecode)
        pdf.save(tmp_path / "bomb.pdf", fix_metadata_version=False)
    began = time.monotonic()
    assert archive_form(tmp_path / "bomb.pdf", name="bomb.pdf") is None
    assert time.monotonic() - began < 2


def test_out_of_time_gives_no_guess(document: Document) -> None:
    found = archive_form(document.pdf.path, name=NAME, seconds=-1)
    assert found is not None
    assert (found["dpi"], found["colour"], found["pages"]) == (None, None, 2)


@pytest.mark.parametrize(
    "content",
    [b"", b"%PDF-1.7", b"no pdf at all", b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>"],
)
def test_file_that_nobody_opens_has_no_form(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.pdf").write_bytes(content)
    found = archive_form(tmp_path / "x.pdf", name="x.pdf")
    assert found is None or found["pages"] == 0


def test_damaged_files_never_raise(signed: Callable[[Level], SignedDocument], tmp_path: Path) -> None:
    content, draw = signed(Level.B).pdf.path.read_bytes(), random.Random(5)
    for turn in range(40):
        damaged = bytearray(content)
        for _ in range(draw.choice((1, 20, 400))):
            damaged[draw.randrange(len(damaged))] = draw.randrange(256)
        path = tmp_path / f"{turn}.pdf"
        path.write_bytes(damaged[: draw.randrange(len(damaged))] if turn % 4 == 0 else damaged)
        found = archive_form(path, name=path.name)
        assert found is None or set(found) == {"pdfa", "dpi", "colour", "text_layer", "name", "pages"}


def test_page_of_no_size_or_a_picture_of_no_size_is_survived(document: Document, tmp_path: Path) -> None:
    page = replace(document.pages[0], lines=())
    out = tmp_path / "flat.pdf"
    write_archive_pdf([page], out, title="x", agency="x", identifier="x", created=CAPTURED)
    with pikepdf.open(out, allow_overwriting_input=True) as pdf:
        pdf.pages[0].obj.Contents = pdf.make_stream(b"q 0 0 0 0 0 0 cm /Im0 Do Q q 1 0 0 0 0 0 cm /Im0 Do Q")
        pdf.pages[0].obj.MediaBox = pikepdf.Array([0, 0, 0, 0])
        pdf.save(out)
    found = archive_form(out, name=out.name)
    assert found is not None
    assert found["dpi"] is None
