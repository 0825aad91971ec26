"""Signed on another machine: a stand-in for the token client signs what was handed out, well, badly, or falsely."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_der_x509_certificate
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner
from pyhanko.sign.timestamps import TimeStamper
from pyhanko.stamp import TextStampStyle

from pipeline.errors import Rejected
from pipeline.model import Document
from signing.cms import SourceSigner
from signing.demo_pki import DemoPki
from signing.elsewhere import Named, check_returned
from signing.keys import Identity
from signing.timestamp import demo_authority
from tests.home_in_use import SCANS, Home, papers
from tests.pki import Authority
from tests.verapdf import broken_rules

NAME = "Nguyễn Văn An"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="module")
def officer(authority: Authority) -> Identity:
    return authority.issue(NAME)


@pytest.fixture(scope="module")
def ours(document: Document) -> bytes:
    return document.pdf.path.read_bytes()


Touch = Callable[[IncrementalPdfFileWriter], None]


def client(
    content: bytes,
    identity: Identity,
    *,
    field: str = "Signature1",
    box: tuple[int, int, int, int] | None = None,
    touch: Touch | None = None,
    cms: bool = False,
    timestamper: TimeStamper | None = None,
) -> bytes:
    """What the clerk's program does: fetch, sign as an incremental update, send back."""
    writer = IncrementalPdfFileWriter(io.BytesIO(content))
    if touch is not None:
        touch(writer)
    kind = fields.SigSeedSubFilter.ADOBE_PKCS7_DETACHED if cms else fields.SigSeedSubFilter.PADES
    spec = fields.SigFieldSpec(field, box=box) if box else fields.SigFieldSpec(field)
    signer = PdfSigner(
        PdfSignatureMetadata(field_name=field, subfilter=kind, md_algorithm="sha256"),
        SourceSigner(identity),
        timestamper=timestamper,
        new_field_spec=spec,
        stamp_style=TextStampStyle(stamp_text="Ky boi %(signer)s") if box else None,
    )
    out = io.BytesIO()
    signer.sign_pdf(writer, output=out)
    return out.getvalue()


def repaint(writer: IncrementalPdfFileWriter) -> None:
    page = writer.root["/Pages"]["/Kids"][0]
    extra = writer.add_object(generic.StreamObject(stream_data=b"1 0 0 rg 0 0 300 300 re f"))
    contents = page.raw_get("/Contents")
    page["/Contents"] = generic.ArrayObject(
        [*(contents if isinstance(contents, generic.ArrayObject) else [contents]), extra]
    )
    writer.update_container(page)


def note(writer: IncrementalPdfFileWriter) -> None:
    page = writer.root["/Pages"]["/Kids"][0]
    rectangle = generic.ArrayObject([generic.NumberObject(n) for n in (10, 10, 200, 200)])
    annotation = writer.add_object(
        generic.DictionaryObject(
            {
                pdf_name("/Type"): pdf_name("/Annot"),
                pdf_name("/Subtype"): pdf_name("/Text"),
                pdf_name("/Rect"): rectangle,
                pdf_name("/Contents"): generic.TextStringObject("Đã duyệt"),
            }
        )
    )
    page["/Annots"] = generic.ArrayObject([annotation])
    writer.update_container(page)


def script(writer: IncrementalPdfFileWriter) -> None:
    writer.root["/OpenAction"] = generic.DictionaryObject(
        {
            pdf_name("/S"): pdf_name("/JavaScript"),
            pdf_name("/JS"): generic.TextStringObject("app.alert(1)"),
        }
    )
    writer.update_root()


def refusal(ours: bytes, theirs: bytes, named: Named | None = None) -> str:
    with pytest.raises(Rejected) as caught:
        check_returned(ours, theirs, named or Named(subject=NAME))
    assert caught.value.vi != str(caught.value)
    return str(caught.value)


def test_one_signature_of_the_named_officer_is_accepted(
    ours: bytes, officer: Identity, tmp_path: Path
) -> None:
    signed = client(ours, officer)
    found = check_returned(ours, signed, Named(subject=NAME))
    assert (found.signer, found.cms, found.certificate) == (NAME, False, officer.certificate)
    path = tmp_path / "signed.pdf"
    path.write_bytes(signed)
    assert broken_rules(path) == []


def test_pinned_certificate_decides_not_the_name(
    ours: bytes, officer: Identity, authority: Authority
) -> None:
    import hashlib

    pinned = Named(certificate_sha256=hashlib.sha256(officer.certificate).hexdigest())
    assert check_returned(ours, client(ours, officer), pinned).signer == NAME
    namesake = authority.issue(NAME)
    assert "not by the named officer" in refusal(ours, client(ours, namesake), pinned)


