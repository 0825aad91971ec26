#!/usr/bin/env python3
"""Judge an exported ledger without sohoa and without a database: this one file, Python, and `cryptography`.

    python3 verify_ledger.py LEDGER.jsonl [--objects FOLDER] [--root ROOT.crt ...]
    python3 verify_ledger.py PROOF.json [--file DOCUMENT.pdf] [--root ROOT.crt ...]

The ledger is a chain: hash = SHA-256(previous hash, newline, body). At the end of each day (Vietnam time) the agency
signs a Merkle root (RFC 6962: leaf 0x00, node 0x01) over the day's entries and manifests. So a changed, removed,
inserted or reordered entry is named, and so is an end that was cut off. Evidence records (RFC 4998) renew the days'
time-stamps. A proof (`sohoa ledger prove`) leads from one document to the signed root of its day. FOLDER holds copies
of the bucket's `x/`, `l/` and `d/` objects, whichever are at hand. Exit code 0: it holds; 5: not; 2: wrong usage.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

GENESIS = "0" * 64
VIETNAM = timezone(timedelta(hours=7), "Asia/Ho_Chi_Minh")
MESSAGE_DIGEST = bytes.fromhex("2a864886f70d010904")
TIME_STAMP = bytes.fromhex("2a864886f70d010910020e")
PSS = bytes.fromhex("2a864886f70d01010a")
HASHES: dict[bytes, hashes.HashAlgorithm] = {
    bytes.fromhex("608648016503040201"): hashes.SHA256(),
    bytes.fromhex("608648016503040202"): hashes.SHA384(),
    bytes.fromhex("608648016503040203"): hashes.SHA512(),
}
"""Digests that we use."""
READ: dict[bytes, hashes.HashAlgorithm] = HASHES | {
    bytes.fromhex("2b0e03021a"): hashes.SHA1(),
    bytes.fromhex("608648016503040204"): hashes.SHA224(),
}
"""Digests that are understood; how long each counts stands in WEAK."""
WEAK: tuple[tuple[str, int, date], ...] = (
    ("md5", 0, date(2004, 8, 31)),
    ("sha1", 0, date(2013, 12, 31)),
    ("sha224", 0, date(2030, 12, 31)),
    ("rsa", 1024, date(2010, 12, 31)),
    ("rsa", 2048, date(2013, 12, 31)),
    ("rsa", 3072, date(2030, 12, 31)),
    ("ec", 224, date(2013, 12, 31)),
    ("ec", 256, date(2030, 12, 31)),
    ("dsa", 100000, date(2024, 2, 2)),
)
"""The last day on which an algorithm counts: a digest, or a key of less than so many bits.

`config/algorithm_strength.toml` of sohoa with its sources; a test holds the two to be the same.
"""
OCSP_ANSWER = bytes.fromhex("2b06010505071002")
"""id-ri-ocsp-response: an OCSP answer beside the revocation lists of a signature (RFC 5940)."""


VIETNAMESE: tuple[tuple[str, str], ...] = (
    (
        r"entry (\d+) stands after entry (\d+): out of order, or twice",
        "mục {} đứng sau mục {}: sai thứ tự, hoặc bị lặp",
    ),
    (r"entries (\S+) to (\S+) are missing", "thiếu các mục {} đến {}"),
    (
        r"entries (\S+) to (\S+) are missing: the root of (\S+) seals them",
        "thiếu các mục {} đến {}, mà gốc ngày {} đã niêm phong",
    ),
    (r"entries (\S+) to (\S+) are missing: (\S+) holds them", "thiếu các mục {} đến {}, mà {} còn giữ"),
    (
        r"entries (\S+) to (\S+) are not those that the root of (\S+) seals",
        "các mục {} đến {} không phải những mục mà gốc ngày {} đã niêm phong",
    ),
    (r"entry (\S+) does not follow entry (\S+)", "mục {} không nối tiếp mục {}"),
    (r"entry (\S+) was changed", "mục {} đã bị sửa"),
    (r"entry (\S+) stands in another's place", "mục {} đứng vào chỗ của mục khác"),
    (r"entry (\S+) of the segment was changed", "mục {} trong đoạn này đã bị sửa"),
    (r"entry (\S+) is another one in (\S+)", "mục {} khác với mục ấy trong {}"),
    (r"the segment is cut off or no segment", "đoạn bị cụt, hoặc không phải đoạn sổ cái"),
    (r"the root is cut off or no root", "gốc của ngày bị cụt, hoặc không phải gốc"),
    (
        r"does not follow the root of the day before it; one is missing or changed",
        "không nối tiếp gốc của ngày trước; có gốc bị thiếu hoặc bị sửa",
    ),
    (r"begins with entry (\S+) where (\S+) is due", "bắt đầu từ mục {}, lẽ ra từ mục {}"),
    (r"the signature is missing", "thiếu chữ ký"),
    (r"the root is not signed", "gốc chưa được ký"),
    (r"signed by (.+), whom no given root vouches for", "ký bởi {}, không chứng thư gốc nào đã nêu bảo đảm"),
    (r"signed on (\S+) by (.+), which counted until (\S+)", "ký ngày {} bằng {}, chỉ còn giá trị đến {}"),
    (r"the signature does not fit these bytes", "chữ ký không khớp nội dung này"),
    (r"the signature is damaged \((.+)\)", "chữ ký bị hỏng ({})"),
    (r"the signer's certificate (.+)", "chứng thư của người ký {}"),
    (r"the manifest is not the one that (\S+) seals", "bản kê không phải bản mà {} đã niêm phong"),
    (
        r"the manifest is not one that the root of (\S+) seals",
        "bản kê không thuộc những bản mà gốc ngày {} đã niêm phong",
    ),
    (
        r"the manifest does not hold this document with these bytes",
        "bản kê không có giấy tờ này với đúng nội dung này",
    ),
    (
        r"the time-stamp is by a certificate that may not stamp",
        "dấu thời gian dùng chứng thư không được phép đóng dấu",
    ),
    (
        r"the time-stamp is by an authority whom no given root vouches for",
        "dấu thời gian của tổ chức mà không chứng thư gốc nào đã nêu bảo đảm",
    ),
    (r"the evidence record is damaged", "bản ghi bằng chứng bị hỏng"),
    (r"the evidence record is damaged \((.+)\)", "bản ghi bằng chứng bị hỏng ({})"),
    (
        r"the evidence record is another one than the ledger names",
        "bản ghi bằng chứng khác với bản mà sổ cái nêu",
    ),
    (
        r"covers (\S+) objects that are not here: a root or its signature is missing, or was changed",
        "bao gồm {} đối tượng không có ở đây: một gốc hay chữ ký của nó bị thiếu hoặc bị sửa",
    ),
    (r"renewal (\S+) of the hash tree leaves out (\S+)", "lần gia hạn cây băm thứ {} bỏ sót {}"),
    (r"time-stamp (\S+) (.+)", "dấu thời gian thứ {} {}"),
    (r"the certificate of the last time-stamp (.+)", "chứng thư của dấu thời gian cuối {}"),
    (r"does not follow the one before it", "không nối tiếp dấu trước"),
    (r"does not fit what it is over", "không khớp với thứ mà nó đóng dấu"),
    (r"does not hold \((.+)\)", "không có giá trị ({})"),
    (
        r"is by (.+), which counted until (\S+); it is of (\S+)",
        "dùng {}, chỉ còn giá trị đến {}; dấu đề ngày {}",
    ),
    (r"is older than the one that it renews", "cũ hơn dấu mà nó gia hạn"),
    (
        r"came on (\S+), after the certificate of the one before ended on (\S+)",
        "đóng ngày {}, sau khi chứng thư của dấu trước hết hạn ngày {}",
    ),
    (
        r"came on (\S+), when (.+) of the one before counted no more: until (\S+)",
        "đóng ngày {}, khi {} của dấu trước không còn giá trị: chỉ đến {}",
    ),
    (r"renews one whose certificate (.+)", "gia hạn một dấu mà chứng thư {}"),
    (r"(.+) \(that of (.+)\)", "{} (của {})"),
    (r"is told of by an OCSP answer that does not hold", "kèm trả lời OCSP không có giá trị"),
    (r"is told of by a revocation list that does not hold", "kèm danh sách thu hồi không có giá trị"),
    (r"was revoked on (\S+)", "đã bị thu hồi ngày {}"),
    (
        r"is told of until (\S+) only, and was used on (\S+): older than needed",
        "chỉ có thông tin thu hồi đến {}, mà được dùng ngày {}: cũ hơn mức cần",
    ),
    (r"(\S+) is missing: the ledger names it", "thiếu {}, mà sổ cái có nêu"),
    (r"(\S+) is missing in the bucket", "thiếu {} trong kho"),
    (r"(\S+) is missing: later versions are here", "thiếu {}, trong khi có bản sau nó"),
    (r"does not go on from the version before it", "không tiếp nối bản trước nó"),
    (r"not the bytes whose (\S+) (\S+) holds", "nội dung không đúng với mã băm {} ghi trong {}"),
    (r"a line is none of a list of digests", "có dòng không phải của danh sách mã băm"),
    (r"the proof is damaged or no proof", "tệp chứng minh bị hỏng, hoặc không phải tệp chứng minh"),
    (r"the proof is too large to be one", "tệp quá lớn, không thể là tệp chứng minh"),
    (r"the file is another one than the proof is about", "tệp này không phải tệp mà chứng minh nói tới"),
    (r"the path does not lead to the root of the day", "đường băm không dẫn tới gốc của ngày"),
    (r"the path does not lead to the root of the day \((.+)\)", "đường băm không dẫn tới gốc của ngày ({})"),
    (r"does not cover (\S+)", "không bao gồm {}"),
    (r"line (\S+) is no line of a ledger", "dòng {} không phải một dòng sổ cái"),
    (r"the file has no head: it is cut off", "tệp thiếu dòng đầu chuỗi: tệp bị cụt"),
    (
        r"the head names entry (\S+), the file ends with (\S+)",
        "dòng đầu chuỗi nêu mục {}, mà tệp hết ở mục {}",
    ),
    (
        r"the export holds another evidence record than the store",
        "bản xuất có bản ghi bằng chứng khác với trong kho",
    ),
    (r"the export holds another root than the store", "bản xuất có gốc khác với trong kho"),
    (r"(\S+): (.+)", "{}: {}"),
)
"""What is said of a problem, whole or in part, and how a clerk reads it; a test holds that no problem is left out."""


def in_vietnamese(problem: str) -> str:
    """A problem as a clerk reads it; what is not known stays as it is."""
    for pattern, sentence in VIETNAMESE:
        if found := re.fullmatch(pattern, problem, re.DOTALL):
            return sentence.format(*map(in_vietnamese, found.groups()))
    return problem


def in_both(problem: str) -> str:
    """The Vietnamese sentence first, the English one after it, as every message of the commands."""
    return f"{in_vietnamese(problem)} ({problem})"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as it stands in a ledger, a segment or an export; nothing of it is believed."""

    seq: int
    previous: str
    hash: str
    body: str


