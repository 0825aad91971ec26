"""The life of the home's process: one at a time, store first, then work, then the clock.

Its main thread spawned the store (`__main__`) and stays: the kernel kills the store when the thread that started it
ends (PR_SET_PDEATHSIG), which is what we want of a crash and of nothing else.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import threading
import time

import structlog

from config.settings import Settings
from pipeline.errors import Broken, SohoaError, Unavailable
from pipeline.home.server import Server
from pipeline.home.service import Service
from pipeline.paths import HomePaths
from pipeline.wire import Parts, Records, open_records, open_work
from storage.seaweedfs_process import StoreProcess

logger = logging.getLogger("sohoa.home")
TICK = 0.5
UNUSABLE_SECONDS = 5.0
"""How long a home that cannot work, for a reason that waiting does not mend, stays to say so."""
TOLD_SECONDS = 1.0
"""How long one that fails in a way nobody foresaw stays, for those who wait to hear it."""


def run(paths: HomePaths, settings: Settings, mark: str, launched: StoreProcess | None) -> int:
    """Run until idle or told to stop. `mark` is of the code and settings; `launched` the home's store, spawned."""
    _log_to(paths)
    return Process(paths, settings, mark, launched).live()


def _log_to(paths: HomePaths) -> None:
    if paths.log.exists() and paths.log.stat().st_size > 10_000_000:
        paths.log.replace(paths.log.with_suffix(".log.1"))
    logging.basicConfig(
        filename=paths.log, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    for noisy in ("pyhanko", "pyhanko_certvalidator", "alembic", "urllib3", "fontTools"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    structlog.configure(logger_factory=structlog.stdlib.LoggerFactory())


class Process:
    """Starts the parts, watches them, and ends when nobody has needed it for a while."""

    def __init__(
        self, paths: HomePaths, settings: Settings, mark: str, launched: StoreProcess | None
    ) -> None:
        self._paths = paths
        self._launched = launched
        self._settings = settings
        self._stop = threading.Event()
        self._parts: Parts | None = None
        self._service = Service(paths, settings, self._stop)
        signal.signal(signal.SIGTERM, lambda *_: self._stop.set())
        self._server = Server(paths.socket, self._service, fingerprint=mark, on_other=self._yield_if_idle)

    def live(self) -> int:
        """Main loop; every exception that is not ours ends the process, the next command mends it."""
        code = 0
        try:
            self._open()
            gc.freeze()  # what was imported lives as long as the process: not to be walked at each collection
            while not self._stop.wait(TICK):
                self._tick()
        except Exception:
            logger.exception("the process ends on an unforeseen error")
            code = 1
        finally:
            self._close(code)
        return code

    def _open(self) -> None:
        records: Records | None = None
        while not self._stop.is_set():
            try:
                if records is None:
                    records = open_records(self._paths, self._settings)
                    if not records.ledger.is_empty():  # an empty one may be a lost one: the bucket tells
                        self._service.records_ready(records)
                self._parts = open_work(self._paths, self._settings, records, launched=self._launched)
                self._service.records_ready(records)
                self._service.work_ready(self._parts)
                return
            except SohoaError as error:
                logger.warning("not ready: %s", error)
                self._service.not_ready(error)
                if not error.retry and self._stop.wait(UNUSABLE_SECONDS):
                    return
                if not error.retry and self._quiet() > UNUSABLE_SECONDS:
                    self._stop.set()
                self._stop.wait(1)
            except Exception as error:
                self._service.not_ready(
                    Broken(
                        f"the home's process cannot start ({type(error).__name__}); see {self._paths.log}",
                        vi=f"Tiến trình nền không khởi động được; nguyên nhân ở {self._paths.log}",
                    )
                )
                self._stop.wait(TOLD_SECONDS)
                raise

    def _tick(self) -> None:
        assert self._parts is not None
        if self._parts.store is not None and not self._parts.store.alive():
            logger.warning("the store died; starting it again")
            try:
                self._parts.store.start()
            except Unavailable as error:
                logger.warning("the store does not start: %s", error)
                self._stop.wait(2)
                return
        self._service.on_schedule(time.monotonic())
        if self._idle():
            logger.info("idle, stopping")
            self._stop.set()

    def _idle(self) -> bool:
        return (
            self._server.busy == 0
            and self._quiet() > self._settings.process.idle_minutes * 60
            and not self._service.at_work()
            and not self._service.awaited()
        )

    def _quiet(self) -> float:
        """Seconds since the last request or work."""
        return time.monotonic() - max(self._server.last_used, self._service.last_work)

    def _yield_if_idle(self) -> bool:
        if self._server.busy > 1 or self._service.at_work():
            return False
        self._stop.set()
        self._server.close()
        self._paths.socket.unlink(missing_ok=True)
        return True

    def _close(self, code: int) -> None:
        self._paths.socket.unlink(missing_ok=True)
        self._server.close()
        if self._parts is not None:
            self._service.farewell()
            self._parts.close()
        elif self._launched is not None:
            self._launched.stop()
        logging.shutdown()
        # Threads of the engine and of served requests may still wait; everything is durable by now.
        os._exit(code)
