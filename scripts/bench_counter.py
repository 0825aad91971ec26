#!/usr/bin/env python3
"""How long a citizen waits: `python scripts/bench_counter.py [--seconds S] [--runs N]`, on a quiet machine.

A dossier of ten sheets under SANE's `pnm` driver, laid down one every S seconds as a feeder pulls them, by the real
`sohoa scan` in a home of its own with the local time-stamp authority. Printed: the seconds from the last sheet to all
that green needs, as the command itself shows them, and what the stages took of them.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
SHEETS = (sorted((ROOT / "samples/scans/chong-2").glob("*.jpg")) * 3)[:10]
CODE = "H38.20-261002-0007"
DPI = "300"


def lay(tray: Path, sheet: Path, number: int) -> None:
    """A sheet on the glass, at 300 dpi, of bytes that no earlier run had."""
    with Image.open(sheet) as picture:
        scale = int(DPI) / round(float(picture.info["dpi"][0]))
        large = picture.convert("RGB").resize((round(picture.width * scale), round(picture.height * scale)))
    large.putpixel((0, 0), (number % 256, number // 256 % 256, 200))
    large.save(tray.with_suffix(".new"), "PPM")
    tray.with_suffix(".new").replace(tray)


def command(home: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "pipeline.cli", "--home", str(home), *words]


def scanned(home: Path, tray: Path, run: int, seconds: float, settings: dict[str, str]) -> dict[str, object]:
    """One dossier, each sheet laid down `seconds` after the last one was kept."""
    words = ["--device", "pnm:0", "--resolution", DPI, "--option", f"filename={tray}", "--json"]
    lay(tray, SHEETS[0], run * 100)
    child = subprocess.Popen(
        command(home, "scan", *words, "--dossier", CODE, "--sheets", str(len(SHEETS))),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=settings,
    )  # fmt: skip
    assert child.stdin is not None and child.stdout is not None
    for number in range(1, len(SHEETS)):
        while len(list(home.glob("spool/scan/*/0*.jpg"))) < number:
            time.sleep(0.02)
        lay(tray, SHEETS[number], run * 100 + number)
        time.sleep(seconds)
        child.stdin.write("\n")
        child.stdin.flush()
    found: dict[str, object] = json.loads(child.stdout.read())
    child.wait()
    return found


def stages(home: Path) -> list[tuple[str, int]]:
    """(stage, ms) of the newest batch, by the engine's own clock; `read` lies between split and sort."""
    with closing(sqlite3.connect(f"file:{home}/db/sohoa.sqlite3?mode=ro", uri=True)) as database:
        last = "select workflow_uuid from workflow_status where name = 'process' order by created_at desc limit 1"
        rows = database.execute(
            "select function_name, started_at_epoch_ms, completed_at_epoch_ms from operation_outputs "
            f"where workflow_uuid = ({last}) order by function_id"
        ).fetchall()
    named = [(str(name), int(end - begun)) for name, begun, end in rows]
    gaps = {name: int(rows[n][1] - rows[n - 1][2]) for n, (name, *_) in enumerate(rows) if n}
    return [("read", gaps.get("sort", 0)), *named]


def main() -> None:
    """Scan a dossier a few times; the first one also warms up what a morning's first dossier finds cold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--seconds", type=float, default=2.0, help="between sheets, as a 30 sheets/minute feeder"
    )
    parser.add_argument("--runs", type=int, default=4)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        home, tray = folder / "h", folder / "tray.ppm"
        (folder / "dll.conf").write_text("pnm\n")
        settings = {**os.environ, "PYTHONPATH": str(ROOT), "SANE_CONFIG_DIR": str(folder)}
        subprocess.run(command(home, "status", "--json"), env=settings, stdout=subprocess.DEVNULL, check=True)
        try:
            for run in range(1, asked.runs + 1):
                found = scanned(home, tray, run, asked.seconds, settings)
                parts = ", ".join(f"{name} {ms / 1000:.2f}" for name, ms in stages(home))
                states = [page["state"] for batch in found["batches"] for page in batch["pages"]]  # type: ignore[attr-defined]
                print(f"run {run}: {found.get('seconds_from_last_sheet')} s from the last sheet ({parts})")
                print(
                    f"       {len(states)} sides, {states.count('stored')} stored; exit states {sorted(set(states))}"
                )
        finally:
            subprocess.run(command(home, "down"), env=settings, stderr=subprocess.DEVNULL, check=False)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"CPU of the commands themselves: {used.ru_utime + used.ru_stime:.1f} s")


if __name__ == "__main__":
    main()
