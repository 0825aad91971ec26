"""`python -m scanners.device_child`: a scanner's driver in a process of its own; JSON lines in, JSON lines out.

It dies with its parent, so that a killed command never leaves somebody else pulling paper.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pipeline.errors import SohoaError
from scanners.device import Device, Wish
from scanners.trouble import DeviceError

_PR_SET_PDEATHSIG = 1


def serve(device: Device, request: dict[str, Any]) -> Any:
    """Answer one request with what JSON can say."""
    verb = request["verb"]
    if verb == "list":
        return [asdict(item) for item in device.list()]
    if verb == "open":
        return asdict(device.open(Wish(**request["wish"])))
    if verb == "options":
        return [asdict(item) for item in device.options()]
    if verb == "page":
        side = device.next_page(Path(request["path"]), request["format"])
        return None if side is None else {**asdict(side), "path": str(side.path)}
    raise ValueError(verb)


def main() -> None:
    """Serve until the parent closes its end."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the parent: the page under way is finished
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # drivers print where they like
    from scanners.sane_device import SaneDevice

    device = SaneDevice()
    for line in sys.stdin:
        try:
            answer: dict[str, Any] = {"result": serve(device, json.loads(line))}
        except DeviceError as error:
            answer = {"trouble": error.trouble.value, "detail": error.detail}
        except SohoaError as error:
            answer = {"error": str(error), "vi": error.vi}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
    device.close()


if __name__ == "__main__":
    main()
