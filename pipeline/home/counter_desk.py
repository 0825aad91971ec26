"""The verbs of counters: bind one to a dossier, and say whose a stack of its folder is."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from typing import Any

from config.settings import Counter, Settings
from pipeline.acquire import Bound
from pipeline.errors import UsageError
from pipeline.grammar.codes import parse_dossier_code
from pipeline.grammar.receipt_codes import ReceiptForm, codes_of_receipt
from pipeline.home.counters import Counters
from pipeline.home.server import Progress
from pipeline.model import Lane
from pipeline.paths import HomePaths
from pipeline.wire import receipt_forms
from storage.ledger import Ledger


class CounterDesk:
    """Knows the counters of the settings and what each is bound to."""

    def __init__(self, ledger: Ledger, paths: HomePaths, settings: Settings) -> None:
        self._ledger = ledger
        self._counters = Counters(paths.counters)
        self._settings = settings
        self._forms = receipt_forms(settings)

    def counter(self, arguments: dict[str, Any], actor: str, progress: Progress) -> dict[str, Any]:
        """Bind a counter to a dossier (`dossier`), end that (`clear`), or tell what holds there."""
        name = str(arguments["name"])
        settings = self._named(name)
        if arguments.get("dossier") or arguments.get("clear"):
            code = code_in(str(arguments["dossier"]), self._forms) if arguments.get("dossier") else None
            self._counters.bind(name, code, actor=actor, now=time.time())
            objects = [name, code] if code else [name]
            self._ledger.note(act="counter", actor=actor, agency=self._settings.agency.code, objects=objects)
        found = self._counters.current(name, now=time.time(), idle=settings.idle_minutes * 60)
        return {
            "counter": name,
            "folder": str(settings.folder),
            "dossier": found.dossier or settings.dossier,
            "bound": found.dossier is not None,
            "until": found.until.isoformat() if found.until else None,
        }

    def apply(self, name: str, ages: list[float], bound: Bound) -> Bound:
        """What a counter adds to what is said of a stack: whose papers they are was decided when they appeared."""
        settings, now = self._named(name), time.time()
        first, last = now - float(ages[0]), now - float(ages[1])
        found = self._counters.ruling(name, first=first, last=last, idle=settings.idle_minutes * 60)
        if found.dossier:
            self._counters.used(name, last)
        default = None if found.doubtful or not settings.dossier else code_in(settings.dossier)
        return dataclasses.replace(
            bound,
            actor=settings.operator or bound.actor,
            lane=Lane(settings.priority),
            dossier=bound.dossier or found.dossier or default,
            procedure=bound.procedure or settings.procedure,
        )

    def _named(self, name: str) -> Counter:
        found = self._settings.counter.get(name)
        if found is None:
            known = ", ".join(self._settings.counter) or "-"
            raise UsageError(
                f"no counter {name} in sohoa.toml; there are: {known}",
                vi=f"Không có quầy {name} trong sohoa.toml; đang có: {known}",
            )
        return found


def code_in(text: str, forms: Sequence[ReceiptForm] = ()) -> str:
    """The one dossier code in what was typed or read by a QR gun: plain, in an address, or among fields."""
    plain = parse_dossier_code(text)
    found = {item.code.text for item in codes_of_receipt(text, forms) if not item.repaired}
    if plain is None and len(found) != 1:
        raise UsageError(
            f"{text} holds no dossier code, or several; a code looks like 000.00.03.H24-250820-7308",
            vi=f"{text} không có mã hồ sơ, hoặc có nhiều mã; ví dụ đúng: 000.00.03.H24-250820-7308",
        )
    return plain.text if plain else found.pop()
