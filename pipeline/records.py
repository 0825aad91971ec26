"""Records to JSON and back, validated on the way in."""

from __future__ import annotations

from collections.abc import Hashable
from functools import cache
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter

T = TypeVar("T")


@cache
def _adapter(kind: Hashable) -> TypeAdapter[Any]:
    return TypeAdapter(cast(Any, kind))


def dump(record: Any) -> bytes:
    """JSON of a record (UTF-8, keys in field order)."""
    text: bytes = _adapter(cast(Hashable, type(record))).dump_json(record)
    return text


def load(kind: type[T], content: bytes) -> T:
    """A record of `kind` from its JSON; raises pydantic.ValidationError when it does not fit."""
    record: T = _adapter(cast(Hashable, kind)).validate_json(content)
    return record
