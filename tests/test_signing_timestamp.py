"""Time-stamps over HTTP from an authority that is not ours, honest, broken, lying, or down."""

from __future__ import annotations

import asyncio
import datetime as dt
import io
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest
from asn1crypto import tsp
from certomancer.integrations.animator import Animator, AnimatorArchStore
from certomancer.registry import ArchLabel, CertLabel, CertomancerConfig, ServiceLabel
from pyhanko.sign.timestamps import TimeStamper

from pipeline.errors import Unavailable, UsageError
from pipeline.model import Document, Level
from signing.demo_pki import DemoPki
from signing.evidence import Trust
from signing.keys import from_pem
from signing.pades import PadesSigner
from signing.templates import Templates
from signing.timestamp import HttpAuthority, demo_authority, http_authority
from signing.trust import TrustStore
from signing.verdict import Verdict
from signing.verify import verify_pdf
from tests.papers import AGENCY, OFFICER
from tests.pki import rsa_key

TERM = {"valid-from": "2020-01-01T00:00:00+0000", "valid-to": "2100-01-01T00:00:00+0000"}
TOWN = {
    "keyset": "keys",
    "entity-defaults": {"country-name": "VN", "organization-name": "Other Town"},
    "entities": {"root": {"common-name": "Other Root"}, "tsa": {"common-name": "Other Time Stamping"}},
    "certs": {
        "root": {
            "subject": "root",
            "issuer": "root",
            "validity": TERM,
            "profiles": [{"id": "simple-ca", "params": {"crl-repo": "root"}}],
        },
        "tsa": {
            "subject": "tsa",
            "issuer": "root",
            "validity": TERM,
            "extensions": [
                {
                    "id": "key_usage",
                    "critical": True,
                    "smart-value": {"schema": "key-usage", "params": ["digital_signature"]},
                },
                {"id": "extended_key_usage", "critical": True, "value": ["time_stamping"]},
            ],
        },
    },
    "services": {
        "time-stamping": {"tsa": {"signing-cert": "tsa"}},
        "crl-repo": {
            "root": {"for-issuer": "root", "signing-key": "root", "simulated-update-schedule": "P7D"}
        },
    },
}


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


