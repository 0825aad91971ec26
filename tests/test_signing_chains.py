"""Certificates of a path may stand anywhere in a file: each signature finds its own, whoever else carries them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from asn1crypto import x509
from pyhanko.pdf_utils.reader import PdfFileReader

from pipeline.model import Document, Level
from signing.cms import SourceSigner
from signing.demo_pki import DemoPki
from signing.evidence import Gate, Trust, Use
from signing.keys import certificates, from_pem
from signing.policy import Step
from signing.revision import (
    Rooms,
    SharedFont,
    add_document_timestamp,
    add_evidence,
    add_signature,
    present,
    stamp_tokens,
)
from signing.timestamp import demo_authority
from signing.trust import TrustStore
from signing.verdict import Verdict
from signing.verify import verify_pdf
from tests.papers import make_signer
from tests.pki import now


class Carrying(SourceSigner):
    """A signing program that puts the root into its signature, as many do."""

    def __init__(self, pki: DemoPki, name: str) -> None:
        super().__init__(from_pem(pki.certificate(name), pki.key(name), (pki.certificate("root"),)))
        self.embed_roots = True
        (root,) = certificates(pki.certificate("root"))
        self.cert_registry.register(x509.Certificate.load(root))


def put(content: bytes, signer: SourceSigner, field: str, pki: DemoPki) -> tuple[bytes, bytes]:
    return add_signature(
        content,
        field=field,
        look=None,
        signer=signer,
        timestamper=demo_authority(pki),
        now=now(),
        rooms=Rooms(),
        font=SharedFont(),
    )


def roots_in(content: bytes) -> list[list[str]]:
    """Of each signature and time-stamp, the roots that it carries."""
    objects = [
        data
        for one in present(content)
        for data in (one.message["content"], *stamp_tokens(one.message.dump()))
    ]
    return [
        [item.chosen.subject.native["common_name"] for item in data["certificates"] if is_root(item.chosen)]
        for data in objects
    ]


def is_root(certificate: x509.Certificate) -> bool:
    return bool(certificate.subject == certificate.issuer)


def test_a_root_in_somebody_elses_signature_is_kept_for_ours_too(
    document: Document, pki: DemoPki, trust: TrustStore, tmp_path: Path
) -> None:
    foreign, _ = put(document.pdf.path.read_bytes(), Carrying(pki, "officer"), "Nguoi-khac", pki)
    assert roots_in(foreign) == [["DEMO Root - sohoa"], []]
    signer = make_signer(pki, Level.LTA)
    made = signer.extend(document, foreign, (), Step(level=Level.LTA), tmp_path / "signed.pdf")
    with made.pdf.path.open("rb") as file:
        store = PdfFileReader(file).root["/DSS"]["/Certs"]
        kept = [x509.Certificate.load(one.get_object().data) for one in store]
    assert [one.subject.native["common_name"] for one in kept if is_root(one)] == ["DEMO Root - sohoa"]
    found = verify_pdf(made.pdf.path, trust=trust)
    assert [one.sub_indication for one in found.signatures] == ["OK"] * 3, found


def test_a_certificate_that_only_another_signature_carries_is_found(
    document: Document, pki: DemoPki, trust: TrustStore, tmp_path: Path
) -> None:
    plain = from_pem(pki.certificate("officer"), pki.key("officer"), ())
    first, one = put(document.pdf.path.read_bytes(), SourceSigner(plain), "Mot", pki)
    both, two = put(first, Carrying(pki, "agency"), "Hai", pki)
    judged = Trust(roots=(pki.certificate("root"),), crls=(pki.crl,))
    gate = Gate(judged, clock=now)
    issuer = tuple(certificates(pki.certificate("issuer")))
    proofs = []
    for name, use in (("officer", Use.DOCUMENTS), ("agency", Use.DOCUMENTS), ("tsa", Use.TIME_STAMPS)):
        own = certificates(pki.certificate(name))[0]
        proof = gate.pass_through(own, issuer, use)
        proofs.append(replace(proof, certificates=(own,)))  # no path: the second signature carries it
    lasting = add_evidence(both, proofs, [one, two])
    stamped = add_document_timestamp(lasting, field="Dau", timestamper=demo_authority(pki), rooms=Rooms())
    assert roots_in(stamped) == [[], [], ["DEMO Root - sohoa"], [], []]
    (tmp_path / "two.pdf").write_bytes(stamped)
    found = verify_pdf(tmp_path / "two.pdf", trust=trust)
    assert found.verdict is Verdict.PASSED, found


@pytest.fixture
def hasty_threads() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("hasty_threads")
def test_threads_that_sign_at_once_make_the_same_kind_of_signature(
    document: Document, pki: DemoPki, trust: TrustStore, tmp_path: Path
) -> None:
    for turn in range(2):
        signer = make_signer(pki, Level.LTA)  # a new one: what is read lazily is read in the first moments
        files = [tmp_path / f"{turn}-{number}.pdf" for number in range(4)]
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(partial(signer.sign, document), files))
        for file in files:
            assert not any(roots_in(file.read_bytes())), file
            assert verify_pdf(file, trust=trust).verdict is Verdict.PASSED
