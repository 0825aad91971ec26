"""Whether a PDF carries a script. A record that may change by itself is no record (ISO 19005-2, 6.6.1)."""

from __future__ import annotations

from collections.abc import Iterator

import pikepdf

MAX_VALUES = 2_000_000


def carries_script(pdf: pikepdf.Pdf) -> bool:
    """Whether any object of the file, used or not, is a JavaScript action. Raises ValueError when too large to tell."""
    seen = 0
    for item in pdf.objects:
        waiting: list[object] = [item]
        while waiting:
            value = waiting.pop()
            seen += 1
            if seen > MAX_VALUES:
                raise ValueError("too many objects to look through")
            if isinstance(value, pikepdf.Dictionary | pikepdf.Stream):
                if value.get("/S") == "/JavaScript" or "/JS" in value:
                    return True
                waiting.extend(_inside(value))
            elif isinstance(value, pikepdf.Array):
                waiting.extend(one for one in value if not _separate(one))
    return False


def _inside(value: pikepdf.Object) -> Iterator[object]:
    for key in value.keys():  # noqa: SIM118 - a pikepdf object is no mapping
        one = value.get(key)
        if not _separate(one):
            yield one


def _separate(value: object) -> bool:
    """Indirect objects come by themselves in the walk over all objects."""
    return isinstance(value, pikepdf.Object) and value.is_indirect
