"""A file that somebody signed before, and a store that is not ours: kept unchanged, kept elsewhere."""

from __future__ import annotations

import hashlib
import io
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.s3 import Bucket, Endpoint
from storage.seaweedfs import EmbeddedStore
from tests.home_in_use import BUCKET, SCANS, Home, papers

pytestmark = pytest.mark.slow

STACK = SCANS / "chong-2"
CODE = "H38.20-261002-0007"


@pytest.fixture(scope="module")
def far(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    """Another S3 server, as an administrator runs it."""
    store = EmbeddedStore.at(tmp_path_factory.mktemp("far"), bucket="kho-rieng")
    store.start()
    yield store.endpoint("writer")
    store.stop(0.1)


@pytest.fixture(scope="module")
def home(far: Endpoint, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    settings = {
        "SOHOA_S3_ENDPOINT": f"http://{far.host}",
        "SOHOA_S3_ACCESS_KEY": far.access_key,
        "SOHOA_S3_SECRET_KEY": far.secret_key,
        "SOHOA_S3_BUCKET": far.bucket,
    }
    place = Home(tmp_path_factory.mktemp("nha") / "h", settings)
    yield place
    place.run("down")


@pytest.fixture(scope="module")
def signed(home: Home, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A PDF with two signatures, made by taking in a scan and fetching it."""
    taken = home.run("ingest", str(STACK / "scan-01.jpg"), "--dossier", CODE)
    path = tmp_path_factory.mktemp("ky") / "don-da-ky.pdf"
    assert home.run("get", papers(taken.document)[0]["id"], "-o", str(path)).code == 0
    return path


def test_records_are_kept_in_the_store_that_is_configured(home: Home, signed: Path, far: Endpoint) -> None:
    assert home.store() is None, "no store of our own beside it"
    digest = hashlib.sha256(signed.read_bytes()).hexdigest()
    assert any(key.endswith(f"{digest}.pdf") for key in Bucket(far).keys("d/"))


def test_a_signed_file_is_one_paper_kept_unchanged_and_read_all_the_same(
    home: Home, signed: Path, tmp_path: Path
) -> None:
    before = signed.read_bytes()
    other = "H38.20-261002-0008"
    taken = home.run("ingest", str(signed), "--dossier", other)
    (paper,) = papers(taken.document)
    assert (paper["origin"], paper["state"], paper["dossier"]) == ("incoming_signed", "stored", other)
    assert paper["signature_level"] == "B-LTA"
    assert paper["pdf_sha256"] == hashlib.sha256(before).hexdigest()
    assert "xây dựng" in taken.document["batches"][0]["pages"][0]["text"].lower()
    assert home.run("get", paper["id"], "-o", str(tmp_path / "a.pdf")).code == 0
    assert (tmp_path / "a.pdf").read_bytes() == before == signed.read_bytes()


def test_officer_and_agency_vouch_for_a_signed_file_beside_it(
    home: Home, signed: Path, far: Endpoint, tmp_path: Path
) -> None:
    dossier = "H38.20-261002-0009"
    home.run("ingest", str(signed), "--dossier", dossier)
    bucket = Bucket(far)
    keys = [key for key in bucket.keys("d/") if f"/{dossier}/m/" in key]
    manifest = next(key for key in keys if key.endswith(".json"))
    assert {key.split(".")[-2] for key in keys if key.endswith(".p7s")} == {"officer", "agency"}
    (tmp_path / "m.json").write_bytes(bucket.read(manifest) or b"")
    for key in keys:
        if key.endswith(".p7s"):
            (tmp_path / "m.p7s").write_bytes(bucket.read(key) or b"")
            command = [
                "openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", str(tmp_path / "m.p7s"),
                "-content", str(tmp_path / "m.json"), "-CAfile", str(home.root / "keys" / "demo" / "root.crt"),
                "-purpose", "any", "-out", "/dev/null",
            ]  # fmt: skip
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr


def test_a_signed_file_that_was_tampered_with_goes_to_a_person(
    home: Home, signed: Path, tmp_path: Path
) -> None:
    content = bytearray(signed.read_bytes())
    content[len(content) // 3] ^= 1
    (tmp_path / "sua.pdf").write_bytes(content)
    taken = home.run("ingest", str(tmp_path / "sua.pdf"), "--dossier", "H38.20-261002-0010")
    (paper,) = papers(taken.document)
    assert taken.code == 1 and taken.document["batches"][0]["state"] == "review"
    assert paper["state"] == "review" and "không còn nguyên vẹn" in paper["reason"]
    assert {page["state"] for page in taken.document["batches"][0]["pages"]} == {"review"}
    assert (tmp_path / "sua.pdf").read_bytes() == content


def test_a_bucket_without_object_lock_is_refused_with_a_remedy(
    far: Endpoint, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    store = EmbeddedStore.at(tmp_path_factory.mktemp("khong-khoa"), bucket="khoa")
    store.start()
    try:
        admin = store.endpoint("admin")
        Bucket(admin)._client.make_bucket("khong-khoa")
        settings = {
            "SOHOA_S3_ENDPOINT": f"http://{admin.host}",
            "SOHOA_S3_ACCESS_KEY": admin.access_key,
            "SOHOA_S3_SECRET_KEY": admin.secret_key,
            "SOHOA_S3_BUCKET": "khong-khoa",
        }
        home = Home(tmp_path / "h", settings)
        answer = home.run("ingest", str(STACK))
        home.run("down")
    finally:
        store.stop(0.1)
    assert answer.code == 2 and "Object Lock" in answer.log


@pytest.fixture
def damaged(tmp_path: Path) -> Iterator[Home]:
    place = Home(tmp_path / "h")
    yield place
    place.run("down")


def test_a_byte_that_rots_on_the_disk_of_the_store_is_found(damaged: Home) -> None:
    taken = damaged.run("ingest", str(STACK / "scan-01.jpg"), "--dossier", CODE)
    (paper,) = papers(taken.document)
    damaged.run("down")
    marks = b"%PDF-1.7"
    rotten = 0
    for volume in (damaged.paths.store / "d").rglob("*.dat"):
        content = bytearray(volume.read_bytes())
        place = content.find(marks)
        while place >= 0:
            content[place + 3000] ^= 0xFF
            rotten += 1
            place = content.find(marks, place + 1)
        volume.write_bytes(content)
    assert rotten, "the PDF was not found in the volumes"
    report = damaged.run("verify", "--all")
    (result,) = report.document["results"]
    assert report.code == 5
    assert result["target"] == paper["id"] and result["verdict"] == "TOTAL_FAILED"


def test_other_bytes_under_the_same_key_are_found(damaged: Home) -> None:
    taken = damaged.run("ingest", str(STACK / "scan-01.jpg"), "--dossier", CODE)
    (paper,) = papers(taken.document)
    bucket = damaged.bucket("admin")
    content = bytearray(bucket.read(paper["key"]) or b"")
    content[-5000] ^= 1
    bucket._client.put_object(BUCKET, paper["key"], io.BytesIO(bytes(content)), len(content))
    report = damaged.run("verify", paper["id"])
    assert report.code == 5
    assert report.document["results"][0]["verdict"] == "TOTAL_FAILED"
    assert report.document["results"][0]["hash_ok"] is False