@dataclass(slots=True)
class Chain:
    """A ledger walked from its first entry to its last: every hash by number, and what did not hold."""

    hashes: dict[int, str] = field(default_factory=dict)
    entries: int = 0
    last: int = 0
    head: str = GENESIS
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Root:
    """A signed day: the bytes of root.json under their key, and the signature over them if there is one."""

    key: str
    content: bytes
    signature: bytes | None


@dataclass(frozen=True, slots=True)
class Seal:
    """Who signed a root, when by the time-stamp (None without one), and whether a trusted root vouches."""

    signer: str
    stamped: datetime | None
    trusted: bool | None


class Broken(Exception):
    """A signature that does not hold; the message is the reason."""


def day_of(at: str) -> date:
    """The business day in Vietnam of an ISO time with offset."""
    return datetime.fromisoformat(at).astimezone(VIETNAM).date()


def entry_hash(previous: str, body: str) -> str:
    return hashlib.sha256(f"{previous}\n{body}".encode()).hexdigest()


def line_of(entry: Entry, **more: Any) -> bytes:
    """An entry as one line of JSON."""
    values = {"seq": entry.seq, "previous": entry.previous, "hash": entry.hash, "body": entry.body, **more}
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def entry_of(found: dict[str, Any]) -> Entry:
    """An entry from its line; raises ValueError when it is none."""
    try:
        return Entry(int(found["seq"]), str(found["previous"]), str(found["hash"]), str(found["body"]))
    except (KeyError, TypeError) as error:
        raise ValueError("a line is no ledger entry") from error


def number_in(body: str) -> Any:
    """The number that an entry's body states, None when it states none."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found.get("seq") if isinstance(found, dict) else None


def walk(entries: Iterable[Entry]) -> Chain:
    """Follow the chain in the given order and name each entry that does not hold."""
    chain = Chain()
    previous, due = GENESIS, 1
    for one in entries:
        chain.entries += 1
        if one.seq < due:
            chain.problems.append(f"entry {one.seq} stands after entry {due - 1}: out of order, or twice")
        elif one.seq > due:
            chain.problems.append(f"entries {due} to {one.seq - 1} are missing")
        elif one.previous != previous:
            chain.problems.append(f"entry {one.seq} does not follow entry {one.seq - 1}")
        if entry_hash(one.previous, one.body) != one.hash:
            chain.problems.append(f"entry {one.seq} was changed")
        elif number_in(one.body) != one.seq:
            chain.problems.append(f"entry {one.seq} stands in another's place")
        chain.hashes[one.seq] = one.hash
        previous, due = one.hash, one.seq + 1
        chain.last, chain.head = max(chain.last, one.seq), one.hash
    return chain


def merkle(leaves: Sequence[bytes]) -> str:
    """Merkle tree hash of RFC 6962 over the leaves' data."""
    level = [hashlib.sha256(b"\0" + leaf).digest() for leaf in leaves]
    if not level:
        return hashlib.sha256(b"").hexdigest()
    while len(level) > 1:
        pairs = [
            hashlib.sha256(b"\1" + level[n] + level[n + 1]).digest() for n in range(0, len(level) - 1, 2)
        ]
        level = pairs + level[len(pairs) * 2 :]
    return level[0].hex()


def leaves(entries: Iterable[tuple[int, str]], manifests: Iterable[dict[str, str]]) -> list[bytes]:
    """What a day's root is made over: its entries by number and hash, its manifests by key and digest."""
    mine = [f"entry {seq} {own}".encode() for seq, own in entries]
    return mine + [f"manifest {one['key']} {one['sha256']}".encode() for one in manifests]


