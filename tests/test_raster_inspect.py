from __future__ import annotations

import hashlib
import struct
import zlib
from pathlib import Path
from typing import Any

import pikepdf
import pypdfium2
import pytest
from pikepdf import Array, Dictionary, Name, String
from PIL import Image

from pipeline.model import Origin
from pipeline.raster.inspect import inspect_file
from pipeline.raster.limits import RasterLimits
from tests.raster_samples import (
    LIMITS,
    add_scan,
    add_text,
    jpeg,
    look,
    marked,
    save_image,
    save_pdf,
    source,
)

LONG_TEXT = "Kinh gui Uy ban nhan dan tinh, don de nghi cap giay chung nhan"


def refusal(path: Path, limits: RasterLimits = LIMITS) -> str:
    """The reason of the one page that a refused file is."""
    (page,) = look(path, limits)
    assert page.source == str(path)
    assert page.reason is not None
    return page.reason


def scanned_pdf(path: Path, pages: int = 1) -> Path:
    pdf = pikepdf.new()
    for _ in range(pages):
        add_scan(pdf, jpeg(marked()), width=413, height=585)
    return save_pdf(pdf, path)


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif", "a.jp2", "a.bmp", "a.webp"])
def test_every_image_format_is_one_side(tmp_path: Path, name: str) -> None:
    (page,) = look(save_image(tmp_path / name))
    assert page.reason is None
    assert page.origin is Origin.CAPTURED
    assert (page.number, page.index, page.source) == (1, 0, str(tmp_path / name))


def test_the_content_tells_the_format_not_the_name(tmp_path: Path) -> None:
    path = save_image(tmp_path / "really-a.png", format="JPEG")
    assert look(path)[0].reason is None


def test_page_id_comes_from_batch_index_source_and_content(tmp_path: Path) -> None:
    path = save_image(tmp_path / "a.png")
    file = source(path)
    (page,) = inspect_file(file, batch="b_1", first_index=3, limits=LIMITS)
    expected = hashlib.sha256(f"b_1\n3\n{path}\n{file.blob.sha256}".encode()).hexdigest()[:20]
    assert (page.id, page.index) == ("p_" + expected, 3)
    assert inspect_file(file, batch="b_2", first_index=3, limits=LIMITS)[0].id != page.id


def test_each_page_of_a_tiff_is_a_side_and_its_preview_is_not(tmp_path: Path) -> None:
    path = tmp_path / "stack.tif"
    pictures = [Image.fromarray(marked(100 + n, 150)) for n in range(3)]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], compression="tiff_lzw")
    assert [page.source for page in look(path)] == [f"{path}#{n}" for n in (1, 2, 3)]

    preview = Image.fromarray(marked(20, 30))
    preview.encoderinfo = {"tiffinfo": {254: 1}}
    pictures[0].save(path, save_all=True, append_images=[preview, pictures[1]])
    assert len(look(path)) == 2


def test_an_empty_file_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(b"")
    assert "rỗng" in refusal(path) and "empty" in refusal(path)


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif", "a.jp2", "a.bmp", "a.webp"])
@pytest.mark.parametrize("share", [0.4, 0.98])
def test_a_cut_off_image_says_so(tmp_path: Path, name: str, share: float) -> None:
    options: dict[str, Any] = {"compression": "tiff_lzw"} if name == "a.tif" else {}
    path = save_image(tmp_path / name, **options)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    assert "bị cắt cụt" in refusal(path) and "cut off" in refusal(path)


def test_a_jpeg_with_bytes_behind_its_end_is_whole(tmp_path: Path) -> None:
    path = save_image(tmp_path / "a.jpg")
    path.write_bytes(path.read_bytes() + b"maker's trailer" * 1000)
    assert look(path)[0].reason is None


