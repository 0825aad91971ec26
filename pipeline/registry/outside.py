"""Values as other systems send them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.grammar.folding import nfc, one_line


def text_of(values: Mapping[str, Any], name: str, longest: int) -> str:
    """One text of outside values, on one line. Raises ValueError."""
    value = values.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"{name} phải là chữ")
    text = one_line(nfc(value))
    if len(text) > longest or not all(sign.isprintable() for sign in text):
        raise ValueError(f"{name} dài quá {longest} ký tự hoặc có ký tự điều khiển")
    return text
