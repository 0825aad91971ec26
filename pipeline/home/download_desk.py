"""`sohoa get`: the signed file, the originals, a compact copy, or the text, to where the user asked."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.settings import Settings
from pipeline.errors import Tampered, UsageError
from pipeline.files import write_whole
from pipeline.home.server import Progress
from pipeline.model import Origin, Sha256
from pipeline.paths import HomePaths
from pipeline.pdf.coded_page import code_page, not_ours
from pipeline.pdf.compact import write_access_copy
from pipeline.pdf.halves import sheets_of
from pipeline.records import load
from pipeline.refused_path import no_folder, taken
from pipeline.sidecar import Sidecar
from pipeline.transcript.forms import FORMS
from pipeline.wire import Parts
from signing.lettering import FONT
from storage.disposal_rows import refuse_disposed

FAITHFUL, COMPACT, JOINED = "faithful", "compact", "joined"


@dataclass(frozen=True, slots=True)
class _Wanted:
    """One file to write: `key` and `sha256` are of the object that it is or comes from."""

    key: str
    sha256: Sha256
    name: str


class DownloadDesk:
    """Every download is an entry of the ledger before anything leaves; what is derived is never stored."""

    def __init__(self, parts: Parts, paths: HomePaths, settings: Settings) -> None:
        self._parts = parts
        self._work = paths.work / "copies"
        self._agency = settings.agency.code

    def get(self, arguments: dict[str, Any], actor: str, progress: Progress) -> dict[str, Any]:
        """Write what was asked for. Raises UsageError for what is not there, or would overwrite a file."""
        document = str(arguments["document"])
        form, profile = arguments.get("format"), str(arguments.get("profile") or FAITHFUL)
        original = bool(arguments.get("original"))
        if (form and form not in FORMS) or profile not in (FAITHFUL, COMPACT, JOINED):
            raise UsageError(f"there is no {form or profile}", vi=f"Không có dạng {form or profile}")
        if original + bool(form) + (profile != FAITHFUL) > 1:
            raise UsageError(
                "originals, a compact copy and a text are three things; ask for one",
                vi="Chỉ chọn một: --original, --profile compact (joined) hoặc --format",
            )
        version = self._version(document, arguments.get("version"))
        wanted = self._wanted(document, version, form, profile, original)
        targets = _targets(arguments, [item.name for item in wanted], original=original)
        sidecar = self._sidecar(document, version) if form or profile != FAITHFUL else None
        if profile != FAITHFUL and sidecar is not None and sidecar.paper.origin is Origin.INCOMING_SIGNED:
            raise not_ours()
        sheets = self._sheets(sidecar, arguments) if profile == JOINED and sidecar is not None else None
        what = form or ("originals" if original else profile)
        details = {"what": what, "version": version, "purpose": str(arguments.get("purpose") or "")[:200]}
        self._parts.records.ledger.note(
            act="download",
            actor=actor,
            agency=self._agency,
            objects=[document],
            details={key: value for key, value in details.items() if value},
        )
        files = []
        for item, target in zip(wanted, targets, strict=True):
            if form and sidecar:
                make, _, media_type = FORMS[form]
                blob = write_whole(target, make(sidecar).encode(), media_type)
                files.append({"path": str(target), "sha256": blob.sha256, "recovered": False})
            elif sidecar:
                files.append(self._compact(item, sidecar, target, progress, sheets))
            else:
                recovered = self._fetch(item.key, item.sha256, target)
                files.append({"path": str(target), "sha256": item.sha256, "recovered": recovered})
        return {"document": document, "files": files}

    def _version(self, document: str, asked: int | None) -> int:
        """The newest version, or the one asked for."""
        rows = self._parts.records.catalogue.everything(document)
        there = sorted({row.version for row in rows if row.role == "document"})
        if not there:
            refuse_disposed(self._parts.records.database, document)
            raise UsageError(
                f"no stored document {document}; `sohoa find` looks for it",
                vi=f"Không có giấy tờ {document} trong kho; tìm bằng `sohoa find`",
            )
        if asked is None or asked in there:
            return int(asked or there[-1])
        known = ", ".join(str(one) for one in there)
        raise UsageError(
            f"{document} has no version {asked}; there is {known}",
            vi=f"Giấy tờ {document} không có phiên bản {asked}; có: {known}",
        )

    def _wanted(
        self, document: str, version: int, form: str | None, profile: str, original: bool
    ) -> list[_Wanted]:
        held = self._parts.records.catalogue.objects(document, original=original, version=version)
        if original:
            return [_Wanted(one.key, one.sha256, one.name) for one in held]
        name = f"{document}.pdf"
        if form:
            name = f"{document}.{FORMS[form][1]}"
        elif profile != FAITHFUL:
            name = f"{document}.{profile}.pdf"
        return [_Wanted(held[0].key, held[0].sha256, name)]

    def _sidecar(self, document: str, version: int) -> Sidecar:
        rows = self._parts.records.catalogue.everything(document)
        row = next((row for row in rows if row.role == "sidecar" and row.version == version), None)
        if row is None:
            raise Tampered(
                f"the catalogue knows no text of {document}; run `sohoa rebuild`",
                vi=f"Danh mục không có phần chữ của {document}; hãy chạy `sohoa rebuild`",
            )
        folder = self._room()
        try:
            self._fetch(row.key, Sha256(row.sha256), folder / "sidecar.json")
            return load(Sidecar, (folder / "sidecar.json").read_bytes())
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _sheets(self, sidecar: Sidecar, arguments: dict[str, Any]) -> list[tuple[int, ...]]:
        """The halves of large sheets, as the scanner's roles or the person who asks tell them."""
        batches, roles = self._parts.records.batches, {}
        if batches.source_of(sidecar.batch) is not None:
            roles = {file.blob.sha256: file.role for file in batches.intake(sidecar.batch).files}
        said = [int(number) - 1 for number in arguments.get("halves") or ()]
        return sheets_of([roles.get(page.source_sha256) for page in sidecar.pages], said)

    def _compact(
        self,
        item: _Wanted,
        sidecar: Sidecar,
        target: Path,
        progress: Progress,
        sheets: list[tuple[int, ...]] | None,
    ) -> dict[str, Any]:
        """Pages are told apart side by side in the children that also read pages."""
        folder = self._room()
        try:
            recovered = self._fetch(item.key, item.sha256, folder / "signed.pdf")
            tasks = [
                self._parts.pool.submit(code_page, folder / "signed.pdf", number)
                for number in range(len(sidecar.pages))
            ]
            pages = []
            for task in tasks:
                pages.append(task.result())
                progress({"stage": "copy", "done": len(pages), "total": len(tasks)})
            blob = write_access_copy(pages, sidecar, target, font=FONT, sheets=sheets)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return {"path": str(target), "sha256": blob.sha256, "recovered": recovered}

    def _fetch(self, key: str, sha256: Sha256, target: Path) -> bool:
        """Into a file; whether it had to be dug out from under another version."""
        archive = self._parts.archive
        try:
            archive.fetch(key, sha256, target)
        except Tampered:
            if not archive.recover(key, sha256, target):
                raise
            return True
        return False

    def _room(self) -> Path:
        folder = self._work / uuid.uuid4().hex
        folder.mkdir(parents=True)
        return folder


def _targets(arguments: dict[str, Any], names: Sequence[str], *, original: bool) -> list[Path]:
    """Where each file goes. A path that ends in a slash, or is a folder, is one; so is that of several files."""
    output = Path(arguments["output"])
    if not output.parent.is_dir():
        raise no_folder(output)
    if output.is_dir() or arguments.get("folder") or len(names) > 1:
        targets = [output / name for name in _apart(names)]
    else:
        targets = [output]
    there = [path for path in (output, *targets) if path.exists() and not path.is_dir()]
    if there and not (arguments.get("force") and there[0] in targets):
        raise taken(there[0])
    return targets


def _apart(names: Sequence[str]) -> list[str]:
    """Two originals of one name, from two folders, get a number before it."""
    return [
        name if names.count(name) == 1 else f"{number:03d}-{name}" for number, name in enumerate(names, 1)
    ]