def test_cms_signature_of_older_clients_counts_only_where_it_is_allowed(
    ours: bytes, officer: Identity
) -> None:
    signed = client(ours, officer, cms=True)
    assert "not PAdES" in refusal(ours, signed)
    assert check_returned(ours, signed, Named(subject=NAME, accept_cms=True)).cms


@pytest.mark.parametrize(
    ("touch", "sentence"),
    [
        (repaint, "pages or structure were changed"),
        (note, "changed"),
        (script, "changed"),
    ],
)
def test_changed_pages_are_refused_although_the_signature_holds(
    ours: bytes, officer: Identity, touch: Touch, sentence: str
) -> None:
    assert sentence in refusal(ours, client(ours, officer, touch=touch))


def test_two_signatures_are_refused(ours: bytes, officer: Identity) -> None:
    twice = client(client(ours, officer), officer, field="Signature2")
    assert "2 signatures" in refusal(ours, twice)


def test_unsigned_foreign_and_saved_anew_files_are_refused(ours: bytes, officer: Identity) -> None:
    assert "not signed yet" in refusal(ours, ours)
    assert "does not begin" in refusal(ours, b"%PDF-1.7 something else")
    resaved = io.BytesIO()
    with pikepdf.open(io.BytesIO(ours)) as pdf:
        pdf.save(resaved)
    assert "does not begin" in refusal(ours, client(resaved.getvalue(), officer))


def test_person_who_is_not_named_is_refused(ours: bytes, authority: Authority) -> None:
    assert "signed by Kẻ Khác" in refusal(ours, client(ours, authority.issue("Kẻ Khác")))


def test_bytes_behind_the_signature_are_refused(ours: bytes, officer: Identity) -> None:
    signed = client(ours, officer)
    assert refusal(ours, signed + b"\n% more\n")
    writer = IncrementalPdfFileWriter(io.BytesIO(signed))
    note(writer)
    out = io.BytesIO()
    writer.write(out)
    assert refusal(ours, out.getvalue())


def test_broken_signature_is_refused(ours: bytes, officer: Identity) -> None:
    signed = bytearray(client(ours, officer))
    padding = re.search(rb"[0-9a-fA-F]{20}(?=(?:00){200,}>)", signed[len(ours) :])
    assert padding is not None
    place = len(ours) + padding.end() - 2  # in the last byte of the signature's value
    signed[place] = ord("1") if signed[place] != ord("1") else ord("2")
    assert "does not hold" in refusal(ours, bytes(signed))


def test_look_that_breaks_pdfa_or_hides_the_page_is_refused(
    ours: bytes, officer: Identity, tmp_path: Path
) -> None:
    """pyHanko's own stamp writes in Courier, which is not embedded: veraPDF says the same."""
    signed = client(ours, officer, box=(40, 700, 240, 760))
    assert "not embedded" in refusal(ours, signed)
    path = tmp_path / "courier.pdf"
    path.write_bytes(signed)
    assert broken_rules(path)
    assert "hides a large part" in refusal(ours, client(ours, officer, box=(0, 0, 595, 500)))


