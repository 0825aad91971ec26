"""Keys on a token (real SoftHSM2) and in PKCS#12 files, and all the ways in which they are not there."""

from __future__ import annotations

import hashlib
import os
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12

from pipeline.errors import Unavailable
from pipeline.model import Document, Level, SignatureRole
from signing.evidence import Trust
from signing.file_key import FileKey
from signing.keys import Identity, KeySource, Scheme, fits
from signing.pades import PadesSigner
from signing.pin import PinAgent, PinFile, PinHeld
from signing.templates import Templates
from signing.token_key import TokenKey
from tests.papers import AGENCY, OFFICER
from tests.pki import DAY, Authority, now, rsa_key
from tests.softhsm import MODULE, PIN, SoftHsm

DIGEST = hashlib.sha256(b"something").digest()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="module")
def officer(authority: Authority) -> Identity:
    return authority.issue("Cán bộ RSA", make_key=rsa_key())


@pytest.fixture(scope="module")
def hsm(authority: Authority, officer: Identity, tmp_path_factory: pytest.TempPathFactory) -> SoftHsm:
    hsm = SoftHsm(tmp_path_factory.mktemp("hsm") / "h")
    hsm.make("can-bo")
    hsm.put("can-bo", officer, key="ky")
    hsm.make("co-quan")
    hsm.put("co-quan", authority.issue("Cơ quan EC"), key="ky-ec")
    hsm.put("co-quan", authority.issue("Khóa khác"), key="khac", number="02")
    return hsm