def judge_segments(chain: Chain, segments: Iterable[tuple[str, bytes]]) -> list[str]:
    """Problems of a ledger against copies of its segments: entries that are gone from it or differ."""
    problems: list[str] = []
    for key, content in segments:
        gone: list[int] = []
        try:
            found = [entry_of(json.loads(line)) for line in content.splitlines()]
        except ValueError:
            problems.append(f"{key}: the segment is cut off or no segment")
            continue
        for one in found:
            if entry_hash(one.previous, one.body) != one.hash:
                problems.append(f"{key}: entry {one.seq} of the segment was changed")
            elif one.seq not in chain.hashes:
                gone.append(one.seq)
            elif chain.hashes[one.seq] != one.hash:
                problems.append(f"entry {one.seq} is another one in {key}")
        if gone:
            problems.append(f"entries {gone[0]} to {gone[-1]} are missing: {key} holds them")
    return problems


def judge_roots(
    chain: Chain, roots: Sequence[Root], trusted: Sequence[x509.Certificate]
) -> tuple[list[str], dict[str, Seal]]:
    """Problems of a ledger against its signed days, oldest first; and who sealed each day."""
    problems: list[str] = []
    seals: dict[str, Seal] = {}
    before: Root | None = None
    due = 1
    for root in roots:
        try:
            stated = json.loads(root.content)
            day, first, last = str(stated["day"]), int(stated["first"]), int(stated["last"])
            manifests, whole, head = list(stated["manifests"]), str(stated["root"]), str(stated["head"])
            previous = stated["previous"]
        except (ValueError, KeyError, TypeError):
            problems.append(f"{root.key}: the root is cut off or no root")
            before = root
            continue
        if previous != (hashlib.sha256(before.content).hexdigest() if before else None):
            problems.append(
                f"{root.key}: does not follow the root of the day before it; one is missing or changed"
            )
        elif first != due:
            problems.append(f"{root.key}: begins with entry {first} where {due} is due")
        gone = [seq for seq in range(first, last + 1) if seq not in chain.hashes]
        if gone:
            problems.append(f"entries {gone[0]} to {gone[-1]} are missing: the root of {day} seals them")
        else:
            mine = [(seq, chain.hashes[seq]) for seq in range(first, last + 1)]
            if merkle(leaves(mine, manifests)) != whole or chain.hashes[last] != head:
                problems.append(f"entries {first} to {last} are not those that the root of {day} seals")
        try:
            if root.signature is None:
                raise Broken("the signature is missing")
            seals[day] = check_signature(root.content, root.signature, trusted)
            if seals[day].trusted is False:
                raise Broken(f"signed by {seals[day].signer}, whom no given root vouches for")
        except Broken as error:
            problems.append(f"{root.key}: {error}")
        before, due = root, last + 1
    return problems, seals


def judge_manifests(roots: Sequence[Root], read: Callable[[str], bytes | None]) -> tuple[list[str], int]:
    """Problems of the manifests that the roots name, as far as `read` has them; and how many were compared."""
    problems, compared = [], 0
    for root in roots:
        try:
            named = [(str(one["key"]), str(one["sha256"])) for one in json.loads(root.content)["manifests"]]
        except (ValueError, KeyError, TypeError):
            continue  # judge_roots has said so
        for key, sha256 in named:
            content = read(key)
            if content is None:
                continue
            compared += 1
            if hashlib.sha256(content).hexdigest() != sha256:
                problems.append(f"{key}: the manifest is not the one that {root.key} seals")
    return problems, compared


def check_signature(content: bytes, message: bytes, trusted: Sequence[x509.Certificate]) -> Seal:
    """Check a detached CMS over `content` with its time-stamp. Raises Broken."""
    try:
        signed = _signed(message)
        own = _check_signer(signed, content)
        stamped = None
        for token in _attribute(signed.unsigned, TIME_STAMP):
            stamped = _check_stamp(token, signed.signature, trusted)
        at = stamped or datetime.now(UTC)
        for name, until in weaknesses(own, signed.digest.name):
            if at.date() > until:
                raise Broken(f"signed on {at.date()} by {name}, which counted until {until}")
        told = Told(own, signed.certificates, signed.crls, signed.ocsps)
        for problem in judge_revocation(told, at, at, trusted):
            raise Broken(f"the signer's certificate {problem}")
        names = own.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        known = _leads_to(own, signed.certificates, trusted, at) if trusted else None
        return Seal(str(names[0].value) if names else own.subject.rfc4514_string(), stamped, known)
    except InvalidSignature as error:
        raise Broken("the signature does not fit these bytes") from error
    except (ValueError, IndexError, KeyError) as error:
        raise Broken(f"the signature is damaged ({error})") from error


@dataclass(frozen=True, slots=True)
class _Signed:
    certificates: list[x509.Certificate]
    crls: list[bytes]
    ocsps: list[bytes]
    content: bytes | None
    signer: bytes
    digest: hashes.HashAlgorithm
    attributes: bytes
    scheme: bytes
    signature: bytes
    unsigned: bytes


