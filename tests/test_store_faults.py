"""A store that answers 503, says nothing, or breaks off half way: it heals, shows while it does not, and loses nothing."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from pipeline.errors import Unavailable
from pipeline.model import Sha256
from storage.archive import Archive
from storage.manifest import check_chain
from storage.s3 import Bucket, Endpoint
from storage.seaweedfs import EmbeddedStore
from tests.home_in_use import SCANS, Home, papers
from tests.store_proxy import Fault, StoreProxy

CODES = [f"H38.20-261002-{number:04d}" for number in range(1, 9)]
TIMEOUT = 1.5


@pytest.fixture(scope="module")
def far(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedStore]:
    store = EmbeddedStore.at(tmp_path_factory.mktemp("far"), bucket="kho-rieng")
    store.start()
    yield store
    store.stop(0.1)


@pytest.fixture(scope="module")
def proxy(far: EmbeddedStore) -> Iterator[StoreProxy]:
    made = StoreProxy(far.endpoint("writer").host)
    yield made
    made.close()


@pytest.fixture(scope="module")
def behind(far: EmbeddedStore, proxy: StoreProxy) -> Endpoint:
    return replace(far.endpoint("writer"), host=proxy.host, timeout=TIMEOUT)


@pytest.mark.parametrize("kind", ["slow_down", "cut_request", "lose_answer", "stall"])
def test_a_write_heals_when_the_fault_passes_and_is_told_when_it_does_not(
    kind: str, proxy: StoreProxy, behind: Endpoint
) -> None:
    bucket, content = Bucket(behind), kind.encode() * 40_000
    sha256 = Sha256(hashlib.sha256(content).hexdigest())

    def put(key: str, through: Bucket) -> None:
        through.put_new(key, content, sha256=sha256, media_type="text/plain", lock_until=None)

    with proxy.failing(Fault(kind, "PUT", f"f/{kind}", times=1)):
        try:
            put(f"f/{kind}", bucket)
        except Exception as error:  # the server had done it: the second try finds it there
            assert kind == "lose_answer" and type(error).__name__ == "AlreadyThere"
    assert bucket.hash(f"f/{kind}") == sha256
    with proxy.failing(Fault(kind, "PUT", f"f/{kind}-2")), pytest.raises(Unavailable):
        put(f"f/{kind}-2", Bucket(behind, patient=False))
    there = bucket.read(f"f/{kind}-2")
    assert there in ((content, None) if kind == "lose_answer" else (None,)), "never half of it"


@pytest.mark.parametrize("kind", ["slow_down", "cut_answer", "stall"])
def test_a_read_heals_when_the_fault_passes_and_is_told_when_it_does_not(
    kind: str, proxy: StoreProxy, behind: Endpoint, tmp_path: Path
) -> None:
    bucket, content, key = Bucket(behind), kind.encode() * 40_000, f"g/{kind}"
    sha256 = Sha256(hashlib.sha256(content).hexdigest())
    bucket.put_new(key, content, sha256=sha256, media_type="text/plain", lock_until=None)
    reads: tuple[Callable[[Bucket], bool], ...] = (
        lambda b: b.read(key) == content,
        lambda b: b.hash(key) == sha256,
        lambda b: b.fetch(key, sha256, tmp_path / "out") is None,  # type: ignore[func-returns-value]
    )
    for number, read in enumerate(reads):
        with proxy.failing(Fault(kind, "GET", key, times=1)):
            assert read(bucket)
        if number == 0 or kind != "stall":
            with proxy.failing(Fault(kind, "GET", key)), pytest.raises(Unavailable):
                read(Bucket(behind, patient=False))
    assert (tmp_path / "out").read_bytes() == content and len(list(tmp_path.iterdir())) == 1


def test_a_verifier_waits_for_a_store_that_was_just_started_and_not_for_ever(
    proxy: StoreProxy, behind: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    content, key = b"whole", "h/verifier"
    sha256 = Sha256(hashlib.sha256(content).hexdigest())
    Bucket(behind).put_new(key, content, sha256=sha256, media_type="text/plain", lock_until=None)
    archive = Archive(Bucket(behind), once=Bucket(behind, patient=False))
    with proxy.failing(Fault("slow_down", "GET", key, times=4)):
        assert archive.read(key) == content
    monkeypatch.setattr("storage.archive.SETTLING", 1.0)
    with proxy.failing(Fault("slow_down", "GET", key)), pytest.raises(Unavailable):
        archive.read(key)


@pytest.fixture(scope="module")
def home(behind: Endpoint, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    settings = {
        "SOHOA_S3_ENDPOINT": f"http://{behind.host}",
        "SOHOA_S3_ACCESS_KEY": behind.access_key,
        "SOHOA_S3_SECRET_KEY": behind.secret_key,
        "SOHOA_S3_BUCKET": behind.bucket,
        "SOHOA_S3_TIMEOUT": str(TIMEOUT),
        "SOHOA_SIGNING_LEVEL": "B-T",
    }
    place = Home(tmp_path_factory.mktemp("nha") / "h", settings)
    yield place
    place.run("down")


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One small side; it is read once, its result serves every dossier."""
    path = tmp_path_factory.mktemp("quet") / "a.jpg"
    Image.open(SCANS / "chong-2" / "scan-02.jpg").save(path, dpi=(200, 200))
    return path


