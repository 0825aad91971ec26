"""The one-stop system's lists of dossiers and of scan requests: a seam of four verbs, whatever stands behind."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from pipeline.grammar.codes import parse_dossier_code, parse_procedure_code
from pipeline.registry.outside import text_of
from pipeline.registry.scan_request import ScanRequest

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


@dataclass(frozen=True, slots=True)
class RequestSlice:
    """Some scan requests, and the rest as in `Slice`."""

    requests: tuple[ScanRequest, ...]
    place: str
    more: bool
    problems: tuple[str, ...] = ()


class Registry(Protocol):
    """A one-stop system that can be asked. All verbs raise Unavailable."""

    name: str

    def slices(self, place: str) -> Iterator[Slice]:
        """All dossiers that are new or changed since `place` (empty: from the beginning)."""
        ...

    def lookup(self, code: str) -> RegisteredDossier | None:
        """One dossier, None when the system does not know it."""
        ...

    def requests(self, place: str) -> Iterator[RequestSlice]:
        """All scan requests that are new or changed since `place`; none of a system that makes no requests."""
        ...

    def request(self, name: str) -> ScanRequest | None:
        """One scan request, None when the system does not know it."""
        ...


def registered(values: Mapping[str, Any]) -> RegisteredDossier:
    """A dossier from outside values. Raises ValueError that says in Vietnamese what is wrong."""
    stated = text_of(values, "code", 80)
    code = parse_dossier_code(stated)
    if code is None:
        raise ValueError(f"{stated!r} không phải mã hồ sơ")
    procedure = text_of(values, "procedure", 40)
    known = parse_procedure_code(procedure) if procedure else None
    if procedure and known is None:
        raise ValueError(f"{code.text}: {procedure!r} không phải mã thủ tục")
    owner = text_of(values, "owner_id", 40).replace(" ", "")
    if owner and not _OWNER.fullmatch(owner):
        raise ValueError(f"{code.text}: số định danh {owner!r} không phải 12 số, 10 số hay 13 số")
    return RegisteredDossier(
        code=code.text,
        procedure=known,
        applicant=text_of(values, "applicant", 200),
        owner_id=owner,
        address=text_of(values, "address", 400),
        phone=text_of(values, "phone", 40),
        email=text_of(values, "email", 120),
    )