def _parts(data: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """DER values in a row: tag, content, and the whole with its header."""
    at = 0
    while at < len(data):
        start, tag, length = at, data[at], data[at + 1]
        at += 2
        if length & 0x80:
            size = length & 0x7F
            if not 1 <= size <= 4:
                raise ValueError("not DER")
            length = int.from_bytes(data[at : at + size], "big")
            at += size
        if at + length > len(data):
            raise ValueError("cut off")
        yield tag, data[at : at + length], data[start : at + length]
        at += length


def inside(data: bytes) -> list[tuple[int, bytes, bytes]]:
    """DER values in a row: tag, content, and the whole with its header. Raises ValueError, IndexError."""
    return list(_parts(data))


def _signed(message: bytes) -> _Signed:
    """SignedData (RFC 5652) taken apart, its one signer too."""
    (_, info, _), *rest = inside(message)
    if rest:
        raise ValueError("bytes after the end")
    body = inside(inside(inside(info)[1][1])[0][1])
    capsule = inside(body[2][1])
    content = inside(capsule[1][1])[0][1] if len(capsule) > 1 else None
    certificates = [
        x509.load_der_x509_certificate(whole)
        for tag, inner, _ in body[3:]
        if tag == 0xA0
        for kind, _, whole in inside(inner)
        if kind == 0x30
    ]
    told = [one for tag, inner, _ in body[3:-1] if tag == 0xA1 for one in inside(inner)]
    crls = [whole for kind, _, whole in told if kind == 0x30]
    others = [inside(inner) for kind, inner, _ in told if kind == 0xA1]
    ocsps = [one[1][2] for one in others if len(one) == 2 and one[0][1] == OCSP_ANSWER]
    (signer,) = inside(body[-1][1])
    fields = inside(signer[1])
    unsigned = fields[6][1] if len(fields) > 6 else b""
    algorithm = READ[inside(fields[2][1])[0][1]]
    return _Signed(
        certificates,
        crls,
        ocsps,
        content,
        fields[1][1],
        algorithm,
        fields[3][1],
        inside(fields[4][1])[0][1],
        fields[5][1],
        unsigned,
    )


def stamp_tokens_of(message: bytes) -> list[bytes]:
    """The time-stamp tokens over a detached signature; none when it is damaged."""
    try:
        return _attribute(_signed(message).unsigned, TIME_STAMP)
    except (ValueError, IndexError, KeyError):
        return []


def _attribute(attributes: bytes, kind: bytes) -> list[bytes]:
    """The values of one attribute, whole."""
    for _, inner, _ in inside(attributes):
        (_, name, _), (_, values, _) = inside(inner)
        if name == kind:
            return [whole for _, _, whole in inside(values)]
    return []


def _check_signer(signed: _Signed, content: bytes) -> x509.Certificate:
    """The certificate whose key signed `content`. Raises InvalidSignature or ValueError."""
    (_, _, issuer), (_, serial, _) = inside(signed.signer)
    own = next(
        one
        for one in [*signed.certificates, None]
        if one is None
        or (one.issuer.public_bytes() == issuer and one.serial_number == int.from_bytes(serial, "big"))
    )
    if own is None:
        raise ValueError("the signer's certificate is missing")
    digest = hashes.Hash(signed.digest)
    digest.update(content)
    (stated,) = _attribute(signed.attributes, MESSAGE_DIGEST)
    if inside(stated)[0][1] != digest.finalize():
        raise InvalidSignature
    size = len(signed.attributes)
    header = (
        bytes([size])
        if size < 128
        else bytes([0x80 | (n := (size.bit_length() + 7) // 8)]) + size.to_bytes(n, "big")
    )
    data, key = b"\x31" + header + signed.attributes, own.public_key()
    if isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(signed.signature, data, ec.ECDSA(signed.digest))
    elif isinstance(key, rsa.RSAPublicKey):
        salted = padding.PSS(padding.MGF1(signed.digest), padding.PSS.AUTO)
        key.verify(
            signed.signature, data, salted if signed.scheme == PSS else padding.PKCS1v15(), signed.digest
        )
    else:
        raise ValueError("neither RSA nor ECDSA")
    return own


def _check_stamp(token: bytes, signature: bytes, trusted: Sequence[x509.Certificate]) -> datetime:
    """The time that a token (RFC 3161) states for `signature`. Raises InvalidSignature, Broken or ValueError."""

    def fits(algorithm: hashes.HashAlgorithm, imprint: bytes) -> bool:
        return hashed(algorithm, signature) == imprint

    return check_token(token, fits, trusted).at


@dataclass(frozen=True, slots=True)
class Told:
    """A signer, and what a signature carries on certificates and their revocation; nothing of it is believed."""

    signer: x509.Certificate
    certificates: Sequence[x509.Certificate]
    crls: Sequence[bytes]
    ocsps: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a time-stamp token says: when, by whose certificate, by which digests, and what it carries on revocation."""

    at: datetime
    signer: x509.Certificate
    told: Told
    digests: tuple[str, ...]

    @property
    def weak(self) -> list[tuple[str, date]]:
        """What it is made by that counts until a day."""
        return weaknesses(self.signer, *self.digests)


def check_token(
    token: bytes, fits: Callable[[hashes.HashAlgorithm, bytes], bool], trusted: Sequence[x509.Certificate]
) -> Stamp:
    """Check a token (RFC 3161); `fits` says whether the imprint is the one that is due.

    Raises InvalidSignature, Broken or ValueError.
    """
    stamp = _signed(token)
    if stamp.content is None:
        raise ValueError("an empty time-stamp")
    own = _check_signer(stamp, stamp.content)
    fields = inside(inside(stamp.content)[0][1])
    kind, imprint = inside(fields[2][1])
    over = READ[inside(kind[1])[0][1]]
    if not fits(over, imprint[1]):
        raise InvalidSignature
    at = datetime.strptime(fields[4][1].decode()[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    uses = own.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    if ExtendedKeyUsageOID.TIME_STAMPING not in uses:
        raise Broken("the time-stamp is by a certificate that may not stamp")
    if trusted and not _leads_to(own, stamp.certificates, trusted, at):
        raise Broken("the time-stamp is by an authority whom no given root vouches for")
    told = Told(own, stamp.certificates, stamp.crls, stamp.ocsps)
    return Stamp(at, own, told, (stamp.digest.name, over.name))


def weaknesses(signer: x509.Certificate, *digests: str) -> list[tuple[str, date]]:
    """What of a signature by these digests and that key counts until a day only, the first to end first."""
    key = signer.public_key()
    kind = "rsa" if isinstance(key, rsa.RSAPublicKey) else "ec"
    bits = key.key_size if isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey) else 0
    found = {(name.upper(), until) for name, below, until in WEAK if not below and name in digests}
    found |= {
        (f"{kind.upper()} {bits} bit", until) for name, below, until in WEAK if name == kind and bits < below
    }
    return sorted(found, key=lambda one: one[1])


def hashed(algorithm: hashes.HashAlgorithm, content: bytes) -> bytes:
    digest = hashes.Hash(algorithm)
    digest.update(content)
    return digest.finalize()


def _leads_to(
    own: x509.Certificate,
    others: Sequence[x509.Certificate],
    trusted: Sequence[x509.Certificate],
    at: datetime,
) -> bool:
    """Whether a chain of valid certificates leads from `own` to a trusted one at that time."""
    for _ in range(8):
        if not own.not_valid_before_utc <= at <= own.not_valid_after_utc:
            return False
        if own in trusted:
            return True
        for one in [*trusted, *others]:
            if one.subject == own.issuer and one != own and _issued(own, one):
                own = one
                break
        else:
            return False
    return False


def _issued(own: x509.Certificate, by: x509.Certificate) -> bool:
    try:
        own.verify_directly_issued_by(by)
        return by.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (InvalidSignature, ValueError, TypeError, x509.ExtensionNotFound):
        return False


EVIDENCE = "x/evidence/"
"""Evidence records (RFC 4998) over the signed days: `{first day}/{version}.ers`, each version a new object."""
RENEWAL = "renew_roots"
"""The ledger's act for a new version."""


@dataclass(frozen=True, slots=True)
class ArchiveStamp:
    """ArchiveTimeStamp of RFC 4998: the digest's OID, the reduced hash tree as lists of digests, the token."""

    kind: bytes
    tree: tuple[tuple[bytes, ...], ...]
    token: bytes


@dataclass(frozen=True, slots=True)
class StampChain:
    """ArchiveTimeStampChain: time-stamps that renew one another under one digest algorithm; its DER."""

    stamps: tuple[ArchiveStamp, ...]
    whole: bytes


def read_record(der: bytes) -> tuple[StampChain, ...]:
    """The chains of an EvidenceRecord. Raises ValueError (also KeyError, IndexError) when it is none."""
    (tag, body, _), *rest = inside(der)
    fields = inside(body)
    if (
        tag != 0x30
        or rest
        or fields[0][2] != b"\x02\x01\x01"
        or [fields[1][0], fields[-1][0]] != [0x30, 0x30]
    ):
        raise ValueError("no evidence record")
    chains = []
    for _, inner, whole in inside(fields[-1][1]):
        stamps = tuple(_archive_stamp(one) for _, one, _ in inside(inner))
        if not stamps or len({stamp.kind for stamp in stamps}) > 1:
            raise ValueError("a chain of time-stamps is empty, or of several digests")
        chains.append(StampChain(stamps, whole))
    if not chains:
        raise ValueError("no time-stamp")
    return tuple(chains)


def _archive_stamp(content: bytes) -> ArchiveStamp:
    found = {tag: (inner, whole) for tag, inner, whole in inside(content)}
    if not found.keys() >= {0xA0, 0x30} or not found.keys() <= {0xA0, 0xA1, 0xA2, 0x30}:
        raise ValueError("no archive time-stamp")
    lists = inside(found[0xA2][0]) if 0xA2 in found else []
    tree = tuple(tuple(leaf for _, leaf, _ in inside(inner)) for _, inner, _ in lists)
    kind = inside(found[0xA0][0])[0][1]
    size = READ[kind].digest_size
    if any(not one or any(len(leaf) != size for leaf in one) for one in tree):
        raise ValueError("a hash tree with an empty list, or digests of another length")
    return ArchiveStamp(kind, tree, found[0x30][1])


def sequence_of(chains: Sequence[StampChain]) -> bytes:
    """DER of an ArchiveTimeStampSequence: what a renewal of the hash tree binds."""
    return tlv(0x30, *(one.whole for one in chains))


def tlv(tag: int, *parts: bytes) -> bytes:
    """A DER value from its content."""
    content = b"".join(parts)
    size = len(content)
    if size < 128:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def leaf_of(content: bytes, kind: bytes, before: Sequence[StampChain]) -> bytes:
    """An object's leaf in a chain: its digest, bound to all earlier chains (RFC 4998 section 5.3)."""
    own = hashed(READ[kind], content)
    if not before:
        return own
    return hashed(READ[kind], own + hashed(READ[kind], sequence_of(before)))


def fold(tree: Sequence[Sequence[bytes]], kind: bytes) -> bytes:
    """The top of a reduced hash tree: each list sorted and hashed, the outcome joins the next list (section 4.3)."""
    top: list[bytes] = []
    for one in tree:
        together = sorted([*one, *top])
        top = [hashed(READ[kind], b"".join(together)) if len(together) > 1 else together[0]]
    return top[0]


@dataclass(frozen=True, slots=True)
class Standing:
    """An evidence record as judged: what it covers, its time-stamps (time, signer, until when it proves)."""

    key: str
    covers: tuple[str, ...]
    stamps: tuple[tuple[datetime, str, datetime], ...]


def judge_record(
    key: str,
    der: bytes,
    objects: dict[str, bytes],
    trusted: Sequence[x509.Certificate],
    *,
    alone: bool = True,
) -> tuple[list[str], Standing | None]:
    """Problems of one evidence record over the objects at hand, by key: each broken link is named.

    `alone`: the objects are all that there are, so that what it covers and is not among them is missing.
    """
    problems: list[str] = []
    try:
        chains = read_record(der)
    except (ValueError, IndexError, KeyError) as error:
        return [f"{key}: the evidence record is damaged ({error})"], None
    covers: tuple[str, ...] = ()
    stamps: list[Stamp] = []
    for number, chain in enumerate(chains):
        kind, first = chain.stamps[0].kind, chain.stamps[0]
        mine = {name: leaf_of(objects[name], kind, chains[:number]) for name in objects}
        top = fold(first.tree, kind) if first.tree else None
        held = {name for name, leaf in mine.items() if top is None or leaf in first.tree[0]}
        if number == 0:
            unknown = set(first.tree[0] if first.tree else ()) - set(mine.values())
            covers = tuple(sorted(held)) if top is not None else ()
            if unknown and alone:
                problems.append(
                    f"{key}: covers {len(unknown)} objects that are not here: a root or its signature is "
                    "missing, or was changed"
                )
        else:
            lists = {f"{name.rpartition('/')[0]}/{READ[kind].name}.jsonl" for name in covers} & objects.keys()
            problems += [
                f"{key}: renewal {number} of the hash tree leaves out {name}"
                for name in sorted({*covers, *lists} - held)
            ]
        for place, one in enumerate(chain.stamps):
            where = f"{key}: time-stamp {len(stamps) + 1}"
            if place:
                leaf = hashed(READ[kind], chain.stamps[place - 1].token)
                if one.tree and leaf not in one.tree[0]:
                    problems.append(f"{where} does not follow the one before it")
                due = {fold(one.tree, kind) if one.tree else leaf}
            else:
                single = {mine[name] for name in covers} if number else set(mine.values())
                due = {top} if top is not None else single
            try:
                stamp = check_token(one.token, _imprint(kind, due), trusted)
                if place == 0 and top is None:  # one object alone is stamped without a tree
                    covers = covers or tuple(n for n in mine if stamps_leaf(one.token, kind, mine[n]))
            except InvalidSignature:
                problems.append(f"{where} does not fit what it is over")
                return problems, Standing(key, covers, _told(stamps))
            except (Broken, ValueError, IndexError, KeyError, x509.ExtensionNotFound) as error:
                problems.append(f"{where} does not hold ({error})")
                return problems, Standing(key, covers, _told(stamps))
            problems += [
                f"{where} is by {name}, which counted until {until}; it is of {stamp.at.date()}"
                for name, until in weaknesses(stamp.signer, *stamp.digests, READ[kind].name)
                if stamp.at.date() > until
            ]
            if stamps:
                old = READ[chains[number if place else number - 1].stamps[0].kind].name
                problems += [f"{where} {what}" for what in _follows(stamps[-1], old, stamp.at, trusted)]
            stamps.append(stamp)
    if stamps:
        newest = stamps[-1]
        problems += [
            f"{key}: the certificate of the last time-stamp {what}"
            for what in judge_revocation(newest.told, newest.at, datetime.now(UTC), trusted)
        ]
    return problems, Standing(key, covers, _told(stamps))


def stamps_leaf(token: bytes, kind: bytes, leaf: bytes) -> bool:
    """Whether a token that holds is over that leaf."""
    try:
        check_token(token, _imprint(kind, {leaf}), ())
    except InvalidSignature:
        return False
    return True


def _imprint(kind: bytes, due: set[bytes]) -> Callable[[hashes.HashAlgorithm, bytes], bool]:
    return lambda algorithm, imprint: algorithm.name == READ[kind].name and imprint in due


def _follows(before: Stamp, kind: str, at: datetime, trusted: Sequence[x509.Certificate]) -> list[str]:
    """What is wrong with a renewal at that time: early, late, or after a revocation. `kind`: the tree's digest."""
    wrong = []
    if at < before.at:
        wrong.append("is older than the one that it renews")
    if at > before.signer.not_valid_after_utc:
        ended = before.signer.not_valid_after_utc.date()
        wrong.append(f"came on {at.date()}, after the certificate of the one before ended on {ended}")
    weak = weaknesses(before.signer, *before.digests, kind)
    wrong += [
        f"came on {at.date()}, when {name} of the one before counted no more: until {until}"
        for name, until in weak
        if before.at.date() <= until < at.date()
    ]
    return wrong + [
        f"renews one whose certificate {what}"
        for what in judge_revocation(before.told, before.at, at, trusted)
    ]


@dataclass(frozen=True, slots=True)
class Statement:
    """What an authentic answer or list says of a certificate: until when it speaks, and when it was revoked."""

    ends: datetime
    revoked: datetime | None


def judge_revocation(
    told: Told, needed: datetime, at: datetime, trusted: Sequence[x509.Certificate]
) -> list[str]:
    """What speaks against a signer, or an authority above it, by the answers and lists that its signature carries.

    They must speak of `needed`, when it was used, or of later; what was revoked by `at` proves nothing any more.
    Nothing is said where nothing is carried, or where no certificate of the issuer is at hand to judge it by.
    """
    wrong: list[str] = []
    own, above = told.signer, [*trusted, *told.certificates]
    for _ in range(8):
        issuer = next((one for one in above if one.subject == own.issuer and _issued(own, one)), None)
        if issuer is None or own in trusted or issuer == own:
            return wrong
        found: list[Statement] = []
        whose = "" if own == told.signer else f" (that of {name_of(own)})"
        for der in told.ocsps:
            try:
                found += _answer(der, own, issuer)
            except (InvalidSignature, ValueError, TypeError, IndexError):
                wrong.append(f"is told of by an OCSP answer that does not hold{whose}")
        for der in told.crls:
            try:
                found += _listed(der, own, issuer)
            except (InvalidSignature, ValueError, TypeError):
                wrong.append(f"is told of by a revocation list that does not hold{whose}")
        gone = sorted(one.revoked for one in found if one.revoked is not None and one.revoked <= at)
        if gone:
            wrong.append(f"was revoked on {gone[0].date()}{whose}")
        elif found and all(one.ends < needed for one in found):
            last = max(one.ends for one in found)
            wrong.append(
                f"is told of until {last.date()} only, and was used on {needed.date()}: older than needed{whose}"
            )
        own = issuer
    return wrong


def _answer(der: bytes, own: x509.Certificate, issuer: x509.Certificate) -> list[Statement]:
    """What an OCSP answer says of a certificate; nothing when it is about others. Raises when it does not hold."""
    answer = ocsp.load_der_ocsp_response(der)
    if answer.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
        return []
    mine = [one for one in answer.responses if _is_about(one, own, issuer)]
    if not mine:
        return []
    signer = _responder(answer, issuer)
    digest = answer.signature_hash_algorithm
    key = signer.public_key()
    if isinstance(key, ec.EllipticCurvePublicKey) and digest is not None:
        key.verify(answer.signature, answer.tbs_response_bytes, ec.ECDSA(digest))
    elif isinstance(key, rsa.RSAPublicKey) and digest is not None:
        key.verify(answer.signature, answer.tbs_response_bytes, padding.PKCS1v15(), digest)
    else:
        raise ValueError("neither RSA nor ECDSA")
    day = answer.produced_at_utc.date()
    if any(day > until for _, until in weaknesses(signer, digest.name)):
        raise ValueError("signed by what was weak on that day")
    return [
        Statement(
            one.next_update_utc or one.this_update_utc,
            one.revocation_time_utc if one.certificate_status is ocsp.OCSPCertStatus.REVOKED else None,
        )
        for one in mine
        if one.certificate_status is not ocsp.OCSPCertStatus.UNKNOWN
    ]


def _is_about(one: ocsp.OCSPSingleResponse, own: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether an answer names that certificate: by its number, and its issuer's name and key (RFC 6960, 4.1.1)."""
    spki = issuer.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    key = inside(inside(spki)[0][1])[1][1][1:]
    return (
        one.serial_number == own.serial_number
        and one.issuer_name_hash == hashed(one.hash_algorithm, issuer.subject.public_bytes())
        and one.issuer_key_hash == hashed(one.hash_algorithm, key)
    )


def _responder(answer: ocsp.OCSPResponse, issuer: x509.Certificate) -> x509.Certificate:
    """Who signed an answer: the issuer, or whom it empowered (RFC 6960, 4.2.2.2). Raises ValueError."""
    for one in [issuer, *answer.certificates]:
        named = (
            one.subject == answer.responder_name
            if answer.responder_name is not None
            else (
                x509.SubjectKeyIdentifier.from_public_key(one.public_key()).digest
                == answer.responder_key_hash
            )
        )
        if not named:
            continue
        if one == issuer:
            return one
        try:
            uses = one.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
            one.verify_directly_issued_by(issuer)
        except (x509.ExtensionNotFound, InvalidSignature, ValueError, TypeError):
            continue
        in_term = one.not_valid_before_utc <= answer.produced_at_utc <= one.not_valid_after_utc
        if in_term and ExtendedKeyUsageOID.OCSP_SIGNING in uses:
            return one
    raise ValueError("by nobody whom the issuer empowered")


def _listed(der: bytes, own: x509.Certificate, issuer: x509.Certificate) -> list[Statement]:
    """What a revocation list says of a certificate; nothing when another issuer's. Raises when it does not hold."""
    found = x509.load_der_x509_crl(der)
    if found.issuer != own.issuer:
        return []
    if not _signs(issuer, found):
        raise InvalidSignature
    entry = found.get_revoked_certificate_by_serial_number(own.serial_number)
    revoked = entry.revocation_date_utc if entry is not None else None
    return [Statement(found.next_update_utc or found.last_update_utc, revoked)]


def _signs(issuer: x509.Certificate, found: x509.CertificateRevocationList) -> bool:
    key = issuer.public_key()
    return isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey) and found.is_signature_valid(key)


def _told(stamps: Sequence[Stamp]) -> tuple[tuple[datetime, str, datetime], ...]:
    """Time, signer, and until when each proves something: its certificate's term, or that of what it is made by."""
    found = []
    for one in stamps:
        days = [datetime(day.year, day.month, day.day, 23, 59, 59, tzinfo=UTC) for _, day in one.weak]
        found.append((one.at, name_of(one.signer), min([one.signer.not_valid_after_utc, *days])))
    return tuple(found)


def name_of(certificate: x509.Certificate) -> str:
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else certificate.subject.rfc4514_string()


def judge_evidence(
    records: dict[str, bytes],
    objects: dict[str, bytes],
    trusted: Sequence[x509.Certificate],
    named: dict[str, str],
) -> tuple[list[str], list[Standing]]:
    """Problems of all evidence records, and how the newest version of each stands.

    `objects` are the roots, their signatures and their lists of digests, by key; `named` are the digests of the
    records that the ledger names. A version that is gone, was swapped, or does not begin as the one before, is named.
    """
    problems = [f"{key} is missing: the ledger names it" for key in sorted(named.keys() - records.keys())]
    problems += [
        f"{key}: the evidence record is another one than the ledger names"
        for key in sorted(named.keys() & records.keys())
        if hashlib.sha256(records[key]).hexdigest() != named[key]
    ]
    series: dict[str, list[str]] = {}
    for key in sorted(records):
        series.setdefault(key.rpartition("/")[0], []).append(key)
    standing = []
    for folder, keys in series.items():
        due = [f"{folder}/{number:06d}.ers" for number in range(1, len(keys) + 1)]
        problems += [f"{key} is missing: later versions are here" for key in due if key not in keys]
        begun: list[bytes] = []
        for key in keys:
            try:
                now = [_signed(s.token).signature for c in read_record(records[key]) for s in c.stamps]
            except (ValueError, IndexError, KeyError):
                if key != keys[-1]:
                    problems.append(f"{key}: the evidence record is damaged")
                continue
            if now[: len(begun)] != begun or len(now) <= len(begun):
                problems.append(f"{key}: does not go on from the version before it")
            begun = now
        found, last = judge_record(keys[-1], records[keys[-1]], objects, trusted)
        problems += found
        if last is not None:
            standing.append(last)
    return problems, standing


def judge_digests(objects: dict[str, bytes], read: Callable[[str], bytes | None]) -> tuple[list[str], int]:
    """Problems of what the lists of stronger digests (`x/{day}/sha512.jsonl`) name, as far as `read` has it."""
    problems, compared = [], 0
    for key, content in objects.items():
        name = key.rpartition("/")[2].removesuffix(".jsonl")
        if not key.endswith(".jsonl"):
            continue
        for line in content.splitlines():
            try:
                found = json.loads(line)
                place, wanted = str(found["key"]), str(found[name])
                there = read(place)
                if there is None:
                    continue
                compared += 1
                if hashlib.new(name, there).hexdigest() != wanted:
                    problems.append(f"{place}: not the bytes whose {name} {key} holds")
            except (ValueError, KeyError, TypeError):
                problems.append(f"{key}: a line is none of a list of digests")
    return problems, compared


def evidence_named(entries: Iterable[Entry], named: dict[str, str]) -> Iterator[Entry]:
    """The entries as they are; what they say of evidence records is kept in `named`."""
    for one in entries:
        if RENEWAL in one.body:
            try:
                body = json.loads(one.body)
                if body["act"] == RENEWAL:
                    named[str(body["objects"][0])] = str(body["objects"][1])
            except (ValueError, KeyError, TypeError, IndexError, RecursionError):
                pass  # the walk says what is wrong with it
        yield one


def sealed_objects(roots: Iterable[Root]) -> dict[str, bytes]:
    """What evidence records are over: each root and its signature, by key."""
    found: dict[str, bytes] = {}
    for root in roots:
        found[root.key] = root.content
        if root.signature is not None:
            found[root.key.removesuffix("json") + "p7s"] = root.signature
    return found


MOST_PROOF = 256 << 20
"""Bytes of the largest proof that is read."""
INCLUSION = "inclusion-1"
"""Contract of the proof that one document stands under the signed root of a day."""


def audit_path(tree: Sequence[Sequence[bytes]], place: int) -> list[str]:
    """The hashes that lead from a leaf to the top (RFC 6962 section 2.1.1), from below."""
    path = []
    for level in tree[:-1]:
        if place ^ 1 < len(level):
            path.append(level[place ^ 1].hex())
        place //= 2
    return path


def levels(leaves: Sequence[bytes]) -> list[list[bytes]]:
    """The tree of RFC 6962 over the leaves' data, level by level, the top last."""
    level = [hashlib.sha256(b"\0" + leaf).digest() for leaf in leaves]
    tree = [level]
    while len(level) > 1:
        pairs = [
            hashlib.sha256(b"\1" + level[n] + level[n + 1]).digest() for n in range(0, len(level) - 1, 2)
        ]
        level = pairs + level[len(pairs) * 2 :]
        tree.append(level)
    return tree


def climb(leaf: bytes, place: int, size: int, path: Sequence[str]) -> str:
    """The top that a path leads to. Raises ValueError when the path is not of such a tree."""
    if not 0 <= place < size:
        raise ValueError("the leaf is not of this tree")
    own, rest = hashlib.sha256(b"\0" + leaf).digest(), [bytes.fromhex(one) for one in path]
    while size > 1:
        if place ^ 1 < size:
            if not rest:
                raise ValueError("the path is too short")
            other = rest.pop(0)
            left, right = (other, own) if place & 1 else (own, other)
            own = hashlib.sha256(b"\1" + left + right).digest()
        place, size = place // 2, (size + 1) // 2
    if rest:
        raise ValueError("the path is too long")
    return own.hex()


def judge_inclusion(
    found: dict[str, Any], file: bytes | None, trusted: Sequence[x509.Certificate]
) -> dict[str, Any]:
    """Whether a proof leads from a document (the bytes of `file`, when given) up to a signed root, and since when."""
    problems: list[str] = []
    told: dict[str, Any] = {
        "ok": False,
        "day": None,
        "signer": None,
        "stamped": None,
        "trusted": None,
        "evidence": None,
    }
    try:
        sha256, key = str(found["sha256"]), str(found["manifest"]["key"])
        manifest, place = str(found["manifest"]["content"]).encode(), str(found["root"]["key"])
        root = str(found["root"]["content"]).encode()
        signature = base64.b64decode(found["root"]["p7s"]) if found["root"]["p7s"] else None
        stated, entries = json.loads(root), json.loads(manifest)["entries"]
        told |= {"document": str(found["document"]), "sha256": sha256, "day": str(stated["day"])}
        named = {(one["document"], one["role"], one["sha256"]) for one in entries}
        sealed = {(one["key"], one["sha256"]) for one in stated["manifests"]}
        whole, path = str(stated["root"]), [str(one) for one in found["path"]]
        leaf, size = found["leaf"], int(found["leaves"])
        record = found.get("evidence")
        evidence = {str(record["key"]): base64.b64decode(record["record"])} if record else {}
    except (ValueError, KeyError, TypeError, RecursionError):
        return {**told, "problems": ["the proof is damaged or no proof"]}
    if file is not None and hashlib.sha256(file).hexdigest() != sha256:
        problems.append("the file is another one than the proof is about")
    if (told["document"], "document", sha256) not in named:
        problems.append(f"{key}: the manifest does not hold this document with these bytes")
    own = hashlib.sha256(manifest).hexdigest()
    if (key, own) not in sealed:
        problems.append(f"{key}: the manifest is not one that the root of {told['day']} seals")
    try:
        if climb(f"manifest {key} {own}".encode(), int(leaf), size, path) != whole:
            problems.append("the path does not lead to the root of the day")
    except (ValueError, TypeError) as error:
        problems.append(f"the path does not lead to the root of the day ({error})")
    try:
        if signature is None:
            raise Broken("the root is not signed")
        seal = check_signature(root, signature, trusted)
        stamped = seal.stamped.isoformat() if seal.stamped else None
        told |= {"signer": seal.signer, "stamped": stamped, "trusted": seal.trusted}
        if seal.trusted is False:
            raise Broken(f"signed by {seal.signer}, whom no given root vouches for")
    except Broken as error:
        problems.append(f"{place}: {error}")
    objects = sealed_objects([Root(place, root, signature)])
    for name, der in evidence.items():
        wrong, standing = judge_record(name, der, objects, trusted, alone=False)
        problems += wrong
        if standing is not None:
            told["evidence"] = evidence_told(standing)
            problems += [f"{name}: does not cover {one}" for one in objects if one not in standing.covers]
    return {**told, "ok": not problems, "problems": problems}


@dataclass(slots=True)
class Export:
    """An exported ledger, read line by line; what is no line of one is a problem."""

    path: Path
    roots: list[Root] = field(default_factory=list)
    evidence: dict[str, bytes] = field(default_factory=dict)
    head: dict[str, Any] | None = None
    problems: list[str] = field(default_factory=list)

    def entries(self) -> Iterator[Entry]:
        """The entries in the file's order; roots, evidence records and head are kept on the way."""
        with self.path.open("rb") as stream:
            for number, line in enumerate(stream, 1):
                try:
                    found = json.loads(line)
                    if "head" in found:
                        self.head = dict(found["head"])
                    elif "root" in found:
                        signature = base64.b64decode(found["p7s"]) if found["p7s"] else None
                        self.roots.append(Root(str(found["key"]), str(found["root"]).encode(), signature))
                    elif "evidence" in found:
                        self.evidence[str(found["key"])] = base64.b64decode(found["evidence"])
                    else:
                        yield entry_of(found)
                except (ValueError, TypeError, KeyError, RecursionError):
                    self.problems.append(f"line {number} is no line of a ledger")


def judge_export(
    path: Path, *, objects: Path | None = None, trusted: Sequence[x509.Certificate] = ()
) -> dict[str, Any]:
    """Everything that an exported ledger, and copies of the bucket's objects, can be held to."""
    export = Export(path)
    named: dict[str, str] = {}
    chain = walk(evidence_named(export.entries(), named))
    problems = export.problems + chain.problems
    if export.head is None:
        problems.append("the file has no head: it is cut off")
    elif (export.head.get("last"), export.head.get("hash")) != (chain.last, chain.head):
        problems.append(f"the head names entry {export.head.get('last')}, the file ends with {chain.last}")
    roots = {root.key: root for root in export.roots}
    segments, compared = 0, 0
    lists: dict[str, bytes] = {}
    if objects is not None:
        for file in sorted(objects.glob(f"{EVIDENCE}*/*.ers")):
            key = file.relative_to(objects).as_posix()
            if export.evidence.setdefault(key, file.read_bytes()) != file.read_bytes():
                problems.append(f"{key}: the export holds another evidence record than the store")
        lists = {
            f.relative_to(objects).as_posix(): f.read_bytes() for f in sorted(objects.glob("x/**/*.jsonl"))
        }
        for file in sorted(objects.glob("x/**/root.json")):
            key = file.relative_to(objects).as_posix()
            signature = file.with_name("root.p7s")
            found = Root(key, file.read_bytes(), signature.read_bytes() if signature.exists() else None)
            if key in roots and roots[key].content != found.content:
                problems.append(f"{key}: the export holds another root than the store")
            roots[key] = found
        files = sorted(objects.glob("l/**/*.jsonl"))
        segments = len(files)
        problems += judge_segments(
            chain, ((f.relative_to(objects).as_posix(), f.read_bytes()) for f in files)
        )
    ordered = [roots[key] for key in sorted(roots)]
    found_in_roots, seals = judge_roots(chain, ordered, trusted)
    problems += found_in_roots
    broken, standing = judge_evidence(export.evidence, {**sealed_objects(ordered), **lists}, trusted, named)
    problems += broken
    if objects is not None:
        place = objects

        def read(key: str) -> bytes | None:
            return (place / key).read_bytes() if not escapes(key) and (place / key).is_file() else None

        wrong, compared = judge_manifests(ordered, read)
        problems += wrong + judge_digests(lists, read)[0]
    return report(chain, problems, seals, segments=segments, manifests=compared, evidence=standing)


def escapes(key: str) -> bool:
    """Whether a key from outside would lead out of its folder."""
    return key.startswith("/") or ".." in key.split("/")


def report(
    chain: Chain,
    problems: Sequence[str],
    seals: dict[str, Seal],
    *,
    segments: int,
    manifests: int,
    evidence: Sequence[Standing] = (),
) -> dict[str, Any]:
    """The outcome as a document."""
    return {
        "ok": not problems,
        "entries": chain.entries,
        "head": chain.head,
        "problems": list(dict.fromkeys(problems)),
        "roots": [
            {
                "day": day,
                "signer": seal.signer,
                "stamped": seal.stamped.isoformat() if seal.stamped else None,
                "trusted": seal.trusted,
            }
            for day, seal in sorted(seals.items())
        ],
        "segments": segments,
        "manifests": manifests,
        "evidence": [evidence_told(one) for one in evidence],
    }


def evidence_told(one: Standing) -> dict[str, Any]:
    """A record as a document: the days that it covers, and until when its last time-stamp's certificate holds."""
    days = sorted({"-".join(name.split("/")[1:4]) for name in one.covers if name.endswith("/root.json")})
    return {
        "key": one.key,
        "days": days,
        "stamps": [{"at": at.isoformat(), "signer": signer} for at, signer, _ in one.stamps],
        "ends": one.stamps[-1][2].isoformat() if one.stamps else None,
    }


def is_inclusion(path: Path) -> bool:
    """Whether a file is the proof of one document, not an exported ledger."""
    with path.open("rb") as stream:
        return stream.read(40).startswith(b'{"contract": "' + INCLUSION.encode())


def read_inclusion(path: Path, file: Path | None, trusted: Sequence[x509.Certificate]) -> dict[str, Any]:
    """Judge the proof of one document, with the document when it is at hand."""
    if path.stat().st_size > MOST_PROOF:
        return {"ok": False, "day": None, "problems": ["the proof is too large to be one"]}
    try:
        found = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        found = {}
    return judge_inclusion(
        found if isinstance(found, dict) else {}, file.read_bytes() if file else None, trusted
    )


def _say_inclusion(found: dict[str, Any]) -> int:
    state = "đứng dưới gốc (stands under the root)" if found["ok"] else "KHÔNG CHỨNG MINH ĐƯỢC (not proven)"
    sys.stdout.write(f"{found.get('document')} {state} {found['day']}\n")
    sys.stdout.write(f"  {found.get('signer')}, {found.get('stamped')}, SHA-256 {found.get('sha256')}\n")
    for problem in found["problems"]:
        sys.stdout.write(f"  {in_both(problem)}\n")
    return 0 if found["ok"] else 5


UNSEALED = (
    "chưa có ngày nào được ký: các mục khớp với nhau, nhưng chưa có gì chứng minh ai đã ghi"
    " (no day is signed: the entries agree with each other, nothing proves who wrote them)"
)


def main() -> int:
    """Judge the file that is named on the command line."""
    parser = argparse.ArgumentParser(description="Judge an exported ledger. (Kiểm tra sổ cái đã xuất.)")
    parser.add_argument("ledger", type=Path)
    parser.add_argument(
        "--objects", type=Path, help="folder with copies of the bucket's x/, l/ and d/ objects"
    )
    parser.add_argument(
        "--root", type=Path, action="append", default=[], help="a trusted root certificate, PEM"
    )
    parser.add_argument(
        "--file", type=Path, help="the document that a proof of `sohoa ledger prove` is about"
    )
    asked = parser.parse_args()
    try:
        trusted = [one for file in asked.root for one in x509.load_pem_x509_certificates(file.read_bytes())]
        if is_inclusion(asked.ledger):
            return _say_inclusion(read_inclusion(asked.ledger, asked.file, trusted))
        found = judge_export(asked.ledger, objects=asked.objects, trusted=trusted)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    state = "nguyên vẹn (holds)" if found["ok"] else "KHÔNG NGUYÊN VẸN (does not hold)"
    sys.stdout.write(f"{found['entries']} mục (entries): {state}\n")
    if not found["roots"]:
        sys.stdout.write(f"  {UNSEALED}\n")
    for one in found["roots"]:
        trust = {
            True: "tin cậy (trusted)",
            False: "không tin cậy (not trusted)",
            None: "chưa xét gốc (root not given)",
        }
        sys.stdout.write(
            f"  {one['day']}: {one['signer']}, {one['stamped'] or '-'}, {trust[one['trusted']]}\n"
        )
    for one in found["evidence"]:
        days = f"{one['days'][0]} – {one['days'][-1]}" if one["days"] else "-"
        sys.stdout.write(
            f"  bằng chứng (evidence) {days}: {len(one['stamps'])} dấu thời gian (time-stamps), đến {one['ends']}\n"
        )
    for problem in found["problems"]:
        sys.stdout.write(f"  {in_both(problem)}\n")
    return 0 if found["ok"] else 5


if __name__ == "__main__":
    sys.exit(main())
