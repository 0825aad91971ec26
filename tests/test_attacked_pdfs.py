"""Families of attacks on signed PDFs, made here: each that changes what is read or signed is TOTAL_FAILED.

The families are those of the public suites and papers (universal forgery, incremental saving, signature wrapping, shadow
attacks, evil annotations, sneaky signatures, malformed objects); docs/signed-corpus.md lists files of the suites.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers
from pyhanko.sign.signers.pdf_signer import PdfSignatureMetadata

from pipeline.model import Document, Level, SignedDocument
from signing.cms import SourceSigner
from signing.demo_pki import DemoPki
from signing.trust import TrustStore
from signing.verdict import FileVerdict, Verdict
from signing.verify import verify_pdf
from tests.pki import Authority, rsa_key

Signed = Callable[[Level], SignedDocument]
Judge = Callable[[bytes], FileVerdict]
NOBODY = TrustStore(anchors=(), demo=None)


@pytest.fixture
def judge(trust: TrustStore, tmp_path: Path) -> Judge:
    def verdict(content: bytes, believed: TrustStore = trust) -> FileVerdict:
        (tmp_path / "judged.pdf").write_bytes(content)
        return verify_pdf(tmp_path / "judged.pdf", trust=believed)

    return verdict


def updated(content: bytes, change: Callable[[IncrementalPdfFileWriter], None]) -> bytes:
    """The file with one more revision."""
    writer = IncrementalPdfFileWriter(io.BytesIO(content), strict=False)
    change(writer)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def form(writer: IncrementalPdfFileWriter) -> Any:
    return writer.root["/AcroForm"]


def last_field(writer: IncrementalPdfFileWriter) -> Any:
    return [one.get_object() for one in form(writer)["/Fields"]][-1]


def dictionary(**entries: Any) -> generic.DictionaryObject:
    return generic.DictionaryObject({pdf_name(f"/{key}"): value for key, value in entries.items()})


def forged(**changes: Any) -> Callable[[IncrementalPdfFileWriter], None]:
    """The last signature's dictionary written anew with other entries; None takes one out."""

    def change(writer: IncrementalPdfFileWriter) -> None:
        field = last_field(writer)
        old = field["/V"]
        value = generic.DictionaryObject({key: old.raw_get(key) for key in old})
        for key, entry in changes.items():
            value.pop(pdf_name(f"/{key}"), None)
            if entry is not None:
                value[pdf_name(f"/{key}")] = entry
        field[pdf_name("/V")] = writer.add_object(value)
        writer.update_container(field)

    return change


def numbers(*values: int) -> generic.ArrayObject:
    return generic.ArrayObject([generic.NumberObject(value) for value in values])


UNIVERSAL = {
    "no range": forged(ByteRange=None),
    "null range": forged(ByteRange=generic.NullObject()),
    "empty range": forged(ByteRange=generic.ArrayObject()),
    "range of zeros": forged(ByteRange=numbers(0, 0, 0, 0)),
    "negative range": forged(ByteRange=numbers(0, -1, 0, 99)),
    "range beyond the end": forged(ByteRange=numbers(0, 100, 200, 1 << 40)),
    "three edges": forged(ByteRange=numbers(0, 100, 200)),
    "range that begins later": forged(ByteRange=numbers(9, 100, 200, 300)),
    "no contents": forged(Contents=None),
    "null contents": forged(Contents=generic.NullObject()),
    "empty contents": forged(Contents=generic.ByteStringObject(b"")),
    "zero contents": forged(Contents=generic.ByteStringObject(b"\0" * 64)),
    "contents of another kind": forged(Contents=generic.ByteStringObject(b"\x30\x03\x02\x01\x05")),
    "unknown kind": forged(SubFilter=pdf_name("/adbe.pkcs7.sha1")),
    "no kind": forged(SubFilter=None),
}


@pytest.mark.parametrize("name", UNIVERSAL)
def test_universal_forgery_fails(signed: Signed, judge: Judge, name: str) -> None:
    found = judge(updated(signed(Level.B).pdf.path.read_bytes(), UNIVERSAL[name]))
    assert found.verdict is Verdict.FAILED, found


