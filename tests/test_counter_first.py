"""Whose citizen waits goes first: a counter's stack overtakes shelves that are queued, and shelves that are under way."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.home_in_use import SCANS, Home

SHEET = (SCANS / "chong-2" / "scan-01.jpg").read_bytes()
CODE = "H38.20-261002-0007"


@pytest.mark.slow
def test_a_counter_waits_for_no_shelf_that_is_under_way(tmp_path: Path) -> None:
    """Three shelves fill both places of the queue; a single reader has work for half a minute."""
    for shelf in range(3):
        for number in range(12):
            side = tmp_path / "kho" / f"gia-{shelf}" / f"{number:02d}.jpg"
            side.parent.mkdir(parents=True, exist_ok=True)
            # What stands behind the end of a JPEG does not count, but no two files are the same.
            side.write_bytes(SHEET + f"{shelf}-{number}".encode() + b"\xff\xd9")
    counter = tmp_path / "quay.jpg"
    counter.write_bytes(SHEET + b"quay\xff\xd9")
    home = Home(tmp_path / "h", {"SOHOA_LIMITS_WORKERS": "1"})
    try:
        queued = home.run("ingest", str(tmp_path / "kho"), "--no-wait").document["batches"]
        done = home.run("ingest", str(counter), "--dossier", CODE)
        (batch,) = done.document["batches"]
        now = {one["id"]: one for one in home.run("status", "--all").document["batches"]}
    finally:
        home.run("down")
    assert done.code == 0 and batch["state"] == "done", batch["reason"]
    shelves = [now[one["id"]] for one in queued]
    assert [shelf["state"] in ("queued", "running") for shelf in shelves] == [True] * 3
    assert [shelf["state"] for shelf in shelves].count("running") == 2, "both places of the queue were taken"
