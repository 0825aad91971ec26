"""Where everything of a home lies. Standard library only: light commands import this."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class HomePaths:
    """The folders of one home; all of it is private to its owner (0700)."""

    root: Path

    @property
    def settings(self) -> Path:
        return self.root / "sohoa.toml"

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def socket(self) -> Path:
        return self.run / "home.sock"

    @property
    def lock(self) -> Path:
        return self.run / "home.lock"

    @property
    def log(self) -> Path:
        return self.run / "home.log"

    @property
    def store(self) -> Path:
        return self.root / "store"

    @property
    def keys(self) -> Path:
        return self.root / "keys"

    @property
    def trust(self) -> Path:
        return self.root / "trust"

    @property
    def database(self) -> Path:
        return self.root / "db" / "sohoa.sqlite3"

    @property
    def spool(self) -> Path:
        return self.root / "spool"

    @property
    def counters(self) -> Path:
        return self.root / "counters"

    @property
    def person_key(self) -> Path:
        """What makes pseudonyms of owners; without it those of earlier days cannot be made again."""
        return self.root / "person.key"

    @property
    def restoring(self) -> Path:
        return self.root / "restoring.json"

    @property
    def procedures(self) -> Path:
        return self.root / "procedures"

    @property
    def work(self) -> Path:
        return self.root / "work"

    def make(self) -> None:
        """Create what is missing; the umask never decides over keys and citizens' papers."""
        for folder in (self.root, self.run, self.database.parent, self.spool, self.work):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)


def home_folder(option: Path | None) -> Path:
    """`--home`, else `$SOHOA_HOME`, else `./.sohoa`."""
    return (option or Path(os.environ.get("SOHOA_HOME") or ".sohoa")).expanduser().absolute()


def fingerprint(paths: HomePaths) -> str:
    """A digest of all that configures a home: its file and the `SOHOA_…` variables.

    A running process with another fingerprint was started under other settings. Who acts travels with
    each request, so the actor does not count.
    """
    content = paths.settings.read_bytes() if paths.settings.exists() else b""
    variables = sorted(
        f"{name}={value}"
        for name, value in os.environ.items()
        if name.startswith("SOHOA_") and name not in ("SOHOA_HOME", "SOHOA_ACTOR")
    )
    return hashlib.sha256(content + "\n".join(variables).encode()).hexdigest()
