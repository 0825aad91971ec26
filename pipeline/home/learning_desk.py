"""`sohoa learn`: a model of types from the papers on record, shown first, used only when a person says so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from datetime import UTC, datetime
from itertools import islice
from multiprocessing import get_context
from typing import Any

from config.settings import Settings
from pipeline.classify.learning import MOST, Example, Lesson, chosen, learn
from pipeline.classify.second_opinion import WEAK, has_say, weighed
from pipeline.classify.type_model import read_model, version_of
from pipeline.classify.types import TypeCatalogue
from pipeline.errors import UsageError
from pipeline.home.server import Progress
from pipeline.wire import Parts
from signing.signing_times import VIETNAM
from storage.learned import KnownPaper, Learned

SHOWN = 20
"""Papers named in a report; the counts are of all."""
MOST_DOUBTFUL = 500
"""Papers without a type that a new model is tried on."""


class LearningDesk:
    """Learns, lists, puts to use and out of use."""

    def __init__(self, parts: Parts, settings: Settings) -> None:
        self._learned = Learned(parts.records.database)
        self._types = parts.types
        self._agency = settings.agency.code

    def run(self, arguments: dict[str, Any], actor: str, progress: Progress) -> dict[str, Any]:
        """One act of `train`, `list`, `use`, `off`."""
        action = str(arguments.get("action"))
        if action == "train":
            report = self._train(actor)
        elif action == "use":
            version = str(arguments["version"])
            before = self._learned.use(version, actor=actor, agency=self._agency)
            report = {"before": before}
        elif action == "off":
            report = {"before": self._learned.use(None, actor=actor, agency=self._agency)}
        elif action == "list":
            report = {"versions": self._learned.versions()}
        else:
            raise UsageError(f"no act {action} on the models of types")
        return {"action": action, "in_use": self._learned.in_use(datetime.now(UTC)), **report}

    def _train(self, actor: str) -> dict[str, Any]:
        examples = chosen(self._examples())
        lesson = _elsewhere(examples, self._types, day=datetime.now(VIETNAM).date().isoformat())
        content = lesson.model.to_bytes()
        version, model = version_of(content), read_model(content)  # judged as it will be read
        head = model.head
        report = {
            "examples": head["examples"],
            "by_person": head["by_person"],
            "held_out": {
                **head["held_out"],
                "types": {
                    kind: {**row, "name": self._types[kind].name, "has_say": has_say(model, kind)}
                    for kind, row in head["held_out"]["types"].items()
                },
            },
            "would": self._would(lesson),
        }
        self._learned.keep(version, content, report, actor=actor, agency=self._agency)
        return {"version": version, **report}

    def _examples(self) -> list[Example]:
        """Papers that a person gave their type, and those whose headline the rules matched well."""
        found: list[Example] = []
        counts: Counter[tuple[str, bool]] = Counter()
        for item in self._learned.papers():
            kind = item.type
            if kind is None or kind.doubtful or self._types.get(item.paper.type) is None:
                continue
            by_person = kind.evidence == "operator"
            if not by_person and (kind.evidence != "text" or kind.confidence < WEAK):
                continue
            counts[item.paper.type, by_person] += 1
            if counts[item.paper.type, by_person] <= 2 * MOST:  # more than count, since texts occur twice
                text = self._learned.text(item)
                found.append(Example(document=item.id, type=item.paper.type, text=text, by_person=by_person))
        return found

    def _would(self, lesson: Lesson) -> dict[str, Any]:
        """What the model would have said of papers on record that have no sure type."""
        looked, changes = 0, list[dict[str, Any]]()
        for item in islice(filter(_open, self._learned.papers()), MOST_DOUBTFUL):
            looked += 1
            after = weighed(item.paper, self._learned.text(item), lesson.model, self._types)
            kind = after.field("type")
            if kind is not None and after != item.paper:
                changes.append(
                    {
                        "document": item.id,
                        "before": item.paper.type,
                        "after": after.type,
                        "belief": kind.confidence,
                    }
                )
        return {
            "looked_at": looked,
            "suggested": sum(one["before"] != one["after"] for one in changes),
            "put_in_doubt": sum(one["before"] == one["after"] for one in changes),
            "papers": changes[:SHOWN],
        }


def _open(item: KnownPaper) -> bool:
    """Whether its type is doubtful or was matched only weakly."""
    kind = item.type
    return kind is not None and (kind.doubtful or (kind.evidence == "text" and kind.confidence < WEAK))


def _elsewhere(examples: Sequence[Example], types: TypeCatalogue, *, day: str) -> Lesson:
    """Learned in a process that ends with it: what learning imports and takes of memory is not the home's to keep."""
    try:
        with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as once:
            return once.submit(learn, examples, types, day=day).result()
    except BrokenProcessPool as error:
        raise UsageError(
            "learning was ended by the system, for lack of memory perhaps; nothing was changed",
            vi="Việc học bị hệ thống dừng, có thể do thiếu bộ nhớ; chưa có gì thay đổi",
        ) from error
