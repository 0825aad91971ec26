"""Rows of side-cars laid beside the files of a folder: whose is what, and what is left over on either side."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath

from pipeline.companions.entries import Companion, Entry
from pipeline.grammar.folding import nfc


@dataclass(slots=True, kw_only=True)
class Matched:
    """What holds for each file by its name; remarks on single files, and on the rest."""

    entries: dict[str, Entry] = field(default_factory=dict)
    of_files: dict[str, list[str]] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)


def match(files: Sequence[str], companions: Sequence[Companion], *, elsewhere: Iterable[str] = ()) -> Matched:
    """Lay side-cars beside `files`. `elsewhere` are names that were here before, so a row may speak of them.

    A row of a file rules over a word on the whole folder. Two rows that differ on one file leave it without either.
    """
    found = Matched()
    names = _Names(files)
    gone = _Names(elsewhere)
    whole: list[tuple[str, Entry]] = []
    own: dict[str, list[tuple[str, Entry]]] = {}
    tables = set()
    for companion in companions:
        found.remarks += companion.remarks
        alone = belongs_to(companion.name, files)
        nameless = [entry for entry in companion.entries if entry.file is None]
        for entry in companion.entries:
            where = f"{companion.name}, {entry.place}"
            if entry.file is not None:
                tables.add(companion.name)
                name = names.find(entry.file)
                if name is not None:
                    own.setdefault(name, []).append((where, entry))
                elif gone.find(entry.file) is None:
                    found.remarks.append(f"{where}: không có tệp “{entry.file}” ở đây (no such file)")
            elif len(nameless) > 1 and entry.place != "cả tệp":
                found.remarks.append(f"{where}: dòng không ghi tên tệp (the row names no file)")
            elif alone is not None:
                own.setdefault(alone, []).append((where, entry))
            else:
                whole.append((where, entry))
    for name in files:
        told = own.get(name) or whole
        if tables and name not in own:
            found.of_files[name] = [f"{name}: không có dòng nào trong {', '.join(sorted(tables))} (no row)"]
        if not told:
            continue
        if any(_facts(entry) != _facts(told[0][1]) for _, entry in told):
            places = "; ".join(where for where, _ in told)
            found.of_files[name] = [
                f"{name}: các dòng nói khác nhau nên không dùng dòng nào: {places} (rows differ)"
            ]
            continue
        found.entries[name] = told[0][1]
    return found


def belongs_to(companion: str, files: Iterable[str]) -> str | None:
    """The one file that a side-car belongs to by its name, as `a.json` or `a.jpg.json` to `a.jpg`."""
    return _Names(files).find(PurePath(companion).stem)


def _facts(entry: Entry) -> tuple[object, ...]:
    return entry.dossier, entry.procedure, entry.shelf


class _Names:
    """File names as people write them: any case, either slash, with or without what stands behind the point."""

    def __init__(self, names: Iterable[str]) -> None:
        self._exact: dict[str, str] = {}
        self._stems: dict[str, set[str]] = {}
        for name in names:
            key = _key(name)
            self._exact[key] = name
            self._stems.setdefault(PurePath(key).stem, set()).add(name)

    def find(self, written: str) -> str | None:
        key = _key(re.split(r"[\\/]", written)[-1])
        stems = self._stems.get(key, set())
        return self._exact.get(key) or (next(iter(stems)) if len(stems) == 1 else None)


def _key(name: str) -> str:
    return nfc(name).casefold().strip()
