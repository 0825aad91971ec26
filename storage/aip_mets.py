"""The two METS documents of an archive package (E-ARK CSIP 2): what belongs to it, by place, size and digest."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote
from xml.etree import ElementTree as ET

from storage.aip_records import AipDossier
from storage.xml_document import CSIP, METS, XLINK, XSI, child, serialized

CSIP_PROFILE = "https://earkcsip.dilcis.eu/profile/E-ARK-CSIP.xml"
AIP_PROFILE = "http://www.ra.ee/METS/v01/IP.xml"
"""Profile of the package's own METS as the accepted sample package of the circular names it."""
XML = "application/xml"


@dataclass(frozen=True, slots=True)
class Resource:
    """A file of a package: its name seen from the METS that lists it, size in bytes, SHA-256, type."""

    name: str
    size: int
    sha256: str
    media_type: str

    @classmethod
    def of(cls, name: str, content: bytes, media_type: str = XML) -> Resource:
        return cls(name, len(content), hashlib.sha256(content).hexdigest(), media_type)


@dataclass(frozen=True, slots=True)
class Described:
    """A document's description and the file that it is of."""

    description: Resource
    file: Resource


def package_mets(
    dossier: AipDossier,
    identity: str,
    *,
    ead: Resource,
    premis: Resource,
    schemas: Sequence[Resource],
    documentation: Resource,
    representation: Resource,
    at: datetime,
) -> bytes:
    """METS.xml at the root."""
    root = _mets(dossier, identity, AIP_PROFILE, at, schemas="schemas")
    described = _described(root, ead, at)
    preserved = _preserved(root, premis, at)
    files = child(root, "fileSec", ID=_id("fileSec", identity))
    groups = {
        "Documentation": _group(files, "Documentation", [documentation], at),
        "Schemas": _group(files, "Schemas", schemas, at),
        "Representations/rep1": _group(files, "Representations/rep1", [representation], at),
    }
    top = _structure(root, identity)
    child(top, "div", ID=_id("div", "metadata"), LABEL="Metadata", DMDID=described, ADMID=preserved)
    for name in ("Documentation", "Schemas"):
        box = child(top, "div", ID=_id("div", name), LABEL=name)
        child(box, "fptr", FILEID=groups[name].get("ID", ""))
    rep = child(top, "div", ID=_id("div", "rep1"), LABEL="Representations/rep1")
    pointer = child(rep, "mptr", LOCTYPE="URL")
    pointer.set(f"{{{XLINK}}}type", "simple")
    pointer.set(f"{{{XLINK}}}href", quote(representation.name))
    pointer.set(f"{{{XLINK}}}title", groups["Representations/rep1"].get("ID", ""))
    return serialized(root)


def representation_mets(
    dossier: AipDossier, described: Sequence[Described], premis: Resource, at: datetime
) -> bytes:
    """METS.xml of the one representation: the PDFs, each with its description."""
    root = _mets(dossier, "rep1", CSIP_PROFILE, at, schemas="../../schemas")
    descriptions = [_described(root, one.description, at) for one in described]
    preserved = _preserved(root, premis, at)
    files = child(root, "fileSec", ID=_id("fileSec", "rep1"))
    group = _group(files, "Data", [one.file for one in described], at)
    top = _structure(root, "rep1")
    child(
        top,
        "div",
        ID=_id("div", "rep1 metadata"),
        LABEL="Metadata",
        DMDID=" ".join(descriptions),
        ADMID=preserved,
    )
    data = child(top, "div", ID=_id("div", "rep1 data"), LABEL="Data")
    child(data, "fptr", FILEID=group.get("ID", ""))
    links = child(top, "div", ID=_id("div", "rep1 links"), LABEL="MetadataLink")
    for one, description in zip(described, descriptions, strict=True):
        link = child(links, "div", ID=_id("div", one.file.name), LABEL="MetadataLink/File", DMDID=description)
        child(link, "fptr", FILEID=_id("ID", one.file.name + one.file.sha256))
    return serialized(root)


def stamp(at: datetime) -> str:
    """`YYYY-MM-DDThh:mm:ss.sss+07:00`."""
    return at.isoformat(timespec="milliseconds")