@pytest.fixture(autouse=True)
def _driver(hsm: SoftHsm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOFTHSM2_CONF", str(hsm.configuration))


@pytest.fixture
def pin(tmp_path: Path) -> PinFile:
    return pin_file(tmp_path, PIN)


def pin_file(folder: Path, pin: str, mode: int = 0o600) -> PinFile:
    path = folder / "pin"
    path.write_text(pin + "\n")
    path.chmod(mode)
    return PinFile(path)


def signer(authority: Authority, officer: KeySource, agency: KeySource | None = None) -> PadesSigner:
    return PadesSigner(
        officer=officer, agency=agency or authority.issue("Cơ quan"), officer_name=OFFICER, agency_name=AGENCY,
        trust=Trust(roots=(authority.root,), crls=(authority.crl,)), timestamper=None, level=Level.B,
        demo=False, templates=Templates.load(),
    )  # fmt: skip


@pytest.mark.parametrize(("pss", "scheme"), [(False, Scheme.RSA), (True, Scheme.PSS)])
def test_rsa_key_on_a_token_signs_in_both_ways(
    hsm: SoftHsm, officer: Identity, pin: PinFile, pss: bool, scheme: Scheme
) -> None:
    key = TokenKey("officer", hsm.place("can-bo"), pin, pss=pss)
    assert key.certificate == officer.certificate
    assert key.scheme is scheme
    assert fits(officer.certificate, scheme, DIGEST, key.sign_digest(DIGEST))
    key.close()


def test_documents_are_signed_by_token_and_judged_by_pdfsig(
    hsm: SoftHsm, authority: Authority, pin: PinFile, document: Document, tmp_path: Path
) -> None:
    keys = (
        TokenKey("officer", hsm.place("can-bo"), pin),
        TokenKey("agency", hsm.place("co-quan", label="ky-ec"), pin),
    )
    made = signer(authority, *keys)
    assert made.self_test() == "Cán bộ RSA, Cơ quan EC"
    out = tmp_path / "signed.pdf"
    made.sign(document, out)
    judged = subprocess.run(["pdfsig", str(out)], capture_output=True, text=True).stdout
    assert judged.count("Signature is Valid") == 2
    made.close()


def test_token_pulled_out_in_the_middle_is_waited_for_and_comes_back(
    hsm: SoftHsm, authority: Authority, pin: PinFile, document: Document, tmp_path: Path
) -> None:
    made = signer(authority, TokenKey("officer", hsm.place("can-bo"), pin))
    made.sign(document, tmp_path / "1.pdf")
    hsm.pull_out()
    try:
        with pytest.raises(Unavailable, match="not in the reader") as caught:
            made.sign(document, tmp_path / "2.pdf")
        assert "cắm" in caught.value.vi
        (state, other) = made.key_states()
        assert (state.role, state.error is None, other.error) == (SignatureRole.OFFICER, False, None)
        assert not (tmp_path / "2.pdf").exists()
    finally:
        hsm.put_back()
    made.sign(document, tmp_path / "2.pdf")
    assert (tmp_path / "2.pdf").exists()
    made.close()


def test_a_driver_that_dies_or_hangs_is_started_anew(hsm: SoftHsm, officer: Identity, pin: PinFile) -> None:
    key = TokenKey("officer", hsm.place("can-bo"), pin, seconds=5)
    key.sign_digest(DIGEST)
    assert key._host is not None
    child = key._host._child
    child.kill()
    assert fits(officer.certificate, Scheme.RSA, DIGEST, key.sign_digest(DIGEST))
    os.kill(key._host._child.pid, 19)  # SIGSTOP: it lives and says nothing
    key._host._seconds = 0.2
    assert fits(officer.certificate, Scheme.RSA, DIGEST, key.sign_digest(DIGEST))
    key.close()


def test_many_threads_share_one_token(hsm: SoftHsm, officer: Identity, pin: PinFile) -> None:
    key = TokenKey("officer", hsm.place("can-bo"), pin)
    good: list[bool] = []

    def work() -> None:
        for n in range(5):
            digest = hashlib.sha256(f"{threading.get_ident()}{n}".encode()).digest()
            good.append(fits(officer.certificate, Scheme.RSA, digest, key.sign_digest(digest)))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert good == [True] * 20
    key.close()


def test_a_wrong_pin_is_offered_once(hsm: SoftHsm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from signing import token_key

    started: list[int] = []
    real = token_key._Host

    class Counted(real):  # type: ignore[valid-type,misc]
        def __init__(self, *arguments: Any) -> None:
            started.append(1)
            super().__init__(*arguments)

    monkeypatch.setattr(token_key, "_Host", Counted)
    wrong = pin_file(tmp_path, "000000")
    key = TokenKey("officer", hsm.place("can-bo"), wrong)
    for _ in range(3):
        with pytest.raises(Unavailable, match="wrong PIN"):
            key.sign_digest(DIGEST)
    assert len(started) == 1, "three wrong tries lock a token"
    wrong.path.write_text(PIN)
    assert key.sign_digest(DIGEST)
    key.close()


@pytest.mark.parametrize(
    ("where", "what"),
    [
        ({"token": "khong-co"}, "not in the reader"),
        ({"token": "co-quan"}, "several keys fit"),
        ({"token": "co-quan", "label": "khong-co"}, "no such key"),
        ({"token": "can-bo", "module": Path("/no/driver.so")}, "driver cannot be loaded"),
        ({}, "several tokens fit"),
    ],
)
def test_what_is_wrong_with_a_token_is_a_sentence(
    hsm: SoftHsm, pin: PinFile, where: dict[str, Any], what: str
) -> None:
    from signing.token_key import TokenPlace

    key = TokenKey("officer", TokenPlace(**{"module": MODULE, **where}), pin)
    with pytest.raises(Unavailable, match=what) as caught:
        key.sign_digest(DIGEST)
    assert caught.value.vi != str(caught.value)


def test_token_without_certificate_takes_it_from_a_file(
    authority: Authority, pin: PinFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hsm = SoftHsm(tmp_path / "h")
    monkeypatch.setenv("SOFTHSM2_CONF", str(hsm.configuration))
    bare = authority.issue("Không kèm chứng thư")
    hsm.make("tran")
    hsm.put("tran", bare, key="ky", certificate=False)
    with pytest.raises(Unavailable, match="no certificate"):
        TokenKey("officer", hsm.place("tran"), pin).sign_digest(DIGEST)
    key = TokenKey("officer", hsm.place("tran"), pin, certificate=bare.certificate)
    assert fits(bare.certificate, Scheme.ECDSA, DIGEST, key.sign_digest(DIGEST))
    stranger = TokenKey(
        "officer", hsm.place("tran"), pin, certificate=authority.issue("Người khác").certificate
    )
    with pytest.raises(Unavailable, match="does not fit its certificate"):
        stranger.sign_digest(DIGEST)
    key.close()


def test_exchanged_token_is_noticed_before_anything_is_signed(
    authority: Authority, pin: PinFile, tmp_path: Path, document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    hsm = SoftHsm(tmp_path / "h")
    monkeypatch.setenv("SOFTHSM2_CONF", str(hsm.configuration))
    hsm.make("ca")
    hsm.put("ca", authority.issue("Ca sáng"), key="ky")
    made = signer(authority, TokenKey("officer", hsm.place("ca"), pin))
    assert made.self_test().startswith("Ca sáng")
    hsm.pull_out()
    hsm.make("ca")
    hsm.put("ca", authority.issue("Ca chiều"), key="ky")
    with pytest.raises(Unavailable, match="another token"):
        made.sign(document, tmp_path / "signed.pdf")
    assert made.self_test().startswith("Ca chiều")
    made.close()


def test_pin_typed_by_a_person_lasts_one_shift(hsm: SoftHsm) -> None:
    moment = [0.0]
    held = PinHeld("officer", clock=lambda: moment[0])
    key = TokenKey("officer", hsm.place("can-bo"), held)
    with pytest.raises(Unavailable, match="sohoa sign unlock officer"):
        key.sign_digest(DIGEST)
    held.give(PIN.encode(), 3600)
    assert key.sign_digest(DIGEST)
    moment[0] = 3601
    with pytest.raises(Unavailable, match="locked"):
        key.sign_digest(DIGEST)
    held.give(b"0000", 3600)
    with pytest.raises(Unavailable, match="wrong PIN"):
        key.sign_digest(DIGEST)
    assert not held.valid, "a wrong one is forgotten"
    key.close()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_pin_file_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(Unavailable, match="chmod 600"):
        pin_file(tmp_path, PIN, mode).ask()


def test_pin_agent_is_asked_without_a_shell(tmp_path: Path) -> None:
    assert PinAgent(("/bin/echo", "12; echo 34")).ask() == b"12; echo 34"
    for command in (("/bin/false",), ("/no/such",), ("/bin/true",)):
        with pytest.raises(Unavailable):
            PinAgent(command).ask()


def test_pin_shows_nowhere(hsm: SoftHsm, pin: PinFile) -> None:
    held = PinHeld("officer")
    held.give(PIN.encode(), 60)
    key = TokenKey("officer", hsm.place("can-bo"), held)
    key.sign_digest(DIGEST)
    assert key._host is not None
    child = Path(f"/proc/{key._host._child.pid}")
    seen = child.joinpath("cmdline").read_bytes() + child.joinpath("environ").read_bytes()
    assert PIN.encode() not in seen
    assert PIN not in f"{held!r} {key!r} {pin!r} {vars(key)!r}"
    key.close()


@pytest.fixture
def packed(officer: Identity, authority: Authority, tmp_path: Path) -> Path:
    root = x509.load_pem_x509_certificate(authority.root.read_bytes())
    own = x509.load_der_x509_certificate(officer.certificate)
    content = pkcs12.serialize_key_and_certificates(
        b"x", officer.key, own, [root], BestAvailableEncryption(b"1234")
    )
    path = tmp_path / "officer.p12"
    path.write_bytes(content)
    path.chmod(0o600)
    return path


def test_key_file_is_parsed_once(packed: Path, officer: Identity, tmp_path: Path) -> None:
    asked: list[int] = []

    class Once(PinFile):
        def ask(self) -> bytes:
            asked.append(1)
            return super().ask()

    word = Once(pin_file(tmp_path, "1234").path)
    key = FileKey("officer", packed, word)
    for _ in range(3):
        assert fits(officer.certificate, Scheme.RSA, DIGEST, key.sign_digest(DIGEST))
    assert key.chain and len(asked) == 1


@pytest.mark.parametrize(
    ("harm", "sentence"),
    [
        (lambda path: path.rename(path.with_name("away.p12")), "is not there"),
        (lambda path: path.write_bytes(b"broken"), "does not open"),
        (lambda path: path.chmod(0o644), "chmod 600"),
    ],
)
def test_key_file_that_goes_is_waited_for(
    packed: Path, tmp_path: Path, harm: Callable[[Path], object], sentence: str
) -> None:
    key = FileKey("officer", packed, pin_file(tmp_path, "1234"))
    key.sign_digest(DIGEST)
    content = packed.read_bytes()
    harm(packed)
    with pytest.raises(Unavailable, match=sentence):
        key.sign_digest(DIGEST)
    packed.write_bytes(content)
    packed.chmod(0o600)
    assert key.sign_digest(DIGEST)


def test_revoked_and_expired_keys_are_red_states(authority: Authority) -> None:
    revoked, expired = (
        authority.issue("Bị thu hồi"),
        authority.issue("Cũ", begins=now() - 9 * DAY, ends=now() - DAY),
    )
    authority.revoke(revoked)
    first, second = signer(authority, revoked, expired).key_states()
    assert first.error is not None and "is revoked" in str(first.error)
    assert second.error is not None and "no longer valid" in str(second.error)
