"""The home's own S3 server: made ready and prepared over its process, reached by an endpoint for each role."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

from pipeline.errors import Unavailable, UsageError
from storage.s3 import Bucket, Endpoint
from storage.seaweedfs_config import StoreConfig
from storage.seaweedfs_process import StoreProcess, binary

READY_SECONDS = 40.0


class EmbeddedStore:
    """One SeaweedFS for one home. What is said of threads at `StoreProcess.launch` holds for `start`."""

    def __init__(self, process: StoreProcess) -> None:
        self.process = process
        self._folder = process.folder

    @classmethod
    def at(cls, folder: Path, *, bucket: str, grace: float = 0.5) -> EmbeddedStore:
        """The store of a folder; `grace` are the seconds it is given to end."""
        return cls(StoreProcess(folder, bucket=bucket, grace=grace))

    @property
    def pid(self) -> int | None:
        """Process id of the server, None before it was started."""
        return self.process.pid

    def start(self) -> None:
        """Start it unless it is launched, and wait until an object can be written and read. Raises Unavailable."""
        self.process.launch()
        self._wait_ready()
        if not (self._folder / ".prepared").exists():
            self._prepare()

    def alive(self) -> bool:
        """Whether the server still runs."""
        return self.process.alive()

    def stop(self, seconds: float | None = None) -> None:
        """End the server, as `StoreProcess.stop` does."""
        self.process.stop(seconds)

    def endpoint(self, role: str = "writer") -> Endpoint:
        """How to reach the store as `admin`, `writer` or `reader`."""
        config = self.process.config
        who = config.identities[role]
        return Endpoint(
            host=f"127.0.0.1:{config.ports['s3']}",
            secure=False,
            access_key=who.access_key,
            secret_key=who.secret_key,
            region="us-east-1",
            bucket=config.bucket,
        )

    def _wait_ready(self) -> None:
        """Health answers before volumes can be written, so the probe is a PUT and a GET."""
        deadline = time.monotonic() + READY_SECONDS
        reason = "no answer"
        admin = Bucket(self.endpoint("admin"), patient=False)
        while time.monotonic() < deadline:
            if not self.alive():
                raise Unavailable(
                    f"the embedded store ended at start, see {self._folder / 'logs'}",
                    vi="Kho lưu trữ nội bộ không khởi động được",
                )
            try:
                admin.ensure()
                admin.probe()
                return
            except (Unavailable, UsageError) as error:  # the gateway listens before it knows its keys
                reason = str(error)
                time.sleep(0.1)
        raise Unavailable(f"the embedded store is not ready: {reason}", vi="Kho lưu trữ nội bộ chưa sẵn sàng")

    def _prepare(self) -> None:
        """Once per home: flush each object's data to the disk, and deny deletion to the writer."""
        config = self.process.config
        self._shell(f"fs.configure -locationPrefix=/buckets/{config.bucket} -fsync=true -apply", config)
        Bucket(self.endpoint("admin")).deny_deletion(config.identities["writer"].name)
        (self._folder / ".prepared").touch(mode=0o600)

    def _shell(self, line: str, config: StoreConfig) -> None:
        command = [
            str(binary()),
            "shell",
            f"-master=127.0.0.1:{config.ports['master']}",
            f"-filer=127.0.0.1:{config.ports['filer']}",
        ]
        try:
            done = subprocess.run(
                command,
                input=f"{line}\nexit\n".encode(),
                cwd=self.process.etc,
                env={**os.environ, "HOME": str(self.process.etc)},
                capture_output=True,
                timeout=30,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise Unavailable("the embedded store does not take its settings") from error
        if done.returncode != 0:
            raise Unavailable(f"the embedded store refused its settings: {done.stderr.decode()[-300:]}")
