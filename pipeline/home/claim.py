"""Who holds a home: a lock on a file that the kernel lets go when its holder dies. Standard library only."""

from __future__ import annotations

import fcntl
import os
from typing import IO

from pipeline.paths import HomePaths


def claim(paths: HomePaths) -> IO[str] | None:
    """Claim the home for this process, as long as the returned file stays open; None when another holds it."""
    handle = paths.lock.open("a+")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        handle.close()
        return None
    handle.truncate(0)
    handle.write(str(os.getpid()))
    handle.flush()
    return handle


def holder(paths: HomePaths) -> int | None:
    """The process id that holds the home, or None."""
    if not paths.lock.exists():
        return None
    with paths.lock.open("r+") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return int(handle.read().strip() or 0)
    return None
