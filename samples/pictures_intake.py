"""The pictures of the manual's page for those who scan: `make pictures`. A sheet, a screen, a right and a wrong feed."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pypdfium2 as pdfium
from PIL import Image, ImageDraw, ImageFont, ImageOps
from rich.console import Console

from pipeline.commands.tables import show_batches
from samples.pictures import IMAGES, ROOT, sohoa
from signing.lettering import FONT

CODE = "H38.20-261002-0007"
SHEET_HEIGHT = 620
PANEL = (470, 330)
GOOD, BAD, INK, PAPER = "#1a7f37", "#b3261e", "#333333", "#fdfdf6"


def main() -> None:
    """Print a sheet, take in a stack in a home of its own, draw the feeds."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "h"
        try:
            separator(home, Path(folder) / "to.pdf")
            screen(home)
        finally:
            sohoa(home, "down")
    feeds()


def separator(home: Path, out: Path) -> None:
    """The first of three sheets, as `sohoa sheets` prints it."""
    sohoa(home, "sheets", "--dossier", CODE, "--papers", "3", "-o", str(out))
    page = pdfium.PdfDocument(out)[0]
    sheet = page.render(scale=SHEET_HEIGHT / page.get_height()).to_pil().convert("L")
    ImageOps.expand(sheet, 1, 136).quantize(16).save(IMAGES / "to-phan-cach.png", optimize=True)


def screen(home: Path) -> None:
    """What the person at the counter reads when a dossier of four sheets is in."""
    stack = ROOT / "samples" / "scans" / "chong-2"
    found = sohoa(home, "ingest", str(stack), "--dossier", CODE, "--sheets", "4")
    console = Console(record=True, width=100, file=io.StringIO(), force_terminal=True, highlight=False)
    for batch in found["batches"]:
        batch["source"] = "/srv/quet/quay-1"
    show_batches(found["batches"], console)
    console.save_svg(str(IMAGES / "quay.svg"), title="sohoa status --all")


def feeds() -> None:
    """Right beside wrong: how a stack lies in the feeder, and where the separator sheets stand."""
    width, height = PANEL
    picture = Image.new("RGB", (2 * width + 20, height), "white")
    picture.paste(_panel("ĐÚNG", GOOD, _RIGHT, wrong=False), (0, 0))
    picture.paste(_panel("SAI", BAD, _WRONG, wrong=True), (width + 20, 0))
    picture.quantize(32).save(IMAGES / "nap-giay.png", optimize=True)


_RIGHT = (
    "Gỡ ghim, kẹp; vuốt phẳng góc gấp",
    "So bằng mép, cùng chiều, thước chặn sát giấy",
    "Tờ phân cách nằm TRƯỚC giấy tờ của nó",
)
_WRONG = (
    "Còn ghim: hút hai tờ, kẹt, rách giấy",
    "Xô lệch, góc gấp: chữ ở mép bị cắt",
    "Tờ phân cách ở SAU: giấy sang nhầm hồ sơ",
)


def _panel(title: str, colour: str, lines: Sequence[str], *, wrong: bool) -> Image.Image:
    width, height = PANEL
    panel = Image.new("RGB", PANEL, "white")
    pen = ImageDraw.Draw(panel)
    pen.rectangle((0, 0, width - 1, height - 1), outline=colour, width=3)
    pen.text((18, 10), title, font=ImageFont.truetype(str(FONT), 30), fill=colour)
    small = ImageFont.truetype(str(FONT), 19)
    for number, line in enumerate(lines):
        pen.text((18, height - 90 + 27 * number), f"{number + 1}. {line}", font=small, fill=INK)
    _stack(panel, wrong=wrong)
    return panel


def _stack(panel: Image.Image, *, wrong: bool) -> None:
    """Three sheets in the order in which they are pulled, the first one at the left; the separator is grey."""
    order = ("giấy", "giấy", "phân cách") if wrong else ("phân cách", "giấy", "giấy")
    face = ImageFont.truetype(str(FONT), 15)
    for depth in (2, 1, 0):
        kind = order[depth]
        sheet = Image.new("RGBA", (130, 170), PAPER if kind == "giấy" else "#dddddd")
        pen = ImageDraw.Draw(sheet)
        pen.rectangle((0, 0, 129, 169), outline=INK, width=2)
        if kind == "giấy":
            for row in range(5):
                pen.line((14, 62 + 20 * row, 114 - 18 * (row % 2), 62 + 20 * row), fill="#999999", width=3)
        pen.text((8, 8), "TỜ PHÂN CÁCH" if kind != "giấy" else "giấy tờ", font=face, fill=INK)
        if wrong and depth == 0:
            pen.polygon([(130, 130), (130, 170), (90, 170)], fill="white", outline=INK)
            pen.line((18, 44, 46, 36), fill=BAD, width=5)
        turned = sheet.rotate(
            (-7, 4, 9)[depth] if wrong else 0, expand=True, resample=Image.Resampling.BICUBIC
        )
        panel.paste(turned, (30 + 142 * depth, 50 - (6 if wrong else 0)), turned)


if __name__ == "__main__":
    main()
