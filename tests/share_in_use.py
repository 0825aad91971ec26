"""A folder that is shared as Windows PCs know it: Debian's `smbd` on a port of the loopback, `smbclient` as the writer."""

from __future__ import annotations

import getpass
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.home_in_use import ROOT, until

SMBD = Path("/usr/sbin/smbd")
_SETTINGS = """[global]
  server role = standalone server
  netbios name = QUAY
  smb ports = {port}
  interfaces = 127.0.0.1/8
  bind interfaces only = yes
  disable netbios = yes
  disable spoolss = yes
  load printers = no
  printcap name = /dev/null
  usershare max shares = 0
  map to guest = Bad User
  guest account = {account}
  private dir = {state}
  state directory = {state}
  cache directory = {state}
  lock directory = {state}
  pid directory = {state}
  ncalrpc dir = {state}/ncalrpc
[quay]
  path = {folder}
  guest ok = yes
  read only = no
"""


@dataclass(frozen=True, slots=True)
class Writer:
    """A scanner program on another machine: what it does goes over SMB."""

    port: int
    settings: Path

    def run(self, *commands: str) -> bool:
        """Whether smbclient could do all of it."""
        words = ["smbclient", "-N", "-p", str(self.port), "-s", str(self.settings), "//127.0.0.1/quay"]
        done = subprocess.run([*words, "-c", "; ".join(commands)], capture_output=True, check=False)
        return done.returncode == 0

    def put(self, local: Path, name: str) -> None:
        assert self.run(f'put "{local}" "{name}"'), name

    def put_slowly(self, content: Path, name: str, *, piece: int, pause: float) -> subprocess.Popen[bytes]:
        """Begin to write a file in pieces of so many bytes, so many seconds apart; it stays open all the while."""
        words = [sys.executable, "-m", "tests.smb_slow_writer", str(self.port), name, str(piece), str(pause)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "SMB_CONF_PATH": str(self.settings)}
        with content.open("rb") as stream:
            return subprocess.Popen(words, stdin=stream, env=environment)


@contextmanager
def shared(folder: Path, state: Path) -> Iterator[Writer]:
    """Share a folder while the context lasts; needs root, as smbd does."""
    assert SMBD.exists() and os.geteuid() == 0, "needs Debian's samba and smbclient, and root"
    state.mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    settings = state / "smb.conf"
    settings.write_text(
        _SETTINGS.format(port=port, account=getpass.getuser(), state=state, folder=folder), encoding="utf-8"
    )
    # It ends by a signal to its whole process group, which must not be ours.
    server = subprocess.Popen(
        [str(SMBD), "--foreground", "--no-process-group", "-l", str(state), "-s", str(settings)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        writer = Writer(port, settings)
        assert until(lambda: writer.run("ls"), 20), (state / "log.smbd").read_text()[-500:]
        yield writer
    finally:
        server.terminate()
        server.wait(10)
