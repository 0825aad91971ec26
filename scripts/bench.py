"""sohoa against OCRmyPDF and bare Tesseract: the same pages, the same run, two at a time. Writes docs/benchmarks.md.

Usage: `make bench`, or `python scripts/bench.py [FOLDER…]` with a `truth.json` (rows with `file` and `text`) in each
folder or beside it. Figures: seconds a page on the wall, words of the truth that are missing (order-free), surplus
words, kilobytes a page of the PDF that comes out (signed and stored: with its share of signatures; compact: of the
access copy derived from it). Speed is a ratio within one run; absolute seconds are the machine's.
"""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
import unicodedata
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PEER = ROOT / ".venv-bench" / "bin" / "ocrmypdf"
AT_ONCE = 2
ENVIRONMENT = {**os.environ, "OMP_THREAD_LIMIT": "1"}


@dataclass(frozen=True)
class Result:
    """`texts` by file name; `kilobytes` a page is None where no PDF comes out, `compact` where no copy is derived."""

    name: str
    seconds: float
    texts: dict[str, str]
    kilobytes: float | None
    compact: float | None = None


def main() -> int:
    folders = [Path(name) for name in sys.argv[1:]] or [ROOT / "samples" / "scans"]
    lines = [
        "# Benchmarks",
        "",
        f"Made by `make bench` on {platform.machine()}, {os.cpu_count()} cores; {AT_ONCE} pages at a time. "
        "Compare within a table, not between machines.",
    ]
    for folder in folders:
        lines += ["", *measure(folder)]
    text = "\n".join(lines) + "\n"
    print(text)
    if len(sys.argv) == 1:
        (ROOT / "docs" / "benchmarks.md").write_text(text, "utf-8")
    return 0


def measure(folder: Path) -> list[str]:
    """One table."""
    truth = pages_of(folder)
    images = [path for path, _ in truth]
    with tempfile.TemporaryDirectory() as place:
        work = Path(place)
        programs: list[Callable[[], Result]] = [
            lambda: tesseract(images, work),
            lambda: peer(images, work),
            lambda: reading(images, work),
            lambda: whole(folder, len(images), work),
        ]
        results = [program() for program in programs]
    base = results[1].seconds
    rows = [
        f"**{folder.name}**: {len(images)} pages",
        "",
        "| | s a page | against OCRmyPDF | words missing | surplus | KB a page | compact |",
        "|---|---|---|---|---|---|---|",
    ]
    for result in results:
        missing, surplus = errors(truth, result.texts)
        size, small = (f"{one:.0f}" if one else "" for one in (result.kilobytes, result.compact))
        words = f"{missing:.1%} | {surplus:.1%}" if result.texts else " | "
        rows.append(
            f"| {result.name} | {result.seconds / len(images):.2f} | {base / result.seconds:.1f} × "
            f"| {words} | {size} | {small} |"
        )
    return rows


def pages_of(folder: Path) -> list[tuple[Path, str]]:
    """Content pages with their true text."""
    rows: list[dict[str, Any]] = json.loads((folder / "truth.json").read_text("utf-8"))
    return [(folder / row["file"], row["text"]) for row in rows if row["type"] not in ("blank", "separator")]


def tesseract(images: list[Path], work: Path) -> Result:
    """A process a page, as from the command line."""

    def one(image: Path) -> tuple[str, str]:
        done = subprocess.run(
            ["tesseract", str(image), "-", "-l", "vie", "--psm", "3"],
            capture_output=True, text=True, check=False, env=ENVIRONMENT,
        )  # fmt: skip
        return str(image), done.stdout

    started = time.monotonic()
    with ThreadPoolExecutor(AT_ONCE) as threads:
        texts = dict(threads.map(one, images))
    return Result("Tesseract, bare", time.monotonic() - started, texts, None)


