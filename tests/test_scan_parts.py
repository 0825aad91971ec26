"""Stacks that a feeder cannot take in one go: turned by hand, mixed of feeder and glass, A3 in halves; and true size."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pikepdf
import pytest
from PIL import Image

from pipeline.files import blob_of
from pipeline.model import Blob, Origin, Page, ReadPage, Verdict
from pipeline.pdf.archive import write_archive_pdf
from pipeline.pdf.images import encode_faithful
from pipeline.raster.decode import decode
from pipeline.raster.limits import RasterLimits
from scanners.device import PAPERS, Wish
from scanners.feeding import Watcher, pull
from scanners.isolated import IsolatedDevice
from scanners.stack_folder import Job, StackFolder
from scanners.trouble import Trouble
from storage.batches import Batches
from storage.database import open_database, sqlite_url
from tests.home_in_use import SCANS, Home, until
from tests.scanner_in_use import FEEDER, PNM, configured, lay_down, needs_sane, picture, start_scan
from tests.verapdf import broken_rules

pytestmark = needs_sane


@pytest.fixture(autouse=True)
def sane(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANE_CONFIG_DIR", configured(tmp_path / "sane")["SANE_CONFIG_DIR"])


class Hand:
    """A person who lays sheets down one by one, and turns the stack or not."""

    def __init__(self, tray: Path, *passes: list[int]) -> None:
        self.tray, self.passes = tray, list(passes)
        self.left: list[int] = []

    def another(self, count: int) -> bool:
        if self.left:
            lay_down(self.tray, picture(self.left.pop(0)))
            return True
        return False

    def turned(self, fronts: int) -> bool:
        if not self.passes:
            return False
        self.left = self.passes.pop(0)
        return True

    def scan(self, stack: StackFolder) -> Trouble | None:
        if not self.left and self.passes:
            self.left = self.passes.pop(0)
        watcher = Watcher(on_side=lambda n, p: None, another=self.another, turned=self.turned)
        found = pull(IsolatedDevice(seconds=20), stack, watcher)
        return found.trouble if found else None


def begun(folder: Path, tray: Path, sheets: int | None = None) -> StackFolder:
    wish = Wish(device=PNM, format="png", options={"filename": str(tray)})
    return StackFolder.begin(folder / "scan", Job(wish=wish, sheets=sheets, by_hand=True))


def order(stack: StackFolder) -> list[int]:
    known = {picture(n).tobytes(): n for n in range(60)}
    return [known[np.array(Image.open(side.path)).tobytes()] for side, _ in stack.in_order()]


def again(folder: Path) -> StackFolder:
    """The stack as a new command finds it on the disk."""
    (stack,) = StackFolder.all(folder / "scan")
    return stack


def test_fronts_and_then_reversed_backs_lie_interleaved(tmp_path: Path) -> None:
    tray = tmp_path / "t.ppm"
    stack = begun(tmp_path, tray, sheets=3)
    assert Hand(tray, [1, 3, 5], [6, 4, 2]).scan(stack) is None
    assert order(again(tmp_path)) == [1, 2, 3, 4, 5, 6] and again(tmp_path).sides_due() == 6
    assert [role for _, role in stack.in_order()] == ["front", "back"] * 3


def test_a_stack_that_is_not_turned_yet_waits_and_goes_on_with_the_backs(tmp_path: Path) -> None:
    tray = tmp_path / "t.ppm"
    assert Hand(tray, [1, 3]).scan(begun(tmp_path, tray)) is Trouble.TURN
    assert Hand(tray, [4, 2]).scan(again(tmp_path)) is None
    assert order(again(tmp_path)) == [1, 2, 3, 4]


def test_halves_that_differ_are_both_kept_and_a_person_is_asked(tmp_path: Path) -> None:
    tray = tmp_path / "t.ppm"
    assert Hand(tray, [1, 3, 5], [6, 4]).scan(begun(tmp_path, tray)) is Trouble.HALVES
    assert order(again(tmp_path)) == [1, 3, 5, 6, 4], "nothing is guessed"
    assert again(tmp_path).sides_due() == 6 and again(tmp_path).job.sheets_in(5) == 3
    assert Hand(tray, [2]).scan(again(tmp_path)) is None, "the feeder had ended early"
    assert order(again(tmp_path)) == [1, 2, 3, 4, 5, 6]


def test_backs_taken_again_leave_the_first_ones_set_aside(tmp_path: Path) -> None:
    tray = tmp_path / "t.ppm"
    assert Hand(tray, [1, 3], [12]).scan(begun(tmp_path, tray)) is Trouble.HALVES
    again(tmp_path).backs_again()
    assert Hand(tray, [4, 2]).scan(again(tmp_path)) is None
    stack = again(tmp_path)
    assert order(stack) == [1, 2, 3, 4]
    assert sum(side.set_aside is not None for side in stack.sides()) == 1
    stack.hand_over()
    assert len(list(stack.folder.glob("0*.png"))) == 1, "what was set aside stays"


def test_missing_fronts_are_asked_for_before_the_stack_is_turned(tmp_path: Path) -> None:
    tray = tmp_path / "t.ppm"
    assert Hand(tray, [1], [2]).scan(begun(tmp_path, tray, sheets=2)) is Trouble.COUNT
    assert Hand(tray, [3], [4, 2]).scan(again(tmp_path)) is None
    assert order(again(tmp_path)) == [1, 2, 3, 4]


def test_a_stack_goes_on_from_the_feeder_to_the_glass_and_counts_its_sheets(tmp_path: Path) -> None:
    wish = Wish(device=FEEDER, source="adf", resolution=30, paper="A6", format="png")
    stack = StackFolder.begin(tmp_path / "scan", Job(wish=wish, sheets=12))
    watcher = Watcher(on_side=lambda n, p: None, another=lambda count: True)
    first = pull(IsolatedDevice(seconds=20), stack, watcher)
    assert first is not None and first.trouble is Trouble.COUNT and len(stack.wanted()) == 10
    glass = Wish(device=FEEDER, source="flatbed", resolution=30, paper="A5", format="png")
    again(tmp_path).begin_part(glass, halves=True)
    assert pull(IsolatedDevice(seconds=20), again(tmp_path), watcher) is None
    stack = again(tmp_path)
    assert [role for _, role in stack.in_order()][8:] == ["front", "front"] + ["a3_part_1", "a3_part_2"] * 2
    assert stack.job.sheets_in(14) == 12 and stack.sides_due() == 14
    sizes = [Image.open(side.path).size for side, _ in stack.in_order()]
    assert len(set(sizes[:10])) == 1 and sizes[10] != sizes[0]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    folder = tmp_path_factory.mktemp("home")
    return Home(folder / "h", configured(folder / "sane"))


@pytest.mark.slow
def test_the_command_joins_both_halves_and_says_how_long_the_citizen_waited(
    home: Home, tmp_path: Path
) -> None:
    tray = tmp_path / "tray.ppm"
    code = "H38.20-261002-0031"

    def lay(name: str) -> None:
        Image.open(SCANS / "chong-2" / name).convert("RGB").save(tray, "PPM")

    lay("scan-01.jpg")
    words = ["--device", PNM, "--resolution", "200", "--option", f"filename={tray}", "--dossier", code]
    out, log = start_scan(home, *words, "--manual-duplex", "--json").communicate("x\nx\n", timeout=120)
    (stack,) = json.loads(out)["batches"]
    assert "Lật cả chồng" in log and [page["role"] for page in stack["pages"]] == ["front"]
    lay("scan-02.jpg")
    child = start_scan(home, "--resume", "--json")
    out, log = child.communicate("x\n", timeout=240)
    try:
        document = json.loads(out)
        (batch,) = document["batches"]
        assert [page["role"] for page in batch["pages"]] == ["front", "back"] and batch["expected_sides"] == 2
        assert 0 < document["seconds_from_last_sheet"] < 120
        assert "Từ tờ cuối đến khi hồ sơ đã an toàn" in log
        assert {page["state"] for page in batch["pages"]} <= {"stored", "review"}
        assert Batches(open_database(sqlite_url(home.paths.database))).intake(batch["id"]).urgent
    finally:
        home.run("down")


@pytest.mark.slow
def test_the_halves_of_an_a3_sheet_stay_two_sides_and_are_joined_in_a_copy(
    home: Home, tmp_path: Path
) -> None:
    tray, out = tmp_path / "tray.ppm", tmp_path / "a3.pdf"
    with Image.open(SCANS / "chong-2" / "scan-02.jpg") as left:
        left.convert("RGB").save(tray, "PPM")
    words = [
        "--device",
        PNM,
        "--resolution",
        "200",
        "--option",
        f"filename={tray}",
        "--halves",
        "--sheets",
        "1",
    ]
    child = start_scan(home, *words, "--dossier", "H38.20-261002-0007", "--json")
    try:
        assert until(lambda: len(list(home.paths.spool.glob("scan/*/0*.jpg"))) == 1)
        with Image.open(SCANS / "chong-2" / "scan-03.jpg") as right:
            right.convert("RGB").save(tray, "PPM")
        (batch,) = json.loads(child.communicate("\n", timeout=240)[0])["batches"]
        assert [page["role"] for page in batch["pages"]] == ["a3_part_1", "a3_part_2"]
        (paper,) = batch["documents"]
        got = home.run("get", paper["id"], "-o", str(out), "--profile", "joined")
        home.run("get", paper["id"], "-o", str(tmp_path / "ky.pdf"))
    finally:
        home.run("down")
    assert got.code == 0 and paper["pages"] == [0, 1]
    with pikepdf.open(tmp_path / "ky.pdf") as signed, pikepdf.open(out) as joined:
        wide = [float(page.MediaBox[2]) for page in signed.pages]
        (sheet,) = joined.pages
        assert len(wide) == 2 and float(sheet.MediaBox[2]) == pytest.approx(sum(wide), abs=0.1)
    assert broken_rules(out) == []


@pytest.mark.parametrize("paper", ["A6", "A5", "A3", "ID"])
def test_a_page_of_the_pdf_is_as_large_as_the_paper(tmp_path: Path, paper: str) -> None:
    """Scanned by SANE's `test` driver, whose glass ends at 200 x 200 mm, else by `pnm`; through the real archive PDF."""
    device, path = IsolatedDevice(seconds=60), tmp_path / "side.jpg"
    options = {"test-picture": "Color pattern"}
    wish = Wish(device=FEEDER, source="flatbed", resolution=150, paper=paper, options=options)
    width, height = PAPERS[paper]
    if height > 200:
        Image.new("RGB", (round(width / 25.4 * 150), round(height / 25.4 * 150)), "#eed").save(
            tmp_path / "a.ppm"
        )
        wish = Wish(device=PNM, resolution=150, paper=paper, options={"filename": str(tmp_path / "a.ppm")})
    device.open(wish)
    assert device.next_page(path, "jpeg") is not None
    device.close()
    found = measured(path, tmp_path)
    assert found == pytest.approx((width, height), abs=0.5)


