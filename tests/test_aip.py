"""An archive package by the public schemas of METS, PREMIS and E-ARK CSIP, and what it says of real signatures."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from cryptography import x509
from lxml import etree
from openpyxl import load_workbook

import config
from pipeline.model import Level, SignedDocument
from signing.signature_value import values_of
from storage.aip import ArchiveCodes, object_id, write_aip
from storage.aip_records import AipDossier, AipPaper, Signature
from storage.lists import dossier_lists
from storage.workbook import write_workbook
from storage.xml_document import CSIP, METS, PREMIS, XLINK

SCHEMAS = Path(__file__).parent.parent / "storage" / "schemas"
CODE = "H26.19-260305-0001"
NAMES = {"m": METS, "p": PREMIS}


class Local(etree.Resolver):  # type: ignore[misc]
    """The schemas name each other by their addresses; here they lie side by side."""

    def resolve(self, url: str, public: str, context: Any) -> Any:
        return self.resolve_filename(str(SCHEMAS / url.rpartition("/")[2]), context)


def schema(*names: str) -> etree.XMLSchema:
    parser = etree.XMLParser()
    parser.resolvers.add(Local())
    if len(names) == 1:
        return etree.XMLSchema(etree.parse(SCHEMAS / names[0], parser))
    imports = "".join(
        f'<xs:import namespace="{space}" schemaLocation="{name}"/>'
        for name, space in zip(names, (METS, CSIP), strict=True)
    )
    return etree.XMLSchema(
        etree.fromstring(
            f'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">{imports}</xs:schema>', parser
        )
    )


def paper(name: str, path: Path, **more: Any) -> AipPaper:
    view = {
        "id": f"d_{name}", "type_name": "Quyết định", "title": "về việc <cấp> phép & \x0bxây dựng", "number": "04/QĐ-UBND",
        "date": "2026-03-05", "issuer": "Ủy ban nhân dân xã Tân Phú", "signer": None, "doubtful": [], "pages": [0, 1],
        "origin": "captured", "signature_level": "B-LTA", "pdf_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        **more,
    }  # fmt: skip
    signatures = tuple(Signature(v.signer, v.method, v.value, v.certificate) for v in values_of(path))
    return AipPaper(name=name, path=path, view=view, verdict="TOTAL_PASSED", signatures=signatures)


@pytest.fixture(scope="module")
def dossier(
    signed: Callable[[Level], SignedDocument], tmp_path_factory: pytest.TempPathFactory
) -> AipDossier:
    second = tmp_path_factory.mktemp("aip") / "x.pdf"
    second.write_bytes(signed(Level.B).pdf.path.read_bytes())
    return AipDossier(
        dossier=CODE,
        agency_code="H26.19",
        agency_name="Ủy ban nhân dân xã Tân Phú",
        software="sohoa 0.1.0",
        made=datetime(2026, 11, 25, 7, tzinfo=UTC),
        received=datetime(2026, 3, 5, 1, tzinfo=UTC),
        papers=[
            paper(f"{CODE}.1.pdf", signed(Level.T).pdf.path),
            paper(f"{CODE}.2.pdf", second, type_name="Đơn", number="7", doubtful=["number", "date"]),
        ],
        shelf="K1/G02/H15",
    )


@pytest.fixture(scope="module")
def folder(dossier: AipDossier, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, unpacked."""
    out = tmp_path_factory.mktemp("out")
    codes = ArchiveCodes.load(Path(config.__path__[0]) / "archive_codes.toml")
    identity = write_aip(dossier, codes, out / "a.zip")
    with zipfile.ZipFile(out / "a.zip") as package:
        package.extractall(out)
    assert identity == object_id(dossier) and identity.startswith("urn:uuid:")
    return out / identity.replace(":", "_")


def test_every_document_is_valid_by_its_schema(folder: Path) -> None:
    mets, premis = schema("mets1_12.xsd", "DILCISExtensionMETS.xsd"), schema("premis.xsd")
    rep = folder / "representations" / "rep1"
    for path in (folder / "METS.xml", rep / "METS.xml"):
        mets.assertValid(etree.parse(path))
    for path in (folder / "metadata/preservation/PREMIS.xml", rep / "metadata/preservation/PREMIS_rep1.xml"):
        premis.assertValid(etree.parse(path))
    schema("ead.xsd").assertValid(etree.parse(folder / "metadata/descriptive/EAD.xml"))
    described = sorted((rep / "metadata/descriptive").iterdir())
    assert [path.name for path in described] == [f"EAD_doc_{CODE}.{n}.xml" for n in (1, 2)]
    for path in described:
        schema("ead_doc.xsd").assertValid(etree.parse(path))
    broken = etree.parse(folder / "METS.xml")
    broken.getroot().append(etree.Element(f"{{{METS}}}nothing"))
    assert not mets.validate(broken), "the schema does judge"


