"""Signatures that last: renewed in time, and DEMO ones replaced; the version before stays as it was."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12

from pipeline.errors import Tampered
from pipeline.model import Document, Level
from signing.demo_pki import DemoPki
from signing.revision import present
from signing.standing_evidence import evidence_ends, signed_for_trial, unsigned_part
from tests.home_in_use import SCANS, Home, papers
from tests.papers import make_signer
from tests.town import Town
from tests.verapdf import broken_rules

SIGNED = SCANS / "chong-2" / "scan-01.jpg"


@pytest.fixture(scope="module")
def lta(document: Document, pki: DemoPki, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    out, signer = tmp_path_factory.mktemp("lta") / "signed.pdf", make_signer(pki, Level.LTA)
    for _ in range(2):  # the first one of a process does not know yet how much room they take
        signer.sign(document, out)
    return out.read_bytes()


def test_renewal_adds_a_time_stamp_and_changes_nothing_before(
    lta: bytes, pki: DemoPki, tmp_path: Path
) -> None:
    renewed = lta
    for number in (2, 3):
        longer = make_signer(pki, Level.LTA).renew(renewed)
        assert longer.startswith(renewed)
        assert [one.field for one in present(longer) if one.is_stamp][-1] == f"sohoa-timestamp-{number}"
        renewed = longer
    path = tmp_path / "renewed.pdf"
    path.write_bytes(renewed)
    assert broken_rules(path) == []
    judged = subprocess.run(["pdfsig", str(path)], capture_output=True, text=True).stdout
    assert judged.count("Signature is Valid") == 2


def test_unsigned_beginning_is_found_by_its_digest(lta: bytes, document: Document) -> None:
    assert unsigned_part(lta, document.pdf.sha256) == document.pdf.path.read_bytes()
    assert signed_for_trial(lta) and evidence_ends(lta) is not None
    with pytest.raises(Tampered):
        unsigned_part(lta, "0" * 64)


def test_two_signatures_and_evidence_take_no_more_than_they_must(lta: bytes, document: Document) -> None:
    """63 KB before rooms were learned, one font was shared, and evidence compressed and written once."""
    assert len(lta) - document.pdf.size < 50_000


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    home = Home(tmp_path_factory.mktemp("nha") / "h")
    yield home
    home.run("down")


@pytest.mark.slow
def test_renewed_then_signed_anew_with_real_keys(home: Home, tmp_path: Path) -> None:
    taken = home.run("ingest", str(SIGNED), "--dossier", "H38.20-261002-0007")
    (paper,) = papers(taken.document)
    name = paper["id"]
    assert home.run("renew", "--due").document["due"] == []
    due = home.run("renew", "--due", "--days", "36500")
    assert due.code == 1 and [one["document"] for one in due.document["due"]] == [name]
    assert due.document["calendar"][0]["documents"] == 1
    renewed = home.run("renew", "--days", "36500")
    assert renewed.code == 0 and renewed.document["done"] == [name], renewed.document
    assert [one["version"] for one in home.run("renew", "--due", "--days", "36500").document["due"]] == [2]
    (found,) = home.run("verify", name).document["results"]
    assert found["verdict"] == "TOTAL_PASSED" and found["hash_ok"]
    first, second, third = (tmp_path / f"{n}.pdf" for n in (1, 2, 3))
    home.run("get", name, "--version", "1", "-o", str(first))
    home.run("get", name, "-o", str(second))
    assert second.read_bytes().startswith(first.read_bytes())
    refused = home.run("resign")
    assert refused.code == 2

    town = Town(tmp_path / "town")
    try:
        (home.root / "trust").mkdir(exist_ok=True)
        (home.root / "trust" / "root.crt").write_bytes(town.root.read_bytes())
        (home.root / "sohoa.toml").write_text(production(town, tmp_path))
        anew = home.run("resign")
        assert anew.code == 0 and anew.document["done"] == [name], anew.document
        assert home.run("resign").document == {"done": [], "passed": 1, "failed": []}
        home.run("get", name, "-o", str(third))
        assert broken_rules(third) == [] and not signed_for_trial(third.read_bytes())
        (found,) = home.run("verify", name).document["results"]
        assert found["verdict"] == "TOTAL_PASSED"
        assert [one["signer"] for one in found["signatures"]] == ["Nguyễn Văn An", "UBND xã Tân Phú"]
        assert home.run("get", name, "--version", "2", "-o", str(first), "--force").code == 0
        copy = tmp_path / "gon.pdf"
        home.run("get", name, "--version", "2", "-o", str(copy), "--profile", "compact")
        assert hashlib.sha256(first.read_bytes()).hexdigest().encode() in copy.read_bytes()
        assert first.read_bytes() == second.read_bytes(), "the old version is kept"
        assert home.run("fixity").code == 0 and home.run("ledger", "verify").code == 0
    finally:
        home.run("down")
        town.stop()


def production(town: Town, folder: Path) -> str:
    sections = []
    for role in ("officer", "agency"):
        identity = town.identity(role)
        own, root = (
            x509.load_der_x509_certificate(one) for one in (identity.certificate, town.root.read_bytes())
        )
        packed = pkcs12.serialize_key_and_certificates(
            b"x", identity.key, own, [root], BestAvailableEncryption(b"bi-mat")
        )
        for path, content in ((folder / f"{role}.p12", packed), (folder / f"{role}.pin", b"bi-mat")):
            path.write_bytes(content)
            path.chmod(0o600)
        sections.append(
            f'[signing.{role}]\nkind = "pkcs12"\nfile = "{folder}/{role}.p12"\npin_file = "{folder}/{role}.pin"\n'
        )
    return f'mode = "production"\n[signing]\ntsa_url = "{town.tsa_url}"\n' + "".join(sections)
