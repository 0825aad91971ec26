"""Scan requests as the work uses them: taken from the one-stop system, held against papers, refused when over."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from pipeline.classify.requested import Asked
from pipeline.errors import Unavailable, UsageError
from pipeline.grammar.codes import parse_dossier_code
from pipeline.model import Intake
from pipeline.procedures.catalogue import Outcome, ProcedureShelf, Requirement
from pipeline.registry.connector import Registry
from pipeline.registry.scan_request import ScanRequest, request_id
from storage.registered import Registered
from storage.scan_requests import ScanRequests, Taken

logger = logging.getLogger("sohoa.requests")


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestBook:
    """`required`: a dossier must be known to the one-stop system, else its requests wait as orphans."""

    kept: ScanRequests
    registered: Registered
    registry: Registry | None
    shelf: ProcedureShelf
    required: bool
    agency: str

    def take(self, items: Iterable[ScanRequest], source: str, *, actor: str, dry: bool = False) -> Taken:
        """Keep what was told; `dry` only says what would become of it. Of unknown dossiers the system is asked."""
        silent = False

        def unknown(code: str) -> bool:
            nonlocal silent
            if not self.required or self.registered.get(code) is not None:
                return False
            if self.registry is None or silent or dry:
                return True
            try:
                found = self.registry.lookup(code)
            except Unavailable as error:
                logger.warning("the registry does not answer: %s", error)
                silent = True  # a list of requests must not wait for each of its dossiers in turn
                return True
            if found is not None:
                self.registered.take([asdict(found)], self.registry.name)
            return found is None

        values = [asdict(item) for item in items]
        return self.kept.take(values, source, actor=actor, agency=self.agency, unknown=unknown, dry=dry)

    def usable(self, text: str, *, actor: str, dossier: str | None = None) -> dict[str, Any]:
        """The request that a stack may be scanned for. Asks the one-stop system once for one that is not known yet.

        Raises UsageError when there is none, when it is withdrawn or answered, or when it is not of `dossier`, the
        code that the person gave beside it.
        """
        try:
            name = request_id(text.strip())
        except ValueError as error:
            raise UsageError(f"{text[:80]!r} is no id of a scan request", vi=str(error)) from error
        found = self.kept.get(name) or self._fetched(name, actor)
        if found is None:
            raise UsageError(
                f"no scan request {name}; `sohoa requests` lists them",
                vi=f"Không có yêu cầu quét {name}; xem danh sách bằng `sohoa requests`",
            )
        if found["state"] == "withdrawn":
            raise UsageError(
                f"the scan request {name} was withdrawn; scan for the dossier itself if the paper is to be kept",
                vi=f"Yêu cầu quét {name} đã hủy; vẫn muốn lưu giấy thì quét với --dossier {found['dossier']}",
            )
        if found["state"] == "fulfilled":
            held = ", ".join(found["documents"])
            raise UsageError(
                f"the scan request {name} is answered already by {held}",
                vi=f"Yêu cầu quét {name} đã xong ({held}); quét thêm giấy khác thì dùng --dossier {found['dossier']}",
            )
        code = parse_dossier_code(dossier) if dossier else None
        if dossier and (code is None or code.text != found["dossier"]):
            raise UsageError(
                f"the scan request {name} is for {found['dossier']}, not for {dossier}",
                vi=f"Yêu cầu quét {name} thuộc hồ sơ {found['dossier']}, không phải {dossier}",
            )
        return found

    def _fetched(self, name: str, actor: str) -> dict[str, Any] | None:
        if self.registry is None:
            return None
        found = self.registry.request(name)
        if found is None:
            return None
        self.take([found], self.registry.name, actor=actor)
        return self.kept.get(name)

    def asked(self, intake: Intake) -> Asked | None:
        """What the request asks for that a stack was scanned for; None without one, or when it was withdrawn."""
        row = self.kept.get(intake.request) if intake.request else None
        code = parse_dossier_code(row["dossier"]) if row else None
        if row is None or code is None or row["state"] == "withdrawn":
            return None
        known = self.registered.get(row["dossier"]) or {}
        name, types = self.component(
            row["component"], known.get("procedure") or intake.procedure, code.received
        )
        return Asked(
            request=row["id"], dossier=row["dossier"], component=row["component"], name=row["name"] or name,
            types=types,
        )  # fmt: skip

    def component(self, code: str, procedure: str | None, day: date) -> tuple[str, frozenset[str]]:
        """Name and types of a component on a day, by the procedure, else by any; nothing while no list names it."""
        try:
            catalogue = self.shelf.current()
        except UsageError as error:  # told where procedures are shown; a stack is not held up by it
            logger.warning("the list of procedures cannot be read: %s", error)
            return "", frozenset()
        mine = catalogue.get(procedure, day) if procedure else None
        others = (item for items in catalogue.versions.values() for item in items if item.in_force(day))
        for item in (*([mine] if mine else []), *others):
            listed: tuple[Requirement | Outcome, ...] = (*item.papers, *item.results)
            for one in listed:
                if one.code == code:
                    return one.name, frozenset(one.types)
        return "", frozenset()
