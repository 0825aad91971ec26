"""The ledger to the outside: sent to the bucket, sealed by day, exported, judged."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from config.settings import Settings
from pipeline.errors import UsageError
from pipeline.files import write_whole
from pipeline.home.person_desk import PersonDesk, is_owner
from pipeline.paths import HomePaths
from pipeline.refused_path import check_place
from pipeline.wire import Parts
from storage import ledger_export
from storage.inclusion import Inclusion
from storage.ledger import actor_key
from storage.proof import (
    evidence_named,
    is_inclusion,
    judge_evidence,
    judge_export,
    judge_inclusion,
    judge_roots,
    judge_segments,
    read_inclusion,
    report,
    sealed_objects,
    walk,
)


class LedgerDesk:
    """Verbs of `sohoa ledger`, and what the clock does for the ledger."""

    def __init__(self, parts: Parts, settings: Settings, paths: HomePaths) -> None:
        self._parts, self._settings, self._paths = parts, settings, paths
        self._ledger = parts.records.ledger
        self._agency = settings.agency

    def publish(self) -> None:
        """Send new entries to the bucket."""
        self._parts.segments.publish()

    def seal(self) -> None:
        """Make the signed roots of the days that are over."""
        self._parts.roots.seal()

    def verify(self, arguments: dict[str, Any], actor: str) -> dict[str, Any]:
        """The ledger against its own chain, its segments and its signed days; or an exported file."""
        file = arguments.get("file")
        if file and is_inclusion(Path(str(file))):
            return self._verify_proof(Path(str(file)), arguments, actor)
        if file:
            found = judge_export(Path(str(file)), trusted=self._parts.trusted())
        else:
            found = judge(self._parts)
        self._note("verify_ledger", actor, [], {"ok": found["ok"], "file": bool(file)})
        return found

    def _verify_proof(self, proof: Path, arguments: dict[str, Any], actor: str) -> dict[str, Any]:
        document = Path(str(arguments["document"])) if arguments.get("document") else None
        found = read_inclusion(proof, document, self._parts.trusted())
        self._note("verify_ledger", actor, [], {"ok": found["ok"], "file": True})
        return found

    def prove(self, arguments: dict[str, Any], actor: str) -> dict[str, Any]:
        """Write the proof that one document stands under the signed root of its day; the export is an entry before."""
        output, document = Path(str(arguments["output"])), str(arguments["document"])
        check_place(output)
        inclusion = Inclusion(self._parts.records.database, self._parts.archive, self._parts.trusted)
        found = inclusion.proof(document, arguments.get("version"))
        self._note("export_ledger", actor, [document], {"proof": True})
        written = write_whole(output, json.dumps(found, ensure_ascii=False).encode(), "application/json")
        told = judge_inclusion(found, None, self._parts.trusted())
        return {**told, "path": str(output), "size": written.size}

    def export(self, arguments: dict[str, Any], actor: str) -> dict[str, Any]:
        """Write the whole ledger, or one person's slip, to a file; the export itself is an entry before."""
        output, person = Path(str(arguments["output"])), arguments.get("person")
        check_place(output)
        if person:
            return self._slip(str(person), output, actor)
        self._note("export_ledger", actor, [], {})
        content = ledger_export.lines(
            self._ledger, self._parts.roots.all(), self._parts.evidence.all(), agency=self._agency.code
        )
        written = write_whole(output, content, "application/jsonl")
        return {"path": str(output), "sha256": written.sha256, "size": written.size}

    def _slip(self, person: str, output: Path, actor: str) -> dict[str, Any]:
        """`person` is a key of the ledger, a name of an actor, a dossier code, a document id, or an owner's number.

        Of an owner the slip tells what was done with the owner's papers; the number stands neither in it nor on the
        ledger.
        """
        if is_owner(person):
            desk = PersonDesk(self._parts, self._paths, self._settings)
            owner_id = desk.owner(person)
            key, about = desk.objects(owner_id) if owner_id else (person, frozenset({person}))
            return self._write_slip(key, output, actor, lambda who, what: not about.isdisjoint(what))
        pseudonym = actor_key(self._agency.code, person)
        objects = frozenset({person, *self._parts.records.catalogue.documents(dossier=person)})
        known = self._parts.records.catalogue.dossier(person) is not None or person.startswith("d_")
        key = person if known or len(person) == len(pseudonym) else pseudonym
        return self._write_slip(
            key,
            output,
            actor,
            lambda who, what: who in (person, pseudonym) or not objects.isdisjoint(what),
        )

    def _write_slip(
        self, key: str, output: Path, actor: str, concerns: Callable[[str, frozenset[str]], bool]
    ) -> dict[str, Any]:
        if not ledger_export.speaks_of(self._ledger, concerns):
            self._note("export_slip", actor, [], {"entries": 0})
            raise UsageError(  # the word asked for may be somebody's number with a slip in it
                "nothing is on record for this key; no file was written",
                vi="Sổ cái không có mục nào về mã này; không ghi tệp. Hãy kiểm tra lại mã đã nhập",
            )
        self._note("export_slip", actor, [key], {})
        text, count = ledger_export.slip(
            self._ledger,
            key=key,
            concerns=concerns,
            office=(self._agency.code, self._agency.name),
        )
        written = write_whole(output, text.encode(), "text/plain")
        return {"path": str(output), "sha256": written.sha256, "size": written.size, "entries": count}

    def _note(self, act: str, actor: str, objects: list[str], details: dict[str, Any]) -> None:
        self._ledger.note(act=act, actor=actor, agency=self._agency.code, objects=objects, details=details)


def judge(parts: Parts) -> dict[str, Any]:
    """The ledger against its own chain, and against what the bucket holds of it."""
    sent = parts.segments.published_keys()  # before the chain is read: what is sent later may not be in it
    roots, held = list(parts.roots.all()), list(parts.segments.all())
    evidence, named = dict(parts.evidence.all()), dict[str, str]()
    chain = walk(evidence_named(parts.records.ledger.entries(), named))
    named = {key: sha256 for key, sha256 in named.items() if key in evidence or parts.evidence.lost(key)}
    problems, seals = judge_roots(chain, roots, parts.trusted())
    problems += [f"{key} is missing in the bucket" for key in sorted(sent - {key for key, _ in held})]
    problems += judge_segments(chain, held)
    wrong, standing = judge_evidence(evidence, sealed_objects(roots), parts.trusted(), named)
    problems = chain.problems + problems + wrong
    return report(chain, problems, seals, segments=len(held), manifests=0, evidence=standing)
