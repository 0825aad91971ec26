"""Keeping the repository with the real command: the ledger exported, the database lost and made anew."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

import pytest

import storage.ledger
from storage.database import open_database, sqlite_url
from storage.ledger import Ledger
from tests.home_in_use import ROOT, SCANS, Home, kill, papers, until

pytestmark = pytest.mark.slow

PAGES = ("scan-00.jpg", "scan-01.jpg")
CODE = "H38.20-261002-0007"
ACTOR = "nhung.nth"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    place = Home(tmp_path_factory.mktemp("home") / "h", {"SOHOA_ACTOR": ACTOR})
    stack = place.root.parent / "chong"
    stack.mkdir()
    for name in PAGES:
        shutil.copy(SCANS / "chong-2" / name, stack)
    earlier(place)
    taken = place.run("ingest", str(stack), "--dossier", CODE)
    assert len(papers(taken.document)) == 2 and taken.code == 0
    yield place
    place.run("down")
    assert place.process() is None and place.store() is None


def earlier(home: Home) -> None:
    """Two days of a ledger, the day before yesterday and the one before, that nobody has sealed."""
    home.paths.make()
    database = open_database(sqlite_url(home.paths.database))
    for days in (3, 2):

        class Clock(datetime):
            ago = timedelta(days=days)

            @classmethod
            def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
                return datetime.now(tz) - cls.ago

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(storage.ledger, "datetime", Clock)
            Ledger(database).note(act="view", actor=ACTOR, agency="H00.00", objects=["d_earlier"])
    database.dispose()


def acts(home: Home, path: Path) -> list[dict[str, Any]]:
    assert home.run("ledger", "export", "-o", str(path), "--force").code == 0
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return [json.loads(line["body"]) for line in lines if "body" in line]


def seen(home: Home, into: Path) -> dict[str, Any]:
    """What a user gets to see and to hold."""
    view = home.run("dossier", CODE).document
    shown: dict[str, Any] = {"dossier": view, "files": {}}
    for query in ("giay tiep nhan", '"giấy phép xây dựng"'):
        shown[query] = home.run("find", query).document
    for paper in view["documents"]:
        home.run("get", paper["id"], "-o", str(into / "a.pdf"), "--force")
        home.run("get", paper["id"], "-o", str(into / paper["id"] / "x.jpg"), "--original", "--force")
        shown["files"][paper["id"]] = (into / "a.pdf").read_bytes()
    shown["verified"] = home.run("verify", "--all").document
    return shown


def test_every_act_is_an_entry_by_a_pseudonym(home: Home, tmp_path: Path) -> None:
    document = home.run("dossier", CODE, "--purpose", "giải quyết khiếu nại").document["documents"][0]["id"]
    batch = home.run("status", "--all").document["batches"][0]["id"]
    home.run("find", "quyet dinh")
    home.run("get", document, "-o", str(tmp_path / "a.pdf"))
    home.run("verify", document)
    home.run("status", batch)
    home.run("retry", batch, "--no-wait")
    home.run("doctor")
    home.run("ledger", "verify")
    home.run("ingest", str(home.root.parent / "chong"), "--dossier", CODE)
    found = acts(home, tmp_path / "l.jsonl")
    wanted = {"start", "take_in", "sign", "store", "view", "search", "download", "verify", "retry", "doctor"}
    wanted |= {"verify_ledger", "export_ledger"}
    assert wanted <= {one["act"] for one in found}
    assert sum(one["act"] == "view" and batch in one["objects"] for one in found) == 1
    assert sum(one["act"] == "take_in" and one["objects"][0] == batch for one in found) == 2
    assert "giải quyết khiếu nại" in [one["details"].get("purpose") for one in found]
    assert ACTOR not in (tmp_path / "l.jsonl").read_text("utf-8")


def test_days_that_were_missed_are_sealed_by_the_home_itself(home: Home, tmp_path: Path) -> None:
    assert until(lambda: len(home.run("ledger", "verify").document["roots"]) == 2, 60)
    report = home.run("ledger", "verify")
    assert report.code == 0
    assert all(
        one["trusted"] and one["stamped"] and "DEMO" in one["signer"] for one in report.document["roots"]
    )
    path, root = tmp_path / "l.jsonl", home.paths.keys / "demo" / "root.crt"
    acts(home, path)
    script = [
        sys.executable,
        "-I",
        str(ROOT / "scripts" / "verify_ledger.py"),
        str(path),
        "--root",
        str(root),
    ]
    done = subprocess.run(script, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stdout.count("(trusted)") == 2, done.stdout


def test_the_export_is_judged_by_the_command_and_by_the_file_alone(home: Home, tmp_path: Path) -> None:
    path = tmp_path / "l.jsonl"
    acts(home, path)
    assert home.run("ledger", "verify", str(path)).code == 0
    script = [sys.executable, "-I", str(ROOT / "scripts" / "verify_ledger.py"), str(path)]
    assert subprocess.run(script, capture_output=True, check=False).returncode == 0
    lines = path.read_text("utf-8").splitlines(keepends=True)
    path.write_text("".join(lines[:4] + lines[5:]), "utf-8")
    report = home.run("ledger", "verify", str(path))
    assert report.code == 5 and "entries 5 to 5 are missing" in report.document["problems"]
    assert home.run("ledger", "verify", str(tmp_path / "none.jsonl")).code == 2


def test_a_slip_tells_a_person_when_who_and_what_for(home: Home, tmp_path: Path) -> None:
    home.run("dossier", CODE, "--purpose", "trả kết quả tại quầy")
    made = home.run("ledger", "export", "-o", str(tmp_path / "p.txt"), "--person", CODE)
    slip = (tmp_path / "p.txt").read_text("utf-8")
    assert made.code == 0 and made.document["entries"] > 3
    for part in ("Cơ quan: ", "Vai trò: cán bộ tra cứu", "Mục đích: trả kết quả tại quầy", "lưu bản điện tử"):
        assert part in slip, part
    assert "khởi động" not in slip and ACTOR not in slip
    for nobody in ("H38.20-261002-9999", "d_" + 20 * "0", "khong-ai", "khong-ai"):
        other = home.run("ledger", "export", "-o", str(tmp_path / "q.txt"), "--person", nobody)
        # the asking itself is on the ledger, but about nobody
        assert other.code == 2 and nobody not in other.log and not (tmp_path / "q.txt").exists()


def test_a_lost_database_is_made_anew_from_the_bucket_and_nothing_differs(home: Home, tmp_path: Path) -> None:
    before = seen(home, tmp_path)
    home.run("down")
    shutil.rmtree(home.paths.database.parent)
    refused = home.run("find", "quyet dinh")
    assert refused.code == 2 and "sohoa rebuild" in refused.log
    made = home.run("rebuild")
    assert made.code == 0 and made.document["problems"] == [] and made.document["documents"] == 2
    assert any("names of actors" in line for line in made.document["not_rebuilt"])
    assert acts(home, tmp_path / "l.jsonl")[-3]["act"] == "rebuild"
    assert "stop" in [one["act"] for one in acts(home, tmp_path / "l.jsonl")]
    after = seen(home, tmp_path)
    assert after == before
    assert {one["verdict"] for one in after["verified"]["results"]} == {"TOTAL_PASSED"}
    assert home.run("ledger", "verify").code == 0
    again = home.run("ingest", str(home.root.parent / "chong"), "--dossier", CODE)
    assert {page["state"] for page in again.document["batches"][0]["pages"]} == {"duplicate"}
    assert papers(again.document) == []


def test_a_scrub_and_a_sample_of_a_sound_home(home: Home) -> None:
    whole = home.run("fixity")
    assert whole.code == 0 and whole.document["findings"] == [] and whole.document["complete"]
    sample = home.run("fixity", "--sample", "3", "--seed", "5")
    assert sample.code == 0 and (sample.document["checked"], sample.document["seed"]) == (3, 5)
    assert "95 %" in sample.document["statement"]
    assert home.run("fixity", "--seed", "5").code == 2


def test_a_bag_holds_all_that_is_kept_and_checks_with_sha256sum(home: Home, tmp_path: Path) -> None:
    made = home.run("export", CODE, "--format", "bagit", "-o", str(tmp_path / "bag.zip"))
    assert made.code == 0 and made.document["documents"] == 2
    with zipfile.ZipFile(tmp_path / "bag.zip") as bag:
        bag.extractall(tmp_path)
    root = tmp_path / CODE
    for manifest in ("manifest-sha256.txt", "tagmanifest-sha256.txt"):
        done = subprocess.run(
            ["sha256sum", "--strict", "-c", manifest], cwd=root, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stdout
    assert (root / "bagit.txt").read_text() == "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
    payload = [path for path in (root / "data").rglob("*") if path.is_file()]
    assert {path.parent.name for path in payload} == {"data", "original", "sidecar", "manifest"}
    assert len((root / "manifest-sha256.txt").read_text().splitlines()) == len(payload)
    size = sum(path.stat().st_size for path in payload)
    assert f"Payload-Oxum: {size}.{len(payload)}\n" in (root / "bag-info.txt").read_text("utf-8")
    sources = {path.read_bytes() for path in (home.root.parent / "chong").iterdir()}
    assert sources == {path.read_bytes() for path in (root / "data" / "original").iterdir()}


def test_a_zip_can_be_read_by_a_person(home: Home, tmp_path: Path) -> None:
    made = home.run("export", CODE, "--purpose", "bàn giao thanh tra", "-o", str(tmp_path / "a.zip"))
    assert made.code == 0
    shown = home.run("dossier", CODE).document["documents"]
    with zipfile.ZipFile(tmp_path / "a.zip") as package:
        assert package.namelist() == ["index.html", f"{CODE}.1.pdf", f"{CODE}.2.pdf"]
        page = package.read("index.html").decode()
        for number, paper in enumerate(shown, 1):
            content = package.read(f"{CODE}.{number}.pdf")
            assert hashlib.sha256(content).hexdigest() == paper["pdf_sha256"] and paper["pdf_sha256"] in page
            assert f'href="{CODE}.{number}.pdf"' in page and paper["type_name"] in page
    found = [one for one in acts(home, tmp_path / "l.jsonl") if one["act"] == "export"]
    assert found[-1]["details"] == {"format": "zip", "purpose": "bàn giao thanh tra"}
    assert found[-1]["objects"] == [CODE, *(paper["id"] for paper in shown)]
    again = home.run("export", CODE, "-o", str(tmp_path / "a.zip"))
    assert again.code == 2 and "--force" in again.log
    assert len([one for one in acts(home, tmp_path / "l.jsonl") if one["act"] == "export"]) == len(found)
    assert home.run("export", CODE, "-o", str(tmp_path / "a.zip"), "--force").code == 0
    assert home.run("export", "H38.20-261002-9999", "-o", str(tmp_path / "b.zip")).code == 2
    assert home.run("export", CODE, "-o", str(tmp_path)).code == 2


def test_an_archive_package_carries_the_signatures_and_the_figures_are_counted(
    home: Home, tmp_path: Path
) -> None:
    refused = home.run("export", CODE, "--format", "aip", "-o", str(tmp_path / "a.zip"))
    assert refused.code == 2 and "--shelf" in refused.log
    made = home.run("export", CODE, "--format", "aip", "--shelf", "K1/G2/H3", "-o", str(tmp_path / "a.zip"))
    assert made.code == 0 and made.document["documents"] == 2
    with zipfile.ZipFile(tmp_path / "a.zip") as package:
        (name,) = [one for one in package.namelist() if one.endswith("PREMIS_rep1.xml")]
        text = package.read(name).decode()
    assert text.count("<premis:signatureValue>") == 4, "officer and agency on each paper"
    assert text.count("TOTAL_PASSED") == 2
    figures = home.run("stats", "--month", "2026-10", "-o", str(tmp_path / "s.xlsx"))
    assert figures.code == 0 and (tmp_path / "s.xlsx").exists()
    assert [one["percent"] for one in figures.document["indicators"]] == [100.0, 100.0]
    assert home.run("stats", "--month", "10/2026").code == 2


def test_a_covered_file_is_found_and_still_comes_back(home: Home, tmp_path: Path) -> None:
    home.run("doctor")
    paper = home.run("dossier", CODE).document["documents"][0]
    bucket = home.bucket("admin")
    bucket._client.put_object(bucket.name, paper["key"], io.BytesIO(b"forged"), 6)
    report = home.run("fixity")
    (finding,) = report.document["findings"]
    assert report.code == 5
    assert (finding["kind"], finding["key"], finding["document"]) == ("covered", paper["key"], paper["id"])
    got = home.run("get", paper["id"], "-o", str(tmp_path / "a.pdf"))
    assert got.code == 0 and got.document["files"][0]["recovered"] is True
    assert hashlib.sha256((tmp_path / "a.pdf").read_bytes()).hexdigest() == paper["pdf_sha256"]
    assert home.run("verify", paper["id"]).code == 5, "verification speaks of what stands there now"
    over = next(one for one in bucket.versions(paper["key"]) if one.latest)
    bucket.delete(paper["key"], version_id=over.version_id)
    assert home.run("verify", paper["id"]).code == 0


def test_a_catalogue_that_is_there_is_not_overwritten_unless_asked(home: Home) -> None:
    held = home.run("dossier", CODE).document
    refused = home.run("rebuild")
    assert refused.code == 2 and "--fresh" in refused.log
    kill(home.process())
    assert until(lambda: home.store() is None, 20)
    made = home.run("rebuild", "--fresh")
    assert made.code == 0 and Path(made.document["aside"]).exists()
    assert home.run("dossier", CODE).document == held
    assert home.run("ledger", "verify").code == 0


def test_a_stopped_home_has_sent_its_ledger_and_an_end_cut_off_is_found(home: Home) -> None:
    home.run("find", "quyet dinh")
    home.run("down")
    with sqlite3.connect(home.paths.database) as file:
        (last,) = file.execute("select max(seq) from ledger").fetchone()
        (sent,) = file.execute("select max(last) from ledger_segment where sha256 is not null").fetchone()
        assert sent == last, "what is stopped has sent everything"
        file.execute("drop trigger ledger_no_delete")
        file.execute("delete from ledger where seq = ?", (last,))
        file.commit()
    report = home.run("ledger", "verify")
    assert report.code == 5, report.document
    assert any(f"entry {last} is another one in l/" in p for p in report.document["problems"])
