"""The person beside the scanner: told of each side, asked for the next sheet; the home reads on meanwhile."""

from __future__ import annotations

import contextlib
import os
import queue
import select
import sys
import threading
from pathlib import Path
from typing import Any

from pipeline.commands.session import Session
from pipeline.errors import SohoaError
from scanners.stack_folder import StackFolder

LOOK_SECONDS = 10.0


class Console:
    """Speaks on stderr and listens on stdin; hands finished sides to the home without holding up the feeder."""

    def __init__(self, session: Session, *, quiet: bool) -> None:
        self._session = session
        self._quiet = quiet
        self._stop = threading.Event()
        self._sides: queue.Queue[Path | None] = queue.Queue()
        self._typed = b""
        self._asked = False
        self._reader = threading.Thread(target=self._read_ahead, daemon=True)
        self._stack: StackFolder | None = None

    def begin(self, stack: StackFolder) -> None:
        """Say what is being scanned; sides that are there already are read first."""
        self._stack = stack
        self._reader.start()
        sides = stack.wanted()
        if sides:
            self._say(f"Quét tiếp chồng {stack.id}: đã có {len(sides)} mặt (going on)")
        for side in sides:
            self._sides.put(side.path)

    def end(self) -> None:
        """What is wrong with a side is told before the stack is handed in."""
        self._sides.put(None)
        self._reader.join(LOOK_SECONDS)

    def stop(self, *_: Any) -> None:
        """For signals: the side under way is finished and kept, then the command ends."""
        self._stop.set()

    def stopped(self) -> bool:
        return self._stop.is_set()

    def on_side(self, number: int, path: Path) -> None:
        """A side is safe."""
        self._say(f"Mặt {number}: đã giữ an toàn (side kept)")
        self._sides.put(path)

    def another(self, count: int) -> bool:
        """Whether another sheet lies on the glass; the first one does."""
        if not self._asked:
            self._asked = True
            return True
        sys.stderr.write(
            f"Đặt tờ thứ {count + 1} rồi nhấn Enter; gõ x và Enter để kết thúc. (Next sheet, Enter; x ends.)\n"
        )
        sys.stderr.flush()
        line = self._line()
        return line is not None and line.strip().lower() not in (b"x", b"q")

    def turned(self, fronts: int) -> bool:
        """Whether the stack lies in the feeder again with its backs up."""
        sys.stderr.write(
            f"Đã quét {fronts} mặt trước. Lật cả chồng, nạp lại, rồi nhấn Enter; gõ x và Enter để làm sau. "
            "(Turn the stack, load it, Enter; x: later.)\n"
        )
        sys.stderr.flush()
        line = self._line()
        return line is not None and line.strip().lower() not in (b"x", b"q")

    def _line(self) -> bytes | None:
        """A typed line; None at the end of input or when asked to stop."""
        while b"\n" not in self._typed:
            if self._stop.is_set():
                return None
            if select.select([0], [], [], 0.2)[0]:
                block = os.read(0, 4096)
                if not block:
                    return None
                self._typed += block
        line, _, self._typed = self._typed.partition(b"\n")
        return line

    def _read_ahead(self) -> None:
        while (path := self._sides.get()) is not None:
            self._look_at(path)
            with contextlib.suppress(SohoaError, OSError):  # only speed is lost; the batch reads it again
                self._session.call("read_ahead", {"file": str(path)}, quiet=True)

    def _look_at(self, path: Path) -> None:
        """Judge a side as a picture, beside the feeder and not in its way."""
        import numpy as np
        from PIL import Image

        from pipeline.raster.quality import alarms, rescan
        from scanners.device import PAPERS

        assert self._stack is not None
        paper = PAPERS.get(self._stack.job.wish.paper)
        try:
            with Image.open(path) as side:
                dpi = float(side.info["dpi"][0])
                found = rescan(alarms(np.asarray(side.convert("RGB")), dpi=dpi, paper=paper))
        except (OSError, KeyError, ValueError):
            return  # the home will say what is wrong with it
        if found:
            self._say(f"\aMặt {int(path.stem) + 1}: {found}")
            with contextlib.suppress(OSError):
                self._stack.warn(path, found)

    def _say(self, line: str) -> None:
        if not self._quiet:
            sys.stderr.write(line + "\n")
