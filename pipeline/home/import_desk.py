"""`sohoa import`: files digitised elsewhere, by the list that came with them; each row is answered for."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import config
from config.settings import Settings
from pipeline.acquire import Bound, is_companion, natural, passed_over
from pipeline.classify.listed import differs
from pipeline.companions.entries import Columns, headings_in
from pipeline.companions.listed import Beside, ListRow, lay, read_list
from pipeline.errors import SohoaError, Unavailable, UsageError
from pipeline.files import blob_of, hash_file
from pipeline.grammar.folding import compact
from pipeline.home.intake_desk import BACKFILE, IntakeDesk
from pipeline.home.server import Progress
from pipeline.model import Lane, Origin, SourceFile
from pipeline.raster.inspect import FileSides
from pipeline.table_file import read_mapping
from pipeline.wire import Parts
from storage.imported import Taken, taken_below
from storage.proof import VIETNAM

AT_ONCE = 16
"""Files in the works at a time: enough to keep every core busy, few enough to stop soon."""
REMEDIES = {
    "wrong": "sửa dòng này trong danh sách rồi chạy lại lệnh (mend the row, run again)",
    "unlisted": "thêm một dòng cho tệp, hoặc chuyển tệp đi nơi khác (add a row, or move the file away)",
    "review": "xem và quyết bằng `sohoa review` (settle it)",
    "rejected": "kiểm tra tệp, số hóa lại rồi chạy lại lệnh (mend the file, run again)",
    "waiting": "sohoa tự thử lại; làm ngay: `sohoa retry` (tried again by itself)",
    "elsewhere": "sửa hồ sơ của giấy tờ đã lưu bằng `sohoa review MÃ --dossier …` (correct the stored paper)",
    "duplicate": "không cần làm gì; bỏ dòng này nếu không cần (nothing to do)",
}


FIELDS = {
    "type": "loại", "number": "số", "date": "ngày", "title": "trích yếu", "issuer": "cơ quan", "signer": "người ký",
    "owner": "chủ giấy tờ", "owner_id": "số định danh", "birth_date": "ngày sinh", "address": "địa chỉ",
}  # fmt: skip


@dataclass(slots=True)
class Outcome:
    """What became of a row, or of a file without one."""

    row: str | None
    file: str
    state: str
    reason: str | None = None
    remedy: str | None = None
    dossier: str | None = None
    origin: str | None = None
    sides: int | None = None
    signatures: str | None = None
    batch: str | None = None
    documents: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


class ImportDesk:
    """One list and its folder. A run that was ended early goes on behind what it had taken."""

    def __init__(self, parts: Parts, settings: Settings, intake: IntakeDesk) -> None:
        self._parts = parts
        self._settings = settings
        self._intake = intake

    def run(self, arguments: dict[str, Any], actor: str, progress: Progress) -> dict[str, Any]:
        """Take in every file that a row describes, or with `dry_run` only look. Raises UsageError for the list."""
        folder, path = Path(str(arguments["folder"])), Path(str(arguments["list"]))
        dry = bool(arguments.get("dry_run"))
        rows = self._rows(path, arguments.get("map"))
        files, passed = _files(folder, path)
        beside = lay(rows, files)
        self._parts.records.ledger.note(
            act="import_list",
            actor=actor,
            agency=self._settings.agency.code,
            objects=[hash_file(path)],
            details={"rows": len(rows), "files": len(beside.files), "dry_run": dry},
        )
        earlier = taken_below(self._parts.records.database, str(folder))
        outcomes: dict[int, Outcome] = {}
        wanted: list[int] = []
        for number, row in enumerate(rows):
            wrong = [*row.wrong, *([beside.wrong[number]] if number in beside.wrong else [])]
            if wrong:
                outcomes[number] = _outcome(row, row.file, "wrong", "; ".join(wrong))
            else:
                wanted.append(number)
        for done, group in _groups(wanted):
            progress({"stage": "import", "done": done, "total": len(wanted)})
            jobs = [(n, rows[n], folder / beside.files[n]) for n in group]
            work = self._look if dry else self._take
            outcomes.update(work(jobs, beside, earlier, actor))
        progress({"stage": "import", "done": len(wanted), "total": len(wanted)})
        found = [outcomes[number] for number in range(len(rows))]
        found += [
            Outcome(
                None, name, "unlisted", "tệp không có dòng nào trong danh sách (no row)", REMEDIES["unlisted"]
            )
            for name in beside.unlisted
        ]
        return {
            "folder": str(folder),
            "list": str(path),
            "dry_run": dry,
            "rows": len(rows),
            "counts": _counts(found),
            "passed_over": passed,
            "results": [asdict(one) for one in found],
        }

    def _rows(self, path: Path, mapping: object) -> tuple[ListRow, ...]:
        bundled = Path(config.__path__[0])
        own = {h: f for f, h in read_mapping(Path(str(mapping)) if mapping else None).items()}
        known = {**headings_in(bundled / "import_columns.toml"), **self._settings.companion.columns, **own}
        columns = Columns.load(bundled / "companion_columns.toml", known)
        types = {compact(kind.name): kind.key for kind in self._parts.types.all}
        types.update({compact(kind.key): kind.key for kind in self._parts.types.all})
        today = datetime.now(VIETNAM).date()
        try:
            found: tuple[ListRow, ...] = self._parts.pool.submit(
                read_list, path, columns, types, today, priority=0
            ).result()
        except Unavailable:
            raise
        except SohoaError as error:
            raise UsageError(f"{path.name}: {error}", vi=f"{path.name}: {error.vi}") from error
        if not found:
            raise UsageError(f"{path.name} has no rows", vi=f"{path.name} không có dòng nào")
        return found

    def _look(
        self,
        jobs: list[tuple[int, ListRow, Path]],
        beside: Beside,
        earlier: dict[str, list[Taken]],
        actor: str,
    ) -> dict[int, Outcome]:
        """What would happen: the files are opened and their signatures judged where they lie."""
        files = [
            SourceFile(source=str(path), blob=blob_of(path, "application/octet-stream"))
            for _, _, path in jobs
        ]
        looked = self._parts.pool.look_into(files, self._parts.limits, priority=BACKFILE)
        found: dict[int, Outcome] = {}
        for (number, row, path), file, sides in zip(jobs, files, looked, strict=True):
            name = beside.files[number]
            before = _before(file.blob.sha256, earlier.get(str(path), []))
            if before is not None and before.dossier != row.dossier:
                found[number] = _elsewhere(row, name, before)
                continue
            one = _outcome(row, name, "ready" if before is None else "taken")
            one.batch = before.batch if before else None
            self._told(one, path, sides)
            found[number] = one
        return found

    def _told(self, one: Outcome, path: Path, sides: FileSides) -> None:
        one.origin, one.sides = sides.origin.value, sides.count
        if len(sides.reasons) == sides.count:
            one.state, one.reason = "rejected", next(iter(sides.reasons.values()))
        if sides.origin is Origin.INCOMING_SIGNED:
            verdict = self._parts.verifier.judge_incoming(path)
            one.signatures = verdict.verdict.value
            if verdict.problems:
                one.remarks += list(verdict.problems[:3])
            if verdict.verdict.value == "TOTAL_FAILED":
                one.state, one.reason = "review", "chữ ký trên tệp không còn nguyên vẹn (a signature fails)"
        one.remedy = REMEDIES.get(one.state)

    def _take(
        self,
        jobs: list[tuple[int, ListRow, Path]],
        beside: Beside,
        earlier: dict[str, list[Taken]],
        actor: str,
    ) -> dict[int, Outcome]:
        """Queue a few files, wait for them, and say what became of each."""
        found: dict[int, Outcome] = {}
        batches: dict[int, tuple[str, str | None]] = {}
        for number, row, path in jobs:
            there = earlier.get(str(path), [])
            before = _before(hash_file(path), there) if there else None
            if before is not None and before.dossier != row.dossier:
                found[number] = _elsewhere(row, beside.files[number], before)
            elif before is not None and before.settled:
                batches[number] = (before.batch, "đã nhập trước đây (taken in before)")
            else:
                batches[number] = self._intake.take_listed(path, self._bound(row, actor))
        self._intake.watch([batch for batch, _ in batches.values()], lambda event: None)
        for number, row, _ in jobs:
            if number in batches:
                batch, note = batches[number]
                found[number] = self._became(row, beside.files[number], batch, note)
        return found

    def _bound(self, row: ListRow, actor: str) -> Bound:
        return Bound(
            agency=self._settings.agency.code,
            actor=actor,
            dossier=row.dossier,
            procedure=row.procedure,
            lane=Lane.BACKFILE,
            shelf=row.shelf,
            listed=row.said,
        )

    def _became(self, row: ListRow, name: str, batch: str, note: str | None) -> Outcome:
        view = self._parts.records.batches.view(batch, with_text=False)
        papers, pages = view["documents"], view["pages"]
        one = _outcome(row, name, "stored")
        one.batch, one.sides = batch, len(pages)
        one.documents = [paper["id"] for paper in papers]
        one.origin = papers[0]["origin"] if papers else None
        reasons = [paper["reason"] for paper in papers if paper["reason"]]
        reasons += [page["reason"] for page in pages if page["reason"] and page["state"] != "stored"]
        states = {paper["state"] for paper in papers}
        if pages and all(page["state"] == "rejected" for page in pages):
            one.state = "rejected"
        elif view["state"] in ("paused", "queued", "running", "failed") or "waiting" in states:
            one.state = "waiting"
        elif any(page["state"] == "duplicate" for page in pages):
            one.state = "duplicate"
        elif states != {"stored"} or view["state"] == "review":
            one.state = "review"
        if one.state != "stored":
            one.reason = "; ".join(dict.fromkeys(reasons)) or view["reason"]
        one.remedy = REMEDIES.get(one.state)
        one.remarks += [note] if note else []
        for paper in papers:
            if paper["state"] == "stored":
                current = self._parts.amendments.current(paper["id"])
                assert current is not None  # it is stored
                if current.sidecar.validation:
                    one.signatures = str(current.sidecar.validation["verdict"])
                doubts = [FIELDS.get(name, name) for name in differs(current.sidecar.paper)]
                one.remarks += [f"danh sách và giấy tờ nêu khác nhau: {', '.join(doubts)}"] if doubts else []
        return one


def _files(folder: Path, listed: Path) -> tuple[list[str], list[str]]:
    """Files below the folder by their path in it, in natural order: those that may be papers, and the others."""
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder", vi=f"{folder} không phải thư mục")
    found: list[Path] = []
    passed: list[Path] = []
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        paths = sorted((Path(place) / name for name in names), key=natural)
        for path in paths:
            if path != listed:
                (passed if is_companion(path) or passed_over(path) else found).append(path)
    inside = [[one.relative_to(folder).as_posix() for one in group] for group in (found, passed)]
    return inside[0], inside[1]


def _groups(numbers: Sequence[int]) -> Iterator[tuple[int, Sequence[int]]]:
    for start in range(0, len(numbers), AT_ONCE):
        yield start, numbers[start : start + AT_ONCE]


def _outcome(row: ListRow, name: str, state: str, reason: str | None = None) -> Outcome:
    return Outcome(
        row.place, name, state, reason, REMEDIES.get(state), dossier=row.dossier, remarks=list(row.remarks)
    )


def _before(sha256: str, there: Sequence[Taken]) -> Taken | None:
    """The batch in which these bytes were taken in from this very place."""
    return next((one for one in there if one.sha256 == sha256), None)


def _elsewhere(row: ListRow, name: str, before: Taken) -> Outcome:
    """The list was changed since: what is stored stays where it is until a person corrects it."""
    why = f"tệp đã nhập trước đây vào hồ sơ {before.dossier or 'chưa rõ mã'} (taken in for another dossier)"
    one = _outcome(row, name, "elsewhere", why)
    one.batch = before.batch
    return one


def _counts(found: Sequence[Outcome]) -> dict[str, int]:
    return dict(sorted(Counter(one.state for one in found).items()))