def test_signatures_taken_off_by_an_update_fail(signed: Signed, judge: Judge) -> None:
    def without(writer: IncrementalPdfFileWriter) -> None:
        form(writer)[pdf_name("/Fields")] = generic.ArrayObject()
        writer.update_container(form(writer))

    found = judge(updated(signed(Level.B).pdf.path.read_bytes(), without))
    assert found.verdict is Verdict.FAILED and "gỡ khỏi" in found.problems[0], found

    def no_form(writer: IncrementalPdfFileWriter) -> None:
        del writer.root["/AcroForm"]
        writer.update_root()

    assert judge(updated(signed(Level.LTA).pdf.path.read_bytes(), no_form)).verdict is Verdict.FAILED


def test_pages_swapped_hidden_and_exchanged_fail(signed: Signed, judge: Judge) -> None:
    """Shadow attacks: what is shown is exchanged for what lies in the file already."""
    content = signed(Level.B).pdf.path.read_bytes()

    def swap(writer: IncrementalPdfFileWriter) -> None:
        kids = writer.root["/Pages"]["/Kids"]
        first = kids.raw_get(0)
        kids[0], kids[1] = kids.raw_get(1), first
        writer.update_container(kids)

    def hide(writer: IncrementalPdfFileWriter) -> None:
        page = writer.root["/Pages"]["/Kids"][0].get_object()
        page[pdf_name("/Contents")] = writer.add_object(generic.StreamObject(stream_data=b"q Q"))
        writer.update_container(page)

    def picture(writer: IncrementalPdfFileWriter) -> None:
        pages = [kid.get_object() for kid in writer.root["/Pages"]["/Kids"]]
        resources = pages[0]["/Resources"]
        resources[pdf_name("/XObject")] = pages[1]["/Resources"]["/XObject"]
        writer.update_container(resources)

    for change in (swap, hide, picture):
        assert judge(updated(content, change)).verdict is Verdict.FAILED, change


def test_another_root_in_a_bare_trailer_fails(signed: Signed, judge: Judge) -> None:
    """Hide and replace: only a cross-reference and a trailer are added."""
    content = signed(Level.B).pdf.path.read_bytes()
    last = int(content.rsplit(b"startxref", 1)[1].split()[0])
    size, at = 9999, len(content)
    catalogue = f"{size} 0 obj\n<< /Type /Catalog /Pages {size + 1} 0 R >>\nendobj\n".encode()
    pages = f"{size + 1} 0 obj\n<< /Type /Pages /Kids [] /Count 0 >>\nendobj\n".encode()
    table = at + len(catalogue) + len(pages)
    xref = f"xref\n{size} 2\n{at:010} 00000 n \n{at + len(catalogue):010} 00000 n \ntrailer\n"
    xref += f"<< /Size {size + 2} /Root {size} 0 R /Prev {last} >>\nstartxref\n{table}\n%%EOF\n"
    assert judge(content + catalogue + pages + xref.encode()).verdict is Verdict.FAILED


def test_range_moved_over_foreign_bytes_fails(signed: Signed, judge: Judge) -> None:
    """Signature wrapping: the signed tail moved back, other objects in between."""
    content = signed(Level.B).pdf.path.read_bytes()
    mark = content.rindex(b"/ByteRange")
    first, size, second, rest = (
        int(edge) for edge in content[mark:].split(b"[", 1)[1].split(b"]")[0].split()
    )
    foreign = b"\n9000 0 obj\n<< /Type /Catalog >>\nendobj\n"
    moved = content[:second] + foreign + content[second:]
    old = f"{first} {size} {second} {rest}".encode()
    new = f"{first} {size} {second + len(foreign)} {rest}".encode()
    assert judge(moved).verdict is Verdict.FAILED
    assert judge(moved.replace(old, new)).verdict is Verdict.FAILED


@pytest.mark.parametrize("action", ["/OpenAction", "/AA", "/Names"])
def test_what_runs_by_itself_cannot_be_added(signed: Signed, judge: Judge, action: str) -> None:
    def change(writer: IncrementalPdfFileWriter) -> None:
        script = dictionary(S=pdf_name("/JavaScript"), JS=generic.pdf_string("app.alert(1)"))
        writer.root[pdf_name(action)] = script
        writer.update_root()

    assert judge(updated(signed(Level.LTA).pdf.path.read_bytes(), change)).verdict is Verdict.FAILED


def test_structure_that_cannot_be_read_fails_unless_the_last_signature_covers_it(
    signed: Signed, judge: Judge
) -> None:
    content = signed(Level.B).pdf.path.read_bytes()
    looped = content + b"xref\n0 0\ntrailer\n<< /Size 3 /Prev %d >>\nstartxref\n%d\n%%%%EOF\n" % (
        len(content),
        len(content),
    )
    assert judge(looped).verdict is Verdict.FAILED
    assert judge(content[:-60]).verdict is Verdict.FAILED


