"""The review desk: what waits for a person, and what a person says about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from config.settings import Settings
from pipeline.classify.cited import agreed, asks
from pipeline.errors import UsageError
from pipeline.grammar.codes import checked_dossier_code
from pipeline.grammar.entries import checked_entry, checked_reason
from pipeline.home.correction_desk import CorrectionDesk
from pipeline.home.count_desk import decide_count, only_of_batches
from pipeline.home.crop_desk import CropDesk
from pipeline.home.intake_desk import IntakeDesk
from pipeline.home.page_change_desk import PageChangeDesk
from pipeline.home.page_rulings import ruling_on_pages
from pipeline.home.server import Progress
from pipeline.model import Paper
from pipeline.paths import HomePaths
from pipeline.wire import Parts
from storage.proof import VIETNAM
from storage.sheet_counts import SheetCounts
from storage.turns import Turns

ON_PAGES = ("split_before", "merge", "move", "turn", "aside", "rescan")
WORDS = ("dossier", "type", "set", "ok", *ON_PAGES, "misfiled")


class ReviewDesk:
    """Lists, decides, and lets the batch go on; what is stored is corrected."""

    def __init__(self, parts: Parts, intake: IntakeDesk, paths: HomePaths, settings: Settings) -> None:
        self._decisions = parts.records.decisions
        self._batches = parts.records.batches
        self._catalogue = parts.records.catalogue
        self._types = parts.types
        self._intake = intake
        self._agency = settings.agency.code
        self._settings = settings.review
        self._corrections = CorrectionDesk(parts, agency=self._agency)
        self._crops = CropDesk(parts, paths, agency=self._agency)
        self._pages = PageChangeDesk(parts, paths, settings)
        self._turns = Turns(parts.records.database, agency=self._agency)
        self._counts = SheetCounts(parts.records.database, agency=self._agency)

    def review(self, arguments: dict[str, Any], actor: str, progress: Progress) -> dict[str, Any]:
        """All that waits; or, with `item`, a decision on it and what became of its batch or document."""
        item = arguments.get("item")
        if not item:
            return self._queue(doubtful=bool(arguments.get("doubtful")))
        if not item.startswith("b_") and self._decisions.state(item) is None:
            raise UsageError(
                f"no paper or side {item}; `sohoa review` lists what waits",
                vi=f"Không có giấy tờ hay mặt giấy {item}; `sohoa review` liệt kê việc chờ",
            )
        if arguments.get("crop") and self._decisions.state(item) == "review":
            return self._crops.crop_waiting(item, Path(arguments["crop"]), actor)
        if arguments.get("crop"):
            found = self._corrections.current(item, arguments.get("version"))
            return self._crops.crop(item, found, Path(arguments["crop"]), actor)
        if arguments.get("take"):
            until = self._turns.take(self._known(item), actor, self._settings.hold_minutes)
            return {"held": item, "until": until.isoformat(), **self._queue()}
        if arguments.get("release"):
            self._turns.release(item, actor)
            return {"released": item, **self._queue()}
        if arguments.get("refuse"):
            self._turns.refuse(item, actor)
            return {"refused": item, **self._queue()}
        self._turns.check(item, actor)
        if arguments.get("undo"):
            return self._undo(item, actor, progress)
        if item.startswith("b_"):
            return self._count(item, arguments, actor)
        only_of_batches(item, arguments)
        request = {name: arguments[name] for name in (*WORDS, "after", "version") if arguments.get(name)}
        actors: tuple[str, ...] = (actor,)
        if arguments.get("approve"):
            proposed = self._turns.proposed(item)
            if proposed.name == actor:
                raise UsageError(
                    "the second person must be another one", vi="Người thứ hai phải là người khác"
                )
            request, actors = proposed.request, (proposed.name, actor)
            if "repage" in request:
                return {**self._pages.agreed(item, request["repage"], actors, progress), **self._queue()}
        checked = self._checked(item, request)
        if len(actors) == 1 and self._needs_second(item, checked):
            self._turns.propose(item, request, actor)
            return {"proposed": item, **self._queue()}
        answer = self._decide(item, checked, actors, progress)
        self._turns.done(item)
        return {**answer, **self._queue()}

    def _queue(self, *, doubtful: bool = False) -> dict[str, Any]:
        holders = self._turns.holders()
        waiting = [{**one, "held": holders.get(one["id"])} for one in self._waiting()]
        found: dict[str, Any] = {"waiting": waiting, "proposals": self._turns.proposals()}
        if doubtful:
            stored = cache(self._catalogue.papers)
            found["doubtful"] = [self._witnessed(one, stored) for one in self._decisions.doubtful()]
        return found

    def _witnessed(self, item: dict[str, Any], stored: Callable[[str], Sequence[Paper]]) -> dict[str, Any]:
        """A stored paper with doubts; `cited` when another of `stored`, of its dossier, names it by number and day."""
        paper = self._decisions.paper(item["id"])
        if paper is None or paper.dossier is None or not asks(paper):
            return {**item, "cited": False}
        return {**item, "cited": agreed(paper, stored(paper.dossier)) != paper}

    def _waiting(self) -> list[dict[str, Any]]:
        """Papers and sides, then batches whose sheets were counted otherwise."""
        return [*self._decisions.waiting(), *self._counts.waiting()]

    def _count(self, batch: str, arguments: dict[str, Any], actor: str) -> dict[str, Any]:
        decide_count(self._counts, batch, arguments, actor, (*WORDS, "approve", "crop"))
        self._turns.done(batch)
        return {"batches": [self._batches.view(batch, with_text=False)], **self._queue()}

    def _known(self, item: str) -> str:
        if item.startswith("b_"):
            return self._counts.known(item)
        self._decisions.place(item)
        return item

    def _checked(self, item: str, request: dict[str, Any]) -> dict[str, Any]:
        """The request with every value in canonical form. Raises UsageError for what cannot be."""
        said = [name for name in WORDS if request.get(name)]
        if not said:
            raise UsageError(
                "say what to decide: --dossier, --type, --set, --ok, …",
                vi="Cần nêu quyết gì: --dossier, --type, --set, --ok, …",
            )
        alone = [name for name in said if name in (*ON_PAGES, "misfiled")]
        if alone and len(said) > 1:
            raise UsageError(
                f"--{alone[0].replace('_', '-')} stands alone; decide one thing after the other",
                vi=f"--{alone[0].replace('_', '-')} phải dùng một mình; hãy quyết từng việc",
            )
        checked = dict(request)
        if "dossier" in request:
            checked["dossier"] = checked_dossier_code(str(request["dossier"]))
        if "type" in request and self._types.get(str(request["type"])) is None:
            raise UsageError(
                f"{request['type']} is no document type; the keys stand in config/document_types.toml",
                vi=f"Không có loại giấy tờ {request['type']}; các mã loại ở config/document_types.toml",
            )
        checked["set"] = self._values(request.get("set") or ())
        for name in ("aside", "rescan", "misfiled"):
            if name in request:
                checked[name] = checked_reason(str(request[name]))
        return checked

    def _values(self, words: Sequence[str]) -> list[tuple[str, str]]:
        today = datetime.now(VIETNAM).date()
        found: dict[str, str] = {}
        for word in words:
            name, equals, value = str(word).partition("=")
            if not equals:
                raise UsageError(f"--set {word[:60]}: say NAME=VALUE", vi="--set cần dạng TÊN=GIÁ-TRỊ")
            found[name.strip()] = checked_entry(name.strip(), value, today=today)
        return list(found.items())

    def _needs_second(self, item: str, request: dict[str, Any]) -> bool:
        """A misfiled paper, and types that the settings name, need two persons."""
        if "misfiled" in request:
            if self._decisions.state(item) != "stored":
                raise UsageError(f"{item} is not stored", vi=f"{item} chưa được lưu")
            self._corrections.may_remove(self._corrections.current(item, request.get("version")))
            return True
        sensitive = set(self._settings.second_person_types)
        return bool(sensitive & {self._decisions.place(item)["type"], request.get("type")})

    def _decide(
        self, item: str, request: dict[str, Any], actors: Sequence[str], progress: Progress
    ) -> dict[str, Any]:
        if item.startswith("d_") and self._decisions.state(item) == "stored":
            return self._amend(item, request, actors)
        where = self._decisions.place(item)
        act, page, body = "settle", where["pages"][0], _settling(request)
        if any(name in request for name in ON_PAGES):
            act, page, body = ruling_on_pages(request, where)
        if len(actors) > 1:
            body["asked_by"] = actors[0]
        batch = self._decisions.record(
            item, act=act, page_index=page, body=body, actor=actors[-1], agency=self._agency
        )
        return self._go_on(batch, progress)

    def _amend(self, item: str, request: dict[str, Any], actors: Sequence[str]) -> dict[str, Any]:
        """What is stored: fields and place by new generations of the manifest; pages stay as they were signed."""
        if any(name in request for name in ON_PAGES):
            raise UsageError(
                f"the pages of a stored document are signed; other pages are a new version: sohoa repage {item}",
                vi=f"Các trang của giấy tờ đã lưu đã được ký; đổi trang là một bản mới: sohoa repage {item}",
            )
        seen = request.get("version")
        answer: dict[str, Any] = {}
        if "misfiled" in request:
            return {"amended": self._corrections.remove(item, request["misfiled"], seen=seen, actors=actors)}
        if "dossier" in request:
            answer = self._corrections.link(item, request["dossier"], seen=seen, actors=actors)
            seen = answer["version"]
        if request["set"] or request.get("type") or request.get("ok"):
            corrected = self._corrections.correct(
                item,
                values=request["set"],
                kind=request.get("type"),
                confirmed=bool(request.get("ok")),
                seen=seen,
                actors=actors,
            )
            answer = {**corrected, "changed": [*answer.get("changed", []), *corrected["changed"]]}
        return {"amended": answer}

    def _undo(self, item: str, actor: str, progress: Progress) -> dict[str, Any]:
        batch = item if item.startswith("b_") else self._decisions.place(item)["batch"]
        undone = self._decisions.undo(batch, actor=actor, agency=self._agency)
        return {"undone": undone, **self._go_on(batch, progress), **self._queue()}

    def _go_on(self, batch: str, progress: Progress) -> dict[str, Any]:
        self._intake.again(batch)
        self._intake.watch([batch], progress)
        return {"batches": [self._batches.view(batch, with_text=False)]}


def _settling(request: dict[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = {name: request[name] for name in ("dossier", "type") if name in request}
    if request["set"]:
        body["fields"] = [list(pair) for pair in request["set"]]
    if request.get("ok"):
        body["confirmed"] = True
    return body