def peer(images: list[Path], work: Path) -> Result:
    """OCRmyPDF makes a PDF/A of each page; joining the images into one file costs it nothing here."""

    def one(numbered: tuple[int, Path]) -> tuple[str, str, int]:
        number, image = numbered
        out, text = work / f"peer-{number}.pdf", work / f"peer-{number}.txt"
        command = [
            str(PEER), "-l", "vie", "--deskew", "--rotate-pages", "--output-type", "pdfa", "--jobs", "1",
            "--image-dpi", "200", "--sidecar", str(text), str(image), str(out),
        ]  # fmt: skip
        subprocess.run(command, capture_output=True, check=True, env=ENVIRONMENT)
        return str(image), text.read_text("utf-8"), out.stat().st_size

    started = time.monotonic()
    with ThreadPoolExecutor(AT_ONCE) as threads:
        done = list(threads.map(one, enumerate(images)))
    seconds = time.monotonic() - started
    size = sum(size for _, _, size in done) / len(done) / 1024
    return Result("OCRmyPDF", seconds, {name: text for name, text, _ in done}, size)


def reading(images: list[Path], work: Path) -> Result:
    """Sohoa's page work alone: decode, upright, straight, read, archive picture."""
    from pipeline.files import blob_of
    from pipeline.model import Origin, SourceFile
    from pipeline.page_job import read_side
    from pipeline.page_pool import PagePool
    from pipeline.raster.inspect import pages_of as sides
    from pipeline.raster.limits import RasterLimits

    limits = RasterLimits()
    files = [SourceFile(source=str(path), blob=blob_of(path, "image/jpeg")) for path in images]
    pool = PagePool(workers=AT_ONCE, seconds=120, memory_mb=4096)
    pool.warm()
    pages = [
        page
        for file, found in zip(files, pool.look_into(files, limits, priority=0), strict=True)
        for page in sides(file, found, batch="b_bench", first_index=0)
    ]
    assert all(page.origin is Origin.CAPTURED for page in pages)
    started = time.monotonic()
    read = [task.result() for task in [pool.submit(read_side, page, work / "r", limits) for page in pages]]
    seconds = time.monotonic() - started
    pool.close()
    size = sum(page.image.size for page in read) / len(read) / 1024
    return Result("sohoa, page work", seconds, {page.page.source: page.text for page in read}, size)


def whole(folder: Path, count: int, work: Path) -> Result:
    """`sohoa ingest` with signing, storing and reading back; the home is up already."""
    command = [sys.executable, "-m", "pipeline.cli", "--home", str(work / "home")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([*command, "doctor"], capture_output=True, check=True, env=environment)
    started = time.monotonic()
    done = subprocess.run(
        [*command, "ingest", str(folder), "--json"], capture_output=True, env=environment, check=False
    )
    seconds = time.monotonic() - started
    batches = json.loads(done.stdout)["batches"]
    texts = {page["source"]: page["text"] or "" for batch in batches for page in batch["pages"]}
    papers = [
        paper
        for batch in batches
        for paper in batch["documents"]
        if paper["state"] == "stored" and paper["origin"] == "captured"
    ]
    sizes = {"faithful": 0, "compact": 0}
    for paper in papers:
        for profile in sizes:
            out = work / f"{paper['id']}.{profile}.pdf"
            fetch = [*command, "get", paper["id"], "-o", str(out), "--profile", profile]
            subprocess.run(fetch, capture_output=True, check=True, env=environment)
            sizes[profile] += out.stat().st_size
    subprocess.run([*command, "down"], capture_output=True, check=True, env=environment)
    stored = sum(len(paper["pages"]) for paper in papers)
    faithful, compact = (size / max(1, stored) / 1024 for size in sizes.values())
    return Result("sohoa, signed B-LTA and stored", seconds, texts, faithful, compact)


def errors(truth: list[tuple[Path, str]], texts: dict[str, str]) -> tuple[float, float]:
    """Share of the truth's words that are missing, and of surplus words; order does not count."""
    missing = total = surplus = 0
    for path, text in truth:
        wanted, got = Counter(_words(text)), Counter(_words(texts.get(str(path), "")))
        total += wanted.total()
        missing += (wanted - got).total()
        surplus += max(0, got.total() - wanted.total())
    return missing / total, surplus / total


def _words(text: str) -> list[str]:
    return re.sub(r"\s+", " ", unicodedata.normalize("NFC", text)).split()


if __name__ == "__main__":
    sys.exit(main())
