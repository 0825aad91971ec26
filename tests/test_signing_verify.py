"""Signed files judged: by us, by poppler and by OpenSSL; and what is done to a file after signing is seen."""

from __future__ import annotations

import io
import random
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from asn1crypto import cms
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader

from pipeline.model import Document, Level, SignatureRole, SignedDocument
from signing.demo_pki import DemoPki
from signing.pades import FIELDS, STAMP_FIELD
from signing.trust import TrustStore
from signing.verdict import FileVerdict, Verdict
from signing.verify import verify_pdf
from tests.papers import AGENCY, OFFICER, make_signer
from tests.pki import Authority

Signed = Callable[[Level], SignedDocument]
CONTENTS = re.compile(rb"/Contents\s*<([0-9a-fA-F]{1000,})>")


@pytest.fixture
def judge(trust: TrustStore, tmp_path: Path) -> Callable[[bytes], FileVerdict]:
    """Verdict over bytes, knowing nothing about them but that they were signed."""

    def verdict(content: bytes) -> FileVerdict:
        (tmp_path / "judged.pdf").write_bytes(content)
        return verify_pdf(tmp_path / "judged.pdf", trust=trust, expect_signed=True)

    return verdict


def rooms(content: bytes) -> list[tuple[int, int]]:
    """Where the hexadecimal CMS objects stand, oldest first."""
    found = [one.span(1) for one in CONTENTS.finditer(content)]
    assert len(found) >= 2
    return found


def other_digit(content: bytes, at: int) -> bytes:
    digit = b"1" if content[at : at + 1] != b"1" else b"2"
    return content[:at] + digit + content[at + 1 :]


@pytest.mark.parametrize(
    ("level", "verdict"),
    [
        (Level.B, Verdict.INDETERMINATE),  # no revocation data in the file, and nobody is asked
        (Level.T, Verdict.INDETERMINATE),
        (Level.LT, Verdict.INDETERMINATE),
        (Level.LTA, Verdict.PASSED),
    ],
)
def test_each_level_is_told_and_judged(
    signed: Signed, trust: TrustStore, level: Level, verdict: Verdict
) -> None:
    found = verify_pdf(signed(level).pdf.path, trust=trust)
    assert [one.level for one in found.signatures] == [level.value] * 2
    assert [one.role for one in found.signatures] == ["officer", "agency"]
    assert all(one.intact for one in found.signatures)
    assert found.verdict is verdict, found
    assert found.problems == ()
    assert found.archive is not None
    assert (found.archive["pdfa"], found.archive["pages"]) == ("2b", 2)


def test_demo_trust_is_said_in_the_sentence(signed: Signed, trust: TrustStore) -> None:
    found = verify_pdf(signed(Level.LTA).pdf.path, trust=trust)
    assert found.demo_trust and "DEMO" in found.sentence
    assert all("DEMO" in one.signer for one in found.signatures)


def test_poppler_finds_both_signatures_valid(signed: Signed) -> None:
    for level in (Level.B, Level.LTA):
        done = subprocess.run(
            ["pdfsig", "-nocert", str(signed(level).pdf.path)], capture_output=True, text=True, check=False
        )
        assert done.stdout.count("Signature is Valid.") == 2, done.stdout
        assert done.stdout.count("ETSI.CAdES.detached") == 2


def test_openssl_verifies_both_signatures_and_their_time_stamps(
    signed: Signed, pki: DemoPki, tmp_path: Path
) -> None:
    content = signed(Level.LTA).pdf.path.read_bytes()
    reader = PdfFileReader(io.BytesIO(content))
    (tmp_path / "issuer.pem").write_bytes(pki.certificate("issuer").read_bytes())
    trusted = ["-CAfile", str(pki.certificate("root"))]
    for one in reader.embedded_regular_signatures:
        first, size, second, rest = (int(edge) for edge in one.byte_range)
        (tmp_path / "covered").write_bytes(content[first : first + size] + content[second : second + rest])
        (tmp_path / "sig.der").write_bytes(one.signed_data and cms.ContentInfo.load(one.pkcs7_content).dump())
        openssl(
            "cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", tmp_path / "sig.der", "-content",
            tmp_path / "covered", *trusted, "-certfile", tmp_path / "issuer.pem", "-purpose", "any", "-out", "/dev/null",
        )  # fmt: skip
        (attribute,) = one.signer_info["unsigned_attrs"]
        (tmp_path / "token.der").write_bytes(attribute["values"][0].dump())
        (tmp_path / "value").write_bytes(one.signer_info["signature"].native)
        stamped("value", tmp_path, pki)
    (stamp,) = reader.embedded_timestamp_signatures
    first, size, second, rest = (int(edge) for edge in stamp.byte_range)
    (tmp_path / "whole").write_bytes(content[first : first + size] + content[second : second + rest])
    (tmp_path / "token.der").write_bytes(cms.ContentInfo.load(stamp.pkcs7_content).dump())
    stamped("whole", tmp_path, pki)


