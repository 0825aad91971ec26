"""The README's pictures, made from a real run: `make pictures`."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pypdfium2 as pdfium
from PIL import Image, ImageDraw, ImageOps
from rich.console import Console

from pipeline.commands.demo import show_demo

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
SHOWN = "don_dang_ky_bien_dong"
"""The paper of the second picture; its scan lies askew."""
HEIGHT = 900


def main() -> None:
    """Run the demo in a home of its own and draw what came out."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "demo"
        try:
            document = sohoa(home, "demo")
            summary(document)
            before_after(home, document, Path(folder))
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


if __name__ == "__main__":
    main()
