"""The link to the one-stop system: its list comes in, what we hold goes out, orphans are taken in later."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from config.settings import Settings
from pipeline.errors import Unavailable, UsageError
from pipeline.files import hash_file
from pipeline.home.intake_desk import IntakeDesk
from pipeline.home.request_desk import REQUESTS, RequestDesk
from pipeline.home.return_desk import ReturnDesk
from pipeline.paths import HomePaths
from pipeline.registry.file_registry import read_registry
from pipeline.registry.http import signed_headers
from pipeline.table_file import read_mapping
from pipeline.wire import Parts

SYSTEM = "system"
AT_ONCE = 50


class RegistryDesk:
    """Import, pull, deliver, and say how things stand."""

    def __init__(self, parts: Parts, paths: HomePaths, settings: Settings, intake: IntakeDesk) -> None:
        self._parts = parts
        self._casework = parts.casework
        self._agency = settings.agency.code
        self._settings = settings
        self._intake = intake
        self._returns = ReturnDesk(parts, paths, settings)
        self._requests = RequestDesk(parts, paths, settings)

    def answer(self, arguments: dict[str, Any], actor: str) -> dict[str, Any]:
        """`import`, `pull`, `send` or `status`."""
        work = str(arguments.get("do"))
        if work == "import":
            return self._import(arguments, actor)
        if work == "import_requests":
            return {**self._requests.take_file(arguments, actor), **self.status()}
        if work == "pull":
            if self._casework.registry is None:
                raise UsageError("registry.url is not set", vi="Chưa cấu hình registry.url")
            return {"pulled": self._pull(actor), "requested": self._requests.pull(actor), **self.status()}
        if work == "send":
            self._casework.outbox.hurry()
            self.deliver()
        return self.status()

    def status(self) -> dict[str, Any]:
        """What is known, what waits to be sent and why, which papers wait because their dossier is unknown."""
        registry = self._casework.registry
        waiting = self._casework.outbox.waiting()
        return {
            "dossiers": self._casework.registered.count(),
            "required": self._casework.required,
            "requests": self._casework.requests.kept.count(),
            "pull": self._casework.registered.place(registry.name) if registry else None,
            "pull_requests": self._casework.registered.place(REQUESTS.format(registry.name))
            if registry
            else None,
            "destinations": {kind: one.client.host for kind, one in self._casework.destinations.items()},
            "delivered": self._casework.outbox.delivered(),
            "waiting": waiting,
            "orphans": self._casework.registered.orphans(),
        }

    def pull(self) -> None:
        """By the clock; does nothing without a registry. Raises Unavailable, and keeps what came until then."""
        if self._casework.registry is not None:
            self._pull(SYSTEM)
            self._requests.pull(SYSTEM)

    def deliver(self) -> None:
        """Send what is due, oldest first; an address that does not answer ends this round for its messages."""
        down: set[str] = set()
        for message in self._casework.outbox.due(AT_ONCE):
            kind = "return_set" if message["event"] == "return_set" else "event"
            destination = self._casework.destinations.get(kind)
            if kind in down:
                continue
            if destination is None:
                self._casework.outbox.failed(message, "chưa cấu hình địa chỉ nhận")
                continue
            try:
                body, media_type = self._body(kind, message)
                secret = destination.secret()
                if not secret:
                    raise Unavailable("the webhook's secret is empty", vi="Khóa ký tin đang trống")
                delivery = "e_" + hashlib.sha256(message["name"].encode()).hexdigest()[:20]
                headers = signed_headers(
                    secret, body, event=message["event"], delivery=delivery, media_type=media_type
                )
                status = destination.client.post(body, headers)
            except Unavailable as error:
                down.add(kind)
                self._casework.outbox.failed(message, error.both)
            else:
                if 200 <= status < 300:
                    self._casework.outbox.done(
                        message, actor=SYSTEM, agency=self._agency, host=destination.client.host
                    )
                else:
                    self._casework.outbox.failed(message, f"bên nhận trả lời {status}")

    def _body(self, kind: str, message: dict[str, Any]) -> tuple[bytes, str]:
        payload = json.loads(message["payload"])
        if kind == "return_set":
            return self._returns.packed(payload), "application/zip"
        body = {"event": message["event"], "at": message["made_at"], "agency": self._agency, "data": payload}
        return json.dumps(body, ensure_ascii=False, sort_keys=True).encode(), "application/json"

    def _import(self, arguments: dict[str, Any], actor: str) -> dict[str, Any]:
        path = Path(str(arguments["file"]))
        mapping = read_mapping(Path(str(arguments["map"])) if arguments.get("map") else None)
        if not path.is_file():
            raise UsageError(f"{path} is no file", vi=f"Không tìm thấy tệp {path}")
        found = read_registry(path, mapping)
        errors = [error.to_json() for error in found.errors]
        if arguments.get("dry"):
            return {
                "imported": 0,
                "usable": len(found.items),
                "errors": errors,
                "accepted": [],
                **self.status(),
            }
        self._note(
            "import_registry",
            actor,
            {"sha256": hash_file(path), "dossiers": len(found.items), "errors": len(errors)},
        )
        taken = self._casework.registered.take([asdict(item) for item in found.items], "file")
        return {
            "imported": taken,
            "errors": errors,
            "accepted": self._accept(),
            **self.status(),
        }

    def _pull(self, actor: str) -> int:
        registry = self._casework.registry
        assert registry is not None
        registered = self._casework.registered
        place = str((registered.place(registry.name) or {}).get("place", ""))
        count = 0
        problems: list[str] = []
        try:
            for part in registry.slices(place):
                count += registered.take([asdict(item) for item in part.dossiers], registry.name)
                place, problems = part.place, [*problems, *part.problems]
                registered.stand(registry.name, place, "; ".join(problems)[:500])
        except Unavailable as error:
            registered.stand(registry.name, place, error.both)
            raise
        finally:
            if count or problems:
                self._note(
                    "pull_registry",
                    actor,
                    {"from": registry.name, "dossiers": count, "unusable": len(problems)},
                )
            self._accept()
        return count

    def _accept(self) -> list[str]:
        """Begin again the batches whose orphans have a dossier by now; returns the dossiers."""
        accepted: list[str] = []
        for batch, codes in self._casework.registered.accepted().items():
            self._parts.records.ledger.note(
                act="accept_orphan", actor=SYSTEM, agency=self._agency, objects=[batch, *codes]
            )
            self._intake.again(batch)
            accepted += codes
        self._casework.requests.kept.accepted(agency=self._agency)
        return sorted(set(accepted))

    def _note(self, act: str, actor: str, details: dict[str, Any]) -> None:
        self._parts.records.ledger.note(
            act=act, actor=actor, agency=self._agency, objects=[], details=details
        )