@pytest.fixture(scope="module")
def home(authority: Authority, officer: Identity, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    home = Home(tmp_path_factory.mktemp("nha") / "h")
    (home.root / "trust").mkdir(parents=True, mode=0o700)
    (home.root / "trust" / "root.crt").write_bytes(authority.root.read_bytes())
    named = home.root / "officer.crt"  # of its own: a namesake's certificate takes the authority's file
    named.write_bytes(load_der_x509_certificate(officer.certificate).public_bytes(Encoding.PEM))
    (home.root / "sohoa.toml").write_text(
        f'[signing]\ncrl_files = ["{authority.crl}"]\nrevocation_online = false\n'
        f'[signing.officer]\nkind = "elsewhere"\ncertificate = "{named}"\n'
    )
    yield home
    home.run("down")


def index(folder: Path) -> list[dict[str, Any]]:
    found = json.loads((folder / "index.json").read_text("utf-8"))
    assert found["contract"] == "sign-export-1"
    return list(found["documents"])


@pytest.mark.slow
def test_papers_go_out_come_back_signed_and_the_flow_goes_on(
    home: Home, officer: Identity, authority: Authority, tmp_path: Path
) -> None:
    stack = SCANS / "chong-2"
    taken = home.run(
        "ingest", str(stack / "scan-01.jpg"), str(stack / "scan-02.jpg"), "--dossier", "H38.20-261002-0007"
    )
    assert taken.code == 1
    assert {one["state"] for one in papers(taken.document)} == {"awaiting_signature"}
    assert {batch["state"] for batch in taken.document["batches"]} == {"review"}
    out, back = tmp_path / "ra", tmp_path / "ve"
    back.mkdir()
    assert home.run("sign", "export", "--folder", str(out)).code == 0
    rows = index(out)
    assert len(rows) == len(papers(taken.document)) == 2
    first, second = (out / row["file"] for row in rows)
    stamps = demo_authority(DemoPki(folder=home.paths.keys / "demo"))
    (back / "0.pdf").write_bytes(client(first.read_bytes(), officer))

    (back / "1.pdf").write_bytes(client(first.read_bytes(), officer, timestamper=stamps))
    (back / "2.pdf").write_bytes(client(second.read_bytes(), authority.issue("Kẻ Khác")))
    answer = home.run("sign", "import", str(back))
    assert answer.code == 1, answer.document["files"]
    assert [one["state"] for one in answer.document["files"]] == ["refused", "accepted", "refused"]
    assert "no time-stamp" in answer.document["files"][0]["reason"]
    (paper,) = (
        papers(answer.document)
        if len(papers(answer.document)) == 1
        else [one for one in papers(answer.document) if one["id"] == rows[0]["document"]]
    )
    assert (paper["state"], paper["signature_level"]) == ("stored", "B-LTA")

    again = home.run("sign", "import", str(back / "1.pdf"))
    assert again.code == 3 and "taken in before" in again.document["files"][0]["reason"]
    fresh = tmp_path / "lan-nua.pdf"
    fresh.write_bytes(client(first.read_bytes(), officer))
    again = home.run("sign", "import", str(fresh))
    assert again.code == 3 and "does not wait" in again.document["files"][0]["reason"]
    foreign = home.run("sign", "import", str(SCANS.parent / "scans" / "chong-1"))
    assert foreign.code == 2

    (found,) = home.run("verify", paper["id"]).document["results"]
    assert found["verdict"] == "TOTAL_PASSED", found
    assert next(one["signer"] for one in found["signatures"]) == NAME and len(found["signatures"]) == 2
    assert [one["role"] for one in found["signatures"]] == ["officer", "agency"], (
        "also under the client's field name"
    )
    path = tmp_path / "ky.pdf"
    home.run("get", paper["id"], "-o", str(path))
    assert broken_rules(path) == [] and path.read_bytes().startswith(first.read_bytes())

    (back / "2.pdf").write_bytes(client(second.read_bytes(), officer, timestamper=stamps))
    last = home.run("sign", "import", str(back / "2.pdf"))
    assert last.code == 0, last.log
    assert home.run("sign", "export", "--folder", str(tmp_path / "het")).document["documents"] == []
    report = home.run("doctor")
    assert report.code == 0 and home.run("ledger", "verify").code == 0


@pytest.mark.slow
def test_changed_pages_go_out_and_come_back_signed_too(home: Home, officer: Identity, tmp_path: Path) -> None:
    batches = home.run("status", "--all").document["batches"]
    name = papers({"batches": batches})[0]["id"]
    turned = home.run("repage", name, "--turn", "1:180", "--reason", "quét ngược")
    assert (
        turned.code == 1 and turned.document["version"] == 1 and "ký ở máy khác" in turned.document["waits"]
    )
    assert home.run("repage", name, "--turn", "1:90", "--reason", "quét ngang").code == 2
    assert len(home.run("sign", "export", "--folder", str(tmp_path / "a")).document["documents"]) == 1
    assert home.run("repage", name, "--cancel", "--reason", "không cần nữa").code == 0
    assert home.run("sign", "export", "--folder", str(tmp_path / "b")).document["documents"] == []

    assert home.run("repage", name, "--turn", "1:180", "--reason", "quét ngược").code == 1
    (row,) = home.run("sign", "export", "--folder", str(tmp_path / "c")).document["documents"]
    content = (tmp_path / "c" / row["file"]).read_bytes()
    back = tmp_path / "ve.pdf"
    stamps = demo_authority(DemoPki(folder=home.paths.keys / "demo"))
    back.write_bytes(client(content, officer, timestamper=stamps))
    answer = home.run("sign", "import", str(back))
    assert answer.code == 0, answer.document
    (found,) = home.run("verify", name).document["results"]
    assert found["verdict"] == "TOTAL_PASSED" and next(s["signer"] for s in found["signatures"]) == NAME
    newest, first = tmp_path / "2.pdf", tmp_path / "1.pdf"
    assert home.run("get", name, "-o", str(newest)).code == 0
    assert home.run("get", name, "-o", str(first), "--version", "1").code == 0
    assert newest.read_bytes().startswith(content) and broken_rules(newest) == []
    assert first.read_bytes() != newest.read_bytes()
    assert home.run("ledger", "verify").code == 0