def _mets(dossier: AipDossier, identity: str, profile: str, at: datetime, *, schemas: str) -> ET.Element:
    root = ET.Element(
        f"{{{METS}}}mets", OBJID=identity, LABEL=f"Hồ sơ {dossier.dossier}", TYPE="Mixed", PROFILE=profile
    )
    root.set(f"{{{CSIP}}}CONTENTINFORMATIONTYPE", "MIXED")
    root.set(
        f"{{{XSI}}}schemaLocation",
        f"{METS} {schemas}/mets1_12.xsd {XLINK} {schemas}/xlink.xsd {CSIP} {schemas}/DILCISExtensionMETS.xsd",
    )
    head = child(root, "metsHdr", CREATEDATE=stamp(at))
    head.set(f"{{{CSIP}}}OAISPACKAGETYPE", "AIP")
    maker = child(head, "agent", ROLE="CREATOR", TYPE="OTHER", OTHERTYPE="SOFTWARE")
    name, _, version = dossier.software.partition(" ")
    child(maker, "name", name)
    child(maker, "note", version).set(f"{{{CSIP}}}NOTETYPE", "SOFTWARE VERSION")
    office = child(head, "agent", ROLE="ARCHIVIST", TYPE="ORGANIZATION")
    child(office, "name", dossier.agency_name)
    child(office, "note", dossier.agency_code).set(f"{{{CSIP}}}NOTETYPE", "IDENTIFICATIONCODE")
    return root


def _described(root: ET.Element, of: Resource, at: datetime) -> str:
    section = child(root, "dmdSec", ID=_id("uuid", of.name + of.sha256), CREATED=stamp(at), STATUS="CURRENT")
    _reference(section, of, at, kind="DC", version="1.0.0")
    return section.get("ID", "")


def _preserved(root: ET.Element, of: Resource, at: datetime) -> str:
    section = child(root, "amdSec")
    made = child(
        section, "digiprovMD", ID=_id("uuid", of.name + of.sha256), CREATED=stamp(at), STATUS="CURRENT"
    )
    _reference(made, of, at, kind="PREMIS", version="3.0")
    return made.get("ID", "")


def _reference(parent: ET.Element, of: Resource, at: datetime, *, kind: str, version: str) -> None:
    made = child(
        parent, "mdRef", LOCTYPE="URL", MDTYPE=kind, MDTYPEVERSION=version, MIMETYPE=of.media_type,
        SIZE=str(of.size), CREATED=stamp(at), CHECKSUM=of.sha256.upper(), CHECKSUMTYPE="SHA-256",
    )  # fmt: skip
    made.set(f"{{{XLINK}}}type", "simple")
    made.set(f"{{{XLINK}}}href", quote(of.name))


def _group(files: ET.Element, use: str, members: Sequence[Resource], at: datetime) -> ET.Element:
    group = child(files, "fileGrp", ID=_id("uuid", use), USE=use)
    group.set(f"{{{CSIP}}}CONTENTINFORMATIONTYPE", "MIXED")
    for one in members:
        made = child(
            group, "file", ID=_id("ID", one.name + one.sha256), MIMETYPE=one.media_type, SIZE=str(one.size),
            CREATED=stamp(at), CHECKSUM=one.sha256.upper(), CHECKSUMTYPE="SHA-256",
        )  # fmt: skip
        place = child(made, "FLocat", LOCTYPE="URL")
        place.set(f"{{{XLINK}}}type", "simple")
        place.set(f"{{{XLINK}}}href", quote(one.name))
    return group


def _structure(root: ET.Element, label: str) -> ET.Element:
    structure = child(root, "structMap", ID=_id("uuid", f"structMap {label}"), TYPE="PHYSICAL", LABEL="CSIP")
    return child(structure, "div", ID=_id("uuid", f"top {label}"), LABEL=label)


def _id(kind: str, of: str) -> str:
    """An id that is the same for the same thing, so that a package made twice differs in its times only."""
    prefix = kind if kind in ("uuid", "ID") else "uuid"
    seed = f"{kind}\n{of}"
    return f"{prefix}-{str(uuid.uuid5(uuid.NAMESPACE_URL, seed)).upper()}"
