"""No signature by a certificate that may not sign now: the gate stands before every key."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest
from pyhanko.sign.timestamps import TimeStamper

from pipeline.errors import Unavailable, UsageError
from pipeline.model import Document, Level
from signing.evidence import Gate, Trust, Use
from signing.keys import Identity, Scheme, from_pem, from_pkcs12, scheme_of
from signing.pades import PadesSigner
from signing.templates import Templates
from signing.timestamp import DemoAuthority
from tests.papers import AGENCY, OFFICER
from tests.pki import DAY, Authority, now, rsa_key


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "pki")


def make(
    authority: Authority,
    officer: Identity,
    agency: Identity | None = None,
    *,
    level: Level = Level.B,
    timestamper: TimeStamper | None = None,
    clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
) -> PadesSigner:
    return PadesSigner(
        officer=officer, agency=agency or authority.issue("Cơ quan"), officer_name=OFFICER, agency_name=AGENCY,
        trust=Trust(roots=(authority.root,), crls=(authority.crl,)), timestamper=timestamper, level=level,
        demo=True, templates=Templates.load(), clock=clock,
    )  # fmt: skip


def refusal(signer: PadesSigner, document: Document, folder: Path) -> str:
    """Why it did not sign; nothing is left where the file would be."""
    out = folder / "out" / "signed.pdf"
    with pytest.raises(Unavailable) as caught:
        signer.sign(document, out)
    assert not out.parent.exists() or list(out.parent.iterdir()) == []
    assert caught.value.vi != str(caught.value)
    with pytest.raises(Unavailable):
        signer.self_test()
    return str(caught.value)


def test_good_certificates_sign(authority: Authority, document: Document, tmp_path: Path) -> None:
    signer = make(authority, authority.issue("Cán bộ"))
    assert signer.self_test() == "Cán bộ, Cơ quan"
    assert signer.sign(document, tmp_path / "signed.pdf").level is Level.B


@pytest.mark.parametrize("role", ["officer", "agency"])
def test_revoked_certificate_of_either_role_does_not_sign(
    authority: Authority, document: Document, tmp_path: Path, role: str
) -> None:
    good, bad = authority.issue("Người tốt"), authority.issue("Người bị thu hồi")
    authority.revoke(bad)
    signer = make(authority, *((bad, good) if role == "officer" else (good, bad)))
    assert "Người bị thu hồi is revoked" in refusal(signer, document, tmp_path)


def test_expired_certificate_does_not_sign(authority: Authority, document: Document, tmp_path: Path) -> None:
    old = authority.issue("Hết hạn", begins=now() - 300 * DAY, ends=now() - DAY)
    assert "Hết hạn is no longer valid" in refusal(make(authority, old), document, tmp_path)


def test_certificate_not_yet_valid_does_not_sign(
    authority: Authority, document: Document, tmp_path: Path
) -> None:
    early = authority.issue("Quá sớm", begins=now() + DAY)
    assert "Quá sớm is not valid yet" in refusal(make(authority, early), document, tmp_path)


def test_certificate_for_another_use_does_not_sign(
    authority: Authority, document: Document, tmp_path: Path
) -> None:
    wrong = authority.issue("Máy chủ", signs_documents=False)
    assert "Máy chủ is not meant for this use" in refusal(make(authority, wrong), document, tmp_path)


def test_certificate_of_an_unknown_root_does_not_sign(
    authority: Authority, document: Document, tmp_path: Path
) -> None:
    stranger = Authority(tmp_path / "other", name="Other Root").issue("Người lạ")
    assert "leads to no trusted root" in refusal(make(authority, stranger), document, tmp_path)


def test_root_of_the_same_name_and_another_key_is_no_root(
    authority: Authority, document: Document, tmp_path: Path
) -> None:
    forged = Authority(tmp_path / "forged", name=authority.name).issue("Giả mạo")
    assert "Giả mạo" in refusal(make(authority, forged), document, tmp_path)


@pytest.mark.parametrize("fault", ["stale", "missing", "empty", "cut off", "of another authority"])
def test_nobody_signs_without_a_fresh_revocation_list(
    authority: Authority, document: Document, tmp_path: Path, fault: str
) -> None:
    officer = authority.issue("Cán bộ")
    if fault == "stale":
        authority.publish(made=now() - 60 * DAY, term=7 * DAY)
    elif fault == "missing":
        authority.crl.unlink()
    elif fault == "empty":
        authority.crl.write_bytes(b"")
    elif fault == "cut off":
        authority.crl.write_bytes(authority.crl.read_bytes()[:200])
    else:
        authority.crl.write_bytes(Authority(tmp_path / "other", name="Other Root").crl.read_bytes())
    assert "cannot be " in refusal(make(authority, officer), document, tmp_path)


def test_revocation_is_noticed_once_the_kept_answer_is_old(authority: Authority) -> None:
    moment = [now()]
    officer = authority.issue("Cán bộ")
    gate = Gate(Trust(roots=(authority.root,), crls=(authority.crl,)), clock=lambda: moment[0])
    first = gate.pass_through(officer.certificate, officer.chain, Use.DOCUMENTS)
    authority.revoke(officer)
    moment[0] += dt.timedelta(minutes=14)
    assert gate.pass_through(officer.certificate, officer.chain, Use.DOCUMENTS) is first
    moment[0] += dt.timedelta(minutes=2)
    with pytest.raises(Unavailable, match="revoked"):
        gate.pass_through(officer.certificate, officer.chain, Use.DOCUMENTS)


def test_answer_is_kept_no_longer_than_certificate_and_list_hold(authority: Authority) -> None:
    ends = now() + dt.timedelta(minutes=5)
    officer = authority.issue("Cán bộ", ends=ends)
    gate = Gate(Trust(roots=(authority.root,), crls=(authority.crl,)), clock=now)
    assert gate.pass_through(officer.certificate, officer.chain, Use.DOCUMENTS).until == ends
    authority.publish(term=dt.timedelta(hours=1, minutes=3))
    gate = Gate(Trust(roots=(authority.root,), crls=(authority.crl,)), clock=now)
    proof = gate.pass_through(officer.certificate, officer.chain, Use.DOCUMENTS)
    assert proof.until <= now() + dt.timedelta(minutes=3)


def test_time_stamps_of_a_certificate_not_made_for_them_are_refused_at_lt(
    authority: Authority, document: Document, tmp_path: Path
) -> None:
    wrong = DemoAuthority(authority.issue("Không phải TSA"), clock=now)
    signer = make(authority, authority.issue("Cán bộ"), level=Level.LT, timestamper=wrong)
    with pytest.raises(Unavailable, match="Không phải TSA is not meant for this use"):
        signer.sign(document, tmp_path / "signed.pdf")
    assert list(tmp_path.glob("signed*")) == []


def test_level_above_b_needs_a_time_stamp_authority(authority: Authority) -> None:
    with pytest.raises(ValueError, match="time-stamp"):
        make(authority, authority.issue("Cán bộ"), level=Level.T)


@pytest.mark.parametrize(("pss", "scheme"), [(False, Scheme.RSA), (True, Scheme.PSS)])
def test_rsa_keys_sign_in_both_ways(
    authority: Authority, document: Document, tmp_path: Path, pss: bool, scheme: Scheme
) -> None:
    officer = authority.issue("RSA", make_key=rsa_key(), pss=pss)
    assert officer.scheme is scheme
    assert make(authority, officer).sign(document, tmp_path / "signed.pdf").level is Level.B


def test_weak_rsa_key_is_refused(authority: Authority) -> None:
    with pytest.raises(UsageError, match="2048"):
        authority.issue("Yếu", make_key=rsa_key(1024))


def test_key_of_another_certificate_is_refused(authority: Authority) -> None:
    authority.issue("Một")
    authority.issue("Hai")
    with pytest.raises(UsageError, match="do not belong together"):
        from_pem(authority.folder / "Một.crt", authority.folder / "Hai.key")


def test_pkcs12_file_signs_with_the_right_password_only(authority: Authority, tmp_path: Path) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12

    officer = authority.issue("Cán bộ")
    root = x509.load_pem_x509_certificate(authority.root.read_bytes())
    own = x509.load_der_x509_certificate(officer.certificate)
    packed = pkcs12.serialize_key_and_certificates(
        b"x", officer.key, own, [root], BestAvailableEncryption(b"1234")
    )
    (tmp_path / "officer.p12").write_bytes(packed)
    assert from_pkcs12(tmp_path / "officer.p12", b"1234").certificate == officer.certificate
    assert make(authority, from_pkcs12(tmp_path / "officer.p12", b"1234")).self_test() == "Cán bộ, Cơ quan"
    for path, password in (
        (tmp_path / "officer.p12", b"4321"),
        (authority.root, b"1234"),
        (tmp_path / "no", b""),
    ):
        with pytest.raises(UsageError):
            from_pkcs12(path, password)


def test_keys_show_in_no_repr(authority: Authority) -> None:
    officer = authority.issue("Cán bộ")
    secret = (authority.folder / "Cán bộ.key").read_text().splitlines()[1]
    number = f"{officer.key.private_numbers()!r}"
    shown = f"{officer!r} {officer} {make(authority, officer)!r} {vars(make(authority, officer))!r}"
    assert secret not in shown and "PrivateKey" not in shown and number not in shown


def test_scheme_follows_the_key(authority: Authority) -> None:
    assert scheme_of(authority.issue("EC").certificate, pss=False) is Scheme.ECDSA