def test_trees_without_end_are_answered_in_time(signed: Signed, judge: Judge) -> None:
    def pages(writer: IncrementalPdfFileWriter) -> None:
        tree = writer.root["/Pages"]
        tree["/Kids"].append(writer.root.raw_get("/Pages"))
        writer.update_container(tree)

    def kids(writer: IncrementalPdfFileWriter) -> None:
        field = last_field(writer)
        field[pdf_name("/Kids")] = generic.ArrayObject([form(writer)["/Fields"].raw_get(0)])
        writer.update_container(field)

    for change in (pages, kids):
        began = time.monotonic()
        found = judge(updated(signed(Level.B).pdf.path.read_bytes(), change))
        assert found.verdict is Verdict.FAILED, found
        assert time.monotonic() - began < 20


def sign_again(
    content: bytes,
    source: Any,
    *,
    box: tuple[int, int, int, int] | None = None,
    before: Any = None,
    **meta: Any,
) -> bytes:
    """One more signature by anybody; `before` adds to its revision."""
    writer = IncrementalPdfFileWriter(io.BytesIO(content), strict=False)
    if before is not None:
        before(writer)
    named = meta.pop("field_name", "Third")
    signer = signers.PdfSigner(
        PdfSignatureMetadata(field_name=named, md_algorithm=meta.pop("md_algorithm", "sha256"), **meta),
        signer=source,
        new_field_spec=fields.SigFieldSpec(named, on_page=0, box=box),
    )
    out = signer.sign_pdf(writer, output=io.BytesIO())
    return bytes(out.getvalue())


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> SourceSigner:
    authority = Authority(tmp_path_factory.mktemp("stranger"), name="Người lạ Root")
    return SourceSigner(authority.issue("Người lạ"))


def test_strangers_signature_over_trusted_words_fails_and_a_seal_is_named(
    signed: Signed, judge: Any, stranger: SourceSigner, pki: DemoPki, trust: TrustStore
) -> None:
    content = signed(Level.LTA).pdf.path.read_bytes()
    over_words, half_page, in_the_margin = (60, 560, 400, 680), (0, 0, 595, 700), (400, 20, 560, 60)
    assert judge(sign_again(content, stranger, box=over_words)).verdict is Verdict.FAILED
    assert judge(sign_again(content, stranger, box=half_page), NOBODY).verdict is Verdict.FAILED
    beside = judge(sign_again(content, stranger, box=in_the_margin))
    assert beside.verdict is Verdict.INDETERMINATE, beside
    over = judge(sign_again(content, stranger, box=over_words), NOBODY)
    assert over.verdict is Verdict.INDETERMINATE, over
    assert any("đè lên chữ" in problem for problem in over.problems)


def test_bookkeeping_between_two_signatures_is_no_change_and_a_new_page_is(
    signed: Signed, judge: Any, stranger: SourceSigner
) -> None:
    """Signing programs write notes of their own into the catalogue and pages; readers show none of it."""

    def books(writer: IncrementalPdfFileWriter) -> None:
        page = writer.root["/Pages"]["/Kids"][0].get_object()
        page[pdf_name("/PieceInfo")] = dictionary(App=dictionary(Private=generic.pdf_string("x")))
        page[pdf_name("/LastModified")] = generic.pdf_string("D:20260305090000+07'00'")
        writer.update_container(page)

    def words(writer: IncrementalPdfFileWriter) -> None:
        page = writer.root["/Pages"]["/Kids"][0].get_object()
        paint = writer.add_object(generic.StreamObject(stream_data=b"q 1 0 0 rg 100 100 300 300 re f Q"))
        page[pdf_name("/Contents")] = generic.ArrayObject([page.raw_get("/Contents"), paint])
        writer.update_container(page)

    content = signed(Level.B).pdf.path.read_bytes()
    kept = judge(sign_again(content, stranger, before=books), NOBODY)
    assert kept.verdict is Verdict.INDETERMINATE, kept
    assert "sổ sách" in str(kept.signatures[0].changed_after)
    assert judge(sign_again(content, stranger, before=words), NOBODY).verdict is Verdict.FAILED
    alone = updated(content, books)
    assert judge(alone).verdict is Verdict.FAILED, "after the last signature only evidence may come"


