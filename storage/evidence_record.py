"""Evidence records in the ASN.1 of RFC 4998, built: a first time-stamp over many objects, and both ways to renew it.

A list of a reduced hash tree always has two leaves or more; one leaf alone is stamped without a tree, so that no
reader has to know whether a list of one is hashed again.
"""

from __future__ import annotations

from collections.abc import Sequence

from cryptography import x509

from storage.proof import ArchiveStamp, StampChain, fold, inside, read_record, sequence_of, tlv

KINDS = {
    "sha256": bytes.fromhex("608648016503040201"),
    "sha384": bytes.fromhex("608648016503040202"),
    "sha512": bytes.fromhex("608648016503040203"),
}
"""OIDs of the digest algorithms, weakest first."""
NAMES = {kind: name for name, kind in KINDS.items()}
OCSP_RESPONSE = bytes.fromhex("06082b06010505071002")
"""OID id-ri-ocsp-response (RFC 5940) in DER."""
Tree = tuple[tuple[bytes, ...], ...]


def plant(groups: Sequence[Sequence[bytes]], kind: bytes) -> tuple[bytes, list[Tree]]:
    """One hash tree over several groups of leaves: what is to be stamped, and the reduced tree of each group."""
    if not groups or not all(groups):
        raise ValueError("a hash tree needs leaves")
    lists = [tuple(sorted(group)) for group in groups]
    if len(lists) == 1:
        return fold(lists, kind), [(lists[0],) if len(lists[0]) > 1 else ()]
    if all(len(one) == 1 for one in lists):  # siblings: one list for all of them
        together = tuple(sorted(leaf for one in lists for leaf in one))
        return fold([together], kind), [(together,) for _ in lists]
    tops = [fold([one], kind) for one in lists]
    trees: list[Tree] = []
    for number, one in enumerate(lists):
        others = tuple(sorted(tops[:number] + tops[number + 1 :]))
        trees.append((one, others) if len(one) > 1 else (tuple(sorted([*one, *others])),))
    return fold([tuple(tops)], kind), trees


def begun(stamp: ArchiveStamp) -> bytes:
    """DER of a record with its first time-stamp."""
    return _record([_chain([stamp])])


def stamped_again(record: bytes, last_token: bytes, stamp: ArchiveStamp) -> bytes:
    """Time-stamp renewal (section 5.2): the last chain goes on; `last_token` is its last token as it was stamped."""
    *before, last = read_record(record)
    *stamps, old = last.stamps
    fresh = ArchiveStamp(old.kind, old.tree, last_token)
    return _record([*before, _chain([*stamps, fresh, stamp])])


def planted_again(chains: Sequence[StampChain], stamp: ArchiveStamp) -> bytes:
    """Hash-tree renewal (section 5.3): a new chain behind those that it binds."""
    return _record([*chains, _chain([stamp])])


def with_last_token(record: bytes, token: bytes) -> tuple[StampChain, ...]:
    """The chains of a record whose last token has taken up newer revocation data."""
    *before, last = read_record(record)
    *stamps, old = last.stamps
    return (*before, _chain([*stamps, ArchiveStamp(old.kind, old.tree, token)]))


def _chain(stamps: Sequence[ArchiveStamp]) -> StampChain:
    return StampChain(tuple(stamps), tlv(0x30, *(_stamp(one) for one in stamps)))


def _stamp(one: ArchiveStamp) -> bytes:
    lists = [tlv(0x30, *(tlv(0x04, leaf) for leaf in leaves)) for leaves in one.tree]
    tree = tlv(0xA2, *lists) if lists else b""
    return tlv(0x30, tlv(0xA0, tlv(0x06, one.kind)), tree, one.token)


def _record(chains: Sequence[StampChain]) -> bytes:
    kinds = dict.fromkeys(stamp.kind for chain in chains for stamp in chain.stamps)
    digests = tlv(0x30, *(tlv(0x30, tlv(0x06, kind)) for kind in kinds))
    return tlv(0x30, tlv(0x02, b"\x01"), digests, sequence_of(chains))


def with_proof(
    token: bytes, *, certificates: Sequence[bytes], crls: Sequence[bytes], ocsps: Sequence[bytes]
) -> bytes:
    """The token with its signer's certificates and revocation data (DER) beside what it carries.

    RFC 4998 section 3.1: there the next time-stamp covers them. They are no part of what is signed. Roots stay out:
    whoever trusts one has it.
    """
    ((_, info, _),) = inside(token)
    (_, _, oid), (_, explicit, _) = inside(info)
    ((_, body, _),) = inside(explicit)
    fields = inside(body)
    known = {whole for tag, inner, _ in fields[3:-1] if tag == 0xA0 for _, _, whole in inside(inner)}
    known |= {one for one in certificates if not _is_root(one)}
    revocation = {whole for tag, inner, _ in fields[3:-1] if tag == 0xA1 for _, _, whole in inside(inner)}
    revocation |= {*crls, *(tlv(0xA1, OCSP_RESPONSE, one) for one in ocsps)}
    version = tlv(0x02, b"\x05") if ocsps else fields[0][2]  # RFC 5652 section 5.1
    held = [tlv(0xA0, *sorted(known))] if known else []
    held += [tlv(0xA1, *sorted(revocation))] if revocation else []
    return tlv(0x30, oid, tlv(0xA0, tlv(0x30, version, fields[1][2], fields[2][2], *held, fields[-1][2])))


def _is_root(certificate: bytes) -> bool:
    found = x509.load_der_x509_certificate(certificate)
    return found.issuer == found.subject
