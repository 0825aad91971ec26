"""One request, many events, one result: JSON lines over the home's Unix socket.

Request: {"verb", "arguments", "actor", "fingerprint"}. Answers, a line each: {"progress": {...}} any number of
times, then {"result": ...} or {"error": {"message", "vi", "exit_code"}}. Standard library only.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

LIMIT = 64 << 20
"""Longest line in bytes that either side accepts."""


def reach(path: Path) -> tuple[int, str]:
    """A folder handle and a name under it, since a Unix socket's path may be 107 bytes at most."""
    handle = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    return handle, f"/proc/self/fd/{handle}/{path.name}"


def connect(path: Path) -> socket.socket:
    """A connection to the socket at `path`; raises OSError when nobody listens."""
    link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    handle, name = reach(path)
    try:
        link.connect(name)
    except OSError:
        link.close()
        raise
    finally:
        os.close(handle)
    return link


def listen(path: Path) -> socket.socket:
    """A listening socket at `path`, for its owner only. The caller holds the home's lock."""
    path.unlink(missing_ok=True)
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    handle, name = reach(path)
    try:
        server.bind(name)
    finally:
        os.close(handle)
    path.chmod(0o600)
    server.listen(64)
    return server


def send(link: socket.socket, message: dict[str, Any]) -> None:
    link.sendall(json.dumps(message, ensure_ascii=False).encode() + b"\n")


def lines(link: socket.socket) -> Iterator[dict[str, Any]]:
    """Messages from the other side until it closes; raises ValueError on what is no JSON object."""
    with link.makefile("rb") as stream:
        while line := stream.readline(LIMIT):
            message = json.loads(line)
            if not isinstance(message, dict):
                raise ValueError("a message must be a JSON object")
            yield message
