"""`sohoa trust`: whom the home believes; every change is on the ledger, and counts at once."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict
from pathlib import Path
from typing import Any

from config.settings import Settings
from pipeline.errors import UsageError
from pipeline.paths import HomePaths
from pipeline.wire import Parts, trust_of
from signing.signing_times import VIETNAM
from signing.trust import Root, TrustStore, add_root, remove_root


class TrustDesk:
    """Lists, adds and ends trust, and hands the roots to a verification that runs outside the home's process."""

    def __init__(self, parts: Parts, paths: HomePaths, settings: Settings) -> None:
        self._parts = parts
        self._paths = paths
        self._settings = settings

    def run(self, arguments: dict[str, Any], actor: str) -> dict[str, Any]:
        """One act of `list`, `add`, `remove`, `use`."""
        action = str(arguments.get("action"))
        if action == "add":
            self._add(arguments, actor)
        elif action == "remove":
            ends = arguments.get("ends") or dt.datetime.now(VIETNAM).date().isoformat()
            root = remove_root(self._paths.trust, str(arguments["sha256"]), ends=str(ends))
            self._note("trust_remove", actor, root)
        elif action == "use":
            self._note("verify", actor, None, files=int(arguments.get("files") or 0))
        elif action != "list":
            raise UsageError(f"no act {action} on the trusted roots")
        store = trust_of(self._paths, self._settings)
        self._parts.verifier.trust = store
        return {**_shown(store), **self._asking()}

    def _add(self, arguments: dict[str, Any], actor: str) -> None:
        begins, ends = arguments.get("begins"), arguments.get("ends")
        if begins and ends and str(ends) < str(begins):
            raise UsageError("the term ends before it begins", vi="Ngày cuối trước ngày đầu")
        added = add_root(
            self._paths.trust,
            Path(str(arguments["file"])),
            begins=begins,
            ends=ends,
            pin=arguments.get("pin"),
            note=str(arguments.get("note") or "")[:500],
        )
        for root in added:
            self._note("trust_add", actor, root)

    def _asking(self) -> dict[str, Any]:
        verification = self._settings.verification
        return {
            "online": verification.online,
            "timeout": verification.timeout,
            "hosts": list(verification.hosts),
        }

    def _note(self, act: str, actor: str, root: Root | None, **details: Any) -> None:
        if root is not None:
            details = {
                "sha256": root.sha256,
                "name": root.name,
                "begins": root.begins,
                "ends": root.ends,
                "note": root.note,
            }
        self._parts.records.ledger.note(
            act=act, actor=actor, agency=self._settings.agency.code, objects=[], details=details
        )


def _shown(store: TrustStore) -> dict[str, Any]:
    roots = []
    for der in store.anchors:
        root = store.root(der)
        if root is not None:
            roots.append({**asdict(root), "der": der.hex()})
    return {"roots": roots}