@pytest.mark.parametrize("share", [0.3, 0.6, 0.98])
def test_a_cut_off_pdf_says_so_and_is_not_mended_in_silence(tmp_path: Path, share: float) -> None:
    path = scanned_pdf(tmp_path / "a.pdf", pages=3)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    assert "bị cắt cụt" in refusal(path) and "cut off" in refusal(path)


def test_a_pdf_with_a_wrong_cross_reference_table_is_mended(tmp_path: Path) -> None:
    path = scanned_pdf(tmp_path / "a.pdf", pages=2)
    content = path.read_bytes()
    at = content.rindex(b"startxref") + 10
    path.write_bytes(content[:at] + b"7" + content[at + 1 :])
    assert [page.reason for page in look(path)] == [None, None]


def test_a_text_file_named_pdf_says_so(tmp_path: Path) -> None:
    path = tmp_path / "đơn.pdf"
    path.write_text("Đây chỉ là văn bản", "utf-8")
    assert "văn bản thuần" in refusal(path) and "plain text" in refusal(path)


@pytest.mark.parametrize(
    ("head", "said"),
    [(b"PK\x03\x04" + b"x" * 50, "Office"), (b"\0" * 90, "byte 0"), (b"\0\0\0\x18ftypheic" + b"\0" * 9, "HEIC"),
     (bytes(range(255, 0, -1)), "không rõ")],
)  # fmt: skip
def test_a_foreign_file_is_named(tmp_path: Path, head: bytes, said: str) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(head)
    assert said in refusal(path)


def test_a_password_is_asked_for_only_when_one_is_needed(tmp_path: Path) -> None:
    pdf = pikepdf.new()
    add_scan(pdf, jpeg(marked()), width=413, height=585)
    locked = save_pdf(pdf, tmp_path / "l.pdf", encryption=pikepdf.Encryption(owner="o", user="u"))
    owned = save_pdf(pdf, tmp_path / "o.pdf", encryption=pikepdf.Encryption(owner="o", user=""))
    assert "mật khẩu" in refusal(locked) and "password" in refusal(locked)
    assert look(owned)[0].reason is None


def huge_png(path: Path, side: int) -> Path:
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 99))
        + chunk(b"IEND", b"")
    )
    return path


def test_sixty_thousand_pixels_square_is_refused_by_its_header(tmp_path: Path) -> None:
    reason = refusal(huge_png(tmp_path / "a.png", 60_000))
    assert "Ảnh quá lớn: 60000 x 60000" in reason
    assert "60000 x 60000 pixels" in reason


def test_an_a0_sheet_at_200_dpi_and_an_a3_sheet_at_600_pass(tmp_path: Path) -> None:
    assert all(area <= LIMITS.max_pixels for area in (6622 * 9362, 7016 * 9921))
    assert look(huge_png(tmp_path / "a.png", 9_921))[0].reason is None


