"""The parent's side of `device_child`: the same verbs, with a limit on time; a hung driver is ended, pages are kept."""

from __future__ import annotations

import importlib.util
import json
import os
import select
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pipeline.errors import DiskFull, UsageError
from pipeline.model import Sha256
from scanners.device import DeviceInfo, DeviceOption, Ready, Side, Wish
from scanners.trouble import DeviceError, Trouble

LIST_SECONDS = 60.0
OPEN_SECONDS = 60.0
CLOSE_SECONDS = 5.0


def need_driver() -> None:
    """Raise UsageError when python-sane is not installed."""
    if importlib.util.find_spec("sane") is None:
        raise UsageError(
            "scanners need the library python-sane, which is not installed; run `make scanner`, "
            "or let the scanner's own program write to a watched folder (`sohoa watch`)",
            vi="Chưa cài thư viện máy quét (python-sane); hãy chạy `make scanner`, "
            "hoặc để chương trình của máy quét ghi vào thư mục nóng (`sohoa watch`)",
        )


class IsolatedDevice:
    """Implements `device.Device` by a child process; a new one is started after trouble. `seconds` is for one side."""

    def __init__(self, *, seconds: float) -> None:
        need_driver()
        self._seconds = seconds
        self._child: subprocess.Popen[bytes] | None = None

    def list(self) -> tuple[DeviceInfo, ...]:
        return tuple(DeviceInfo(**item) for item in self._ask({"verb": "list"}, LIST_SECONDS))

    def open(self, wish: Wish) -> Ready:
        return Ready(**self._ask({"verb": "open", "wish": asdict(wish)}, OPEN_SECONDS))

    def options(self) -> tuple[DeviceOption, ...]:
        found = self._ask({"verb": "options"}, OPEN_SECONDS)
        return tuple(
            DeviceOption(
                **{
                    **item,
                    "choices": tuple(item["choices"]),
                    "between": tuple(item["between"]) if item["between"] else None,
                }
            )
            for item in found
        )

    def next_page(self, path: Path, image_format: str) -> Side | None:
        request = {"verb": "page", "path": str(path), "format": image_format}
        found = self._ask(request, self._seconds)
        if found is None:
            return None
        return Side(**{**found, "path": Path(found["path"]), "sha256": Sha256(found["sha256"])})

    def close(self) -> None:
        """End the child; a driver that does not let go within a moment is ended all the same."""
        if self._child is None:
            return
        assert self._child.stdin is not None and self._child.stdout is not None
        self._child.stdin.close()
        try:
            self._child.wait(CLOSE_SECONDS)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._child.stdout.close()
        self._child = None

    def _ask(self, request: dict[str, Any], seconds: float) -> Any:
        child = self._child or self._start()
        assert child.stdin is not None and child.stdout is not None
        try:
            child.stdin.write(json.dumps(request).encode() + b"\n")
            child.stdin.flush()
            line = _line(child.stdout.fileno(), seconds)
        except TimeoutError as error:
            child.kill()
            self.close()
            raise DeviceError(Trouble.HUNG, f"no answer within {seconds:.0f} s") from error
        except BrokenPipeError:
            line = b""
        if not line.endswith(b"\n"):
            code = child.wait()
            self.close()
            raise DeviceError(Trouble.CRASHED, f"the driver's process ended with {code}")
        answer = json.loads(line)
        if "trouble" in answer:
            self.close()
            raise DeviceError(Trouble(answer["trouble"]), answer["detail"])
        if "error" in answer:
            self.close()
            raise DiskFull(answer["error"], vi=answer["vi"])
        return answer["result"]

    def _start(self) -> subprocess.Popen[bytes]:
        self._child = subprocess.Popen(
            [sys.executable, "-m", "scanners.device_child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
        )
        return self._child


def _line(handle: int, seconds: float) -> bytes:
    """One line, or what came before the other end closed. Raises TimeoutError."""
    deadline, found = time.monotonic() + seconds, b""
    while not found.endswith(b"\n"):
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([handle], [], [], left)[0]:
            raise TimeoutError
        block = os.read(handle, 65536)
        if not block:
            break
        found += block
    return found
