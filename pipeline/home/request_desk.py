"""The desk of scan requests: taken from files and from the one-stop system, listed, handed to who scans."""

from __future__ import annotations

import logging
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from config.settings import Settings
from pipeline.errors import Unavailable, UsageError
from pipeline.files import hash_file
from pipeline.grammar.codes import checked_dossier_code
from pipeline.home.case_sweep import CaseSweep
from pipeline.paths import HomePaths
from pipeline.registry.file_registry import read_requests
from pipeline.table_file import read_mapping
from pipeline.wire import Parts
from storage.proof import VIETNAM
from storage.scan_requests import WAITING, Taken

logger = logging.getLogger("sohoa.requests")
REQUESTS = "{0}#requests"
"""Under which name it is kept how far the requests of a registry were read."""
UNUSABLE = "không dùng được: "


class RequestDesk:
    """Answers `sohoa requests`; import and pull are asked for by the registry's desk."""

    def __init__(self, parts: Parts, paths: HomePaths, settings: Settings) -> None:
        self._parts = parts
        self._casework = parts.casework
        self._book = parts.casework.requests
        self._agency = settings.agency.code
        self._sweep = CaseSweep(parts, paths, settings)

    def answer(self, arguments: dict[str, Any], actor: str) -> dict[str, Any]:
        """Requests that are open, or of one dossier, or all; with `id` one of them; with `use` to be scanned for."""
        if arguments.get("use"):
            row = self._book.usable(str(arguments["use"]), actor=actor, dossier=arguments.get("dossier"))
            known = self._casework.registered.get(row["dossier"]) or {}
            return {"requests": [shown(row)], "procedure": known.get("procedure")}
        if arguments.get("id"):
            name = str(arguments["id"]).strip()
            found = self._book.kept.get(name)
            if found is None:
                raise UsageError(
                    f"no scan request {name[:80]}; `sohoa requests --all` lists them",
                    vi=f"Không có yêu cầu quét {name[:80]}; xem danh sách bằng `sohoa requests --all`",
                )
            self._look_after(found["dossier"])
            self._note("view", actor, [name, found["dossier"]], {})
            one = shown(self._book.kept.get(name) or found)
            return {"requests": [{**one, "under_way": self._book.kept.under_way(name)}]}
        code = None
        if arguments.get("dossier"):
            code = checked_dossier_code(str(arguments["dossier"]))
        rows = self._book.kept.listed(code=code, everything=bool(arguments.get("all")))
        return {"requests": [shown(row) for row in rows]}

    def take_file(self, arguments: dict[str, Any], actor: str) -> dict[str, Any]:
        """Take the requests of a file; rows at fault are answered with their number. `dry` changes nothing."""
        path = Path(str(arguments["file"]))
        if not path.is_file():
            raise UsageError(f"{path} is no file", vi=f"Không tìm thấy tệp {path}")
        mapping = read_mapping(Path(str(arguments["map"])) if arguments.get("map") else None)
        found = read_requests(path, mapping)
        dry = bool(arguments.get("dry"))
        if not dry:
            details = {"sha256": hash_file(path), "requests": len(found.items), "errors": len(found.errors)}
            self._note("import_requests", actor, [], details)
        taken = self._book.take(found.items, "file", actor=actor, dry=dry)
        errors = [error.to_json() for error in found.errors]
        usable = len(found.items)
        return {
            "imported": 0 if dry else usable,
            "usable": usable,
            "taken": asdict(taken),
            "errors": errors,
            "accepted": [],
        }

    def pull(self, actor: str) -> dict[str, Any]:
        """What is new at the one-stop system. Raises Unavailable, and keeps what came until then."""
        registry = self._casework.registry
        if registry is None:
            return asdict(Taken())
        registered, name = self._casework.registered, REQUESTS.format(registry.name)
        place = str((registered.place(name) or {}).get("place", ""))
        all_taken, problems = Taken(), list[str]()
        try:
            for part in registry.requests(place):
                taken = self._book.take(part.requests, registry.name, actor=actor)
                for kind in ("new", "changed", "withdrawn", "same"):
                    getattr(all_taken, kind).extend(getattr(taken, kind))
                place, problems = part.place, [*problems, *part.problems]
                standing = str((registered.place(name) or {}).get("trouble", ""))
                told = f"{UNUSABLE}{'; '.join(problems)}"[:500] if problems else ""
                if not told and standing.startswith(UNUSABLE) and not part.requests:
                    told = standing  # nothing new came, so what could not be used stays to be seen
                registered.stand(name, place, told)
        except Unavailable as error:
            registered.stand(name, place, error.both)
            raise
        finally:
            came = len(all_taken.new) + len(all_taken.changed) + len(all_taken.withdrawn)
            if came or problems:
                details = {"from": registry.name, "requests": came, "unusable": len(problems)}
                self._note("pull_requests", actor, [], details)
        return asdict(all_taken)

    def _look_after(self, code: str) -> None:
        try:
            self._sweep.dossier(code)
        except Unavailable as error:  # looking must be possible while the store is away
            logger.warning("dossier %s: %s", code, error)

    def _note(self, act: str, actor: str, objects: list[str], details: dict[str, Any]) -> None:
        self._parts.records.ledger.note(
            act=act, actor=actor, agency=self._agency, objects=objects, details=details
        )


def shown(row: dict[str, Any]) -> dict[str, Any]:
    """A request as `sohoa requests --json` has it."""
    today = datetime.now(VIETNAM).date().isoformat()
    late = bool(row["due"]) and row["due"] < today and row["state"] in WAITING
    names = (
        "id", "dossier", "component", "name", "count", "copy", "asked_by", "asked_at", "due", "state", "reason",
        "documents", "callback", "source", "told_at", "changed_at",
    )  # fmt: skip
    return {**{name: row[name] for name in names}, "overdue": late}
