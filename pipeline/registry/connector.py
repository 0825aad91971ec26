"""The one-stop system's list of dossiers, as we ask it: a seam of two verbs, whatever stands behind."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from pipeline.grammar.codes import parse_dossier_code, parse_procedure_code
from pipeline.grammar.folding import nfc, one_line

_OWNER = re.compile(r"\d{12}|\d{10}(?:-?\d{3})?")
"""A personal identity number, or a tax code of 10 digits, with 3 more for a branch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredDossier:
    """One dossier as the one-stop system tells it."""

    code: str
    procedure: str | None = None
    applicant: str = ""
    owner_id: str = ""
    address: str = ""
    phone: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class Slice:
    """Some dossiers, the place to go on from, and what could not be used of them (in Vietnamese)."""

    dossiers: tuple[RegisteredDossier, ...]
    place: str
    more: bool
    problems: tuple[str, ...] = ()


class Registry(Protocol):
    """A one-stop system that can be asked. Both verbs raise Unavailable."""

    name: str

    def slices(self, place: str) -> Iterator[Slice]:
        """All dossiers that are new or changed since `place` (empty: from the beginning)."""
        ...

    def lookup(self, code: str) -> RegisteredDossier | None:
        """One dossier, None when the system does not know it."""
        ...


def registered(values: Mapping[str, Any]) -> RegisteredDossier:
    """A dossier from outside values. Raises ValueError that says in Vietnamese what is wrong."""
    stated = _text(values, "code", 80)
    code = parse_dossier_code(stated)
    if code is None:
        raise ValueError(f"{stated!r} không phải mã hồ sơ")
    procedure = _text(values, "procedure", 40)
    known = parse_procedure_code(procedure) if procedure else None
    if procedure and known is None:
        raise ValueError(f"{code.text}: {procedure!r} không phải mã thủ tục")
    owner = _text(values, "owner_id", 40).replace(" ", "")
    if owner and not _OWNER.fullmatch(owner):
        raise ValueError(f"{code.text}: số định danh {owner!r} không phải 12 số, 10 số hay 13 số")
    return RegisteredDossier(
        code=code.text,
        procedure=known,
        applicant=_text(values, "applicant", 200),
        owner_id=owner,
        address=_text(values, "address", 400),
        phone=_text(values, "phone", 40),
        email=_text(values, "email", 120),
    )


def _text(values: Mapping[str, Any], name: str, longest: int) -> str:
    value = values.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"{name} phải là chữ")
    text = one_line(nfc(value))
    if len(text) > longest or not all(sign.isprintable() for sign in text):
        raise ValueError(f"{name} dài quá {longest} ký tự hoặc có ký tự điều khiển")
    return text
