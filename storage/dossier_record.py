"""What is decided about a dossier as a whole: state, procedure, marks, issued codes. Numbered, chained, never edited.

Each record holds everything that is known after it, so the newest alone restores the rest (docs/decisions/0014).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from pipeline.errors import Tampered
from pipeline.model import Sha256
from pipeline.records import dump, load
from storage.keeping import Disposal, Hold, Retention
from storage.manifest import check_links

CONTRACT = "dossier-1"
LATER = ("retention", "hold", "disposal")
"""Left out of a record while they are not set, so that records from before they were known keep their digest."""


class DossierState(StrEnum):
    """The life of a dossier."""

    OPEN = "open"
    SUPPLEMENT = "supplement"
    WITHDRAWN = "withdrawn"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedCode:
    """A code that was given out, in parts. It stays when its paper leaves the dossier, so nothing else ever gets it.

    `kind`: paper, result or slip. `owner_id` is the identity code of the owner, empty when not known.
    """

    text: str
    kind: str
    seq: int
    document: str = ""
    owner_id: str = ""
    type_code: str = ""
    result_code: str = ""
    issued_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """A person's word on a required paper; `by` is the pseudonymous key of the person."""

    component: str
    kind: str
    document: str | None = None
    reason: str = ""
    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierRecord:
    """One record; `previous` is the digest of the one before. `procedure_from`: person, registry or intake.

    `state_since` is the number of the record by which the dossier came into its state.
    """

    contract: str = CONTRACT
    dossier: str
    number: int = 0
    previous: Sha256 | None = None
    at: datetime | None = None
    agency: str = ""
    actor: str = ""
    act: str = ""
    reason: str = ""
    state: DossierState = DossierState.OPEN
    state_reason: str = ""
    state_since: int = 0
    procedure: str | None = None
    procedure_from: str = ""
    codes: tuple[IssuedCode, ...] = ()
    marks: tuple[Marked, ...] = ()
    retention: Retention | None = None
    hold: Hold | None = None
    disposal: Disposal | None = None

    def same_but_for_head(self, other: DossierRecord) -> bool:
        """Whether nothing but who and when differs."""
        head = {"number": 0, "previous": None, "at": None, "agency": "", "actor": "", "act": "", "reason": ""}
        return replace(self, **head) == replace(other, **head)  # type: ignore[arg-type]

    def code_of(self, document: str, kind: str) -> IssuedCode | None:
        return next((code for code in self.codes if code.document == document and code.kind == kind), None)

    def with_mark(self, mark: Marked) -> DossierRecord:
        """A later mark on the same required paper takes the place of the earlier."""
        others = tuple(one for one in self.marks if one.component != mark.component)
        return replace(self, marks=(*others, mark))


def encode_record(record: DossierRecord) -> bytes:
    """Canonical JSON, like a manifest."""
    value: Any = json.loads(dump(record))
    value = {name: one for name, one in value.items() if one is not None or name not in LATER}
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def decode_record(content: bytes, key: str) -> DossierRecord:
    """Raises Tampered when it is truncated or foreign."""
    try:
        record = load(DossierRecord, content)
    except ValueError as error:
        raise Tampered(f"{key} is no whole record of a dossier", vi=f"Sổ hồ sơ {key} bị hỏng") from error
    if record.contract != CONTRACT:
        raise Tampered(f"{key} is of contract {record.contract}, not {CONTRACT}")
    return record


def check_records(contents: list[tuple[str, bytes]]) -> list[str]:
    """Problems in a dossier's records, given as (key, bytes) in order of number; empty when the chain holds."""
    return check_links(contents, decode_record, before="record")
