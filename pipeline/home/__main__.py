"""The home's one background process: `python -m pipeline.home HOME`.

The home is claimed before anything heavy is imported, so that of several started at once all but one end at once; and
its store is spawned before the rest is imported, since each takes seconds.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.home.claim import claim
from pipeline.paths import HomePaths, fingerprint

if TYPE_CHECKING:
    from config.settings import Settings
    from storage.seaweedfs_process import StoreProcess


def main(root: Path) -> int:
    """Run until idle or told to stop. Returns 0 at once when another process holds the home."""
    paths = HomePaths(root)
    paths.make()
    held = claim(paths)
    if held is None:
        return 0
    from config.settings import load
    from pipeline.errors import SohoaError

    mark = fingerprint(paths)
    try:
        settings = load(paths.root)
    except SohoaError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    store = launched(paths, settings)
    from pipeline.home.process import run

    code = run(paths, settings, mark, store)
    held.close()
    return code


def launched(paths: HomePaths, settings: Settings) -> StoreProcess | None:
    """The home's own store, spawned by this thread, which stays; None where there is none or not yet."""
    from pipeline.errors import Unavailable
    from pipeline.wire_store import store_process

    if settings.s3.endpoint or paths.restoring.exists():
        return None
    store = store_process(paths, settings)
    try:
        store.launch()
    except Unavailable:
        return None  # said when the store is needed, where it reaches who asks
    return store


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