def openssl(*arguments: str | Path) -> str:
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def stamped(name: str, folder: Path, pki: DemoPki) -> None:
    answer = openssl(
        "ts", "-verify", "-in", folder / "token.der", "-token_in", "-data", folder / name,
        "-CAfile", pki.certificate("root"), "-untrusted", folder / "issuer.pem",
    )  # fmt: skip
    assert "Verification: OK" in answer


def test_qpdf_finds_nothing_wrong(signed: Signed) -> None:
    done = subprocess.run(
        ["qpdf", "--check", str(signed(Level.LTA).pdf.path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_signing_only_appends(document: Document, signed: Signed) -> None:
    before = document.pdf.path.read_bytes()
    for level in (Level.B, Level.LTA):
        assert signed(level).pdf.path.read_bytes().startswith(before)


def test_field_names_have_no_dot_and_the_second_signature_is_no_change_of_the_first(
    signed: Signed, trust: TrustStore
) -> None:
    """A dot makes a parent field, whose new kid counts as a change of the first signature."""
    assert not any("." in name for name in (*FIELDS.values(), STAMP_FIELD))
    found = verify_pdf(signed(Level.LTA).pdf.path, trust=trust)
    first, second = (one.changed_after for one in found.signatures)
    assert first is not None and "another signature" in first
    assert second is None
    assert [one.covers for one in found.signatures] == ["entire_revision", "entire_revision"]


@pytest.mark.parametrize("level", [Level.B, Level.T, Level.LTA])
def test_any_flipped_byte_of_a_signed_file_fails(
    signed: Signed, judge: Callable[[bytes], FileVerdict], level: Level
) -> None:
    content, draw = signed(level).pdf.path.read_bytes(), random.Random(level.value)
    inside = [range(*room) for room in rooms(content)]
    places = [draw.randrange(len(content)) for _ in range(25)] + [
        len(content) - back for back in range(1, 90, 9)
    ]
    for place in places:
        if any(place in room for room in inside):
            continue
        flipped = bytearray(content)
        flipped[place] ^= 1 << draw.randrange(8)
        found = judge(bytes(flipped))
        assert found.verdict is Verdict.FAILED, (place, found)


@pytest.mark.parametrize("level", [Level.B, Level.T, Level.LTA])
def test_any_changed_digit_of_a_signature_fails(
    signed: Signed, judge: Callable[[bytes], FileVerdict], level: Level
) -> None:
    """Also in spare certificates and the zeros behind; of the last object, which nothing covers, its signature."""
    content, draw = signed(level).pdf.path.read_bytes(), random.Random(level.value)
    places = rooms(content)
    for begin, end in places:
        used = begin + len(content[begin:end].rstrip(b"0"))
        for place in (used + 8, end - 1):
            assert judge(other_digit(content, place)).verdict is Verdict.FAILED, place - begin
        first = used - 60 if (begin, end) == places[-1] else begin
        for place in (draw.randrange(first, used) for _ in range(6)):
            found = judge(other_digit(content, place))
            assert found.verdict is Verdict.FAILED, (place - begin, found)


@pytest.mark.parametrize(
    "tail", [b"\n", b" ", b"\0", b"%\n", b"%%EOF\n", b"junk", b"\nstartxref\n0\n%%EOF\n"]
)
@pytest.mark.parametrize("level", [Level.B, Level.LTA])
def test_bytes_appended_fail(
    signed: Signed, judge: Callable[[bytes], FileVerdict], level: Level, tail: bytes
) -> None:
    found = judge(signed(level).pdf.path.read_bytes() + tail)
    assert found.verdict is Verdict.FAILED, found


@pytest.mark.parametrize("level", [Level.B, Level.LTA])
def test_bytes_cut_off_fail(signed: Signed, judge: Callable[[bytes], FileVerdict], level: Level) -> None:
    content = signed(level).pdf.path.read_bytes()
    for cut in (1, 7, 100, 5_000):
        assert judge(content[:-cut]).verdict is Verdict.FAILED, cut


@pytest.mark.parametrize("level", list(Level)[:4])
def test_page_repainted_after_signing_fails(
    signed: Signed, judge: Callable[[bytes], FileVerdict], level: Level
) -> None:
    writer = IncrementalPdfFileWriter(io.BytesIO(signed(level).pdf.path.read_bytes()))
    page = writer.root["/Pages"]["/Kids"][0].get_object()
    paint = generic.StreamObject(stream_data=b"q 1 0 0 rg 100 100 300 300 re f Q")
    page[pdf_name("/Contents")] = generic.ArrayObject([page.raw_get("/Contents"), writer.add_object(paint)])
    writer.update_container(page)
    out = io.BytesIO()
    writer.write(out)
    found = judge(out.getvalue())
    assert found.verdict is Verdict.FAILED, found
    assert any(one.changed_after for one in found.signatures)


def test_note_added_after_signing_fails(signed: Signed, judge: Callable[[bytes], FileVerdict]) -> None:
    writer = IncrementalPdfFileWriter(io.BytesIO(signed(Level.LTA).pdf.path.read_bytes()))
    page = writer.root["/Pages"]["/Kids"][1].get_object()
    note = generic.DictionaryObject(
        {
            pdf_name("/Type"): pdf_name("/Annot"),
            pdf_name("/Subtype"): pdf_name("/FreeText"),
            pdf_name("/Rect"): generic.ArrayObject(
                [generic.NumberObject(edge) for edge in (50, 50, 300, 90)]
            ),
            pdf_name("/Contents"): generic.pdf_string("Đã hủy"),
        }
    )
    page[pdf_name("/Annots")] = generic.ArrayObject([writer.add_object(note)])
    writer.update_container(page)
    out = io.BytesIO()
    writer.write(out)
    assert judge(out.getvalue()).verdict is Verdict.FAILED


def test_signatures_taken_off_fail_where_they_are_on_record(
    document: Document, judge: Callable[[bytes], FileVerdict], trust: TrustStore
) -> None:
    assert judge(document.pdf.path.read_bytes()).verdict is Verdict.FAILED
    assert verify_pdf(document.pdf.path, trust=trust).verdict is Verdict.NOT_SIGNED


def test_file_saved_again_by_another_program_fails(
    signed: Signed, judge: Callable[[bytes], FileVerdict], tmp_path: Path
) -> None:
    import pikepdf

    with pikepdf.open(signed(Level.LTA).pdf.path) as pdf:
        pdf.save(tmp_path / "again.pdf")
    assert judge((tmp_path / "again.pdf").read_bytes()).verdict is Verdict.FAILED


def test_signature_of_another_document_moved_here_fails(
    signed: Signed, judge: Callable[[bytes], FileVerdict]
) -> None:
    own, other = (signed(level).pdf.path.read_bytes() for level in (Level.B, Level.T))
    (begin, end), (start, stop) = rooms(own)[0], rooms(other)[0]
    assert end - begin == stop - start
    assert judge(own[:begin] + other[start:stop] + own[end:]).verdict is Verdict.FAILED


def test_untrusted_root_is_indeterminate(signed: Signed, tmp_path: Path) -> None:
    stranger = Authority(tmp_path / "pki")
    for trust in (TrustStore(anchors=(), demo=None), TrustStore.of(stranger.folder)):
        found = verify_pdf(signed(Level.LTA).pdf.path, trust=trust)
        assert found.verdict is Verdict.INDETERMINATE, found
        assert all(one.intact and not one.trusted for one in found.signatures)
        assert not found.demo_trust


def test_hash_on_record_is_compared(signed: Signed, trust: TrustStore) -> None:
    one = signed(Level.LTA).pdf
    assert verify_pdf(one.path, trust=trust, expected_sha256=one.sha256).hash_ok is True
    wrong = verify_pdf(one.path, trust=trust, expected_sha256="0" * 64)
    assert (wrong.hash_ok, wrong.verdict, wrong.sub_indication) == (False, Verdict.FAILED, "HASH_FAILURE")


@pytest.mark.parametrize(
    "content", [b"", b"%PDF-1.7\n", b"\x00" * 4096, b"%PDF-1.7\n" + b"<<" * 3000, b"[" * 60_000]
)
def test_what_is_no_pdf_is_never_passed(judge: Callable[[bytes], FileVerdict], content: bytes) -> None:
    assert judge(content).verdict is Verdict.FAILED


def test_damage_of_any_kind_never_raises(signed: Signed, judge: Callable[[bytes], FileVerdict]) -> None:
    content, draw = signed(Level.LT).pdf.path.read_bytes(), random.Random(7)
    start = content.index(b"startxref")
    for turn in range(24):
        damaged = bytearray(content)
        for _ in range(draw.choice((1, 5, 60))):
            place = draw.randrange(start, len(content)) if turn % 2 else draw.randrange(len(content))
            damaged[place] = draw.randrange(256)
        assert judge(bytes(damaged)).verdict is Verdict.FAILED


def test_visible_names_are_vietnamese_and_can_be_read_back(signed: Signed) -> None:
    shown = annotation_text(signed(Level.LTA).pdf.path)
    assert OFFICER in shown and AGENCY in shown.replace("\n", " ")
    assert "DEMO – không có giá trị pháp lý" in shown
    assert "05/03/2026 08:30:00 +07:00" in shown  # when it was captured, in Hanoi


def annotation_text(path: Path) -> str:
    """Text of the visible signatures as pdftotext reads it, the page's own left out."""
    whole = subprocess.run(
        ["pdftotext", "-l", "1", "-raw", str(path), "-"], capture_output=True, text=True, check=True
    )
    return whole.stdout


def test_missing_letter_is_named_and_nothing_is_written(
    document: Document, pki: DemoPki, tmp_path: Path
) -> None:
    from pipeline.errors import UsageError

    with pytest.raises(UsageError, match=r"'龍'.*U\+9F8D") as caught:
        make_signer(pki, Level.B, officer="Nguyễn 龍").sign(document, tmp_path / "out.pdf")
    assert "龍" in caught.value.vi
    assert list(tmp_path.iterdir()) == []


def test_every_vietnamese_letter_can_be_shown(document: Document, pki: DemoPki, tmp_path: Path) -> None:
    vowels = "aăâeêioôơuưy"
    from unicodedata import normalize

    letters = "".join(
        normalize("NFC", vowel + tone)
        for vowel in vowels
        for tone in ("", "\u0300", "\u0301", "\u0303", "\u0309", "\u0323")
    )
    name = f"{letters[:36]} {letters[36:]} đĐ {letters.upper()[:30]}"
    one = make_signer(pki, Level.B, officer=name).sign(document, tmp_path / "out.pdf")
    assert letters[:36] in annotation_text(one.pdf.path)


def test_decomposed_name_is_shown_composed(document: Document, pki: DemoPki, tmp_path: Path) -> None:
    from unicodedata import normalize

    one = make_signer(pki, Level.B, officer=normalize("NFD", OFFICER)).sign(document, tmp_path / "out.pdf")
    assert OFFICER in annotation_text(one.pdf.path)


def test_attestation_is_a_detached_signature_that_openssl_verifies(pki: DemoPki, tmp_path: Path) -> None:
    (tmp_path / "manifest").write_bytes(b'{"manifest": 1}')
    (tmp_path / "sig.der").write_bytes(
        make_signer(pki, Level.T).attest(b'{"manifest": 1}', SignatureRole.AGENCY)
    )
    arguments = (
        "cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", tmp_path / "sig.der",
        "-CAfile", pki.certificate("root"), "-purpose", "any", "-out", "/dev/null", "-content",
    )  # fmt: skip
    openssl(*arguments, tmp_path / "manifest")
    (tmp_path / "manifest").write_bytes(b'{"manifest": 2}')
    done = subprocess.run(
        ["openssl", *map(str, arguments), str(tmp_path / "manifest")], capture_output=True, check=False
    )
    assert done.returncode != 0


def test_one_signature_in_ten_does_not_take_half_a_minute(
    document: Document, pki: DemoPki, tmp_path: Path
) -> None:
    """Lengths that end in 0x80 make asn1crypto encode a nested token without end; keys draw them by chance."""
    import time

    signer, slowest = make_signer(pki, Level.T), 0.0
    for _ in range(20):
        began = time.monotonic()
        signer.sign(document, tmp_path / "out.pdf")
        slowest = max(slowest, time.monotonic() - began)
    assert slowest < 5
