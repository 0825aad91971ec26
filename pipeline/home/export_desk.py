"""`sohoa export`: a dossier's files out of the bucket, each checked against its digest, into one package."""

from __future__ import annotations

import shutil
import uuid
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

import config
from config.settings import Settings
from pipeline.errors import Tampered, UsageError
from pipeline.home.server import Progress
from pipeline.model import Sha256
from pipeline.paths import HomePaths
from pipeline.refused_path import check_place, taken
from pipeline.wire import Parts
from storage.aip import ArchiveCodes, write_aip
from storage.aip_records import AipDossier, AipPaper, Signature
from storage.lists import dossier_lists
from storage.packages import Contents, Item, write_bag, write_zip
from storage.workbook import write_workbook

FORMATS = ("aip", "bagit", "zip", "xlsx")


class ExportDesk:
    """Makes one package a call; the ledger knows before anything leaves."""

    def __init__(self, parts: Parts, paths: HomePaths, settings: Settings) -> None:
        self._parts = parts
        self._work = paths.work / "export"
        self._agency = settings.agency

    def run(self, arguments: dict[str, Any], actor: str, progress: Progress) -> dict[str, Any]:
        """The signed files; in a bag also originals, sidecars and manifests. Raises Tampered when one is lost."""
        code, form, output = str(arguments["dossier"]), str(arguments["format"]), Path(arguments["output"])
        if form not in FORMATS:
            raise UsageError(f"no format {form}; there are {', '.join(FORMATS)}", vi=f"Không có dạng {form}")
        check_place(output)
        if output.exists() and not arguments.get("force"):
            raise taken(output)
        view = self._parts.records.catalogue.dossier(code)
        stored = [paper for paper in (view or {"documents": []})["documents"] if paper["state"] == "stored"]
        if view is None or not stored:
            raise UsageError(
                f"nothing of dossier {code} is stored; `sohoa find` looks for it by name or number",
                vi=f"Không có hồ sơ {code} trong kho; tìm theo tên, số: `sohoa find`",
            )
        if form == "aip" and not arguments.get("shelf") and any(p["origin"] == "captured" for p in stored):
            raise UsageError(
                "an archive package of digitised papers says where the paper lies; add --shelf STORE/RACK/BOX",
                vi="Gói AIP của hồ sơ số hóa phải ghi nơi để hồ sơ giấy; thêm --shelf KHO/GIÁ/HỘP",
            )
        self._note(actor, code, [paper["id"] for paper in stored], form, arguments.get("purpose"))
        work = self._work / uuid.uuid4().hex
        work.mkdir(parents=True)
        try:
            papers = [(f"{quote(code, safe='')}.{n}.pdf", paper) for n, paper in enumerate(stored, 1)]
            items = [] if form == "xlsx" else self._signed(papers, work, progress)
            if form == "bagit":
                items += self._beside(stored, work)
            contents = Contents(
                dossier=code,
                agency=f"{self._agency.name} ({self._agency.code})",
                made=datetime.now(UTC),
                papers=papers,
                items=items,
            )
            if form == "bagit":
                write_bag(contents, quote(code, safe=""), output)
            elif form == "aip":
                write_aip(self._aip(contents, arguments.get("shelf")), self._codes(), output)
            elif form == "xlsx":
                lists = dossier_lists(
                    code, papers, agency=contents.agency, shelf=arguments.get("shelf"), years=None
                )
                write_workbook(lists, output)
            else:
                write_zip(contents, output)
        finally:
            shutil.rmtree(work, ignore_errors=True)
        waiting = len(view["documents"]) - len(stored)
        return {"path": str(output), "documents": len(stored), "files": len(items), "waiting": waiting}

    def _codes(self) -> ArchiveCodes:
        return ArchiveCodes.load(Path(config.__path__[0]) / "archive_codes.toml")

    def _aip(self, contents: Contents, shelf: str | None) -> AipDossier:
        """Each signed file with its signatures and with what they are worth just now."""
        verifier = self._parts.verifier
        papers = []
        for (name, view), item in zip(contents.papers, contents.items, strict=True):
            verdict = verifier.verify_file(
                item.path,
                expected=view["pdf_sha256"],
                target=view["id"],
                expect_signed=bool(view["signature_level"]),
            )
            values = verifier.signature_values(item.path)
            signatures = tuple(Signature(v.signer, v.method, v.value, v.certificate) for v in values)
            papers.append(
                AipPaper(
                    name=name, path=item.path, view=view, verdict=verdict.verdict.value, signatures=signatures
                )
            )
        return AipDossier(
            dossier=contents.dossier,
            agency_code=self._agency.code,
            agency_name=self._agency.name,
            software=f"sohoa {version('sohoa')}",
            made=contents.made,
            received=self._parts.records.catalogue.received(contents.dossier) or contents.made,
            papers=papers,
            shelf=shelf,
        )

    def _signed(self, papers: list[tuple[str, dict[str, Any]]], work: Path, progress: Progress) -> list[Item]:
        items = []
        for number, (name, paper) in enumerate(papers, 1):
            items.append(self._item(name, paper["key"], paper["pdf_sha256"], work))
            progress({"stage": "export", "done": number, "total": len(papers)})
        return items

    def _beside(self, stored: list[dict[str, Any]], work: Path) -> list[Item]:
        """Everything else of these documents that the catalogue pins, under the names that the bucket gives."""
        items: dict[str, Item] = {}
        mine = {paper["key"] for paper in stored}
        for paper in stored:
            for held in self._parts.records.catalogue.everything(paper["id"]):
                name = f"{held.role}/{PurePosixPath(held.key).name}"
                if held.key not in mine and name not in items:
                    items[name] = self._item(name, held.key, held.sha256, work)
        return list(items.values())

    def _item(self, name: str, key: str, sha256: str, work: Path) -> Item:
        path = work / name
        path.parent.mkdir(exist_ok=True)
        archive = self._parts.archive
        try:
            archive.fetch(key, Sha256(sha256), path)
        except Tampered:
            if not archive.recover(key, Sha256(sha256), path):
                raise
        return Item(name, path)

    def _note(self, actor: str, code: str, documents: list[str], form: str, purpose: str | None) -> None:
        self._parts.records.ledger.note(
            act="export",
            actor=actor,
            agency=self._agency.code,
            objects=[code, *documents],
            details={"format": form, **({"purpose": purpose[:200]} if purpose else {})},
        )
