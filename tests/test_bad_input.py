"""Hostile and broken input: set aside with a true reason, the rest goes on, nothing is lost, memory stays bounded."""

from __future__ import annotations

import os
import struct
import subprocess
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name, String
from PIL import Image

from tests.home_in_use import SCANS, Answer, Home

GOOD = SCANS / "chong-2" / "scan-01.jpg"
CODE = "H38.20-261002-0007"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    place = Home(tmp_path_factory.mktemp("bad") / "h", {"SOHOA_LIMITS_PAGE_SECONDS": "8"})
    yield place
    place.run("down")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one good scan among everything that is wrong."""
    folder = tmp_path_factory.mktemp("chong")
    good = GOOD.read_bytes()
    (folder / "a-tot.jpg").write_bytes(good)
    (folder / "b-rong.jpg").write_bytes(b"")
    (folder / "c-cut.jpg").write_bytes(good[: len(good) // 2])
    (folder / "d-chu.pdf").write_text("xin chào, đây là văn bản")
    (folder / "g-to.png").write_bytes(huge_png(60_000))
    whole = scan_pdf(folder / "e-cut.pdf")
    (folder / "e-cut.pdf").write_bytes(whole[: len(whole) // 2])
    locked = pikepdf.new()
    locked.add_blank_page()
    locked.save(folder / "h-mat-khau.pdf", encryption=pikepdf.Encryption(owner="a", user="b"))
    scripted = pikepdf.new()
    scripted.add_blank_page()
    scripted.Root.OpenAction = Dictionary(S=Name.JavaScript, JS=String("while(1){}"))
    scripted.save(folder / "i-js.pdf")
    (folder / "k-vong.pdf").write_bytes(
        b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
        b"2 0 obj<</Type/Pages/Count 1000000/Kids[2 0 R 3 0 R]>>endobj\n"
        b"3 0 obj<</Type/Pages/Count 5/Parent 2 0 R/Kids[2 0 R 3 0 R]>>endobj\n"
        b"trailer<</Root 1 0 R/Size 4>>\n%%EOF\n"
    )
    endless_page(folder / "l-vo-tan.pdf")
    (folder / "m-lien-ket.jpg").symlink_to("/etc/passwd")
    os.mkfifo(folder / "n-ong.jpg")
    return folder


def huge_png(side: int) -> bytes:
    """A white one-bit picture, tiny as a file, gigabytes in memory."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    packer = zlib.compressobj(9)
    row = b"\0" + b"\xff" * (side // 8)
    data = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def scan_pdf(path: Path) -> bytes:
    Image.open(GOOD).save(path, "PDF", resolution=200)
    return path.read_bytes()


def endless_page(path: Path) -> None:
    """A page that takes minutes to draw."""
    pdf = pikepdf.new()
    pdf.add_blank_page(page_size=(595, 842))
    pdf.pages[0].Contents = pdf.make_stream(b"0 0 m 500 500 l S 3 3 m 9 700 l S " * 4_000_000)
    pdf.save(path, compress_streams=True)


@pytest.fixture(scope="module")
def taken(home: Home, stack: Path) -> Answer:
    return home.run("ingest", str(stack), "--dossier", CODE)


def pages(answer: Answer) -> dict[str, dict[str, Any]]:
    return {Path(p["source"]).name: p for batch in answer.document["batches"] for p in batch["pages"]}


@pytest.mark.parametrize(
    ("name", "vietnamese", "english"),
    [
        ("b-rong.jpg", "rỗng", "empty"),
        ("c-cut.jpg", "bị cắt cụt", "cut off"),
        ("d-chu.pdf", "văn bản thuần", "plain text"),
        ("e-cut.pdf", "bị cắt cụt", "cut off"),
        ("g-to.png", "quá lớn", "60000 x 60000"),
        ("h-mat-khau.pdf", "mật khẩu", "password"),
        ("i-js.pdf", "JavaScript", "JavaScript"),
        ("k-vong.pdf", "lặp vô tận", "circle"),
        ("l-vo-tan.pdf", "8 giây", "8 s"),
        ("m-lien-ket.jpg", "liên kết", "symbolic link"),
        ("n-ong.jpg", "Không phải tệp thường", "not a regular file"),
    ],
)
def test_bad_input_is_set_aside_with_its_reason(
    taken: Answer, name: str, vietnamese: str, english: str
) -> None:
    page = pages(taken)[name]
    assert page["state"] == "rejected" and page["documents"] == []
    assert vietnamese in page["reason"] and english in page["reason"]


def test_the_rest_of_the_batch_goes_on(taken: Answer, stack: Path) -> None:
    assert taken.code == 1
    assert pages(taken)["a-tot.jpg"]["state"] == "stored"
    assert len(pages(taken)) == len(list(stack.iterdir()))


def test_the_originals_stay_and_a_copy_is_kept(home: Home, taken: Answer, stack: Path) -> None:
    assert (stack / "c-cut.jpg").exists() and (stack / "m-lien-ket.jpg").is_symlink()
    landed = {key.rpartition("/")[2] for key in home.bucket().keys("q/")}
    for name in ("b-rong.jpg", "c-cut.jpg", "d-chu.pdf", "g-to.png", "k-vong.pdf"):
        assert pages(taken)[name]["source_sha256"] in landed, name


def test_nothing_but_bad_input_ends_with_3(home: Home, tmp_path: Path) -> None:
    (tmp_path / "x.pdf").write_text("không phải PDF")
    assert home.run("ingest", str(tmp_path / "x.pdf")).code == 3


def test_a_page_tree_that_lies_and_a_picture_bomb_inside_a_pdf_are_refused(
    home: Home, tmp_path: Path
) -> None:
    pdf = pikepdf.new()
    pdf.add_blank_page(page_size=(595, 842))
    packer = zlib.compressobj(9)
    data = b"".join(packer.compress(b"\0" + b"\xff" * 7500) for _ in range(60_000)) + packer.flush()
    bomb = pdf.make_stream(
        data, Type=Name.XObject, Subtype=Name.Image, Width=60_000, Height=60_000, BitsPerComponent=1,
        ColorSpace=Name.DeviceGray, Filter=Name.FlateDecode,
        DecodeParms=Dictionary(Predictor=15, Columns=60_000),
    )  # fmt: skip
    pdf.pages[0].Resources = Dictionary(XObject=Dictionary(Im0=bomb))
    pdf.pages[0].Contents = pdf.make_stream(b"q 595 0 0 842 0 0 cm /Im0 Do Q")
    pdf.save(tmp_path / "bom.pdf", stream_decode_level=pikepdf.StreamDecodeLevel.none)
    wide = pikepdf.new()
    wide.add_blank_page()
    wide.pages[0].MediaBox = Array([0, 0, 1_440_000, 1_440_000])
    wide.save(tmp_path / "rong.pdf")
    found = pages(home.run("ingest", str(tmp_path)))
    assert {page["state"] for page in found.values()} == {"rejected"}
    assert "quá lớn" in found["bom.pdf"]["reason"] and "vô lý" in found["rong.pdf"]["reason"]


def test_a_nearly_full_disk_takes_nothing_and_loses_nothing(tmp_path: Path) -> None:
    home = Home(tmp_path / "h", {"SOHOA_LIMITS_FREE_DISK_MB": str(10**9)})
    answer = home.run("ingest", str(GOOD))
    home.run("down")
    assert answer.code == 4 and "đầy" in answer.log
    assert GOOD.exists()


@pytest.mark.slow
def test_a_folder_without_rights_is_named_and_the_others_go_on(tmp_path: Path) -> None:
    closed, opened = tmp_path / "kin", tmp_path / "mo"
    for folder in (closed, opened):
        folder.mkdir()
        (folder / f"{folder.name}.jpg").write_bytes(GOOD.read_bytes())
    closed.chmod(0)
    mortal = ("setpriv", "--bounding-set=-dac_override,-dac_read_search") if os.geteuid() == 0 else ()
    home = Home(tmp_path / "h", prefix=mortal)
    try:
        answer = home.run("ingest", str(closed), str(opened), "--dossier", CODE)
    finally:
        home.run("down")
        closed.chmod(0o700)
    found = pages(answer)
    assert answer.code == 1
    assert found["kin"]["state"] == "rejected" and "quyền" in found["kin"]["reason"]
    assert found["mo.jpg"]["state"] == "stored"


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount a small disk")
def test_a_disk_that_fills_up_in_the_middle_pauses_the_work_and_loses_nothing(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=200m", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting is not allowed here")
    home = Home(disk / "h", {"SOHOA_LIMITS_FREE_DISK_MB": "0"})
    try:
        home.run("doctor")
        stack = SCANS / "chong-1"
        room = os.statvfs(disk)
        (disk / "day").write_bytes(bytes(room.f_bavail * room.f_frsize - 2_200_000))
        first = home.run("ingest", str(stack))
        assert first.code == 4, first.document
        (disk / "day").unlink()
        again = home.run("retry") if "batches" in first.document else home.run("ingest", str(stack))
        assert again.code in (0, 1)
        last = home.run("ingest", str(stack))
        assert last.code == 0
        assert {page["state"] for b in last.document["batches"] for page in b["pages"]} == {
            "stored",
            "separator",
            "blank",
        }
        assert home.run("verify", "--all").code == 0
    finally:
        home.run("down")
        subprocess.run(["umount", str(disk)], check=True)
