"""Whom to believe, on which day, and asking servers: roots with a history, "as of", dated strength, +7 hours."""

from __future__ import annotations

import datetime as dt
import functools
import http.server
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import cms
from cryptography import x509

from pipeline.errors import UsageError
from pipeline.model import Document, Level, SignedDocument
from signing.algorithm_strength import weaknesses
from signing.cms import SourceSigner
from signing.conditions import Conditions
from signing.demo_pki import DemoPki
from signing.signing_times import seven_hours_ahead
from signing.trust import TrustStore, add_root, remove_root
from signing.verdict import Verdict
from signing.verify import verify_pdf
from tests.home_in_use import Home
from tests.pki import DAY, Authority
from tests.test_attacked_pdfs import sign_again

Signed = Callable[[Level], SignedDocument]
HOUR = dt.timedelta(hours=1)


def today() -> dt.date:
    return dt.datetime.now(dt.UTC).date()


def test_root_is_trusted_between_its_days_only(signed: Signed, pki: DemoPki, tmp_path: Path) -> None:
    folder, day = tmp_path / "trust", dt.timedelta(days=1)
    (root,) = add_root(folder, pki.certificate("root"), begins=None, ends=None, pin=None, note="công văn 1")
    file = signed(Level.LTA).pdf.path
    assert verify_pdf(file, trust=TrustStore.of(folder)).verdict is Verdict.PASSED
    remove_root(folder, root.sha256[:12], ends=(today() + day).isoformat())
    assert verify_pdf(file, trust=TrustStore.of(folder)).verdict is Verdict.PASSED, (
        "it was trusted when it was signed"
    )
    ended = remove_root(folder, root.sha256, ends=(today() - 2 * day).isoformat())
    found = verify_pdf(file, trust=TrustStore.of(folder))
    assert (found.verdict, ended.note) == (Verdict.INDETERMINATE, "công văn 1")
    assert any("chỉ được tin" in problem for problem in found.problems), found


def test_pins_hold_and_what_is_no_authority_is_refused(pki: DemoPki, tmp_path: Path) -> None:
    folder = tmp_path / "trust"
    for pin, file in (("00" * 32, pki.certificate("root")), (None, pki.crl)):
        with pytest.raises(UsageError):
            add_root(folder, file, begins=None, ends=None, pin=pin, note="")
    leaf = Authority(tmp_path / "a")
    leaf.issue("Ai đó")
    with pytest.raises(UsageError, match="no certificate of an authority"):
        add_root(folder, tmp_path / "a" / "Ai đó.crt", begins=None, ends=None, pin=None, note="")
    (root,) = add_root(folder, pki.certificate("root"), begins=None, ends=None, pin=None, note="")
    add_root(folder, leaf.root, begins=None, ends=None, pin=None, note="")
    kept = folder / f"{root.sha256}.der"
    kept.write_bytes((folder / f"{TrustStore.of(leaf.root).roots[0].sha256}.der").read_bytes())
    with pytest.raises(UsageError, match="was changed"):
        TrustStore.of(folder)


def test_nothing_is_trusted_by_default(signed: Signed, tmp_path: Path) -> None:
    assert (
        TrustStore.of(tmp_path).anchors == ()
        and TrustStore.of().mark != TrustStore.of(tmp_path / "x").mark + "x"
    )
    assert verify_pdf(signed(Level.LTA).pdf.path, trust=TrustStore.of()).verdict is Verdict.INDETERMINATE


def test_as_of_a_day_before_the_signature_is_not_passed(signed: Signed, trust: TrustStore) -> None:
    past = Conditions(as_of=dt.datetime.now(dt.UTC) - dt.timedelta(days=30))
    assert verify_pdf(signed(Level.LTA).pdf.path, trust=trust, conditions=past).verdict is not Verdict.PASSED
    now = Conditions(as_of=dt.datetime.now(dt.UTC))
    found = verify_pdf(signed(Level.LTA).pdf.path, trust=trust, conditions=now)
    assert found.verdict is Verdict.PASSED, found
    one = found.signatures[0]
    assert one.path[0].startswith("DEMO Root") and one.proven_at and one.strength and one.anchor == trust.demo


@pytest.mark.parametrize(
    ("claimed", "proven", "said"),
    [
        ([7 * HOUR], 0 * HOUR, True),
        ([7 * HOUR + 3 * HOUR / 60], 0 * HOUR, True),
        ([7 * HOUR, 0 * HOUR], None, True),
        ([0 * HOUR], 0 * HOUR, False),
        ([2 * HOUR], 0 * HOUR, False),
        ([-7 * HOUR], 0 * HOUR, False),
    ],
)
def test_seven_hours_are_told(claimed: list[dt.timedelta], proven: dt.timedelta | None, said: bool) -> None:
    then = dt.datetime(2024, 3, 18, 2, 0, tzinfo=dt.UTC)
    claims = [then + one for one in claimed]
    assert (
        seven_hours_ahead(claims, None if proven is None else then + proven, dt.datetime.now(dt.UTC)) is said
    )


