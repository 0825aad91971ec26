"""Forms that were signed or certified, then filled, commented, countersigned, or attacked: only the honest ones do not fail.

What a certificate of the file permits beforehand and nobody signed afterwards is INDETERMINATE, with that reason.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.sign import signers
from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter

from pipeline.errors import UsageError
from signing.cms import SourceSigner
from signing.demo_pki import DemoPki
from signing.timestamp import demo_authority
from signing.trust import TrustStore
from signing.verdict import FileVerdict, Verdict
from signing.verify import verify_pdf
from tests import attack_families as make
from tests.pki import Authority, rsa_key

NOBODY = TrustStore(anchors=(), demo=None)
NOTHING, FILL, COMMENT = MDPPerm.NO_CHANGES, MDPPerm.FILL_FORMS, MDPPerm.ANNOTATE
WHITE = b"1 1 1 rg 0 0 400 40 re f 0 g BT /F1 20 Tf 0 5 Td (Pay 999 to Ke Khac) Tj ET"
NOTE = make.annotate("Text", box=(500, 780, 520, 800))
OTHER_WORDS = make.same_number(b"BT /F1 20 Tf 60 600 Td (Pay 999) Tj ET")
Judge = Callable[[bytes], FileVerdict]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="module")
def an(authority: Authority) -> signers.Signer:
    return SourceSigner(authority.issue("An"))


@pytest.fixture(scope="module")
def binh(authority: Authority) -> signers.Signer:
    return SourceSigner(authority.issue("Binh"))


@pytest.fixture
def judge(tmp_path: Path) -> Judge:
    def verdict(content: bytes) -> FileVerdict:
        (tmp_path / "judged.pdf").write_bytes(content)
        return verify_pdf(tmp_path / "judged.pdf", trust=NOBODY)

    return verdict


@pytest.mark.parametrize("certify", [None, NOTHING, FILL, COMMENT])
@pytest.mark.parametrize("streams", [False, True])
def test_unharmed_forms_do_not_fail(
    an: signers.Signer, judge: Judge, pki: DemoPki, certify: MDPPerm | None, streams: bool
) -> None:
    signed = make.sign(make.form(streams=streams), an, certify=certify)
    for content in (signed, make.time_stamped(signed, demo_authority(pki))):
        found = judge(content)
        assert (found.verdict, found.sub_indication) == (
            Verdict.INDETERMINATE,
            "NO_CERTIFICATE_CHAIN_FOUND",
        ), found


def test_who_signs_after_one_that_forbids_every_change_fails_the_file(
    an: signers.Signer, binh: signers.Signer, judge: Judge
) -> None:
    for certify, verdict in (
        (NOTHING, Verdict.FAILED),
        (FILL, Verdict.INDETERMINATE),
        (None, Verdict.INDETERMINATE),
    ):
        content = make.sign(make.sign(make.form(), an, certify=certify), binh, name="Sig2")
        assert judge(content).verdict is verdict, (certify, judge(content))


def test_three_signers_in_turn_and_a_seal_do_not_fail(
    an: signers.Signer, binh: signers.Signer, judge: Judge
) -> None:
    twice = make.sign(make.sign(make.form(), an), binh, name="Sig2", box=(300, 100, 500, 150))
    found = judge(make.sign(twice, an, name="Sig3"))
    assert found.verdict is Verdict.INDETERMINATE and all(one.intact for one in found.signatures), found


@pytest.mark.parametrize("change", [make.fill("An"), NOTE], ids=["fill", "note"])
def test_what_the_certifier_permits_is_told_and_does_not_fail(
    an: signers.Signer, binh: signers.Signer, judge: Judge, change: make.Change
) -> None:
    certified = make.sign(make.form(), an, certify=COMMENT)
    found = judge(make.updated(certified, change))
    assert found.verdict is Verdict.INDETERMINATE and any("cho phép" in one for one in found.problems), found
    assert judge(make.sign(certified, binh, name="Sig2", before=change)).verdict is Verdict.INDETERMINATE
    for narrower in (NOTHING, None):
        found = judge(make.updated(make.sign(make.form(), an, certify=narrower), change))
        assert found.verdict is Verdict.FAILED, found
    if change is NOTE:
        assert judge(make.updated(make.sign(make.form(), an, certify=FILL), change)).verdict is Verdict.FAILED


EVIL = {
    kind: make.annotate(kind, paint=WHITE)
    for kind in ("FreeText", "Stamp", "Square", "Redact", "Ink", "Highlight", "FileAttachment", "Watermark")
} | {
    "note over words": make.annotate("Text", box=(60, 595, 90, 620), paint=b"0 0 30 25 re f"),
    "highlight that hides": make.annotate("Highlight", paint=b"1 1 1 rg 0 0 400 40 re f"),
    "note that acts": make.annotate("Text", box=(500, 780, 520, 800), A=make.entries(S=pdf_name("/Launch"))),
}


@pytest.mark.parametrize("name", EVIL)
def test_evil_annotation_fails_where_comments_are_permitted(
    an: signers.Signer, binh: signers.Signer, judge: Judge, name: str
) -> None:
    certified = make.sign(make.form(), an, certify=COMMENT)
    assert judge(make.updated(certified, EVIL[name])).verdict is Verdict.FAILED
    if name in ("FreeText", "Highlight"):
        assert judge(make.sign(certified, binh, name="Sig2", before=EVIL[name])).verdict is Verdict.FAILED


SHADOW = {
    "another look of the same value": make.look_only("999"),
    "a look that paints": make.fill("100", box=(0, 0, 600, 800), paint=WHITE),
    "field moved over words": make.widget_moved,
    "field hidden": make.widget_hidden,
    "default look": make.default_look,
    "font exchanged": make.font_swapped,
    "page added": make.page_added,
    "page turned": make.turned,
    "page cropped": make.cropped,
    "layers": make.layered,
    "painted over": make.repaint(WHITE, append=True),
    "words exchanged": make.repaint(WHITE),
    "words under the same number": OTHER_WORDS,
}


@pytest.mark.parametrize("name", SHADOW)
@pytest.mark.parametrize("certify", [None, COMMENT])
def test_shadow_change_fails_also_when_somebody_signs_it(
    an: signers.Signer, binh: signers.Signer, judge: Judge, name: str, certify: MDPPerm | None
) -> None:
    signed = make.sign(make.form(value="100"), an, certify=certify)
    assert judge(make.updated(signed, SHADOW[name])).verdict is Verdict.FAILED
    found = judge(make.sign(signed, binh, name="Sig2", before=SHADOW[name]))
    assert found.verdict is Verdict.FAILED, found


UNSIGNED = {
    "value written over": make.fill("999"),
    "shows other than it holds": make.fill("An", shown="999 other"),
    "fields drawn anew": make.need_appearances,
    "metadata": make.described,
}


@pytest.mark.parametrize("name", UNSIGNED)
def test_what_nobody_signed_and_is_no_evidence_fails(an: signers.Signer, judge: Judge, name: str) -> None:
    for value, certify in (("100", None), ("100", FILL), ("100", COMMENT)):
        signed = make.sign(make.form(value=value), an, certify=certify)
        assert judge(make.updated(signed, UNSIGNED[name])).verdict is Verdict.FAILED


def test_field_over_signed_words_cannot_be_filled(an: signers.Signer, judge: Judge) -> None:
    over = (
        make.form()
        .replace(b"[60 700 260 720]", b"[60 600 260 620]")
        .replace(b"[ 60 700 260 720 ]", b"[ 60 600 260 620 ]")
    )
    assert over != make.form()
    signed = make.sign(over, an, certify=COMMENT)
    assert judge(signed).verdict is Verdict.INDETERMINATE
    assert judge(make.updated(signed, make.fill("9"))).verdict is Verdict.FAILED


def test_hidden_words_brought_up_by_a_table_fail(an: signers.Signer, judge: Judge) -> None:
    signed = make.sign(make.form(hidden=True), an)
    assert judge(signed).verdict is Verdict.INDETERMINATE
    assert judge(make.xref_only(signed)).verdict is Verdict.FAILED
    assert judge(make.hidden_in_signed(signed)).verdict is Verdict.FAILED


def test_ranges_that_do_not_cover_the_file_fail(an: signers.Signer, judge: Judge) -> None:
    signed = make.sign(make.form(), an)
    first, size, second, rest = make.edges(signed)
    for wrong in (
        (first, size, second - 100, rest + 100), (first, size - 50, second, rest), (0, size, second + 100, rest - 100),
        (0, size, second, rest - 10), (0, size, second, rest + 10), (0, 0, second, rest), (5, size - 5, second, rest),
        (second, rest, 0, size), (0, size, second), (0, -1, second, rest),
    ):  # fmt: skip
        assert judge(make.byte_range(signed, *wrong)).verdict is Verdict.FAILED, wrong
    assert (
        judge(make.wrapped(signed, gap=b"\n1 0 obj\n<< /Type /Catalog >>\nendobj\n")).verdict
        is Verdict.FAILED
    )


def simple(authority: Authority, name: str, *, pss: bool = False) -> signers.Signer:
    """PyHanko's own signer over a key of the authority: other digests and paddings than ours."""
    found: signers.SimpleSigner | None = signers.SimpleSigner.load(
        str(authority.folder / f"{name}.key"), str(authority.folder / f"{name}.crt"), prefer_pss=pss
    )
    assert found is not None
    return found


