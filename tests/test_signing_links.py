"""One-time links over real HTTP: a stand-in for the token client fetches, signs, posts back; others try what they should not."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import re
import socket
import sqlite3
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_der_x509_certificate

from pipeline.errors import UsageError
from pipeline.home.link_server import LinkServer, Offer, Refusal, file_of_form, is_own
from pipeline.model import Document
from signing.demo_pki import DemoPki
from signing.keys import Identity
from signing.timestamp import demo_authority
from tests.home_in_use import SCANS, Home, papers, until
from tests.pki import Authority
from tests.test_signing_elsewhere import NAME, client, note

pytestmark = pytest.mark.slow

DOSSIER = "H38.20-261002-0007"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="module")
def officer(authority: Authority) -> Identity:
    return authority.issue(NAME)


@pytest.fixture(scope="module")
def home(authority: Authority, officer: Identity, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    home = Home(tmp_path_factory.mktemp("nha") / "h")
    (home.root / "trust").mkdir(parents=True, mode=0o700)
    (home.root / "trust" / "root.crt").write_bytes(authority.root.read_bytes())
    named = home.root / "officer.crt"
    named.write_bytes(load_der_x509_certificate(officer.certificate).public_bytes(Encoding.PEM))
    (home.root / "sohoa.toml").write_text(
        f'[signing]\ncrl_files = ["{authority.crl}"]\nrevocation_online = false\n'
        f'[signing.officer]\nkind = "elsewhere"\ncertificate = "{named}"\n'
    )
    stack = SCANS / "chong-2"
    taken = home.run("ingest", str(stack / "scan-01.jpg"), str(stack / "scan-02.jpg"), "--dossier", DOSSIER)
    assert {one["state"] for one in papers(taken.document)} == {"awaiting_signature"}, taken.log
    yield home
    home.run("down")


def links(home: Home, *words: str) -> list[dict[str, Any]]:
    made = home.run("sign", "export", "--links", *words)
    assert made.code == 0, made.log
    return list(made.document["links"])


def ask(
    url: str, method: str = "GET", body: bytes | None = None, **headers: str
) -> tuple[int, bytes, dict[str, str]]:
    """One request of a client; status, body, headers."""
    where = urlsplit(url)
    with closing(http.client.HTTPConnection(str(where.hostname), where.port, timeout=30)) as link:
        link.request(
            method, where.path, body=body, headers={k.replace("_", "-"): v for k, v in headers.items()}
        )
        answer = link.getresponse()
        return answer.status, answer.read(), dict(answer.getheaders())


def raw(url: str, request: bytes) -> bytes:
    """What comes back to bytes that no library would send."""
    where = urlsplit(url)
    with closing(socket.create_connection((str(where.hostname), where.port or 0), timeout=30)) as link:
        link.sendall(request)
        link.shutdown(socket.SHUT_WR)
        found = b""
        while block := link.recv(65536):
            found += block
    return found


def form(content: bytes) -> tuple[bytes, str]:
    """The form that the client in use sends."""
    mark = "----------8dc1234567890ab"
    head = f'--{mark}\r\nContent-Disposition: form-data; name="uploadfile"; filename="a.pdf"\r\nContent-Type: application/pdf\r\n\r\n'
    return head.encode() + content + f"\r\n--{mark}--\r\n".encode(), f"multipart/form-data; boundary={mark}"


def acts(home: Home, act: str, document: str) -> list[dict[str, Any]]:
    out = home.root / f"{act}.jsonl"
    assert home.run("ledger", "export", "-o", str(out), "--force").code == 0
    lines = (json.loads(line) for line in out.read_text("utf-8").splitlines())
    bodies = [json.loads(line["body"]) for line in lines if "body" in line]
    return [body for body in bodies if body["act"] == act and document in body["objects"]]


def test_paper_goes_out_and_comes_back_by_its_link_once(
    home: Home, officer: Identity, authority: Authority
) -> None:
    stamps = demo_authority(DemoPki(folder=home.paths.keys / "demo"))
    stale = links(home)[0]["url"]
    first, second = links(home)
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/ky/[A-Za-z0-9_-]{43}/d_\w+\.pdf", first["url"])
    assert ask(stale)[0] == 404, "a newer link ends the one before"

    status, ours, headers = ask(first["url"])
    assert (status, headers["Content-Type"], len(ours)) == (200, "application/pdf", first["size"])
    assert hashlib.sha256(ours).hexdigest() == first["sha256"]
    assert headers["Repr-Digest"] == f"sha-256=:{base64.b64encode(hashlib.sha256(ours).digest()).decode()}:"
    assert headers["Cache-Control"] == "no-store"
    status, told, _ = ask(first["url"])
    assert status == 410 and json.loads(told)["Status"] is False and not told.startswith(b"%PDF")

    _, others, _ = ask(second["url"])
    for wrong, reason in (
        (ours, "not signed yet"),
        (client(ours, authority.issue("Kẻ Khác"), timestamper=stamps), "named officer"),
        (client(others, officer, timestamper=stamps), "another paper"),
        (client(ours, officer, touch=note, timestamper=stamps), "changed"),
    ):
        status, told, _ = ask(first["url"], "POST", wrong)
        assert status == 422 and reason in json.loads(told)["Message"], told
    body, kind = form(client(ours, officer, timestamper=stamps))
    status, told, _ = ask(first["url"], "POST", body, Content_Type=kind)
    assert (status, json.loads(told)["Status"], json.loads(told)["FileName"]) == (
        200, True, f"{first['document']}.pdf",
    ), told  # fmt: skip
    status, told, _ = ask(first["url"], "POST", body, Content_Type=kind)
    assert status == 410, told

    def stored() -> bool:
        found = [
            one for one in papers(home.run("status", "--all").document) if one["id"] == first["document"]
        ]
        return bool(found) and found[0]["state"] == "stored"

    assert until(stored, 60)
    (verdict,) = home.run("verify", first["document"]).document["results"]
    assert verdict["verdict"] == "TOTAL_PASSED" and len(verdict["signatures"]) == 2, verdict
    assert len(acts(home, "sign_fetch", first["document"])) == 1
    assert len(acts(home, "sign_refused", first["document"])) >= 5, "four files and a second download"
    assert len(acts(home, "sign_import", first["document"])) == 1
    token = first["url"].split("/")[-2]
    assert token not in home.paths.log.read_text("utf-8"), "a link is a key and stands in no log"
    base = home.paths.database.read_bytes() + (home.root / "sign_fetch.jsonl").read_bytes()
    assert token.encode() not in base


def test_what_does_not_fit_is_refused_before_it_is_read(home: Home) -> None:
    (link,) = links(home)
    url, size = link["url"], link["size"]
    strange = url.replace(url.split("/")[-2], "A" * 43)
    for address in (strange, url.replace("/ky/", "/"), url.rsplit("/ky/", 1)[0] + "/../etc/passwd"):
        assert ask(address)[0] == 404 and ask(address, "POST", b"%PDF-1.7")[0] == 404
    path = urlsplit(url).path
    head = f"POST {path} HTTP/1.1\r\nHost: h\r\n"
    huge = raw(url, f"{head}Content-Length: {size + (64 << 20)}\r\nExpect: 100-continue\r\n\r\n".encode())
    assert huge.startswith(b"HTTP/1.1 413") and b"100 Continue" not in huge
    assert raw(url, f"{head}\r\n".encode()).startswith(b"HTTP/1.1 411")
    assert raw(url, f"{head}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello".encode()).startswith(
        b"HTTP/1.1 411"
    )
    assert raw(url, f"{head}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n".encode()).startswith(b"HTTP/1.1 411")
    assert raw(url, f"{head}Content-Length: -1\r\n\r\n".encode()).startswith(b"HTTP/1.1 411")
    assert raw(url, f"{head}Content-Length: 99\r\n\r\n%PDF-1.7".encode()).startswith(b"HTTP/1.1 400")
    assert raw(url, f"DELETE {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode()).startswith(b"HTTP/1.1 501")
    assert b"Traceback" not in raw(url, b"\x16\x03\x01 no http at all\r\n\r\n")
    body, kind = form(b"x")
    assert ask(url, "POST", body[:-6], Content_Type=kind)[0] == 400
    assert not list((home.paths.work / "links").iterdir()), "nothing is left lying"
    assert ask(url)[0] == 200, "and the link still works"


def test_link_outlives_the_process_and_ends_with_its_time(home: Home) -> None:
    link = links(home, "--minutes", "5")[0]
    assert home.run("down").code == 0
    with pytest.raises(OSError):
        ask(link["url"])
    home.run("status")
    assert until(lambda: reached(link["url"]), 30), "a home started anew answers where its links lead"
    past = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    with closing(sqlite3.connect(home.paths.database)) as base, base:
        base.execute("update signing_link set expires = ? where document = ?", (past, link["document"]))
    for method, body in (("GET", None), ("POST", b"%PDF-1.7")):
        status, told, _ = ask(link["url"], method, body)
        assert status == 410 and "hết hạn" in json.loads(told)["Message"]


def reached(url: str) -> bool:
    try:
        return ask(url.replace("/ky/", "/ky"))[0] == 404
    except OSError:
        return False


class OneFile:
    """A desk that gives out one file and takes anything, to try the server alone."""

    def __init__(self, path: Path) -> None:
        self.path, self.ended, self.taken = path, [], b""  # type: ignore[var-annotated]

    def room(self, token: str) -> int:
        return 1000

    def offer(self, token: str) -> Offer:
        copy = self.path.with_suffix(".copy")
        copy.write_bytes(self.path.read_bytes())
        return Offer("a.pdf", copy, copy.stat().st_size, "00" * 32)

    def sent(self, token: str, *, whole: bool) -> None:
        self.ended.append(whole)

    def take(self, token: str, pdf: Path) -> str:
        self.taken = pdf.read_bytes()
        return "a.pdf"


def test_links_speak_tls_where_others_listen(
    authority: Authority, document: Document, tmp_path: Path
) -> None:
    authority.issue("may-chu")
    keys = authority.folder / "may-chu.crt", authority.folder / "may-chu.key"
    desk = OneFile(document.pdf.path)
    server = LinkServer(desk, tmp_path, "127.0.0.1", 0, keys=keys)
    try:
        context = ssl.create_default_context(cafile=str(authority.root))
        context.check_hostname = False
        silent = socket.create_connection(("127.0.0.1", server.port))  # never shakes hands; holds up nobody
        link = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=20, context=context)
        link.request("GET", "/ky/" + "A" * 43 + "/a.pdf")
        assert link.getresponse().read() == document.pdf.path.read_bytes()
        link.close()
        silent.close()
        assert until(lambda: desk.ended == [True], 5)
        with pytest.raises((ssl.SSLError, OSError, http.client.HTTPException)):
            ask(f"http://127.0.0.1:{server.port}/ky/{'A' * 43}/a.pdf")
        with pytest.raises(UsageError):
            LinkServer(desk, tmp_path, "127.0.0.1", server.port)
    finally:
        server.close()


def test_download_that_breaks_off_is_told_and_places_are_given_back(tmp_path: Path) -> None:
    big = tmp_path / "big.pdf"
    big.write_bytes(b"%PDF-1.7" + b"0" * (64 << 20))
    desk = OneFile(big)
    server = LinkServer(desk, tmp_path / "w", "127.0.0.1", 0)
    try:
        with closing(socket.create_connection(("127.0.0.1", server.port))) as link:
            link.sendall(b"GET /ky/" + b"A" * 43 + b"/a.pdf HTTP/1.1\r\nHost: h\r\n\r\n")
            assert link.recv(1000)
        assert until(lambda: desk.ended == [False], 10)
        assert not list(tmp_path.glob("*.copy"))
        waiting = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(40)]
        for one in waiting:
            one.close()
        url = f"http://127.0.0.1:{server.port}/ky/{'A' * 43}/a.pdf"
        assert until(lambda: answered(url), 10), "who connects and says nothing keeps no place for ever"
        assert desk.taken == b"%PDF-1.7 \r\n"
        done = [threading.Thread(target=ask, args=(url, "POST", b"1")) for _ in range(4)]
        for thread in done:
            thread.start()
        for thread in done:
            thread.join(20)
        assert not list((tmp_path / "w").iterdir())
    finally:
        server.close()


def answered(url: str) -> bool:
    body, kind = form(b"%PDF-1.7 \r\n")
    try:
        return ask(url, "POST", body, Content_Type=kind)[0] == 200
    except (OSError, http.client.HTTPException):
        return False


def test_form_must_hold_exactly_one_file() -> None:
    one, _ = form(b"%PDF\r\n")
    mark = b"----------8dc1234567890ab"
    assert file_of_form(one, mark) == b"%PDF\r\n"
    field = b"--" + mark + b'\r\nContent-Disposition: form-data; name="SessionId"\r\n\r\n1\r\n'
    assert file_of_form(field + one, mark) == b"%PDF\r\n"
    head = one[: one.rindex(b"\r\n--" + mark + b"--")]
    for wrong in (
        b"",
        b"%PDF",
        field + b"--" + mark + b"--\r\n",
        head + b"\r\n" + one,
        one.replace(mark, b"other"),
    ):
        with pytest.raises(Refusal):
            file_of_form(wrong, mark)


def test_address_that_others_reach_needs_tls(tmp_path: Path) -> None:
    assert [is_own(one) for one in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "10.1.2.3", "may-chu.lan")] == [
        True, True, True, False, False, False,
    ]  # fmt: skip
