"""A procedure as the TOML file that the catalogue reads."""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import Enum

from pipeline.procedures.catalogue import Outcome, Procedure, Requirement


def file_name(item: Procedure) -> str:
    """One file a version."""
    return f"{item.code}@{item.effective:%Y-%m-%d}.toml"


def to_toml(item: Procedure) -> str:
    """The file's text; what has its default value is left out."""
    lines = [
        f"code = {_string(item.code)}",
        f"name = {_string(item.name)}",
        f"level = {_string(item.level.value)}",
        f"effective = {item.effective:%Y-%m-%d}",
    ]
    if item.until:
        lines.append(f"until = {item.until:%Y-%m-%d}")
    lines += [
        f"{key} = {_string(value)}"
        for key, value in (("sector", item.sector), ("source", item.source))
        if value
    ]
    for paper in item.papers:
        lines += ["", "[[paper]]", *_paper(paper)]
    for result in item.results:
        lines += ["", "[[result]]", *_head(result)]
    return "\n".join(lines) + "\n"


def _head(item: Requirement | Outcome) -> list[str]:
    types = [f"types = {_strings(item.types)}"] if item.types else []
    return [f"code = {_string(item.code)}", f"name = {_string(item.name)}", *types]


def _paper(item: Requirement) -> list[str]:
    lines = _head(item)
    if item.copy:
        lines.append(f"copy = {_strings([one.value for one in item.copy])}")
    if item.count != 1:
        lines.append(f"count = {item.count}")
    if item.validity_months is not None:
        lines.append(f"validity_months = {item.validity_months}")
    usual: tuple[tuple[str, str | Enum, str], ...] = (
        ("need", item.need, "required"), ("when", item.when, ""), ("keep", item.keep, "digitised")
    )  # fmt: skip
    for key, value, default in usual:
        text = value.value if isinstance(value, Enum) else value
        if text != default:
            lines.append(f"{key} = {_string(str(text))}")
    return lines


def _strings(values: Sequence[str]) -> str:
    return "[" + ", ".join(_string(one) for one in values) + "]"


def _string(text: str) -> str:
    """A basic string: JSON's escapes are TOML's, but for DEL, which JSON leaves as it is."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")
