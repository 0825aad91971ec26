#!/usr/bin/env python3
"""Judge an exported ledger without sohoa and without a database: this one file, Python, and `cryptography`.

    python3 verify_ledger.py LEDGER.jsonl [--objects FOLDER] [--root ROOT.crt ...]

The ledger is a chain: hash = SHA-256(previous hash, newline, body). At the end of each day (Vietnam time) the agency
signs a Merkle root (RFC 6962: leaf 0x00, node 0x01) over the day's entries and manifests. So a changed, removed,
inserted or reordered entry is named, and so is an end that was cut off. FOLDER holds copies of the bucket's
`x/`, `l/` and `d/` objects, whichever are at hand. Exit code 0: it holds; 5: it does not; 2: wrong usage.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
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


def _inside(data: bytes) -> list[tuple[int, bytes, bytes]]:
    return list(_parts(data))


def _signed(message: bytes) -> _Signed:
    """SignedData (RFC 5652) taken apart, its one signer too."""
    (_, info, _), *rest = _inside(message)
    if rest:
        raise ValueError("bytes after the end")
    body = _inside(_inside(_inside(info)[1][1])[0][1])
    capsule = _inside(body[2][1])
    content = _inside(capsule[1][1])[0][1] if len(capsule) > 1 else None
    certificates = [
        x509.load_der_x509_certificate(whole)
        for tag, inner, _ in body[3:]
        if tag == 0xA0
        for kind, _, whole in _inside(inner)
        if kind == 0x30
    ]
    (signer,) = _inside(body[-1][1])
    fields = _inside(signer[1])
    unsigned = fields[6][1] if len(fields) > 6 else b""
    algorithm = HASHES[_inside(fields[2][1])[0][1]]
    return _Signed(
        certificates,
        content,
        fields[1][1],
        algorithm,
        fields[3][1],
        _inside(fields[4][1])[0][1],
        fields[5][1],
        unsigned,
    )


def _attribute(attributes: bytes, kind: bytes) -> list[bytes]:
    """The values of one attribute, whole."""
    for _, inner, _ in _inside(attributes):
        (_, name, _), (_, values, _) = _inside(inner)
        if name == kind:
            return [whole for _, _, whole in _inside(values)]
    return []


def _check_signer(signed: _Signed, content: bytes) -> x509.Certificate:
    """The certificate whose key signed `content`. Raises InvalidSignature or ValueError."""
    (_, _, issuer), (_, serial, _) = _inside(signed.signer)
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
    if _inside(stated)[0][1] != digest.finalize():
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
    stamp = _signed(token)
    if stamp.content is None:
        raise ValueError("an empty time-stamp")
    own = _check_signer(stamp, stamp.content)
    fields = _inside(_inside(stamp.content)[0][1])
    kind, imprint = _inside(fields[2][1])
    digest = hashes.Hash(HASHES[_inside(kind[1])[0][1]])
    digest.update(signature)
    if imprint[1] != digest.finalize():
        raise InvalidSignature
    at = datetime.strptime(fields[4][1].decode()[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    uses = own.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    if ExtendedKeyUsageOID.TIME_STAMPING not in uses:
        raise Broken("the time-stamp is by a certificate that may not stamp")
    if trusted and not _leads_to(own, stamp.certificates, trusted, at):
        raise Broken("the time-stamp is by an authority whom no given root vouches for")
    return at


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


@dataclass(slots=True)
class Export:
    """An exported ledger, read line by line; what is no line of one is a problem."""

    path: Path
    roots: list[Root] = field(default_factory=list)
    head: dict[str, Any] | None = None
    problems: list[str] = field(default_factory=list)

    def entries(self) -> Iterator[Entry]:
        """The entries in the file's order; roots and head are kept on the way."""
        with self.path.open("rb") as stream:
            for number, line in enumerate(stream, 1):
                try:
                    found = json.loads(line)
                    if "head" in found:
                        self.head = dict(found["head"])
                    elif "root" in found:
                        signature = base64.b64decode(found["p7s"]) if found["p7s"] else None
                        self.roots.append(Root(str(found["key"]), str(found["root"]).encode(), signature))
                    else:
                        yield entry_of(found)
                except (ValueError, TypeError, KeyError, RecursionError):
                    self.problems.append(f"line {number} is no line of a ledger")


def judge_export(
    path: Path, *, objects: Path | None = None, trusted: Sequence[x509.Certificate] = ()
) -> dict[str, Any]:
    """Everything that an exported ledger, and copies of the bucket's objects, can be held to."""
    export = Export(path)
    chain = walk(export.entries())
    problems = export.problems + chain.problems
    if export.head is None:
        problems.append("the file has no head: it is cut off")
    elif (export.head.get("last"), export.head.get("hash")) != (chain.last, chain.head):
        problems.append(f"the head names entry {export.head.get('last')}, the file ends with {chain.last}")
    roots = {root.key: root for root in export.roots}
    segments, compared = 0, 0
    if objects is not None:
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
    if objects is not None:
        place = objects
        wrong, compared = judge_manifests(
            ordered, lambda key: (place / key).read_bytes() if (place / key).is_file() else None
        )
        problems += wrong
    return report(chain, problems, seals, segments=segments, manifests=compared)


def report(
    chain: Chain, problems: Sequence[str], seals: dict[str, Seal], *, segments: int, manifests: int
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
    }


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
    asked = parser.parse_args()
    try:
        trusted = [one for file in asked.root for one in x509.load_pem_x509_certificates(file.read_bytes())]
        found = judge_export(asked.ledger, objects=asked.objects, trusted=trusted)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    state = "nguyên vẹn (holds)" if found["ok"] else "KHÔNG NGUYÊN VẸN (does not hold)"
    sys.stdout.write(f"{found['entries']} mục (entries): {state}\n")
    for one in found["roots"]:
        trust = {
            True: "tin cậy (trusted)",
            False: "không tin cậy (not trusted)",
            None: "chưa xét gốc (root not given)",
        }
        sys.stdout.write(
            f"  {one['day']}: {one['signer']}, {one['stamped'] or '-'}, {trust[one['trusted']]}\n"
        )
    for problem in found["problems"]:
        sys.stdout.write(f"  {problem}\n")
    return 0 if found["ok"] else 5


if __name__ == "__main__":
    sys.exit(main())
