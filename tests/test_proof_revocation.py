"""The verifier in one file judges what evidence carries: OCSP answers, revocation lists, and algorithms by their day."""

from __future__ import annotations

import asyncio
import datetime as dt
import tomllib
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from signing.keys import Identity
from signing.timestamp import DemoAuthority
from storage import proof
from storage.evidence_record import KINDS, begun, plant, stamped_again, with_proof
from storage.proof import WEAK, ArchiveStamp, hashed, judge_record, leaf_of
from tests.home_in_use import ROOT
from tests.pki import Authority

DAY = dt.timedelta(days=1)
NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)
STAMPED, RENEWED = NOW - 60 * DAY, NOW - 30 * DAY
KIND = KINDS["sha256"]
OBJECTS = {"x/2026/03/05/root.json": b"root", "x/2026/03/05/root.p7s": b"signature"}


def loaded(identity: Identity) -> x509.Certificate:
    return x509.load_der_x509_certificate(identity.certificate)


class Answering:
    """An OCSP responder of an authority: by its own key, or by a certificate that it empowers."""

    def __init__(self, authority: Authority, *, empowered: bool = True, own: bool = False) -> None:
        self.authority = authority
        self.root = x509.load_pem_x509_certificate(authority.root.read_bytes())
        self.key = authority.key if own else ec.generate_private_key(ec.SECP256R1())
        self.certificate = self.root if own else self._issued(empowered)

    def _issued(self, empowered: bool) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Trả lời")]))
            .issuer_name(self.root.subject)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - 90 * DAY)
            .not_valid_after(NOW + 90 * DAY)
        )
        use = ExtendedKeyUsageOID.OCSP_SIGNING if empowered else ExtendedKeyUsageOID.CLIENT_AUTH
        builder = builder.add_extension(x509.ExtendedKeyUsage([use]), critical=False)
        return builder.sign(self.authority.key, hashes.SHA256())

    def answer(
        self,
        about: x509.Certificate,
        made: dt.datetime,
        *,
        revoked: dt.datetime | None = None,
        term: dt.timedelta = 7 * DAY,
        name: bool = True,
        digest: hashes.HashAlgorithm | None = None,
    ) -> bytes:
        encoding = ocsp.OCSPResponderEncoding.NAME if name else ocsp.OCSPResponderEncoding.HASH
        builder = (
            ocsp.OCSPResponseBuilder()
            .add_response(
                cert=about,
                issuer=self.root,
                algorithm=digest or hashes.SHA1(),
                cert_status=ocsp.OCSPCertStatus.REVOKED if revoked else ocsp.OCSPCertStatus.GOOD,
                this_update=made.replace(tzinfo=None),
                next_update=(made + term).replace(tzinfo=None),
                revocation_time=revoked.replace(tzinfo=None) if revoked else None,
                revocation_reason=None,
            )
            .responder_id(encoding, self.certificate)
            .certificates([self.certificate])
        )
        return builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


