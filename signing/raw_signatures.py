"""Signatures found in the bytes of a file, whatever its structure says.

For files whose structure no reader follows, and for signatures that the structure no longer leads to. Only what lies
where its own byte range says is one: a signed PDF carried inside another keeps ranges that count from its own start.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from asn1crypto import cms

from signing.signature_fields import UNREADABLE

MOST = 1_000
_RANGE = re.compile(
    rb"/ByteRange\s{0,20}\[\s{0,20}(\d{1,12})\s{1,20}(\d{1,12})\s{1,20}(\d{1,12})\s{1,20}(\d{1,12})"
)
_MARK = re.compile(rb"/ByteRange\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class RawSignature:
    """One byte range, `end` just behind it; `whole`: an intact digest of bytes that are all there."""

    ranges: tuple[int, int, int, int]
    end: int
    whole: bool
    inside: bool


def is_marked(content: bytes) -> bool:
    """Whether anything in the file looks like a signature's byte range."""
    return _MARK.search(content) is not None


def raw_signatures(content: bytes) -> list[RawSignature]:
    """Those that stand where they say, or that reach beyond the end of the file."""
    return [one for found in _ranges(content) if (one := _look(content, *found)) is not None]


def _ranges(content: bytes) -> Iterator[tuple[int, tuple[int, int, int, int]]]:
    for count, match in enumerate(_RANGE.finditer(content)):
        if count == MOST:
            return
        first, size, second, rest = (int(edge) for edge in match.groups())
        yield match.start(), (first, size, second, rest)


def _look(content: bytes, at: int, ranges: tuple[int, int, int, int]) -> RawSignature | None:
    first, size, second, rest = ranges
    end = second + rest
    if first != 0 or size >= second or not (at < size or second <= at):
        return None
    room = content[size:second]
    if not room.startswith(b"<"):
        return None
    inside = end <= len(content)
    covered = content[:size] + content[second:end]
    return RawSignature(ranges=ranges, end=end, inside=inside, whole=inside and _is_digest_of(room, covered))


def _is_digest_of(room: bytes, covered: bytes) -> bool:
    """Whether the object in the room names the digest of these bytes as what it signed."""
    try:
        signed = cms.ContentInfo.load(bytes.fromhex(room.strip(b"<> \r\n\0").decode("ascii")))["content"]
        kind = signed["encap_content_info"]["content_type"].native
        if kind == "tst_info":
            imprint = signed["encap_content_info"]["content"].parsed["message_imprint"]
            name, claimed = imprint["hash_algorithm"]["algorithm"].native, imprint["hashed_message"].native
        else:
            info: Any = signed["signer_infos"][0]
            name = info["digest_algorithm"]["algorithm"].native
            (claimed,) = (
                attribute["values"][0].native
                for attribute in info["signed_attrs"]
                if attribute["type"].native == "message_digest"
            )
        return bool(hashlib.new(str(name), covered).digest() == claimed)
    except UNREADABLE:
        return False
