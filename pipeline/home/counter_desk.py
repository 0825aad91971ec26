"""The verbs of counters: bind one to a dossier, and say whose a stack of its folder is."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from typing import Any

from config.sections_intake import Counter
from config.settings import Settings
from pipeline.acquire import Bound
from pipeline.errors import UsageError
from pipeline.grammar.codes import parse_dossier_code
from pipeline.grammar.receipt_codes import ReceiptForm, codes_of_receipt
from pipeline.home.counters import Counters
from pipeline.home.server import Progress
from pipeline.model import Lane
from pipeline.paths import HomePaths
from pipeline.request_book import RequestBook
from pipeline.wire import receipt_forms
from storage.ledger import Ledger
from storage.scan_requests import ScanRequests


class CounterDesk:
    """Knows the counters of the settings and what each is bound to. `book` is needed where a request is named."""

    def __init__(
        self,
        ledger: Ledger,
        requests: ScanRequests,
        book: Callable[[], RequestBook],
        paths: HomePaths,
        settings: Settings,
    ) -> None:
        self._ledger = ledger
        self._requests = requests
        self._book = book
        self._counters = Counters(paths.counters)
        self._settings = settings
        self._forms = receipt_forms(settings)

    def counter(self, arguments: dict[str, Any], actor: str, progress: Progress) -> dict[str, Any]:
        """Bind a counter to a dossier (`dossier`) or to a scan request of one (`request`), end that (`clear`), or tell.

        The answer lists the dossier's open requests.
        """
        name = str(arguments["name"])
        settings = self._named(name)
        if arguments.get("request") or arguments.get("dossier") or arguments.get("clear"):
            code = code_in(str(arguments["dossier"]), self._forms) if arguments.get("dossier") else None
            request = None
            if arguments.get("request"):
                asked = self._book().usable(str(arguments["request"]), actor=actor, dossier=code)
                code, request = asked["dossier"], asked["id"]
            self._counters.bind(name, code, actor=actor, now=time.time(), request=request)
            objects = [one for one in (name, code, request) if one]
            self._ledger.note(act="counter", actor=actor, agency=self._settings.agency.code, objects=objects)
        found = self._counters.current(name, now=time.time(), idle=settings.idle_minutes * 60)
        bound_to = found.dossier or settings.dossier
        return {
            "counter": name,
            "folder": str(settings.folder),
            "dossier": bound_to,
            "request": found.request,
            "requests": self._requests.listed(code=bound_to) if bound_to else [],
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
            request=found.request if bound.dossier in (None, found.dossier) else None,
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
