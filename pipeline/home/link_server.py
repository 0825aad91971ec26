"""HTTP for programs that sign at a clerk's desk: fetch one PDF by its one-time link, post the signed one back there.

The contract is the one of the token clients in use: a file is fetched by `GET`, comes back by `POST` (the bare file,
or one file in a form), and the answer is JSON with `Status`, `Message`, `FileName`, `FileServer`.
"""

from __future__ import annotations

import base64
import ipaddress
import json
import logging
import re
import socket
import socketserver
import ssl
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Protocol

from pipeline.errors import UsageError

logger = logging.getLogger("sohoa.home")
AT_ONCE = 16
QUIET_SECONDS = 20.0
TOTAL_SECONDS = 300.0
"""Of one request, whatever it does: who drips bytes holds a place no longer than that."""
FORM_ROOM = 64 * 1024
BLOCK = 64 * 1024
_PATH = re.compile(r"/ky/([A-Za-z0-9_-]{43})/[A-Za-z0-9_.-]{1,80}")
_BOUNDARY = re.compile(
    r'multipart/form-data\s*;.*boundary="?([A-Za-z0-9\'()+_,./:=?-]{1,70})"?', re.IGNORECASE
)


class Refusal(Exception):
    """An answer that is not what was asked for: HTTP status and the sentence."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


@dataclass(frozen=True, slots=True)
class Offer:
    """A paper to fetch; the file is the receiver's to remove."""

    name: str
    path: Path
    size: int
    sha256: str


class Desk(Protocol):
    """What stands behind the links. Every verb raises Refusal."""

    def room(self, token: str) -> int:
        """How many bytes may come back by this link."""
        ...

    def offer(self, token: str) -> Offer:
        """The paper, taken for this one download."""
        ...

    def sent(self, token: str, *, whole: bool) -> None:
        """How the download ended."""
        ...

    def take(self, token: str, pdf: Path) -> str:
        """A signed file; returns the name of the paper."""
        ...


def is_own(address: str) -> bool:
    """Whether only this machine reaches the address."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


class LinkServer(ThreadingHTTPServer):
    """Listens until closed. Raises UsageError when it cannot."""

    daemon_threads = True
    request_queue_size = AT_ONCE

    def __init__(
        self, desk: Desk, work: Path, address: str, port: int, *, keys: tuple[Path, Path] | None = None
    ) -> None:
        self.desk, self.work = desk, work
        self._places = threading.BoundedSemaphore(AT_ONCE)
        try:
            self._tls = _context(*keys) if keys else None
            self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
            super().__init__((address, port), _Request)
        except OSError as error:
            raise UsageError(
                f"links cannot be served at {address}:{port}: {error.strerror or error}; see [signing.links]",
                vi=f"Không mở được {address}:{port} cho đường dẫn ký: {error.strerror or error}; xem [signing.links]",
            ) from error
        threading.Thread(target=self.serve_forever, name="links", daemon=True).start()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def close(self) -> None:
        self.shutdown()
        self.server_close()

    def get_request(self) -> tuple[Any, Any]:
        """The handshake comes with the first byte that is read, in the request's own thread."""
        link, where = super().get_request()
        link.settimeout(QUIET_SECONDS)
        if self._tls is not None:
            link = self._tls.wrap_socket(link, server_side=True, do_handshake_on_connect=False)
        return link, where

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._places.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news; paths hold tokens, so none is ever written down."""
        logger.info("a request for a signing link ended early")

    def server_bind(self) -> None:
        """Without the look-up of a host's name that http.server adds."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "", int(self.server_address[1])