def measured(path: Path, folder: Path) -> tuple[float, float]:
    """Width and height in mm of the page that the archive PDF gives a scanned side."""
    file: Blob = blob_of(path, "image/jpeg")
    page = Page(id="p_0", index=0, source=str(path), file=file, number=1, origin=Origin.CAPTURED)
    raster = decode(page, limits=RasterLimits(max_pixels=200_000_000, max_pages=10))
    image = encode_faithful(raster.pixels, dpi=raster.dpi, bitonal=False)
    (folder / "i.jpg").write_bytes(image.content)
    high, wide = raster.pixels.shape[:2]
    read = ReadPage(
        page=page, verdict=Verdict.CONTENT, dpi=raster.dpi, true_size=raster.true_size, width=wide, height=high,
        image=blob_of(folder / "i.jpg", image.media_type),
    )  # fmt: skip
    write: Callable[..., Blob] = write_archive_pdf
    from datetime import UTC, datetime

    pdf = write([read], folder / "a.pdf", title="t", agency="a", identifier="d_1", created=datetime.now(UTC))
    with pikepdf.open(pdf.path) as document:
        box = [float(value) for value in document.pages[0].mediabox]
    return (box[2] - box[0]) / 72 * 25.4, (box[3] - box[1]) / 72 * 25.4
