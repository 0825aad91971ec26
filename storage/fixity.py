"""The scrub: all that is kept, dossier by dossier, from a cursor in the database; or a random sample of it."""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, func, select

from pipeline.model import Intake
from pipeline.records import load
from storage import layout, ledger
from storage.database import insert, reading, writing
from storage.dossier_tables import dossier
from storage.examine import Examiner, Looked, Pace, Row
from storage.examine_records import Newest
from storage.findings import Finding
from storage.keeping_tables import disposed_object
from storage.rebuild import by_folder
from storage.s3 import Bucket, Version
from storage.schema import batch, held, scrub

SPREAD = 256
CERTAINTY = 0.95
Progress = Callable[[dict[str, Any]], None]


@dataclass(slots=True)
class Run:
    """One run: what it looked at; `complete` when the pass came to its end."""

    resumed: bool = False
    complete: bool = False
    checked: int = 0
    size: int = 0
    findings: list[Finding] = field(default_factory=list)
    population: int | None = None
    seed: int | None = None
    statement: str | None = None

    def add(self, looked: Looked) -> None:
        self.checked += looked.checked
        self.size += looked.size
        self.findings += looked.findings


class Fixity:
    """Scrubs one bucket. Raises Unavailable when the store goes away; the next run goes on where this one was."""

    def __init__(
        self, database: Engine, bucket: Bucket, *, mb_per_second: float, agency: str, busy: Callable[[], bool]
    ) -> None:
        self._database = database
        self._bucket = bucket
        self._examiner = Examiner(bucket, Pace(mb_per_second), busy=busy)
        self._agency = agency

    def scrub(self, *, actor: str, limit: int | None = None, progress: Progress = lambda event: None) -> Run:
        """Go on from the cursor to the end, or until `limit` objects were looked at."""
        place = self.place()
        run = Run(resumed=bool(place))
        begin = int(place.split("/")[1], 16) if place.startswith("d/") else SPREAD if place else 0
        for spread in range(begin, SPREAD):
            progress({"stage": "fixity", "done": spread, "total": SPREAD})
            for folder, looked in self._folders(spread, place):
                run.add(looked)
                self._stand(folder, looked, actor)
                if limit is not None and run.checked >= limit:
                    self._note_run(run, actor)
                    return run
        for folder, looked in self._landed(place):
            run.add(looked)
            self._stand(folder, looked, actor)
            if limit is not None and run.checked >= limit:
                self._note_run(run, actor)
                return run
        run.complete = True
        self._stand("", Looked(), actor)
        self._note_run(run, actor)
        return run

    def sample(
        self, size: int, *, seed: int | None, actor: str, progress: Progress = lambda event: None
    ) -> Run:
        """Look at a random sample of all objects, and say what it proves of the rest."""
        run = Run(seed=secrets.randbits(32) if seed is None else seed, complete=True)
        with reading(self._database) as connection:
            run.population = connection.execute(select(func.count()).select_from(held)).scalar_one()
        places = random.Random(run.seed).sample(range(run.population), min(size, run.population))
        chosen = self._held_at(places)
        for number, row in enumerate(chosen):
            looked = Looked()
            mine = [one for one in self._bucket.versions(row.key) if one.key == row.key]
            mine.sort(key=lambda one: not one.latest)
            self._examiner.object(row.key, mine, row.sha256, row.document, looked)
            run.add(looked)
            self.note(looked.findings, actor)
            progress({"stage": "fixity", "done": number + 1, "total": len(chosen)})
        run.statement = statement(run.checked, len(run.findings), run.population)
        self._note_run(run, actor)
        return run

    def _held_at(self, places: Sequence[int]) -> list[Any]:
        """The objects at these places of all, counted in order of key; read through once, kept are only these."""
        query = select(held.c.document, held.c.key, held.c.sha256).order_by(
            held.c.key, held.c.document, held.c.version, held.c.role
        )
        wanted, found = set(places), {}
        with reading(self._database) as connection:
            for place, row in enumerate(connection.execute(query).yield_per(2000)):
                if place in wanted:
                    found[place] = row
        return [found[place] for place in places if place in found]

    def place(self) -> str:
        """The dossier that was looked at last in a pass that is not at its end."""
        with reading(self._database) as connection:
            return str(connection.execute(select(scrub.c.place)).scalar() or "")

    def due(self, every: timedelta) -> bool:
        """Whether the last look is so long ago; a new home's clock starts at the first question."""
        with writing(self._database) as connection:
            values = {"id": 1, "place": "", "looked_at": datetime.now(UTC).isoformat()}
            connection.execute(insert(scrub).values(**values).on_conflict_do_nothing())
            looked_at = connection.execute(select(scrub.c.looked_at)).scalar_one()
        return datetime.fromisoformat(looked_at) + every <= datetime.now(UTC)

    def _folders(self, spread: int, place: str) -> Iterator[tuple[str, Looked]]:
        """Each dossier of one part of the bucket behind `place`, known to the bucket, the catalogue or both."""
        prefix = f"d/{spread:02x}/"
        there = dict(by_folder(self._bucket.versions(prefix)))
        rows, records = self._rows(prefix), self._records(prefix)
        for folder in sorted(there.keys() | rows.keys() | records.keys()):
            if folder > place:
                yield (
                    folder,
                    self._examiner.dossier(
                        folder, there.get(folder, {}), rows.get(folder, []), records.get(folder)
                    ),
                )

    def _landed(self, place: str) -> Iterator[tuple[str, Looked]]:
        """Originals as they came, batch by batch: a key is named by its digest, and a settled batch names its keys."""
        at = place.removeprefix("q/") if place.startswith("q/") else ""
        for spread in range(int(at[2:4], 16) if at else 0, SPREAD):
            start = f"b_{spread:02x}"
            there: dict[str, dict[str, list[Version]]] = {}
            for one in sorted(self._bucket.versions(f"q/{start}"), key=lambda v: not v.latest):
                there.setdefault(one.key.split("/")[1], {}).setdefault(one.key, []).append(one)
            for name in sorted(there.keys() | self._settled(start)):
                if name > at:
                    found = there.get(name, {})
                    looked = Looked()
                    for key in sorted(found.keys() | self._taken_in(name)):
                        self._examiner.object(key, found.get(key, []), key.rpartition("/")[2], None, looked)
                    yield f"q/{name}", looked

    def _settled(self, start: str) -> set[str]:
        query = select(batch.c.id).where(
            batch.c.id.startswith(start, autoescape=True), batch.c.state.in_(("done", "review"))
        )
        with reading(self._database) as connection:
            return set(connection.execute(query).scalars())

    def _taken_in(self, name: str) -> set[str]:
        """Keys of a settled batch's originals; those that were refused never landed."""
        query = select(batch.c.intake).where(batch.c.id == name, batch.c.state.in_(("done", "review")))
        with reading(self._database) as connection:
            found = connection.execute(query).scalar()
            gone = select(disposed_object.c.key).where(disposed_object.c.key.startswith(f"q/{name}/"))
            disposed = set(connection.execute(gone).scalars())
        files = load(Intake, found.encode()).files if found else ()
        return {layout.landing(name, file.blob.sha256) for file in files if file.reason is None} - disposed

    def _rows(self, prefix: str) -> dict[str, list[Row]]:
        query = select(held).where(held.c.key >= prefix, held.c.key < prefix[:-1] + "0")
        found: dict[str, list[Row]] = {}
        with reading(self._database) as connection:
            for row in connection.execute(query):
                folder = "/".join(row.key.split("/")[:4])
                one = Row(row.document, row.version, row.role, row.key, row.sha256)
                found.setdefault(folder, []).append(one)
        return found

    def _records(self, prefix: str) -> dict[str, Newest]:
        """The newest record of each dossier of one part of the bucket."""
        query = select(dossier.c.code, dossier.c.record_number, dossier.c.record_key, dossier.c.record_sha256)
        query = query.where(dossier.c.record_key >= prefix, dossier.c.record_key < prefix[:-1] + "0")
        with reading(self._database) as connection:
            return {
                "/".join(row.record_key.split("/")[:4]): Newest(
                    dossier=row.code, number=row.record_number, sha256=row.record_sha256
                )
                for row in connection.execute(query)
            }

    def _stand(self, place: str, looked: Looked, actor: str) -> None:
        """Findings and the cursor in one transaction."""
        values = {"place": place, "looked_at": datetime.now(UTC).isoformat()}
        with writing(self._database) as connection:
            connection.execute(
                insert(scrub).values(id=1, **values).on_conflict_do_update(index_elements=["id"], set_=values)
            )
            _append(connection, looked.findings, actor, self._agency)

    def note(self, findings: Sequence[Finding], actor: str) -> None:
        """Findings as entries of the ledger."""
        if findings:
            with writing(self._database) as connection:
                _append(connection, findings, actor, self._agency)

    def _note_run(self, run: Run, actor: str) -> None:
        details: dict[str, Any] = {
            "checked": run.checked,
            "findings": len(run.findings),
            "complete": run.complete,
        }
        if run.statement:
            details.update(seed=run.seed, population=run.population)
        with writing(self._database) as connection:
            ledger.append(
                connection, act="fixity", actor=actor, agency=self._agency, objects=[], details=details
            )


