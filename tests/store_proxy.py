"""A proxy of bytes between sohoa and a real S3 server, which can be told to fail as servers and networks fail."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

SLOW_DOWN = b"<?xml version='1.0'?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"


@dataclass
class Fault:
    """What goes wrong with requests of `method` whose path holds `key`; `times` requests long, None: until cleared.

    `slow_down` answers 503; `stall` takes the request and says nothing; `cut_request` passes half of the body on and
    breaks off; `cut_answer` gives half of the answer's body; `lose_answer` lets the server do it and says nothing of it.
    """

    kind: str
    method: str = ""
    key: str = ""
    times: int | None = None


@dataclass
class _Message:
    head: bytes
    body: bytes

    @property
    def method(self) -> str:
        return self.head.split(b" ", 1)[0].decode()

    @property
    def path(self) -> str:
        return self.head.split(b" ", 2)[1].decode()


class StoreProxy:
    """Listens on a port of the system's choice until closed; `struck` counts what went wrong by kind."""

    def __init__(self, host: str) -> None:
        name, _, port = host.partition(":")
        self._upstream = (name, int(port))
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._lock = threading.Lock()
        self._fault: Fault | None = None
        self._calm = threading.Event()
        self.struck: dict[str, int] = {}
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._listening.getsockname()[1]}"

    @contextmanager
    def failing(self, fault: Fault) -> Iterator[None]:
        """Fail so while the block runs."""
        with self._lock:
            self._calm.clear()
            self._fault = fault
        try:
            yield
        finally:
            with self._lock:
                self._fault = None
            self._calm.set()

    def close(self) -> None:
        self._calm.set()
        self._listening.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _due(self, request: _Message) -> str | None:
        with self._lock:
            fault = self._fault
            fits = fault and request.method.startswith(fault.method) and fault.key in request.path
            if fault is None or not fits or fault.times == 0:
                return None
            if fault.times is not None:
                fault.times -= 1
            self.struck[fault.kind] = self.struck.get(fault.kind, 0) + 1
            return fault.kind

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError), client, socket.create_connection(self._upstream) as server:
            while (request := _read(client)) is not None:
                kind = self._due(request)
                if kind == "slow_down":
                    head = f"HTTP/1.1 503 Slow Down\r\nContent-Type: application/xml\r\nContent-Length: {len(SLOW_DOWN)}"
                    client.sendall(head.encode() + b"\r\n\r\n" + SLOW_DOWN)
                    continue
                if kind == "stall":
                    self._calm.wait(120)
                    return
                if kind == "cut_request":
                    server.sendall(request.head + request.body[: len(request.body) // 2])
                    return
                server.sendall(request.head + request.body)
                answer = _read(server, to=request.method)
                if answer is None or kind == "lose_answer":
                    return
                if kind == "cut_answer":
                    client.sendall(answer.head + answer.body[: len(answer.body) // 2])
                    return
                client.sendall(answer.head + answer.body)


def _read(link: socket.socket, *, to: str = "") -> _Message | None:
    """One message; `to` is the method that an answer answers. None when the other side went away."""
    data = b""
    while b"\r\n\r\n" not in data:
        block = link.recv(65536)
        if not block:
            return None
        data += block
    head, _, body = data.partition(b"\r\n\r\n")
    head += b"\r\n\r\n"
    values = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(b":") for line in head.split(b"\r\n")[1:] if line)
    }
    if to == "HEAD" or (to and head.split(b" ", 2)[1] in (b"204", b"304")):
        return _Message(head, b"")
    if values.get(b"transfer-encoding", b"").lower() == b"chunked":
        while not body.endswith(b"0\r\n\r\n"):
            block = link.recv(65536)
            if not block:
                return None
            body += block
        return _Message(head, body)
    parts, size, wanted = [body], len(body), int(values.get(b"content-length", b"0"))
    while size < wanted:
        block = link.recv(1 << 20)
        if not block:
            return None
        parts.append(block)
        size += len(block)
    return _Message(head, b"".join(parts))
