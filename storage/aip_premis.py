"""The two PREMIS 3 documents of an archive package: what it is made of, what was done to it and by whom."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from xml.etree import ElementTree as ET

from storage.aip_mets import Resource
from storage.aip_records import AipDossier, AipPaper, Signature
from storage.xml_document import PREMIS, XSI, child, serialized

XMLDSIG = "http://www.w3.org/2000/09/xmldsig#"
LOCAL = "local"
RULES = "ETSI EN 319 102-1"


def package_premis(dossier: AipDossier, identity: str, at: datetime) -> bytes:
    """PREMIS.xml: the dossier as a whole, and how this package came to be."""
    root = _premis()
    thing = _object(root, "intellectualEntity", "URI", identity)
    child(thing, "originalName", dossier.dossier)
    name = f"{len(dossier.papers)} giấy tờ, {sum(len(p.view['pages']) for p in dossier.papers)} trang"
    _event(root, "transfer", dossier.received, "Số hóa hồ sơ giấy", "success", dossier, identity)
    _event(root, "fixity check", at, "SHA-256 của từng tệp đọc từ kho", "success", dossier, identity)
    _event(root, "information package creation", at, name, "success", dossier, identity)
    _agents(root, dossier)
    return serialized(root)


def representation_premis(dossier: AipDossier, files: Sequence[Resource], at: datetime) -> bytes:
    """PREMIS_rep1.xml: every PDF with its digest and signatures, and how they were judged when the package was made."""
    root = _premis()
    for paper, file in zip(dossier.papers, files, strict=True):
        _file(root, paper, file)
    for paper, file in zip(dossier.papers, files, strict=True):
        _event(root, "digital signature validation", at, RULES, paper.verdict, dossier, file.name)
    _agents(root, dossier)
    return serialized(root)


def _premis() -> ET.Element:
    root = ET.Element(f"{{{PREMIS}}}premis", version="3.0")
    root.set(f"{{{XSI}}}schemaLocation", f"{PREMIS} https://www.loc.gov/standards/premis/premis.xsd")
    return root


def _object(root: ET.Element, kind: str, id_type: str, identity: str) -> ET.Element:
    made = child(root, "object")
    made.set(f"{{{XSI}}}type", f"premis:{kind}")
    name = child(made, "objectIdentifier")
    child(name, "objectIdentifierType", id_type)
    child(name, "objectIdentifierValue", identity)
    return made


def _file(root: ET.Element, paper: AipPaper, file: Resource) -> None:
    made = _object(root, "file", LOCAL, file.name)
    facts = child(made, "objectCharacteristics")
    fixity = child(facts, "fixity")
    child(fixity, "messageDigestAlgorithm", "SHA-256")
    child(fixity, "messageDigest", file.sha256.upper())
    child(facts, "size", str(file.size))
    shape = child(child(facts, "format"), "formatDesignation")
    child(shape, "formatName", file.media_type)
    child(made, "originalName", paper.view["id"])
    place = child(made, "storage")
    location = child(place, "contentLocation")
    child(location, "contentLocationType", "relative path")
    child(location, "contentLocationValue", file.name)
    for one in paper.signatures:
        _signature(made, one)


def _signature(parent: ET.Element, one: Signature) -> None:
    made = child(child(parent, "signatureInformation"), "signature")
    child(made, "signatureEncoding", "Base64")
    child(made, "signer", one.signer)
    child(made, "signatureMethod", one.method)
    child(made, "signatureValue", one.value)
    child(made, "signatureValidationRules", RULES)
    key = child(made, "keyInformation")
    ET.SubElement(key, f"{{{XMLDSIG}}}X509Certificate").text = one.certificate


def _event(
    root: ET.Element, kind: str, at: datetime, detail: str, outcome: str, dossier: AipDossier, of: str
) -> None:
    made = child(root, "event")
    name = child(made, "eventIdentifier")
    child(name, "eventIdentifierType", "UUID")
    seed = f"{dossier.agency_code}\n{dossier.dossier}\n{kind}\n{of}\n{at.isoformat()}"
    child(name, "eventIdentifierValue", str(uuid.uuid5(uuid.NAMESPACE_URL, seed)).upper())
    child(made, "eventType", kind)
    child(made, "eventDateTime", at.isoformat(timespec="milliseconds"))
    child(child(made, "eventDetailInformation"), "eventDetail", detail)
    child(child(made, "eventOutcomeInformation"), "eventOutcome", outcome)
    agent = child(made, "linkingAgentIdentifier")
    child(agent, "linkingAgentIdentifierType", LOCAL)
    child(agent, "linkingAgentIdentifierValue", dossier.software)
    thing = child(made, "linkingObjectIdentifier")
    child(thing, "linkingObjectIdentifierType", "URI" if of.startswith("urn:") else LOCAL)
    child(thing, "linkingObjectIdentifierValue", of)


def _agents(root: ET.Element, dossier: AipDossier) -> None:
    name, _, version = dossier.software.partition(" ")
    _agent(root, dossier.software, name, "software", version)
    _agent(root, dossier.agency_code, dossier.agency_name, "organization", None)


def _agent(root: ET.Element, identity: str, name: str, kind: str, version: str | None) -> None:
    made = child(root, "agent")
    own = child(made, "agentIdentifier")
    child(own, "agentIdentifierType", LOCAL)
    child(own, "agentIdentifierValue", identity)
    child(made, "agentName", name)
    child(made, "agentType", kind)
    if version:
        child(made, "agentVersion", version)