def test_every_file_is_named_with_its_size_and_digest(folder: Path) -> None:
    named = set()
    for mets in (folder / "METS.xml", folder / "representations/rep1/METS.xml"):
        root = etree.parse(mets).getroot()
        for one in [*root.iterfind(".//m:mdRef", NAMES), *root.iterfind(".//m:file", NAMES)]:
            place = one if one.tag.endswith("mdRef") else one.find("m:FLocat", NAMES)
            path = mets.parent / unquote(place.get(f"{{{XLINK}}}href"))
            content = path.read_bytes()
            assert (one.get("SIZE"), one.get("CHECKSUM")) == (
                str(len(content)),
                hashlib.sha256(content).hexdigest().upper(),
            )
            named.add(path)
    there = {path for path in folder.rglob("*") if path.is_file()}
    assert there - named == {folder / "METS.xml"}
    root = etree.parse(folder / "METS.xml").getroot()
    assert root.get("OBJID") == folder.name.replace("_", ":") and root.get("TYPE") == "Mixed"
    assert root.find("m:metsHdr", NAMES).get("CREATEDATE") == "2026-11-25T14:00:00.000+07:00"
    assert root.find("m:metsHdr", NAMES).get(f"{{{CSIP}}}OAISPACKAGETYPE") == "AIP"


def test_the_fields_say_what_is_sure(folder: Path) -> None:
    ead = {one.tag: one.text for one in etree.parse(folder / "metadata/descriptive/EAD.xml").getroot()}
    assert (ead["arcFileCode"], ead["paperFileCode"]) == (f"H26.19.{CODE}", f"H26.19.K1/G02/H15.{CODE}")
    assert (ead["confidenceLevel"], ead["maintenance"], ead["totalDoc"], ead["numberOfPage"]) == (
        "02",
        "07",
        "2",
        "4",
    )
    assert (ead["startDate"], ead["endDate"]) == ("05/03/2026", "05/03/2026")
    rep = folder / "representations/rep1/metadata/descriptive"
    first, second = (
        {one.tag: one.text for one in etree.parse(rep / f"EAD_doc_{CODE}.{n}.xml").getroot()} for n in (1, 2)
    )
    assert (first["typeName"], first["codeNumber"], first["codeNotation"]) == ("02", "04", "QĐ-UBND")
    assert first["subject"] == "về việc <cấp> phép & xây dựng" and first["docCode"].endswith(".0000001")
    assert second["typeName"] == "32" and not {"codeNumber", "issuedDate"} & second.keys()


def test_signatures_stand_in_premis_as_they_are_in_the_file(folder: Path, dossier: AipDossier) -> None:
    root = etree.parse(folder / "representations/rep1/metadata/preservation/PREMIS_rep1.xml").getroot()
    first, _ = root.iterfind("p:object", NAMES)
    values = [one.text for one in first.iterfind(".//p:signatureValue", NAMES)]
    assert len(values) == 2 and values == [one.value for one in dossier.papers[0].signatures]
    content = dossier.papers[0].path.read_bytes()
    assert base64.b64decode(values[0]).hex().encode() in content.lower()
    (certificate, _) = (
        x509.load_der_x509_certificate(base64.b64decode(k[0].text))
        for k in first.iterfind(".//p:keyInformation", NAMES)
    )
    assert "DEMO" in certificate.subject.rfc4514_string()
    outcomes = [one.text for one in root.iterfind(".//p:eventOutcome", NAMES)]
    assert outcomes == ["TOTAL_PASSED", "TOTAL_PASSED"]


def test_the_package_of_the_same_papers_has_the_same_id(dossier: AipDossier) -> None:
    assert object_id(dossier) == object_id(replace(dossier, made=datetime.now(UTC)))
    assert object_id(dossier) != object_id(replace(dossier, papers=dossier.papers[:1]))


def test_the_lists_of_an_archive(dossier: AipDossier, tmp_path: Path) -> None:
    papers = [(one.name, one.view) for one in dossier.papers]
    sheets = dossier_lists(CODE, papers, agency=dossier.agency_name, shelf="K1/G02/H15", years=50)
    write_workbook(sheets, tmp_path / "a.xlsx")
    book = load_workbook(tmp_path / "a.xlsx")
    assert book.sheetnames == ["Mục lục hồ sơ", "Mục lục văn bản"]
    row = [cell.value for cell in book["Mục lục hồ sơ"][4]]
    assert row[:8] == [1, "K1/G02/H15", CODE, f"Hồ sơ {CODE}", "05/03/2026 - 05/03/2026", "50 năm", 2, 4]
    first, second = ([cell.value for cell in book["Mục lục văn bản"][n]] for n in (4, 5))
    assert first[1:3] == ["04/QĐ-UBND", "05/03/2026"] and second[1:3] == ["7 (?)", "05/03/2026 (?)"]
    assert second[8] == papers[1][1]["pdf_sha256"]
