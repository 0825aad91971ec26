"""What an audit has found so far, in one SQLite file: it goes on where it was stopped, and memory stays flat."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import Unavailable, UsageError
from signing.delivery.delivery_list import ListedFile

FORMAT = 1
_TABLES = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT);
CREATE TABLE IF NOT EXISTS listed (name TEXT PRIMARY KEY, row INTEGER, sha256 TEXT, pages INTEGER, dossier TEXT,
  copies INTEGER DEFAULT 1, found TEXT);
CREATE TABLE IF NOT EXISTS file (name TEXT PRIMARY KEY, base TEXT, path BLOB, size INTEGER, changed INTEGER,
  walk INTEGER, listed TEXT, wanted INTEGER DEFAULT 1, mark TEXT, sha256 TEXT, verdict TEXT, sub TEXT, form TEXT,
  report TEXT);
CREATE TABLE IF NOT EXISTS gone (name TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS kept (sha256 TEXT PRIMARY KEY, window INTEGER, at TEXT, reading BLOB);
CREATE TABLE IF NOT EXISTS window (id INTEGER PRIMARY KEY, bytes BLOB);
CREATE INDEX IF NOT EXISTS by_base ON file (base);
CREATE INDEX IF NOT EXISTS by_digest ON file (sha256);
CREATE INDEX IF NOT EXISTS by_verdict ON file (verdict, sub);
"""
ORDER = ("TOTAL_FAILED", "INDETERMINATE", "NOT_SIGNED", "TOTAL_PASSED")
"""Failures first."""
_RANK = "CASE verdict " + " ".join(f"WHEN '{v}' THEN {n}" for n, v in enumerate(ORDER)) + " END"


