"""The catalogue of document types, loaded from `config/document_types.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from pipeline.errors import UsageError
from pipeline.grammar.folding import compact, fold_words, nfc

LETTER = "cong_van"


class Digitise(StrEnum):
    """Whether papers of a type are kept: always, only when wanted, or shown and given back."""

    YES = "yes"
    ASK = "ask"
    SHOWN = "shown"


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentType:
    """One kind of paper; the fields are explained at the top of the catalogue's file. Marks are folded and compact."""

    key: str
    name: str
    headlines: tuple[str, ...]
    exact: bool = False
    forms: tuple[str, ...] = ()
    continues: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    heading: bool = True
    receipt: bool = False
    abstract: bool = False
    role: str = "input"
    digitise: Digitise = Digitise.YES
    owner: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeCatalogue:
    """All types by key; `fallback` is what an unknown paper is."""

    version: int
    types: Mapping[str, DocumentType]
    fallback: DocumentType

    @classmethod
    def load(cls, path: Path) -> TypeCatalogue:
        """Read the catalogue; raises UsageError that names the entry at fault."""
        try:
            raw = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise UsageError(
                f"the catalogue of document types cannot be read: {path}: {error}",
                vi=f"Không đọc được danh mục loại giấy tờ {path}",
            ) from error
        types: dict[str, DocumentType] = {}
        for number, row in enumerate(raw.get("type", []), 1):
            item = _type(row, number, path)
            if item.key in types:
                raise _broken(path, f"type {item.key} stands there twice")
            types[item.key] = item
        fallback = types.get(str(raw.get("fallback", "khac")))
        if fallback is None:
            raise _broken(path, "its fallback type is missing")
        return cls(version=int(raw.get("version", 1)), types=types, fallback=fallback)

    def __getitem__(self, key: str) -> DocumentType:
        return self.types[key]

    def get(self, key: str | None) -> DocumentType | None:
        """The type of that key, or None."""
        return self.types.get(key) if key else None

    @property
    def all(self) -> Sequence[DocumentType]:
        """Every type in the order of the file."""
        return tuple(self.types.values())


def _type(row: Mapping[str, Any], number: int, path: Path) -> DocumentType:
    try:
        key, name = str(row["key"]), nfc(str(row["name"]))
        headlines = tuple(compact(text) for text in row.get("headlines", [name]))
        unknown = set(row) - set(DocumentType.__dataclass_fields__)
        if unknown or not key.isidentifier() or not all(headlines):
            raise ValueError(f"unknown or empty entries {sorted(unknown)}")
        return DocumentType(
            key=key,
            name=name,
            headlines=tuple(sorted(headlines, key=len, reverse=True)),
            exact=bool(row.get("exact", False)),
            forms=tuple(compact(text) for text in row.get("forms", [])),
            continues=tuple(compact(text) for text in row.get("continues", [])),
            hints=tuple(compact(text) for text in row.get("hints", [])),
            heading=bool(row.get("heading", True)),
            receipt=bool(row.get("receipt", False)),
            abstract=bool(row.get("abstract", False)),
            role=str(row.get("role", "input")),
            digitise=Digitise(str(row.get("digitise", "yes"))),
            owner=tuple(fold_words(text) for text in row.get("owner", [])),
        )
    except (KeyError, ValueError, TypeError) as error:
        raise _broken(path, f"type no. {number} ({row.get('key', '?')}): {error}") from error


def _broken(path: Path, what: str) -> UsageError:
    return UsageError(f"the catalogue {path} is broken: {what}", vi=f"Danh mục {path} bị lỗi: {what}")