def test_one_oversize_page_of_a_tiff_does_not_take_the_others_along(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    Image.fromarray(marked(50, 50)).save(
        path, save_all=True, append_images=[Image.fromarray(marked(500, 500))]
    )
    reasons = [page.reason for page in look(path, RasterLimits(max_pixels=10_000))]
    assert reasons[0] is None
    assert reasons[1] is not None and "500 x 500" in reasons[1]


def test_a_tiff_whose_pages_run_in_a_circle_ends(tmp_path: Path) -> None:
    path = save_image(tmp_path / "a.tif")
    content = bytearray(path.read_bytes())
    (first,) = struct.unpack_from("<I", content, 4)
    (count,) = struct.unpack_from("<H", content, first)
    struct.pack_into("<I", content, first + 2 + 12 * count, first)
    path.write_bytes(content)
    assert "bị hỏng" in refusal(path)


def test_too_many_pages_are_refused(tmp_path: Path) -> None:
    pdf = pikepdf.new()
    for _ in range(12):
        pdf.add_blank_page()
    path = save_pdf(pdf, tmp_path / "a.pdf")
    assert "Quá 11 trang" in refusal(path, RasterLimits(max_pages=11))
    assert len(look(path, RasterLimits(max_pages=12))) == 12


def test_a_page_tree_in_a_circle_ends(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(
        b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
        b"2 0 obj<</Type/Pages/Count 9/Kids[3 0 R 2 0 R]>>endobj\n"
        b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>endobj\n"
        b"trailer<</Root 1 0 R/Size 4>>\n%%EOF\n"
    )
    assert "lặp vô tận" in refusal(path) and "circle" in refusal(path)


def test_a_page_tree_that_multiplies_ends(tmp_path: Path) -> None:
    """Ten nodes of ten references each to the next would be ten thousand million pages."""
    objects = [b"1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj"]
    for number in range(2, 12):
        kids = b" ".join(b"%d 0 R" % (number + 1) for _ in range(10))
        objects.append(b"%d 0 obj<</Type/Pages/Count 10/Kids[%s]>>endobj" % (number, kids))
    objects.append(b"12 0 obj<</Type/Page/MediaBox[0 0 9 9]>>endobj")
    path = tmp_path / "a.pdf"
    path.write_bytes(b"%PDF-1.4\n" + b"\n".join(objects) + b"\ntrailer<</Root 1 0 R/Size 13>>\n%%EOF\n")
    assert "lặp vô tận" in refusal(path)


def test_a_pdf_without_pages_says_so(tmp_path: Path) -> None:
    path = save_pdf(pikepdf.new(), tmp_path / "a.pdf")
    assert "không có trang" in refusal(path) and "no pages" in refusal(path)


def test_a_pdf_that_lost_pages_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(
        b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Count 3/Kids[3 0 R]>>endobj\n"
        b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>endobj\ntrailer<</Root 1 0 R/Size 4>>\n%%EOF\n"
    )
    assert "3 trang" in refusal(path)


def test_a_pdf_with_javascript_is_refused_and_no_engine_is_there_to_run_it(tmp_path: Path) -> None:
    pdf = pikepdf.new()
    add_scan(pdf, jpeg(marked()), width=413, height=585)
    pdf.Root.OpenAction = Dictionary(S=Name.JavaScript, JS=String("while (true) {}"))
    assert "JavaScript" in refusal(save_pdf(pdf, tmp_path / "a.pdf"))
    assert "V8" not in pypdfium2.PDFIUM_INFO.flags


def test_a_script_that_hides_in_a_page_or_a_name_tree_is_found(tmp_path: Path) -> None:
    pdf = pikepdf.new()
    add_scan(pdf, jpeg(marked()), width=413, height=585)
    pdf.pages[0].obj.AA = Dictionary(O=Dictionary(S=Name.JavaScript, JS=pdf.make_stream(b"app.alert(1)")))
    assert "JavaScript" in refusal(save_pdf(pdf, tmp_path / "page.pdf"))

    pdf = pikepdf.new()
    add_scan(pdf, jpeg(marked()), width=413, height=585)
    action = pdf.make_indirect(Dictionary(S=Name.JavaScript, JS=String("app.alert(1)")))
    pdf.Root.Names = Dictionary(JavaScript=Dictionary(Names=Array([String("mo"), action])))
    assert "JavaScript" in refusal(save_pdf(pdf, tmp_path / "names.pdf"))


def test_a_signed_pdf_is_incoming_signed_on_every_page(tmp_path: Path) -> None:
    pdf = pikepdf.new()
    for _ in range(2):
        add_scan(pdf, jpeg(marked()), width=413, height=585)
    empty = pdf.make_indirect(Dictionary(FT=Name.Sig, T=String("chua ky")))
    pdf.Root.AcroForm = Dictionary(Fields=Array([empty]), SigFlags=3)
    assert {page.origin for page in look(save_pdf(pdf, tmp_path / "u.pdf"))} == {Origin.CAPTURED}

    value = Dictionary(Type=Name.Sig, Contents=String(b"\x30\x00"), ByteRange=Array([0, 1, 2, 3]))
    parent = pdf.make_indirect(Dictionary(T=String("nhom"), Kids=Array([Dictionary(FT=Name.Sig, V=value)])))
    pdf.Root.AcroForm.Fields.append(parent)
    signed = look(save_pdf(pdf, tmp_path / "s.pdf"))
    assert [page.origin for page in signed] == [Origin.INCOMING_SIGNED] * 2


def test_a_signature_that_only_a_page_knows_of_is_found(tmp_path: Path) -> None:
    pdf = pikepdf.new()
    page = add_text(pdf, LONG_TEXT)
    pdf.Root.AcroForm = Dictionary(Fields=Array([]))
    value = Dictionary(Type=Name.Sig, Contents=String(b"\x30\x00"))
    page.obj.Annots = Array([Dictionary(Subtype=Name.Widget, FT=Name.Sig, V=value, Rect=[0, 0, 0, 0])])
    assert look(save_pdf(pdf, tmp_path / "a.pdf"))[0].origin is Origin.INCOMING_SIGNED


def test_text_of_its_own_makes_a_pdf_born_digital(tmp_path: Path) -> None:
    pdf = pikepdf.new()
    add_text(pdf, LONG_TEXT)
    pdf.add_blank_page()
    assert {page.origin for page in look(save_pdf(pdf, tmp_path / "a.pdf"))} == {Origin.BORN_DIGITAL}

    add_scan(pdf, jpeg(marked()), width=413, height=585)
    assert {page.origin for page in look(save_pdf(pdf, tmp_path / "b.pdf"))} == {Origin.CAPTURED}


@pytest.mark.parametrize("mode", [0, 3])
def test_an_earlier_reading_over_a_scan_does_not_make_it_born_digital(tmp_path: Path, mode: int) -> None:
    pdf = pikepdf.new()
    layer = f"BT {mode} Tr /F1 9 Tf 20 20 Td ({LONG_TEXT}) Tj ET".encode()
    add_scan(pdf, jpeg(marked()), width=413, height=585, extra=layer)
    assert look(save_pdf(pdf, tmp_path / "a.pdf"))[0].origin is Origin.CAPTURED


def test_a_scan_in_strips_inside_a_form_is_captured(tmp_path: Path) -> None:
    pdf = pikepdf.new()
    page = add_scan(
        pdf,
        jpeg(marked()),
        width=413,
        height=585,
        extra=b"BT /F1 9 Tf 9 9 Td (%s) Tj ET" % LONG_TEXT.encode(),
    )
    form = pdf.make_stream(
        b"q 100 0 0 50 0 0 cm /Im0 Do Q q 100 0 0 50 0 50 cm /Im0 Do Q",
        Type=Name.XObject, Subtype=Name.Form, BBox=[0, 0, 100, 100], Matrix=[5.95, 0, 0, 8.42, 0, 0],
        Resources=page.obj.Resources,
    )  # fmt: skip
    page.obj.Resources = Dictionary(XObject=Dictionary(Fm0=form), Font=page.obj.Resources.Font)
    page.obj.Contents = pdf.make_stream(b"/Fm0 Do BT /F1 9 Tf 9 9 Td (%s) Tj ET" % LONG_TEXT.encode())
    assert look(save_pdf(pdf, tmp_path / "a.pdf"))[0].origin is Origin.CAPTURED


def test_a_file_that_could_not_be_taken_keeps_its_reason(tmp_path: Path) -> None:
    file = source(save_image(tmp_path / "a.png"))
    file = type(file)(source=file.source, blob=file.blob, reason="Không có quyền đọc (no rights)")
    (page,) = inspect_file(file, batch="b_1", first_index=0, limits=LIMITS)
    assert page.reason == "Không có quyền đọc (no rights)"
