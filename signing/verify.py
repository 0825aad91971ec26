"""A PDF judged: every signature, what it covers, what was changed after it, whom it binds to.

The verdict is the AND of the AdES result (ETSI EN 319 102-1), integrity, coverage, the change rule and the
time-stamps' match. Call it through `isolation`: the files are hostile.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from asn1crypto import x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.fields import MDPPerm
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature

from signing.ades_policy import judge, unjudged
from signing.archive_form import archive_form, named_well
from signing.conditions import OFFLINE, Conditions
from signing.covering import MOST_LETTERS, MOST_SHARE, covers
from signing.findings import CONSTRAINTS, FORMAT, HASH, Findings
from signing.integrity import CHANGES, Integrity, examine, is_stamp, loose_end
from signing.loose_parts import carried, touched
from signing.raw_signatures import is_marked, raw_signatures
from signing.reading import BROKEN, LOCKED, OPENED, PLAIN, CoverRead, Reading
from signing.replica import replicas, take
from signing.signature_fields import UNREADABLE, open_pdf, read_signatures
from signing.signature_verdict import judge_signature, read_signature
from signing.trust import TrustStore
from signing.verdict import FileVerdict, SignatureVerdict, Verdict, no_pdf


def verify_pdf(
    path: Path,
    *,
    trust: TrustStore,
    target: str | None = None,
    expected_sha256: str | None = None,
    expect_signed: bool = False,
    conditions: Conditions = OFFLINE,
) -> FileVerdict:
    """Judge one file by the evidence that it carries. Raises OSError when it cannot be read at all."""
    return judge_reading(
        read_pdf(path),
        trust=trust,
        target=target or str(path),
        expected_sha256=expected_sha256,
        expect_signed=expect_signed,
        conditions=conditions,
    )


def read_pdf(path: Path) -> Reading:
    """All that a file says whoever is trusted. Raises OSError when it cannot be read at all."""
    content = path.read_bytes()
    sha256, found = hashlib.sha256(content).hexdigest(), Findings()
    archive = archive_form(path, name=path.name)
    try:
        return replace(_read(content, found), sha256=sha256, archive=archive)
    except PermissionError:
        return Reading(sha256=sha256, opened=LOCKED, found=found, archive=archive)
    except UNREADABLE as error:
        raw = raw_signatures(content)
        last = max(raw, key=lambda one: one.end, default=None)
        return Reading(
            sha256=sha256,
            opened=BROKEN,
            found=found,
            broken=f"{type(error).__name__}: {str(error)[:120]}",
            holds=last is not None and last.whole and last.end == len(content),
            marked=is_marked(content),
            archive=archive,
        )


def judge_reading(
    reading: Reading,
    *,
    trust: TrustStore,
    target: str,
    expected_sha256: str | None = None,
    expect_signed: bool = False,
    conditions: Conditions = OFFLINE,
) -> FileVerdict:
    """The verdict on a file as it was read: the first and every later one, by these roots and on this day."""
    hash_ok = None if expected_sha256 is None else reading.sha256 == expected_sha256
    found = Findings()
    if hash_ok is False:
        found.fail(HASH, "Mã băm khác với lúc lưu (the hash is not the recorded one)")
    found.join(reading.found)
    signatures: tuple[SignatureVerdict, ...] = ()
    if reading.opened == PLAIN and expected_sha256 is None:
        found.name(no_pdf(target))
    readable = reading.opened in (OPENED, PLAIN)
    if reading.opened == LOCKED:
        found.doubt(FORMAT, "Tệp có mật khẩu nên không kiểm tra được (the file wants a password)")
    elif reading.opened == BROKEN:
        _judge_bytes(reading, found, expect_signed=expect_signed)
    else:
        signatures = _judge_signatures(reading, trust, conditions, found)
    if not signatures and readable and expect_signed:
        found.fail(FORMAT, "Chữ ký đã ghi nhận không còn trong tệp (recorded signatures are gone)")
    archive = reading.archive
    return FileVerdict(
        target=target,
        verdict=_verdict(found, signed=bool(signatures) or not readable or bool(found.doubts)),
        sub_indication=next(iter(found.failures + found.doubts), None),
        signatures=signatures,
        hash_ok=hash_ok,
        demo_trust=trust.demo is not None
        and any(one.trusted and one.anchor == trust.demo for one in signatures),
        archive=archive and {**archive, "name": named_well(Path(target).name)},
        problems=tuple(dict.fromkeys(found.problems)),
        sha256=reading.sha256,
    )


def _verdict(found: Findings, *, signed: bool) -> Verdict:
    if found.failures:
        return Verdict.FAILED
    if not signed:
        return Verdict.NOT_SIGNED
    return Verdict.INDETERMINATE if found.doubts else Verdict.PASSED


def _read(content: bytes, found: Findings) -> Reading:
    """The signatures of a file; what speaks against it goes to `found`. Its digest is put in by the caller."""
    reader = open_pdf(io.BytesIO(content))
    embedded, unread = read_signatures(reader)
    for one in unread:
        if one.known:
            found.fail(
                FORMAT, f"Chữ ký ở ô {one.name} bị hỏng, không đọc được (the signature cannot be read)"
            )
        else:
            found.doubt(
                FORMAT, f"Chữ ký ở ô {one.name} thuộc loại chưa hỗ trợ (unsupported kind): {one.kind}"
            )
    _look_for_lost(content, reader, embedded, found, others=bool(embedded or unread))
    if not embedded:
        return Reading(sha256="", found=found)
    if loose_end(content, reader, embedded):
        found.fail(FORMAT, "Có dữ liệu lạ sau phần đã ký (bytes after the last signature that are no update)")
    if _is_touched(reader, embedded):
        found.fail(
            FORMAT,
            "Phần đi kèm chữ ký bị sửa (what lies beside a signature was changed, the signed part was not)",
        )
    stamps = [one for one in embedded if is_stamp(one)]
    regular = [one for one in embedded if not is_stamp(one)]
    facts = {id(one): examine(one) for one in embedded}
    last = max(embedded, key=lambda one: one.signed_revision)
    for stamp in stamps:
        _look_at_stamp(facts[id(stamp)], found, last=stamp is last)
    if not regular:
        found.name("Tệp chỉ có dấu thời gian, không có chữ ký của ai (time-stamps only, nobody signed)")
    signatures = tuple(
        read_signature(
            one,
            place=embedded.index(one),
            facts=facts[id(one)],
            content=content,
            stamps=stamps,
            reader=reader,
            last=one is last,
            permits=_permits(embedded),
            countersigned=any(other.signed_revision > one.signed_revision for other in regular),
        )
        for one in regular
    )
    kept, evidence, refused = take(reader, embedded, [facts[id(one)].covers for one in embedded])
    laid = tuple(
        CoverRead(
            early=regular.index(one.early),
            late=regular.index(one.late),
            share=one.share,
            words=one.words[:80],
        )
        for one in covers(content, regular)
        if one.share > MOST_SHARE or len(one.words) > MOST_LETTERS
    )
    return Reading(
        sha256="",
        found=found,
        embedded=kept,
        evidence=evidence,
        refused=refused,
        signatures=signatures,
        covers=laid,
    )


def _judge_signatures(
    reading: Reading, trust: TrustStore, conditions: Conditions, found: Findings
) -> tuple[SignatureVerdict, ...]:
    reason = reading.refused
    known: Sequence[EmbeddedPdfSignature] = ()
    beside: Sequence[x509.Certificate] = ()
    if reading.signatures and reason is None:
        try:
            known = replicas(reading.embedded, reading.evidence)
            beside = tuple({one.dump(): one for one in carried(known)}.values())
        except UNREADABLE as error:
            reason = f"{type(error).__name__}: {error}"[:160]
    judged = []
    for one in reading.signatures:
        said = judge(known[one.place], trust, conditions, beside) if reason is None else unjudged(reason)
        judged.append(judge_signature(one, said, trust=trust, conditions=conditions, found=found))
    _look_at_covers(reading, judged, found)
    return tuple(judged)


def _permits(embedded: Sequence[EmbeddedPdfSignature]) -> MDPPerm | None:
    """What the first signature certifies that may be changed after it (ISO 32000-2, 12.8.2.2)."""
    try:
        return embedded[0].docmdp_level
    except UNREADABLE:
        return None


def _is_touched(reader: PdfFileReader, embedded: Sequence[EmbeddedPdfSignature]) -> bool:
    try:
        return touched(reader, embedded)
    except UNREADABLE:
        return True


def _look_at_stamp(facts: Integrity, found: Findings, *, last: bool) -> None:
    if not facts.intact or not facts.covered:
        found.fail(HASH, "Dấu thời gian tài liệu không khớp nội dung (the document time-stamp does not fit)")
    elif last and facts.change > ModificationLevel.LTA_UPDATES:
        found.fail(CONSTRAINTS, f"Sau dấu thời gian cuối: {CHANGES[facts.change]}")


def _look_at_covers(reading: Reading, judged: Sequence[SignatureVerdict], found: Findings) -> None:
    for cover in reading.covers:
        early, late = judged[cover.early], judged[cover.late]
        if cover.share > MOST_SHARE:
            found.fail(
                CONSTRAINTS,
                f"Chữ ký của {late.signer} che quá nửa trang đã ký (covers most of a signed page)",
            )
        else:
            sentence = f"Chữ ký của {late.signer} đè lên chữ đã ký trước (lies over words signed before): {cover.words}"
            if early.trusted and not late.trusted:
                found.fail(CONSTRAINTS, sentence)
            else:
                found.name(sentence)


def _look_for_lost(
    content: bytes,
    reader: PdfFileReader,
    embedded: Sequence[EmbeddedPdfSignature],
    found: Findings,
    *,
    others: bool,
) -> None:
    """Signatures in the bytes to which the document no longer leads."""
    known = {tuple(int(edge) for edge in one.byte_range) for one in embedded}
    try:
        rights = reader.root["/Perms"]
        known |= {
            tuple(int(e) for e in rights[key]["/ByteRange"]) for key in ("/UR3", "/UR") if key in rights
        }
    except UNREADABLE:
        pass
    if all(one.ranges in known for one in raw_signatures(content)):
        return
    sentence = (
        "Trong tệp có chữ ký đã bị gỡ khỏi tài liệu (a signature in the file was taken off the document)"
    )
    if others:
        found.name(sentence)
    else:
        found.fail(FORMAT, sentence)


def _judge_bytes(reading: Reading, found: Findings, *, expect_signed: bool) -> None:
    """A file whose structure no reader follows: intact only if its last signature holds and nothing lies behind it."""
    sentence = f"Không đọc được cấu trúc PDF hoặc chữ ký ({reading.broken})"
    if reading.holds and not expect_signed:
        found.doubt(
            FORMAT,
            f"{sentence}; chữ ký cuối phủ cả tệp và còn khớp (the last signature covers and fits the file)",
        )
    elif expect_signed or reading.marked:
        found.fail(FORMAT, sentence)
    else:
        found.doubt(FORMAT, sentence)
