"""A PDF judged: every signature, what it covers, what was changed after it, whom it binds to.

The verdict is the AND of the AdES result (ETSI EN 319 102-1), integrity, coverage, the change rule and the
time-stamps' match. Call it through `isolation`: the files are hostile.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from pathlib import Path

from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.fields import MDPPerm
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature

from signing.archive_form import archive_form
from signing.conditions import OFFLINE, Conditions
from signing.covering import MOST_LETTERS, MOST_SHARE, covers
from signing.findings import CONSTRAINTS, FORMAT, HASH, Findings
from signing.integrity import CHANGES, examine, is_stamp, loose_end
from signing.loose_parts import touched
from signing.raw_signatures import is_marked, raw_signatures
from signing.signature_fields import UNREADABLE, open_pdf, read_signatures
from signing.signature_verdict import judge_signature, signer_name
from signing.trust import TrustStore
from signing.verdict import FileVerdict, SignatureVerdict, Verdict


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
    content = path.read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    hash_ok = None if expected_sha256 is None else sha256 == expected_sha256
    found = Findings()
    if hash_ok is False:
        found.fail(HASH, "Mã băm khác với lúc lưu (the hash is not the recorded one)")
    signatures: tuple[SignatureVerdict, ...] = ()
    readable = True
    try:
        signatures = _signatures(content, trust, conditions, found)
    except PermissionError:
        readable = False
        found.doubt(FORMAT, "Tệp có mật khẩu nên không kiểm tra được (the file wants a password)")
    except UNREADABLE as error:
        readable = False
        sentence = f"Không đọc được cấu trúc PDF hoặc chữ ký ({type(error).__name__}: {str(error)[:120]})"
        _judge_bytes(content, sentence, found, expect_signed=expect_signed)
    if not signatures and readable and expect_signed:
        found.fail(FORMAT, "Chữ ký đã ghi nhận không còn trong tệp (recorded signatures are gone)")
    return FileVerdict(
        target=target or str(path),
        verdict=_verdict(found, signed=bool(signatures) or not readable or bool(found.doubts)),
        sub_indication=next(iter(found.failures + found.doubts), None),
        signatures=signatures,
        hash_ok=hash_ok,
        demo_trust=trust.demo is not None
        and any(one.trusted and one.anchor == trust.demo for one in signatures),
        archive=archive_form(path, name=Path(target or path).name),
        problems=tuple(dict.fromkeys(found.problems)),
        sha256=sha256,
    )


def _verdict(found: Findings, *, signed: bool) -> Verdict:
    if found.failures:
        return Verdict.FAILED
    if not signed:
        return Verdict.NOT_SIGNED
    return Verdict.INDETERMINATE if found.doubts else Verdict.PASSED


def _signatures(
    content: bytes, trust: TrustStore, conditions: Conditions, found: Findings
) -> tuple[SignatureVerdict, ...]:
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
        return ()
    if loose_end(content, reader, embedded):
        found.fail(FORMAT, "Có dữ liệu lạ sau phần đã ký (bytes after the last signature that are no update)")
    if _is_touched(reader, embedded):
        found.fail(
            FORMAT,
            "Phần đi kèm chữ ký bị sửa (what lies beside a signature was changed, the signed part was not)",
        )
    stamps = [one for one in embedded if is_stamp(one)]
    regular = [one for one in embedded if not is_stamp(one)]
    last = max(embedded, key=lambda one: one.signed_revision)
    for stamp in stamps:
        _look_at_stamp(stamp, found, last=stamp is last)
    if not regular:
        found.name("Tệp chỉ có dấu thời gian, không có chữ ký của ai (time-stamps only, nobody signed)")
    judged = tuple(
        judge_signature(
            one,
            content=content,
            trust=trust,
            conditions=conditions,
            stamps=stamps,
            reader=reader,
            found=found,
            last=one is last,
            permits=_permits(embedded),
            countersigned=any(other.signed_revision > one.signed_revision for other in regular),
        )
        for one in regular
    )
    _look_at_covers(content, regular, judged, found)
    return judged


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


def _look_at_stamp(stamp: EmbeddedPdfSignature, found: Findings, *, last: bool) -> None:
    facts = examine(stamp)
    if not facts.intact or not facts.covered:
        found.fail(HASH, "Dấu thời gian tài liệu không khớp nội dung (the document time-stamp does not fit)")
    elif last and facts.change > ModificationLevel.LTA_UPDATES:
        found.fail(CONSTRAINTS, f"Sau dấu thời gian cuối: {CHANGES[facts.change]}")


def _look_at_covers(
    content: bytes,
    regular: Sequence[EmbeddedPdfSignature],
    judged: Sequence[SignatureVerdict],
    found: Findings,
) -> None:
    trusted = {id(one): bool(verdict.trusted) for one, verdict in zip(regular, judged, strict=True)}
    for cover in covers(content, regular):
        who = signer_name(cover.late)
        if cover.share > MOST_SHARE:
            found.fail(
                CONSTRAINTS, f"Chữ ký của {who} che quá nửa trang đã ký (covers most of a signed page)"
            )
        elif len(cover.words) > MOST_LETTERS:
            sentence = (
                f"Chữ ký của {who} đè lên chữ đã ký trước (lies over words signed before): {cover.words[:80]}"
            )
            if trusted[id(cover.early)] and not trusted[id(cover.late)]:
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


def _judge_bytes(content: bytes, sentence: str, found: Findings, *, expect_signed: bool) -> None:
    """A file whose structure no reader follows: intact only if its last signature holds and nothing lies behind it."""
    raw = raw_signatures(content)
    last = max(raw, key=lambda one: one.end, default=None)
    if last is not None and last.whole and last.end == len(content) and not expect_signed:
        found.doubt(
            FORMAT,
            f"{sentence}; chữ ký cuối phủ cả tệp và còn khớp (the last signature covers and fits the file)",
        )
    elif expect_signed or is_marked(content):
        found.fail(FORMAT, sentence)
    else:
        found.doubt(FORMAT, sentence)
