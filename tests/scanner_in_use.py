"""Scanners without hardware: SANE's own `pnm` and `test` drivers under a private configuration, and `saned`."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scanners.device import Wish
from scanners.stack_folder import Job
from tests.home_in_use import BRISK, Home

needs_sane = pytest.mark.skipif(
    importlib.util.find_spec("sane") is None, reason="python-sane is not installed (make scanner)"
)
PNM, FEEDER = "pnm:0", "test:0"


def configured(folder: Path, *drivers: str) -> dict[str, str]:
    """The environment under which SANE knows these drivers and nothing else."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dll.conf").write_text("".join(f"{driver}\n" for driver in drivers or ("pnm", "test")))
    return {"SANE_CONFIG_DIR": str(folder)}


def picture(number: int) -> np.ndarray:
    """A small sheet that no other number gives."""
    return np.random.default_rng(number).integers(0, 255, (60 + number % 50, 40, 3), dtype=np.uint8)


def lay_down(tray: Path, pixels: np.ndarray) -> None:
    """Put a sheet where the `pnm` driver looks for one."""
    Image.fromarray(pixels).save(tray.with_suffix(".new"), "PPM")
    tray.with_suffix(".new").replace(tray)


def job(tray: Path, *, sheets: int | None = None, **options: str) -> Job:
    """A stack of sheets laid on the glass one by one, kept without loss."""
    named = {name.replace("_", "-"): value for name, value in options.items()}
    return Job(wish=Wish(device=PNM, format="png", options={"filename": str(tray), **named}), sheets=sheets)


def feeder(*, sheets: int | None = None, **options: str) -> Job:
    """The `test` driver's feeder: ten small sheets, then it is empty."""
    named = {name.replace("_", "-"): value for name, value in options.items()}
    return Job(
        wish=Wish(device=FEEDER, source="adf", resolution=30, paper="A6", format="png", options=named),
        sheets=sheets,
    )


def start_scan(home: Home, *words: str) -> subprocess.Popen[str]:
    """`sohoa scan` with a keyboard."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1]), **BRISK, **home.settings}
    return subprocess.Popen(
        [sys.executable, "-m", "pipeline.cli", "--home", str(home.root), "scan", *words],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip


@contextmanager
def remote_scanner(folder: Path, host: str) -> Iterator[subprocess.Popen[bytes]]:
    """`saned` on an address of the loopback of its own, sharing the `test` driver."""
    environment = {**os.environ, **configured(folder, "test")}
    (folder / "saned.conf").write_text("127.0.0.0/8\n")
    server = subprocess.Popen(
        ["/usr/sbin/saned", "-l", "-b", host],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        yield server
    finally:
        server.kill()
        server.communicate()
