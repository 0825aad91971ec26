"""The home renews by itself: what an authority with a short-lived certificate stamped, as soon as one with a longer is set."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.home_in_use import ROOT, Home, papers, until
from tests.town import Town

SIGNED = ROOT / "samples" / "scans" / "chong-2" / "scan-01.jpg"
ENDS_IN = 40


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    ends = dt.datetime.now(dt.UTC) + dt.timedelta(days=ENDS_IN)
    town = Town(tmp_path / "town", brief_ends=ends.strftime("%Y-%m-%dT%H:%M:%S+0000"))
    yield town
    town.stop()


def settle(home: Home, url: str, *, days: int, hours: float) -> None:
    home.run("down")
    home.paths.settings.write_text(
        f'[signing]\ntsa_url = "{url}"\ntsa_timeout = 5\ntsa_attempts = 1\nrenew_days = {days}\nrenew_hours = {hours}\n'
    )


def probe(home: Home) -> dict[str, Any]:
    probes = home.run("doctor").document["probes"]
    return next(one for one in probes if "evidence to renew" in one["name"])


def versions(home: Home, name: str) -> list[int]:
    return [
        one["version"]
        for one in home.run("renew", "--due", "--days", "36500").document["due"]
        if one["document"] == name
    ]


@pytest.mark.slow  # a home that is started four times
def test_what_falls_due_is_renewed_by_the_home_itself(town: Town, tmp_path: Path) -> None:
    home = Home(tmp_path / "h")
    (home.root / "trust").mkdir(parents=True, mode=0o700)
    (home.root / "trust" / "root.crt").write_bytes(town.root.read_bytes())
    try:
        settle(home, town.brief_tsa_url, days=20, hours=24)
        (paper,) = papers(home.run("ingest", str(SIGNED), "--dossier", "H38.20-261002-0007").document)
        name = paper["id"]
        assert paper["signature_level"] == "B-LTA", paper
        assert versions(home, name) == [1] and probe(home)["state"] == "ok"

        settle(home, town.brief_tsa_url, days=60, hours=24)
        assert until(lambda: "1 giấy tờ" in str(probe(home)), 30), "due, and seen"
        assert versions(home, name) == [1], (
            "the same authority would prove no longer, so nothing is stamped again"
        )

        town.stop()
        settle(home, town.tsa_url, days=60, hours=24)
        assert "1 giấy tờ" in str(probe(home)) and versions(home, name) == [1], (
            "the authority is down: it stays due"
        )
        town.begin()
        home.run("down")
        assert until(lambda: probe(home)["state"] == "ok", 60), "and is renewed once it answers"
        assert versions(home, name) == [2]

        (found,) = home.run("verify", name).document["results"]
        assert found["verdict"] == "TOTAL_PASSED", found
        out = tmp_path / "so-cai.jsonl"
        assert home.run("ledger", "export", "-o", str(out), "--force").code == 0
        lines = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
        acts = [json.loads(line["body"]) for line in lines if "body" in line]
        (act,) = [one for one in acts if one["act"] == "renew"]
        assert name in act["objects"]
    finally:
        home.run("down")