def test_algorithms_in_use_are_judged_alike(authority: Authority, judge: Judge) -> None:
    authority.issue("Rsa", make_key=rsa_key())
    authority.issue("Ec")
    with pytest.raises(UsageError, match="may not sign"):  # we sign by no such key, and judge who did
        authority.issue("Ed", make_key=ed25519.Ed25519PrivateKey.generate)  # type: ignore[arg-type]
    for source, more in (
        (simple(authority, "Rsa"), {}),
        (simple(authority, "Rsa"), {"md_algorithm": "sha512"}),
        (simple(authority, "Rsa", pss=True), {"md_algorithm": "sha384"}),
        (simple(authority, "Ed"), {"md_algorithm": "sha512"}),
        (simple(authority, "Ec"), {"md_algorithm": "sha384"}),
        (simple(authority, "Ec"), {"subfilter": SigSeedSubFilter.ADOBE_PKCS7_DETACHED}),
    ):
        content = make.sign(make.form(), source, **more)
        found = judge(content)
        assert found.verdict is Verdict.INDETERMINATE and found.signatures[0].intact, (more, found)
        at = content.index(b"Pay 100")
        harmed = content[:at] + b"Pay 900" + content[at + 7 :]
        assert judge(harmed).verdict is Verdict.FAILED


def test_made_files_are_the_same_each_time() -> None:
    """So that a failure can be looked at again."""
    assert hashlib.sha256(make.form()).digest() == hashlib.sha256(make.form()).digest()
