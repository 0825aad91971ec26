"""What persons may do to a stored document: correct its fields, give it a dossier, take it out of a wrong one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from pipeline.classify.settled import corrected
from pipeline.errors import UsageError
from pipeline.model import Field, Paper
from pipeline.sidecar import Amended
from pipeline.wire import Parts
from storage import layout, ledger
from storage.amendments import Amendment, Current


class CorrectionDesk:
    """Makes one amendment a call: never another signature on the paper, never an edit of what was."""

    def __init__(self, parts: Parts, *, agency: str) -> None:
        self._amendments = parts.amendments
        self._types = parts.types
        self._agency = agency

    def current(self, document: str, seen: int | None) -> Current:
        """The document as it stands. Raises UsageError when it is not stored, or no longer as `seen`."""
        found = self._amendments.current(document)
        if found is None:
            raise UsageError(f"{document} is not stored", vi=f"{document} chưa được lưu")
        if seen is not None and seen != found.version:
            raise UsageError(
                f"{document} is at version {found.version} by now, not {seen}; look at it again",
                vi=f"{document} nay đã là bản {found.version}, không còn là bản {seen}; hãy xem lại",
            )
        return found

    def correct(
        self,
        document: str,
        *,
        values: Sequence[tuple[str, str]],
        kind: str | None,
        confirmed: bool,
        seen: int | None,
        actors: Sequence[str],
    ) -> dict[str, Any]:
        """Fields and type by a person's word. The same values again change nothing."""
        found = self.current(document, seen)
        paper = self._corrected(found.sidecar.paper, values, kind, confirmed)
        names = _changed(found.sidecar.paper, paper)
        if not names:
            return {"document": document, "version": found.version, "changed": []}
        version = self._amend(found, paper, "correct", actors, fields=names)
        return {"document": document, "version": version, "changed": list(names)}

    def link(self, document: str, dossier: str, *, seen: int | None, actors: Sequence[str]) -> dict[str, Any]:
        """A stored paper that has no dossier yet goes into one. Raises UsageError when it has another."""
        found = self.current(document, seen)
        there = found.sidecar.paper.dossier
        if there == dossier:
            return {"document": document, "version": found.version, "changed": []}
        if there is not None:
            raise UsageError(
                f"{document} is in dossier {there}; a misfiled paper leaves it first, by two persons: "
                f"sohoa review {document} --misfiled REASON",
                vi=f"{document} đang ở hồ sơ {there}; nếu để nhầm, cần hai người đưa ra trước: "
                f"sohoa review {document} --misfiled LÝ-DO",
            )
        version = self._amend(
            found, _placed(found.sidecar.paper, dossier), "link", actors, fields=("dossier",)
        )
        return {"document": document, "version": version, "changed": ["dossier"]}

    def remove(
        self, document: str, reason: str, *, seen: int | None, actors: Sequence[str]
    ) -> dict[str, Any]:
        """A misfiled paper leaves its dossier and stands alone until it is given another."""
        found = self.current(document, seen)
        self.may_remove(found)
        version = self._amend(
            found, _placed(found.sidecar.paper, None), "remove", actors, fields=("dossier",), reason=reason
        )
        return {"document": document, "version": version, "changed": ["dossier"]}

    @staticmethod
    def may_remove(found: Current) -> None:
        """Raises UsageError for a paper that is in no dossier."""
        if found.sidecar.paper.dossier is None:
            document = found.sidecar.document
            raise UsageError(f"{document} is in no dossier", vi=f"{document} chưa thuộc hồ sơ nào")

    def _corrected(
        self, paper: Paper, values: Sequence[tuple[str, str]], kind: str | None, confirmed: bool
    ) -> Paper:
        changed = corrected(paper, values, confirmed=confirmed)
        gone = {name for name, value in values if not value}
        fields = {field.name: field for field in paper.fields if field.name not in gone} | changed
        if kind is not None:
            wanted = self._types[kind]
            fields["type"] = Field(
                name="type", value=kind, confidence=1.0, doubtful=False, evidence="operator"
            )
            paper = replace(paper, type=wanted.key, type_name=wanted.name)
        return replace(paper, fields=tuple(fields.values()))

    def _amend(
        self,
        found: Current,
        paper: Paper,
        act: str,
        actors: Sequence[str],
        *,
        fields: tuple[str, ...],
        reason: str | None = None,
    ) -> int:
        side = found.sidecar
        keys = tuple(ledger.actor_key(self._agency, name) for name in actors)
        step = Amended(act=act, actors=keys, at=datetime.now(UTC), fields=fields, reason=reason)
        return self._amendments.amend(
            Amendment(
                document=side.document,
                base=found.version,
                source=found.place,
                target=paper.dossier or layout.loose(side.document),
                sidecar=replace(side, paper=paper, amended=(*side.amended, step)),
                actors=tuple(actors),
            )
        )


def _placed(paper: Paper, dossier: str | None) -> Paper:
    fields = tuple(field for field in paper.fields if field.name != "dossier")
    if dossier is not None:
        word = Field(name="dossier", value=dossier, confidence=1.0, doubtful=False, evidence="operator")
        fields = (*fields, word)
    return replace(paper, dossier=dossier, fields=fields)


def _changed(before: Paper, after: Paper) -> tuple[str, ...]:
    """Names of fields with another value, or certain now."""
    old = {field.name: (field.value, field.doubtful) for field in before.fields}
    new = {field.name: (field.value, field.doubtful) for field in after.fields}
    names = {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}
    return tuple(sorted(names))
