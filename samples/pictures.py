"""The README's pictures, made from a real run: `make pictures`."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pypdfium2 as pdfium
from PIL import Image, ImageDraw, ImageFont, ImageOps
from rich.console import Console

from pipeline.commands.demo import show_demo
from signing.lettering import FONT

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
SHOWN = "don_dang_ky_bien_dong"
"""The paper of the second picture; its scan lies askew."""
HEIGHT = 900
TILE = (420, 400)
ENLARGED = 200.0
TIMES = 1.4
"""A tile shows a place of the page at 200 dpi, this many times enlarged."""
SMALL_PRINT = (-3.35, -0.6)
"""Where the small print of Nơi nhận stands from the seal, in inches to the right and down."""


def main() -> None:
    """Run the demo in a home of its own and draw what came out."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "demo"
        try:
            document = sohoa(home, "demo")
            summary(document)
            before_after(home, document, Path(folder))
            profiles(home, document, Path(folder))
        finally:
            sohoa(home, "down")


def sohoa(home: Path, *words: str) -> Any:
    """A command's JSON."""
    command = [sys.executable, "-m", "pipeline.cli", "--home", str(home), *words, "--json"]
    done = subprocess.run(command, capture_output=True, check=True, cwd=ROOT)
    return json.loads(done.stdout)


def summary(document: dict[str, Any]) -> None:
    """What `sohoa demo` prints, as a vector picture."""
    console = Console(record=True, width=104, file=io.StringIO(), force_terminal=True, highlight=False)
    show_demo({**document, "home": ".sohoa-demo"}, console)
    console.save_svg(str(IMAGES / "demo.svg"), title="sohoa demo")


def before_after(home: Path, document: dict[str, Any], folder: Path) -> None:
    """A sample scan beside the first page of the signed document."""
    batch, paper = next(
        (batch, paper)
        for batch in document["batches"]
        for paper in batch["documents"]
        if paper["type"] == SHOWN
    )
    sohoa(home, "get", paper["id"], "-o", str(folder / "ky.pdf"))
    signed = pdfium.PdfDocument(folder / "ky.pdf")
    signed.init_forms()  # else the visible signatures stay unseen
    page = signed[0]
    after = page.render(scale=HEIGHT / page.get_height(), may_draw_forms=True).to_pil().convert("RGB")
    before = Image.open(batch["pages"][paper["pages"][0]]["source"]).convert("RGB")
    before = before.resize((round(before.width * HEIGHT / before.height), HEIGHT), Image.Resampling.LANCZOS)
    sheets = [ImageOps.expand(sheet, 1, "#888888") for sheet in (before, after)]
    picture = Image.new("RGB", (sum(sheet.width for sheet in sheets) + 80, HEIGHT + 2), "white")
    picture.paste(sheets[0], (0, 0))
    picture.paste(sheets[1], (sheets[0].width + 80, 0))
    draw = ImageDraw.Draw(picture)
    left, middle = sheets[0].width + 20, HEIGHT // 2
    draw.line((left, middle, left + 28, middle), fill="#444444", width=4)
    draw.polygon([(left + 24, middle - 9), (left + 40, middle), (left + 24, middle + 9)], fill="#444444")
    picture.save(IMAGES / "before-after.jpg", quality=80, optimize=True)


def profiles(home: Path, document: dict[str, Any], folder: Path) -> None:
    """A seal and the small print beside it, enlarged: the scan, the archive file, the compact copy."""
    batch, paper, index = max(
        (
            (batch, paper, index)
            for batch in document["batches"]
            for paper in batch["documents"]
            for index in paper["pages"]
            if paper["origin"] == "captured" and paper["state"] == "stored"
        ),
        key=lambda found: red(Image.open(found[0]["pages"][found[2]]["source"]).convert("RGB"))[2],
    )
    scan = Image.open(batch["pages"][index]["source"])
    dpi = float(scan.info.get("dpi", (200, 200))[0])
    columns = [("Ảnh quét", Path(batch["pages"][index]["source"]).stat().st_size, scan.convert("RGB"), dpi)]
    for name, profile in (("Bản lưu đã ký", "faithful"), ("Bản xem gọn", "compact")):
        out = folder / f"{profile}.pdf"
        sohoa(home, "get", paper["id"], "-o", str(out), "--profile", profile)
        page = pdfium.PdfDocument(out)[paper["pages"].index(index)]
        sheet = page.render(scale=ENLARGED / 72).to_pil().convert("RGB")
        columns.append((name, out.stat().st_size // len(paper["pages"]), sheet, ENLARGED))
    width, high = TILE
    picture = Image.new("RGB", (len(columns) * (width + 12) - 12, 2 * (high + 12) + 34), "white")
    pen, face = ImageDraw.Draw(picture), ImageFont.truetype(str(FONT), 22)
    for number, (name, size, sheet, resolution) in enumerate(columns):
        left = number * (width + 12)
        pen.text((left, 4), f"{name}: {size / 1024:.0f} KB một trang", font=face, fill="#222222")
        x, y, _ = red(sheet)
        for row, (across, down) in enumerate(((0.0, 0.0), SMALL_PRINT)):
            half = [side * resolution / ENLARGED / 2 / TIMES for side in TILE]
            middle = (x + across * resolution, y + down * resolution)
            edges = [
                round(at + side * sign) for sign in (-1, 1) for at, side in zip(middle, half, strict=True)
            ]
            tile = sheet.crop((edges[0], edges[1], edges[2], edges[3])).resize(TILE, Image.Resampling.BICUBIC)
            picture.paste(tile, (left, 38 + row * (high + 12)))
    picture.save(IMAGES / "profiles.jpg", quality=82, optimize=True)


def red(sheet: Image.Image) -> tuple[float, float, int]:
    """The middle of what is red on a sheet, in its pixels, and how many they are."""
    pixels = np.asarray(sheet).astype(int)
    found = np.argwhere(pixels[:, :, 0] - np.maximum(pixels[:, :, 1], pixels[:, :, 2]) > 70)
    if not len(found):
        return 0.0, 0.0, 0
    down, across = np.median(found, axis=0)
    return float(across), float(down), len(found)


if __name__ == "__main__":
    main()
