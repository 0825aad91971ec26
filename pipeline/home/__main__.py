"""The home's one background process: `python -m pipeline.home HOME`."""

from __future__ import annotations

import sys
from pathlib import Path

from pipeline.home.process import run

if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[1])))
