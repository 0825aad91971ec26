"""The home's socket: takes requests, hands them to the service, a thread each."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from pipeline.errors import SohoaError, UsageError
from pipeline.home.wireformat import lines, listen, send
from pipeline.refused_path import is_about, refused_path

logger = logging.getLogger("sohoa.home")
Progress = Callable[[dict[str, Any]], None]


class Answers(Protocol):
    """What a service must do: answer one verb, reporting progress on the way."""

    def answer(self, verb: str, arguments: dict[str, Any], actor: str, progress: Progress) -> Any: ...


class Server:
    """Accepts until closed. `busy` and `last_used` (monotonic) tell the idle clock what it needs."""

    def __init__(
        self, path: Path, service: Answers, *, fingerprint: str, on_other: Callable[[], bool]
    ) -> None:
        self._socket = listen(path)
        self._service = service
        self._fingerprint = fingerprint
        self._on_other = on_other
        self._lock = threading.Lock()
        self.busy = 0
        self.last_used = time.monotonic()
        threading.Thread(target=self._accept, name="accept", daemon=True).start()

    def close(self) -> None:
        self._socket.close()

    def _accept(self) -> None:
        while True:
            try:
                link, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(link,), daemon=True).start()

    def _serve(self, link: socket.socket) -> None:
        with self._lock:
            self.busy += 1
        try:
            with link:
                for request in lines(link):
                    send(link, self._one(link, request))
                    break
        except (OSError, ValueError) as error:  # the client went away, or spoke nonsense
            logger.info("request ended early: %s", error)
        finally:
            with self._lock:
                self.busy -= 1
                self.last_used = time.monotonic()

    def _make_room(self) -> None:
        if self._on_other():
            raise ConnectionAbortedError("settings changed; this process makes room for a new one")
        raise UsageError(
            "the home's process works under other settings; wait until it is idle, or run `sohoa down`",
            vi="Tiến trình nền đang chạy với cấu hình khác; hãy chờ xong việc hoặc chạy `sohoa down`",
        )

    def _one(self, link: socket.socket, request: dict[str, Any]) -> dict[str, Any]:
        verb = str(request.get("verb"))
        try:
            if request.get("fingerprint") != self._fingerprint and verb != "down":
                self._make_room()
            arguments = request.get("arguments")
            result = self._service.answer(
                verb,
                arguments if isinstance(arguments, dict) else {},
                str(request.get("actor") or "?"),
                lambda event: send(link, {"progress": event}),
            )
            return {"result": result}
        except SohoaError as error:
            return {"error": {"message": str(error), "vi": error.vi, "exit_code": error.exit_code}}
        except ConnectionError:
            raise
        except Exception as error:
            logger.exception("verb %s failed", verb)
            if isinstance(error, OSError) and is_about(error, request.get("arguments") or {}):
                told = refused_path(error)
                return {"error": {"message": str(told), "vi": told.vi, "exit_code": told.exit_code}}
            message = f"unexpected {type(error).__name__} in the home's process; its log has the details"
            return {"error": {"message": message, "vi": "Lỗi ngoài dự kiến, xem nhật ký", "exit_code": 4}}
