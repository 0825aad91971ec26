"""Production: a token, a key file, and an authority over HTTP; what happens when one of them is away."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12

from config.settings import load
from pipeline.errors import Unavailable, UsageError
from pipeline.paths import HomePaths
from pipeline.wire_signing import open_signing
from signing.demo_pki import DemoPki
from signing.evidence import Gate, Trust, Use
from signing.keys import from_pem
from tests.home_in_use import SCANS, Answer, Home, papers, until
from tests.softhsm import MODULE, PIN, SoftHsm
from tests.town import Town
from tests.verapdf import broken_rules

pytestmark = pytest.mark.slow

STACK = SCANS / "chong-1"
TRUTH = {one["file"]: one["dossier"] for one in json.loads((SCANS / "truth.json").read_text("utf-8"))}


@dataclass
class Office:
    """A home in production with its authority and its token."""

    home: Home
    town: Town
    hsm: SoftHsm
    folder: Path

    def ingest(self, scan: str) -> Answer:
        return self.home.run("ingest", str(STACK / scan), "--dossier", TRUTH[f"{STACK.name}/{scan}"])

    def probes(self) -> dict[str, Any]:
        found = self.home.run("doctor").document["probes"]
        return {one["name"]: one for one in found}


def settings(folder: Path, town: Town, *, mode: str = "production", more: str = "") -> str:
    return f"""
mode = "{mode}"

[agency]
name = "UBND xã Tân Phú"
officer = "Nguyễn Văn An"

[storage]
second_copy_waived_by = "Trần Thị Bình, 05/10/2026"

[signing]
tsa_url = "{town.tsa_url}"
tsa_timeout = 3
tsa_attempts = 1
revocation_timeout = 2
revocation_attempts = 1
{more}

[signing.officer]
kind = "pkcs11"
module = "{MODULE}"
token = "can-bo"
pin_file = "{folder / "officer.pin"}"

