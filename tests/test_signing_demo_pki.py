"""Demo keys appear whole or not at all, stay private, and follow a change of names."""

from __future__ import annotations

import datetime as dt
import multiprocessing
import os
import stat
from pathlib import Path

import pytest
from cryptography import x509

from pipeline.errors import UsageError
from signing.demo_pki import ensure_demo_pki
from signing.keys import from_pem, holder
from signing.trust import TrustStore
from tests.papers import AGENCY, OFFICER


def test_every_name_says_demo_and_every_key_is_private(tmp_path: Path) -> None:
    pki = ensure_demo_pki(tmp_path / "demo", agency=AGENCY, officer=OFFICER)
    for name in ("root", "issuer", "officer", "agency", "tsa"):
        certificate = x509.load_pem_x509_certificate(pki.certificate(name).read_bytes())
        assert "DEMO" in certificate.subject.rfc4514_string()
        assert stat.S_IMODE(pki.key(name).stat().st_mode) == 0o600
        assert pki.key(name).read_text().splitlines()[1] not in repr(pki)
    assert stat.S_IMODE(pki.folder.stat().st_mode) == 0o700


def test_second_call_changes_nothing(tmp_path: Path) -> None:
    first = ensure_demo_pki(tmp_path / "demo", agency=AGENCY, officer=OFFICER)
    before = {path.name: path.read_bytes() for path in first.folder.iterdir()}
    ensure_demo_pki(tmp_path / "demo", agency=AGENCY, officer=OFFICER)
    assert {path.name: path.read_bytes() for path in first.folder.iterdir()} == before


def test_renamed_officer_gets_a_new_certificate_under_the_same_root(tmp_path: Path) -> None:
    pki = ensure_demo_pki(tmp_path / "demo", agency=AGENCY, officer=OFFICER)
    root = pki.certificate("root").read_bytes()
    ensure_demo_pki(tmp_path / "demo", agency=AGENCY, officer="Trần Văn Bảy")
    assert holder(from_pem(pki.certificate("officer"), pki.key("officer")).certificate) == "DEMO Trần Văn Bảy"
    assert pki.certificate("root").read_bytes() == root


@pytest.mark.parametrize("lost", ["officer.key", "officer.crt", "agency.key", "demo.crl"])
def test_half_written_folder_is_mended(tmp_path: Path, lost: str) -> None:
    pki = ensure_demo_pki(tmp_path / "demo", agency=AGENCY, officer=OFFICER)
    root = pki.certificate("root").read_bytes()
    (pki.folder / lost).unlink()
    ensure_demo_pki(tmp_path / "demo", agency=AGENCY, officer=OFFICER)
    for name in ("officer", "agency"):
        assert from_pem(pki.certificate(name), pki.key(name)).chain
    assert pki.crl.exists() and pki.certificate("root").read_bytes() == root


def test_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match="other files"):
        ensure_demo_pki(tmp_path / "demo", agency=AGENCY, officer=OFFICER)
    assert [path.name for path in (tmp_path / "demo").iterdir()] == ["thesis.txt"]
    assert [path.name for path in tmp_path.iterdir()] == ["demo"]


def test_draft_of_a_crash_is_swept_when_it_is_old(tmp_path: Path) -> None:
    for name, age in ((".demo-old", 7200), (".demo-new", 0)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "root.key").write_text("half")
        then = dt.datetime.now().timestamp() - age
        os.utime(tmp_path / name, (then, then))
    ensure_demo_pki(tmp_path / "demo", agency=AGENCY, officer=OFFICER)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".demo-new", "demo"]


def _make(folder: Path) -> bytes:
    return ensure_demo_pki(folder, agency=AGENCY, officer=OFFICER).certificate("root").read_bytes()


def test_processes_that_start_at_once_share_one_root(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        roots = pool.map(_make, [tmp_path / "demo"] * 6, chunksize=1)
    assert len(set(roots)) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["demo"]


def test_revocation_lists_are_signed_again_after_a_day(tmp_path: Path) -> None:
    pki = ensure_demo_pki(tmp_path / "demo", agency=AGENCY, officer=OFFICER)
    first, now = pki.crl.read_bytes(), dt.datetime.now(dt.UTC)
    pki.refresh(now + dt.timedelta(hours=20))
    assert pki.crl.read_bytes() == first
    pki.refresh(now + dt.timedelta(hours=30))
    assert pki.crl.read_bytes() != first


def test_trust_folder_takes_certificates_only(tmp_path: Path) -> None:
    pki = ensure_demo_pki(tmp_path / "demo", agency=AGENCY, officer=OFFICER)
    folder = tmp_path / "trust"
    folder.mkdir()
    assert TrustStore.of(folder).anchors == ()
    (folder / "readme.txt").write_text("not looked at")
    (folder / "root.crt").write_bytes(pki.certificate("root").read_bytes())
    assert len(TrustStore.of(folder).anchors) == 1 and TrustStore.of(folder).demo is None
    (folder / "broken.cer").write_text("no certificate")
    with pytest.raises(UsageError, match=r"broken\.cer"):
        TrustStore.of(folder)
