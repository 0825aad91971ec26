"""The home's one background process: `python -m pipeline.home HOME`.

The home is claimed before anything heavy is imported, so that of several started at once all but one end at once.
"""

from __future__ import annotations

import sys
from pathlib import Path

from pipeline.home.claim import claim
from pipeline.paths import HomePaths


def main(root: Path) -> int:
    """Run until idle or told to stop. Returns 0 at once when another process holds the home."""
    paths = HomePaths(root)
    paths.make()
    held = claim(paths)
    if held is None:
        return 0
    from pipeline.home.process import run

    return run(paths, held)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
