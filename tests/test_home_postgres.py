"""A home whose database is PostgreSQL: the same commands, killed, without its server for a while, rebuilt."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.database import open_database
from storage.postgres_beside import REBUILDING
from tests.home_in_use import SCANS, Home, kill, papers, pids, until
from tests.postgres_server import Server, server

pytestmark = pytest.mark.slow

STACK = SCANS / "chong-2"


@pytest.fixture
def own_server() -> Iterator[Server]:
    """One that may be stopped."""
    with server() as running:
        yield running


@pytest.fixture
def home(own_server: Server, tmp_path: Path) -> Iterator[Home]:
    place = Home(tmp_path / "h", {"SOHOA_DATABASE_URL": own_server.database()})
    yield place
    place.run("down")
    assert until(lambda: not pids(str(place.root)), 20), "something outlives the home"


def test_everything_works_with_the_database_on_a_server(
    home: Home, own_server: Server, tmp_path: Path
) -> None:
    url = home.settings["SOHOA_DATABASE_URL"]
    child = home.start("ingest", str(STACK), "--json")
    assert until(lambda: (home.paths.work / "pages").exists(), 90), "reading never began"
    kill(home.process())
    child.communicate(timeout=200)
    again = home.run("ingest", str(STACK))
    assert again.code == 0, again.log
    found = papers(again.document)
    assert [paper["state"] for paper in found] == ["stored"] * 3
    keys = list(home.bucket().keys("d/"))
    assert sum("/m/" in key for key in keys) == 3, "one manifest generation a paper"
    assert not home.paths.database.exists()

    query = found[0]["type_name"]
    hits = [hit["document"] for hit in home.run("find", query).document["results"]]
    assert found[0]["id"] in hits
    dossier = found[0]["dossier"]
    assert home.run("dossier", dossier).document["dossier"] == dossier
    assert home.run("status", "--all").document["batches"][0]["state"] == "done"
    assert home.run("review").code == 0
    assert home.run("stats").code in (0, 1)
    assert {r["verdict"] for r in home.run("verify", "--all").document["results"]} == {"TOTAL_PASSED"}
    assert home.run("get", found[0]["id"], "-o", str(tmp_path / "one.pdf")).code == 0
    assert home.run("fixity").code == 0 and home.run("fixity", "--sample", "5").code == 0
    assert home.run("ledger", "verify").document["ok"]
    assert home.run("ledger", "export", "-o", str(tmp_path / "ledger.jsonl")).code == 0
    key = tmp_path / "key"
    key.write_text("q3T0rUQvmGJ4pYqk1m0u2y7o8t6w5e4r3t2y1u0i")
    key.chmod(0o600)
    home.run("down")
    home.settings["SOHOA_BACKUP_KEY_FILE"] = str(key)
    backup = tmp_path / "backup"
    first = home.run("backup", str(backup))
    assert first.code == 0 and first.document["encrypted"], first.log
    second = home.run("backup", str(backup))
    assert second.code == 0 and second.document["new_bytes"] < first.document["new_bytes"] / 3
    assert home.run("backup", str(backup), "--verify").code == 0
    for name, settings in (("server", {"SOHOA_DATABASE_URL": own_server.database()}), ("file", {})):
        moved = Home(tmp_path / name, {**settings, "SOHOA_BACKUP_KEY_FILE": str(key)})
        back = moved.run("restore", str(backup))
        assert back.code == 0, back.log
        assert moved.paths.database.exists() == (name == "file")
        same = moved.run("find", query).document["results"]
        assert [hit["document"] for hit in same] == hits
        assert moved.run("ledger", "verify").document["ok"] and moved.run("fixity").code == 0
        assert {r["verdict"] for r in moved.run("verify", "--all").document["results"]} == {"TOTAL_PASSED"}
        moved.run("down")
    full = Home(tmp_path / "full", dict(home.settings))
    assert "holds records already" in full.run("restore", str(backup)).log

    own_server.stop()
    away = home.run("find", query)
    assert away.code == 4 and url.split(":")[2].split("@")[0] not in away.log
    own_server.start()
    assert until(lambda: home.run("find", query).code == 0, 30)
    home.run("down")
    assert [hit["document"] for hit in home.run("find", query).document["results"]] == hits

    assert home.run("rebuild").code == 2, "a catalogue with content is not replaced unasked"
    open_database(url, schema=REBUILDING).dispose()  # what a rebuild that was killed leaves
    rebuilt = home.run("rebuild", "--fresh")
    assert (rebuilt.document["documents"], rebuilt.document["problems"]) == (3, []), rebuilt.log
    assert rebuilt.document["aside"].startswith("sohoa_")
    assert sorted(hit["document"] for hit in home.run("find", query).document["results"]) == sorted(hits)
    assert home.run("ledger", "verify").document["ok"]
    other = home.run("ingest", str(SCANS / "chong-1"))
    assert other.code in (0, 1) and papers(other.document), other.log
    assert "password" not in (home.root / "run" / "home.log").read_text()