def _context(certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    return context


class _Request(BaseHTTPRequestHandler):
    """One request, then the connection ends."""

    server: LinkServer
    protocol_version = "HTTP/1.1"
    timeout = QUIET_SECONDS

    def setup(self) -> None:
        super().setup()
        self._guard = threading.Timer(TOTAL_SECONDS, self._cut)
        self._guard.daemon = True
        self._guard.start()

    def finish(self) -> None:
        self._guard.cancel()
        super().finish()

    def _cut(self) -> None:
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            return

    def version_string(self) -> str:
        return "sohoa"

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the path is a secret."""

    def handle_expect_100(self) -> bool:
        """Said after the look at the link and the length, not before."""
        return True

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What http.server itself refuses: malformed requests, other methods."""
        self.close_connection = True
        self._tell(code, False, "Yêu cầu không đúng (no such request)")

    def do_GET(self) -> None:
        self._answer(self._send)

    def do_POST(self) -> None:
        self._answer(self._receive)

    def _answer(self, work: Callable[[str], None]) -> None:
        self.close_connection = True
        try:
            match = _PATH.fullmatch(self.path)
            if match is None:
                raise Refusal(404, "Không có đường dẫn này (no such link)")
            work(match[1])
        except Refusal as refusal:
            self._tell(refusal.status, False, refusal.message)

    def _send(self, token: str) -> None:
        offer, whole = self.server.desk.offer(token), False
        try:
            self.send_response(200)
            self._headers("application/pdf", offer.size)
            self.send_header("Content-Disposition", f'attachment; filename="{offer.name}"')
            digest = base64.b64encode(bytes.fromhex(offer.sha256)).decode()
            self.send_header("Repr-Digest", f"sha-256=:{digest}:")
            self.end_headers()
            with offer.path.open("rb") as file:
                while block := file.read(BLOCK):
                    self.wfile.write(block)
            self.wfile.flush()
            whole = True
        finally:
            offer.path.unlink(missing_ok=True)
            self.server.desk.sent(token, whole=whole)

    def _receive(self, token: str) -> None:
        room = self.server.desk.room(token)
        boundary = _BOUNDARY.match(self.headers.get("Content-Type", ""))
        length = self._length(room + (FORM_ROOM if boundary else 0))
        if self.headers.get("Expect", "").lower() == "100-continue":
            self.send_response_only(100)
            self.end_headers()
        path = self.server.work / f"{uuid.uuid4().hex}.posted"
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            self._write(path, length)
            if boundary:
                path.write_bytes(file_of_form(path.read_bytes(), boundary[1].encode()))
            self._tell(200, True, "Đã nhận (taken in)", name=self.server.desk.take(token, path))
        finally:
            path.unlink(missing_ok=True)

    def _length(self, most: int) -> int:
        stated = self.headers.get_all("Content-Length") or []
        if (
            len(stated) != 1
            or not re.fullmatch(r"\d{1,12}", stated[0])
            or "Transfer-Encoding" in self.headers
        ):
            raise Refusal(411, "Thiếu độ dài tệp (Content-Length is needed)")
        length = int(stated[0])
        if length > most:
            raise Refusal(413, f"Tệp gửi về quá lớn, nhiều nhất {most} byte (too large)")
        return length

    def _write(self, path: Path, length: int) -> None:
        with path.open("xb") as file:
            path.chmod(0o600)
            while length > 0:
                block = self.rfile.read1(min(BLOCK, length))
                if not block:
                    raise Refusal(400, "Tệp gửi về bị đứt giữa chừng (fewer bytes than announced)")
                file.write(block)
                length -= len(block)

    def _tell(self, status: int, fine: bool, message: str, *, name: str = "") -> None:
        told = {"Status": fine, "Message": message, "FileName": name, "FileServer": ""}
        body = json.dumps(told, ensure_ascii=False).encode()
        self.send_response(status)
        self._headers("application/json; charset=utf-8", len(body))
        self.end_headers()
        self.wfile.write(body)

    def _headers(self, kind: str, size: int) -> None:
        for name, value in (
            ("Content-Type", kind), ("Content-Length", str(size)), ("Connection", "close"),
            ("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer"),
        ):  # fmt: skip
            self.send_header(name, value)


def file_of_form(body: bytes, boundary: bytes) -> bytes:
    """The one file of a form (RFC 7578). Raises Refusal when it holds none, several, or is malformed."""
    mark = b"--" + boundary
    if not body.startswith(mark + b"\r\n") or not body.rstrip(b"\r\n").endswith(b"\r\n" + mark + b"--"):
        raise Refusal(400, "Biểu mẫu gửi về không đúng (malformed form)")
    files = []
    for part in body[len(mark) : body.rindex(b"\r\n" + mark + b"--")].split(b"\r\n" + mark):
        head, gap, content = part.partition(b"\r\n\r\n")
        if gap and b"filename" in head.lower():
            files.append(content)
    if len(files) != 1:
        raise Refusal(400, f"Biểu mẫu có {len(files)} tệp, cần đúng một (exactly one file is wanted)")
    return files[0]