@dataclass
class Town:
    """Another authority behind HTTP. `before` and `after` change what is asked of it and what it answers."""

    url: str
    root: Path
    crl: Path
    before: Callable[[bytes], bytes] = field(default=bytes)
    after: Callable[[bytes], bytes] = field(default=bytes)
    kind: str = "application/timestamp-reply"
    status: str = "200 OK"
    asked: int = 0

    def authority(self, *, attempts: int = 1, timeout: float = 5) -> HttpAuthority:
        return HttpAuthority(self.url, timeout=timeout, attempts=attempts, pause=0.01)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    from cryptography.hazmat.primitives import serialization

    folder = tmp_path_factory.mktemp("town")
    for name in ("root", "tsa"):
        pem = rsa_key()().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        (folder / f"{name}.pem").write_bytes(pem)
    keys = {"path-prefix": str(folder), "keys": {name: {"path": f"{name}.pem"} for name in ("root", "tsa")}}
    config = CertomancerConfig(
        {"keysets": {"keys": keys}, "pki-architectures": {"town": TOWN}}, key_search_dir=str(folder)
    )
    architecture = config.get_pki_arch(ArchLabel("town"))
    animator = Animator(AnimatorArchStore({architecture.arch_label: architecture}), with_web_ui=False)
    (folder / "root.crt").write_bytes(architecture.get_cert(CertLabel("root")).dump())
    now = dt.datetime.now(dt.UTC)
    (folder / "root.crl").write_bytes(architecture.service_registry.get_crl(ServiceLabel("root"), now).dump())
    town = Town(url="", root=folder / "root.crt", crl=folder / "root.crl")

    def answer(environ: dict[str, Any], start: Any) -> list[bytes]:
        town.asked += 1
        asked = town.before(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
        environ["wsgi.input"], environ["CONTENT_LENGTH"] = io.BytesIO(asked), str(len(asked))
        body = town.after(b"".join(animator(environ, lambda status, headers, *rest: None)))
        start(town.status, [("Content-Type", town.kind), ("Content-Length", str(len(body)))])
        return [body]

    server = make_server("127.0.0.1", 0, answer, server_class=WSGIServer, handler_class=_Quiet)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    town.url = f"http://127.0.0.1:{server.server_port}/town/tsa/tsa"
    yield town
    server.shutdown()
    server.server_close()


@pytest.fixture
def town(served: Town) -> Iterator[Town]:
    """The authority, honest again after each test."""
    yield served
    served.before, served.after = bytes, bytes
    served.kind, served.status, served.asked = "application/timestamp-reply", "200 OK", 0


def signer(pki: DemoPki, town: Town, level: Level, authority: HttpAuthority | None = None) -> PadesSigner:
    root = pki.certificate("root")
    return PadesSigner(
        officer=from_pem(pki.certificate("officer"), pki.key("officer"), (root,)),
        agency=from_pem(pki.certificate("agency"), pki.key("agency"), (root,)),
        officer_name=OFFICER, agency_name=AGENCY,
        trust=Trust(roots=(root, town.root), crls=(pki.crl, town.crl), refresh=pki.refresh),
        timestamper=authority or town.authority(), level=level, demo=True, templates=Templates.load(),
    )  # fmt: skip


def stamp(authority: TimeStamper, digest: bytes = b"\x01" * 32) -> tsp.TSTInfo:
    made = asyncio.run(authority.async_timestamp(digest, "sha256"))
    return made["content"]["encap_content_info"]["content"].parsed


def test_token_of_another_authority_is_taken(town: Town) -> None:
    found = stamp(town.authority())
    assert found["message_imprint"]["hashed_message"].native == b"\x01" * 32
    assert abs(found["gen_time"].native - dt.datetime.now(dt.UTC)) < dt.timedelta(minutes=1)


def test_signatures_last_with_another_authority_over_http(
    town: Town, pki: DemoPki, document: Document, tmp_path: Path
) -> None:
    out = tmp_path / "signed.pdf"
    assert signer(pki, town, Level.LTA).sign(document, out).level is Level.LTA
    assert town.asked == 3
    (tmp_path / "trust").mkdir()
    (tmp_path / "trust" / "town.crt").write_bytes(town.root.read_bytes())
    both = TrustStore.of(tmp_path / "trust", demo_root=pki.certificate("root"))
    found = verify_pdf(out, trust=both)
    assert found.verdict is Verdict.PASSED, found
    assert all(one.timestamp for one in found.signatures)
    only_ours = verify_pdf(out, trust=TrustStore.of(tmp_path / "none", demo_root=pki.certificate("root")))
    assert only_ours.verdict is not Verdict.PASSED


def change_request(change: Callable[[tsp.TimeStampReq], None]) -> Callable[[bytes], bytes]:
    def changed(asked: bytes) -> bytes:
        request = tsp.TimeStampReq.load(asked)
        change(request)
        return bytes(request.dump(force=True))

    return changed


def other_nonce(request: tsp.TimeStampReq) -> None:
    request["nonce"] = request["nonce"].native ^ 1


def no_nonce(request: tsp.TimeStampReq) -> None:
    del request["nonce"]


def other_imprint(request: tsp.TimeStampReq) -> None:
    request["message_imprint"]["hashed_message"] = b"\x02" * 32


def flip(place: int) -> Callable[[bytes], bytes]:
    return lambda answer: answer[:place] + bytes([answer[place] ^ 1]) + answer[place + 1 :]


@pytest.mark.parametrize(
    "lie",
    [
        {"before": change_request(other_nonce)},
        {"before": change_request(no_nonce)},
        {"before": change_request(other_imprint)},
        {"after": flip(-1)},  # the token's signature
        {"after": flip(70)},  # what it signs
        {"after": lambda answer: answer[:100]},
        {"after": lambda answer: answer + b"\0"},
        {"after": lambda answer: b""},
        {"after": lambda answer: b"\x30\x03\x02\x01\x00"},
        {"after": lambda answer: tsp.TimeStampResp({"status": {"status": "rejection"}}).dump()},
        {"after": lambda answer: answer + b"\0" * 300_000},
        {"after": lambda answer: b"<html>Down for maintenance</html>", "kind": "text/html"},
        {"status": "503 Service Unavailable"},
        {"status": "302 Found"},
    ],
)
def test_lies_and_nonsense_are_refused_and_no_file_is_left(
    town: Town, pki: DemoPki, document: Document, tmp_path: Path, lie: dict[str, Any]
) -> None:
    for name, value in lie.items():
        setattr(town, name, value)
    with pytest.raises(Unavailable) as caught:
        stamp(town.authority())
    assert caught.value.vi != str(caught.value)
    with pytest.raises(Unavailable):
        signer(pki, town, Level.T).sign(document, tmp_path / "signed.pdf")
    assert list(tmp_path.iterdir()) == []


def test_answer_to_an_earlier_question_is_refused(town: Town) -> None:
    kept: list[bytes] = []

    def keep(answer: bytes) -> bytes:
        kept.append(answer)
        return answer

    town.after = keep
    stamp(town.authority())
    town.after = lambda answer: kept[0]
    with pytest.raises(Unavailable):
        stamp(town.authority())


def test_it_is_tried_again_as_often_as_said(town: Town) -> None:
    answers = iter([b"", b"not yet"])
    town.after = lambda answer: next(answers, answer)
    assert stamp(town.authority(attempts=3))["version"].native == "v1"
    assert town.asked == 3


def test_dead_authority_leaves_no_file(town: Town, pki: DemoPki, document: Document, tmp_path: Path) -> None:
    gone = HttpAuthority("http://127.0.0.1:9/tsa", timeout=2, attempts=2, pause=0.01)
    for level in (Level.T, Level.LTA):
        with pytest.raises(Unavailable, match=r"127\.0\.0\.1") as caught:
            signer(pki, town, level, gone).sign(document, tmp_path / "signed.pdf")
        assert "dấu thời gian" in caught.value.vi
    assert list(tmp_path.iterdir()) == []


def test_silent_authority_is_given_up_in_time(tmp_path: Path) -> None:
    import socket
    import time

    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        began = time.monotonic()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        with pytest.raises(Unavailable):
            stamp(HttpAuthority(url, timeout=0.3, attempts=2, pause=0.01))
        assert time.monotonic() - began < 3


@pytest.mark.parametrize("url", ["", "tsa.ca.gov.vn", "ftp://host/", "file:///etc/passwd", "http://"])
def test_address_that_is_no_http_address_is_refused_at_once(url: str) -> None:
    with pytest.raises(UsageError):
        http_authority(url, timeout=1)


def test_demo_authority_stamps_what_it_is_given(pki: DemoPki) -> None:
    info = stamp(demo_authority(pki), b"\x03" * 32)
    assert info["message_imprint"]["hashed_message"].native == b"\x03" * 32
