"""Side-cars at the door: copied like the scans, read in a child with limits, laid beside the files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import config
from config.settings import Settings
from pipeline.acquire import claim, companions_beside
from pipeline.companions.entries import Columns, Companion, read_companion
from pipeline.companions.matching import Matched, match
from pipeline.errors import Rejected
from pipeline.model import SourceFile
from pipeline.wire import Parts
from storage.held_files import taken_before

READ = {".json", ".csv", ".xlsx", ".xls"}
"""The others (.xml, .txt) are kept and not read: their shapes differ from program to program."""


class CompanionDesk:
    """Finds the side-cars of a folder and says what they mean for its files."""

    def __init__(self, parts: Parts, settings: Settings) -> None:
        self._parts = parts
        bundled = Path(config.__path__[0]) / "companion_columns.toml"
        self._columns = Columns.load(bundled, settings.companion.columns)

    def beside(
        self, found: Path, files: Sequence[Path], spool: Path, *, keep_free: int
    ) -> tuple[tuple[SourceFile, ...], Matched]:
        """Copies of the side-cars in `spool`, and what they say. One that cannot be read is a remark, never a stop."""
        paths = companions_beside(found, files)
        claimed = tuple(claim(path, spool, number, keep_free=keep_free) for number, path in enumerate(paths))
        read = [self._read(file) for file in claimed if Path(file.source).suffix.lower() in READ]
        folder = found.parent if found.is_symlink() or not found.is_dir() else found
        told = {re.split(r"[\\/]", entry.file)[-1] for one in read for entry in one.entries if entry.file}
        before = taken_before(self._parts.records.database, [str(folder / name) for name in sorted(told)])
        names = [path.name for path in files]
        whole = tuple(file for file in claimed if file.reason is None)
        return whole, match(names, read, elsewhere=[Path(source).name for source in before])

    def _read(self, file: SourceFile) -> Companion:
        name = Path(file.source).name
        if file.reason is not None:
            return Companion(name=name, remarks=(f"{name}: {file.reason}",))
        task = self._parts.pool.submit(read_companion, file.blob.path, name, self._columns, priority=0)
        try:
            found: Companion = task.result()
        except Rejected as error:
            return Companion(name=name, remarks=(f"{name}: {error.both}",))
        return found