_LATER = (("status", "INTEGER"), ("again", "INTEGER DEFAULT 0"), ("against", "TEXT"))
"""Columns of `file` that earlier versions of the progress file lack; without the last one, verdicts are made again."""
_SAID = """(SELECT coalesce(l.sha256, '') || '/' || coalesce(l.pages, '') FROM listed l WHERE l.name = file.listed)"""
"""What the list says of a file, NULL where it says nothing: a verdict holds only against the list it was made with."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A file to be judged, with what the list says of it, and its reading when it was read before.

    `again`: it may have been changed since (its status was), so that it is to be read.
    """

    name: str
    path: bytes
    sha256: str | None
    pages: int | None
    read: str | None = None
    kept: bytes | None = None
    window: bytes = b""
    again: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Files with one verdict for one reason; `names` are the first of them."""

    verdict: str
    sub: str | None
    count: int
    names: tuple[str, ...]


class AuditStore:
    """One audit. Not shared between threads; rows are committed in batches."""

    def __init__(self, path: Path | None = None) -> None:
        try:
            self._base = sqlite3.connect(str(path) if path else "")  # "": SQLite's own temporary file
            self._base.execute("PRAGMA journal_mode=WAL")
            self._base.execute("PRAGMA synchronous=NORMAL")
            self._base.executescript(_TABLES)
            there = {row[1] for row in self._base.execute("PRAGMA table_info(file)")}
            for column, kind in _LATER:
                if column not in there:
                    self._base.execute(f"ALTER TABLE file ADD COLUMN {column} {kind}")
            if "against" not in there:
                self._base.execute("UPDATE file SET mark = NULL")
            self._base.commit()
            if int(self.get("format") or FORMAT) != FORMAT:
                raise UsageError(
                    f"{path} is of another version; use --fresh",
                    vi=f"{path} thuộc phiên bản khác; thêm --fresh",
                )
            self.set("format", str(FORMAT))
        except sqlite3.Error as error:
            raise Unavailable(
                f"the progress file {path} cannot be used: {error}; use --fresh or --progress",
                vi=f"Không dùng được tệp tiến độ {path}: {error}; thêm --fresh hoặc --progress",
            ) from error

    def close(self) -> None:
        self._base.commit()
        self._base.close()

    def commit(self) -> None:
        self._base.commit()

    def set(self, key: str, value: str) -> None:
        self._base.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def unset(self, *keys: str) -> None:
        """What an earlier run was asked for and this one is not."""
        self._base.executemany("DELETE FROM meta WHERE key = ?", ((key,) for key in keys))

    def get(self, key: str) -> str | None:
        row = self._base.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return str(row[0]) if row else None

    def take_list(self, entries: Iterable[ListedFile]) -> None:
        """The delivery list, in place of any earlier one."""
        self._base.execute("DELETE FROM listed")
        self._base.executemany(
            "INSERT INTO listed (name, row, sha256, pages, dossier) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (name) DO UPDATE SET copies = copies + 1",
            ((one.name, one.row, one.sha256, one.pages, one.dossier) for one in entries),
        )

    def take_files(self, files: Iterable[tuple[str, str, bytes, int, int, int]], walk: int) -> None:
        """Files of this walk: name, base, path, size, time of change, time of the last change of status.

        What changed since loses its verdict and its reading; where only the status did, it is to be read again.
        """
        same = "size = excluded.size AND changed = excluded.changed"
        still = f"{same} AND status IS excluded.status"
        self._base.executemany(
            "INSERT INTO file (name, base, path, size, changed, status, walk) VALUES (?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (name) DO UPDATE SET walk = excluded.walk, path = excluded.path,"
            f" mark = CASE WHEN {still} THEN mark END, sha256 = CASE WHEN {same} THEN sha256 END,"
            f" again = CASE WHEN {still} THEN again ELSE 1 END,"
            " size = excluded.size, changed = excluded.changed, status = excluded.status",
            ((*one, walk) for one in files),
        )
        self._base.execute("DELETE FROM file WHERE walk <> ?", (walk,))
        self._base.execute(
            "DELETE FROM kept WHERE sha256 NOT IN (SELECT sha256 FROM file WHERE sha256 NOT NULL)"
        )
        self._base.commit()

    def match(self) -> None:
        """Bind rows of the list to files: by path, else by a base name that stands once in list and folder.

        A file of which the list says something else than when it was judged loses its verdict.
        """
        run = self._base.execute
        run("UPDATE file SET listed = NULL")
        run("UPDATE listed SET found = (SELECT name FROM file WHERE file.name = listed.name)")
        run(
            "UPDATE listed SET found = (SELECT MIN(name) FROM file WHERE file.base = listed.name) WHERE found IS NULL"
            " AND instr(name, '/') = 0 AND (SELECT COUNT(*) FROM file WHERE file.base = listed.name) = 1"
        )
        run("UPDATE file SET listed = (SELECT MIN(l.name) FROM listed l WHERE l.found = file.name)")
        run(f"UPDATE file SET mark = NULL WHERE against IS NOT {_SAID}")
        self._base.commit()

    def index(self) -> None:
        """Make the way from a file to its row quick."""
        self._base.execute("CREATE INDEX IF NOT EXISTS by_found ON listed (found)")

    def choose(self, positions: list[int] | None) -> None:
        """Limit the audit to these positions among all files, in the order of their names; None: all."""
        if positions is None:
            self._base.execute("UPDATE file SET wanted = 1")
            return
        self._base.execute("UPDATE file SET wanted = 0")
        chosen = set(positions)
        names = self._base.execute("SELECT name FROM file ORDER BY name")
        wanted = [(name,) for at, (name,) in enumerate(names) if at in chosen]
        self._base.executemany("UPDATE file SET wanted = 1 WHERE name = ?", wanted)

    def pending(self, mark: str, *, kept: bool = False) -> list[str]:
        """Names of the files that have no verdict under these conditions yet; with `kept`, of those with a reading."""
        having = " AND sha256 IN (SELECT sha256 FROM kept)" if kept else ""
        rows = self._base.execute(
            f"SELECT name FROM file WHERE wanted AND mark IS NOT ?{having} ORDER BY name", (mark,)
        )
        return [name for (name,) in rows]

    def one(self, name: str) -> Pending:
        row = self._base.execute(
            "SELECT f.name, f.path, l.sha256, l.pages, f.sha256, k.reading, w.bytes, f.again FROM file f"
            " LEFT JOIN listed l ON l.name = f.listed LEFT JOIN kept k ON k.sha256 = f.sha256"
            " LEFT JOIN window w ON w.id = k.window WHERE f.name = ?",
            (name,),
        ).fetchone()
        name, path, sha256, pages, read, kept, window, again = row
        return Pending(name, path, sha256, pages, read, kept, window or b"", bool(again))

    def put(
        self, report: dict[str, Any], *, mark: str, form: Iterable[str] = (), again: bool = False
    ) -> None:
        """Keep a result; a file that no walk has seen (a stored document) is added. `again`: read it next time."""
        self._base.execute(
            "INSERT INTO file (name, base, mark, sha256, verdict, sub, form, report, again)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (name) DO UPDATE SET mark = excluded.mark, sha256 = excluded.sha256,"
            " verdict = excluded.verdict, sub = excluded.sub, form = excluded.form, report = excluded.report,"
            f" again = excluded.again, against = {_SAID}",
            (
                report["target"], report["target"].rpartition("/")[2], mark, report.get("sha256"), report["verdict"],
                report["sub_indication"], " ".join(form), json.dumps(report, ensure_ascii=False), again,
            ),
        )  # fmt: skip

    def newest_window(self) -> tuple[int, bytes]:
        """The number of the window that new readings are compressed by, and its bytes; 0 while there is none."""
        row = self._base.execute("SELECT id, bytes FROM window ORDER BY id DESC LIMIT 1").fetchone()
        return (int(row[0]), bytes(row[1])) if row else (0, b"")

    def keep(self, sha256: str, reading: bytes, *, number: int, window: bytes, at: str) -> None:
        """Keep a reading (compressed by that window) and, as the first, the window for those that come."""
        self._base.execute(
            "INSERT OR REPLACE INTO kept VALUES (?, ?, ?, ?)", (sha256, number or None, at, reading)
        )
        if window and not self.newest_window()[0]:
            self._base.execute("INSERT INTO window (bytes) VALUES (?)", (window,))

    def read_between(self) -> tuple[str, str] | None:
        """When the files were read, first and last (ISO); None when nothing is kept."""
        first, last = self._base.execute(
            "SELECT MIN(k.at), MAX(k.at) FROM kept k JOIN file f ON f.sha256 = k.sha256 WHERE f.wanted"
        ).fetchone()
        return (str(first), str(last)) if first else None

    def gone(self, names: Iterable[str]) -> None:
        """Stored papers that the store no longer has; they are missing as listed files are."""
        for name in names:
            self._base.execute("INSERT OR IGNORE INTO gone VALUES (?)", (name,))

    def population(self) -> int:
        return int(self._base.execute("SELECT COUNT(*) FROM file").fetchone()[0])

    def counts(self) -> dict[str, int]:
        """Files by verdict, failures first; those left out by a sample do not count."""
        rows = self._base.execute(
            f"SELECT verdict, COUNT(*) FROM file WHERE wanted AND verdict IS NOT NULL GROUP BY verdict ORDER BY {_RANK}"
        )
        return {str(verdict): int(count) for verdict, count in rows}

    def groups(self, *, names: int = 10) -> Iterator[Group]:
        """Files by verdict and reason, failures first, the largest group first."""
        rows = self._base.execute(
            "SELECT verdict, sub, COUNT(*) FROM file WHERE wanted AND verdict IS NOT NULL GROUP BY verdict, sub"
            f" ORDER BY {_RANK}, COUNT(*) DESC"
        ).fetchall()
        for verdict, sub, count in rows:
            found = self._base.execute(
                "SELECT name FROM file WHERE wanted AND verdict = ? AND sub IS ? ORDER BY name LIMIT ?",
                (verdict, sub, names),
            )
            yield Group(verdict, sub, count, tuple(name for (name,) in found))

    def forms(self, *, names: int = 10) -> dict[str, tuple[int, tuple[str, ...]]]:
        """What is wrong with the form of how many files, and the first of them."""
        found: dict[str, tuple[int, tuple[str, ...]]] = {}
        for name, form in self._base.execute(
            "SELECT name, form FROM file WHERE wanted AND form <> '' ORDER BY name"
        ):
            for code in form.split():
                count, first = found.get(code, (0, ()))
                found[code] = (count + 1, (*first, name) if count < names else first)
        return found

    def results(self) -> Iterator[dict[str, Any]]:
        """Every result, failures first, then by name."""
        rows = self._base.execute(
            f"SELECT report FROM file WHERE wanted AND report IS NOT NULL ORDER BY {_RANK}, sub, name"
        )
        for (report,) in rows:
            yield json.loads(report)

    def missing(self) -> list[str]:
        """Listed or on record, and not there."""
        gone = [name for (name,) in self._base.execute("SELECT name FROM gone ORDER BY name")]
        if self.get("list") is None:
            return gone
        return gone + [
            name for (name,) in self._base.execute("SELECT name FROM listed WHERE found IS NULL ORDER BY row")
        ]

    def extra(self) -> list[str]:
        """There, and not listed."""
        if self.get("list") is None:
            return []
        return [
            name for (name,) in self._base.execute("SELECT name FROM file WHERE listed IS NULL ORDER BY name")
        ]

    def duplicates(self) -> list[dict[str, Any]]:
        """Names listed more than once, and files with the same bytes."""
        found: list[dict[str, Any]] = [
            {"listed": name, "times": copies}
            for name, copies in self._base.execute(
                "SELECT name, copies FROM listed WHERE copies > 1 ORDER BY row"
            )
        ]
        for (digest,) in self._base.execute(
            "SELECT sha256 FROM file WHERE wanted AND sha256 IS NOT NULL GROUP BY sha256 HAVING COUNT(*) > 1"
            " ORDER BY MIN(name)"
        ).fetchall():
            names = self._base.execute("SELECT name FROM file WHERE sha256 = ? ORDER BY name", (digest,))
            found.append({"sha256": digest, "files": [name for (name,) in names]})
        return found