class Bench:
    """An evidence record over two objects: stamped sixty days ago, renewed thirty days ago."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority(folder / "tsa")
        self.trusted = [x509.load_pem_x509_certificate(self.authority.root.read_bytes())]
        self.first = self.identity("Một")
        self.second = self.identity("Hai")
        self.about = loaded(self.first)
        self.responder = Answering(self.authority)
        leaves = [[leaf_of(one, KIND, ()) for one in OBJECTS.values()]]
        self.top, (self.tree,) = plant(leaves, KIND)

    def identity(self, name: str, **more: Any) -> Identity:
        return self.authority.issue(
            name,
            signs_documents=False,
            stamps_time=True,
            begins=NOW - 200 * DAY,
            ends=NOW + 200 * DAY,
            **more,
        )

    def token(self, by: Identity, digest: bytes, at: dt.datetime) -> bytes:
        made = DemoAuthority(by, clock=lambda: at).async_timestamp(digest, "sha256")
        return bytes(asyncio.run(made).dump())

    def problems(
        self, *, ocsps: tuple[bytes, ...] = (), crls: tuple[bytes, ...] = (), renewed: bool = True
    ) -> list[str]:
        """What the verifier says when the first token carries these."""
        first = with_proof(self.token(self.first, self.top, STAMPED), certificates=(), crls=crls, ocsps=ocsps)
        record = begun(ArchiveStamp(KIND, self.tree, first))
        if renewed:
            second = self.token(self.second, hashed(proof.READ[KIND], first), RENEWED)
            record = stamped_again(record, first, ArchiveStamp(KIND, (), second))
        return judge_record("r", record, OBJECTS, self.trusted)[0]

    def crl(
        self, made: dt.datetime, *, revoked: dt.datetime | None = None, term: dt.timedelta = 7 * DAY
    ) -> bytes:
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.trusted[0].subject)
            .last_update(made)
            .next_update(made + term)
        )
        if revoked is not None:
            entry = (
                x509.RevokedCertificateBuilder()
                .serial_number(self.about.serial_number)
                .revocation_date(revoked)
            )
            builder = builder.add_revoked_certificate(entry.build())
        return builder.sign(self.authority.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("bench"))


def test_good_answers_of_every_kind_hold(bench: Bench) -> None:
    fresh = STAMPED - DAY
    own = Answering(bench.authority, own=True)
    for one in (
        bench.responder.answer(bench.about, fresh),
        bench.responder.answer(bench.about, fresh, name=False, digest=hashes.SHA256()),
        own.answer(bench.about, fresh),
        bench.responder.answer(loaded(bench.second), fresh, revoked=fresh),  # about another one
    ):
        assert bench.problems(ocsps=(one,)) == []
        assert bench.problems(ocsps=(one,), renewed=False) == []
    assert bench.problems(crls=(bench.crl(fresh),)) == [] == bench.problems()


def test_tampered_answers_and_those_of_nobody_are_named(bench: Bench, tmp_path: Path) -> None:
    good = bench.responder.answer(bench.about, STAMPED - DAY)
    told = ocsp.load_der_ocsp_response(good)
    said_revoked = bench.responder.answer(bench.about, STAMPED - DAY, revoked=STAMPED - 5 * DAY)
    signature_changed = bytearray(good)
    signature_changed[good.index(told.signature) + 20] ^= 1
    moved = bytearray(said_revoked)
    where = said_revoked.index(b"Z", said_revoked.index(b"\x18\x0f")) - 1
    moved[where] = ord("9") if moved[where] != ord("9") else ord("8")
    stranger = Answering(Authority(tmp_path / "stranger"))
    stranger.root = bench.trusted[0]  # it names the right issuer, and is empowered by another
    for harmed in (
        bytes(signature_changed),
        bytes(moved),
        Answering(bench.authority, empowered=False).answer(bench.about, STAMPED - DAY),
        stranger.answer(bench.about, STAMPED - DAY),
    ):
        (found,) = bench.problems(ocsps=(harmed,))
        assert "OCSP answer that does not hold" in found
        assert "OCSP answer that does not hold" in bench.problems(ocsps=(harmed,), renewed=False)[0]
    listed = bytearray(bench.crl(STAMPED - DAY))
    listed[-20] ^= 1
    assert "revocation list that does not hold" in bench.problems(crls=(bytes(listed),))[0]


def test_revoked_before_the_renewal_and_older_than_needed_are_named(bench: Bench) -> None:
    for revoked, named in ((STAMPED - 5 * DAY, True), (STAMPED + 5 * DAY, True), (RENEWED + 5 * DAY, False)):
        answer = bench.responder.answer(bench.about, STAMPED - DAY, revoked=revoked)
        listed = bench.crl(STAMPED - DAY, revoked=revoked)
        for found in (bench.problems(ocsps=(answer,)), bench.problems(crls=(listed,))):
            assert found == (
                [f"r: time-stamp 2 renews one whose certificate was revoked on {revoked.date()}"]
                if named
                else []
            )
    old = STAMPED - 20 * DAY
    stale = bench.responder.answer(bench.about, old), bench.crl(old)
    (named_so,) = bench.problems(ocsps=stale[:1], crls=stale[1:])
    assert f"is told of until {(old + 7 * DAY).date()} only" in named_so and "older than needed" in named_so
    assert bench.problems(ocsps=(stale[0], bench.responder.answer(bench.about, STAMPED - DAY))) == []


def test_table_of_algorithms_is_that_of_the_configuration() -> None:
    rules = tomllib.loads((ROOT / "config" / "algorithm_strength.toml").read_text("utf-8"))
    stated = {(one["name"], 0, one["until"]) for one in rules["hash"]}
    stated |= {(one["kind"], one["below"], one["until"]) for one in rules["key"]}
    assert set(WEAK) == stated and len(WEAK) == len(stated)


def test_algorithms_are_judged_by_their_day(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """RSA of 2048 bits until a day between stamp and renewal, before the stamp, after the renewal."""
    weak = bench.identity("RSA", make_key=lambda: rsa.generate_private_key(65537, 2048))
    monkeypatch.setattr(bench, "first", weak)
    for until, named in (
        (RENEWED + DAY, []),
        (RENEWED - DAY, ["time-stamp 2 came on", "RSA 2048 bit of the one before counted no more"]),
        (STAMPED - DAY, ["time-stamp 1 is by RSA 2048 bit, which counted until"]),
    ):
        monkeypatch.setattr(proof, "WEAK", (("rsa", 3072, until.date()),))
        found = bench.problems()
        assert len(found) == bool(named) and all(word in found[0] for word in named), found
    monkeypatch.setattr(proof, "WEAK", (("sha256", 0, (STAMPED - DAY).date()),))
    assert "time-stamp 1 is by SHA256" in bench.problems()[0]
    monkeypatch.setattr(proof, "WEAK", (("sha256", 0, (RENEWED - DAY).date()),))
    assert any("SHA256 of the one before counted no more" in one for one in bench.problems())
    monkeypatch.setattr(proof, "WEAK", (("rsa", 3072, (RENEWED + DAY).date()),))
    token = bench.token(weak, bench.top, STAMPED)
    standing = judge_record("r", begun(ArchiveStamp(KIND, bench.tree, token)), OBJECTS, bench.trusted)[1]
    assert standing is not None and standing.stamps[0][2].date() == (RENEWED + DAY).date()
