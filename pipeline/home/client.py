"""Talking to the home's process, and starting it when nobody does. Standard library only.

Commands are clients: two of them never start two processes (the home's lock decides), and a process that
was killed in the middle of a request is started anew and asked again; every request may be repeated.
"""

from __future__ import annotations

import getpass
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from pipeline.errors import NeedsPerson, Rejected, SohoaError, Tampered, Unavailable, UsageError
from pipeline.home.wireformat import connect, lines, send
from pipeline.paths import HomePaths, fingerprint

START_SECONDS = 90.0
MOST_INTERRUPTIONS = 50
_KINDS: dict[int, type[SohoaError]] = {
    kind.exit_code: kind for kind in (NeedsPerson, UsageError, Rejected, Unavailable, Tampered)
}


class Interrupted(Exception):
    """The process went away before it answered."""


def call(
    paths: HomePaths,
    verb: str,
    arguments: dict[str, Any] | None = None,
    *,
    progress: Callable[[dict[str, Any]], None] | None = None,
    start: bool = True,
) -> Any:
    """Ask the home's process and return its result.

    Raises the SohoaError that the process reports, or Unavailable when it cannot be started. With
    `start` False, returns None when no process runs.
    """
    interrupted = 0
    while True:
        if not is_up(paths):
            if not start:
                return None
            _spawn(paths)
        try:
            return _ask(paths, verb, arguments or {}, progress)
        except (Interrupted, ConnectionError, FileNotFoundError) as error:
            interrupted += 1
            if interrupted > MOST_INTERRUPTIONS:
                raise _no_process(paths) from error
            if verb == "down":
                return None
            time.sleep(0.1)


def is_up(paths: HomePaths) -> bool:
    """Whether somebody listens at the home's socket."""
    try:
        connect(paths.socket).close()
    except OSError:
        return False
    return True


def _ask(
    paths: HomePaths, verb: str, arguments: dict[str, Any], progress: Callable[[dict[str, Any]], None] | None
) -> Any:
    request = {
        "verb": verb,
        "arguments": arguments,
        "actor": os.environ.get("SOHOA_ACTOR") or getpass.getuser(),
        "fingerprint": fingerprint(paths),
    }
    with connect(paths.socket) as link:
        send(link, request)
        for message in lines(link):
            if "result" in message:
                return message["result"]
            if "error" in message:
                raise _error(message["error"])
            if progress is not None and "progress" in message:
                progress(message["progress"])
    raise Interrupted


def _error(report: dict[str, Any]) -> SohoaError:
    kind = _KINDS.get(int(report.get("exit_code", 1)), NeedsPerson)
    return kind(str(report["message"]), vi=str(report.get("vi") or report["message"]))


def _spawn(paths: HomePaths) -> None:
    """Start the process and wait until it listens.

    A child that ends with 0 found another process holding the home: one that is starting, or one that is
    just closing, so the wait goes on and the start is tried again.
    """
    paths.make()
    deadline = time.monotonic() + START_SECONDS
    child: subprocess.Popen[bytes] | None = None
    while time.monotonic() < deadline:
        if is_up(paths):
            return
        if child is not None and child.poll() == UsageError.exit_code:
            raise UsageError(_last_words(paths))
        if child is not None and child.poll() not in (None, 0):
            raise _no_process(paths)
        if child is None or child.poll() == 0:
            if child is not None:
                time.sleep(0.3)
            child = _start(paths)
        time.sleep(0.05)
    raise _no_process(paths)


def _start(paths: HomePaths) -> subprocess.Popen[bytes]:
    with paths.log.open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "pipeline.home", str(paths.root)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd="/",
        )


def _last_words(paths: HomePaths) -> str:
    """What the process wrote before it ended."""
    if not paths.log.exists():
        return ""
    text = paths.log.read_bytes()[-2000:].decode("utf-8", "replace").strip().splitlines()
    return text[-1] if text else ""


def _no_process(paths: HomePaths) -> Unavailable:
    last = _last_words(paths)
    tail = f"; its last words: {last}" if last else ""
    return Unavailable(
        f"the home's process did not start, see {paths.log}{tail}",
        vi=f"Tiến trình nền của sohoa không khởi động được, xem {paths.log}",
    )
