"""The document types as data (`config/document_types.toml`), ready for matching on folded text."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import UsageError
from pipeline.grammar.folding import fold_words

OTHER = "khac"
LETTER = "cong_van"


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentType:
    """One type, its texts folded.

    `headlines` are variants of its printed name; `generic` ones (Quyết định, Tờ trình…) have an abstract below and
    yield to longer names; `continues` are headings that continue the paper before.
    """

    key: str
    name: str
    headlines: tuple[str, ...]
    symbol: str | None
    receipt: bool
    generic: bool
    continues: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TypeCatalogue:
    """All types, by key, longest headlines first when matched."""

    types: tuple[DocumentType, ...]

    @classmethod
    def load(cls, path: Path) -> TypeCatalogue:
        """Read the catalogue. Raises UsageError when the file does not fit."""
        try:
            rows = tomllib.loads(path.read_text("utf-8"))
            return cls(tuple(_type(key, row) for key, row in rows.items()))
        except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError) as error:
            raise UsageError(
                f"{path.name}: the catalogue of document types cannot be read: {error}"
            ) from error

    def get(self, key: str) -> DocumentType:
        return next(item for item in self.types if item.key == key)

    def by_symbol(self, symbol: str) -> DocumentType | None:
        """The type whose abbreviation begins a number's symbol (`QĐ` of `QĐ-UBND`)."""
        head = symbol.split("-")[0]
        return next((item for item in self.types if item.symbol == head), None)


def _type(key: str, row: dict[str, object]) -> DocumentType:
    name = str(row["name"])
    more = row.get("headlines", [])
    continues = row.get("continues", [])
    assert isinstance(more, list) and isinstance(continues, list)
    return DocumentType(
        key=key,
        name=name,
        headlines=tuple(dict.fromkeys(fold_words(str(text)) for text in [name, *more])),
        symbol=str(row["symbol"]) if "symbol" in row else None,
        receipt=bool(row.get("receipt", False)),
        generic=bool(row.get("generic", False)),
        continues=tuple(fold_words(str(text)) for text in continues),
    )
