"""Whether an algorithm was strong on a day, by `config/algorithm_strength.toml`."""

from __future__ import annotations

import datetime as dt
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import config


@dataclass(frozen=True, slots=True)
class Weak:
    """What is weak, and since when: the day after `until`."""

    name: str
    until: dt.date


def weaknesses(digest: str, kind: str, bits: int) -> tuple[Weak, ...]:
    """All that is, or will be, weak about a signature by that digest and that key, the first to end first."""
    rules, digest = _rules(), digest.lower()
    found = [Weak(digest.upper(), rule["until"]) for rule in rules["hash"] if rule["name"] == digest]
    found += [
        Weak(f"{kind.upper()} {bits} bit", rule["until"])
        for rule in rules["key"]
        if rule["kind"] == kind and bits < rule["below"]
    ]
    return tuple(sorted(found, key=lambda one: one.until))


@cache
def _rules() -> dict[str, Any]:
    return tomllib.loads((Path(config.__path__[0]) / "algorithm_strength.toml").read_text("utf-8"))