def test_reference_to_what_never_was_is_null_and_cannot_be_filled_later(
    document: Document, judge: Any, stranger: SourceSigner
) -> None:
    def dangling(writer: IncrementalPdfFileWriter) -> None:
        page = writer.root["/Pages"]["/Kids"][0].get_object()
        page[pdf_name("/Thumb")] = generic.IndirectObject(7777, 0, writer)
        writer.update_container(page)

    content = sign_again(document.pdf.path.read_bytes(), stranger, before=dangling)
    twice = sign_again(content, stranger, field_name="Fourth")
    assert judge(twice, NOBODY).verdict is Verdict.INDETERMINATE, judge(twice, NOBODY)
    late = b"7777 0 obj\n<< /Type /XObject >>\nendobj\n"
    last, table = int(twice.rsplit(b"startxref", 1)[1].split()[0]), len(twice) + len(late)
    xref = f"xref\n7777 1\n{len(twice):010} 00000 n \ntrailer\n<< /Size 7778 /Root 1 0 R /Prev {last} >>\n"
    filled = twice + late + xref.encode() + f"startxref\n{table}\n%%EOF\n".encode()
    assert judge(filled, NOBODY).verdict is Verdict.FAILED


def test_time_stamp_alone_is_no_signature_but_must_hold(document: Document, judge: Any, pki: DemoPki) -> None:
    from pyhanko.sign.signers.pdf_signer import PdfTimeStamper

    from signing.timestamp import demo_authority

    out = io.BytesIO()
    writer = IncrementalPdfFileWriter(io.BytesIO(document.pdf.path.read_bytes()))
    PdfTimeStamper(demo_authority(pki)).timestamp_pdf(writer, "sha256", output=out)
    content = out.getvalue()
    assert judge(content).verdict is Verdict.NOT_SIGNED
    at = content.index(b"/MediaBox")
    assert judge(content[:at] + b"/MediaBoy" + content[at + 9 :]).verdict is Verdict.FAILED


def test_sha3_with_rsa_is_judged_and_a_wrong_name_is_told(
    document: Document, tmp_path: Path, judge: Any
) -> None:
    """Thông tư 15/2025/TT-BKHCN lists SHA-3; a value that fits under another name than its own is told, not failed."""
    from asn1crypto import algos
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    authority = Authority(tmp_path / "pki")
    identity = authority.issue("RSA", make_key=rsa_key())
    key = serialization.load_pem_private_key((tmp_path / "pki" / "RSA.key").read_bytes(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    secret = key

    class Sha3(SourceSigner):
        digest: hashes.HashAlgorithm = hashes.SHA3_256()

        def get_signature_mechanism_for_digest(self, digest_algorithm: str | None) -> Any:
            return algos.SignedDigestAlgorithm({"algorithm": "2.16.840.1.101.3.4.3.14"})

        async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:
            return secret.sign(data, padding.PKCS1v15(), self.digest)

    right = judge(sign_again(document.pdf.path.read_bytes(), Sha3(identity), md_algorithm="sha3_256"), NOBODY)
    assert right.verdict is Verdict.INDETERMINATE and right.signatures[0].intact, right
    assert not any("ghi sai tên" in problem for problem in right.problems)
    wrong = Sha3(identity)
    wrong.digest = hashes.SHA256()
    named = judge(sign_again(document.pdf.path.read_bytes(), wrong), NOBODY)
    assert named.verdict is Verdict.INDETERMINATE, named
    assert any("ghi sai tên" in problem for problem in named.problems)
    broken = Sha3(identity)
    broken.digest = hashes.SHA512()
    assert judge(sign_again(document.pdf.path.read_bytes(), broken), NOBODY).verdict is Verdict.FAILED


def test_old_kinds_of_signatures_are_judged_in_full(
    document: Document, stranger: SourceSigner, judge: Any
) -> None:
    """Most official papers carry `adbe.pkcs7.detached`."""
    content = sign_again(
        document.pdf.path.read_bytes(), stranger, subfilter=fields.SigSeedSubFilter.ADOBE_PKCS7_DETACHED
    )
    found = judge(content, NOBODY)
    assert (found.verdict, found.signatures[0].level, found.signatures[0].intact) == (
        Verdict.INDETERMINATE, "CMS", True,
    ), found  # fmt: skip
    at = content.index(b"/MediaBox")
    assert judge(content[:at] + b"/MediaBoy" + content[at + 9 :], NOBODY).verdict is Verdict.FAILED
    unknown = content.replace(b"/adbe.pkcs7.detached", b"/adbe.x509.rsa_sha1 ")
    assert judge(unknown, NOBODY).verdict is Verdict.FAILED
