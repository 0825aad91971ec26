"""Digests by a stronger algorithm of all that the root of a day covers, made when the one in use weakens.

A root names manifests, manifests name content, each by SHA-256. Who could forge SHA-256 one day must not be able to put
another paper under an old root: so before that day everything is read back, compared with its SHA-256 once more, and
written down by the stronger digest, and that list goes under the new time-stamp (RFC 4998 section 5.3: the objects
themselves are hashed again).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Engine, select

from pipeline.errors import Tampered
from storage.database import reading
from storage.manifest import decode
from storage.s3 import Bucket
from storage.schema import ledger_segment


def digests_of_day(database: Engine, bucket: Bucket, root: bytes, algorithm: str) -> bytes:
    """A line of JSON for each segment, manifest and object new that day: key, sha256, and the stronger digest.

    Raises Tampered when one of them is not as recorded.
    """
    stated = json.loads(root)
    lines = []
    for key, sha256 in dict(_covered(database, bucket, stated)).items():
        found = bucket.hashes(key, "sha256", algorithm)
        if found is None or found[0] != sha256:
            raise Tampered(
                f"{key} is missing or not as recorded; run `sohoa fixity --repair`, then renew again",
                vi=f"{key} đã mất hoặc khác với lúc ghi nhận; chạy `sohoa fixity --repair` rồi gia hạn lại",
            )
        lines.append(json.dumps({"key": key, "sha256": sha256, algorithm: found[1]}, ensure_ascii=False))
    return "".join(f"{line}\n" for line in lines).encode()


def _covered(database: Engine, bucket: Bucket, stated: dict[str, Any]) -> Iterator[tuple[str, str]]:
    query = select(ledger_segment).where(
        ledger_segment.c.last >= stated["first"],
        ledger_segment.c.first <= stated["last"],
        ledger_segment.c.sha256.is_not(None),
    )
    with reading(database) as connection:
        segments = connection.execute(query.order_by(ledger_segment.c.first)).all()
    for row in segments:
        yield row.key, row.sha256
    for one in stated["manifests"]:
        key = str(one["key"])
        yield key, str(one["sha256"])
        content = bucket.read(key)
        if content is None:
            continue  # the caller says so
        manifest = decode(content, key)
        before = bucket.read(f"{key.rpartition('/')[0]}/{manifest.number - 1:06d}.json")
        old = (
            {entry.key for entry in decode(before, key).entries} if before and manifest.number > 1 else set()
        )
        for entry in manifest.entries:
            if entry.key not in old:
                yield entry.key, entry.sha256