[signing.agency]
kind = "pkcs12"
file = "{folder / "agency.p12"}"
pin_agent = ["/bin/cat", "{folder / "agency.pin"}"]
"""


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    folder = tmp_path_factory.mktemp("office")
    town, hsm = Town(folder / "town"), SoftHsm(folder / "hsm")
    hsm.make("can-bo")
    hsm.put("can-bo", town.identity("officer"), key="ky")
    agency = town.identity("agency")
    own, root = (x509.load_der_x509_certificate(one) for one in (agency.certificate, town.root.read_bytes()))
    packed = pkcs12.serialize_key_and_certificates(
        b"x", agency.key, own, [root], BestAvailableEncryption(b"bi-mat")
    )
    for name, content in (("agency.p12", packed), ("officer.pin", PIN.encode()), ("agency.pin", b"bi-mat\n")):
        (folder / name).write_bytes(content)
        (folder / name).chmod(0o600)
    home = Home(folder / "h", {"SOFTHSM2_CONF": str(hsm.configuration)})
    (home.root / "trust").mkdir(parents=True, mode=0o700)
    (home.root / "trust" / "root.crt").write_bytes(town.root.read_bytes())
    (home.root / "sohoa.toml").write_text(settings(folder, town))
    yield Office(home, town, hsm, folder)
    home.run("down")
    town.stop()


def test_production_refuses_demo_keys_and_roots(office: Office, tmp_path: Path, pki: DemoPki) -> None:
    paths = HomePaths(tmp_path)
    paths.settings.write_text('mode = "production"\n')
    with pytest.raises(UsageError, match=r"\[signing.officer\]"):
        open_signing(paths, load(tmp_path))
    paths.settings.write_text(settings(office.folder, office.town))
    paths.trust.mkdir()
    (paths.trust / "demo.crt").write_bytes(pki.certificate("root").read_bytes())
    with pytest.raises(UsageError, match="DEMO root"):
        open_signing(paths, load(tmp_path))


def test_demo_key_in_a_file_is_refused_in_production(office: Office, tmp_path: Path, pki: DemoPki) -> None:
    demo = from_pem(pki.certificate("officer"), pki.key("officer"))
    gate = Gate(
        Trust(roots=(pki.certificate("root"),), crls=(pki.crl,), production=True),
        clock=lambda: datetime.now(UTC),
    )
    with pytest.raises(Unavailable, match="DEMO"):
        gate.pass_through(demo.certificate, demo.chain, Use.DOCUMENTS)


def test_paper_is_signed_by_token_and_file_at_lta_and_the_light_is_green(
    office: Office, tmp_path: Path
) -> None:
    answer = office.ingest("scan-01.jpg")
    (paper,) = papers(answer.document)
    assert (paper["state"], paper["signature_level"], paper["light"]) == ("stored", "B-LTA", "green"), paper
    out = tmp_path / "ky.pdf"
    assert office.home.run("get", paper["id"], "-o", str(out)).code == 0
    assert b"DEMO" not in out.read_bytes() and broken_rules(out) == []
    judged = subprocess.run(["pdfsig", str(out)], capture_output=True, text=True).stdout
    assert judged.count("Signature is Valid") == 2 and "CN=Nguyễn Văn An" in judged
    (found,) = office.home.run("verify", paper["id"]).document["results"]
    assert found["verdict"] == "TOTAL_PASSED", found
    assert [one["signer"] for one in found["signatures"]] == ["Nguyễn Văn An", "UBND xã Tân Phú"]


def test_keys_are_tried_at_the_start_and_no_secret_shows(office: Office, tmp_path: Path) -> None:
    probes = office.probes()
    assert probes["Khóa ký (signing key) officer"]["state"] == "ok"
    assert probes["Khóa ký (signing key) agency"]["state"] == "ok"
    out = tmp_path / "ledger.jsonl"
    assert office.home.run("ledger", "export", "-o", str(out), "--force").code == 0
    acts = [json.loads(json.loads(line)["body"]) for line in out.read_text().splitlines() if '"body"' in line]
    tests = [one for one in acts if one["act"] == "test_keys"]
    assert tests and tests[0]["details"]["ok"] is True
    everything = office.home.run("config").log + json.dumps(office.home.run("config").document)
    for place in (out, office.home.paths.log):
        everything += place.read_text("utf-8", "replace")
    assert PIN not in everything and "bi-mat" not in everything


def test_token_pulled_out_papers_wait_doctor_is_red_and_all_heals(office: Office) -> None:
    office.hsm.pull_out()
    try:
        answer = office.ingest("scan-02.jpg")
        (paper,) = papers(answer.document)
        assert answer.code == 4 and paper["state"] == "waiting" and "chưa cắm" in paper["reason"]
        report = office.home.run("doctor")
        states = {one["name"]: one["state"] for one in report.document["probes"]}
        assert report.code == 4 and states["Khóa ký (signing key) officer"] == "error"
        assert states["Khóa ký (signing key) agency"] == "ok"
    finally:
        office.hsm.put_back()
    answer = office.home.run("retry")
    assert answer.code == 0 and papers(answer.document)[0]["state"] == "stored"


def test_authority_down_papers_wait_and_none_is_lost(office: Office) -> None:
    office.town.stop()
    try:
        answer = office.ingest("scan-03.jpg")
        (paper,) = papers(answer.document)
        assert answer.code == 4 and paper["state"] == "waiting" and paper["light"] == "amber"
        assert paper["signature_level"] is None, "nothing below its level is kept"
    finally:
        office.town.begin()
    answer = office.home.run("retry")
    assert answer.code in (0, 1) and papers(answer.document)[0]["signature_level"] == "B-LTA"


def test_outage_heals_without_anybody(office: Office) -> None:
    office.town.stop()
    try:
        office.home.run("down")  # a fresh process has no kept proofs: OCSP is asked, and nobody answers
        answer = office.ingest("scan-09.jpg")
        assert answer.code == 4
    finally:
        office.town.begin()
    (batch,) = answer.document["batches"]

    def healed() -> bool:
        time.sleep(2)
        view = office.home.run("status", batch["id"]).document
        return all(one["signature_level"] == "B-LTA" for one in papers(view))

    assert until(healed, 150)


def test_counter_gets_the_officers_signature_first_and_the_rest_in_the_background(office: Office) -> None:
    path = office.home.root / "sohoa.toml"
    before = path.read_text()
    path.write_text(settings(office.folder, office.town, more='counter_level = "B-T"'))
    try:
        answer = office.ingest("scan-08.jpg")
        (paper,) = papers(answer.document)
        assert (paper["signature_level"], paper["light"]) == ("B-T", "green")

        def followed() -> bool:
            time.sleep(1)
            view = office.home.run("status", answer.document["batches"][0]["id"]).document
            return bool(papers(view)[0]["signature_level"] == "B-LTA")

        assert until(followed, 60)
        (found,) = office.home.run("verify", paper["id"]).document["results"]
        assert found["verdict"] == "TOTAL_PASSED"
        assert [one["role"] for one in found["signatures"]] == ["officer", "agency"]
        assert {one["level"] for one in found["signatures"]} == {"B-LTA"}
        assert (
            office.home.run("get", paper["id"], "--version", "1", "-o", str(office.folder / "v1.pdf")).code
            == 0
        )
        assert office.home.run("ledger", "verify").code == 0
    finally:
        path.write_text(before)
