"""A dossier as AIP_hoso (Thông tư 05/2025/TT-BNV on E-ARK CSIP 2): METS, EAD, EAD_doc, PREMIS around signed PDFs.

Layout, names and fields follow a digest of the circular's annex; the public schemas lie in the package itself.
"""

from __future__ import annotations

import tomllib
import uuid
from pathlib import Path
from typing import Any

from pipeline.files import hash_file
from pipeline.model import Origin
from storage.aip_mets import Described, Resource, package_mets, representation_mets
from storage.aip_premis import package_premis, representation_premis
from storage.aip_records import AipDossier, AipPaper
from storage.packages import write_archive
from storage.proof import VIETNAM
from storage.xml_document import Fields, fields_document

SCHEMAS = Path(__file__).parent / "schemas"
REP = "representations/rep1"
CONDITIONAL, VIETNAMESE, NO = "02", "01", "0"
"""Mode 02: access under conditions, as papers of citizens are; language 01: Vietnamese."""


class ArchiveCodes:
    """The code lists in force, from `config/archive_codes.toml`."""

    def __init__(self, values: dict[str, Any]) -> None:
        self._values = values

    @classmethod
    def load(cls, path: Path) -> ArchiveCodes:
        return cls(tomllib.loads(path.read_text("utf-8")))

    def type_name(self, name: str) -> str:
        """Code of a kind of document; kinds that the list has not are `other`."""
        found = self._values["type_names"]
        own = [code for kind, code in found.items() if name.casefold().startswith(str(kind).casefold())]
        return str(own[0] if own else found["other"])

    def maintenance(self, years: int | None) -> str:
        found = self._values["maintenance"]
        return str(found.get(str(years), found["other"]))

    def confidence(self, origins: set[str]) -> str:
        """01 born digital, 02 digitised, 03 mixed."""
        found = self._values["confidence"]
        if origins == {Origin.CAPTURED.value}:
            return str(found["digitised"])
        return str(found["mixed" if Origin.CAPTURED.value in origins else "born_digital"])


def object_id(dossier: AipDossier) -> str:
    """`urn:uuid:…`, the same for the same papers."""
    content = "\n".join(
        [dossier.agency_code, dossier.dossier, *(p.view["pdf_sha256"] for p in dossier.papers)]
    )
    return f"urn:uuid:{str(uuid.uuid5(uuid.NAMESPACE_URL, content)).upper()}"


def write_aip(dossier: AipDossier, codes: ArchiveCodes, out: Path) -> str:
    """The package as one ZIP with one folder in it; returns its id."""
    identity, at = object_id(dossier), dossier.made.astimezone(VIETNAM)
    texts: dict[str, bytes] = {}
    data = [
        Resource(f"data/{p.name}", p.path.stat().st_size, hash_file(p.path), "application/pdf")
        for p in dossier.papers
    ]
    described = []
    for number, paper in enumerate(dossier.papers, 1):
        stem = paper.name.removesuffix(".pdf")
        name = f"metadata/descriptive/EAD_doc_{stem}.xml"
        texts[f"{REP}/{name}"] = fields_document(_document(dossier, number, paper, codes))
        described.append(Described(Resource.of(name, texts[f"{REP}/{name}"]), data[number - 1]))
    premis = "metadata/preservation/PREMIS_rep1.xml"
    texts[f"{REP}/{premis}"] = representation_premis(dossier, data, at)
    texts[f"{REP}/METS.xml"] = representation_mets(
        dossier, described, Resource.of(premis, texts[f"{REP}/{premis}"]), at
    )
    ead, own = "metadata/descriptive/EAD.xml", "metadata/preservation/PREMIS.xml"
    texts[ead] = fields_document(_dossier(dossier, codes))
    texts[own] = package_premis(dossier, identity, at)
    readme = "documentation/README.txt"
    texts[readme] = _readme(dossier, identity).encode()
    schemas = {f"schemas/{path.name}": path.read_bytes() for path in sorted(SCHEMAS.glob("*.xsd"))}
    texts["METS.xml"] = package_mets(
        dossier,
        identity,
        ead=Resource.of(ead, texts[ead]),
        premis=Resource.of(own, texts[own]),
        schemas=[Resource.of(name, content) for name, content in schemas.items()],
        documentation=Resource.of(readme, texts[readme], "text/plain"),
        representation=Resource.of(f"{REP}/METS.xml", texts[f"{REP}/METS.xml"]),
        at=at,
    )
    folder = identity.replace(":", "_")
    write_archive(
        out,
        [(f"{folder}/{name}", content) for name, content in {**texts, **schemas}.items()],
        [(f"{folder}/{REP}/data/{p.name}", p.path) for p in dossier.papers],
    )
    return identity


