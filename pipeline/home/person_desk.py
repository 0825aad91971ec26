"""`sohoa person`: the papers and results of one person or organisation, for a stated purpose only."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any

from config.settings import Settings
from pipeline.classify.types import TypeCatalogue
from pipeline.errors import UsageError
from pipeline.grammar.entries import CODES, ENDLESS
from pipeline.paths import HomePaths
from pipeline.wire import Parts
from storage.dossier_record import DossierState
from storage.owner_papers import OwnedPaper, OwnerKeys, OwnerPapers
from storage.proof import VIETNAM

LEAST_WORDS, MOST_SIGNS = 2, 300
_KEY = re.compile(r"n_[0-9a-f]{20}")
_FIGURES = re.compile(r"\d[\d .-]{7,}\d")


class PersonDesk:
    """Who asks says what for; that goes on the ledger before anything is answered."""

    def __init__(self, parts: Parts, paths: HomePaths, settings: Settings) -> None:
        self._parts = parts
        self._agency = settings.agency.code
        self._keys = OwnerKeys(paths.person_key)
        self._papers = OwnerPapers(parts.records.database, parts.records.search)

    def view(self, arguments: dict[str, Any], actor: str) -> dict[str, Any]:
        """All papers of the owner. Raises UsageError without a purpose, and for what is no number of an owner."""
        purpose = _purpose(str(arguments.get("purpose") or ""))
        owner_id = self.owner(str(arguments.get("person") or ""))
        if owner_id is None:
            raise UsageError(
                "nobody has this key here", vi="Không có tổ chức, cá nhân nào mang khóa này trong kho"
            )
        key, papers = self._keys.key(owner_id), self._papers.of(owner_id)
        dossiers = sorted({one.dossier for one in papers if one.dossier})
        self._parts.records.ledger.note(
            act="view_person",
            actor=actor,
            agency=self._agency,
            objects=[key, *(one.document for one in papers), *dossiers],
            details={"purpose": purpose},
        )
        today = datetime.now(VIETNAM).date()
        return {
            "person": key,
            "names": sorted({name for one in papers if (name := one.value("owner")) and not one.by_dossier}),
            "dossiers": dossiers,
            "papers": [_shown(one, self._parts.types, today) for one in papers],
        }

    def owner(self, text: str) -> str | None:
        """The number that was given, or the one behind a key; None for a key of nobody."""
        given = re.sub(r"[\s.]", "", text)
        if _KEY.fullmatch(given):
            return self._papers.owner_of(given, self._keys)
        if not CODES["owner_id"].fullmatch(given):
            # What was typed may be somebody's number with a slip in it, so it is not repeated.
            raise UsageError(
                "this is no identity number (9 or 12 figures), tax code (10, 10-3) or key n_…",
                vi="Không phải số định danh (9, 12 số), mã số thuế (10, 10-3 số) hay khóa n_…",
            )
        return given

    def objects(self, owner_id: str) -> tuple[str, frozenset[str]]:
        """The key of an owner, and what entries of the ledger are about the owner."""
        key = self._keys.key(owner_id)
        return key, frozenset({key, *(one.document for one in self._papers.of(owner_id))})


def is_owner(text: str) -> bool:
    """Whether a word is the number or the key of an owner."""
    return bool(_KEY.fullmatch(text) or CODES["owner_id"].fullmatch(text))


def validity(one: OwnedPaper, today: date) -> tuple[str, str]:
    """Whether a paper still holds (valid, expired, not_yet, withdrawn, unknown), and why that is said."""
    if one.record is not None and one.record.state is DossierState.WITHDRAWN:
        return "withdrawn", "hồ sơ đã rút"
    begins, ends = one.value("valid_from"), one.value("valid_to")
    if begins and date.fromisoformat(begins) > today:
        return "not_yet", f"có giá trị từ {date.fromisoformat(begins):%d/%m/%Y}"
    if ends == ENDLESS:
        return "valid", ENDLESS
    if ends:
        day = date.fromisoformat(ends)
        return ("expired" if day < today else "valid"), f"đến {day:%d/%m/%Y}"
    return "unknown", "chưa ghi thời hạn"


def _shown(one: OwnedPaper, types: TypeCatalogue, today: date) -> dict[str, Any]:
    kind = types.get(one.paper.type)
    state, why = validity(one, today)
    code = one.record.code_of(one.document, "paper") if one.record else None
    result = one.record.code_of(one.document, "result") if one.record else None
    doubtful = [field.name for field in one.paper.fields if field.doubtful]
    return {
        "document": one.document,
        "dossier": one.dossier,
        "kind": "result" if result or (kind is not None and kind.role == "result") else "paper",
        "type": one.paper.type,
        "type_name": one.paper.type_name,
        **{name: one.value(name) for name in ("title", "number", "date", "issuer", "scope")},
        "validity": state,
        "validity_reason": why,
        "reused": one.reused,
        "code": (result or code).text if (result or code) else None,  # type: ignore[union-attr]
        "origin": one.origin,
        "state": one.state,
        "signature_level": one.signature_level,
        "by_dossier": one.by_dossier,
        "sure": one.sure,
        "doubtful": doubtful,
    }


def _purpose(text: str) -> str:
    purpose = " ".join(text.split())[:MOST_SIGNS]
    if len([word for word in purpose.split() if any(sign.isalpha() for sign in word)]) < LEAST_WORDS:
        raise UsageError(
            "say what for, in some words: --purpose 'xét hỗ trợ hộ nghèo'",
            vi="Cần nêu mục đích bằng vài chữ: --purpose 'xét hỗ trợ hộ nghèo'",
        )
    if _FIGURES.search(purpose):
        raise UsageError(
            "the purpose goes on the ledger: leave numbers of persons out of it",
            vi="Mục đích được ghi vào sổ cái: đừng ghi số định danh, số điện thoại vào đó",
        )
    return purpose
