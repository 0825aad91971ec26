"""A counter whose scanner program writes to a Windows share: every way such programs write, over real SMB."""

from __future__ import annotations

import hashlib
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pikepdf
import pytest
from PIL import Image

from tests.home_in_use import SCANS, Home, until
from tests.share_in_use import Writer, shared

pytestmark = pytest.mark.slow
CODE = "H38.20-261002-0061"
SHEETS = sorted((SCANS / "chong-2").iterdir())


@pytest.fixture(scope="module")
def counter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Home, Path, Writer]]:
    """A counter of its own, its folder on a share, watched by looking; bound to a dossier."""
    place = tmp_path_factory.mktemp("smb")
    folder = place / "quay-1"
    folder.mkdir()
    home = Home(place / "h", {"SOHOA_WATCH_QUIET": "0.6"})
    home.paths.make()
    home.paths.settings.write_text(f'[counter.quay-1]\nfolder = "{folder}"\npolling = true\n')
    with shared(folder, place / "smbd") as writer:
        assert home.run("counter", "quay-1", "--dossier", CODE).code == 0
        watcher = home.start("watch")
        try:
            yield home, folder, writer
        finally:
            watcher.send_signal(signal.SIGTERM)
            watcher.communicate(timeout=90)
            home.run("down")


def pages(home: Home, *names: str) -> list[tuple[str, str]]:
    """(name, state) of every side that came from these files, as the database has them."""
    with closing(sqlite3.connect(f"file:{home.paths.database}?mode=ro", uri=True)) as database:
        found = database.execute("select source, state from page order by batch, idx").fetchall()
    sides = [(Path(source).name, state) for source, state in found]
    return [(name, state) for name, state in sides if name.partition("#")[0] in names]


def digests(home: Home, name: str) -> list[str]:
    """SHA-256 of every file of this name that was taken in."""
    with closing(sqlite3.connect(f"file:{home.paths.database}?mode=ro", uri=True)) as database:
        found = database.execute("select source, source_sha256 from page").fetchall()
    return [digest for source, digest in found if Path(source).name == name]


def settled(home: Home, folder: Path, *names: str) -> bool:
    """Whether these files left the folder, as what is safe does."""
    return until(lambda: not any((folder / name).exists() for name in names), 120)


def test_single_pages_are_one_stack_of_the_bound_dossier(counter: tuple[Home, Path, Writer]) -> None:
    home, folder, writer = counter
    names = ["Đơn đề nghị 001.jpg", "Đơn đề nghị 002.jpg"]
    for sheet, name in zip(SHEETS[1:3], names, strict=True):
        writer.put(sheet, name)
    assert settled(home, folder, *names)
    (batch,) = [
        b for b in home.run("status", "--all").document["batches"] if "001.jpg" in b["pages"][0]["source"]
    ]
    assert [Path(page["source"]).name for page in batch["pages"]] == names
    assert {paper["dossier"] for paper in batch["documents"]} == {CODE}
    assert {page["state"] for page in batch["pages"]} == {"stored"}


def test_files_of_many_pages_are_taken_whole(counter: tuple[Home, Path, Writer], tmp_path: Path) -> None:
    home, folder, writer = counter
    small = [Image.open(sheet).convert("RGB").resize((1240, 1754)) for sheet in SHEETS[1:3]]
    small[0].save(
        tmp_path / "a.tif", save_all=True, append_images=small[1:], compression="jpeg", dpi=(150, 150)
    )
    small[1].save(tmp_path / "a.pdf", save_all=True, append_images=small[:1], resolution=150)
    writer.put(tmp_path / "a.tif", "Scan_0001.tif")
    writer.put(tmp_path / "a.pdf", "Scan_0002.pdf")
    assert settled(home, folder, "Scan_0001.tif", "Scan_0002.pdf")
    assert pages(home, "Scan_0001.tif") == [("Scan_0001.tif#1", "read"), ("Scan_0001.tif#2", "read")]
    found = pages(home, "Scan_0002.pdf")
    assert found == [("Scan_0002.pdf#1", "read"), ("Scan_0002.pdf#2", "read")]


def test_a_file_that_is_written_slowly_is_not_taken_before_its_end(
    counter: tuple[Home, Path, Writer],
) -> None:
    """Its writer rests longer than the quiet time after each piece."""
    home, folder, writer = counter
    content = SHEETS[3].read_bytes()
    slow = writer.put_slowly(SHEETS[3], "cham.jpg", piece=len(content) // 6, pause=1.3)
    sizes = set()
    while slow.poll() is None:
        if (folder / "cham.jpg").exists():
            sizes.add((folder / "cham.jpg").stat().st_size)
            if max(sizes) < len(content):
                assert pages(home, "cham.jpg") == []
        time.sleep(0.3)
    assert slow.returncode == 0 and len(sizes) >= 4, "it did grow in the folder"
    assert until(lambda: [state for _, state in pages(home, "cham.jpg")] not in ([], ["working"]), 120)
    (landed,) = digests(home, "cham.jpg")
    assert landed == hashlib.sha256(content).hexdigest(), "one side, taken once, whole"


def test_a_file_that_is_renamed_when_it_is_whole_is_taken_once_under_its_name(
    counter: tuple[Home, Path, Writer], tmp_path: Path
) -> None:
    home, folder, writer = counter
    with pikepdf.new() as one:  # a blank page: its state says that it was looked at
        one.add_blank_page(page_size=(595, 842))
        one.save(tmp_path / "b.pdf")
    writer.put(tmp_path / "b.pdf", "b.pdf.tmp")
    time.sleep(1.5)
    assert (folder / "b.pdf.tmp").exists() and pages(home, "b.pdf", "b.pdf.tmp") == []
    assert writer.run("rename b.pdf.tmp b.pdf")
    assert until(lambda: bool(pages(home, "b.pdf")), 60)
    assert settled(home, folder, "b.pdf") and pages(home, "b.pdf.tmp") == []
    assert len(pages(home, "b.pdf")) == 1