def _append(connection: Any, findings: Sequence[Finding], actor: str, agency: str) -> None:
    for finding in findings:
        ledger.append(
            connection,
            act="fixity_finding",
            actor=actor,
            agency=agency,
            objects=[finding.key, *([finding.document] if finding.document else [])],
            details={"kind": finding.kind.value, "version_id": finding.version_id},
        )


def statement(checked: int, damaged: int, population: int) -> str:
    """What a sample proves: the one-sided upper bound of Clopper and Pearson, exact when all was looked at."""
    if checked >= population:
        share, words = (damaged / population if population else 0.0), "đã xem toàn bộ (all was looked at)"
        return f"{damaged}/{population} đối tượng hỏng, {words}: {_percent(share)} %"
    bound = _percent(upper_bound(checked, damaged))
    return (
        f"Mẫu {checked}/{population} đối tượng, {damaged} hỏng: với độ tin cậy 95 %, không quá {bound} % bị hỏng"
        f" (at most {bound} % damaged at 95 %)"
    )


def upper_bound(checked: int, damaged: int) -> float:
    """The share that is not exceeded at 95 % certainty, after `damaged` among `checked`; 3/n when there were none."""
    if damaged >= checked:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        term = (1 - middle) ** checked
        total = term
        for k in range(damaged):
            term *= (checked - k) / (k + 1) * middle / (1 - middle)
            total += term
        low, high = (middle, high) if total > 1 - CERTAINTY else (low, middle)
    return high


def _percent(share: float) -> str:
    return f"{share * 100:.3g}"