FAULTS = [
    Fault("slow_down"),
    Fault("stall", "PUT", "/d/"),
    Fault("cut_request", "PUT", "/c/"),
    Fault("cut_answer", "GET", "/c/"),
    Fault("slow_down", "PUT", "/m/"),
    Fault("lose_answer", "PUT", "/m/"),
]


QUICK = {0, 3, 5}
"""One fault of each nature; the others run with the slow tests."""


@pytest.mark.parametrize(
    "number",
    [
        pytest.param(n, marks=[] if n in QUICK else pytest.mark.slow, id=f"{fault.kind}{fault.key}")
        for n, fault in enumerate(FAULTS)
    ],
)
def test_taking_in_waits_out_a_fault_and_stores_once(
    number: int, home: Home, proxy: StoreProxy, far: EmbeddedStore, scan: Path
) -> None:
    fault, code = FAULTS[number], CODES[number]
    home.run("status")
    before = proxy.struck.get(fault.kind, 0)
    with proxy.failing(fault):
        during = home.run("ingest", str(scan), "--dossier", code)
        assert proxy.struck.get(fault.kind, 0) > before, "the fault struck"
        if fault.kind != "lose_answer":  # then the second try finds it done
            assert during.code == 4, during.document
            (batch,) = during.document["batches"]
            told = [batch["reason"], *(paper["reason"] for paper in batch["documents"])]
            assert any("Kho lưu trữ" in str(reason) for reason in told), told
            shown = home.run("status")
            assert shown.code == 4
            assert batch["id"] in [one["id"] for one in shown.document["batches"]]
            if fault.key == "":
                probe = home.run("doctor")
                assert probe.code == 4
                assert "error" in [
                    p["state"] for p in probe.document["probes"] if p["name"].startswith("Kho S3")
                ]
    healed = home.run("retry")
    assert healed.code == 0, healed.log
    direct = Bucket(far.endpoint("admin"))
    folder = next(key for key in direct.keys("d/") if f"/{code}/m/" in key).partition("/m/")[0]
    manifests = [
        (key, direct.read(key) or b"") for key in direct.keys(f"{folder}/m/") if key.endswith(".json")
    ]
    assert len(manifests) == 1 and check_chain(manifests) == []
    (paper,) = home.run("dossier", code).document["documents"]
    assert paper["state"] == "stored"
    assert direct.hash(paper["key"]) == paper["pdf_sha256"]


def test_nothing_that_was_acknowledged_is_lost(home: Home) -> None:
    answer = home.run("fixity")
    assert answer.code == 0, answer.document["findings"]
    told = home.run("verify", "--all").document["results"]
    # at B-T revocation is not proven: the bytes are what counts here
    assert all(one["hash_ok"] and one["verdict"] != "TOTAL_FAILED" for one in told), told
    kept = papers(home.run("status", "--all").document)
    assert len(kept) >= len(QUICK) and {paper["state"] for paper in kept} == {"stored"}


@pytest.mark.slow  # the clock tries again each minute
def test_it_goes_on_by_itself_when_the_store_is_back(home: Home, proxy: StoreProxy, scan: Path) -> None:
    with proxy.failing(Fault("slow_down")):
        assert home.run("ingest", str(scan), "--dossier", CODES[-1]).code == 4
    began = time.monotonic()
    while home.run("status").code == 4:
        assert time.monotonic() - began < 130
        time.sleep(2)
    assert home.run("status").code == 0