def test_local_time_marked_as_utc_is_named_and_fails_nothing(document: Document, tmp_path: Path) -> None:
    class Ahead(SourceSigner):
        async def signed_attrs(self, *args: Any, **named: Any) -> Any:
            found = await super().signed_attrs(*args, **named)
            for attribute in found:
                if attribute["type"].native == "signing_time":
                    moment = attribute["values"][0].native + 7 * HOUR
                    attribute["values"] = [cms.Time({"utc_time": moment})]
            return found

    from pyhanko.sign.fields import SigSeedSubFilter

    source = Ahead(Authority(tmp_path / "pki").issue("Lệch giờ"))
    content = sign_again(
        document.pdf.path.read_bytes(), source, subfilter=SigSeedSubFilter.ADOBE_PKCS7_DETACHED
    )
    (tmp_path / "x.pdf").write_bytes(content)
    found = verify_pdf(tmp_path / "x.pdf", trust=TrustStore.of())
    assert found.verdict is Verdict.INDETERMINATE and found.signatures[0].intact, found
    assert any("+7 giờ" in problem for problem in found.problems), found


def test_strength_is_a_matter_of_days() -> None:
    assert weaknesses("sha256", "rsa", 4096) == () == weaknesses("sha3_256", "ec", 256)
    assert weaknesses("sha1", "rsa", 2048)[0].until == dt.date(2013, 12, 31)
    assert [one.name for one in weaknesses("md5", "rsa", 1000)] == [
        "MD5",
        "RSA 1000 bit",
        "RSA 1000 bit",
        "RSA 1000 bit",
    ]


class Published(Authority):
    """Its certificates name a list at an address."""

    address = ""

    def _builder(self, *args: Any) -> x509.CertificateBuilder:
        point = x509.DistributionPoint(
            full_name=[x509.UniformResourceIdentifier(self.address)],
            relative_name=None,
            reasons=None,
            crl_issuer=None,
        )
        return super()._builder(*args).add_extension(x509.CRLDistributionPoints([point]), critical=False)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, list[str]]]:
    """A server of this folder's files at a loopback address, and what it was asked for."""
    asked: list[str] = []

    class Noting(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            asked.append(self.path)

    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Noting, directory=str(tmp_path / "pki"))
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()


def test_servers_are_asked_only_online_and_only_where_allowed(
    document: Document, tmp_path: Path, served: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, asked = served
    monkeypatch.setattr(Published, "address", f"{address}/root.crl")
    authority = Published(tmp_path / "pki")
    identity = authority.issue("Trực tuyến")
    file = tmp_path / "x.pdf"
    file.write_bytes(sign_again(document.pdf.path.read_bytes(), SourceSigner(identity)))
    trust = TrustStore.of(authority.root)
    assert verify_pdf(file, trust=trust).verdict is Verdict.INDETERMINATE and asked == []
    guarded = verify_pdf(file, trust=trust, conditions=Conditions(online=True))
    assert guarded.verdict is Verdict.INDETERMINATE and asked == [], (
        "the file may not send us into our own network"
    )
    allowed = Conditions(online=True, hosts=("127.0.0.1",))
    found = verify_pdf(file, trust=trust, conditions=allowed)
    assert (found.verdict, found.signatures[0].revoked) == (Verdict.PASSED, False), found.to_json()
    assert asked
    authority.revoke(identity)
    found = verify_pdf(file, trust=trust, conditions=allowed)
    assert found.verdict is not Verdict.PASSED and found.signatures[0].revoked is True, found


def test_ended_and_wrong_use_certificates_are_found(
    document: Document, tmp_path: Path, served: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What our own gate refuses to sign, somebody else's program signed."""
    monkeypatch.setattr(Published, "address", f"{served[0]}/root.crl")
    authority = Published(tmp_path / "pki")
    now = dt.datetime.now(dt.UTC)
    ended = authority.issue("Hết hạn", begins=now - 30 * DAY, ends=now - DAY)
    stamps = authority.issue("Dấu thời gian", stamps_time=True)
    trust, file = TrustStore.of(authority.root), tmp_path / "x.pdf"
    allowed = Conditions(online=True, hosts=("127.0.0.1",))
    for identity, reasons in (
        (ended, {"OUT_OF_BOUNDS_NO_POE", "NO_POE"}),
        (stamps, {"CHAIN_CONSTRAINTS_FAILURE"}),
    ):
        file.write_bytes(sign_again(document.pdf.path.read_bytes(), SourceSigner(identity)))
        found = verify_pdf(file, trust=trust, conditions=allowed)
        assert found.verdict is Verdict.INDETERMINATE and found.sub_indication in reasons, found.to_json()
        assert found.signatures[0].trusted is False and found.signatures[0].intact


@pytest.mark.slow
def test_trust_of_a_home_is_on_its_ledger_and_counts_at_once(
    signed: Signed, pki: DemoPki, tmp_path: Path
) -> None:
    home = Home(tmp_path / "h")
    try:
        (first,) = home.run("trust", "list").document["roots"]
        assert first["demo"] is True
        file = str(signed(Level.LTA).pdf.path)
        assert home.run("verify", file).code == 1, "another demo's root is a stranger"
        root = str(pki.certificate("root"))
        assert home.run("trust", "add", root, "--sha256", "00" * 32).code == 2
        added = home.run("trust", "add", root, "--note", "thử").document["roots"]
        (mine,) = [one for one in added if one["note"] == "thử"]
        checked = home.run("verify", file)
        assert checked.code == 0 and "DEMO" not in checked.document["results"][0]["verdict_vi"], checked
        assert home.run("trust", "remove", mine["sha256"], "--until", "2020-01-01").code == 0
        assert home.run("verify", file).code == 1
        out = tmp_path / "ledger.jsonl"
        assert home.run("ledger", "export", "-o", str(out), "--force").code == 0
        text = out.read_text("utf-8")
        assert text.count("trust_add") == 1 and text.count("trust_remove") == 1 and mine["sha256"] in text
    finally:
        home.run("down")
