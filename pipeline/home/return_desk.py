"""The return set: the signed file of each required paper, named as the one-stop system asks, and an index."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import uuid
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from config.settings import Settings
from pipeline.errors import Tampered, UsageError
from pipeline.files import hash_file, sync_folder, write_whole
from pipeline.home.case_view import Case, case_of
from pipeline.model import Sha256
from pipeline.paths import HomePaths
from pipeline.wire import Parts
from storage.proof import VIETNAM

CONTRACT = "return-set-1"
INDEX = "index.json"


class ReturnDesk:
    """The same papers give the same set, byte for byte; a signed file is never altered."""

    def __init__(self, parts: Parts, paths: HomePaths, settings: Settings) -> None:
        self._parts = parts
        self._work = paths.work / "returns"
        self._agency = settings.agency
        self._limit = round(settings.returns.max_mb * 1_000_000)

    def write(self, code: str, folder: Path, actor: str, *, again: bool = True) -> dict[str, Any]:
        """Put the set into `folder`/`code`; a whole one that is there already stays, and is noted only with `again`.

        Raises UsageError without a procedure, Tampered when a file is lost.
        """
        with self._parts.casework.turn:
            plan = self.plan(self._case(code))
            target = folder / quote(code, safe="")
            if not folder.parent.is_dir() or folder.is_file() or target.is_symlink() or target.is_file():
                raise UsageError(
                    f"{folder} is no folder to write to", vi=f"Không ghi được vào thư mục {folder}"
                )
            there = self._is_there(plan, target)
            if again or not there:
                self._note(code, plan, actor)  # before: no file leaves without its entry
            if not there:
                folder.mkdir(exist_ok=True)
                self._put(plan, folder, target)
        return {**plan, "folder": str(target)}

    def packed(self, plan: dict[str, Any]) -> bytes:
        """The set as one ZIP, for the way over HTTP; the same plan, the same bytes."""
        work = self._work / uuid.uuid4().hex
        out = io.BytesIO()
        try:
            with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as package:
                package.writestr(zipfile.ZipInfo(INDEX), _index(plan))
                for file in _files(plan):
                    path = work / file["file"]
                    self._fetch(file, path)
                    package.writestr(zipfile.ZipInfo(file["file"]), path.read_bytes())
        finally:
            shutil.rmtree(work, ignore_errors=True)
        return out.getvalue()

    def plan(self, case: Case) -> dict[str, Any]:
        """The index: every required paper with its files, results, and what is not in the set. Raises UsageError."""
        if case.procedure is None or case.found is None:
            raise UsageError(
                f"the procedure of {case.code} is not known, so neither are its components; give --procedure",
                vi=f"Chưa rõ thủ tục của hồ sơ {case.code} nên chưa rõ thành phần; hãy nêu --procedure",
            )
        papers = {paper["id"]: paper for paper in case.papers}
        required = []
        for one in case.found.standings:
            names = [*one.documents, *([one.reused] if one.reused else [])]
            files = [
                self._file(case, one.paper.code, n, name, papers.get(name))
                for n, name in enumerate((d for d in names if self._stored(d, papers)), 1)
            ]
            required.append({**one.to_json(), "files": files})
        results = [
            {"code": result, "files": [self._file(case, result, n, name, papers[name])]}
            for n, (name, result) in enumerate(case.found.results.items(), 1)
        ]
        plan: dict[str, Any] = {
            "contract": CONTRACT,
            "dossier": case.code,
            "procedure": {"code": case.procedure_code, "name": case.procedure.name},
            "complete": case.complete,
            "max_bytes": self._limit or None,
            "papers": required,
            "results": results,
            "left_out": dict(sorted(case.found.surplus.items())),
        }
        plan["too_large"] = [file["file"] for file in _files(plan) if file["too_large"]]
        return {**plan, "set_sha256": hashlib.sha256(_index(plan)).hexdigest()}

    def _file(
        self, case: Case, component: str, number: int, document: str, paper: dict[str, Any] | None
    ) -> dict[str, Any]:
        template = self._parts.casework.templates.on("return_file", case.received)
        name = template.render(dossier=case.code, owner_id=case.owner_id, type_code=component, seq=number)
        held = self._newest(document)
        code = case.record.code_of(document, "paper")
        result = case.record.code_of(document, "result")
        return {
            "file": quote(name, safe=" ()") if not name.startswith(".") else f"_{quote(name, safe=' ()')}",
            "document": document,
            "code": code.text if code else None,
            "result_code": result.text if result else None,
            "title": paper["title"] if paper else None,
            "number": paper["number"] if paper else None,
            "date": paper["date"] if paper else None,
            "doubtful": paper["doubtful"] if paper else [],
            "signature_level": paper["signature_level"] if paper else None,
            "sha256": held.sha256,
            "size": held.size,
            "too_large": bool(self._limit) and held.size > self._limit,
        }

    def _stored(self, document: str, papers: dict[str, dict[str, Any]]) -> bool:
        return document not in papers or papers[document]["state"] == "stored"

    def _newest(self, document: str) -> Any:
        """The newest signed file of a document, as the catalogue pins it."""
        rows = [row for row in self._parts.records.catalogue.everything(document) if row.role == "document"]
        if not rows:
            raise UsageError(f"{document} is not stored", vi=f"Giấy tờ {document} không còn trong kho")
        return max(rows, key=lambda row: row.version)

    def _is_there(self, plan: dict[str, Any], target: Path) -> bool:
        """Whether the folder holds exactly this set, byte for byte."""
        wanted = {file["file"]: file["sha256"] for file in _files(plan)}
        try:
            if (target / INDEX).read_bytes() != _index(plan):
                return False
            present = {path.name: hash_file(path) for path in target.iterdir() if path.name != INDEX}
        except OSError:
            return False
        return present == wanted

    def _put(self, plan: dict[str, Any], folder: Path, target: Path) -> None:
        """Everything under a hidden name first, then into place by renaming."""
        part = folder / f".{target.name}.{uuid.uuid4().hex[:8]}.part"
        old = folder / f".{target.name}.{uuid.uuid4().hex[:8]}.old"
        try:
            part.mkdir()
            for file in _files(plan):
                self._fetch(file, part / file["file"])
            write_whole(part / INDEX, _index(plan), "application/json")
            if target.exists():
                target.rename(old)
            part.rename(target)
            sync_folder(folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)
            if target.exists():
                shutil.rmtree(old, ignore_errors=True)
            elif old.exists():
                old.rename(target)

    def _fetch(self, file: dict[str, Any], into: Path) -> None:
        """The bytes that the plan names, whatever version they are of by now. Raises Tampered when they are lost."""
        rows = self._parts.records.catalogue.everything(file["document"])
        held = next((row for row in rows if row.role == "document" and row.sha256 == file["sha256"]), None)
        if held is None:
            raise Tampered(f"{file['document']} is not kept with these bytes any more")
        archive = self._parts.archive
        try:
            archive.fetch(held.key, Sha256(held.sha256), into)
        except Tampered:
            if not archive.recover(held.key, Sha256(held.sha256), into):
                raise

    def _case(self, code: str) -> Case:
        return case_of(self._parts.casework, self._parts.types, code, datetime.now(VIETNAM).date())

    def _note(self, code: str, plan: dict[str, Any], actor: str) -> None:
        self._parts.records.ledger.note(
            act="return_set",
            actor=actor,
            agency=self._agency.code,
            objects=[code, *(file["document"] for file in _files(plan))],
            details={
                "set_sha256": plan["set_sha256"],
                "files": len(_files(plan)),
                "complete": plan["complete"],
            },
        )


def _files(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [file for one in (*plan["papers"], *plan["results"]) for file in one["files"]]


def _index(plan: dict[str, Any]) -> bytes:
    return (json.dumps(plan, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()