def _readme(dossier: AipDossier, identity: str) -> str:
    return (
        f"Gói lưu trữ AIP_hoso {identity}\nHồ sơ {dossier.dossier}, {dossier.agency_name} ({dossier.agency_code})\n"
        f"Lập bằng {dossier.software}. Bản ký số: representations/rep1/data. Mã băm SHA-256 của mọi tệp: METS.xml.\n"
        "Trường còn ngờ không ghi vào EAD; giá trị nhận dạng nằm trong kho của đơn vị nộp.\n"
    )


def file_code(dossier: AipDossier) -> str:
    """The archive's code and the dossier's, which stays as it was given (Thông tư 13/2023/TT-BNV)."""
    return f"{dossier.agency_code}.{dossier.dossier}"[:100]


def _dossier(dossier: AipDossier, codes: ArchiveCodes) -> Fields:
    days = sorted(
        p.view["date"] for p in dossier.papers if p.view["date"] and "date" not in p.view["doubtful"]
    )
    received = f"{dossier.received.astimezone(VIETNAM):%Y-%m-%d}"
    first, last = (days[0], days[-1]) if days else (received, received)
    doubtful = sum(bool(p.view["doubtful"]) for p in dossier.papers)
    levels = sorted({p.view["signature_level"] or "" for p in dossier.papers} - {""})
    return [
        ("arcFileCode", file_code(dossier)),
        ("title", f"Hồ sơ {dossier.dossier}"),
        ("maintenance", codes.maintenance(dossier.years)),
        ("mode", CONDITIONAL),
        ("language", VIETNAMESE),
        ("startDate", _day(first)),
        ("endDate", _day(last)),
        ("totalDoc", str(len(dossier.papers))),
        ("numberOfPage", str(sum(len(p.view["pages"]) for p in dossier.papers))),
        ("inforSign", ", ".join(levels)[:30] or None),
        ("confidenceLevel", codes.confidence({p.view["origin"] for p in dossier.papers})),
        (
            "paperFileCode",
            f"{dossier.agency_code}.{dossier.shelf}.{dossier.dossier}"[:100] if dossier.shelf else None,
        ),
        ("riskRecovery", NO),
        ("description", f"{doubtful} giấy tờ còn trường cần xác nhận" if doubtful else None),
    ]


def _document(dossier: AipDossier, number: int, paper: AipPaper, codes: ArchiveCodes) -> Fields:
    """A field that is still doubtful is left out: an archive takes every value for true."""
    view = {name: None if name in paper.view["doubtful"] else value for name, value in paper.view.items()}
    digits, _, notation = (view["number"] or "").partition("/")
    return [
        ("arcFileCode", file_code(dossier)),
        ("mode", CONDITIONAL),
        ("language", VIETNAMESE),
        ("numberOfPage", str(len(paper.view["pages"]))),
        ("inforSign", paper.view["signature_level"]),
        ("confidenceLevel", codes.confidence({paper.view["origin"]})),
        ("description", "Còn trường cần xác nhận" if paper.view["doubtful"] else None),
        ("docCode", f"{file_code(dossier)[:92]}.{number:07d}"),
        ("docOrdinal", str(number)),
        ("typeName", codes.type_name(paper.view["type_name"])),
        ("codeNumber", digits[:11] or None),
        ("codeNotation", notation[:30] or None),
        ("issuedDate", _day(view["date"]) if view["date"] else None),
        ("organName", (view["issuer"] or "")[:200] or None),
        ("subject", (view["title"] or paper.view["type_name"])[:500]),
        ("autograph", (view["signer"] or "")[:2000] or None),
        ("process", NO),
    ]


def _day(iso: str) -> str:
    return "/".join(reversed(iso.split("-")))
